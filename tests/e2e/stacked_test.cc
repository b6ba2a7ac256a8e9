/* weir in front of other allocators, which get what weir leaves to its backend. */
#include "preloaded.h"

using namespace e2e;

namespace
{

struct Backend {
	const char *name;
	const char *library;
};

class Stacked : public testing::TestWithParam<Backend>
{
protected:
	void SetUp() override
	{
		library_ = find_library(GetParam().library);
		NEED_FOUND(library_, GetParam().library);
	}
	Launch behind(std::vector<std::string> argv) const
	{
		return Launch(std::move(argv)).behind(library_);
	}
	void expect_backend(const Report &report) const
	{
		EXPECT_NE(std::string::npos, report.text("backend").find(GetParam().name))
			<< report.text("backend");
	}

	std::string library_;
};

TEST_P(Stacked, RetainsAndReleases)
{
	Puppet puppet(behind({ victim("puppet") }));

	puppet.ask("malloc 1 1000");
	puppet.fill(2, 11, 4 * MiB);
	puppet.free(2, 10);
	EXPECT_GE(puppet.grown(), 40 * MiB);
	puppet.release();
	EXPECT_LE(puppet.grown(), 4 * MiB + MiB);
	puppet.ask("realloc 1 1000000");
	puppet.ask("realloc 1 500");
	EXPECT_EQ(4 * MiB + 500, puppet.ask("check"));
	const Outcome &outcome = puppet.finish();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	expect_backend(outcome.report());
}

TEST_P(Stacked, ServesTheWholeFamily)
{
	for (const char *check :
	     { "malloc_gives_writable_memory", "every_alignment_up_to_the_largest_is_given",
	       "realloc_keeps_every_byte_on_a_walk", "calloc_is_zero_after_dirty_blocks",
	       "free_keeps_errno", "sized_frees_and_cfree_exist",
	       "malloc_trim_answers_and_keeps_live_data" }) {
		auto outcome = behind({ victim("family"), check }).run();

		EXPECT_TRUE(outcome.succeeded()) << check << ": " << outcome.describe();
	}
}

TEST_P(Stacked, SurvivesChurnAndForks)
{
	Running churn(behind({ victim("churn"), "4", "0", "1", "5" }));

	ASSERT_EQ("running", churn.hear()) << churn.errors();
	churn.say("stop");
	ASSERT_EQ("empty", churn.hear()) << churn.finish().describe();
	churn.say("next");
	const Outcome &outcome = churn.finish();

	ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ(0U, outcome.report().number("live_bytes"));
	expect_backend(outcome.report());
}

TEST_P(Stacked, RunsRealPrograms)
{
	std::vector<std::string> argv = { "perl", "-e",
					  "$x .= 'ab' x 50000 for 1 .. 100; print length($x), $x" };
	auto plain = Launch(argv).plain().run();
	auto preloaded = behind(argv).run();

	expect_same(plain, preloaded);
	EXPECT_GT(preloaded.report().number("requests"), 2U);
	expect_backend(preloaded.report());
}

INSTANTIATE_TEST_SUITE_P(Each, Stacked,
			 testing::Values(Backend{ "jemalloc", "libjemalloc.so.2" },
					 Backend{ "mimalloc", "libmimalloc.so.2" },
					 Backend{ "tcmalloc", "libtcmalloc_minimal.so.4" }),
			 [](const auto &each) { return std::string(each.param.name); });

} // namespace
