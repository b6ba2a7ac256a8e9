#include <gtest/gtest.h>

#include <vector>

extern "C" {
#include "quota.h"
}

namespace
{

constexpr size_t kib = WEIR_KIB;
constexpr size_t mib = WEIR_MIB;

weir_class_limit limit(size_t min_bytes, size_t max_bytes, size_t limit_bytes)
{
	weir_class_limit made = {};

	made.min_bytes = min_bytes;
	made.max_bytes = max_bytes;
	made.limit_bytes = limit_bytes;
	return made;
}

unsigned class_for(size_t bytes)
{
	return weir_class_of(weir_region_of(bytes, 1), bytes);
}

struct Quotas {
	explicit Quotas(const std::vector<weir_class_limit> &limits)
	{
		weir_quotas_init(&quotas, limits.data(), (unsigned)limits.size());
	}
	uint64_t reserve(size_t class_bytes, uint64_t units)
	{
		return weir_quotas_reserve(&quotas, class_for(class_bytes), units);
	}
	void give_back(size_t class_bytes, uint64_t units)
	{
		weir_quotas_give_back(&quotas, class_for(class_bytes), units);
	}

	weir_quotas quotas = {};
};

TEST(Quota, GrantsEverythingWithoutALimit)
{
	Quotas quotas({});

	EXPECT_EQ(UINT64_MAX, quotas.reserve(mib, UINT64_MAX));
	EXPECT_EQ(5U, quotas.reserve(mib, 5));
	quotas.give_back(mib, 5);
}

TEST(Quota, GrantsWhatIsLeftAndNoMore)
{
	Quotas quotas({ limit(0, SIZE_MAX, 10 * 4096) });

	EXPECT_EQ(6U, quotas.reserve(mib, 6));
	EXPECT_EQ(4U, quotas.reserve(mib, 6));
	EXPECT_EQ(0U, quotas.reserve(mib, 6));
	quotas.give_back(mib, 3);
	EXPECT_EQ(3U, quotas.reserve(mib, 6));
}

TEST(Quota, RoundsALimitDownToTheUnit)
{
	Quotas quotas({ limit(0, SIZE_MAX, 2 * 4096 + 4095) });

	EXPECT_EQ(2U, quotas.reserve(mib, 6));
}

TEST(Quota, CountsAllClassesOfARangeTogether)
{
	Quotas quotas({ limit(64 * kib, mib, 10 * 4096) });

	EXPECT_EQ(7U, quotas.reserve(80 * kib, 7));
	EXPECT_EQ(3U, quotas.reserve(mib, 7));
}

/* A range begins with the class that serves its least request, colours included. */
TEST(Quota, LeavesClassesOutsideTheRangeAlone)
{
	Quotas quotas({ limit(128 * kib, mib, 0) });

	EXPECT_EQ(0U, quotas.reserve(160 * kib, 1));
	EXPECT_EQ(0U, quotas.reserve(mib, 1));
	EXPECT_EQ(1U, quotas.reserve(128 * kib, 1));
	EXPECT_EQ(1U, quotas.reserve(mib + 1, 1));
}

TEST(Quota, PutsAClassUnderTheFirstRangeThatHoldsIt)
{
	Quotas quotas({ limit(mib, 1280 * kib, 1 * 4096), limit(0, SIZE_MAX, 50 * 4096) });

	EXPECT_EQ(1U, quotas.reserve(1280 * kib, 9));
	EXPECT_EQ(9U, quotas.reserve(mib, 9));
	EXPECT_EQ(9U, quotas.reserve(2 * mib, 9));
	EXPECT_EQ(0U, quotas.reserve(1280 * kib, 9));
}

} // namespace
