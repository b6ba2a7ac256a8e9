#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

extern "C" {
#include "lists.h"
}

namespace
{

constexpr unsigned thread_count = 8;

template <typename Work> void in_threads(Work work)
{
	std::vector<std::thread> threads;

	for (unsigned t = 0; t < thread_count; t++)
		threads.emplace_back(work, t);
	for (std::thread &thread : threads)
		thread.join();
}

struct SharedList {
	explicit SharedList(size_t count) : slots(count), owners(count)
	{
		for (uint32_t i = 0; i < count; i++)
			weir_list_put(&list, slots.data(), i);
	}

	/* Takes a slot and notes it; a slot that has an owner already was given twice. */
	bool take(uint32_t *index)
	{
		if (!weir_list_take(&list, slots.data(), index))
			return false;
		if (owners[*index].exchange(true, std::memory_order_relaxed))
			given_twice++;
		return true;
	}

	void put(uint32_t index)
	{
		owners[index].store(false, std::memory_order_relaxed);
		weir_list_put(&list, slots.data(), index);
	}

	weir_list list = {};
	std::vector<weir_slot> slots;
	std::vector<std::atomic<bool>> owners;
	std::atomic<unsigned> given_twice{ 0 };
};

TEST(ListsStress, GiveEachSlotToOneThread)
{
	SharedList shared(20000);
	std::atomic<unsigned> taken{ 0 };

	in_threads([&](unsigned) {
		for (uint32_t index; shared.take(&index);)
			taken++;
	});
	EXPECT_EQ(20000U, taken);
	EXPECT_EQ(0U, shared.given_twice);
}

/* Few slots, so that the same ones come back while others stand between the two
 * halves of a take. */
TEST(ListsStress, NeitherLoseNorDoubleASlotUnderChurn)
{
	SharedList shared(12);
	unsigned left = 0;

	in_threads([&](unsigned thread) {
		uint32_t hand[3];

		for (unsigned round = 0; round < 20000; round++) {
			unsigned wanted = 1 + (round + thread) % 3, got = 0;

			while (got < wanted && shared.take(&hand[got]))
				got++;
			while (got > 0)
				shared.put(hand[--got]);
		}
	});
	for (uint32_t index; shared.take(&index);)
		left++;
	EXPECT_EQ(12U, left);
	EXPECT_EQ(0U, shared.given_twice);
}

/* What the owner wrote before put is there for whoever takes the slot. */
TEST(ListsStress, HandOverWhatTheOwnerWrote)
{
	SharedList shared(4);
	std::vector<uint64_t> data(4), counts(thread_count);
	uint64_t sum = 0, expected = 0;

	in_threads([&](unsigned thread) {
		for (unsigned round = 0; round < 10000; round++) {
			uint32_t index;

			if (!shared.take(&index))
				continue;
			data[index]++;
			counts[thread]++;
			shared.put(index);
		}
	});
	for (uint64_t each : data)
		sum += each;
	for (uint64_t each : counts)
		expected += each;
	EXPECT_EQ(expected, sum);
}

} // namespace
