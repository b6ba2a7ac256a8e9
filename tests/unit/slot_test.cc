#include <gtest/gtest.h>

extern "C" {
#include "classes.h"
#include "slot.h"
}

namespace
{

constexpr uint64_t all_flags = WEIR_SLOT_LIVE | WEIR_SLOT_BUSY | WEIR_SLOT_AGED | WEIR_SLOT_CACHED;
constexpr size_t largest = WEIR_LARGEST_STRIDE;

TEST(Slot, KeepsFlagsSizeAndExtentApart)
{
	const size_t byte_sizes[] = { 0, 1, 65537, largest - 1, largest };
	const uint64_t extents[] = { 0, 1, 17, (largest >> WEIR_UNIT_SHIFT) - 1,
				     largest >> WEIR_UNIT_SHIFT };
	const uint64_t flag_sets[] = {
		0, WEIR_SLOT_LIVE, WEIR_SLOT_BUSY, WEIR_SLOT_AGED, WEIR_SLOT_CACHED, all_flags
	};

	for (size_t size : byte_sizes)
		for (uint64_t extent : extents)
			for (uint64_t flags : flag_sets) {
				uint64_t word = weir_slot_word(flags, size, extent);

				EXPECT_EQ(size, weir_slot_reach(word));
				EXPECT_EQ(extent, weir_slot_extent(word));
				EXPECT_EQ(flags, word & all_flags);
			}
}

TEST(Slot, KeepsTheColourOfABlockThatIsResized)
{
	for (uint64_t colour = 0; colour < 1U << WEIR_SLOT_COLOUR_BITS; colour++) {
		uint64_t word = weir_slot_word(all_flags | colour << WEIR_SLOT_COLOUR_SHIFT,
					       largest, largest >> WEIR_UNIT_SHIFT);
		uint64_t resized = weir_slot_resized(word, 5, 7);

		EXPECT_EQ(colour, weir_slot_colour(word));
		EXPECT_EQ(largest, weir_slot_reach(word));
		EXPECT_EQ(largest >> WEIR_UNIT_SHIFT, weir_slot_extent(word));
		EXPECT_EQ(colour, weir_slot_colour(resized));
		EXPECT_EQ(5U, weir_slot_reach(resized));
		EXPECT_EQ(7U, weir_slot_extent(resized));
		EXPECT_EQ(WEIR_SLOT_LIVE, resized & all_flags);
	}
}

TEST(Slot, IsFreeAndEmptyWhenItsWordIsZero)
{
	EXPECT_EQ(0U, weir_slot_reach(0));
	EXPECT_EQ(0U, weir_slot_extent(0));
	EXPECT_EQ(0U, weir_slot_word(0, 0, 0));
}

TEST(Slot, FlagsAreDistinctBitsOutsideSizeAndExtent)
{
	EXPECT_EQ(4, __builtin_popcountll(all_flags));
	EXPECT_EQ(0U, weir_slot_reach(all_flags));
	EXPECT_EQ(0U, weir_slot_extent(all_flags));
}

TEST(Slot, HasRoomForTheLargestStride)
{
	size_t stride = weir_region_stride(WEIR_REGION_COUNT - 1);

	EXPECT_LT(stride, (uint64_t)1 << WEIR_SLOT_REACH_BITS);
	EXPECT_LT(stride >> WEIR_UNIT_SHIFT, (uint64_t)1 << WEIR_SLOT_EXTENT_BITS);
}

} // namespace
