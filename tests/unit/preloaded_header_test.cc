/* weir_preloaded.h where there is no weir: malloc's memory, by the rules of a lease. */
#include "weir_preloaded.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

namespace
{

constexpr size_t MiB = 1 << 20;

bool is_aligned(const void *block, size_t alignment)
{
	return reinterpret_cast<uintptr_t>(block) % alignment == 0;
}

int error_of_lease(size_t bytes, unsigned flags)
{
	errno = 0;
	EXPECT_EQ(nullptr, weir_preloaded_lease(nullptr, bytes, flags));
	return errno;
}

int error_of_create(unsigned flags)
{
	weir_pool_options options = weir_preloaded_pool_preset(WEIR_PRESET_MODERATE);

	options.flags = flags;
	errno = 0;
	EXPECT_EQ(nullptr, weir_preloaded_pool_create(&options));
	return errno;
}

TEST(WithoutWeir, ThereIsNoPool)
{
	EXPECT_FALSE(weir_preloaded());
	EXPECT_EQ(ENOSYS, error_of_create(0));
	EXPECT_EQ(EINVAL, error_of_create(WEIR_POOL_CLEAN));
}

TEST(WithoutWeir, OnlyMallocIsDone)
{
	weir_pool_figures figures;

	memset(&figures, 0xff, sizeof(figures));
	EXPECT_EQ(nullptr, weir_preloaded_stats());
	EXPECT_EQ(0U, weir_preloaded_release());
	EXPECT_EQ(0U, weir_preloaded_pool_release(nullptr));
	EXPECT_EQ(ENOSYS, weir_preloaded_pool_set_limit(nullptr, MiB));
	EXPECT_EQ(ENOSYS, weir_preloaded_pool_report(nullptr, 1));
	EXPECT_EQ(ENOSYS, weir_preloaded_pool_stats(nullptr, &figures));
	EXPECT_EQ(0U, figures.leases);
	EXPECT_EQ(0U, weir_preloaded_pool_dispose(nullptr));
	EXPECT_EQ(0, weir_preloaded_return(nullptr, nullptr));
}

TEST(WithoutWeir, BlocksAreAligned)
{
	for (size_t alignment = 1; alignment <= MiB; alignment *= 2)
		for (size_t bytes : { size_t{ 1 }, size_t{ 5000 }, MiB + 1 }) {
			void *block = weir_preloaded_lease(nullptr, bytes, WEIR_ALIGN(alignment));

			ASSERT_NE(nullptr, block);
			EXPECT_TRUE(is_aligned(block, std::max(alignment, size_t{ 128 })));
			EXPECT_GE(weir_preloaded_lease_size(nullptr, block), bytes);
			EXPECT_EQ(0, weir_preloaded_return(nullptr, block));
		}
}

TEST(WithoutWeir, CleanBlocksAreCleanAsFarAsTheyMayBeUsed)
{
	for (int round = 0; round < 3; round++) {
		auto *block = static_cast<char *>(weir_preloaded_lease(nullptr, 5000, WEIR_CLEAN));
		size_t usable = weir_preloaded_lease_size(nullptr, block);

		ASSERT_NE(nullptr, block);
		EXPECT_EQ(usable, static_cast<size_t>(std::count(block, block + usable, 0)));
		memset(block, 1, usable);
		weir_preloaded_return(nullptr, block);
	}
}

TEST(WithoutWeir, WhatCannotBeIsRefusedAllTheSame)
{
	EXPECT_EQ(EINVAL, error_of_lease(0, 0));
	EXPECT_EQ(EINVAL, error_of_lease(MiB, 2));
	EXPECT_EQ(EINVAL, error_of_lease(MiB, 31U << 8));
	EXPECT_EQ(ENOMEM, error_of_lease(SIZE_MAX, 0));
	EXPECT_EQ(ENOMEM, error_of_lease(SIZE_MAX / 2, 0));
}

TEST(WithoutWeir, FirstCallsOfManyThreadsAgree)
{
	void *known = nullptr;
	std::vector<std::thread> threads;

	for (int i = 0; i < 8; i++)
		threads.emplace_back([&known] {
			for (int j = 0; j < 1000; j++) {
				EXPECT_EQ(nullptr, weir_preloaded_find(&known, "weir_release"));
				__atomic_store_n(&known, nullptr, __ATOMIC_RELEASE);
			}
		});
	for (std::thread &thread : threads)
		thread.join();
}

TEST(Find, RemembersWhatItFoundAndThatThereIsNone)
{
	void *known = nullptr, *unknown = nullptr;
	void *found = weir_preloaded_find(&known, "malloc");

	EXPECT_NE(nullptr, found);
	EXPECT_EQ(found, known);
	EXPECT_EQ(found, weir_preloaded_find(&known, "no_such_name"));
	EXPECT_EQ(nullptr, weir_preloaded_find(&unknown, "no_such_name"));
	EXPECT_EQ(nullptr, weir_preloaded_find(&unknown, "malloc"));
}

} // namespace
