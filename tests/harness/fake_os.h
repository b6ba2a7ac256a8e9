/* What the unit tests put in place of the kernel (src/lib/os.h).
 *
 * The memory calls are real, so that pages, zeroes and moves are too; any of them
 * can be made to fail on demand. Huge pages are off, so that what is resident is
 * known to the page. Clocks stand still until a test moves them. Threads may use
 * the fake kernel at once; hooks and the file root are set before they start. */
#ifndef FAKE_OS_H
#define FAKE_OS_H

#include "os.h"

enum fake_call {
	FAKE_RESERVE,
	FAKE_COMMIT,
	FAKE_DENY,
	FAKE_RELEASE,
	FAKE_RENEW,
	FAKE_MOVE,
	FAKE_REFUSABLE_COUNT,
	FAKE_THREAD = FAKE_REFUSABLE_COUNT, /* cannot fail, only be a moment to act in */
	FAKE_OPEN,			    /* fails for want of descriptors */
	FAKE_MAP_FILE,			    /* fails for want of room on the disk */
	FAKE_BARRIER,			    /* fails where a sandbox or an old kernel has none */
	FAKE_CALL_COUNT
};

/* Everything below back to a kernel that works, at time 0. */
void fake_os_reset(void);

/* Calls of this kind fail from the nth on (0: the next), `times` times. */
void fake_os_fail(enum fake_call call, unsigned after, unsigned times);

/* How often a kind was called, and for how many bytes, since the reset. */
unsigned fake_os_calls(enum fake_call call);
size_t fake_os_bytes(enum fake_call call);

/* Called before each call of the kind, to act in the middle of one. A hook whose
 * own actions come back here must expect it. */
typedef void fake_hook(void *context);
void fake_os_on(enum fake_call call, fake_hook *hook, void *context);

void fake_os_set_now_ms(uint64_t now_ms);
void fake_os_set_memory(uint64_t memory_bytes);

/* Pages of 4 KiB, or of a multiple, which are this kernel's then, too: it refuses what is not of
 * whole ones, and counts that. */
void fake_os_set_page(size_t page_bytes);
unsigned fake_os_misaligned(void);

/* The number that every thread is said to have; -1 for one of its own. */
void fake_os_set_thread(int number);

/* Only files below this directory exist; NULL: all that the machine has. */
void fake_os_set_file_root(const char *root);

/* Each file is looked up below this directory, as if it were the root; NULL: as it is. */
void fake_os_put_files_under(const char *root);

/* Only files that are made up exist: `made` finds their text, false where there is none.
 * Nothing is written anywhere else. NULL ends it. */
typedef bool fake_file(void *context, const char *path, const char **text, size_t *bytes);
void fake_os_make_files(fake_file *made, void *context);

/* Makes releases succeed without dropping the pages, as qemu-user does. */
void fake_os_ignore_release(bool ignore);

/* Moves that all work; that are all refused, as before Linux 5.7; or that leave nothing behind
 * that could be touched, as under qemu-user. */
enum fake_moves { FAKE_MOVES_WORK, FAKE_MOVES_REFUSED, FAKE_MOVES_LOSE };
void fake_os_set_moves(enum fake_moves moves);

/* What the kernel says of pages that are asked for: nothing, so that what was handed
 * out is taken for touched; the truth; or that none is there, as for pages in the swap. */
enum fake_residency { FAKE_RESIDENCY_UNKNOWN, FAKE_RESIDENCY_TRUE, FAKE_RESIDENCY_SWAPPED };
void fake_os_set_residency(enum fake_residency residency);

/* Bytes of [address, address + bytes), page-aligned, that are resident. */
size_t fake_os_resident(const void *address, size_t bytes);

#endif
