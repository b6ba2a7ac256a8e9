#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

extern "C" {
#include "fake_os.h"
#include "track.h"
}

namespace
{

const size_t kib = WEIR_KIB, mib = WEIR_MIB;

void name_address(weir_text *text, const void *address)
{
	weir_text_string(text, "module+");
	weir_text_hex(text, (uintptr_t)address);
}

/* A block is a number: where it would be. */
const void *block_at(uint64_t n)
{
	return (const void *)(uintptr_t)(0x7f0000000000 + n * 64);
}

using Leases = std::multimap<const void *, weir_track_lease>;

struct Track {
	explicit Track(size_t most = 1000)
	{
		fake_os_reset();
		EXPECT_TRUE(weir_track_init(&track, most));
	}
	~Track() { weir_track_destroy(&track); }

	void add(uint64_t n, size_t bytes = mib, uint64_t since_ms = 0,
		 const std::vector<uintptr_t> &stack = { 0x10 }, unsigned thread = 7)
	{
		weir_track_lease lease = {};

		lease.block = block_at(n);
		lease.bytes = bytes;
		lease.since_ms = since_ms;
		lease.thread = thread;
		lease.depth = (unsigned)stack.size();
		for (size_t i = 0; i < stack.size(); i++)
			lease.stack[i] = (void *)stack[i];
		weir_track_add(&track, &lease);
	}

	void remove(uint64_t n) { weir_track_remove(&track, block_at(n)); }

	Leases leases() const
	{
		weir_track_lease lease;
		size_t cursor = 0;
		Leases found;

		while (weir_track_step(&track, &cursor, &lease))
			found.emplace(lease.block, lease);
		return found;
	}

	std::string report(uint64_t now_ms = 0) const
	{
		int fd = memfd_create("report", 0);
		std::string text(4 * mib, '\0');

		EXPECT_EQ(0, weir_track_report(&track, "frames", now_ms, name_address, fd));
		text.resize((size_t)pread(fd, &text[0], text.size(), 0));
		close(fd);
		return text;
	}

	weir_track track;
};

TEST(Track, HasNothingAtFirst)
{
	Track track;

	EXPECT_TRUE(track.leases().empty());
	EXPECT_EQ("pool frames: 0 B in 0 blocks leased\n", track.report());
}

TEST(Track, KnowsWhatIsLeased)
{
	Track track;

	track.add(1, 5 * mib, 77, { 0xa, 0xb, 0xc }, 4711);
	track.add(2);
	Leases leases = track.leases();

	ASSERT_EQ(2U, leases.size());
	const weir_track_lease &lease = leases.find(block_at(1))->second;

	EXPECT_EQ(5 * mib, lease.bytes);
	EXPECT_EQ(77U, lease.since_ms);
	EXPECT_EQ(4711U, lease.thread);
	EXPECT_EQ(3U, lease.depth);
	EXPECT_EQ((void *)0xa, lease.stack[0]);
	EXPECT_EQ((void *)0xc, lease.stack[2]);
	EXPECT_EQ(nullptr, lease.stack[3]);
}

TEST(Track, ForgetsWhatIsReturned)
{
	Track track;

	for (uint64_t n = 0; n < 10; n++)
		track.add(n);
	for (uint64_t n = 0; n < 10; n += 2)
		track.remove(n);
	Leases leases = track.leases();

	EXPECT_EQ(5U, leases.size());
	EXPECT_EQ(1U, leases.count(block_at(3)));
	EXPECT_EQ(0U, leases.count(block_at(4)));
}

TEST(Track, KnowsOnlyTheLastLeaseOfAnAddress)
{
	Track track;

	for (unsigned i = 1; i <= 5000; i++) {
		track.add(1, i, i, { i, i + 1 });
		if (i < 5000)
			track.remove(1);
	}
	Leases leases = track.leases();

	ASSERT_EQ(1U, leases.size());
	EXPECT_EQ(5000U, leases.begin()->second.bytes);
	EXPECT_EQ((void *)5000, leases.begin()->second.stack[0]);
	EXPECT_EQ(0U, weir_track_untracked(&track.track));
}

TEST(Track, CutsAStackThatIsTooDeep)
{
	Track track;
	weir_track_lease lease = {};

	lease.block = block_at(1);
	lease.depth = 1000;
	for (void *&address : lease.stack)
		address = (void *)0x99;
	weir_track_add(&track.track, &lease);
	EXPECT_EQ((unsigned)WEIR_TRACK_FRAMES, track.leases().begin()->second.depth);
}

/* How much there is */

TEST(Track, HasRoomForAllThatItIsMadeFor)
{
	for (size_t most : { (size_t)1, (size_t)1000, (size_t)5000, (size_t)100000 }) {
		Track track(most);

		for (uint64_t n = 0; n < most; n++)
			track.add(n * 1024);
		EXPECT_EQ(0U, weir_track_untracked(&track.track)) << most;
		EXPECT_EQ(most, track.leases().size());
		for (uint64_t n = 0; n < most; n++)
			track.remove(n * 1024);
		EXPECT_TRUE(track.leases().empty());
	}
}

TEST(Track, CountsWhatIsBeyondIt)
{
	Track track(100);

	for (uint64_t n = 0; n < 103; n++)
		track.add(n);
	EXPECT_EQ(100U, track.leases().size());
	EXPECT_EQ(3U, weir_track_untracked(&track.track));
	track.remove(102);
	EXPECT_EQ(2U, weir_track_untracked(&track.track));
	track.remove(0);
	track.add(200);
	EXPECT_EQ(1U, track.leases().count(block_at(200)));
	EXPECT_EQ(2U, weir_track_untracked(&track.track));
	for (uint64_t n = 1; n < 102; n++)
		track.remove(n);
	track.remove(200);
	EXPECT_TRUE(track.leases().empty());
	EXPECT_EQ(0U, weir_track_untracked(&track.track));
}

TEST(Track, CountsNothingBelowNone)
{
	Track track;

	track.add(1);
	track.remove(1);
	track.remove(1);
	EXPECT_EQ(0U, weir_track_untracked(&track.track));
	track.add(1);
	EXPECT_EQ(1U, track.leases().size());
}

TEST(Track, CountsWhatHasNoMemory)
{
	Track track;

	fake_os_fail(FAKE_COMMIT, 0, 1);
	track.add(1);
	EXPECT_EQ(1U, weir_track_untracked(&track.track));
	track.add(2);
	EXPECT_EQ(1U, track.leases().size());
	track.remove(1);
	track.remove(2);
	EXPECT_EQ(0U, weir_track_untracked(&track.track));
}

TEST(Track, CountsABlockWhoseAddressIsNoPrograms)
{
	Track track;
	weir_track_lease lease = {};

	lease.block = (const void *)(uintptr_t)((uint64_t)1 << 50);
	weir_track_add(&track.track, &lease);
	EXPECT_EQ(1U, weir_track_untracked(&track.track));
	EXPECT_TRUE(track.leases().empty());
	weir_track_remove(&track.track, lease.block);
	EXPECT_EQ(0U, weir_track_untracked(&track.track));
}

TEST(Track, SaysThatThereIsNoMemoryAtAll)
{
	weir_track track;

	fake_os_reset();
	fake_os_fail(FAKE_RESERVE, 0, 1);
	EXPECT_FALSE(weir_track_init(&track, 1000));
}

TEST(Track, CommitsNoMoreThanTheLeasesNeed)
{
	Track track(WEIR_TRACK_LEASES);

	for (uint64_t n = 0; n < 100; n++)
		track.add(n * 1024);
	EXPECT_LT(fake_os_bytes(FAKE_COMMIT), 256 * kib);
}

TEST(Track, CommitsWholePagesOfAnySize)
{
	Track track(10000);

	fake_os_set_page(64 * kib);
	weir_track_destroy(&track.track);
	ASSERT_TRUE(weir_track_init(&track.track, 10000));
	for (uint64_t n = 0; n < 10000; n++)
		track.add(n * 1024);
	EXPECT_EQ(10000U, track.leases().size());
	EXPECT_EQ(0U, fake_os_misaligned());
}

/* The report */

TEST(Track, ReportsLeasesByCallStack)
{
	Track track;

	track.add(1, 4 * mib, 5000, { 0x11, 0x12 }, 31);
	track.add(2, 8 * mib, 1000, { 0x21, 0x22, 0x23 }, 32);
	track.add(3, 3 * mib + 512 * kib, 3900, { 0x11, 0x12 }, 33);
	track.add(4, 100, 15000, {}, 34);
	EXPECT_EQ("pool frames: 15.5 MiB in 4 blocks leased\n"
		  "  8.0 MiB in 1 block, the oldest for 11.0 s by thread 32: 0x7f0000000080\n"
		  "    module+0x21\n"
		  "    module+0x22\n"
		  "    module+0x23\n"
		  "  7.5 MiB in 2 blocks, the oldest for 8.1 s by thread 33: 0x7f00000000c0\n"
		  "    module+0x11\n"
		  "    module+0x12\n"
		  "  100 B in 1 block, the oldest for 0.0 s by thread 34: 0x7f0000000100\n",
		  track.report(12000));
}

TEST(Track, TellsStacksApartThatBeginAlike)
{
	Track track;
	std::string text;

	track.add(1, 3, 0, { 0x11 });
	track.add(2, 2, 0, { 0x11, 0x12 });
	track.add(3, 1, 0, { 0x12, 0x11 });
	text = track.report();
	EXPECT_NE(std::string::npos, text.find("  3 B in 1 block"));
	EXPECT_NE(std::string::npos, text.find("  2 B in 1 block"));
	EXPECT_NE(std::string::npos, text.find("  1 B in 1 block"));
}

/* Where the blocks' first lines say how many bytes. */
std::vector<uint64_t> bytes_of_lines(const std::string &text)
{
	std::vector<uint64_t> bytes;

	for (size_t at = text.find("\n  "); at != std::string::npos; at = text.find("\n  ", at + 1))
		if (text[at + 3] != ' ' && at + 3 < text.size())
			bytes.push_back(strtoull(&text[at + 3], nullptr, 10));
	return bytes;
}

TEST(Track, ReportsTheMostBytesFirst)
{
	for (size_t count = 0; count < 40; count++) {
		Track track;
		std::vector<uint64_t> expected;

		for (uint64_t n = 0; n < count; n++)
			track.add(n, 1 + (n * 37 + count) % 101, 0, { 0x1000 + n });
		for (uint64_t n = 0; n < count; n++)
			expected.push_back(1 + (n * 37 + count) % 101);
		std::sort(expected.rbegin(), expected.rend());
		EXPECT_EQ(expected, bytes_of_lines(track.report())) << count;
	}
}

TEST(Track, ReportsTheOldestOfEqualsFirst)
{
	Track track;
	std::string text;

	for (uint64_t n = 0; n < 9; n++)
		track.add(n, mib, 100 * ((n * 4) % 9), { 0x1000 + n });
	text = track.report(1000);
	EXPECT_LT(text.find("1.0 s by"), text.find("0.9 s by"));
	EXPECT_LT(text.find("0.4 s by"), text.find("0.3 s by"));
	EXPECT_LT(text.find("0.3 s by"), text.find("0.2 s by"));
}

TEST(Track, ReportsHowManyItDoesNotKnow)
{
	Track track(1);

	track.add(1);
	track.add(2);
	EXPECT_EQ("pool frames: 1.0 MiB in 1 block leased\n"
		  "  1.0 MiB in 1 block, the oldest for 0.0 s by thread 7: 0x7f0000000040\n"
		  "    module+0x10\n"
		  "  1 block more, leased when no more could be tracked\n",
		  track.report());
	track.add(3);
	EXPECT_NE(std::string::npos, track.report().find("\n  2 blocks more, leased"));
}

TEST(Track, SumsUpStacksThatAreTooMany)
{
	Track track(20000);
	std::string text;

	for (uint64_t n = 0; n < 16384 + 3; n++)
		track.add(n, 10, n, { 0x1000 + n });
	text = track.report();
	EXPECT_EQ(0U, text.find("pool frames: 160.0 KiB in 16387 blocks leased\n"));
	EXPECT_EQ(16385U, bytes_of_lines(text).size());
	EXPECT_NE(std::string::npos, text.find("\n  30 B in 3 blocks by other call stacks\n"));
}

TEST(Track, SaysWhyItCannotReport)
{
	Track track;

	track.add(1);
	EXPECT_GT(0, weir_track_report(&track.track, "frames", 0, name_address, -1));
	fake_os_fail(FAKE_RESERVE, 0, 1);
	EXPECT_EQ(-ENOMEM, weir_track_report(&track.track, "frames", 0, name_address, 1));
	fake_os_fail(FAKE_COMMIT, 0, 1);
	EXPECT_EQ(-ENOMEM, weir_track_report(&track.track, "frames", 0, name_address, 1));
}

/* What another thread does in the middle of a call cannot be had here: see track_stress.cc. */

} // namespace
