/* The kernel, as weir uses it. Layer 1.
 *
 * os.c is the only file of the library that calls mmap, mprotect, madvise or
 * mremap, that reads a clock or opens a file. It uses syscall(2) for the memory
 * and file calls, because other preloaded libraries hook the C library's wrappers
 * and call back, and because those are cancellation points. Everything here keeps errno, allocates
 * nothing, and, but for weir_os_read_file, may be called in a signal handler. The unit tests link
 * tests/harness/fake_os.c in its place, which can fail any call on demand. */
#ifndef WEIR_OS_H
#define WEIR_OS_H

#include "base.h"

#include <sys/types.h>

/* Bytes of a page; a power of two, 4 KiB to 64 KiB. Constant in a process. */
size_t weir_os_page_bytes(void);

/* Bytes of the machine's memory; 0 when unknown. */
uint64_t weir_os_memory_bytes(void);

/* The address-space limit of the process (ulimit -v); SIZE_MAX when none. */
size_t weir_os_address_limit_bytes(void);

/* Reserves addresses that nothing can touch yet: NULL when there are none.
 * `align` is a power of two, at least a page. */
void *weir_os_reserve(size_t bytes, size_t align);
void weir_os_unreserve(void *address, size_t bytes);

/* Makes reserved addresses readable and writable: false when the system will
 * not promise the memory. Page-aligned. Repeating it is harmless. */
bool weir_os_commit(void *address, size_t bytes);

/* Makes a committed range one that nothing can touch; weir_os_commit ends that. False when the
 * kernel refuses (ENOMEM at max_map_count); the range is then as before. Page-aligned. */
bool weir_os_deny(void *address, size_t bytes);

/* Makes pages of the library's own data read-only, for good. The same. */
bool weir_os_seal(void *address, size_t bytes);

/* Gives the pages of a committed range back at once; they read as zero when
 * touched again. False, and then nothing may be assumed of the contents, when
 * the kernel refuses. Page-aligned. Works in bounded steps. */
bool weir_os_release(void *address, size_t bytes);

/* Puts fresh zero pages under a committed range, which also joins mappings that
 * moves have split (mmap MAP_FIXED). `huge` is the advice it gets. False when the
 * kernel refuses; the old pages are then still there. */
enum weir_huge { WEIR_HUGE_NEVER, WEIR_HUGE_ALWAYS };
bool weir_os_renew(void *address, size_t bytes, enum weir_huge huge);

/* Advises the kernel about huge pages for a range; a refusal changes nothing. */
void weir_os_advise_huge(void *address, size_t bytes, enum weir_huge huge);

/* Moves the pages of [from, from + bytes) under [to, to + bytes) without copying
 * (mremap MREMAP_DONTUNMAP); what was under `to` is dropped, and what stays at
 * `from` is mapped and reads as zero. Page-aligned, both committed, not
 * overlapping, and the page behind `from` mapped, too. Returns how many bytes,
 * counted from the start, were moved: less than asked when the kernel refuses
 * (before 5.7; ENOMEM at max_map_count). The rest is then untouched at `from`, and
 * either untouched or zero at `to`. */
size_t weir_os_move(void *to, void *from, size_t bytes);

/* Whether a zero page of weir's own can be written, without a fault where it cannot: the kernel
 * is asked to answer into it. */
bool weir_os_can_write(void *address);

/* A number that is the calling thread's, and of few others; a hint, any is right. The
 * variable has it, or 0 before the first call. */
extern __thread unsigned weir_os_thread_number
	__attribute__((tls_model("initial-exec"), visibility("hidden")));
unsigned weir_os_thread(void);

/* A barrier for all threads: each of them that runs passes a full memory barrier between begin
 * and end of the call, as if it had one between two of its instructions. False, and then
 * nothing may be assumed, where the kernel has none (before 4.14, a sandbox), and before
 * weir_os_enable_barrier, which is once for a process, has said that it has. */
bool weir_os_enable_barrier(void);
bool weir_os_barrier(void);

/* One byte a page, whose lowest bit says whether it is resident. False when the kernel
 * does not say. */
bool weir_os_residency(void *address, size_t bytes, unsigned char *pages);

/* Gives the calling thread a table of descriptors of its own, empty but for stderr where
 * that is to be kept: what the program opens, closes and hands to its children is then none
 * of the thread's business, and the other way round. False where the kernel refuses; the
 * table is then still the program's. */
bool weir_os_own_descriptors(bool keep_stderr);

void weir_os_yield(void);
void weir_os_sleep_ms(unsigned ms);

/* Waits while *word is `value`, for so long at most (UINT64_MAX: for ever); it may return
 * early, so the caller looks again. Whoever changes the word wakes all threads of this process
 * that wait; that may be a signal handler. */
void weir_os_wait(const uint32_t *word, uint32_t value, uint64_t timeout_ms);
void weir_os_wake(const uint32_t *word);

/* Coarse monotonic time for decay (a tick is 1-10 ms), and exact for durations. */
uint64_t weir_os_now_ms(void);
uint64_t weir_os_now_ns(void);

/* The calling process; right after fork too. */
pid_t weir_os_pid(void);

/* The kernel's number of the calling thread, too. */
pid_t weir_os_thread_id(void);

/* Reads up to size - 1 bytes of a file, from `offset`, and terminates them by a
 * zero byte. Returns the bytes read, 0 at the end, or -errno. */
ssize_t weir_os_read_file(const char *path, size_t offset, char *data, size_t size);

/* Descriptors, for a thread that has a table of its own; none of them blocks and none
 * survives exec. A descriptor, or -errno.
 * open: a file that is there; at a stream socket's path, a connection to it.
 * event: an eventfd. */
int weir_os_open(const char *path, bool writable);
int weir_os_event(void);
void weir_os_close(int fd);

/* Whether it is a pipe or a socket, which gives what came once, and not a file, which is read
 * at an offset. */
bool weir_os_is_stream(int fd);

/* As weir_os_read_file, of an open descriptor. The offset of a stream or of an eventfd is
 * WEIR_OS_STREAM; it has nothing now at -EAGAIN, and has ended at 0. */
#define WEIR_OS_STREAM SIZE_MAX
ssize_t weir_os_read(int fd, size_t offset, char *data, size_t size);

/* Writes all of it to an open descriptor. 0 or -errno. */
int weir_os_write(int fd, const char *data, size_t count);

/* Puts zeroes at a place of a file and maps them, so that what is written there is the file's at
 * once, whatever becomes of the process; *mapping is to be unreserved. The file may be `made`, with
 * mode 0600, and must not be there then. Both in whole pages. 0 or -errno, and nothing is
 * mapped. */
int weir_os_map_file(const char *path, bool made, uint64_t offset, size_t bytes, void **mapping);

/* Appends it to a file, created with mode 0644, in one write. 0 or -errno. */
int weir_os_append_file(const char *path, const char *data, size_t count);

#endif
