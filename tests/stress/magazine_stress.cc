#include "seed.h"
#include "test_engine.h"

#include <atomic>
#include <random>
#include <thread>

/* Blocks of one size, leased and returned by many threads, while others empty what they have at
 * hand and release it. In the perturbed program signals do so, too, between any two steps. */

namespace
{

constexpr unsigned thread_count = 8;
constexpr unsigned rounds = 4000;

std::atomic<unsigned> told{ 0 };

void tell(const void *)
{
	told++;
}

struct Leases {
	explicit Leases(const EngineOptions &options = {}) : engine(options)
	{
		told = 0;
		all.twice = tell;
		EXPECT_TRUE(weir_magazines_init(&all, &engine.pool, 4 * kib));
		engine.magazines = &all;
	}
	~Leases()
	{
		engine.release();
		EXPECT_EQ(0U, told);
		EXPECT_EQ(0U, damaged);
		EXPECT_EQ(0U, all.slabs.taken);
		EXPECT_EQ(0U, engine.live_bytes());
		EXPECT_EQ(0U, engine.retained_bytes());
		EXPECT_TRUE(engine.consistent());
		EXPECT_TRUE(engine.zero_beyond_extents());
		engine.magazines = nullptr;
		weir_magazines_destroy(&all);
	}
	Leases(const Leases &) = delete;
	Leases &operator=(const Leases &) = delete;

	char *lease(uint64_t owner)
	{
		char *block = (char *)weir_magazines_lease(&all);

		if (block)
			stamp(block, page, owner);
		return block;
	}
	void give(char *block, uint64_t owner)
	{
		if (!stamped(block, page, owner) ||
		    weir_magazines_return(&all, block) != WEIR_RETURNED)
			damaged++;
	}

	/* A thread holds a few, and now and then many. */
	void churn(unsigned thread, unsigned count)
	{
		std::minstd_rand random(test_seed(thread));
		std::vector<char *> held;

		for (unsigned round = 0; round < count; round++) {
			size_t wanted = random() % 64 == 0 ? 100 : random() % 8;

			for (; held.size() > wanted; held.pop_back())
				give(held.back(), thread);
			while (held.size() < wanted)
				held.push_back(lease(thread));
		}
		for (char *block : held)
			give(block, thread);
	}

	void run(const std::function<void(unsigned)> &work)
	{
		std::vector<std::thread> threads;
		std::atomic<bool> done{ false };
		std::thread releaser([&] {
			while (!done) {
				engine.release();
				over += weir_magazines_are_over(&all);
				std::this_thread::yield();
			}
		});

		for (unsigned t = 1; t <= thread_count; t++)
			threads.emplace_back(work, t);
		for (std::thread &thread : threads)
			thread.join();
		done = true;
		releaser.join();
	}

	Engine engine;
	weir_magazines all = {};
	std::atomic<unsigned> damaged{ 0 }, over{ 0 };
};

TEST(MagazineStress, KeepsBlocksApartThroughReleases)
{
	Leases leases;

	leases.run([&](unsigned thread) {
		leases.churn(thread, rounds);
		weir_magazines_leave(&leases.all);
	});
}

TEST(MagazineStress, KeepsBlocksApartWhileTheBarrierIsRefusedNowAndThen)
{
	Leases leases;

	leases.run([&](unsigned thread) {
		for (unsigned i = 0; i < 40; i++) {
			leases.churn(thread, rounds / 40);
			fake_os_fail(FAKE_BARRIER, 1, 2);
		}
		weir_magazines_leave(&leases.all);
	});
	fake_os_fail(FAKE_BARRIER, 0, 0);
}

TEST(MagazineStress, HandsMagazinesOnFromThreadToThread)
{
	Leases leases;

	leases.run([&](unsigned thread) {
		for (unsigned i = 0; i < 40; i++)
			std::thread([&] {
				leases.churn(thread, rounds / 80);
				weir_magazines_leave(&leases.all);
			}).join();
	});
	EXPECT_EQ(0U, leases.all.owners);
}

/* Blocks go from thread to thread. */
TEST(MagazineStress, TakesBlocksFromWhoeverHasThem)
{
	Leases leases;
	std::atomic<char *> table[16] = {};

	leases.run([&](unsigned thread) {
		std::minstd_rand random(test_seed(thread));

		for (unsigned round = 0; round < 2 * rounds; round++) {
			char *block = table[random() % 16].exchange(leases.lease(7));

			if (block)
				leases.give(block, 7);
		}
		weir_magazines_leave(&leases.all);
	});
	for (std::atomic<char *> &block : table)
		if (block)
			leases.give(block, 7);
}

/* They close in the middle; whoever brings the last block back finds that they are over: the one
 * who releases, too. */
TEST(MagazineStress, ClosesWhileThreadsReturn)
{
	for (unsigned i = 0; i < 20; i++) {
		Leases leases;
		std::atomic<unsigned> leased{ 0 };

		leases.run([&](unsigned thread) {
			std::vector<char *> held;

			for (unsigned n = 0; n < 100; n++)
				held.push_back(leases.lease(thread));
			leased++;
			while (leased < thread_count)
				std::this_thread::yield();
			for (unsigned n = 0; n < 100; n++) {
				if (thread == 1 && n == 50)
					weir_magazines_close(&leases.all);
				leases.give(held[n], thread);
				leases.over += weir_magazines_are_over(&leases.all);
			}
		});
		EXPECT_GE(leases.over, 1U);
		EXPECT_EQ(0U, leases.all.slabs.taken);
	}
}

/* As many as there are magazines, and more. */
TEST(MagazineStress, ServesMoreThreadsThanThereAreMagazines)
{
	Leases leases;
	std::vector<std::thread> threads;

	for (unsigned t = 1; t <= WEIR_MAGAZINES + 16; t++)
		threads.emplace_back([&, t] {
			leases.churn(t, 200);
			leases.engine.release();
			leases.churn(t, 200);
			weir_magazines_leave(&leases.all);
		});
	for (std::thread &thread : threads)
		thread.join();
}

} // namespace
