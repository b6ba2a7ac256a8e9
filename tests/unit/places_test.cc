#include "test_engine.h"

#include <cerrno>

extern "C" {
#include "engine.h"
#include "large.h"
#include "places.h"
#include "settings.h"
}

/* The engine of the process starts once, and places stay: all tests here leave them with no
 * pool that is open and nothing live. */

namespace
{

struct Places : testing::Test {
	static void SetUpTestSuite()
	{
		static char limit[] = "WEIR_LIMIT=64M", refused[] = "WEIR_MAX_ALLOC=64M";
		static char decay[] = "WEIR_DECAY=10s";
		static char *const environment[] = { limit, refused, decay, nullptr };

		if (config.limit_bytes > 0)
			return;
		ASSERT_TRUE(weir_config_load(&config, environment, "places_test", nullptr));
		fake_os_reset();
		fake_os_set_file_root("/nonexistent");
		fake_os_fail(FAKE_RESERVE, 0, 6);
		weir_engine_enable(&config, nullptr);
		ASSERT_TRUE(weir_engine_ready());
	}

	Places()
	{
		fake_os_reset();
		reset_counters();
	}

	~Places() override
	{
		fake_os_reset();
		for (weir_place *place : opened)
			weir_place_dispose(place);
		weir_engine_release(WEIR_TRIGGER_api);
		EXPECT_EQ(0U, weir_pool_usage(weir_engine_pool()));
	}

	static weir_pool_options any()
	{
		weir_pool_options options = {};

		options.limit_bytes = 16 * mib;
		options.decay_ms = WEIR_DECAY_OFF;
		return options;
	}

	weir_place *open(const weir_pool_options &options = any())
	{
		int error = 0;
		weir_place *place = weir_place_open(&options, &error);

		EXPECT_NE(nullptr, place) << error;
		opened.push_back(place);
		return place;
	}

	static char *lease(weir_place *place, size_t bytes, bool clean = false)
	{
		return (char *)weir_place_lease(place, bytes, 1, clean);
	}

	static bool give_back(weir_place *place, char *block)
	{
		return weir_place_return(place, block, Engine::now()) == WEIR_FOUND_LIVE;
	}

	/* Blocks of the sizes, live together and then free. */
	static void retain(weir_place *place, const std::vector<size_t> &sizes)
	{
		std::vector<char *> blocks;

		for (size_t size : sizes)
			blocks.push_back(lease(place, size));
		for (char *block : blocks)
			EXPECT_TRUE(give_back(place, block));
	}

	static weir_pool_figures figures(weir_place *place)
	{
		weir_pool_figures figures = {};

		weir_place_figures(place, &figures);
		return figures;
	}

	static size_t counted(size_t bytes)
	{
		return weir_align_up(bytes + WEIR_COLOUR_SPARE, page);
	}

	std::vector<weir_place *> opened;
	static weir_config config;
};

weir_config Places::config = {};

TEST_F(Places, CannotBeHadWhereTheKernelRefuses)
{
	weir_pool_options options = any();
	int error = 0;

	if (!weir_places.base) {
		fake_os_fail(FAKE_RESERVE, 0, 1);
		EXPECT_EQ(nullptr, weir_place_open(&options, &error));
		EXPECT_EQ(ENOMEM, error);
		fake_os_fail(FAKE_COMMIT, 0, 1);
		EXPECT_EQ(nullptr, weir_place_open(&options, &error));
		EXPECT_EQ(nullptr, weir_places.base);
	}
	for (unsigned i = weir_engine.pools.count; i < 2; i++)
		open();
	std::vector<weir_place *> all;

	while (weir_engine.pools.count < WEIR_POOLS_MAX / 2)
		open();
	fake_os_fail(FAKE_COMMIT, 0, 1);
	EXPECT_EQ(nullptr, weir_place_open(&options, &error));
	EXPECT_EQ(ENOMEM, error);
}

TEST_F(Places, AreFewAndUsedAgain)
{
	weir_pool_options options = any();
	int error = 0;

	for (unsigned i = 1; i < WEIR_POOLS_MAX; i++)
		open();
	EXPECT_EQ(nullptr, weir_place_open(&options, &error));
	EXPECT_EQ(EAGAIN, error);
	EXPECT_TRUE(weir_place_dispose(opened[7]));
	EXPECT_EQ(opened[7], open());
	EXPECT_EQ(nullptr, weir_place_open(&options, &error));
}

TEST_F(Places, AreShown)
{
	weir_pool_options options = any();

	options.name = "a name of forty bytes, which are too many";
	weir_place *place = open(options);

	EXPECT_STREQ("a name of forty bytes, which ar", place->shown.name);
	EXPECT_EQ((uintptr_t)place,
		  weir_stats_page.pools_address +
			  (uint64_t)place->pool.place * weir_stats_page.pool_stride_bytes);
	EXPECT_GT(weir_stats_page.pools, place->pool.place);
	EXPECT_EQ(16 * mib, place->shown.limit_bytes);
	EXPECT_STREQ("pool", open()->shown.name);
}

TEST_F(Places, AreFoundByTheirHandlesAlone)
{
	weir_place *place = open();
	weir_pool *handle = weir_place_handle(place);

	EXPECT_EQ(place, weir_place_by_handle(handle));
	EXPECT_FALSE(weir_place_is_quiet(handle));
	EXPECT_EQ(nullptr, weir_place_by_handle(nullptr));
	EXPECT_EQ(nullptr, weir_place_by_handle((weir_pool *)place));
	EXPECT_EQ(nullptr, weir_place_by_handle((weir_pool *)((char *)handle + 1)));
	EXPECT_EQ(nullptr, weir_place_by_handle((weir_pool *)((char *)handle +
							      WEIR_PLACE_BYTES * WEIR_POOLS_MAX)));
	EXPECT_EQ(nullptr, weir_place_by_handle((weir_pool *)weir_places.base));
	EXPECT_EQ(nullptr, weir_place_by_handle(&weir_engine.pool));
	weir_place_dispose(place);
	EXPECT_EQ(place, weir_place_by_handle(handle));
	ASSERT_EQ(place, open());
	EXPECT_EQ(nullptr, weir_place_by_handle(handle));
}

TEST_F(Places, SayInTheHandleWhetherMisuseIsQuiet)
{
	weir_pool_options options = any();

	options.flags = WEIR_POOL_NO_ABORT;
	weir_place *place = open(options);

	EXPECT_TRUE(weir_place_is_quiet(weir_place_handle(place)));
	EXPECT_EQ(place, weir_place_by_handle(weir_place_handle(place)));
}

TEST_F(Places, HaveHandlesOfTheirOwnForLong)
{
	weir_place *place = open();
	weir_pool *first = weir_place_handle(place);

	place->handle = (uintptr_t)place + WEIR_HANDLE_BLOCKS - 1; /* the last generation */
	weir_place_dispose(place);
	ASSERT_EQ(place, open());
	EXPECT_EQ((weir_pool *)((char *)place + 1), weir_place_handle(place));
	EXPECT_NE(nullptr, first);
}

TEST_F(Places, LeaseAndTakeBack)
{
	weir_place *place = open();
	char *one = lease(place, 2 * mib), *two = lease(place, 300);

	EXPECT_EQ(place, weir_place_of(one));
	EXPECT_EQ(counted(2 * mib) + counted(300), figures(place).leased_bytes);
	EXPECT_EQ(2U, figures(place).leased_blocks);
	EXPECT_GE(weir_place_usable(place, one), 2 * mib);
	EXPECT_EQ(0U, weir_place_usable(place, one + 128));
	EXPECT_TRUE(give_back(place, one));
	EXPECT_EQ(WEIR_FOUND_FREE, weir_place_return(place, one, 0));
	EXPECT_EQ(WEIR_FOUND_INSIDE, weir_place_return(place, two + 64, 0));
	EXPECT_EQ(counted(2 * mib), figures(place).retained_bytes);
	EXPECT_EQ(1U, figures(place).retained_blocks);
	EXPECT_EQ(one, lease(place, 2 * mib));
	EXPECT_EQ(3U, figures(place).leases);
	EXPECT_EQ(1U, figures(place).hits);
	EXPECT_TRUE(give_back(place, one));
	EXPECT_TRUE(give_back(place, two));
	EXPECT_EQ(counted(2 * mib) + counted(300), figures(place).peak_leased_bytes);
}

TEST_F(Places, ServeABlockAtHandClean)
{
	weir_place *place = open();
	char *block = lease(place, 256 * kib);

	memset(block, 7, 256 * kib);
	EXPECT_TRUE(give_back(place, block));
	ASSERT_EQ(block, lease(place, 256 * kib, true));
	EXPECT_EQ(256 * kib, weir_stats_page.counters[WEIR_COUNT_calloc_zeroed_bytes]);
	for (size_t i = 0; i < 256 * kib; i++)
		ASSERT_EQ(0, block[i]);
	EXPECT_TRUE(give_back(place, block));
}

TEST_F(Places, LeaseLongCleanBlocksOfFreshPagesWhereThoseWereHardlyUsed)
{
	weir_place *place = open();
	char *block = lease(place, 4 * mib, true);

	fake_os_set_residency(FAKE_RESIDENCY_TRUE);
	block[0] = 1;
	EXPECT_TRUE(give_back(place, block));
	block = lease(place, 4 * mib, true);
	EXPECT_EQ(0, block[0]);
	EXPECT_EQ(0U, weir_stats_page.counters[WEIR_COUNT_calloc_zeroed_bytes]);
	EXPECT_TRUE(give_back(place, block));
}

TEST_F(Places, RefuseWhatIsBeyondTheLimitsOfTheProcess)
{
	weir_place *place = open();

	EXPECT_EQ(nullptr, lease(place, 64 * mib + 1));
	EXPECT_EQ(1U, weir_stats_page.counters[WEIR_COUNT_refused]);
	EXPECT_EQ(nullptr, lease(place, WEIR_LARGEST_STRIDE + 1));
	EXPECT_EQ(1U, weir_stats_page.counters[WEIR_COUNT_refused]);
}

TEST_F(Places, ReleaseWhatIsRetainedBeforeALeaseFails)
{
	weir_place *place = open();

	retain(place, { 8 * mib });
	fake_os_fail(FAKE_COMMIT, 0, 1000);
	EXPECT_EQ(nullptr, weir_place_lease(place, 32 * mib, 32 * mib, false));
	EXPECT_EQ(1U, weir_stats_page.released[WEIR_TRIGGER_enomem].releases);
	EXPECT_EQ(0U, figures(place).retained_bytes);
}

TEST_F(Places, GiveBackWhatIsLongerThanTheyPool)
{
	weir_pool_options options = any();

	options.pooled_bytes = mib;
	weir_place *place = open(options);

	retain(place, { mib, mib + page });
	EXPECT_EQ(counted(mib), figures(place).retained_bytes);
	EXPECT_EQ(1U, figures(place).oversize);
}

TEST_F(Places, HaveLimitsOfTheirOwn)
{
	const weir_pool_class_limit class_limit = { 1, 256 * kib, mib };
	weir_pool_options options = any();

	options.class_limits = &class_limit;
	options.class_limit_count = 1;
	options.class_blocks = 2;
	weir_place *place = open(options);

	retain(place, std::vector<size_t>(6, 250 * kib));
	EXPECT_LE(figures(place).retained_bytes, mib);
	EXPECT_EQ(2U, figures(place).retained_blocks);
	retain(place, { 5 * mib, 5 * mib, 5 * mib, 7 * mib });
	EXPECT_LE(figures(place).retained_bytes, 16 * mib);
	weir_place_set_limit(place, mib);
	EXPECT_LE(figures(place).retained_bytes, mib);
	EXPECT_EQ(mib, place->shown.limit_bytes);
}

TEST_F(Places, ReleaseTheirOwn)
{
	weir_place *one = open(), *two = open();

	retain(one, { 2 * mib });
	retain(two, { 3 * mib });
	EXPECT_EQ(counted(2 * mib),
		  weir_units_to_bytes(weir_place_release(one, WEIR_TRIGGER_api).units));
	EXPECT_EQ(counted(3 * mib), figures(two).retained_bytes);
	EXPECT_EQ(counted(3 * mib),
		  weir_units_to_bytes(weir_engine_release(WEIR_TRIGGER_api).units));
}

TEST_F(Places, DecayByTheirOwnPeriods)
{
	weir_pool_options options = any();
	weir_place *never = open();

	options.decay_ms = 300;
	weir_place *soon = open(options);

	options.decay_ms = 0; /* as the process: 10 s */
	weir_place *late = open(options);

	for (weir_place *place : { never, soon, late })
		retain(place, { 2 * mib });
	for (uint64_t ms = 100; ms <= 1000; ms += 100) {
		fake_os_set_now_ms(ms);
		weir_engine_step(ms);
	}
	EXPECT_EQ(0U, figures(soon).retained_bytes);
	EXPECT_EQ(counted(2 * mib), figures(late).retained_bytes);
	for (uint64_t ms = 1000; ms <= 30000; ms += 1000) {
		fake_os_set_now_ms(ms);
		weir_engine_step(ms);
	}
	EXPECT_EQ(0U, figures(late).retained_bytes);
	EXPECT_EQ(counted(2 * mib), figures(never).retained_bytes);
}

TEST_F(Places, TakeBackAndDropWhatComesAfterTheirDisposal)
{
	weir_place *place = open();
	char *one = lease(place, mib), *two = lease(place, 256 * kib), *three = lease(place, mib);

	EXPECT_TRUE(give_back(place, one)); /* at hand */
	EXPECT_TRUE(give_back(place, two));
	two = lease(place, 256 * kib); /* taken from there */
	EXPECT_TRUE(weir_place_dispose(place));
	EXPECT_FALSE(weir_place_dispose(place));
	EXPECT_EQ(0U, figures(place).retained_bytes);
	EXPECT_EQ(2U, figures(place).leased_blocks);
	EXPECT_FALSE(weir_place_is_gone(place));
	EXPECT_NE(place, open());
	EXPECT_TRUE(give_back(place, two));
	EXPECT_EQ(0U, figures(place).retained_bytes);
	EXPECT_TRUE(give_back(place, three));
	EXPECT_TRUE(weir_place_is_gone(place));
	EXPECT_EQ(place, open());
	EXPECT_EQ(0U, figures(place).leases);
}

TEST_F(Places, AreFoundByFree)
{
	weir_place *place = open();
	char *cached = lease(place, mib), *listed = lease(place, 2 * mib);

	EXPECT_EQ(weir_place_usable(place, listed), weir_large_usable_size(listed));
	weir_large_free(cached);
	weir_large_free(listed);
	EXPECT_EQ(0U, figures(place).leased_blocks);
	EXPECT_EQ(counted(2 * mib),
		  weir_units_to_bytes(weir_place_release(place, WEIR_TRIGGER_api).units) -
			  counted(mib));
	EXPECT_DEATH(weir_large_free(listed), "free\\(0x.*\\): double free");
}

TEST_F(Places, KeepABlockThatReallocMakesSmallerAndCopyOneThatGrows)
{
	weir_place *place = open();
	char *block = lease(place, 2 * mib);

	stamp(block, 2 * mib, 9);
	EXPECT_EQ(block, weir_large_realloc(block, mib));
	char *larger = (char *)weir_large_realloc(block, 5 * mib);

	EXPECT_TRUE(stamped(larger, 2 * mib, 9));
	EXPECT_EQ(nullptr, weir_place_of(larger));
	EXPECT_EQ(0U, figures(place).leased_blocks);
	weir_large_free(larger);
}

/* Blocks of one size */

struct PlacesOfBlocks : Places {
	static weir_pool_options blocks_of(size_t block_bytes)
	{
		weir_pool_options options = any();

		options.block_bytes = block_bytes;
		return options;
	}
};

TEST_F(PlacesOfBlocks, LeaseOfSlabsAndKeepThoseThatAreFree)
{
	weir_pool_options options = blocks_of(4 * kib);

	options.class_blocks = 1; /* none of these is heeded */
	options.pooled_bytes = 4 * kib;
	weir_place *place = open(options);
	std::vector<char *> blocks;

	for (unsigned i = 0; i < 100; i++)
		blocks.push_back(lease(place, 4 * kib));
	EXPECT_EQ(100U, figures(place).leased_blocks);
	EXPECT_EQ(400 * kib, figures(place).leased_bytes);
	EXPECT_EQ(100U, figures(place).leases);
	EXPECT_EQ(4 * kib, weir_place_usable(place, blocks[7]));
	EXPECT_EQ(0U, weir_place_usable(place, blocks[7] + 64));
	for (char *block : blocks)
		EXPECT_TRUE(give_back(place, block));
	EXPECT_EQ(WEIR_FOUND_FREE, weir_place_return(place, blocks[7], 0));
	EXPECT_EQ(WEIR_FOUND_INSIDE, weir_place_return(place, blocks[7] + 1, 0));
	EXPECT_EQ(0U, figures(place).leased_blocks);
	weir_places_gather();
	EXPECT_EQ(4 * 128 * kib, figures(place).retained_bytes);
	EXPECT_EQ(4 * 128 * kib, weir_units_to_bytes(weir_engine_release(WEIR_TRIGGER_api).units));
}

TEST_F(PlacesOfBlocks, AreCleanWhereThatIsAskedFor)
{
	weir_place *place = open(blocks_of(kib));
	char *block = lease(place, kib);

	memset(block, 7, kib);
	EXPECT_TRUE(give_back(place, block));
	ASSERT_EQ(block, lease(place, 10, true));
	for (size_t i = 0; i < kib; i++)
		ASSERT_EQ(0, block[i]);
	EXPECT_TRUE(give_back(place, block));
}

TEST_F(PlacesOfBlocks, GoWithTheirLastBlock)
{
	weir_place *place = open(blocks_of(4 * kib));
	char *one = lease(place, 4 * kib), *two = lease(place, 4 * kib);

	EXPECT_TRUE(give_back(place, one));
	EXPECT_TRUE(weir_place_dispose(place));
	EXPECT_EQ(1U, figures(place).leased_blocks);
	EXPECT_FALSE(weir_place_is_gone(place));
	EXPECT_TRUE(give_back(place, two));
	EXPECT_TRUE(weir_place_is_gone(place));
	ASSERT_EQ(place, open(blocks_of(64 * kib)));
	EXPECT_EQ(0U, figures(place).leases);
	one = lease(place, 64 * kib);
	EXPECT_EQ(64 * kib, weir_place_usable(place, one));
	EXPECT_TRUE(give_back(place, one));
	weir_place_dispose(place);
	EXPECT_TRUE(weir_place_is_gone(place));
	ASSERT_EQ(place, open());
	EXPECT_EQ(0U, place->shown.block_bytes);
}

TEST_F(PlacesOfBlocks, AreFoundByFree)
{
	weir_place *place = open(blocks_of(4 * kib));
	char *block = lease(place, 4 * kib);

	EXPECT_EQ(4 * kib, weir_large_usable_size(block));
	EXPECT_EQ(block, weir_large_realloc(block, 2 * kib));
	weir_large_free(block);
	EXPECT_EQ(0U, figures(place).leased_blocks);
	EXPECT_DEATH(weir_large_free(block), "free\\(0x.*\\): double free");
	EXPECT_DEATH(weir_large_free(block + 8), "free\\(0x.*\\): not the start of a block");
}

TEST_F(PlacesOfBlocks, GiveBackWhatThreadsHadAtHandByDecay)
{
	weir_pool_options options = blocks_of(4 * kib);

	options.decay_ms = 300;
	weir_place *place = open(options);

	EXPECT_TRUE(give_back(place, lease(place, 4 * kib)));
	for (uint64_t ms = 100; ms <= 1500; ms += 100) {
		fake_os_set_now_ms(ms);
		weir_engine_step(ms);
	}
	EXPECT_EQ(0U, figures(place).retained_bytes);
	EXPECT_EQ(0U, weir_pool_usage(&place->pool));
}

TEST_F(PlacesOfBlocks, CannotBeHadWhereTheKernelRefuses)
{
	weir_pool_options options = blocks_of(4 * kib);
	int error = 0;

	weir_place *place = open();
	weir_place_dispose(place);
	fake_os_fail(FAKE_RESERVE, 0, 1);
	EXPECT_EQ(nullptr, weir_place_open(&options, &error));
	EXPECT_EQ(ENOMEM, error);
	EXPECT_EQ(place, open(options));
}

/* Tracking */

TEST_F(Places, TrackNothingThatIsNotLeased)
{
	weir_pool_options options = any();
	weir_track_lease found = {};
	size_t cursor = 0;

	options.flags = WEIR_POOL_TRACK;
	weir_place *place = open(options);
	char *block = lease(place, 256 * kib);
	weir_track_lease lease_of = {};

	lease_of.block = block;
	lease_of.bytes = 256 * kib;
	weir_track_add(&place->track, &lease_of);
	EXPECT_TRUE(weir_track_step(&place->track, &cursor, &found));
	EXPECT_EQ(block, found.block);
	EXPECT_EQ(WEIR_FOUND_INSIDE, weir_place_return(place, block + 64, 0));
	EXPECT_TRUE(give_back(place, block));
	EXPECT_EQ(WEIR_FOUND_FREE, weir_place_return(place, block, 0));
	cursor = 0;
	EXPECT_FALSE(weir_track_step(&place->track, &cursor, &found));
}

} // namespace
