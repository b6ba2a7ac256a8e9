#include "os.h"

#include "atomic.h"
#include "glibc.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* One madvise call stays below about 1 ms on 4 KiB pages (30 us/MiB). */
#define RELEASE_STEP_BYTES (32 * WEIR_MIB)

/* The kernel asks to repeat madvise(2) with EAGAIN; a handler must end. */
#define ADVISE_TRIES_MAX 1000

/* Descriptors of a table that are closed one by one. */
#define NUMBERS_MAX 65536

/* Where an offset of 64 bits takes two arguments, the offset of this one is in pages of 4 KiB. */
#ifdef SYS_mmap2
#define MAP_OFFSET_BYTES 4096
#else
#define SYS_mmap2 SYS_mmap
#define MAP_OFFSET_BYTES 1
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef FUTEX_WAIT_PRIVATE
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129
#endif
#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1U << 1)
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
/* The C library's headers need not have them. */
#define BARRIER_EXPEDITED (1 << 3)
#define BARRIER_ENABLE_EXPEDITED (1 << 4)
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

/* The raw calls. syscall(2) sets errno, which the callers restore, and is no
 * cancellation point, as malloc must not be one. */

static void *map_pages(void *address, size_t bytes, int protection, int extra_flags)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | extra_flags;
	long result = syscall(SYS_mmap2, address, bytes, protection, flags, -1, 0L);

	return result == -1 ? NULL : (void *)result; /* NOLINT: the kernel's address */
}

static bool advise(void *address, size_t bytes, int advice)
{
	long result = -1;

	for (unsigned i = 0; i < ADVISE_TRIES_MAX; i++) {
		result = syscall(SYS_madvise, address, bytes, advice);
		if (result == 0 || errno != EAGAIN)
			break;
	}
	return result == 0;
}

/* Whether MADV_DONTNEED_LOCKED drops pages: qemu-user takes it for a hint, and says that all is
 * well. Tried once, on a page of its own. */
static bool drops_locked(void)
{
	static uint32_t known; /* atomic, relaxed: 0 before the try, then 1 for no or 2 for yes */
	size_t page = weir_os_page_bytes();
	volatile char *probe;

	if (weir_load_relaxed(&known) == 0) {
		probe = map_pages(NULL, page, PROT_READ | PROT_WRITE, 0);
		if (!probe)
			return false;
		*probe = 1;
		weir_store_relaxed(
			&known,
			advise((void *)probe, page, MADV_DONTNEED_LOCKED) && *probe == 0 ? 2U : 1U);
		weir_os_unreserve((void *)probe, page);
	}
	return weir_load_relaxed(&known) == 2;
}

/* Locked pages (mlock, mlockall) want to be asked in another way, since 5.18. */
static bool drop_pages(void *address, size_t bytes)
{
	return advise(address, bytes, MADV_DONTNEED) ||
	       (errno == EINVAL && drops_locked() && advise(address, bytes, MADV_DONTNEED_LOCKED));
}

size_t weir_os_page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

uint64_t weir_os_memory_bytes(void)
{
	long pages = sysconf(_SC_PHYS_PAGES);

	return pages > 0 ? (uint64_t)pages * weir_os_page_bytes() : 0;
}

size_t weir_os_address_limit_bytes(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return SIZE_MAX;
	return (size_t)weir_min((uint64_t)limit.rlim_cur, (uint64_t)SIZE_MAX);
}

void *weir_os_reserve(size_t bytes, size_t align)
{
	int saved_errno = errno;
	size_t slack = align - weir_os_page_bytes();
	char *found = map_pages(NULL, bytes + slack, PROT_NONE, 0);
	char *aligned;

	if (found) {
		aligned = (char *)weir_align_up((uintptr_t)found, align); /* NOLINT */
		if (aligned > found)
			weir_os_unreserve(found, (size_t)(aligned - found));
		slack -= (size_t)(aligned - found);
		if (slack > 0)
			weir_os_unreserve(aligned + bytes, slack);
		found = aligned;
	}
	errno = saved_errno;
	return found;
}

void weir_os_unreserve(void *address, size_t bytes)
{
	int saved_errno = errno;

	syscall(SYS_munmap, address, bytes);
	errno = saved_errno;
}

static bool protect(void *address, size_t bytes, int protection)
{
	int saved_errno = errno;
	bool done = syscall(SYS_mprotect, address, bytes, protection) == 0;

	errno = saved_errno;
	return done;
}

bool weir_os_commit(void *address, size_t bytes)
{
	return protect(address, bytes, PROT_READ | PROT_WRITE);
}

bool weir_os_deny(void *address, size_t bytes)
{
	return protect(address, bytes, PROT_NONE);
}

bool weir_os_seal(void *address, size_t bytes)
{
	return protect(address, bytes, PROT_READ);
}

bool weir_os_release(void *address, size_t bytes)
{
	int saved_errno = errno;
	bool done = true;

	for (size_t at = 0; done && at < bytes; at += RELEASE_STEP_BYTES)
		done = drop_pages((char *)address + at, weir_min(bytes - at, RELEASE_STEP_BYTES));
	errno = saved_errno;
	return done;
}

void weir_os_advise_huge(void *address, size_t bytes, enum weir_huge huge)
{
	int saved_errno = errno;

	advise(address, bytes, huge == WEIR_HUGE_ALWAYS ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	errno = saved_errno;
}

bool weir_os_renew(void *address, size_t bytes, enum weir_huge huge)
{
	int saved_errno = errno;
	bool done = map_pages(address, bytes, PROT_READ | PROT_WRITE, MAP_FIXED) != NULL;

	if (done)
		weir_os_advise_huge(address, bytes, huge);
	errno = saved_errno;
	return done;
}

/* Whether a range crosses mappings, which earlier moves into a block leave: asked
 * by a resize that cannot succeed, because the next page is always mapped. */
static bool crosses_mappings(char *from, size_t bytes)
{
	size_t page = weir_os_page_bytes();

	return bytes > page && syscall(SYS_mremap, from, bytes, bytes + page, 0) == -1 &&
	       errno == EFAULT;
}

/* The coarsest of the borders that moves make (extent.h). */
static size_t border_below(size_t bytes)
{
	if (bytes >= 2 * WEIR_MIB)
		return 2 * WEIR_MIB;
	return bytes >= 256 * WEIR_KIB ? 256 * WEIR_KIB : weir_os_page_bytes();
}

/* Kernels before 6.17 move within one mapping only, and unmap the target before
 * they look; later ones may stop half way without saying where. So a range is
 * halved until each part lies in one mapping, and a target that was unmapped in
 * vain gets new pages before another thread's mmap falls into it: none of them huge, or more
 * would be resident than the block. */
static size_t move_pages(char *to, char *from, size_t bytes)
{
	size_t half, moved;

	if (!crosses_mappings(from, bytes)) {
		if (syscall(SYS_mremap, from, bytes, bytes,
			    MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to) != -1)
			return bytes;
		if (map_pages(to, bytes, PROT_READ | PROT_WRITE, MAP_FIXED))
			advise(to, bytes, MADV_NOHUGEPAGE);
		return 0;
	}
	half = weir_align_down(bytes / 2, border_below(bytes / 2));
	moved = move_pages(to, from, half);
	if (moved < half)
		return moved;
	return half + move_pages(to + half, from + half, bytes - half);
}

size_t weir_os_move(void *to, void *from, size_t bytes)
{
	int saved_errno = errno;
	size_t moved = move_pages(to, from, bytes);

	errno = saved_errno;
	return moved;
}

bool weir_os_can_write(void *address)
{
	int saved_errno = errno;
	bool can = syscall(SYS_clock_gettime, CLOCK_MONOTONIC, address) == 0 || errno != EFAULT;

	if (can) {
		memset(address, 0, sizeof(struct timespec));
		advise(address, weir_os_page_bytes(), MADV_DONTNEED);
	}
	errno = saved_errno;
	return can;
}

bool weir_os_residency(void *address, size_t bytes, unsigned char *pages)
{
	int saved_errno = errno;
	bool done = syscall(SYS_mincore, address, bytes, pages) == 0;

	errno = saved_errno;
	return done;
}

/* Kernels before 5.9 have no close_range: then each number there may be, up to a bound. */
static bool unshare_and_close(void)
{
	struct rlimit limit;
	long most = NUMBERS_MAX;

	if (syscall(SYS_unshare, CLONE_FILES) != 0)
		return false;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < NUMBERS_MAX)
		most = (long)limit.rlim_cur;
	for (long fd = 3; fd < most; fd++)
		syscall(SYS_close, fd);
	return true;
}

/* What is written to one of them must not reach a peer of the socket that has its number: an
 * event, because there may be no /dev. */
static void fill_standard_descriptors(void)
{
	int fd;

	do
		fd = weir_os_event();
	while (fd >= 0 && fd < 3);
	if (fd >= 0)
		syscall(SYS_close, fd);
}

bool weir_os_own_descriptors(bool keep_stderr)
{
	int saved_errno = errno;
	bool own =
		syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_UNSHARE) == 0 || unshare_and_close();

	for (int fd = 0; own && fd < (keep_stderr ? 2 : 3); fd++)
		syscall(SYS_close, fd);
	if (own)
		fill_standard_descriptors();
	errno = saved_errno;
	return own;
}

__thread unsigned weir_os_thread_number;

unsigned weir_os_thread(void)
{
	static unsigned threads; /* atomic, relaxed */

	if (weir_os_thread_number == 0)
		weir_os_thread_number = weir_add_relaxed(&threads, 1U) + 1;
	return weir_os_thread_number;
}

static bool membarrier(int command)
{
	int saved_errno = errno;
	bool done = syscall(SYS_membarrier, command, 0, 0) == 0;

	errno = saved_errno;
	return done;
}

bool weir_os_enable_barrier(void)
{
	return membarrier(BARRIER_ENABLE_EXPEDITED);
}

bool weir_os_barrier(void)
{
	return membarrier(BARRIER_EXPEDITED);
}

void weir_os_yield(void)
{
	sched_yield();
}

void weir_os_sleep_ms(unsigned ms)
{
	struct timespec time = { .tv_sec = (time_t)(ms / 1000),
				 .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&time, NULL);
}

/* How long a thread that may not wait for a word sleeps before it looks again. */
#define LOOK_MS 10

/* A time-out is for one wait, so a signal may make the whole last longer. Absolute time-outs
 * (FUTEX_WAIT_BITSET) are not needed: callers look at their own clock again. */
void weir_os_wait(const uint32_t *word, uint32_t value, uint64_t timeout_ms)
{
	int saved_errno = errno;
	/* The kernel's own structure, whatever the C library calls a time. */
	struct {
		long seconds, nanoseconds;
	} time = { (long)weir_min(timeout_ms / 1000, (uint64_t)INT32_MAX),
		   (long)(timeout_ms % 1000) * 1000000 };

	if (syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value,
		    timeout_ms == UINT64_MAX ? NULL : &time, NULL, 0) != 0 &&
	    errno != EAGAIN && errno != EINTR && errno != ETIMEDOUT)
		weir_os_sleep_ms((unsigned)weir_min(timeout_ms, (uint64_t)LOOK_MS));
	errno = saved_errno;
}

void weir_os_wake(const uint32_t *word)
{
	int saved_errno = errno;

	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
	errno = saved_errno;
}

uint64_t weir_os_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t weir_os_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

pid_t weir_os_pid(void)
{
	return (pid_t)syscall(SYS_getpid);
}

pid_t weir_os_thread_id(void)
{
	return (pid_t)syscall(SYS_gettid);
}

static int open_file(const char *path, int flags, int mode)
{
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC | O_LARGEFILE, mode);
}

void weir_os_close(int fd)
{
	int saved_errno = errno;

	syscall(SYS_close, fd);
	errno = saved_errno;
}

static int connect_stream(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(path);
	int fd;

	if (length >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, length);
	fd = (int)syscall(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || syscall(SYS_connect, fd, &address, sizeof address) == 0)
		return fd;
	weir_os_close(fd);
	return -1;
}

int weir_os_open(const char *path, bool writable)
{
	int saved_errno = errno;
	int fd = open_file(path, (writable ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_NOCTTY, 0);

	if (fd < 0 && errno == ENXIO)
		fd = connect_stream(path);
	if (fd < 0)
		fd = -errno;
	errno = saved_errno;
	return fd;
}

int weir_os_event(void)
{
	int saved_errno = errno;
	int fd = (int)syscall(SYS_eventfd2, 0U, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		fd = -errno;
	errno = saved_errno;
	return fd;
}

bool weir_os_is_stream(int fd)
{
	int saved_errno = errno;
	struct stat found;
	bool is = fstat(fd, &found) == 0 && (S_ISFIFO(found.st_mode) || S_ISSOCK(found.st_mode));

	errno = saved_errno;
	return is;
}

/* The offset's upper half is the last argument where it has one. */
ssize_t weir_os_read(int fd, size_t offset, char *data, size_t size)
{
	int saved_errno = errno;
	ssize_t result = offset == WEIR_OS_STREAM
				 ? syscall(SYS_read, fd, data, size - 1)
				 : syscall(SYS_pread64, fd, data, size - 1, offset, 0L);

	if (result < 0)
		result = -errno;
	data[result > 0 ? result : 0] = '\0';
	errno = saved_errno;
	return result;
}

ssize_t weir_os_read_file(const char *path, size_t offset, char *data, size_t size)
{
	int saved_errno = errno;
	int fd = open_file(path, O_RDONLY, 0);
	ssize_t result = -errno;

	data[0] = '\0';
	if (fd >= 0) {
		result = weir_os_read(fd, offset, data, size);
		syscall(SYS_close, fd);
	}
	errno = saved_errno;
	return result;
}

int weir_os_write(int fd, const char *data, size_t count)
{
	int saved_errno = errno;
	int result = 0;
	ssize_t written;

	while (count > 0 && result == 0) {
		written = syscall(SYS_write, fd, data, count);
		if (written >= 0) {
			data += written;
			count -= (size_t)written;
		} else if (errno != EINTR) {
			result = -errno;
		}
	}
	errno = saved_errno;
	return result;
}

/* The offset's upper half is the last argument where it has one (weir_os_read). */
static ssize_t write_at(int fd, const char *data, size_t count, uint64_t offset)
{
	return syscall(SYS_pwrite64, fd, data, count, (size_t)offset, (long)(offset >> 32));
}

/* Beyond its limit the process would be sent a signal (ulimit -f). */
static bool may_reach(uint64_t bytes)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= bytes)
		return true;
	errno = EFBIG;
	return false;
}

/* So that a full disk is an error here, and not a signal where the mapping is written to. */
static bool put_zeroes(int fd, uint64_t offset, size_t bytes)
{
	static const char zeroes[16 * WEIR_KIB];
	ssize_t written;

	for (size_t done = 0; done < bytes; done += (size_t)written) {
		written =
			write_at(fd, zeroes, weir_min(sizeof zeroes, bytes - done), offset + done);
		if (written <= 0)
			return false;
	}
	return true;
}

int weir_os_map_file(const char *path, bool made, uint64_t offset, size_t bytes, void **mapping)
{
	int saved_errno = errno;
	int fd = open_file(path, made ? O_RDWR | O_CREAT | O_EXCL : O_RDWR, 0600);
	long address = -1;
	int result;

	if (fd >= 0 && may_reach(offset + bytes) && put_zeroes(fd, offset, bytes))
		address = syscall(SYS_mmap2, NULL, bytes, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_POPULATE, fd, offset / MAP_OFFSET_BYTES);
	result = address == -1 ? -errno : 0;
	*mapping = address == -1 ? NULL : (void *)address; /* NOLINT: the kernel's address */
	if (fd >= 0)
		weir_os_close(fd);
	errno = saved_errno;
	return result;
}

int weir_os_append_file(const char *path, const char *data, size_t count)
{
	int saved_errno = errno;
	int fd = open_file(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
	int result;

	if (fd < 0) {
		result = -errno;
	} else {
		result = weir_os_write(fd, data, count);
		syscall(SYS_close, fd);
	}
	errno = saved_errno;
	return result;
}
