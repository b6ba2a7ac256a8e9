#include "fake_os.h"

#include "atomic.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

/* The kernel's membarrier(2). */
#define BARRIER_EXPEDITED (1 << 3)
#define BARRIER_ENABLE_EXPEDITED (1 << 4)

/* What the kernel below has. */
#define REAL_PAGE ((size_t)4096)

static struct {
	unsigned calls[FAKE_CALL_COUNT];
	size_t bytes[FAKE_CALL_COUNT];
	unsigned fail_after[FAKE_CALL_COUNT];
	unsigned fail_times[FAKE_CALL_COUNT];
	fake_hook *hooks[FAKE_CALL_COUNT];
	void *contexts[FAKE_CALL_COUNT];
	uint64_t now_ms;
	uint64_t memory_bytes;
	size_t page_bytes;
	unsigned misaligned;
	const char *file_root;
	const char *files_under;
	fake_file *made_file;
	void *made_context;
	int thread;
	bool ignore_release;
	enum fake_moves moves;
	enum fake_residency residency;
} fake;

void fake_os_reset(void)
{
	for (unsigned call = 0; call < FAKE_CALL_COUNT; call++) {
		weir_store_relaxed(&fake.calls[call], 0U);
		weir_store_relaxed(&fake.bytes[call], (size_t)0);
		weir_store_relaxed(&fake.fail_times[call], 0U);
		fake.hooks[call] = NULL;
	}
	fake_os_set_now_ms(0);
	fake_os_set_memory(WEIR_GIB);
	fake_os_set_page(REAL_PAGE);
	fake_os_set_thread(-1);
	fake_os_set_file_root(NULL);
	fake_os_put_files_under(NULL);
	fake_os_make_files(NULL, NULL);
	fake_os_ignore_release(false);
	fake_os_set_moves(FAKE_MOVES_WORK);
	fake_os_set_residency(FAKE_RESIDENCY_UNKNOWN);
}

void fake_os_fail(enum fake_call call, unsigned after, unsigned times)
{
	weir_store_relaxed(&fake.fail_after[call], fake_os_calls(call) + after);
	weir_store_relaxed(&fake.fail_times[call], times);
}

unsigned fake_os_calls(enum fake_call call)
{
	return weir_load_relaxed(&fake.calls[call]);
}

size_t fake_os_bytes(enum fake_call call)
{
	return weir_load_relaxed(&fake.bytes[call]);
}

void fake_os_on(enum fake_call call, fake_hook *hook, void *context)
{
	fake.hooks[call] = hook;
	fake.contexts[call] = context;
}

void fake_os_set_now_ms(uint64_t now_ms)
{
	weir_store_relaxed(&fake.now_ms, now_ms);
}

void fake_os_set_memory(uint64_t memory_bytes)
{
	weir_store_relaxed(&fake.memory_bytes, memory_bytes);
}

void fake_os_set_page(size_t page_bytes)
{
	weir_store_relaxed(&fake.page_bytes, page_bytes);
	weir_store_relaxed(&fake.misaligned, 0U);
}

unsigned fake_os_misaligned(void)
{
	return weir_load_relaxed(&fake.misaligned);
}

void fake_os_set_thread(int thread)
{
	weir_store_relaxed(&fake.thread, thread);
}

void fake_os_set_file_root(const char *root)
{
	fake.file_root = root;
}

void fake_os_put_files_under(const char *root)
{
	fake.files_under = root;
}

void fake_os_make_files(fake_file *made, void *context)
{
	fake.made_file = made;
	fake.made_context = context;
}

void fake_os_ignore_release(bool ignore)
{
	weir_store_relaxed(&fake.ignore_release, ignore);
}

void fake_os_set_moves(enum fake_moves moves)
{
	weir_store_relaxed(&fake.moves, moves);
}

void fake_os_set_residency(enum fake_residency residency)
{
	weir_store_relaxed(&fake.residency, residency);
}

size_t fake_os_resident(const void *address, size_t bytes)
{
	size_t page = REAL_PAGE;
	char *start = (char *)(uintptr_t)address;
	unsigned char states[512];
	size_t resident = 0, part;

	for (size_t at = 0; at < bytes; at += part) {
		part = weir_min(bytes - at, sizeof states * page);
		if (mincore(start + at, part, states) != 0)
			return SIZE_MAX;
		for (size_t i = 0; i * page < part; i++)
			resident += (states[i] & 1) * page;
	}
	return resident;
}

/* Counts a call; false when it is to fail. */
static bool allowed(enum fake_call call, size_t bytes)
{
	unsigned after = weir_load_relaxed(&fake.fail_after[call]);
	unsigned n;

	if (fake.hooks[call])
		fake.hooks[call](fake.contexts[call]);
	n = weir_add_relaxed(&fake.calls[call], 1U);
	weir_add_relaxed(&fake.bytes[call], bytes);
	return n < after || n - after >= weir_load_relaxed(&fake.fail_times[call]);
}

/* Whether a call is about whole pages. */
static bool aligned(const void *address, size_t bytes)
{
	if ((((uintptr_t)address | bytes) & (weir_os_page_bytes() - 1)) == 0)
		return true;
	weir_add_relaxed(&fake.misaligned, 1U);
	return false;
}

/* Before the first reset, too: static objects may ask. */
size_t weir_os_page_bytes(void)
{
	size_t page = weir_load_relaxed(&fake.page_bytes);

	return page > 0 ? page : REAL_PAGE;
}

uint64_t weir_os_memory_bytes(void)
{
	return weir_load_relaxed(&fake.memory_bytes);
}

size_t weir_os_address_limit_bytes(void)
{
	return SIZE_MAX;
}

static void *map_pages(void *address, size_t bytes, int protection, int flags)
{
	void *found = mmap(address, bytes, protection,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);

	if (found == MAP_FAILED)
		return NULL;
	madvise(found, bytes, MADV_NOHUGEPAGE);
	return found;
}

void *weir_os_reserve(size_t bytes, size_t align)
{
	char *found, *aligned;

	if (!allowed(FAKE_RESERVE, bytes))
		return NULL;
	found = map_pages(NULL, bytes + align, PROT_NONE, 0);
	if (!found)
		return NULL;
	aligned = (char *)weir_align_up((uintptr_t)found, align);
	if (aligned > found)
		munmap(found, (size_t)(aligned - found));
	if (aligned < found + align)
		munmap(aligned + bytes, (size_t)(found + align - aligned));
	return aligned;
}

void weir_os_unreserve(void *address, size_t bytes)
{
	munmap(address, bytes);
}

bool weir_os_commit(void *address, size_t bytes)
{
	return allowed(FAKE_COMMIT, bytes) && aligned(address, bytes) &&
	       mprotect(address, bytes, PROT_READ | PROT_WRITE) == 0;
}

bool weir_os_deny(void *address, size_t bytes)
{
	return allowed(FAKE_DENY, bytes) && aligned(address, bytes) &&
	       mprotect(address, bytes, PROT_NONE) == 0;
}

bool weir_os_seal(void *address, size_t bytes)
{
	return allowed(FAKE_DENY, bytes) && mprotect(address, bytes, PROT_READ) == 0;
}

bool weir_os_release(void *address, size_t bytes)
{
	if (!allowed(FAKE_RELEASE, bytes) || !aligned(address, bytes))
		return false;
	return weir_load_relaxed(&fake.ignore_release) ||
	       madvise(address, bytes, MADV_DONTNEED) == 0;
}

bool weir_os_renew(void *address, size_t bytes, enum weir_huge huge)
{
	(void)huge;
	return allowed(FAKE_RENEW, bytes) && aligned(address, bytes) &&
	       map_pages(address, bytes, PROT_READ | PROT_WRITE, MAP_FIXED) != NULL;
}

void weir_os_advise_huge(void *address, size_t bytes, enum weir_huge huge)
{
	(void)huge;
	aligned(address, bytes);
}

/* A refused move still moves its first half, as the kernel may. */
size_t weir_os_move(void *to, void *from, size_t bytes)
{
	bool whole = allowed(FAKE_MOVE, bytes);
	bool refused = weir_load_relaxed(&fake.moves) == FAKE_MOVES_REFUSED;
	size_t page = weir_os_page_bytes();
	size_t part = refused ? 0 : whole ? bytes : weir_align_down(bytes / 2, page);

	if (!aligned(from, bytes) || !aligned(to, bytes))
		return 0;
	for (size_t at = 0; at < part; at += page)
		if (mremap((char *)from + at, page, page,
			   MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
			   (char *)to + at) == MAP_FAILED)
			return at;
	if (weir_load_relaxed(&fake.moves) == FAKE_MOVES_LOSE)
		mprotect(from, part, PROT_NONE);
	return part;
}

bool weir_os_can_write(void *address)
{
	(void)address;
	return weir_load_relaxed(&fake.moves) != FAKE_MOVES_LOSE;
}

/* A page is resident where any of the kernel's pages in it is. */
static bool residency(char *address, size_t bytes, unsigned char *pages)
{
	size_t page = weir_os_page_bytes();

	if (!aligned(address, bytes))
		return false;
	for (size_t at = 0; at < bytes; at += page)
		pages[at / page] = fake_os_resident(address + at, page) > 0;
	return true;
}

bool weir_os_residency(void *address, size_t bytes, unsigned char *pages)
{
	switch (weir_load_relaxed(&fake.residency)) {
	case FAKE_RESIDENCY_TRUE:
		return residency(address, bytes, pages);
	case FAKE_RESIDENCY_SWAPPED:
		memset(pages, 0, bytes / weir_os_page_bytes());
		return true;
	default:
		return false;
	}
}

__thread unsigned weir_os_thread_number;

unsigned weir_os_thread(void)
{
	static unsigned threads;
	int said = weir_load_relaxed(&fake.thread);

	allowed(FAKE_THREAD, 0);
	if (said >= 0)
		weir_os_thread_number = (unsigned)said;
	else if (weir_os_thread_number == 0)
		weir_os_thread_number = weir_add_relaxed(&threads, 1U) + 1;
	return weir_os_thread_number;
}

bool weir_os_enable_barrier(void)
{
	return allowed(FAKE_BARRIER, 0) &&
	       syscall(SYS_membarrier, BARRIER_ENABLE_EXPEDITED, 0, 0) == 0;
}

bool weir_os_barrier(void)
{
	return allowed(FAKE_BARRIER, 0) && syscall(SYS_membarrier, BARRIER_EXPEDITED, 0, 0) == 0;
}

void weir_os_yield(void)
{
	sched_yield();
}

void weir_os_sleep_ms(unsigned ms)
{
	(void)ms;
	sched_yield();
}

void weir_os_wait(const uint32_t *word, uint32_t value, uint64_t timeout_ms)
{
	(void)word;
	(void)value;
	weir_os_sleep_ms((unsigned)timeout_ms);
}

void weir_os_wake(const uint32_t *word)
{
	(void)word;
}

uint64_t weir_os_now_ms(void)
{
	return weir_load_relaxed(&fake.now_ms);
}

uint64_t weir_os_now_ns(void)
{
	return weir_os_now_ms() * 1000000;
}

pid_t weir_os_pid(void)
{
	return getpid();
}

pid_t weir_os_thread_id(void)
{
	return (pid_t)syscall(SYS_gettid);
}

static bool exists(const char *path)
{
	return !fake.file_root || strncmp(path, fake.file_root, strlen(fake.file_root)) == 0;
}

static int connect_stream(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, path, strnlen(path, sizeof address.sun_path - 1));
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	close(fd);
	return -1;
}

static int open_made(const char *path)
{
	const char *text;
	size_t bytes;
	int fd;

	if (!fake.made_file(fake.made_context, path, &text, &bytes))
		return -ENOENT;
	fd = memfd_create("made", MFD_CLOEXEC);
	if (fd >= 0 && (weir_os_write(fd, text, bytes) != 0 || lseek(fd, 0, SEEK_SET) != 0)) {
		close(fd);
		return -EIO;
	}
	return fd < 0 ? -errno : fd;
}

int weir_os_open(const char *asked, bool writable)
{
	char path[PATH_MAX];
	int fd;

	if (!allowed(FAKE_OPEN, 0))
		return -EMFILE;
	if (fake.made_file)
		return open_made(asked);
	snprintf(path, sizeof path, "%s%s", fake.files_under ? fake.files_under : "", asked);
	if (!exists(path))
		return -ENOENT;
	fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENXIO)
		fd = connect_stream(path);
	return fd < 0 ? -errno : fd;
}

int weir_os_event(void)
{
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void weir_os_close(int fd)
{
	close(fd);
}

bool weir_os_is_stream(int fd)
{
	struct stat found;

	return fstat(fd, &found) == 0 && (S_ISFIFO(found.st_mode) || S_ISSOCK(found.st_mode));
}

ssize_t weir_os_read(int fd, size_t offset, char *data, size_t size)
{
	ssize_t result = offset == WEIR_OS_STREAM ? read(fd, data, size - 1)
						  : pread(fd, data, size - 1, (off_t)offset);

	if (result < 0)
		result = -errno;
	data[result > 0 ? result : 0] = '\0';
	return result;
}

ssize_t weir_os_read_file(const char *path, size_t offset, char *data, size_t size)
{
	int fd = weir_os_open(path, false);
	ssize_t result = fd;

	data[0] = '\0';
	if (fd >= 0) {
		result = weir_os_read(fd, offset, data, size);
		close(fd);
	}
	return result;
}

int weir_os_write(int fd, const char *data, size_t count)
{
	ssize_t written;

	for (; count > 0; count -= (size_t)written) {
		written = write(fd, data, count);
		if (written <= 0)
			return -EIO;
		data += written;
	}
	return 0;
}

int weir_os_append_file(const char *path, const char *data, size_t count)
{
	int fd, result;

	if (fake.made_file)
		return -ENOENT;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	result = weir_os_write(fd, data, count);
	close(fd);
	return result;
}

int weir_os_map_file(const char *path, bool made, uint64_t offset, size_t bytes, void **mapping)
{
	int saved_errno = errno;
	int fd, result;

	*mapping = NULL;
	if (!allowed(FAKE_MAP_FILE, bytes))
		return -ENOSPC;
	fd = open(path, made ? O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC : O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 && posix_fallocate(fd, (off_t)offset, (off_t)bytes) == 0)
		*mapping = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	result = *mapping && *mapping != MAP_FAILED ? 0 : -errno;
	if (fd >= 0)
		close(fd);
	errno = saved_errno;
	return result;
}
