#include "seed.h"
#include "test_engine.h"

#include <atomic>
#include <functional>
#include <random>
#include <thread>

namespace
{

constexpr unsigned thread_count = 8;
constexpr unsigned rounds = 4000;

struct Crew {
	void start(unsigned count, std::function<void(unsigned)> work)
	{
		for (unsigned t = 0; t < count; t++)
			workers.emplace_back(work, t);
	}
	/* Repeats an action, beside the workers, until they are done. */
	void meanwhile(std::function<void()> action)
	{
		helpers.emplace_back([this, action] {
			while (!done.load(std::memory_order_relaxed)) {
				action();
				std::this_thread::yield();
			}
		});
	}
	void finish()
	{
		for (std::thread &worker : workers)
			worker.join();
		done = true;
		for (std::thread &helper : helpers)
			helper.join();
	}

	std::vector<std::thread> workers, helpers;
	std::atomic<bool> done{ false };
};

struct Owned {
	char *address = nullptr;
	size_t bytes = 0;
	uint64_t owner = 0;
};

/* A thread of a program: a few blocks that it takes, resizes and frees. */
struct Program {
	Program(Engine *used, unsigned thread)
	    : engine(used), random(test_seed(thread)), next_owner((uint64_t)(thread + 1) << 48)
	{
	}

	size_t any_size() { return 64 * kib + random() % (500 * kib); }

	void take(Owned *block)
	{
		block->bytes = any_size();
		block->address = engine->take(block->bytes);
		if (block->address)
			stamp(block->address, block->bytes, block->owner = next_owner += 1 << 20);
	}

	void free(Owned *block)
	{
		if (!stamped(block->address, block->bytes, block->owner) ||
		    !engine->free(block->address))
			damaged++;
		block->address = nullptr;
	}

	void resize(Owned *block)
	{
		size_t bytes = any_size();
		size_t stride = weir_region_slot_bytes(engine->find(block->address).region);

		if (bytes > stride) {
			char *moved = engine->move(block->address, bytes);

			if (!moved)
				return;
			block->address = moved;
		} else if (!engine->resize(block->address, bytes)) {
			return;
		}
		if (!stamped(block->address, weir_min(bytes, block->bytes), block->owner))
			damaged++;
		block->bytes = bytes;
		stamp(block->address, bytes, block->owner);
	}

	void step()
	{
		Owned &block = owned[random() % 4];

		if (!block.address)
			take(&block);
		else if (random() % 4 == 0)
			resize(&block);
		else
			free(&block);
	}

	void free_all()
	{
		for (Owned &block : owned)
			if (block.address)
				free(&block);
	}

	Engine *engine;
	std::minstd_rand random;
	uint64_t next_owner;
	Owned owned[4];
	unsigned damaged = 0;
};

void expect_whole(Engine *engine)
{
	EXPECT_EQ(0U, engine->live_bytes());
	EXPECT_TRUE(engine->consistent());
	engine->release();
	EXPECT_EQ(0U, engine->retained_bytes());
	EXPECT_TRUE(engine->consistent());
	EXPECT_TRUE(engine->zero_beyond_extents());
}

/* Runs programs in all threads; counts the blocks that were not what their owner
 * left in them. */
void run_programs(Engine *engine, Crew *crew)
{
	std::atomic<unsigned> damaged{ 0 };

	crew->start(thread_count, [&](unsigned thread) {
		Program program(engine, thread);

		for (unsigned round = 0; round < rounds; round++)
			program.step();
		program.free_all();
		damaged += program.damaged;
	});
	crew->finish();
	EXPECT_EQ(0U, damaged);
}

TEST(EngineStress, NeverRetainsMoreThanTheLimit)
{
	EngineOptions options;

	options.limit = 3 * mib + page;
	Engine engine(options);
	Crew crew;
	std::atomic<size_t> most{ 0 };
	std::atomic<uint64_t> now_ms{ 0 };

	crew.meanwhile([&] {
		most = weir_max(most, engine.charged_bytes());
		fake_os_set_now_ms(now_ms++);
	});
	run_programs(&engine, &crew);
	EXPECT_LE(most, 3 * mib + page);
	EXPECT_LE(weir_units_to_bytes(engine.pool.stats->usage.peak_retained_units),
		  3 * mib + page);
	EXPECT_GT(most, 2 * mib);
	expect_whole(&engine);
}

TEST(EngineStress, NeverKeepsMoreBlocksThanAClassMay)
{
	EngineOptions options;

	options.class_blocks = 2;
	Engine engine(options);
	Crew crew;
	std::atomic<uint64_t> most{ 0 };

	crew.meanwhile([&] {
		for (weir_class &each : engine.pool.classes)
			most = weir_max(most, weir_load_relaxed(&each.blocks));
	});
	run_programs(&engine, &crew);
	EXPECT_LE(most, 2U);
	expect_whole(&engine);
}

TEST(EngineStress, NeverKeepsMoreThanARangeMay)
{
	EngineOptions options;
	weir_class_limit small = {}, rest = {};

	small.max_bytes = 256 * kib;
	small.limit_bytes = 300 * kib;
	rest.max_bytes = SIZE_MAX;
	rest.limit_bytes = mib + page;
	options.class_limits = { small, rest };
	Engine engine(options);
	Crew crew;
	std::atomic<uint64_t> most_small{ 0 }, most_rest{ 0 };

	crew.meanwhile([&] {
		auto &ranges = engine.pool.quotas.ranges;

		most_small = weir_max(most_small, weir_load_relaxed(&ranges[0].used_units));
		most_rest = weir_max(most_rest, weir_load_relaxed(&ranges[1].used_units));
	});
	run_programs(&engine, &crew);
	EXPECT_LE(weir_units_to_bytes(most_small), 300 * kib);
	EXPECT_LE(weir_units_to_bytes(most_rest), mib + page);
	expect_whole(&engine);
}

/* Beside all that takes pages and room away. */
void run_beside_releases(Engine *engine)
{
	Crew crew;
	weir_decay decay = {};
	std::atomic<uint64_t> now_ms{ 0 };

	weir_decay_init(&decay, 3, 0);
	crew.meanwhile([&] { engine->release(); });
	crew.meanwhile([&] {
		weir_tally tally;

		fake_os_set_now_ms(now_ms++);
		weir_decay_step(&decay, &engine->pool, now_ms, &tally);
	});
	run_programs(engine, &crew);
	expect_whole(engine);
}

TEST(EngineStress, KeepsContentsThroughReleasesAndDecay)
{
	Engine engine;

	run_beside_releases(&engine);
}

void run_beside_refusals(Engine *engine)
{
	Crew crew;
	std::atomic<unsigned> turn{ 0 };

	crew.meanwhile([&] {
		fake_os_fail((fake_call)(FAKE_COMMIT + turn++ % (FAKE_REFUSABLE_COUNT - 1)), 1, 2);
		engine->release();
	});
	run_programs(engine, &crew);
	EXPECT_EQ(0U, engine->live_bytes());
	EXPECT_TRUE(engine->consistent());
	EXPECT_TRUE(engine->zero_beyond_extents());
}

TEST(EngineStress, StaysTrueWhileTheKernelRefusesNowAndThen)
{
	Engine engine;

	run_beside_refusals(&engine);
}

/* Blocks change hands between threads through a table, as in a pipeline. */
void hand_over_beside_releases(Engine *engine)
{
	Crew crew;
	std::atomic<char *> table[8] = {};
	std::atomic<unsigned> refused{ 0 };

	crew.meanwhile([&] { engine->release(); });
	crew.start(thread_count, [&](unsigned thread) {
		std::minstd_rand random(test_seed(thread));

		for (unsigned round = 0; round < 2 * rounds; round++) {
			/* Of one stride, so that blocks have a surplus that a release trims. */
			size_t bytes = 129 * kib + random() % (126 * kib);
			char *block = engine->take(bytes);

			stamp(block, bytes, thread);
			block = table[random() % 8].exchange(block);
			if (block && !engine->free(block))
				refused++;
		}
	});
	crew.finish();
	for (std::atomic<char *> &each : table)
		if (each && !engine->free(each))
			refused++;
	EXPECT_EQ(0U, refused);
	expect_whole(engine);
}

TEST(EngineStress, PutsBlocksOnceThatOtherThreadsFreeDuringReleases)
{
	Engine engine;

	hand_over_beside_releases(&engine);
}

/* Where freed blocks wait before they are listed. */

EngineOptions with_quarantine()
{
	EngineOptions options;

	options.hardened = true;
	return options;
}

TEST(QuarantineStress, KeepsContentsThroughReleasesAndDecay)
{
	Engine engine(with_quarantine());

	run_beside_releases(&engine);
}

TEST(QuarantineStress, PutsBlocksOnceThatOtherThreadsFreeDuringReleases)
{
	Engine engine(with_quarantine());

	hand_over_beside_releases(&engine);
}

TEST(QuarantineStress, StaysTrueWhileTheKernelRefusesNowAndThen)
{
	Engine engine(with_quarantine());

	run_beside_refusals(&engine);
}

/* With the cache: blocks at hand for each thread, or for all threads the same ones. */

EngineOptions with_cache(size_t limit)
{
	EngineOptions options;

	options.limit = limit;
	options.cached = mib;
	return options;
}

uint64_t cache_hits(const Engine &engine)
{
	uint64_t hits = 0;

	for (unsigned c = 0; c < WEIR_CACHE_CLASSES; c++)
		hits += weir_cache_hits(engine.pool.stats, c);
	return hits;
}

TEST(CacheStress, KeepsContentsThroughReleasesAndDecay)
{
	for (int thread : { -1, 0 }) {
		Engine engine(with_cache(64 * mib));

		fake_os_set_thread(thread);
		run_beside_releases(&engine);
		EXPECT_GT(cache_hits(engine), 100U);
	}
}

TEST(CacheStress, PutsBlocksOnceThatOtherThreadsFreeDuringReleases)
{
	for (int thread : { -1, 0 }) {
		Engine engine(with_cache(64 * mib));

		fake_os_set_thread(thread);
		hand_over_beside_releases(&engine);
	}
}

TEST(CacheStress, KeepsTheLimitWhileLiveBlocksGiveUpTheirRoom)
{
	constexpr size_t limit = 4 * mib + page;
	Engine engine(with_cache(limit));
	Crew crew;
	std::atomic<size_t> most{ 0 };

	crew.meanwhile([&] { most = weir_max(most, engine.charged_bytes()); });
	run_programs(&engine, &crew);
	EXPECT_LE(most, limit);
	EXPECT_LE(weir_units_to_bytes(engine.pool.stats->usage.peak_retained_units), limit);
	EXPECT_GT(most, 3 * mib);
	EXPECT_GT(cache_hits(engine), 0U);
	expect_whole(&engine);
}

/* Few sizes, whose blocks nothing but the cache serves, and an entry for all threads. */
TEST(CacheStress, GivesABlockAtHandToOneThread)
{
	Engine engine(with_cache(64 * mib));
	Crew crew;
	std::atomic<unsigned> damaged{ 0 };

	fake_os_set_thread(0);
	crew.meanwhile([&] { engine.release(); });
	crew.start(thread_count, [&](unsigned thread) {
		const size_t sizes[] = { 66 * kib, 100 * kib, 120 * kib };

		for (uint64_t round = 1; round < 4 * rounds; round++) {
			size_t bytes = sizes[round % 3];
			uint64_t owner = (uint64_t)(thread + 1) << 48 | round << 20;
			char *block = engine.take(bytes);

			stamp(block, bytes, owner);
			if (!stamped(block, bytes, owner) || !engine.free(block))
				damaged++;
		}
	});
	crew.finish();
	EXPECT_EQ(0U, damaged);
	EXPECT_GT(cache_hits(engine), 0U);
	expect_whole(&engine);
}

TEST(CacheStress, StaysTrueWhileTheKernelRefusesNowAndThen)
{
	Engine engine(with_cache(8 * mib));

	run_beside_refusals(&engine);
}

/* The kernel refuses, so surplus stays and both find work without end. */
TEST(EngineStress, KeepsLiveBlocksThatAreAgedAndTrimmedAtOnce)
{
	Engine engine;
	Crew crew;
	char *block = engine.take(mib);

	engine.free(block);
	ASSERT_EQ(block, engine.take(600 * kib));
	weir_block slot = engine.find(block);
	fake_os_fail(FAKE_RELEASE, 0, 1U << 30);
	fake_os_fail(FAKE_RENEW, 0, 1U << 30);
	crew.start(4, [&](unsigned thread) {
		weir_tally tally = {};

		for (unsigned round = 0; round < 20 * rounds; round++)
			weir_live_trim(&engine.pool, slot.region, slot.index, thread % 2 == 0, 0,
				       &tally);
	});
	crew.finish();
	EXPECT_TRUE(engine.live(block));
	EXPECT_TRUE(engine.consistent());
}

TEST(EngineStress, HandsOutFreshSlotsOnce)
{
	EngineOptions options;

	options.region_shift = 26;
	Engine engine(options);
	Crew crew;
	weir_region &region = engine.space.regions[0];
	std::vector<std::atomic<unsigned>> taken(region.slot_count);

	crew.start(thread_count, [&](unsigned) {
		for (uint32_t index; weir_region_take_empty(&region, &index);) {
			taken[index]++;
			*weir_region_address(&region, index) = 1;
		}
	});
	crew.finish();
	for (std::atomic<unsigned> &each : taken)
		EXPECT_EQ(1U, each);
}

} // namespace
