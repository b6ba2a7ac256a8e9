#include "test_engine.h"

namespace
{

struct Extent : testing::Test {
	/* An empty slot of a region. */
	weir_range slot(unsigned region)
	{
		weir_range made = { &engine.space.regions[region], 0, 0 };

		EXPECT_TRUE(weir_region_take_empty(made.region, &made.index));
		return made;
	}

	static char *address(const weir_range &range)
	{
		return weir_region_address(range.region, range.index) +
		       weir_units_to_bytes(range.at_units);
	}

	bool trim(const weir_range &range, uint64_t keep, uint64_t extent)
	{
		return weir_extent_trim(&engine.space, range.region, range.index, keep, extent);
	}

	uint64_t move(const weir_range &to, const weir_range &from, uint64_t units)
	{
		return weir_extent_move(&engine.space, to, from, units);
	}

	static void refuse_releases()
	{
		fake_os_fail(FAKE_RELEASE, 0, 1);
		fake_os_fail(FAKE_RENEW, 0, 1);
	}

	Engine engine;
};

TEST_F(Extent, TrimReleasesTheTailAndKeepsTheRest)
{
	weir_range range = slot(4);

	fill(address(range), mib, 1);
	EXPECT_TRUE(trim(range, 100, 256));
	EXPECT_EQ(100 * page, fake_os_resident(address(range), mib));
	EXPECT_TRUE(holds(address(range), 100 * page, 1));
	EXPECT_EQ(0, address(range)[100 * page]);
}

TEST_F(Extent, TrimOfNothingAsksTheKernelNothing)
{
	weir_range range = slot(4);
	unsigned before = fake_os_calls(FAKE_RELEASE) + fake_os_calls(FAKE_RENEW);

	EXPECT_TRUE(trim(range, 0, 0));
	EXPECT_TRUE(trim(range, 7, 7));
	EXPECT_EQ(before, fake_os_calls(FAKE_RELEASE) + fake_os_calls(FAKE_RENEW));
}

TEST_F(Extent, TrimReachesTheEndOfAHugePage)
{
	weir_range range = slot(6);
	size_t before = fake_os_bytes(FAKE_RELEASE);

	EXPECT_TRUE(trim(range, 10, 600));
	EXPECT_EQ(4 * mib - 10 * page, fake_os_bytes(FAKE_RELEASE) - before);
}

TEST_F(Extent, TrimStaysInsideSlotsBelowAHugePage)
{
	weir_range range = slot(4);
	size_t before = fake_os_bytes(FAKE_RELEASE);

	EXPECT_TRUE(trim(range, 10, 200));
	EXPECT_EQ(190 * page, fake_os_bytes(FAKE_RELEASE) - before);
}

TEST_F(Extent, TrimThatTheKernelRefusesLeavesThePages)
{
	weir_range range = slot(4);

	fill(address(range), mib, 1);
	refuse_releases();
	EXPECT_FALSE(trim(range, 0, 256));
	EXPECT_TRUE(holds(address(range), mib, 1));
}

TEST_F(Extent, TrimNeverTrustsAReleaseThatDoesNotZero)
{
	weir_range range = slot(4);

	fake_os_ignore_release(true);
	engine.space.release_zeroes = false;
	fill(address(range), mib, 1);
	EXPECT_TRUE(trim(range, 100, 256));
	EXPECT_EQ(100 * page, fake_os_resident(address(range), mib));
}

TEST_F(Extent, MoveTakesThePagesAlong)
{
	weir_range from = slot(4), to = slot(5);

	fill(address(from), mib, 1);
	fill(address(to), 2 * mib, 2);
	EXPECT_EQ(256U, move(to, from, 256));
	EXPECT_TRUE(holds(address(to), mib, 1));
	EXPECT_EQ(0U, fake_os_resident(address(from), mib));
	EXPECT_EQ(0, address(from)[5]);
	EXPECT_EQ(2 * mib, fake_os_resident(address(to), 2 * mib));
}

TEST_F(Extent, MoveGoesFromAndToTheMiddle)
{
	weir_range from = slot(4), to = slot(5);
	char copy[64 * page];

	fill(address(from), mib, 1);
	memcpy(copy, address(from) + 100 * page, sizeof copy);
	from.at_units = 100;
	to.at_units = 300;
	EXPECT_EQ(64U, move(to, from, 64));
	EXPECT_EQ(0, memcmp(copy, address(to), sizeof copy));
	from.at_units = to.at_units = 0;
	EXPECT_EQ(192 * page, fake_os_resident(address(from), mib));
	EXPECT_EQ(64 * page, fake_os_resident(address(to), 2 * mib));
	EXPECT_TRUE(holds(address(from), 100 * page, 1));
}

TEST_F(Extent, MoveThatIsCutShortLeavesTheRestWhereItWas)
{
	weir_range from = slot(4), to = slot(5);
	char copy[128 * page];

	fill(address(from), mib, 1);
	memcpy(copy, address(from) + 128 * page, sizeof copy);
	fake_os_fail(FAKE_MOVE, 0, 1);
	EXPECT_EQ(128U, move(to, from, 256));
	EXPECT_TRUE(holds(address(to), 128 * page, 1));
	EXPECT_EQ(0, memcmp(copy, address(from) + 128 * page, sizeof copy));
}

TEST_F(Extent, MoveIsRefusedWhereItWouldMakeTooManyMappings)
{
	weir_range from = slot(4), to = slot(5);

	fill(address(from), mib, 1);
	engine.space.pieces = 16384;
	EXPECT_EQ(0U, move(to, from, 256));
	EXPECT_EQ(0U, fake_os_calls(FAKE_MOVE));
	EXPECT_TRUE(holds(address(from), mib, 1));
	engine.space.pieces = 0;
	EXPECT_EQ(256U, move(to, from, 256));
}

TEST_F(Extent, MoveIsWorthATryUntilEightInARowWereRefused)
{
	weir_range from = slot(4), to = slot(5);

	fill(address(from), mib, 1);
	fake_os_set_moves(FAKE_MOVES_REFUSED);
	for (int i = 0; i < 7; i++)
		EXPECT_EQ(0U, move(to, from, 64));
	fake_os_set_moves(FAKE_MOVES_WORK);
	EXPECT_EQ(64U, move(to, from, 64));
	fake_os_set_moves(FAKE_MOVES_REFUSED);
	for (int i = 0; i < 8; i++) {
		EXPECT_TRUE(weir_extent_may_move(&engine.space));
		EXPECT_EQ(0U, move(to, from, 64));
	}
	EXPECT_FALSE(weir_extent_may_move(&engine.space));
	EXPECT_EQ(15U, weir_stats_page.counters[WEIR_COUNT_remap_failures]);
}

TEST_F(Extent, MoveGetsAnotherTryNowAndThen)
{
	weir_range from = slot(4), to = slot(5);
	unsigned asked = 0;

	fake_os_set_moves(FAKE_MOVES_REFUSED);
	for (int i = 0; i < 8; i++)
		move(to, from, 64);
	while (asked < 5000 && !weir_extent_may_move(&engine.space))
		asked++;
	EXPECT_GT(asked, 1000U);
	EXPECT_LT(asked, 1100U);
	fake_os_set_moves(FAKE_MOVES_WORK);
	EXPECT_EQ(64U, move(to, from, 64));
	EXPECT_TRUE(weir_extent_may_move(&engine.space));
	EXPECT_TRUE(weir_extent_may_move(&engine.space));
}

TEST_F(Extent, MoveThatLosesItsSourceIsTheLast)
{
	weir_range from = slot(4), to = slot(5);

	fill(address(from), mib, 1);
	fake_os_set_moves(FAKE_MOVES_LOSE);
	EXPECT_EQ(256U, move(to, from, 256));
	EXPECT_TRUE(holds(address(to), mib, 1));
	for (size_t at = 0; at < mib; at += page)
		ASSERT_EQ(0, address(from)[at]);
	fill(address(from), mib, 2);
	EXPECT_FALSE(weir_extent_may_move(&engine.space));
}

TEST_F(Extent, TrimHealsTheMappingsThatMovesHaveSplit)
{
	weir_range from = slot(4), to = slot(5);
	size_t before = engine.mappings();

	for (uint64_t at : { 0, 100, 200 }) {
		weir_range source = from, target = to;

		fill(address(from), mib, 1);
		source.at_units = 10;
		target.at_units = at;
		ASSERT_EQ(64U, move(target, source, 64));
	}
	EXPECT_GT(engine.mappings(), before);
	EXPECT_GT(engine.space.pieces, 0U);
	EXPECT_TRUE(trim(to, 50, 300));
	EXPECT_GT(engine.space.pieces, 0U);
	EXPECT_TRUE(trim(to, 0, 50));
	EXPECT_EQ(before, engine.mappings());
	EXPECT_EQ(0U, engine.space.pieces);
	EXPECT_EQ(0U, fake_os_resident(address(to), 2 * mib));
}

TEST_F(Extent, TrimHealsASlotThatHasNothingLeft)
{
	weir_range from = slot(4), to = slot(5), back = slot(4);
	size_t before = engine.mappings();

	fill(address(from), mib, 1);
	ASSERT_EQ(256U, move(to, from, 256));
	ASSERT_EQ(256U, move(back, to, 256));
	EXPECT_TRUE(trim(to, 0, 0));
	EXPECT_TRUE(trim(back, 0, 256));
	EXPECT_EQ(before, engine.mappings());
	EXPECT_EQ(0U, engine.space.pieces);
}

TEST_F(Extent, TrimReleasesASlotThatCannotBeHealed)
{
	weir_range from = slot(4), to = slot(5);

	fill(address(from), mib, 1);
	ASSERT_EQ(256U, move(to, from, 256));
	fake_os_fail(FAKE_RENEW, 0, 1);
	EXPECT_TRUE(trim(to, 0, 256));
	EXPECT_EQ(0U, fake_os_resident(address(to), 2 * mib));
	EXPECT_GT(engine.space.pieces, 0U);
}

} // namespace
