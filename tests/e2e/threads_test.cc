/* Threads that come and go, and handlers of signals: what they cost, and what they may do. */
#include "preloaded.h"

#include <csignal>
#include <sstream>

using namespace e2e;

namespace
{

/* LIBWEIR_SHORT_THREADS=100000 make check TESTS=tests/e2e/threads_test */
TEST(Threads, ThatEndLeaveNothingBehind)
{
	const unsigned long count = rounds("LIBWEIR_SHORT_THREADS", 10000);
	Running threads(Launch({ victim("short_threads"), std::to_string(count) })
				.env("WEIR_LIMIT", "8M")
				.seconds(60 + (unsigned)(count / 100)));

	ASSERT_EQ("warm", threads.hear()) << threads.finish().describe();
	const uint64_t warm = threads.memory().anonymous_bytes;

	threads.say("");
	ASSERT_EQ("done", threads.hear()) << threads.finish().describe();
	EXPECT_LE(threads.memory().anonymous_bytes, warm + 2 * MiB);
	threads.signal(SIGUSR1);
	threads.say("");
	const Outcome &outcome = threads.finish();

	ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("", outcome.err);
	EXPECT_EQ(0U, outcome.report().number("live_blocks"));
	EXPECT_EQ(0U, outcome.report().number("retained_bytes"));
	EXPECT_LE(outcome.report().number("peak_retained_bytes"), 8 * MiB);
	/* What one leaves another one takes up: of sizes and limits like these, a quarter. */
	EXPECT_GT(outcome.report().number("hits"), outcome.report().number("requests") / 8);
}

/* Half of what SIGSTKSZ was for decades, beside what the kernel itself puts there. */
TEST(Handler, NeedsLittleStack)
{
	for (const char *verbose : { "0", "1" }) {
		auto outcome =
			Launch({ victim("handler_stack") }).env("WEIR_VERBOSE", verbose).run();
		size_t handler = 0, nothing = 0;
		std::string word;
		std::istringstream words(outcome.out);

		ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
		words >> word >> handler >> word >> nothing;
		printf("stack of the handler: %zu bytes\n", handler - nothing);
		EXPECT_GT(handler, nothing) << "it releases";
		EXPECT_LE(handler - nothing, 4 * KiB);
		EXPECT_GT(outcome.report().number("released/signal/blocks"), 0U);
	}
}

/* siglongjmp out of a handler that has interrupted malloc, realloc or free. */
class Jumps : public testing::Test
{
protected:
	static constexpr uint64_t limit_bytes = 48 * MiB;

	void SetUp() override
	{
		const std::string jumps = std::to_string(rounds("LIBWEIR_JUMPS", 300));

		jumps_ = std::make_unique<Running>(Launch({ victim("jumps"), jumps })
							   .env("WEIR_LIMIT", "48M")
							   .env("WEIR_DECAY", "off")
							   .seconds(120));
		const std::string said = jumps_->hear();

		ASSERT_EQ(0U, said.rfind("lost ", 0)) << jumps_->finish().describe();
		lost_ = std::stoul(said.substr(5));
	}

	std::unique_ptr<Running> jumps_;
	unsigned long lost_ = 0;
};

TEST_F(Jumps, LoseTheBlockInHandAtMost)
{
	jumps_->signal(SIGUSR1);
	jumps_->say("");
	EXPECT_EQ("retained", jumps_->hear()) << jumps_->finish().describe();

	const Outcome &outcome = jumps_->finish();

	ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("", outcome.err);
	EXPECT_LE(outcome.report().number("live_blocks"), lost_);
	EXPECT_LE(outcome.report().number("peak_retained_bytes"), limit_bytes);
}

} // namespace
