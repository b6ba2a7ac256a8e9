#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <fcntl.h>
#include <set>
#include <thread>
#include <unistd.h>
#include <vector>

extern "C" {
#include "fake_os.h"
#include "track.h"
}

namespace
{

constexpr unsigned thread_count = 4;
constexpr unsigned rounds = 40000;
constexpr uintptr_t first_block = (uintptr_t)1 << 29, first_own = first_block * 2;
constexpr size_t stays = 100;

/* All that a lease says follows from the block and a number, so that one that was put together
 * from two leases is seen. */
weir_track_lease lease_of(uintptr_t block, uintptr_t number)
{
	weir_track_lease lease = {};

	lease.block = (const void *)block;
	lease.bytes = number;
	lease.since_ms = number;
	lease.thread = (unsigned)number;
	lease.depth = 1 + (unsigned)(number % WEIR_TRACK_FRAMES);
	for (unsigned i = 0; i < lease.depth; i++)
		lease.stack[i] = (void *)(block + number + i);
	return lease;
}

bool is_whole(const weir_track_lease &lease)
{
	weir_track_lease right = lease_of((uintptr_t)lease.block, lease.bytes);

	return lease.since_ms == right.since_ms && lease.thread == right.thread &&
	       lease.depth == right.depth &&
	       memcmp(lease.stack, right.stack, sizeof lease.stack) == 0;
}

/* The group of places that a block has: where it is found, alone. */
size_t group_of(uintptr_t block)
{
	weir_track_lease lease = lease_of(block, 1);
	weir_track alone;
	size_t cursor = 0;

	EXPECT_TRUE(weir_track_init(&alone, 1));
	weir_track_add(&alone, &lease);
	EXPECT_TRUE(weir_track_step(&alone, &cursor, &lease));
	weir_track_destroy(&alone);
	return (cursor - 1) / WEIR_TRACK_GROUP;
}

/* Blocks that stay leased, and threads that lease and return blocks of their own beside. */
struct Churn {
	/* So many at once, by each thread. One: all in one group of places, which are taken and
	 * left all the time; many: so that levels are added. */
	Churn(size_t most, uintptr_t count) : at_once(count)
	{
		fake_os_reset();
		EXPECT_TRUE(weir_track_init(&track, most));
		for (uintptr_t i = 0; i < stays; i++)
			add(first_block + i * 4096, i + 1);
		for (uintptr_t block = first_own; own.size() < thread_count * at_once;
		     block += 65536)
			if (at_once > 1 || group_of(block) == group_of(first_own))
				own.push_back(block);
		for (unsigned t = 0; t < thread_count; t++)
			threads.emplace_back([this, t] { work(&own[t * at_once]); });
	}

	~Churn()
	{
		for (std::thread &thread : threads)
			thread.join();
		weir_track_destroy(&track);
	}

	void add(uintptr_t block, uintptr_t number)
	{
		weir_track_lease lease = lease_of(block, number);

		weir_track_add(&track, &lease);
	}

	void work(const uintptr_t *blocks)
	{
		for (uintptr_t i = 0; i < rounds; i += at_once) {
			for (uintptr_t k = 0; k < at_once; k++)
				add(blocks[k], i + k + 1);
			for (uintptr_t k = 0; k < at_once; k++)
				weir_track_remove(&track, (const void *)blocks[k]);
		}
		left++;
	}

	/* Looks at all leases; how many of those that stay came. */
	void look(std::multiset<uintptr_t> *found)
	{
		weir_track_lease lease;
		size_t cursor = 0;

		found->clear();
		while (weir_track_step(&track, &cursor, &lease)) {
			uintptr_t block = (uintptr_t)lease.block;

			broken += !is_whole(lease);
			strange += block % 4096 != 0 || block < first_block || block > own.back();
			if (block < first_own)
				found->insert(block);
		}
	}

	uintptr_t at_once;
	weir_track track;
	std::vector<uintptr_t> own;
	std::atomic<unsigned> left{ 0 };
	unsigned broken = 0, strange = 0;
	std::vector<std::thread> threads;
};

TEST(TrackStress, ShowsWhatIsOutThroughoutOnceAndNothingThatNeverWas)
{
	for (uintptr_t at_once : { 1, 1000 }) {
		Churn churn(WEIR_TRACK_LEASES, at_once);
		std::multiset<uintptr_t> found;

		while (churn.left < thread_count) {
			churn.look(&found);
			ASSERT_EQ(stays, found.size());
			ASSERT_EQ(stays, std::set<uintptr_t>(found.begin(), found.end()).size());
		}
		churn.look(&found);
		EXPECT_EQ(0U, churn.broken);
		EXPECT_EQ(0U, churn.strange);
		EXPECT_EQ(stays, found.size());
		EXPECT_EQ(stays, churn.track.tracked);
		EXPECT_EQ(0U, churn.track.untracked);
	}
}

TEST(TrackStress, CountsEachLeaseOnceBeyondWhatItTracks)
{
	Churn churn(500, 1000);
	std::multiset<uintptr_t> found;

	while (churn.left < thread_count)
		churn.look(&found);
	EXPECT_EQ(0U, churn.broken);
	EXPECT_EQ(stays, churn.track.tracked);
	EXPECT_EQ(0U, churn.track.untracked);
}

void name_address(weir_text *text, const void *address)
{
	weir_text_hex(text, (uintptr_t)address);
}

TEST(TrackStress, ReportsBesideChurn)
{
	Churn churn(WEIR_TRACK_LEASES, 100);
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	while (churn.left < thread_count)
		ASSERT_EQ(0, weir_track_report(&churn.track, "frames", 0, name_address, fd));
	close(fd);
}

} // namespace
