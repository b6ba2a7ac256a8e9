#include <gtest/gtest.h>

#include <vector>

extern "C" {
#include "lists.h"
}

namespace
{

struct Lists {
	Lists() : slots(16) {}
	void put(uint32_t index) { weir_list_put(&list, slots.data(), index); }
	int first() const
	{
		uint32_t index;

		return weir_list_first(&list, &index) ? (int)index : -1;
	}
	/* -1 for an empty list. */
	int take()
	{
		uint32_t index;

		return weir_list_take(&list, slots.data(), &index) ? (int)index : -1;
	}

	std::vector<weir_slot> slots;
	weir_list list = {};
};

TEST(Lists, AreEmptyAtFirst)
{
	Lists lists;

	EXPECT_EQ(-1, lists.take());
}

TEST(Lists, GiveBackWhatWasPutLast)
{
	Lists lists;

	for (uint32_t index : { 3, 0, 15 })
		lists.put(index);
	EXPECT_EQ(15, lists.take());
	lists.put(7);
	EXPECT_EQ(7, lists.take());
	EXPECT_EQ(0, lists.take());
	EXPECT_EQ(3, lists.take());
	EXPECT_EQ(-1, lists.take());
}

TEST(Lists, ShowTheFirstAndKeepIt)
{
	Lists lists;

	EXPECT_EQ(-1, lists.first());
	lists.put(0);
	EXPECT_EQ(0, lists.first());
	lists.put(5);
	EXPECT_EQ(5, lists.first());
	EXPECT_EQ(5, lists.take());
	EXPECT_EQ(0, lists.first());
	EXPECT_EQ(0, lists.take());
	EXPECT_EQ(-1, lists.first());
}

TEST(Lists, KeepTheSlotsWordsAsTheyAre)
{
	Lists lists;

	lists.slots[4].word = 0x1234567890abcdef;
	lists.put(4);
	EXPECT_EQ(4, lists.take());
	EXPECT_EQ(0x1234567890abcdefU, lists.slots[4].word);
}

TEST(Lists, TakeTheLargestIndexThatARegionHas)
{
	uint32_t last = ((uint32_t)1 << 25) - 1;
	std::vector<weir_slot> slots((size_t)last + 1);
	weir_list list = {};
	uint32_t index;

	weir_list_put(&list, slots.data(), 0);
	weir_list_put(&list, slots.data(), last);
	ASSERT_TRUE(weir_list_take(&list, slots.data(), &index));
	EXPECT_EQ(last, index);
	ASSERT_TRUE(weir_list_take(&list, slots.data(), &index));
	EXPECT_EQ(0U, index);
}

/* A thread that read head and link and then stood still must fail afterwards,
 * although the same slot is first again and its link has changed. */
TEST(Lists, NeverShowTheSameHeadTwice)
{
	Lists lists;
	uint64_t stale;

	lists.put(1);
	lists.put(2);
	stale = lists.list.head;
	EXPECT_EQ(2, lists.take());
	EXPECT_EQ(1, lists.take());
	lists.put(2);
	EXPECT_NE(stale, lists.list.head);
}

TEST(Lists, StayCorrectWhenTheTagWrapsAround)
{
	Lists lists;

	lists.list.head = UINT64_MAX << WEIR_LIST_INDEX_BITS;
	lists.put(1);
	lists.put(2);
	EXPECT_EQ(2, lists.take());
	EXPECT_EQ(1, lists.take());
	EXPECT_EQ(-1, lists.take());
}

} // namespace
