/* weir.hpp over the library: who owns a block and when it goes back, what is thrown, and
 * containers whose memory comes from a pool. */
#include "weir.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace
{

constexpr std::size_t MiB = 1 << 20;

weir_pool_options moderate(unsigned flags = 0)
{
	weir_pool_options options = weir_pool_preset(WEIR_PRESET_MODERATE);

	options.name = "test";
	options.flags = flags | WEIR_POOL_NO_ABORT;
	return options;
}

weir_pool_options blocks_of(std::size_t bytes)
{
	weir_pool_options options = moderate();

	options.block_bytes = bytes;
	return options;
}

uint64_t leased(const weir::pool &pool)
{
	return pool.figures().leased_blocks;
}

bool is_aligned(const void *block, std::size_t alignment)
{
	return reinterpret_cast<std::uintptr_t>(block) % alignment == 0;
}

/* Leases */

TEST(Lease, GoesBackAtTheEndOfItsScope)
{
	weir::pool pool(moderate());

	{
		weir::lease block = pool.lease(MiB);

		EXPECT_TRUE(block);
		EXPECT_GE(block.size(), MiB);
		std::memset(block.data(), 1, block.size());
		EXPECT_EQ(1U, leased(pool));
	}
	EXPECT_EQ(0U, leased(pool));
	EXPECT_GE(pool.figures().retained_bytes, MiB);
}

TEST(Lease, GoesBackWhenAnExceptionPasses)
{
	weir::pool pool(moderate());

	try {
		weir::lease first = pool.lease(MiB), second = pool.lease(MiB);

		EXPECT_EQ(2U, leased(pool));
		throw std::runtime_error("on the way");
	} catch (const std::runtime_error &) {
		EXPECT_EQ(0U, leased(pool));
	}
}

TEST(Lease, IsEmptyOnceItWasMovedFrom)
{
	weir::pool pool(moderate());
	weir::lease first = pool.lease(MiB);
	void *data = first.data();
	weir::lease second = std::move(first);

	EXPECT_FALSE(first);
	EXPECT_EQ(nullptr, first.data());
	EXPECT_EQ(0U, first.size());
	first.reset();
	EXPECT_EQ(data, second.data());
	EXPECT_EQ(1U, leased(pool));
}

TEST(Lease, ReturnsWhatItHadWhenAnotherIsMovedIn)
{
	weir::pool pool(moderate()), other(moderate());
	weir::lease block = pool.lease(MiB), of_other = other.lease(MiB);
	void *data = of_other.data();

	block = std::move(of_other);
	EXPECT_EQ(data, block.data());
	EXPECT_EQ(0U, leased(pool));
	EXPECT_EQ(1U, leased(other));
	block.reset();
	EXPECT_EQ(0U, leased(other));
}

TEST(Lease, SurvivesAMoveToItself)
{
	weir::pool pool(moderate());
	weir::lease block = pool.lease(MiB);
	weir::lease &same = block;

	block = std::move(same);
	EXPECT_TRUE(block);
	EXPECT_EQ(1U, leased(pool));
}

TEST(Lease, LetsGoOfItsBlock)
{
	weir::pool pool(moderate());
	weir::lease block = pool.lease(MiB);
	void *data = block.release();

	EXPECT_FALSE(block);
	EXPECT_EQ(1U, leased(pool));
	EXPECT_EQ(0, weir_return(pool.handle(), data));
}

TEST(Lease, IsCleanAndAlignedWhereItIsAskedTo)
{
	weir::pool pool(moderate());

	{
		weir::lease dirty = pool.lease(MiB);

		std::memset(dirty.data(), 0xa5, dirty.size());
	}
	weir::lease clean = pool.lease(MiB, WEIR_CLEAN | WEIR_ALIGN(MiB));
	const char *bytes = static_cast<const char *>(clean.data());

	EXPECT_TRUE(is_aligned(bytes, MiB));
	EXPECT_EQ(0, std::accumulate(bytes, bytes + MiB, 0));
}

TEST(Lease, OutlivesItsPool)
{
	weir::lease block;

	{
		weir::pool pool(moderate());

		block = pool.lease(MiB);
	}
	std::memset(block.data(), 1, block.size());
	EXPECT_GE(block.size(), MiB);
}

TEST(Lease, GoesBackFromAnotherThread)
{
	weir::pool pool(moderate());
	weir::lease block = pool.lease(MiB);

	std::thread([moved = std::move(block)] { EXPECT_TRUE(moved); }).join();
	EXPECT_EQ(0U, leased(pool));
}

TEST(Lease, SaysWhatCannotBe)
{
	weir::pool pool(moderate());

	try {
		pool.lease(0);
		FAIL() << "nothing was thrown";
	} catch (const std::system_error &error) {
		EXPECT_EQ(std::errc::invalid_argument, error.code());
	}
}

/* There are so many addresses for blocks of that size, and no more. */
TEST(Lease, SaysThatThereIsNoMemory)
{
	weir::pool pool(moderate());
	std::vector<weir::lease> blocks;

	EXPECT_THROW(
		{
			while (blocks.size() < 1000000)
				blocks.push_back(pool.lease(3 * 1024 * MiB));
		},
		std::bad_alloc);
	EXPECT_EQ(blocks.size(), leased(pool));
	blocks.clear();
	EXPECT_EQ(0U, leased(pool));
}

/* Pools */

TEST(Pool, IsMovedAndNotCopied)
{
	EXPECT_FALSE(std::is_copy_constructible_v<weir::pool>);
	EXPECT_FALSE(std::is_copy_assignable_v<weir::pool>);
	EXPECT_TRUE(std::is_nothrow_move_constructible_v<weir::pool>);
	EXPECT_TRUE(std::is_nothrow_move_assignable_v<weir::pool>);
	EXPECT_FALSE(std::is_copy_constructible_v<weir::lease>);
	EXPECT_TRUE(std::is_nothrow_move_constructible_v<weir::lease>);
}

TEST(Pool, IsEmptyOnceItWasMovedFrom)
{
	weir::pool first(moderate());
	weir::lease block = first.lease(MiB);
	weir::pool second = std::move(first);

	EXPECT_FALSE(first);
	EXPECT_THROW(first.lease(MiB), std::system_error);
	EXPECT_THROW(first.figures(), std::system_error);
	EXPECT_EQ(0U, first.release());
	EXPECT_EQ(0U, first.dispose());
	EXPECT_EQ(1U, leased(second));
}

TEST(Pool, DisposesOfWhatItWasWhenAnotherIsMovedIn)
{
	weir::pool pool(moderate()), other(moderate());
	weir::lease block = pool.lease(MiB);
	struct weir_pool *was = pool.handle(), *is = other.handle();

	pool = std::move(other);
	EXPECT_EQ(is, pool.handle());
	EXPECT_EQ(0U, leased(pool));
	EXPECT_EQ(nullptr, weir_lease(was, MiB, 0));
	EXPECT_EQ(1U, weir_pool_dispose(was));
}

TEST(Pool, SaysHowManyBlocksAreOutWhenItIsDisposedOf)
{
	weir::pool pool(moderate());
	weir::lease first = pool.lease(MiB), second = pool.lease(MiB);

	EXPECT_EQ(2U, pool.dispose());
	EXPECT_FALSE(pool);
}

TEST(Pool, ReleasesAndIsLimited)
{
	weir::pool pool(moderate());

	pool.lease(4 * MiB).reset();
	EXPECT_GE(pool.release(), 4 * MiB);
	EXPECT_EQ(0U, pool.figures().retained_bytes);
	pool.set_limit(MiB);
	EXPECT_EQ(MiB, pool.figures().limit_bytes);
	pool.lease(4 * MiB).reset();
	EXPECT_LE(pool.figures().retained_bytes, MiB);
}

TEST(Pool, SaysThatItsOptionsCannotBe)
{
	EXPECT_THROW(weir::pool(blocks_of(100)), std::system_error);
}

/* Memory resources */

TEST(MemoryResource, GrowsAVectorAndGivesAllOfItBack)
{
	weir::pool pool(moderate());
	weir::memory_resource memory(pool);

	{
		std::pmr::vector<std::size_t> vector(&memory);

		for (std::size_t i = 0; i < MiB; i++)
			vector.push_back(i);
		EXPECT_EQ(MiB * (MiB - 1) / 2,
			  std::accumulate(vector.begin(), vector.end(), std::size_t{ 0 }));
		EXPECT_EQ(1U, leased(pool));
		EXPECT_GT(pool.figures().leases, 5U);
	}
	EXPECT_EQ(0U, leased(pool));
}

TEST(MemoryResource, SendsSmallRequestsUpstream)
{
	weir::pool pool(moderate());
	weir::memory_resource memory(pool, 1000, std::pmr::new_delete_resource());
	std::pmr::map<int, std::pmr::string> map(&memory);

	for (int i = 0; i < 100; i++)
		map.emplace(i, "short");
	EXPECT_EQ(0U, pool.figures().leases);
	map.at(1).assign(1000, 'x');
	EXPECT_EQ(1U, leased(pool));
	map.clear();
	EXPECT_EQ(0U, leased(pool));
}

TEST(MemoryResource, AlignsAsItIsAskedTo)
{
	weir::pool pool(moderate());
	weir::memory_resource memory(pool, 0);

	for (std::size_t alignment = 1; alignment <= 4 * MiB; alignment *= 2)
		for (std::size_t bytes :
		     { std::size_t{ 0 }, std::size_t{ 1 }, std::size_t{ 100000 } }) {
			void *block = memory.allocate(bytes, alignment);

			EXPECT_TRUE(is_aligned(block, alignment)) << alignment;
			memory.deallocate(block, bytes, alignment);
		}
	EXPECT_EQ(0U, leased(pool));
}

TEST(MemoryResource, TakesBlocksOfOneSize)
{
	weir::pool pool(blocks_of(4096));
	weir::memory_resource memory(pool, 1);
	std::pmr::vector<void *> blocks;

	for (int i = 0; i < 100; i++)
		blocks.push_back(memory.allocate(4096, 64));
	EXPECT_EQ(100U, leased(pool));
	EXPECT_THROW((void)memory.allocate(4097, 64), std::bad_alloc);
	for (void *block : blocks)
		memory.deallocate(block, 4096, 64);
	EXPECT_EQ(0U, leased(pool));
}

TEST(MemoryResource, SaysThatThereIsNoSuchMemory)
{
	weir::pool pool(moderate());
	weir::memory_resource memory(pool);

	EXPECT_THROW((void)memory.allocate(SIZE_MAX / 2, 16), std::bad_alloc);
	EXPECT_THROW((void)memory.allocate(MiB, SIZE_MAX / 2 + 1), std::bad_alloc);
	EXPECT_EQ(0U, leased(pool));
}

TEST(MemoryResource, LeavesAVectorAsItWasWhenItCannotGrow)
{
	weir::pool pool(moderate());
	weir::memory_resource memory(pool);
	std::pmr::vector<char> vector(MiB, 'x', &memory);

	EXPECT_THROW(vector.resize(std::size_t{ 1 } << 40), std::bad_alloc);
	EXPECT_EQ(MiB, vector.size());
	EXPECT_EQ('x', vector.back());
	EXPECT_EQ(1U, leased(pool));
}

TEST(MemoryResource, IsItself)
{
	weir::pool pool(moderate());
	weir::memory_resource one(pool), two(pool);

	EXPECT_TRUE(one.is_equal(one));
	EXPECT_FALSE(one.is_equal(two));
}

} // namespace
