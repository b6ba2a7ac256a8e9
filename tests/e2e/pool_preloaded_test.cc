/* weir_preloaded.h where weir is there: in this program because it is linked. */
#include "weir_preloaded.h"

#include <gtest/gtest.h>

namespace
{

constexpr size_t MiB = 1 << 20;

TEST(WithWeir, CallsAreWeirs)
{
	EXPECT_TRUE(weir_preloaded());
	EXPECT_NE(nullptr, weir_stats());
	EXPECT_EQ(weir_stats(), weir_preloaded_stats());
	EXPECT_EQ(weir_pool_preset(WEIR_PRESET_MINIMAL).limit_bytes,
		  weir_preloaded_pool_preset(WEIR_PRESET_MINIMAL).limit_bytes);
}

TEST(WithWeir, APoolIsWeirs)
{
	weir_pool_options options = weir_preloaded_pool_preset(WEIR_PRESET_MODERATE);
	weir_pool *pool = weir_preloaded_pool_create(&options);
	weir_pool_figures figures;

	ASSERT_NE(nullptr, pool);
	void *block = weir_preloaded_lease(pool, 2 * MiB, WEIR_CLEAN | WEIR_ALIGN(MiB));

	ASSERT_NE(nullptr, block);
	EXPECT_EQ(weir_lease_size(block), weir_preloaded_lease_size(pool, block));
	EXPECT_EQ(0, weir_preloaded_pool_stats(pool, &figures));
	EXPECT_EQ(1U, figures.leased_blocks);
	EXPECT_EQ(0, weir_preloaded_return(pool, block));
	EXPECT_EQ(0, weir_preloaded_pool_set_limit(pool, MiB));
	EXPECT_EQ(0, weir_preloaded_pool_stats(pool, &figures));
	EXPECT_EQ(MiB, figures.limit_bytes);
	EXPECT_EQ(figures.retained_bytes, weir_preloaded_pool_release(pool));
	EXPECT_EQ(0U, weir_preloaded_release());
	EXPECT_EQ(0U, weir_preloaded_pool_dispose(pool));
}

TEST(WithWeir, NoPoolIsMallocAllTheSame)
{
	void *block = weir_preloaded_lease(nullptr, MiB, WEIR_CLEAN);

	ASSERT_NE(nullptr, block);
	EXPECT_EQ(0U, weir_lease_size(block));
	EXPECT_GE(weir_preloaded_lease_size(nullptr, block), MiB);
	EXPECT_EQ(0, weir_preloaded_return(nullptr, block));
}

TEST(WithWeir, CleanPoolsAreRefusedAsTheyAreWithoutIt)
{
	weir_pool_options options = weir_preloaded_pool_preset(WEIR_PRESET_MODERATE);

	options.flags = WEIR_POOL_CLEAN;
	EXPECT_EQ(nullptr, weir_preloaded_pool_create(&options));
	EXPECT_EQ(EINVAL, errno);
}

} // namespace
