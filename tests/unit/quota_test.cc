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

/* A range goes from the class that serves its least request to that of its largest, colours
 * included. */
TEST(Quota, LeavesClassesOutsideTheRangeAlone)
{
	Quotas quotas({ limit(128 * kib, mib, 0) });

	EXPECT_EQ(0U, quotas.reserve(160 * kib, 1));
	EXPECT_EQ(0U, quotas.reserve(mib, 1));
	EXPECT_EQ(1U, quotas.reserve(128 * kib, 1));
	EXPECT_EQ(0U, quotas.reserve(1280 * kib, 1));
	EXPECT_EQ(1U, quotas.reserve(1280 * kib + 1, 1));
}

TEST(Quota, PutsAClassUnderTheFirstRangeThatHoldsIt)
{
	Quotas quotas({ limit(mib, 1280 * kib, 1 * 4096), limit(0, SIZE_MAX, 50 * 4096) });

	EXPECT_EQ(1U, quotas.reserve(1280 * kib, 9));
	EXPECT_EQ(9U, quotas.reserve(mib, 9));
	EXPECT_EQ(9U, quotas.reserve(2 * mib, 9));
	EXPECT_EQ(0U, quotas.reserve(1280 * kib, 9));
}

/* Other limits for the same ranges */

struct ChangedQuotas : Quotas {
	explicit ChangedQuotas(size_t limit_bytes)
	    : Quotas({ limit(64 * kib, mib, limit_bytes), limit(0, SIZE_MAX, 100 * page) })
	{
	}
	void set(size_t limit_bytes)
	{
		const weir_class_limit limits[] = { limit(64 * kib, mib, limit_bytes),
						    limit(0, SIZE_MAX, 100 * page) };

		weir_quotas_set(&quotas, limits, 2);
	}
	uint64_t excess(size_t class_bytes)
	{
		return weir_quotas_excess(&quotas, class_for(class_bytes));
	}

	static constexpr size_t page = 4096;
};

TEST(Quota, GrantsByTheLimitThatIsInForceNow)
{
	ChangedQuotas quotas(4 * 4096);

	EXPECT_EQ(4U, quotas.reserve(mib, 9));
	quotas.set(7 * 4096);
	EXPECT_EQ(3U, quotas.reserve(mib, 9));
	quotas.set(6 * 4096);
	EXPECT_EQ(0U, quotas.reserve(mib, 9));
	quotas.give_back(mib, 2);
	EXPECT_EQ(1U, quotas.reserve(mib, 9));
}

TEST(Quota, SaysHowFarARangeIsBeyondItsLimit)
{
	ChangedQuotas quotas(9 * 4096);

	quotas.reserve(mib, 5);
	quotas.reserve(80 * kib, 4);
	EXPECT_EQ(0U, quotas.excess(mib));
	quotas.set(2 * 4096 + 4095);
	EXPECT_EQ(7U, quotas.excess(mib));
	EXPECT_EQ(7U, quotas.excess(80 * kib));
	EXPECT_EQ(0U, quotas.excess(8 * mib));
	quotas.set(0);
	EXPECT_EQ(9U, quotas.excess(mib));
	quotas.give_back(mib, 5);
	EXPECT_EQ(4U, quotas.excess(mib));
}

TEST(Quota, HasNoExcessWithoutALimit)
{
	Quotas quotas({ limit(mib, 1280 * kib, 0) });

	quotas.reserve(16 * mib, 1000);
	EXPECT_EQ(0U, weir_quotas_excess(&quotas.quotas, class_for(16 * mib)));
}

TEST(Quota, PutsNoClassUnderAnotherRangeWhenLimitsChange)
{
	ChangedQuotas quotas(0);

	EXPECT_EQ(0U, quotas.reserve(mib, 1));
	quotas.set(WEIR_NO_LIMIT);
	EXPECT_EQ(200U, quotas.reserve(mib, 200));
	EXPECT_EQ(100U, quotas.reserve(8 * mib, 200));
}

} // namespace
