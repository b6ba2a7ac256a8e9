#include "seed.h"
#include "test_engine.h"

#include <atomic>
#include <functional>
#include <random>
#include <thread>

extern "C" {
#include "backend.h"
#include "engine.h"
#include "large.h"
#include "settings.h"
}

/* Threads of a program, while another one changes the limits over and over. */

namespace
{

constexpr unsigned thread_count = 6;
constexpr unsigned rounds = 400;     /* of each program at least, */
constexpr unsigned least_turns = 20; /* and of changes beside them */
constexpr unsigned episodes = 8;     /* after each of which no thread is inside */

/* How a program gets its blocks. */
struct Source {
	std::function<char *(size_t bytes)> take;
	std::function<bool(char *block)> free;
};

/* A thread of a program, with a few blocks of its own. */
struct Program {
	Program(const Source &used, unsigned thread)
	    : source(used), random(test_seed(thread)), next_owner((uint64_t)(thread + 1) << 48)
	{
	}

	struct Owned {
		char *address = nullptr;
		size_t bytes = 0;
		uint64_t owner = 0;
	};

	void take(Owned *block)
	{
		block->bytes = 64 * kib + random() % (500 * kib);
		block->owner = next_owner += 1 << 20;
		block->address = source.take(block->bytes);
		if (block->address) /* the kernel may have refused a fresh slot */
			stamp(block->address, block->bytes, block->owner);
	}

	void free(Owned *block)
	{
		damaged += !stamped(block->address, block->bytes, block->owner) ||
			   !source.free(block->address);
		block->address = nullptr;
	}

	void step()
	{
		Owned &block = owned[random() % 4];

		if (block.address)
			free(&block);
		else
			take(&block);
	}

	void free_all()
	{
		for (Owned &block : owned)
			if (block.address)
				free(&block);
	}

	const Source &source;
	std::minstd_rand random;
	uint64_t next_owner;
	Owned owned[4];
	unsigned damaged = 0; /* blocks that were not as it had left them */
};

/* Programs in all threads, and an action beside them over and over. */
void run_beside(const Source &source, const std::function<void()> &action)
{
	std::vector<std::thread> threads;
	std::atomic<unsigned> damaged{ 0 }, turns{ 0 }, running{ thread_count };

	for (unsigned t = 0; t < thread_count; t++)
		threads.emplace_back([&, t] {
			Program program(source, t);

			for (unsigned round = 0; round < rounds || turns < least_turns; round++)
				program.step();
			program.free_all();
			damaged += program.damaged;
			running--;
		});
	for (; running > 0; turns++) {
		action();
		std::this_thread::yield();
	}
	for (std::thread &thread : threads)
		thread.join();
	EXPECT_EQ(0U, damaged);
}

Source blocks_of(Engine *engine)
{
	return { [engine](size_t bytes) { return engine->take(bytes); },
		 [engine](char *block) { return engine->free(block); } };
}

weir_class_limit range(size_t max_bytes, size_t limit_bytes)
{
	weir_class_limit made = {};

	made.max_bytes = max_bytes;
	made.limit_bytes = limit_bytes;
	return made;
}

/* Blocks of a class that are retained at hand, and so on no list. */
uint64_t blocks_at_hand(const Engine &engine, unsigned class_index)
{
	const weir_region &region = engine.space.regions[weir_class_region(class_index)];
	uint64_t blocks = 0;

	for (uint32_t i = 0; i < weir_region_fresh(&region); i++) {
		uint64_t word = region.slots[i].word;

		blocks += (word & WEIR_SLOT_CACHED) && !(word & WEIR_SLOT_LIVE) &&
			  weir_class_of(weir_class_region(class_index),
					weir_units_to_bytes(weir_slot_extent(word))) == class_index;
	}
	return blocks;
}

void expect_within(Engine *engine, const EngineOptions &options)
{
	EXPECT_LE(engine->charged_bytes(), options.limit);
	if (options.footprint != WEIR_NO_LIMIT && engine->retained_bytes() > 0) {
		EXPECT_LE(engine->live_bytes() + engine->retained_bytes(), options.footprint);
	}
	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++)
		EXPECT_LE(engine->pool.classes[c].blocks + blocks_at_hand(*engine, c),
			  options.class_blocks);
	for (size_t i = 0; i < options.class_limits.size(); i++)
		EXPECT_LE(weir_units_to_bytes(engine->pool.quotas.ranges[i].used_units),
			  options.class_limits[i].limit_bytes);
}

/* Once no thread is inside. */
void expect_true(Engine *engine, const EngineOptions &options)
{
	EXPECT_EQ(0U, engine->live_bytes());
	EXPECT_TRUE(engine->consistent());
	expect_within(engine, options);
}

void expect_whole(Engine *engine, const EngineOptions &options)
{
	expect_true(engine, options);
	engine->release();
	EXPECT_EQ(0U, engine->retained_bytes());
	EXPECT_TRUE(engine->consistent());
	EXPECT_TRUE(engine->zero_beyond_extents());
}

/* The last change of an episode comes while blocks are in hand. */
void change_beside_programs(const EngineOptions &start,
			    const std::function<void(EngineOptions *, std::minstd_rand *)> &change)
{
	Engine engine(start);
	EngineOptions options = start;
	std::minstd_rand random(test_seed(70));

	for (unsigned episode = 0; episode < episodes; episode++) {
		run_beside(blocks_of(&engine), [&] {
			change(&options, &random);
			engine.change_limits(options);
		});
		expect_true(&engine, options);
	}
	expect_whole(&engine, options);
}

size_t any_of(std::initializer_list<size_t> values, std::minstd_rand *random)
{
	return values.begin()[(*random)() % values.size()];
}

void change_everything(EngineOptions *options, std::minstd_rand *random)
{
	options->limit = any_of({ 0, 300 * kib, 2 * mib + page, 8 * mib, 64 * mib }, random);
	options->footprint = any_of({ mib, 6 * mib, WEIR_NO_LIMIT }, random);
	options->class_blocks = any_of({ 0, 1, 3, WEIR_NO_LIMIT }, random);
	for (weir_class_limit &limit : options->class_limits)
		limit.limit_bytes = any_of({ 0, 200 * kib, mib, 64 * mib }, random);
}

EngineOptions with_cache(bool cached)
{
	EngineOptions options;

	options.cached = cached ? mib : 0;
	return options;
}

TEST(LimitsStress, NeverRetainsMoreThanTheLimitBeforeOrAfterAChange)
{
	for (bool cached : { false, true }) {
		EngineOptions options = with_cache(cached);

		options.limit = 4 * mib;
		Engine engine(options);
		size_t most = 0;

		run_beside(blocks_of(&engine), [&] {
			options.limit = options.limit == mib ? 4 * mib : mib;
			engine.change_limits(options);
			most = weir_max(most, engine.charged_bytes());
		});
		EXPECT_LE(most, 4 * mib);
		EXPECT_LE(weir_units_to_bytes(engine.stats.usage.peak_retained_units), 4 * mib);
		expect_whole(&engine, options);
	}
}

TEST(LimitsStress, ComesDownToTheLastLimit)
{
	for (bool cached : { false, true })
		change_beside_programs(with_cache(cached), [](EngineOptions *options,
							      std::minstd_rand *random) {
			options->limit = any_of({ 0, 100 * kib, mib + page, 16 * mib }, random);
		});
}

TEST(LimitsStress, ComesDownToTheLastFootprint)
{
	for (bool cached : { false, true })
		change_beside_programs(with_cache(cached), [](EngineOptions *options,
							      std::minstd_rand *random) {
			options->footprint = any_of({ 0, mib, 5 * mib, WEIR_NO_LIMIT }, random);
		});
}

TEST(LimitsStress, ComesDownToTheLastNumberOfBlocks)
{
	for (bool cached : { false, true })
		change_beside_programs(
			with_cache(cached), [](EngineOptions *options, std::minstd_rand *random) {
				options->class_blocks = any_of({ 0, 1, 5, WEIR_NO_LIMIT }, random);
			});
}

TEST(LimitsStress, ComesDownToTheLastLimitsOfRanges)
{
	EngineOptions options;

	options.class_limits = { range(256 * kib, 8 * mib), range(SIZE_MAX, 8 * mib) };
	change_beside_programs(options, [](EngineOptions *changed, std::minstd_rand *random) {
		for (weir_class_limit &limit : changed->class_limits)
			limit.limit_bytes = any_of({ 0, 100 * kib, mib, 16 * mib }, random);
	});
}

TEST(LimitsStress, KeepsEveryLimitWhenAllOfThemChange)
{
	EngineOptions options;

	options.class_limits = { range(256 * kib, 8 * mib), range(SIZE_MAX, 8 * mib) };
	change_beside_programs(options, change_everything);
	change_beside_programs(with_cache(true), change_everything);
}

TEST(LimitsStress, StaysTrueThroughReleasesOfAPart)
{
	for (bool cached : { false, true }) {
		EngineOptions options = with_cache(cached);
		Engine engine(options);
		std::minstd_rand random(test_seed(71));

		run_beside(blocks_of(&engine), [&] {
			unsigned first = (unsigned)(random() % 16);
			weir_release_scope scope = { any_of({ 0, mib, 4 * mib }, &random) >>
							     WEIR_UNIT_SHIFT,
						     first, first + 1 + (unsigned)(random() % 16) };

			weir_release_some(&engine.pool, WEIR_TRIGGER_socket, &scope, 0);
			if (random() % 8 == 0)
				engine.release();
		});
		expect_whole(&engine, options);
	}
}

TEST(LimitsStress, StaysTrueWhileTheKernelRefusesNowAndThen)
{
	EngineOptions options = with_cache(true);
	Engine engine(options);
	std::minstd_rand random(test_seed(72));

	run_beside(blocks_of(&engine), [&] {
		fake_os_fail((fake_call)(FAKE_COMMIT + random() % (FAKE_REFUSABLE_COUNT - 1)), 1,
			     2);
		change_everything(&options, &random);
		engine.change_limits(options);
	});
	EXPECT_EQ(0U, engine.live_bytes());
	EXPECT_TRUE(engine.consistent());
	EXPECT_TRUE(engine.zero_beyond_extents());
}

/* The process's engine, by its settings */

Source blocks_of_the_process()
{
	return { [](size_t bytes) { return (char *)weir_large_malloc(bytes, 1); },
		 [](char *block) {
			 weir_large_free(block);
			 return true;
		 } };
}

bool set(const char *name, const char *value)
{
	char data[512];
	weir_text reason;
	weir_tally tally = {};

	weir_text_init(&reason, data, sizeof data);
	return weir_settings_set(name, value, &reason, &tally);
}

/* large_stress.cc starts it where that runs first. */
bool start_the_process()
{
	static char *const environment[] = { nullptr };
	static weir_config config;

	if (weir_engine_pool())
		return true;
	fake_os_reset();
	fake_os_set_file_root("/nonexistent");
	fake_os_fail(FAKE_RESERVE, 0, 8);
	if (!weir_config_load(&config, environment, "limits_stress", nullptr))
		return false;
	weir_backend.free(weir_backend.malloc(1));
	weir_engine_enable(&config, nullptr);
	weir_large_free(weir_large_malloc(mib, 1));
	return weir_engine_pool() != nullptr;
}

void raise(std::atomic<uint64_t> *most, uint64_t seen)
{
	uint64_t last = *most;

	while (last < seen && !most->compare_exchange_weak(last, seen))
		;
}

TEST(LimitsStress, NeverHasMoreLiveThanTheLiveLimit)
{
	EngineOptions options;

	options.live_limit = mib; /* some ask for more than that alone */
	Engine engine(options);
	std::atomic<uint64_t> live{ 0 }, most{ 0 }, refused{ 0 };
	std::vector<std::thread> threads;
	auto program = [&](unsigned thread) {
		std::minstd_rand random(test_seed(thread));

		for (unsigned round = 0; round < 20 * rounds; round++) {
			uint64_t units = 16 + random() % 400;

			if (!weir_pool_reserve_live(&engine.pool, units)) {
				refused++;
				continue;
			}
			raise(&most, live += units);
			char *block = engine.take(weir_units_to_bytes(units));

			live -= units;
			engine.free(block);
		}
	};

	for (unsigned thread = 0; thread < thread_count; thread++)
		threads.emplace_back(program, thread);
	for (std::thread &thread : threads)
		thread.join();
	EXPECT_LE(weir_units_to_bytes(most), options.live_limit);
	EXPECT_LE(weir_units_to_bytes(engine.stats.usage.peak_live_units), options.live_limit);
	EXPECT_EQ(0U, engine.pool.reserved_live_units);
	EXPECT_GT(refused, 0U);
	EXPECT_TRUE(engine.consistent());
}

TEST(LimitsStress, SetsLimitsOfTheProcessWhileItWorks)
{
	const struct {
		const char *name;
		const char *value;
	} settings[] = {
		{ "WEIR_LIMIT", "1M" },	      { "WEIR_FOOTPRINT", "4M" },
		{ "WEIR_CLASS_BLOCKS", "2" }, { "WEIR_LIMIT", "16M" },
		{ "WEIR_DECAY", "10ms" },     { "WEIR_CLASS_BLOCKS", "none" },
		{ "WEIR_FOOTPRINT", "none" }, { "WEIR_MAX_ALLOC", "1G" },
		{ "WEIR_DECAY", "off" },      { "WEIR_LIMIT", "0" },
		{ "WEIR_MAX_ALLOC", "none" }, { "WEIR_LIMIT", "8M" },
	};
	unsigned turn = 0, refused = 0;
	uint64_t now_ms = 0;

	ASSERT_TRUE(start_the_process());
	run_beside(blocks_of_the_process(), [&] {
		const auto &setting = settings[turn++ % (sizeof settings / sizeof *settings)];

		fake_os_set_now_ms(now_ms += 7);
		refused += !set(setting.name, setting.value);
		if (turn % 5 == 0)
			weir_engine_release_some(WEIR_TRIGGER_socket, mib, 0, WEIR_NO_LIMIT);
	});
	EXPECT_EQ(0U, refused);
	EXPECT_EQ(0U, weir_pool_held(weir_engine_pool()).live_units);
	EXPECT_TRUE(set("WEIR_LIMIT", "1M"));
	EXPECT_LE(weir_units_to_bytes(weir_pool_held(weir_engine_pool()).retained_units), mib);
	EXPECT_TRUE(set("WEIR_LIMIT", "8M"));
	EXPECT_TRUE(set("WEIR_FOOTPRINT", "none"));
	EXPECT_TRUE(set("WEIR_CLASS_BLOCKS", "none"));
	weir_engine_release(WEIR_TRIGGER_api);
	EXPECT_EQ(0U, weir_pool_usage(weir_engine_pool()));
	fake_os_reset();
}

} // namespace
