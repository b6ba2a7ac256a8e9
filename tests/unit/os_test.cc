/* The kernel as weir uses it, with the real os.c instead of fake_os.c. That makes its system
 * calls by syscall(2), which this program defines itself, to see and to refuse them. */
#include "preloaded.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

extern "C" {
#include "atomic.h"
#include "os.h"
}

namespace
{

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

constexpr int untouched = 77; /* errno, which every call keeps */
constexpr size_t mib = WEIR_MIB;
const size_t page = weir_os_page_bytes();

struct Call {
	long number;
	long args[6];
	bool refused;
};

/* What is refused: `times` calls of a number after the first `after`, with an error. */
struct Refusal {
	long number = -1;
	int error = 0;
	unsigned after = 0, times = 0;
};

std::vector<Call> calls; /* made while `watching` */
std::vector<Refusal> refusals;
size_t write_most = SIZE_MAX; /* that one write takes */
bool watching;

bool refuse_now(long number)
{
	for (Refusal &refusal : refusals) {
		if (refusal.number != number || refusal.times == 0)
			continue;
		if (refusal.after-- > 0)
			return false;
		refusal.after = 0;
		refusal.times--;
		errno = refusal.error;
		return true;
	}
	return false;
}

} // namespace

extern "C" long syscall(long number, ...)
{
	static auto real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	Call call = { number, {}, false };
	va_list list;

	va_start(list, number);
	for (long &arg : call.args)
		arg = va_arg(list, long);
	va_end(list);
	if (watching) {
		call.refused = refuse_now(number);
		calls.push_back(call);
	}
	if (call.refused)
		return -1;
	if (watching && number == SYS_write)
		call.args[2] = (long)std::min((size_t)call.args[2], write_most);
	return real(number, call.args[0], call.args[1], call.args[2], call.args[3], call.args[4],
		    call.args[5]);
}

namespace
{

struct Os : testing::Test {
	Os()
	{
		calls.clear();
		refusals.clear();
		write_most = SIZE_MAX;
		std::string name = std::filesystem::temp_directory_path() / "weir-os-XXXXXX";

		directory = mkdtemp(name.data());
		watching = true;
		errno = untouched;
	}
	~Os() override
	{
		EXPECT_EQ(untouched, errno);
		watching = false;
		std::filesystem::remove_all(directory);
		for (auto &range : reserved)
			weir_os_unreserve(range.first, range.second);
	}

	/* Also so that vectors of the test's own do not grow under a lost errno. */
	static void refuse(long number, int error, unsigned times = UINT32_MAX, unsigned after = 0)
	{
		refusals.push_back({ number, error, after, times });
	}

	static std::vector<Call> made(long number)
	{
		std::vector<Call> found;

		for (const Call &call : calls)
			if (call.number == number)
				found.push_back(call);
		return found;
	}

	/* Committed, each page with its number. */
	char *pages(size_t bytes, bool written = true)
	{
		char *range = (char *)weir_os_reserve(bytes, 2 * mib);

		EXPECT_NE(nullptr, range);
		reserved.emplace_back(range, bytes);
		EXPECT_TRUE(weir_os_commit(range, bytes));
		weir_os_advise_huge(range, bytes, WEIR_HUGE_NEVER);
		for (size_t at = 0; written && at < bytes; at += page)
			*(uint64_t *)(void *)(range + at) = at + 1;
		return range;
	}

	static size_t written(const char *range, size_t first, size_t end)
	{
		size_t count = 0;

		for (size_t at = first; at < end; at += page)
			count += *(const uint64_t *)(const void *)(range + at) == at + 1;
		return count;
	}

	static bool zero(const char *range, size_t first, size_t end)
	{
		for (size_t at = first; at < end; at++)
			if (range[at] != 0)
				return false;
		return true;
	}

	/* So that mappings part there. */
	static void part(char *at, size_t bytes)
	{
		EXPECT_EQ(0, madvise(at, bytes, MADV_DONTFORK));
	}

	std::string file(const std::string &name) const { return directory + "/" + name; }

	std::string directory;
	std::vector<std::pair<void *, size_t>> reserved;
};

/* Addresses */

TEST_F(Os, ReservesAtTheAlignmentAndKeepsNothingAroundIt)
{
	for (size_t align : { page, 4 * mib, 64 * mib }) {
		char *found = (char *)weir_os_reserve(3 * mib, align);

		ASSERT_NE(nullptr, found);
		EXPECT_EQ(0U, (uintptr_t)found % align);
		weir_os_unreserve(found, 3 * mib);
	}
	size_t reserved_bytes = 0, given_back = 0;

	for (const Call &call : made(SYS_mmap))
		reserved_bytes += (size_t)call.args[1];
	for (const Call &call : made(SYS_munmap))
		given_back += (size_t)call.args[1];
	EXPECT_EQ(reserved_bytes, given_back);
}

TEST_F(Os, ReservesNothingWhereThereAreNoAddresses)
{
	refuse(SYS_mmap, ENOMEM);
	EXPECT_EQ(nullptr, weir_os_reserve(mib, mib));
	EXPECT_TRUE(made(SYS_munmap).empty());
}

TEST_F(Os, SaysWhenMemoryIsNotPromised)
{
	char *range = pages(page);

	refuse(SYS_mprotect, ENOMEM, 1);
	EXPECT_FALSE(weir_os_commit(range, page));
	EXPECT_TRUE(weir_os_commit(range, page));
	EXPECT_EQ(1U, written(range, 0, page));
}

TEST_F(Os, KnowsTheLimitOfAddresses)
{
	struct rlimit before = {}, lower;

	ASSERT_EQ(0, getrlimit(RLIMIT_AS, &before));
	lower = before;
	lower.rlim_cur = (rlim_t)1 << 45;
	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &lower));
	EXPECT_EQ((size_t)1 << 45, weir_os_address_limit_bytes());
	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &before));
	EXPECT_EQ(before.rlim_cur == RLIM_INFINITY ? SIZE_MAX : (size_t)before.rlim_cur,
		  weir_os_address_limit_bytes());
}

/* Releases */

TEST_F(Os, ReleasesInStepsOf32MiB)
{
	char *range = pages(80 * mib, false);

	*range = range[80 * mib - 1] = 1;
	calls.clear();
	EXPECT_TRUE(weir_os_release(range, 80 * mib));
	EXPECT_EQ(0, *range + range[80 * mib - 1]);

	std::vector<Call> steps = made(SYS_madvise);

	ASSERT_EQ(3U, steps.size());
	EXPECT_EQ((long)(32 * mib), steps[0].args[1]);
	EXPECT_EQ((long)(32 * mib), steps[1].args[1]);
	EXPECT_EQ((long)(16 * mib), steps[2].args[1]);
}

TEST_F(Os, AsksAgainWhenTheKernelIsBusy)
{
	char *range = pages(4 * page);

	refuse(SYS_madvise, EAGAIN, 3);
	EXPECT_TRUE(weir_os_release(range, 4 * page));
	EXPECT_TRUE(zero(range, 0, 4 * page));
}

TEST_F(Os, EndsAReleaseThatTheKernelNeverServes)
{
	char *range = pages(40 * mib, false);

	calls.clear();
	refuse(SYS_madvise, EAGAIN);
	EXPECT_FALSE(weir_os_release(range, 40 * mib));
	EXPECT_LE(made(SYS_madvise).size(), 1000U);
}

TEST_F(Os, ReleasesLockedPagesToo)
{
	char *range = pages(4 * page);

	ASSERT_EQ(0, mlock(range, 4 * page));
	errno = untouched;
	/* Linux before 5.18 knows no way. */
	if (weir_os_release(range, 4 * page)) {
		EXPECT_TRUE(zero(range, 0, 4 * page));
	}
	EXPECT_EQ(MADV_DONTNEED_LOCKED, made(SYS_madvise).back().args[2]);
	munlock(range, 4 * page);
}

TEST_F(Os, SaysWhenPagesAreNotReleased)
{
	char *range = pages(40 * mib, false);

	calls.clear();
	refuse(SYS_madvise, EPERM, UINT32_MAX, 1);
	EXPECT_FALSE(weir_os_release(range, 40 * mib));
	EXPECT_EQ(2U, made(SYS_madvise).size());
}

TEST_F(Os, PutsFreshPagesUnderARange)
{
	char *range = pages(4 * page);

	EXPECT_TRUE(weir_os_renew(range, 2 * page, WEIR_HUGE_NEVER));
	EXPECT_TRUE(zero(range, 0, 2 * page));
	EXPECT_EQ(2U, written(range, 2 * page, 4 * page));
	refuse(SYS_mmap, ENOMEM);
	calls.clear();
	EXPECT_FALSE(weir_os_renew(range + 2 * page, 2 * page, WEIR_HUGE_ALWAYS));
	EXPECT_TRUE(made(SYS_madvise).empty());
	EXPECT_EQ(2U, written(range, 2 * page, 4 * page));
}

TEST_F(Os, AdvisesHugePagesAsAsked)
{
	char *range = pages(2 * mib, false);

	calls.clear();
	EXPECT_TRUE(weir_os_renew(range, 2 * mib, WEIR_HUGE_ALWAYS));
	weir_os_advise_huge(range, 2 * mib, WEIR_HUGE_NEVER);
	ASSERT_EQ(2U, made(SYS_madvise).size());
	EXPECT_EQ(MADV_HUGEPAGE, made(SYS_madvise)[0].args[2]);
	EXPECT_EQ(MADV_NOHUGEPAGE, made(SYS_madvise)[1].args[2]);
}

TEST_F(Os, KnowsWhichPagesAreResident)
{
	char *range = pages(4 * page, false);
	unsigned char states[4] = {};

	range[page] = 1;
	ASSERT_TRUE(weir_os_residency(range, 4 * page, states));
	EXPECT_EQ(0, states[0] & 1);
	EXPECT_EQ(1, states[1] & 1);
	refuse(SYS_mincore, ENOSYS);
	EXPECT_FALSE(weir_os_residency(range, 4 * page, states));
}

/* Moves */

TEST_F(Os, MovesPagesAndLeavesZeroesBehind)
{
	char *from = pages(5 * page), *to = pages(4 * page, false);

	EXPECT_EQ(4 * page, weir_os_move(to, from, 4 * page));
	EXPECT_EQ(4U, written(to, 0, 4 * page));
	EXPECT_TRUE(zero(from, 0, 4 * page));
	EXPECT_EQ(1U, written(from, 4 * page, 5 * page));
}

/* Of one page, of a few, of units of 256 KiB and of 2 MiB: the borders of extent.h. */
TEST_F(Os, MovesARangeOfSeveralMappingsWhole)
{
	for (size_t unit : { page, 256 * WEIR_KIB, 2 * mib })
		for (size_t parted : { 1, 2, 5 }) {
			size_t bytes = 6 * unit;
			char *from = pages(bytes + page), *to = pages(bytes, false);

			part(from + parted * unit, bytes + page - parted * unit);
			EXPECT_EQ(bytes, weir_os_move(to, from, bytes)) << unit << " " << parted;
			EXPECT_EQ(bytes / page, written(to, 0, bytes));
			EXPECT_TRUE(zero(from, 0, bytes));
			errno = untouched;
		}
}

TEST_F(Os, SaysHowFarAMoveCame)
{
	char *from = pages(5 * page), *to = pages(4 * page, false);

	part(from + 2 * page, 3 * page);
	/* The look at the whole and at each half is a call, too. */
	refuse(SYS_mremap, ENOMEM, UINT32_MAX, 4);
	EXPECT_EQ(2 * page, weir_os_move(to, from, 4 * page));
	EXPECT_EQ(2U, written(to, 0, 2 * page));
	EXPECT_EQ(3U, written(from, 2 * page, 5 * page));
	EXPECT_TRUE(zero(to, 2 * page, 4 * page));
}

TEST_F(Os, PutsPagesUnderATargetThatWasUnmappedInVain)
{
	char *from = pages(3 * page), *to = pages(2 * page, false);

	/* As kernels before 6.17 do before they refuse. */
	ASSERT_EQ(0, munmap(to, 2 * page));
	refuse(SYS_mremap, EINVAL);
	EXPECT_EQ(0U, weir_os_move(to, from, 2 * page));
	EXPECT_TRUE(zero(to, 0, 2 * page));
	EXPECT_EQ(3U, written(from, 0, 3 * page));
}

TEST_F(Os, EndsAMoveOfSeveralMappingsThatIsRefusedAtItsBegin)
{
	char *from = pages(5 * page), *to = pages(4 * page, false);

	part(from + 2 * page, 3 * page);
	refuse(SYS_mremap, ENOMEM, UINT32_MAX, 2);
	EXPECT_EQ(0U, weir_os_move(to, from, 4 * page));
	EXPECT_EQ(5U, written(from, 0, 5 * page));
}

/* Descriptors */

/* What `act` sees in a thread that has asked for descriptors of its own. */
bool apart(bool keep_stderr, const std::function<void()> &act)
{
	bool own = false;

	std::thread([&] {
		errno = untouched;
		own = weir_os_own_descriptors(keep_stderr);
		EXPECT_EQ(untouched, errno);
		act();
	}).join();
	return own;
}

bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

struct OsDescriptors : Os {
	OsDescriptors()
	{
		EXPECT_EQ(0, pipe2(ends, O_CLOEXEC));
		errno = untouched;
	}
	~OsDescriptors() override
	{
		EXPECT_TRUE(is_open(ends[0]) && is_open(ends[1]));
		close(ends[0]);
		close(ends[1]);
		errno = untouched;
	}

	/* Nothing of the program's, and no number that it writes to. */
	void expect_own_table(bool keep_stderr)
	{
		EXPECT_TRUE(apart(keep_stderr, [&] {
			EXPECT_FALSE(is_open(ends[0]) || is_open(ends[1]));
			int event = weir_os_event();

			EXPECT_GT(event, 2);
			weir_os_close(event);
			EXPECT_TRUE(is_open(0) && is_open(1) && is_open(2));
			EXPECT_EQ(keep_stderr ? 0 : -EINVAL, weir_os_write(2, "\n", 1));
		}));
		errno = untouched;
	}

	int ends[2] = { -1, -1 };
};

TEST_F(OsDescriptors, AreTheThreadsOwn)
{
	expect_own_table(false);
	expect_own_table(true);
}

TEST_F(OsDescriptors, AreClosedOneByOneWhereTheKernelIsOlder)
{
	struct rlimit before = {}, lower;

	refuse(SYS_close_range, ENOSYS);
	expect_own_table(false);
	EXPECT_LE(made(SYS_close).size(), 65536U + 8);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &before));
	lower = before;
	lower.rlim_cur = 100;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &lower));
	calls.clear();
	expect_own_table(true);
	EXPECT_LE(made(SYS_close).size(), 108U);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
}

TEST_F(OsDescriptors, StayTheProgramsWhereTheKernelRefuses)
{
	refuse(SYS_close_range, EPERM);
	refuse(SYS_unshare, EPERM);
	EXPECT_FALSE(apart(false, [&] { EXPECT_TRUE(is_open(ends[0]) && is_open(0)); }));
	EXPECT_TRUE(made(SYS_close).empty());
}

/* Without events there is nothing to take the numbers with: still no endless loop. */
TEST_F(OsDescriptors, AreTakenAsTheyAreWhereThereAreNoEvents)
{
	refuse(SYS_eventfd2, EMFILE);
	EXPECT_TRUE(apart(false, [] {
		EXPECT_FALSE(is_open(0));
		EXPECT_EQ(-EMFILE, weir_os_event());
	}));
	EXPECT_EQ(2U, made(SYS_eventfd2).size());
	errno = untouched;
}

/* Files */

TEST_F(Os, ReadsFilesFromAnOffset)
{
	char data[8];

	ASSERT_EQ(0, weir_os_append_file(file("a").c_str(), "0123456", 7));
	ASSERT_EQ(0, weir_os_append_file(file("a").c_str(), "789", 3));
	EXPECT_EQ(7, weir_os_read_file(file("a").c_str(), 0, data, sizeof data));
	EXPECT_STREQ("0123456", data);
	EXPECT_EQ(2, weir_os_read_file(file("a").c_str(), 8, data, sizeof data));
	EXPECT_STREQ("89", data);
	EXPECT_EQ(0, weir_os_read_file(file("a").c_str(), 10, data, sizeof data));
	EXPECT_STREQ("", data);
}

TEST_F(Os, SaysWhyAFileIsNotReadOrWritten)
{
	char data[8] = "old";

	EXPECT_EQ(-ENOENT, weir_os_read_file(file("none").c_str(), 0, data, sizeof data));
	EXPECT_STREQ("", data);
	EXPECT_EQ(-EISDIR, weir_os_read_file(directory.c_str(), 0, data, sizeof data));
	EXPECT_EQ(-ENOENT, weir_os_append_file(file("none/a").c_str(), "a", 1));
	EXPECT_EQ(-ENOENT, weir_os_open(file("none").c_str(), false));
	EXPECT_EQ(-EBADF, weir_os_write(-1, "a", 1));
	EXPECT_EQ(-EBADF, weir_os_read(-1, WEIR_OS_STREAM, data, sizeof data));
}

TEST_F(Os, WritesAllOfIt)
{
	char data[16];

	write_most = 3;
	refuse(SYS_write, EINTR, 1, 1);
	ASSERT_EQ(0, weir_os_append_file(file("a").c_str(), "0123456", 7));
	EXPECT_EQ(4U, made(SYS_write).size());
	ASSERT_EQ(7, weir_os_read_file(file("a").c_str(), 0, data, sizeof data));
	EXPECT_STREQ("0123456", data);
	refuse(SYS_write, ENOSPC, 1, 1);
	EXPECT_EQ(-ENOSPC, weir_os_append_file(file("a").c_str(), "0123456", 7));
}

TEST_F(Os, OpensFilesThatAreThere)
{
	char data[8];

	ASSERT_EQ(0, weir_os_append_file(file("a").c_str(), "0", 1));
	int fd = weir_os_open(file("a").c_str(), true);

	ASSERT_GE(fd, 0);
	EXPECT_FALSE(weir_os_is_stream(fd));
	EXPECT_EQ(0, weir_os_write(fd, "12", 2));
	EXPECT_EQ(2, weir_os_read(fd, 0, data, sizeof data));
	EXPECT_STREQ("12", data);
	weir_os_close(fd);
	EXPECT_FALSE(weir_os_is_stream(fd));
	fd = weir_os_open(file("a").c_str(), false);
	EXPECT_EQ(-EBADF, weir_os_write(fd, "3", 1));
	weir_os_close(fd);
}

TEST_F(Os, MapsRoomThatItMadeInAFile)
{
	char data[8];
	void *mapping;

	ASSERT_EQ(0, weir_os_map_file(file("a").c_str(), true, 0, page, &mapping));
	memcpy(mapping, "first", 5);
	weir_os_unreserve(mapping, page);
	ASSERT_EQ(0, weir_os_map_file(file("a").c_str(), false, 4 * page, 2 * page, &mapping));
	EXPECT_EQ(0, *(char *)mapping);
	memcpy((char *)mapping + 2 * page - 4, "last", 4);
	weir_os_unreserve(mapping, 2 * page);
	EXPECT_EQ(6 * page, std::filesystem::file_size(file("a")));
	ASSERT_EQ(7, weir_os_read_file(file("a").c_str(), 0, data, sizeof data));
	EXPECT_STREQ("first", data);
	ASSERT_EQ(4, weir_os_read_file(file("a").c_str(), 6 * page - 4, data, sizeof data));
	EXPECT_STREQ("last", data);
}

TEST_F(Os, SaysWhyAFileIsNotMapped)
{
	rlimit limit, low;
	void *mapping = this;

	EXPECT_EQ(-ENOENT, weir_os_map_file(file("a").c_str(), false, 0, page, &mapping));
	EXPECT_EQ(nullptr, mapping);
	ASSERT_EQ(0, weir_os_map_file(file("a").c_str(), true, 0, page, &mapping));
	weir_os_unreserve(mapping, page);
	EXPECT_EQ(-EEXIST, weir_os_map_file(file("a").c_str(), true, 0, page, &mapping));
	refuse(SYS_pwrite64, ENOSPC, 1, 0);
	EXPECT_EQ(-ENOSPC, weir_os_map_file(file("a").c_str(), false, page, page, &mapping));
	refuse(SYS_mmap, ENOMEM, 1, 0);
	EXPECT_EQ(-ENOMEM, weir_os_map_file(file("a").c_str(), false, page, page, &mapping));
	EXPECT_EQ(nullptr, mapping);

	/* Beyond this a write would end the program. */
	ASSERT_EQ(0, getrlimit(RLIMIT_FSIZE, &limit));
	low = limit;
	low.rlim_cur = 2 * page;
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &low));
	errno = untouched;
	EXPECT_EQ(-EFBIG, weir_os_map_file(file("a").c_str(), false, 2 * page, page, &mapping));
	EXPECT_EQ(0, weir_os_map_file(file("a").c_str(), false, page, page, &mapping));
	weir_os_unreserve(mapping, page);
	setrlimit(RLIMIT_FSIZE, &limit);
}

/* Sockets */

struct OsSocket : Os {
	OsSocket()
	{
		sockaddr_un address = {};

		server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		address.sun_family = AF_UNIX;
		strncpy(address.sun_path, file("s").c_str(), sizeof address.sun_path - 1);
		EXPECT_EQ(0, bind(server, (sockaddr *)&address, sizeof address));
		errno = untouched;
	}
	~OsSocket() override
	{
		close(server);
		errno = untouched;
	}
	int server;
};

TEST_F(OsSocket, AreConnectedTo)
{
	char data[8];

	ASSERT_EQ(0, listen(server, 1));
	int fd = weir_os_open(file("s").c_str(), false);

	ASSERT_GE(fd, 0);
	EXPECT_TRUE(weir_os_is_stream(fd));
	EXPECT_EQ(-EAGAIN, weir_os_read(fd, WEIR_OS_STREAM, data, sizeof data));

	int peer = accept(server, nullptr, nullptr);

	EXPECT_EQ(2, write(peer, "hi", 2));
	EXPECT_EQ(2, weir_os_read(fd, WEIR_OS_STREAM, data, sizeof data));
	EXPECT_STREQ("hi", data);
	close(peer);
	EXPECT_EQ(0, weir_os_read(fd, WEIR_OS_STREAM, data, sizeof data));
	weir_os_close(fd);
	EXPECT_FALSE(is_open(fd));
	errno = untouched;
}

TEST_F(OsSocket, SayWhyTheyAreNot)
{
	std::string path = file("s");
	std::string longer = directory + "/" + std::string(120, 'a');

	EXPECT_EQ(-ECONNREFUSED, weir_os_open(path.c_str(), false));
	refuse(SYS_socket, EMFILE, 1);
	EXPECT_EQ(-EMFILE, weir_os_open(path.c_str(), false));
	ASSERT_EQ(0, rename(path.c_str(), longer.c_str()));
	EXPECT_EQ(-ENAMETOOLONG, weir_os_open(longer.c_str(), false));
}

/* Waiting */

TEST_F(Os, WaitsUntilItIsWoken)
{
	uint32_t word = 1;
	bool done = false;
	pid_t thread = 0;
	std::thread waiter([&] {
		__atomic_store_n(&thread, gettid(), __ATOMIC_SEQ_CST);
		while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 1)
			weir_os_wait(&word, 1, UINT64_MAX);
		done = true;
	});

	EXPECT_TRUE(e2e::eventually([&] {
		pid_t id = __atomic_load_n(&thread, __ATOMIC_SEQ_CST);

		return id != 0 && e2e::read_file("/proc/self/task/" + std::to_string(id) + "/stat")
						  .find(") S ") != std::string::npos;
	}));
	__atomic_store_n(&word, 2U, __ATOMIC_SEQ_CST);
	weir_os_wake(&word);
	waiter.join();
	EXPECT_TRUE(done);
	weir_os_wait(&word, 1, UINT64_MAX); /* another value: not at all */
	weir_os_wait(&word, 2, 1);
	errno = untouched;
}

TEST_F(Os, NumbersThreadsFromOne)
{
	unsigned own = weir_os_thread(), other = 0;

	EXPECT_GT(own, 0U);
	EXPECT_EQ(own, weir_os_thread());
	EXPECT_EQ(own, weir_os_thread_number);
	std::thread([&] { other = weir_os_thread(); }).join();
	EXPECT_NE(own, other);
	EXPECT_NE(0U, other);
	errno = untouched;
}

TEST_F(Os, KnowsThreadsByTheKernelsNumbers)
{
	pid_t other = 0;

	EXPECT_EQ(getpid(), weir_os_thread_id());
	std::thread([&] { other = weir_os_thread_id(); }).join();
	EXPECT_NE(getpid(), other);
	EXPECT_LT(0, other);
	errno = untouched;
}

/* Stores of one thread are seen by the other that called the barrier, or his are seen by it: never
 * neither, though there is no barrier between a store and a load of the first. */
TEST_F(Os, HasABarrierForAllThreads)
{
	struct {
		alignas(128) unsigned store;
		alignas(128) unsigned seen;
	} both[2] = {};
	std::atomic<unsigned> round{ 0 }, done{ 0 };
	constexpr unsigned rounds = 5000;
	unsigned neither = 0;

	if (!weir_os_enable_barrier())
		GTEST_SKIP() << "this kernel has none";
	std::thread light([&] {
		for (unsigned i = 1; i <= rounds; i++) {
			for (unsigned spins = 0; round.load(std::memory_order_acquire) < i; spins++)
				if (spins % 128 == 127)
					std::this_thread::yield();
			weir_store_relaxed(&both[0].store, i);
			__atomic_signal_fence(__ATOMIC_SEQ_CST);
			both[0].seen = weir_load_relaxed(&both[1].store);
			done.store(i, std::memory_order_release);
		}
	});
	for (unsigned i = 1; i <= rounds; i++) {
		round.store(i, std::memory_order_release);
		for (volatile unsigned spins = i % 256; spins > 0;) /* until both are there */
			spins = spins - 1;
		weir_store_relaxed(&both[1].store, i);
		EXPECT_TRUE(weir_os_barrier());
		both[1].seen = weir_load_relaxed(&both[0].store);
		while (done.load(std::memory_order_acquire) < i)
			std::this_thread::yield();
		neither += both[0].seen < i && both[1].seen < i;
	}
	light.join();
	EXPECT_EQ(0U, neither);
	errno = untouched;
}

TEST_F(Os, HasNoBarrierWhereTheKernelRefusesIt)
{
	refuse(SYS_membarrier, ENOSYS, 2);
	EXPECT_FALSE(weir_os_enable_barrier());
	EXPECT_FALSE(weir_os_barrier());
	EXPECT_EQ(2U, made(SYS_membarrier).size());
}

TEST_F(Os, TellsTimeForwardAndInTheSameUnits)
{
	uint64_t before_ns = weir_os_now_ns();

	weir_os_sleep_ms(1);
	uint64_t after_ns = weir_os_now_ns();

	EXPECT_GE(after_ns - before_ns, 1000000U);
	/* The coarse clock is behind by a tick at most, of 10 ms where they are long. */
	EXPECT_LE(weir_os_now_ms(), weir_os_now_ns() / 1000000);
	EXPECT_GE(weir_os_now_ms() + 20, after_ns / 1000000);
	EXPECT_EQ(getpid(), weir_os_pid());
	EXPECT_GT(weir_os_memory_bytes(), mib);
	weir_os_yield();
	errno = untouched;
}

} // namespace
