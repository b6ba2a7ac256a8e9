#include "test_engine.h"

namespace
{

struct Space : testing::Test {
	Space() { fake_os_reset(); }
	~Space() override
	{
		weir_space_destroy(&space);
		fake_os_reset();
	}

	bool init(size_t memory_bytes, size_t address_limit = SIZE_MAX)
	{
		weir_space_options options = {};

		options.memory_bytes = memory_bytes;
		options.address_limit_bytes = address_limit;
		options.huge_stride_bytes = SIZE_MAX;
		return weir_space_init(&space, &options);
	}

	struct Place {
		unsigned region = WEIR_REGION_COUNT;
		uint32_t index = UINT32_MAX;
		size_t offset = SIZE_MAX;

		bool operator==(const Place &other) const
		{
			return region == other.region && index == other.index &&
			       offset == other.offset;
		}
	};

	Place find(const char *address)
	{
		weir_region *region = nullptr;
		Place place;

		if (weir_space_find(&space, address, &region, &place.index, &place.offset))
			place.region = (unsigned)(region - space.regions);
		return place;
	}

	weir_space space = {};
};

TEST_F(Space, ReservesTwiceTheMemoryForEachStride)
{
	ASSERT_TRUE(init(48 * WEIR_GIB));
	EXPECT_EQ(37U, space.region_shift);
	EXPECT_EQ(WEIR_REGION_COUNT * ((size_t)1 << 37), space.span);
}

TEST_F(Space, ReservesAtLeast64GibForEachStride)
{
	ASSERT_TRUE(init(0));
	EXPECT_EQ(36U, space.region_shift);
}

TEST_F(Space, ReservesNoMoreThanAnIndexCanReach)
{
	ASSERT_TRUE(init(64 * 1024 * WEIR_GIB));
	EXPECT_EQ(41U, space.region_shift);
}

TEST_F(Space, HalvesAReservationUntilTheSystemAgrees)
{
	for (unsigned refusals : { 1, 2, 16 }) {
		fake_os_reset();
		fake_os_fail(FAKE_RESERVE, 0, refusals);
		ASSERT_TRUE(init(WEIR_GIB));
		EXPECT_EQ(36 - refusals, space.region_shift);
		EXPECT_EQ(refusals + 1, fake_os_calls(FAKE_RESERVE));
		weir_space_destroy(&space);
	}
}

TEST_F(Space, IsNothingWhenTheSystemRefusesTheShortestReservation)
{
	fake_os_fail(FAKE_RESERVE, 0, 1000);
	EXPECT_FALSE(init(WEIR_GIB));
	EXPECT_EQ(0U, space.span);
	EXPECT_FALSE(weir_space_owns(&space, nullptr));
	EXPECT_FALSE(weir_space_owns(&space, &space));
}

TEST_F(Space, TakesAtMostAQuarterOfALimitedAddressSpace)
{
	size_t limit = 16 * WEIR_GIB;

	ASSERT_TRUE(init(WEIR_GIB, limit));
	EXPECT_LE(space.span, limit / 4);
	EXPECT_GT(2 * space.span, limit / 4);
	EXPECT_EQ(1U, fake_os_calls(FAKE_RESERVE));
}

TEST_F(Space, IsNothingWhenAQuarterOfTheAddressSpaceIsTooLittle)
{
	EXPECT_FALSE(init(WEIR_GIB, 32 * mib));
	EXPECT_EQ(0U, fake_os_calls(FAKE_RESERVE));
}

TEST_F(Space, HasNoSlotsOfStridesThatAShortReservationCannotHold)
{
	uint32_t index;

	ASSERT_TRUE(make_space(&space, 20));
	for (unsigned r = 0; r < WEIR_REGION_COUNT; r++) {
		weir_region &region = space.regions[r];

		EXPECT_EQ(weir_region_stride(r) > mib ? 0 : mib / weir_region_stride(r),
			  region.slot_count);
		EXPECT_EQ(region.slot_count > 0, weir_region_take_empty(&region, &index));
	}
}

TEST_F(Space, OwnsItsRegionsToTheByteAndNothingElse)
{
	ASSERT_TRUE(make_space(&space, 28));
	EXPECT_TRUE(weir_space_owns(&space, (char *)space.base));
	EXPECT_TRUE(weir_space_owns(&space, (char *)space.base + space.span - 1));
	EXPECT_FALSE(weir_space_owns(&space, (char *)space.base - 1));
	EXPECT_FALSE(weir_space_owns(&space, (char *)space.base + space.span));
	EXPECT_FALSE(weir_space_owns(&space, nullptr));
	EXPECT_FALSE(weir_space_owns(&space, &space));
}

TEST_F(Space, AlignsEverySlotToItsStride)
{
	ASSERT_TRUE(init(WEIR_GIB));
	for (unsigned r = 0; r < WEIR_REGION_COUNT; r++)
		for (uint32_t i : { 0U, 1U, space.regions[r].slot_count - 1 })
			EXPECT_EQ(0U, (uintptr_t)weir_region_address(&space.regions[r], i) %
					      weir_region_stride(r));
}

TEST_F(Space, FindsFirstAndLastSlotOfEveryRegion)
{
	ASSERT_TRUE(make_space(&space, 32));
	for (unsigned r = 0; r < WEIR_REGION_COUNT; r++) {
		weir_region &region = space.regions[r];
		uint32_t last = region.slot_count - 1;

		region.fresh = region.slot_count;
		for (uint32_t i : { 0U, last })
			for (size_t offset :
			     { (size_t)0, (size_t)1, page, weir_region_stride(r) - 1 })
				EXPECT_EQ((Place{ r, i, offset }),
					  find(weir_region_address(&region, i) + offset));
	}
}

TEST_F(Space, KnowsTheSlotsThatWereNeverHandedOut)
{
	uint32_t index;

	ASSERT_TRUE(make_space(&space, 32));
	for (unsigned r = 0; r < WEIR_REGION_COUNT; r++) {
		weir_region &region = space.regions[r];
		char *first = weir_region_address(&region, 0);
		char *last = weir_region_address(&region, region.slot_count - 1);

		EXPECT_EQ(Place{}, find(first));
		EXPECT_EQ(Place{}, find(first + 1));
		ASSERT_TRUE(weir_region_take_empty(&region, &index));
		EXPECT_EQ(0U, index);
		EXPECT_EQ((Place{ r, 0, 0 }), find(first));
		if (region.slot_count > 1) {
			EXPECT_EQ(Place{}, find(last));
			EXPECT_EQ(Place{}, find(weir_region_address(&region, 1)));
		}
	}
}

TEST_F(Space, FindsNothingInRegionsWithoutSlots)
{
	ASSERT_TRUE(make_space(&space, 20));
	EXPECT_EQ(Place{}, find((char *)space.base + space.span - 1));
}

TEST_F(Space, HandsOutEachSlotOfARegionOnceUntilItIsFull)
{
	uint32_t index;

	ASSERT_TRUE(make_space(&space, 24));
	weir_region &region = space.regions[2];

	for (uint32_t i = 0; i < region.slot_count; i++) {
		ASSERT_TRUE(weir_region_take_empty(&region, &index));
		EXPECT_EQ(i, index);
	}
	EXPECT_FALSE(weir_region_take_empty(&region, &index));
	weir_region_put_empty(&region, 5);
	ASSERT_TRUE(weir_region_take_empty(&region, &index));
	EXPECT_EQ(5U, index);
	EXPECT_FALSE(weir_region_take_empty(&region, &index));
}

TEST_F(Space, PrefersSlotsThatWereUsedBefore)
{
	uint32_t index;

	ASSERT_TRUE(make_space(&space, 24));
	for (int i = 0; i < 3; i++)
		ASSERT_TRUE(weir_region_take_empty(&space.regions[0], &index));
	weir_region_put_empty(&space.regions[0], 1);
	ASSERT_TRUE(weir_region_take_empty(&space.regions[0], &index));
	EXPECT_EQ(1U, index);
	EXPECT_EQ(3U, weir_region_fresh(&space.regions[0]));
}

TEST_F(Space, MakesFreshSlotsWritableAndZero)
{
	uint32_t index;

	ASSERT_TRUE(make_space(&space, 28));
	for (weir_region &region : space.regions)
		for (uint32_t i = 0; i < 3 && i < region.slot_count; i++) {
			ASSERT_TRUE(weir_region_take_empty(&region, &index));
			char *address = weir_region_address(&region, index);

			EXPECT_EQ(0, address[0]);
			EXPECT_EQ(0, address[weir_region_slot_bytes(&region) - 1]);
			address[0] = address[weir_region_slot_bytes(&region) - 1] = 1;
			EXPECT_EQ(0U, region.slots[index].word);
		}
}

TEST_F(Space, CommitsInStepsThatGrow)
{
	uint32_t index;

	ASSERT_TRUE(make_space(&space, 32));
	weir_region &region = space.regions[4];
	unsigned before = fake_os_calls(FAKE_COMMIT);

	ASSERT_TRUE(weir_region_take_empty(&region, &index));
	EXPECT_GE(region.frontier, 16 * mib);
	EXPECT_LE(region.frontier, 32 * mib);
	while (index + 1 < region.slot_count)
		ASSERT_TRUE(weir_region_take_empty(&region, &index));
	EXPECT_EQ((size_t)1 << 32, region.frontier);
	EXPECT_LE(fake_os_calls(FAKE_COMMIT) - before, 2U * 64);
}

TEST_F(Space, NeverCommitsBeyondTheRegion)
{
	uint32_t index;

	ASSERT_TRUE(make_space(&space, 22));
	for (weir_region &region : space.regions) {
		while (weir_region_take_empty(&region, &index))
			;
		EXPECT_EQ((size_t)region.slot_count << region.stride_shift, region.frontier);
	}
}

TEST_F(Space, HandsOutNothingThatCannotBeCommitted)
{
	uint32_t index;

	ASSERT_TRUE(make_space(&space, 28));
	weir_region &region = space.regions[0];

	for (unsigned refused : { 0, 1 }) {	       /* the side array, the slots */
		fake_os_fail(FAKE_COMMIT, refused, 2); /* the step, and the slot alone */
		EXPECT_FALSE(weir_region_take_empty(&region, &index));
		EXPECT_EQ(0U, weir_region_fresh(&region));
		EXPECT_EQ(0U, region.frontier);
	}
	ASSERT_TRUE(weir_region_take_empty(&region, &index));
	EXPECT_EQ(0U, index);
	weir_region_address(&region, 0)[0] = 1;
}

TEST_F(Space, CommitsTheSlotAloneWhereTheStepIsRefused)
{
	uint32_t index;

	ASSERT_TRUE(make_space(&space, 28));
	fake_os_fail(FAKE_COMMIT, 0, 1);
	ASSERT_TRUE(weir_region_take_empty(&space.regions[0], &index));
	EXPECT_EQ(64 * kib, space.regions[0].frontier);
	weir_region_address(&space.regions[0], index)[64 * kib - 1] = 1;
}

TEST_F(Space, HandsOutWhatIsCommittedWhileTheSystemRefusesMore)
{
	uint32_t index;
	size_t count = 0;

	ASSERT_TRUE(make_space(&space, 28));
	ASSERT_TRUE(weir_region_take_empty(&space.regions[0], &index));
	fake_os_fail(FAKE_COMMIT, 0, 1000);
	while (weir_region_take_empty(&space.regions[0], &index))
		count++;
	EXPECT_EQ(space.regions[0].frontier / (64 * kib) - 1, count);
}

TEST_F(Space, FindsOutWhetherAReleaseZeroes)
{
	ASSERT_TRUE(make_space(&space, 24));
	EXPECT_TRUE(space.release_zeroes);
	weir_space_destroy(&space);

	fake_os_ignore_release(true);
	ASSERT_TRUE(make_space(&space, 24));
	EXPECT_FALSE(space.release_zeroes);
	EXPECT_EQ(0U, space.regions[0].slots[0].word);
	weir_space_destroy(&space);

	fake_os_ignore_release(false);
	fake_os_fail(FAKE_RELEASE, 0, 1);
	ASSERT_TRUE(make_space(&space, 24));
	EXPECT_FALSE(space.release_zeroes);
	EXPECT_EQ(0U, space.regions[0].slots[0].word);
}

TEST_F(Space, CountsUnitsInPages)
{
	ASSERT_TRUE(make_space(&space, 28, 4 * mib));
	for (const weir_region &region : space.regions) {
		EXPECT_EQ(0U, weir_region_units(&region, 0));
		EXPECT_EQ(1U, weir_region_units(&region, 1));
		EXPECT_EQ(1U, weir_region_units(&region, page));
		EXPECT_EQ(2U, weir_region_units(&region, page + 1));
	}
}

TEST_F(Space, TrimsToHugePagesWhereARegionUsesThem)
{
	ASSERT_TRUE(make_space(&space, 28, 4 * mib));
	for (unsigned r = 0; r < WEIR_REGION_COUNT; r++) {
		bool huge = weir_region_stride(r) >= 4 * mib;

		EXPECT_EQ(huge, space.regions[r].huge);
		EXPECT_EQ(huge ? 2 * mib : page, space.regions[r].trim_bytes);
	}
}

} // namespace
