#include <gtest/gtest.h>

extern "C" {
#include "classes.h"
#include "slot.h"
}

namespace
{

constexpr uint64_t all_flags = WEIR_SLOT_LIVE | WEIR_SLOT_BUSY | WEIR_SLOT_AGED;
constexpr size_t largest = (size_t)4 << 30;

TEST(Slot, KeepsFlagsSizeAndExtentApart)
{
	const size_t byte_sizes[] = { 0, 1, 65537, largest - 1, largest };
	const uint64_t extents[] = { 0, 1, 17, (largest >> WEIR_UNIT_SHIFT) - 1,
				     largest >> WEIR_UNIT_SHIFT };
	const uint64_t flag_sets[] = { 0, WEIR_SLOT_LIVE, WEIR_SLOT_BUSY, WEIR_SLOT_AGED,
				       all_flags };

	for (size_t size : byte_sizes)
		for (uint64_t extent : extents)
			for (uint64_t flags : flag_sets) {
				uint64_t word = weir_slot_word(flags, size, extent);

				EXPECT_EQ(size, weir_slot_size(word));
				EXPECT_EQ(extent, weir_slot_extent(word));
				EXPECT_EQ(flags, word & all_flags);
			}
}

TEST(Slot, IsFreeAndEmptyWhenItsWordIsZero)
{
	EXPECT_EQ(0U, weir_slot_size(0));
	EXPECT_EQ(0U, weir_slot_extent(0));
	EXPECT_EQ(0U, weir_slot_word(0, 0, 0));
}

TEST(Slot, FlagsAreDistinctBitsOutsideSizeAndExtent)
{
	EXPECT_EQ(3, __builtin_popcountll(all_flags));
	EXPECT_EQ(0U, weir_slot_size(all_flags));
	EXPECT_EQ(0U, weir_slot_extent(all_flags));
}

TEST(Slot, HasRoomForTheLargestStride)
{
	size_t stride = weir_region_stride(WEIR_REGION_COUNT - 1);

	EXPECT_LT(stride, (size_t)1 << WEIR_SLOT_SIZE_BITS);
	EXPECT_LT(stride >> WEIR_UNIT_SHIFT, (size_t)1 << WEIR_SLOT_EXTENT_BITS);
}

} // namespace
