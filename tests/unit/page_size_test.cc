/* Pages of 16 and 64 KiB, as arm64 and ppc64 have them. The kernel below has 4 KiB, of which these
 * are multiples; the fake one refuses what is not of whole ones, as theirs would. */
#include "engine_machine.h"
#include "seed.h"

namespace
{

struct PageSize : testing::TestWithParam<size_t> {
	size_t bytes() const { return GetParam(); }
	EngineOptions options(size_t limit = 64 * mib) const
	{
		EngineOptions made;

		made.limit = limit;
		made.page_bytes = bytes();
		return made;
	}
	void TearDown() override { fake_os_reset(); }
};

TEST_P(PageSize, ModelHoldsUnderAnySettings)
{
	for (unsigned i = 0; i < 12; i++) {
		calls::RandomChoices choices(test_seed(i));
		MachineOptions made = any_options(&choices);

		made.page_bytes = bytes();
		run_model(made, test_seed(i));
	}
}

TEST_P(PageSize, ModelHoldsUnderEveryLimitAtOnce)
{
	MachineOptions made;

	made.page_bytes = bytes();
	made.environment = { "WEIR_LIMIT=6148K", "WEIR_CLASS_LIMITS=64K-192K:500K,*:4100K",
			     "WEIR_CLASS_BLOCKS=3", "WEIR_FOOTPRINT=10244K" };
	run_model(made, test_seed(0));
}

TEST_P(PageSize, BlocksCountInWholePages)
{
	Engine engine(options());
	char *block = engine.take(100001);

	EXPECT_EQ(weir_align_up(100001, bytes()), engine.live_bytes());
	EXPECT_TRUE(engine.free(block));
	EXPECT_EQ(weir_align_up(100001, bytes()), engine.retained_bytes());
	engine.release();
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(0U, fake_os_resident(block, 128 * kib));
	EXPECT_EQ(0U, fake_os_misaligned());
}

TEST_P(PageSize, LimitsAreMetByWholePages)
{
	Engine engine(options(mib + 5 * page));

	engine.retain({ 700 * kib, 700 * kib });
	EXPECT_LE(engine.retained_bytes(), mib + 5 * page);
	EXPECT_GT(engine.retained_bytes() + bytes(), mib + 5 * page);
	EXPECT_EQ(0U, engine.retained_bytes() % bytes());
	EXPECT_EQ(0U, fake_os_misaligned());
	EXPECT_TRUE(engine.consistent());
}

TEST_P(PageSize, PagesMoveFromIdleBlocksAndWithGrowingOnes)
{
	Engine engine(options());
	char *block = engine.take(mib - 3), *moved;

	fill(block, mib - 3, 1);
	moved = engine.move(block, 3 * mib);
	ASSERT_NE(nullptr, moved);
	EXPECT_TRUE(holds(moved, mib - 3, 1));
	EXPECT_GE(fake_os_bytes(FAKE_MOVE), mib - 3);
	EXPECT_EQ(0U, fake_os_resident(block, mib));
	EXPECT_EQ(0U, fake_os_misaligned());
	EXPECT_TRUE(engine.consistent());
}

/* There they have 32 or 512 MiB, of which a block would get none, and lose its tail to. */
TEST_P(PageSize, NoSlotIsMadeForHugePages)
{
	EngineOptions made = options();

	made.huge_stride = 2 * mib;
	Engine engine(made);

	for (const weir_region &region : engine.space.regions) {
		EXPECT_FALSE(region.huge);
		EXPECT_EQ(bytes(), region.trim_bytes);
		EXPECT_EQ(bytes(), region.page_bytes);
	}
}

TEST_P(PageSize, AReleaseThatIsIgnoredIsFoundOut)
{
	fake_os_reset();
	fake_os_set_page(bytes());
	struct weir_space space = {};

	fake_os_ignore_release(true);
	ASSERT_TRUE(make_space(&space, 24));
	EXPECT_FALSE(space.release_zeroes);
	EXPECT_EQ(0U, fake_os_misaligned());
	weir_space_destroy(&space);
}

INSTANTIATE_TEST_SUITE_P(Each, PageSize, testing::Values(16 * kib, 64 * kib),
			 [](const auto &each) { return std::to_string(each.param / kib) + "KiB"; });

} // namespace
