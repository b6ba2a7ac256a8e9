#include "seed.h"
#include "test_engine.h"

#include <climits>
#include <random>

/* Random calls of one thread against a model that knows what the program wrote. */

namespace
{

struct Owned {
	char *address;
	size_t bytes;
	unsigned seed;
};

struct Model {
	explicit Model(unsigned seed, const EngineOptions &options) : engine(options), random(seed)
	{
		weir_decay_init(&decay, 1000, 0);
		fake_os_set_residency(FAKE_RESIDENCY_TRUE);
	}

	unsigned upto(unsigned most) { return random() % (most + 1); }

	/* Odd sizes, most of them in small strides. */
	size_t any_size()
	{
		size_t most = upto(9) == 0 ? 6 * mib : 400 * kib;

		return 64 * kib + random() % most;
	}

	void write(Owned *block)
	{
		block->seed = random();
		fill(block->address, block->bytes, block->seed);
	}

	void take()
	{
		size_t bytes = any_size();
		char *address = engine.take(bytes, upto(9) == 0 ? (size_t)1 << upto(21) : 1);

		if (!address)
			return;
		bool touched = upto(7) > 0;

		owned.push_back({ address, touched ? bytes : 0, 0 });
		if (!touched)
			return;
		clear(address, bytes);
		write(&owned.back());
	}

	/* As calloc does: the extent, and the rest must be zero by itself. */
	void clear(char *address, size_t bytes)
	{
		memset(address, 0, weir_min(bytes, engine.extent(address)));
		for (size_t at = 0; at < bytes; at += 64)
			ASSERT_EQ(0, address[at]) << "at " << at << " of " << bytes;
		ASSERT_EQ(0, address[bytes - 1]);
	}

	void free()
	{
		size_t which = random() % owned.size();

		EXPECT_TRUE(holds(owned[which].address, owned[which].bytes, owned[which].seed));
		EXPECT_TRUE(engine.free(owned[which].address));
		owned[which] = owned.back();
		owned.pop_back();
	}

	void resize()
	{
		Owned &block = owned[random() % owned.size()];
		size_t bytes = any_size();
		size_t stride = weir_region_slot_bytes(engine.find(block.address).region);
		size_t same = weir_min(bytes, block.bytes);

		if (bytes <= stride) {
			EXPECT_TRUE(engine.resize(block.address, bytes));
		} else {
			char *moved = engine.move(block.address, bytes);

			if (!moved)
				return;
			block.address = moved;
		}
		EXPECT_TRUE(holds(block.address, same, block.seed));
		block.bytes = bytes;
		write(&block);
	}

	void inject()
	{
		fake_call call = (fake_call)(FAKE_COMMIT + upto(FAKE_REFUSABLE_COUNT - 2));

		fake_os_fail(call, upto(3), 1 + upto(2));
	}

	void decay_step()
	{
		weir_tally tally;

		fake_os_set_now_ms(Engine::now() + upto(900));
		weir_decay_step(&decay, &engine.pool, Engine::now(), &tally);
	}

	void step()
	{
		unsigned kind = upto(99);

		fake_os_set_thread((int)upto(3));

		if (kind < 40 || owned.empty())
			take();
		else if (kind < 70 || owned.size() > 40)
			free();
		else if (kind < 88)
			resize();
		else if (kind < 96)
			decay_step();
		else if (kind < 98)
			engine.release();
		else if (failures)
			inject();
	}

	void check_contents()
	{
		for (const Owned &each : owned)
			ASSERT_TRUE(holds(each.address, each.bytes, each.seed));
	}

	Engine engine;
	std::mt19937 random;
	weir_decay decay = {};
	std::vector<Owned> owned;
	bool failures = true;
};

/* What is left when all was freed, where the kernel works again. */
void finish(Model *model)
{
	for (fake_call call : { FAKE_COMMIT, FAKE_RELEASE, FAKE_RENEW, FAKE_MOVE })
		fake_os_fail(call, 0, 0);
	model->check_contents();
	while (!model->owned.empty())
		model->free();
	model->engine.release();
	EXPECT_EQ(0U, model->engine.live_bytes());
	EXPECT_TRUE(model->engine.consistent());
	EXPECT_TRUE(model->engine.zero_beyond_extents());
}

void run(unsigned seed, const EngineOptions &options, bool failures)
{
	SCOPED_TRACE("seed " + std::to_string(seed));
	Model model(seed, options);

	model.failures = failures;
	for (int i = 0; i < 400 && !testing::Test::HasFailure(); i++) {
		model.step();
		ASSERT_TRUE(model.engine.consistent()) << "after step " << i;
		if (i % 20 == 0) {
			ASSERT_TRUE(model.engine.zero_beyond_extents()) << "after step " << i;
			model.check_contents();
		}
	}
	finish(&model);
	if (!failures) {
		EXPECT_EQ(0U, model.engine.retained_bytes());
	}
}

/* The same steps again and again, of which each has another call of the kind refused, by itself or
 * with all that follow. What is not released would be renewed: that is refused, too. Returns how
 * many calls there were. */
unsigned run_with(fake_call call, unsigned nth, unsigned times)
{
	SCOPED_TRACE("call " + std::to_string(call) + ", the " + std::to_string(nth) + "th of " +
		     std::to_string(times));
	EngineOptions options;

	options.limit = 4 * mib;
	options.cached = mib + WEIR_COLOUR_SPARE;
	Model model(4711, options);
	const unsigned before = fake_os_calls(call);

	model.failures = false;
	if (call == FAKE_RELEASE)
		fake_os_fail(FAKE_RENEW, 0, UINT_MAX);
	fake_os_fail(call, nth, times);
	for (int i = 1; i <= 80 && !testing::Test::HasFailure(); i++) {
		model.step();
		if (i % 10 == 0) {
			EXPECT_TRUE(model.engine.consistent()) << "after step " << i;
		}
	}
	EXPECT_TRUE(model.engine.zero_beyond_extents());
	const unsigned calls = fake_os_calls(call) - before;

	finish(&model);
	return calls;
}

EngineOptions with_limit(size_t bytes)
{
	EngineOptions options;

	options.limit = bytes;
	return options;
}

TEST(Model, HoldsWhereTheKernelWorks)
{
	unsigned seed = test_seed(0);

	run(seed, with_limit(8 * mib), false);
	run(seed, with_limit(WEIR_GIB), false);
	run(seed, with_limit(0), false);
}

TEST(Model, HoldsWhereTheKernelRefuses)
{
	unsigned seed = test_seed(0);

	run(seed, with_limit(8 * mib), true);
	run(seed, with_limit(WEIR_GIB), true);
}

TEST(Model, HoldsWhereEachCallIsRefusedInTurn)
{
	for (fake_call call : { FAKE_COMMIT, FAKE_RELEASE, FAKE_RENEW, FAKE_MOVE }) {
		const unsigned calls = run_with(call, 0, 0);

		EXPECT_GT(calls, 0U) << "of call " << call;
		for (unsigned n = 0; n < calls && !testing::Test::HasFailure(); n++) {
			run_with(call, n, 1);
			if (n % 4 == 0)
				run_with(call, n, UINT_MAX);
		}
	}
}

TEST(Model, HoldsUnderLimitsOfClasses)
{
	EngineOptions options;
	weir_class_limit small = {}, rest = {};

	small.max_bytes = 192 * kib;
	small.limit_bytes = 500 * kib;
	rest.max_bytes = SIZE_MAX;
	rest.limit_bytes = 4 * mib + page;
	options.class_limits = { small, rest };
	options.class_blocks = 3;
	run(test_seed(0), options, true);
}

TEST(Model, HoldsWithHugePages)
{
	EngineOptions options;

	options.huge_stride = 4 * mib;
	options.limit = 16 * mib;
	run(test_seed(0), options, false);
	run(test_seed(0), options, true);
}

TEST(Model, HoldsWithBlocksAtHand)
{
	EngineOptions options;

	options.cached = mib + WEIR_COLOUR_SPARE;
	for (size_t limit : { 4 * mib, 32 * mib, WEIR_GIB }) {
		options.limit = limit;
		run(test_seed(0), options, false);
		run(test_seed(0), options, true);
	}
	options.footprint = 10 * mib;
	run(test_seed(0), options, true);
}

TEST(Model, HoldsWhereFreedBlocksWait)
{
	EngineOptions options;

	options.hardened = true;
	for (size_t limit : { (size_t)0, 4 * mib, 64 * mib }) {
		options.limit = limit;
		run(test_seed(0), options, false);
		run(test_seed(0), options, true);
	}
	options.footprint = 10 * mib;
	options.class_blocks = 3;
	run(test_seed(0), options, true);
}

TEST(Model, HoldsWhereASpaceIsShort)
{
	EngineOptions options;

	options.region_shift = 21;
	run(test_seed(0), options, true);
}

} // namespace
