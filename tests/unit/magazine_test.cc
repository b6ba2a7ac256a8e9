#include "test_engine.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <set>
#include <thread>

extern "C" {
#include "magazine.h"
}

/* Blocks of 4 KiB: 32 in a slab, and 32 in a magazine. */

namespace
{

constexpr size_t slab_bytes = 128 * kib;

std::atomic<unsigned> told{ 0 }, claims{ 0 };
const void *last_told;

void tell(const void *block)
{
	last_told = block;
	told++;
}

void count_claim()
{
	claims++;
}

struct Magazines : testing::Test {
	explicit Magazines(size_t bytes = 4 * kib, const EngineOptions &options = {})
	    : engine(options)
	{
		told = 0;
		claims = 0;
		all.twice = tell;
		all.claimed = count_claim;
		EXPECT_TRUE(weir_magazines_init(&all, &engine.pool, bytes));
		EXPECT_EQ((uint32_t)WEIR_MAGAZINES, all.magazines);
	}
	~Magazines() override
	{
		weir_magazines_gather(&all);
		EXPECT_EQ(out(), all.slabs.taken);
		EXPECT_TRUE(engine.consistent());
		EXPECT_TRUE(engine.zero_beyond_extents());
		weir_magazines_destroy(&all);
	}

	char *lease() { return (char *)weir_magazines_lease(&all); }
	std::vector<char *> lease(size_t count)
	{
		std::vector<char *> blocks(count);

		for (char *&block : blocks)
			block = lease();
		return blocks;
	}
	weir_returned give(char *block) { return weir_magazines_return(&all, block); }
	void give(const std::vector<char *> &blocks)
	{
		for (char *block : blocks)
			EXPECT_EQ(WEIR_RETURNED, give(block));
	}
	bool is_leased(const char *block) { return weir_magazines_leased(&all, block); }

	uint64_t out() { return weir_magazines_out(&all); }
	weir_magazine *mine() { return weir_magazine_mine(&all); }
	unsigned at_hand() { return mine()->used / (unsigned)sizeof(weir_magazine_entry); }

	/* In a thread of its own, which ends. */
	void elsewhere(const std::function<void()> &act) { std::thread(act).join(); }

	/* The calling thread is inside its magazine while something else happens: as if it had
	 * been interrupted there. */
	void inside(const std::function<void()> &act)
	{
		weir_magazine_way way = { mine(), 0 };

		ASSERT_TRUE(weir_magazine_enter(&way));
		act();
		if (!weir_magazine_exit(way.magazine))
			weir_magazine_hand_over(&all, way.magazine);
	}

	Engine engine;
	weir_magazines all = {};
};

/* Leases and returns */

TEST_F(Magazines, LeaseTheBlockThatCameBackLast)
{
	char *block = lease();

	EXPECT_TRUE(is_leased(block));
	EXPECT_EQ(1U, out());
	for (unsigned i = 0; i < 100; i++) {
		ASSERT_EQ(WEIR_RETURNED, give(block));
		ASSERT_FALSE(is_leased(block));
		ASSERT_EQ(0U, out());
		ASSERT_EQ(block, lease());
		ASSERT_TRUE(is_leased(block));
	}
	EXPECT_EQ(101U, weir_magazines_leases(&all));
	EXPECT_EQ(1U, claims);
	EXPECT_EQ(16U, all.slabs.taken);
}

TEST_F(Magazines, ChangeNothingThatIsSharedForAPair)
{
	char *block = lease();
	weir_pool pool = engine.pool;
	weir_slabs slabs = all.slabs;
	uint64_t usage = weir_pool_usage(&engine.pool);

	for (unsigned i = 0; i < 100; i++) {
		give(block);
		lease();
	}
	EXPECT_EQ(0, memcmp(&pool, &engine.pool, sizeof pool));
	EXPECT_EQ(0, memcmp(&slabs, &all.slabs, sizeof slabs));
	EXPECT_EQ(usage, weir_pool_usage(&engine.pool));
	EXPECT_EQ(1U, all.leases);
}

TEST_F(Magazines, AreFilledAndFlushedByHalves)
{
	std::vector<char *> blocks = lease(17);

	EXPECT_EQ(15U, at_hand());
	EXPECT_EQ(32U, all.slabs.taken);
	give(blocks);
	EXPECT_EQ(32U, at_hand());
	blocks = lease(33);
	EXPECT_EQ(15U, at_hand());
	give(std::vector<char *>(blocks.begin(), blocks.begin() + 17));
	EXPECT_EQ(32U, at_hand());
	EXPECT_EQ(48U, all.slabs.taken);
	give(blocks[17]);
	EXPECT_EQ(17U, at_hand());
	EXPECT_EQ(32U, all.slabs.taken);
	give(std::vector<char *>(blocks.begin() + 18, blocks.end()));
	EXPECT_EQ(0U, out());
}

TEST_F(Magazines, LeaseEachBlockOnce)
{
	std::vector<char *> blocks = lease(1000);
	std::set<char *> different(blocks.begin(), blocks.end());

	EXPECT_EQ(1000U, different.size());
	EXPECT_EQ(1000U, out());
	for (char *block : blocks)
		memset(block, 1, 4 * kib);
	give(blocks);
	EXPECT_EQ(0U, out());
	EXPECT_LE(engine.live_bytes(), 4 * slab_bytes);
}

TEST_F(Magazines, RefuseWhatIsNotLeased)
{
	char *block = lease(), *other = lease(), local;

	give(block);
	EXPECT_EQ(WEIR_RETURNED_UNLEASED, give(block));
	EXPECT_EQ(WEIR_RETURNED_UNLEASED, give(other + 20 * page));
	EXPECT_EQ(WEIR_RETURNED_NO_BLOCK, give(other + 64));
	EXPECT_EQ(WEIR_RETURNED_NO_BLOCK, give(other + 1));
	EXPECT_EQ(WEIR_RETURNED_NO_BLOCK, give(&local));
	EXPECT_EQ(WEIR_RETURNED_NO_BLOCK, give(block + WEIR_GIB));
	EXPECT_FALSE(is_leased(block));
	EXPECT_FALSE(is_leased(other + 1));
	EXPECT_FALSE(is_leased(&local));
	EXPECT_EQ(1U, out());
	weir_magazines_gather(&all);
	EXPECT_EQ(WEIR_RETURNED_UNLEASED, give(block));
	EXPECT_EQ(WEIR_RETURNED, give(other));
	weir_magazines_gather(&all);
	EXPECT_EQ(0U, engine.live_bytes());
	EXPECT_EQ(WEIR_RETURNED_UNLEASED, give(other));
	EXPECT_EQ(0U, told);
}

TEST_F(Magazines, TakeWhatOtherThreadsReturn)
{
	std::vector<char *> blocks = lease(100);

	elsewhere([&] {
		give(blocks);
		EXPECT_EQ(100U, weir_magazines_leases(&all));
		weir_magazines_leave(&all);
	});
	EXPECT_EQ(0U, out());
	EXPECT_EQ(100U, lease(100).size());
	EXPECT_EQ(100U, out());
}

struct LongBlocks : Magazines {
	LongBlocks() : Magazines(mib) {}
};

TEST_F(LongBlocks, AreFewAtHand)
{
	std::vector<char *> blocks = lease(4);

	give(blocks);
	EXPECT_EQ(2U, at_hand());
	EXPECT_EQ(2U, all.slabs.taken);
}

/* A block that was returned twice at one moment: here by putting it in a second place. */

TEST_F(Magazines, TellOfABlockThatIsInTwoPlacesAndLeased)
{
	char *block = lease();

	give(block);
	mine()->entries[0] = mine()->entries[at_hand() - 1];
	EXPECT_EQ(block, lease());
	for (unsigned i = 0; i < 100; i++)
		EXPECT_NE(block, lease());
	EXPECT_EQ(1U, told);
	EXPECT_EQ(block, last_told);
	EXPECT_TRUE(is_leased(block));
	EXPECT_EQ(102U, out()); /* and the one that was in its second place */
	EXPECT_EQ(WEIR_RETURNED, give(block));
}

TEST_F(Magazines, TellOfABlockThatIsGivenBackTwice)
{
	char *block = lease();

	give(block);
	mine()->entries[0] = mine()->entries[at_hand() - 1];
	weir_magazines_gather(&all);
	EXPECT_EQ(1U, told);
	EXPECT_EQ(block, last_told);
}

TEST_F(Magazines, DoNotLeaseABlockOfASlabThatIsGone)
{
	char *block = lease();
	weir_magazine_entry entry;

	give(block);
	entry = mine()->entries[at_hand() - 1];
	weir_magazines_gather(&all);
	ASSERT_EQ(0U, engine.live_bytes());
	mine()->entries[0] = entry;
	mine()->used = sizeof entry;
	EXPECT_NE(nullptr, lease());
	EXPECT_EQ(1U, told);
	EXPECT_EQ(slab_bytes, engine.live_bytes());
}

TEST_F(Magazines, TellOfALeasedBlockThatIsFreeInItsSlab)
{
	std::vector<char *> blocks = lease(16);
	char *twice = blocks[3];

	weir_slabs_give(&all.slabs, &twice, 1, 0);
	for (char *block : lease(100))
		EXPECT_NE(blocks[3], block);
	EXPECT_EQ(1U, told);
	EXPECT_EQ(blocks[3], last_told);
}

/* Two return a block at once, then lease many, one after the other. */
TEST_F(Magazines, LeaseABlockOnceThatTwoReturnedAtOnce)
{
	std::atomic<unsigned> steps{ 0 }, damaged{ 0 }, refused{ 0 };
	std::atomic<char *> victim{ nullptr };
	std::vector<std::thread> threads;
	constexpr unsigned rounds = 400;

	for (unsigned t = 0; t < 2; t++)
		threads.emplace_back([&, t] {
			auto await = [&](unsigned wanted) {
				while (steps < wanted)
					std::this_thread::yield();
			};
			std::vector<char *> blocks;

			for (unsigned round = 0; round < rounds; round++) {
				if (t == 0)
					victim = lease();
				steps++;
				await(8 * round + 2);
				refused += give(victim) != WEIR_RETURNED;
				steps++;
				await(8 * round + 4 + t);
				blocks = lease(40);
				for (char *block : blocks)
					stamp(block, page, t + 1);
				steps++;
				await(8 * round + 6);
				for (char *block : blocks)
					damaged += !stamped(block, page, t + 1);
				for (char *block : blocks)
					damaged += give(block) != WEIR_RETURNED;
				steps++;
				await(8 * round + 8);
			}
			weir_magazines_leave(&all);
		});
	for (std::thread &thread : threads)
		thread.join();
	EXPECT_EQ(0U, damaged);
	EXPECT_EQ(rounds, refused + told);
}

/* Emptying */

TEST_F(Magazines, AreEmptiedByAGather)
{
	std::vector<char *> blocks = lease(20);

	engine.release(); /* what comes back later is retained */
	give(blocks);
	EXPECT_EQ(slab_bytes, engine.live_bytes());
	weir_magazines_gather(&all);
	EXPECT_EQ(0U, at_hand());
	EXPECT_EQ(0U, engine.live_bytes());
	EXPECT_EQ(slab_bytes, engine.retained_bytes());
	EXPECT_EQ(1U, fake_os_calls(FAKE_BARRIER) - 1);
	weir_magazines_gather(&all);
	EXPECT_EQ(1U, fake_os_calls(FAKE_BARRIER) - 1); /* none for nothing */
}

TEST_F(Magazines, OfAllThreadsAreEmptiedByOneBarrier)
{
	std::vector<char *> blocks = lease(5);
	std::atomic<unsigned> ready{ 0 };
	std::atomic<bool> done{ false };
	std::vector<std::thread> threads;

	for (unsigned t = 0; t < 3; t++)
		threads.emplace_back([&] {
			give(lease());
			ready++;
			while (!done)
				std::this_thread::yield();
			weir_magazines_leave(&all);
		});
	while (ready < 3)
		std::this_thread::yield();
	give(blocks);
	fake_os_fail(FAKE_BARRIER, 1, 1);
	weir_magazines_gather(&all);
	EXPECT_EQ(0U, all.slabs.taken);
	EXPECT_EQ(0U, engine.live_bytes());
	done = true;
	for (std::thread &thread : threads)
		thread.join();
	EXPECT_EQ(4U, claims);
}

TEST_F(Magazines, AreLeftToAnOwnerWhoIsInside)
{
	give(lease());
	inside([&] {
		weir_magazines_gather(&all);
		EXPECT_EQ(WEIR_MAGAZINE_LEFT, mine()->wanted);
		EXPECT_EQ(16U, at_hand());
		elsewhere([&] { weir_magazines_gather(&all); });
		EXPECT_EQ(WEIR_MAGAZINE_LEFT, mine()->wanted);
		EXPECT_EQ(16U, at_hand());
	});
	EXPECT_EQ(WEIR_MAGAZINE_OPEN, mine()->wanted);
	EXPECT_EQ(0U, at_hand());
	EXPECT_EQ(0U, engine.live_bytes());
}

TEST_F(Magazines, AreReleasedByAnOwnerWhoWasInsideWhenTheReleaseBegan)
{
	give(lease());
	inside([&] {
		weir_magazines_gather(&all);
		engine.release();
	});
	EXPECT_EQ(0U, engine.live_bytes());
	EXPECT_EQ(0U, engine.retained_bytes());
}

TEST_F(Magazines, LeaseAndTakeBackInAHandlerThatInterruptsThem)
{
	std::vector<char *> blocks = lease(3);

	inside([&] {
		unsigned before = at_hand();
		char *block = lease();

		EXPECT_TRUE(is_leased(block));
		EXPECT_EQ(WEIR_RETURNED, give(block));
		EXPECT_EQ(WEIR_RETURNED, give(blocks[1]));
		EXPECT_EQ(before, at_hand());
		EXPECT_EQ(1U, mine()->inside);
		EXPECT_EQ(2U, out());
	});
	EXPECT_EQ(0U, mine()->inside);
	EXPECT_NE(nullptr, lease());
}

/* Between asking and having: as in a handler that interrupts it, or another thread. */
TEST_F(Magazines, AreNotUsedWhileSomebodyEmptiesThem)
{
	struct Context {
		Magazines *test;
		std::vector<char *> blocks;
		unsigned entries;
	} context = { this, lease(3), 0 };

	give(context.blocks[0]);
	context.entries = at_hand();
	fake_os_on(
		FAKE_BARRIER,
		[](void *data) {
			Context *c = (Context *)data;

			EXPECT_EQ(WEIR_RETURNED, c->test->give(c->blocks[1]));
			char *block = c->test->lease();
			EXPECT_NE(nullptr, block);
			EXPECT_EQ(c->entries, c->test->at_hand());
			weir_magazines_gather(&c->test->all); /* another has it */
			EXPECT_EQ(c->entries, c->test->at_hand());
			EXPECT_EQ(WEIR_RETURNED, c->test->give(block));
		},
		&context);
	weir_magazines_gather(&all);
	fake_os_on(FAKE_BARRIER, nullptr, nullptr);
	EXPECT_EQ(0U, at_hand());
	EXPECT_EQ(1U, all.slabs.taken);
	give(context.blocks[2]);
}

TEST_F(Magazines, AreEmptiedByTheirOwnersWhereTheBarrierIsRefused)
{
	give(lease());
	fake_os_fail(FAKE_BARRIER, 0, 1);
	weir_magazines_gather(&all);
	EXPECT_EQ(16U, at_hand());
	EXPECT_EQ(WEIR_MAGAZINE_DUE, mine()->wanted);
	char *block = lease();
	EXPECT_EQ(WEIR_MAGAZINE_OPEN, mine()->wanted);
	EXPECT_EQ(0U, told);
	give(block);
	fake_os_fail(FAKE_BARRIER, 0, 1);
	weir_magazines_gather(&all);
	EXPECT_LT(0U, at_hand());
	weir_magazines_gather(&all);
	EXPECT_EQ(0U, at_hand());
	EXPECT_EQ(0U, engine.live_bytes());
}

TEST_F(Magazines, GiveUpWhatTheyHaveForALeaseThatFindsNoOther)
{
	EngineOptions options;

	options.live_limit = slab_bytes;
	Engine limited(options);
	weir_magazines few = {};

	ASSERT_TRUE(weir_magazines_init(&few, &limited.pool, 4 * kib));
	elsewhere([&] {
		void *block = weir_magazines_lease(&few);

		weir_magazines_return(&few, block);
	});
	for (unsigned i = 0; i < 32; i++)
		EXPECT_NE(nullptr, weir_magazines_lease(&few)) << i;
	EXPECT_EQ(nullptr, weir_magazines_lease(&few));
	weir_magazines_destroy(&few);
}

/* Closing */

TEST_F(Magazines, AreClosedForGood)
{
	std::vector<char *> blocks = lease(20);

	give(blocks[0]);
	weir_magazines_close(&all);
	EXPECT_EQ(19U, out());
	EXPECT_EQ(19U, all.slabs.taken);
	EXPECT_EQ(nullptr, lease());
	EXPECT_EQ(WEIR_RETURNED_UNLEASED, give(blocks[0]));
	for (unsigned i = 1; i < 20; i++) {
		EXPECT_FALSE(weir_magazines_are_over(&all));
		EXPECT_EQ(WEIR_RETURNED, give(blocks[i]));
		EXPECT_EQ(19 - i, all.slabs.taken);
	}
	EXPECT_TRUE(weir_magazines_are_over(&all));
	EXPECT_EQ(0U, engine.live_bytes());
	EXPECT_EQ(WEIR_RETURNED_UNLEASED, give(blocks[19]));
	weir_magazines_close(&all);
	EXPECT_TRUE(weir_magazines_are_over(&all));
}

TEST_F(Magazines, AreClosedByAnOwnerWhoIsInside)
{
	char *block = lease();

	inside([&] {
		weir_magazines_close(&all);
		EXPECT_FALSE(weir_magazines_are_over(&all));
	});
	EXPECT_EQ(WEIR_MAGAZINE_CLOSED, mine()->wanted);
	EXPECT_EQ(0U, at_hand());
	EXPECT_FALSE(weir_magazines_are_over(&all));
	give(block);
	EXPECT_TRUE(weir_magazines_are_over(&all));
}

/* One that had been asked for before is opened again when the closing has passed it. */
TEST_F(Magazines, AreClosedByAGatherInWhoseMiddleTheyClose)
{
	char *block = lease();

	fake_os_on(
		FAKE_BARRIER,
		[](void *data) {
			weir_magazines *asked = (weir_magazines *)data;

			if (!asked->closed)
				weir_magazines_close(asked);
		},
		&all);
	weir_magazines_gather(&all);
	fake_os_on(FAKE_BARRIER, nullptr, nullptr);
	for (unsigned i = 0; i < WEIR_MAGAZINES; i++)
		EXPECT_EQ(WEIR_MAGAZINE_CLOSED, all.each[i].wanted);
	give(block);
	EXPECT_TRUE(weir_magazines_are_over(&all));
}

TEST_F(Magazines, MayBeMadeAnewInTheSamePlace)
{
	weir_magazine *each = all.each, *old = nullptr;

	for (unsigned round = 0; round < 3; round++) {
		char *block = lease();

		EXPECT_EQ(1U, out());
		EXPECT_TRUE(round == 0 || mine() != nullptr);
		old = mine();
		weir_magazines_close(&all);
		give(block);
		EXPECT_TRUE(weir_magazines_are_over(&all));
		weir_magazines_destroy(&all);
		weir_magazines_gather(&all); /* somebody may be late */
		ASSERT_TRUE(weir_magazines_init(&all, &engine.pool, round ? 4 * kib : 64 * kib));
		EXPECT_EQ(each, all.each);
		EXPECT_EQ(0U, weir_magazines_leases(&all));
		EXPECT_NE(old, mine());
	}
	EXPECT_EQ(3U, claims);
}

/* Threads */

TEST_F(Magazines, AreHandedOnWhenTheirThreadEnds)
{
	for (unsigned t = 0; t < 3 * WEIR_MAGAZINES; t++)
		elsewhere([&] {
			char *block = lease();

			EXPECT_NE(nullptr, mine());
			give(block);
			weir_magazines_leave(&all);
			EXPECT_EQ(nullptr, mine());
		});
	EXPECT_EQ(3U * WEIR_MAGAZINES, claims);
	EXPECT_EQ(0U, all.owners);
	EXPECT_EQ(0U, all.slabs.taken);
	EXPECT_EQ(0U, engine.live_bytes());
}

TEST_F(Magazines, AreThereForSoManyThreadsAndTheOthersUseTheSlabs)
{
	constexpr unsigned count = WEIR_MAGAZINES + 6;
	std::atomic<unsigned> ready{ 0 }, with{ 0 }, damaged{ 0 };
	std::atomic<bool> done{ false };
	std::vector<std::thread> threads;

	for (unsigned t = 0; t < count; t++)
		threads.emplace_back([&, t] {
			for (unsigned round = 0; round < 50; round++) {
				std::vector<char *> blocks = lease(3);

				for (char *block : blocks)
					stamp(block, page, t + 1);
				for (char *block : blocks)
					damaged += !stamped(block, page, t + 1) ||
						   give(block) != WEIR_RETURNED;
			}
			with += mine() != nullptr;
			ready++;
			while (!done)
				std::this_thread::yield();
			weir_magazines_leave(&all);
		});
	while (ready < count)
		std::this_thread::yield();
	EXPECT_EQ((unsigned)WEIR_MAGAZINES, with);
	EXPECT_EQ((unsigned)WEIR_MAGAZINES, claims);
	EXPECT_EQ(0U, out());
	EXPECT_EQ(count * 150U, weir_magazines_leases(&all));
	done = true;
	for (std::thread &thread : threads)
		thread.join();
	EXPECT_EQ(0U, damaged);
	EXPECT_EQ(0U, all.owners);
	EXPECT_NE(nullptr, lease());
	EXPECT_NE(nullptr, mine());
}

/* One thread, several pools: only the last is remembered. */
TEST_F(Magazines, OfSeveralPoolsAreFoundAgain)
{
	weir_magazines other = {};
	char *block = lease();
	weir_magazine *first = mine();

	ASSERT_TRUE(weir_magazines_init(&other, &engine.pool, kib));
	for (unsigned i = 0; i < 10; i++) {
		void *small = weir_magazines_lease(&other);

		EXPECT_EQ(nullptr, mine());
		EXPECT_NE(WEIR_RETURNED, give((char *)small));
		EXPECT_EQ(WEIR_RETURNED, weir_magazines_return(&other, small));
		EXPECT_EQ(WEIR_RETURNED, give(block));
		EXPECT_EQ(first, mine());
		EXPECT_EQ(block, lease());
	}
	EXPECT_EQ(1U, all.owners);
	EXPECT_EQ(1U, other.owners);
	weir_magazines_gather(&other);
	weir_magazines_destroy(&other);
}

TEST(MagazinesWithoutABarrier, AreNoneAndTheSlabsServe)
{
	Engine engine;
	weir_magazines all = {};

	fake_os_fail(FAKE_BARRIER, 0, 1);
	ASSERT_TRUE(weir_magazines_init(&all, &engine.pool, 4 * kib));
	EXPECT_EQ(0U, all.magazines);
	void *block = weir_magazines_lease(&all);
	EXPECT_TRUE(weir_magazines_leased(&all, block));
	EXPECT_EQ(1U, all.slabs.taken);
	EXPECT_EQ(1U, weir_magazines_leases(&all));
	EXPECT_EQ(WEIR_RETURNED, weir_magazines_return(&all, block));
	EXPECT_EQ(WEIR_RETURNED_UNLEASED, weir_magazines_return(&all, block));
	EXPECT_EQ(0U, engine.live_bytes());
	weir_magazines_gather(&all);
	weir_magazines_leave(&all);
	weir_magazines_begin_anew(&all);
	weir_magazines_close(&all);
	EXPECT_EQ(nullptr, weir_magazines_lease(&all));
	weir_magazines_destroy(&all);
	EXPECT_TRUE(engine.consistent());
}

/* Forks */

void expect_child(const std::function<bool()> &holds)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(holds() ? 0 : 1);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(Magazines, OfThreadsThatAForkLeftBehindAreTakenBack)
{
	std::vector<char *> blocks = lease(3);
	std::atomic<bool> ready{ false }, done{ false };
	std::thread other([&] {
		give(lease());
		give(blocks[2]);
		mine()->inside = 1; /* the fork interrupts it there */
		ready = true;
		while (!done)
			std::this_thread::yield();
		mine()->inside = 0;
		weir_magazines_leave(&all);
	});

	while (!ready)
		std::this_thread::yield();
	EXPECT_EQ(2U, all.owners);
	EXPECT_EQ(32U, all.slabs.taken);
	expect_child([&] {
		weir_magazines_begin_anew(&all);
		bool anew = all.owners == 1 && all.slabs.taken == 15 && out() == 2 && told == 0;

		return anew && give(blocks[0]) == WEIR_RETURNED && lease() == blocks[0] &&
		       give(blocks[2]) == WEIR_RETURNED_UNLEASED;
	});
	done = true;
	other.join();
}

/* A thread that is not there was about to empty what the child's one has. */
TEST_F(Magazines, OfTheThreadThatForksAreNobodyElsesInTheChild)
{
	char *block = lease();

	give(block);
	expect_child([&] {
		mine()->wanted = (uintptr_t)&block;
		weir_magazines_begin_anew(&all);
		bool emptied = mine()->wanted == WEIR_MAGAZINE_OPEN && at_hand() == 0;
		char *again = lease();

		return emptied && again && give(again) == WEIR_RETURNED && at_hand() == 16;
	});
	expect_child([&] {
		bool left = false;

		inside([&] {
			mine()->wanted = (uintptr_t)&block;
			weir_magazines_begin_anew(&all);
			left = mine()->wanted == WEIR_MAGAZINE_DUE && at_hand() == 16;
		});
		return left && at_hand() == 0 && mine()->wanted == WEIR_MAGAZINE_OPEN;
	});
}

/* All at once */

TEST_F(Magazines, KeepBlocksApartWhileOthersEmptyThem)
{
	std::atomic<unsigned> damaged{ 0 };
	std::atomic<bool> done{ false };
	std::vector<std::thread> threads;
	std::atomic<char *> table[4] = {};
	std::thread releaser([&] {
		while (!done) {
			weir_magazines_gather(&all);
			engine.release();
			std::this_thread::yield();
		}
	});

	for (unsigned t = 1; t <= 4; t++)
		threads.emplace_back([&, t] {
			for (unsigned round = 0; round < 4000; round++) {
				char *block = lease();

				stamp(block, page, t);
				std::this_thread::yield();
				damaged += !stamped(block, page, t);
				block = table[round % 4].exchange(block);
				damaged += block && give(block) != WEIR_RETURNED;
			}
			weir_magazines_leave(&all);
		});
	for (std::thread &thread : threads)
		thread.join();
	done = true;
	releaser.join();
	for (std::atomic<char *> &block : table)
		damaged += give(block.load()) != WEIR_RETURNED;
	weir_magazines_gather(&all);
	EXPECT_EQ(0U, damaged);
	EXPECT_EQ(0U, told);
	EXPECT_EQ(0U, out());
	EXPECT_EQ(0U, all.slabs.taken);
	EXPECT_EQ(0U, engine.live_bytes());
	EXPECT_EQ(4U * 4000, weir_magazines_leases(&all));
}

} // namespace
