#include <gtest/gtest.h>

#include <vector>

extern "C" {
#include "classes.h"
}

namespace
{

constexpr size_t kib = 1024;
constexpr size_t page = 4096;
constexpr size_t most = WEIR_BY_ADDRESS_BITS((uint64_t)4 << 30, 32 << 20);

/* Four sizes a doubling, evenly spaced, up to `most`: the definition. */
std::vector<size_t> sizes()
{
	std::vector<size_t> found;

	for (size_t base = 32 * kib; base < most; base *= 2)
		for (size_t step = 1; step <= 4; step++)
			found.push_back(base + step * (base / 4));
	return found;
}

unsigned class_for(size_t bytes)
{
	return weir_class_of(weir_region_of(bytes, 1), bytes);
}

TEST(Classes, AreFourToADoublingFrom32KibOn)
{
	std::vector<size_t> expected = sizes();

	ASSERT_EQ(WEIR_CLASS_COUNT, (int)expected.size());
	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++)
		EXPECT_EQ(expected[c], weir_class_bytes(c)) << c;
}

TEST(Classes, EndAtTheirLargestSizeToTheByte)
{
	std::vector<size_t> expected = sizes();

	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++) {
		EXPECT_EQ(c, class_for(expected[c]));
		EXPECT_EQ(c, class_for(expected[c] - 1));
		EXPECT_EQ(c, class_for(expected[c] - page + 1));
		if (c + 1 < WEIR_CLASS_COUNT) {
			EXPECT_EQ(c + 1, class_for(expected[c] + 1));
		}
	}
}

TEST(Classes, NeverExceedTheRequestByMoreThanAQuarter)
{
	for (size_t bytes = 64 * kib; bytes < most; bytes += bytes / 97 + 1)
		EXPECT_LE(weir_class_bytes(class_for(bytes)), bytes + bytes / 4 + 1) << bytes;
}

TEST(Classes, BelongToTheRegionThatTheyAreIn)
{
	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++) {
		unsigned region = weir_class_region(c);

		EXPECT_EQ(region, weir_region_of(weir_class_bytes(c), 1));
		EXPECT_LE(weir_class_bytes(c), weir_region_stride(region));
		EXPECT_GT(weir_class_bytes(c), weir_region_stride(region) / 2);
	}
}

TEST(Classes, TakeShortExtentsIntoTheFirstOfTheRegion)
{
	for (unsigned region = 0; region < WEIR_REGION_COUNT; region++) {
		size_t stride = weir_region_stride(region);
		unsigned first = region * WEIR_CLASSES_PER_REGION;

		EXPECT_EQ(first, weir_class_of(region, 0));
		EXPECT_EQ(first, weir_class_of(region, 1));
		EXPECT_EQ(first, weir_class_of(region, stride / 2));
		EXPECT_EQ(first, weir_class_of(region, stride / 8 * 5));
		EXPECT_EQ(first + 1, weir_class_of(region, stride / 8 * 5 + 1));
		EXPECT_EQ(first + 3, weir_class_of(region, stride));
	}
}

TEST(Strides, ArePowersOfTwoFrom64KibOn)
{
	EXPECT_EQ(64 * kib, weir_region_stride(0));
	for (unsigned region = 1; region < WEIR_REGION_COUNT; region++)
		EXPECT_EQ(2 * weir_region_stride(region - 1), weir_region_stride(region));
	EXPECT_EQ(most, weir_region_stride(WEIR_REGION_COUNT - 1));
}

TEST(Strides, AreTheSmallestThatHoldTheBytes)
{
	EXPECT_EQ(0U, weir_region_of(1, 1));
	for (unsigned region = 0; region < WEIR_REGION_COUNT; region++) {
		size_t stride = weir_region_stride(region);

		EXPECT_EQ(region, weir_region_of(stride, 1));
		EXPECT_EQ(region, weir_region_of(stride - 1, 1));
		EXPECT_EQ(region + 1, weir_region_of(stride + 1, 1));
	}
}

TEST(Strides, AreAlsoMultiplesOfTheAlignment)
{
	for (size_t align = 1; align <= most; align *= 2)
		for (size_t bytes : { 64 * kib, 100 * kib, 3 * 1024 * kib }) {
			unsigned region = weir_region_of(bytes, align);

			ASSERT_LT(region, (unsigned)WEIR_REGION_COUNT);
			EXPECT_EQ(0U, weir_region_stride(region) % align);
			EXPECT_GE(weir_region_stride(region), bytes);
			EXPECT_LE(weir_region_stride(region),
				  weir_max(2 * bytes, weir_max(align, 64 * kib)));
		}
}

TEST(Strides, DoNotExistBeyondTheLargest)
{
	EXPECT_GE(weir_region_of(most + 1, 1), (unsigned)WEIR_REGION_COUNT);
	EXPECT_GE(weir_region_of(1, 2 * most), (unsigned)WEIR_REGION_COUNT);
	EXPECT_GE(weir_region_of(SIZE_MAX, 1), (unsigned)WEIR_REGION_COUNT);
	EXPECT_GE(weir_region_of(1, SIZE_MAX / 2 + 1), (unsigned)WEIR_REGION_COUNT);
}

} // namespace
