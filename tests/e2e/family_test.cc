/* Every function of the malloc family, under settings that send it down
 * different ways of the engine. */
#include "preloaded.h"

#include <sstream>

using e2e::Launch;

namespace
{

using Setting = std::pair<std::string, std::string>;

const std::vector<Setting> settings = {
	{ "WEIR_PRESET", "default" },	{ "WEIR_LIMIT", "0" },	  { "WEIR_LIMIT", "3M" },
	{ "WEIR_HUGEPAGES", "always" }, { "WEIR_DECAY", "10ms" },
};

const std::vector<std::string> checks = {
	"every_alignment_up_to_the_largest_is_given",
	"aligned_blocks_do_not_overlap",
	"posix_memalign_refuses_bad_alignments",
	"posix_memalign_refuses_too_many_bytes",
	"aligned_zero_bytes_can_be_freed",
	"valloc_and_pvalloc_give_whole_pages",
	"malloc_gives_writable_memory",
	"blocks_do_not_overlap",
	"large_blocks_are_aligned_to_128",
	"usable_size_ends_with_a_page",
	"all_of_the_usable_size_is_the_programs",
	"zero_bytes_are_a_block_of_their_own",
	"blocks_as_large_as_a_region_and_more_work",
	"malloc_trim_answers_and_keeps_live_data",
	"sized_frees_and_cfree_exist",
	"figures_of_the_c_library_still_work",
	"free_keeps_errno",
	"successful_calls_keep_errno",
	"release_by_signal_keeps_errno",
	"too_many_bytes_are_refused",
	"products_that_overflow_are_refused",
	"impossible_alignments_are_refused",
	"realloc_keeps_every_byte_while_growing",
	"realloc_keeps_every_byte_while_shrinking",
	"realloc_keeps_every_byte_on_a_walk",
	"realloc_takes_blocks_of_every_function",
	"realloc_within_the_stride_stays_in_place",
	"realloc_of_null_allocates",
	"realloc_to_nothing_frees",
	"failed_realloc_leaves_the_block",
	"reallocarray_multiplies",
	"calloc_is_zero_when_fresh",
	"calloc_is_zero_after_dirty_blocks",
	"calloc_is_zero_after_many_dirty_blocks",
	"calloc_is_zero_after_realloc_changed_the_extent",
	"calloc_is_zero_after_a_release",
	"calloc_is_zero_when_pages_are_locked",
	"calloc_multiplies",
};

class Family : public testing::TestWithParam<std::string>
{
};

TEST_P(Family, Holds)
{
	for (const Setting &setting : settings) {
		auto outcome = Launch({ e2e::victim("family"), GetParam() })
				       .env(setting.first, setting.second)
				       .run();

		EXPECT_TRUE(outcome.succeeded())
			<< setting.first << "=" << setting.second << ": " << outcome.describe();
		EXPECT_EQ(1U, outcome.reports.size());
	}
}

TEST(FamilyOfTheBackend, AlignsWhatIsNotPooled)
{
	auto outcome =
		Launch({ e2e::victim("family"), "every_alignment_up_to_the_largest_is_given" })
			.env("WEIR_MAX", "64K")
			.run();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_GT(outcome.report().number("oversize"), 0U);
}

TEST(FamilyChecks, AreAllRunByThisTest)
{
	auto outcome = Launch({ e2e::victim("family"), "list" }).plain().run();
	std::ostringstream expected;

	for (const std::string &check : checks)
		expected << check << "\n";
	EXPECT_EQ(expected.str(), outcome.out);
}

TEST(FamilyChecks, LeaveNothingLive)
{
	auto outcome =
		Launch({ e2e::victim("family"), "realloc_keeps_every_byte_on_a_walk" }).run();

	ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ(0U, outcome.report().number("live_bytes"));
	EXPECT_EQ(0U, outcome.report().number("live_blocks"));
	EXPECT_GT(outcome.report().number("requests"), 100U);
}

INSTANTIATE_TEST_SUITE_P(Each, Family, testing::ValuesIn(checks),
			 [](const auto &each) { return each.param; });

} // namespace
