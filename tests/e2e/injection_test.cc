/* Each system call that weir makes fails, one at a time or from there on for ever, in a program
 * that does all there is to do with large blocks: it goes on with the right bytes, or gets
 * ENOMEM, and the limits hold.
 *
 * A short form runs with the others: of the calls that are many some, the errors in turn. The
 * whole matrix, every call by every error, is some thousand runs:
 *
 *   LIBWEIR_FAULTS=all make check TESTS=tests/e2e/injection_test
 *   grep '^|' tests/e2e/injection_test.log */
#include "preloaded.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace e2e;
using Clock = std::chrono::steady_clock;

namespace
{

const char *const errors[] = { "ENOMEM", "EINVAL", "EAGAIN", "EPERM", "ENOSYS" };

constexpr uint64_t limit_bytes = 24 * MiB;

/* How the program is set up. */
struct Setting {
	const char *name;
	std::vector<std::pair<const char *, const char *>> env;
	const char *refusal = "", *refused = ""; /* what a sandbox says, and to which calls */
	bool keeps = false;			 /* a release may be refused for good */

	/* By a thread that may have a block in hand when the program ends. */
	bool has_helper() const { return strcmp(env.back().first, "WEIR_DECAY") == 0; }
};

const Setting plain = { "plain", { { "WEIR_HUGEPAGES", "never" } } };
const Setting bounded = { "bounded",
			  { { "WEIR_HUGEPAGES", "always" },
			    { "WEIR_FOOTPRINT", "64M" },
			    { "WEIR_LIVE_LIMIT", "100M" },
			    { "WEIR_CLASS_LIMITS", "64K-1M:3M,*:20M" } } };
const Setting served = { "served",
			 { { "WEIR_HUGEPAGES", "never" },
			   { "WEIR_SOCKET", "SOCKET" },
			   { "WEIR_PRESSURE", "1" },
			   { "WEIR_DECAY", "20ms" } } };
const Setting idle = { "idle", { { "WEIR_BACKGROUND", "1" }, { "WEIR_DECAY", "20ms" } } };

const Setting on_old_kernel = { "on_old_kernel", served.env, "ENOSYS", "close_range" };
const Setting unadvised = { "unadvised", plain.env, "EPERM", "madvise", true };

/* A call of weir's, and how many of the calls, one in so many, fail in the short form: a look at
 * what is resident is many calls of which each is like the other. */
struct Target {
	const Setting *setting;
	const char *call;
	unsigned short_step;
};

std::string name_of(const testing::TestParamInfo<Target> &info)
{
	return std::string(info.param.setting->name) + "_" + info.param.call;
}

struct Counts {
	uint32_t seen = 0, failed = 0;
};

struct Fault {
	unsigned first, last; /* 0, 0: none; last 0: for ever */
	const char *error;
};

std::string describe(const Target &target, const Fault &fault)
{
	return std::string(target.setting->name) + ": " + target.call + " " +
	       std::to_string(fault.first) + (fault.last == fault.first ? "" : " and later") +
	       ": " + fault.error;
}

bool wants_all()
{
	const char *said = std::getenv("LIBWEIR_FAULTS");

	return said && strcmp(said, "all") == 0;
}

class Injection : public testing::TestWithParam<Target>
{
protected:
	Outcome run(const Fault &fault)
	{
		std::vector<std::string> words = {
			victim("injected"),	    GetParam().call, std::to_string(fault.first),
			std::to_string(fault.last), fault.error,     counts_file(),
			victim("workload")
		};

		if (*setting.refused)
			words.insert(words.begin(),
				     { victim("confined"), setting.refusal, setting.refused });
		if (setting.keeps)
			words.push_back("keep");
		Launch launch(words);

		for (const auto &variable : setting.env)
			launch.env(variable.first, strcmp(variable.second, "SOCKET") == 0
							   ? directory_.file("socket")
							   : variable.second);
		launch.env("WEIR_LIMIT", std::to_string(limit_bytes));
		runs_++;
		return launch.run();
	}

	Counts counts() const
	{
		std::string bytes = read_file(counts_file());
		Counts counts;

		EXPECT_EQ(sizeof counts, bytes.size()) << "weir makes no such call";
		memcpy(&counts, bytes.data(), std::min(sizeof counts, bytes.size()));
		return counts;
	}

	/* What holds whatever fails. A report that cannot be written says so. */
	void expect_right(const Fault &fault, const Outcome &outcome)
	{
		const bool reported = !outcome.reports.empty();

		ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
		EXPECT_EQ(0U, outcome.out.find("done ")) << outcome.describe();
		EXPECT_EQ(reported, outcome.err.find("report could not") == std::string::npos)
			<< outcome.describe();
		if (!reported)
			return;
		EXPECT_EQ("", outcome.err);
		EXPECT_EQ(0U, outcome.report().number("live_bytes"));
		if (!setting.keeps) {
			EXPECT_LE(outcome.report().number("peak_retained_bytes"), limit_bytes);
			EXPECT_EQ(0U, outcome.report().number("release_failures"));
		}
		if (!setting.has_helper() && (!setting.keeps || fault.first == fault.last)) {
			EXPECT_EQ(0U, outcome.report().number("retained_bytes"));
		}
	}

	void fail(const Fault &fault)
	{
		SCOPED_TRACE(describe(GetParam(), fault));

		expect_right(fault, run(fault));
		failed_ += counts().failed;
	}

	/* weir repeats a call that ends with EAGAIN a thousand times: the first two are enough. */
	static Fault from(unsigned n, const char *error)
	{
		return { n, strcmp(error, "EAGAIN") == 0 ? n + 2000 : 0, error };
	}

	/* Every call fails, in turn by each error, once or for ever. */
	void fail_in_turn(unsigned seen)
	{
		const unsigned step = GetParam().short_step;

		for (unsigned n = 1; n <= seen && !HasFatalFailure(); n += step) {
			const unsigned turn = n / step;

			const char *error = errors[turn % std::size(errors)];

			fail(turn % 2 ? Fault{ n, n, error } : from(n, error));
		}
	}

	/* Every call by every error, and with all that follow by one of them in turn. */
	void fail_all(unsigned seen)
	{
		for (unsigned n = 1; n <= seen && !HasFatalFailure(); n++) {
			for (const char *error : errors)
				fail({ n, n, error });
			fail(from(n, errors[n % std::size(errors)]));
		}
	}

	const Setting &setting = *GetParam().setting;
	unsigned runs_ = 0, failed_ = 0;

private:
	std::string counts_file() const { return directory_.file("counts"); }

	Directory directory_;
};

TEST_P(Injection, EndsInNoCrashAndNoWrongByte)
{
	const Fault none = { 0, 0, errors[0] };

	expect_right(none, run(none));
	const unsigned seen = counts().seen;

	ASSERT_GT(seen, 0U);
	if (wants_all())
		fail_all(seen);
	else
		fail_in_turn(seen);
	EXPECT_GT(failed_, 0U);
	printf("| %s | %s | %u | %u | %u |\n", setting.name, GetParam().call, seen, runs_, failed_);
}

INSTANTIATE_TEST_SUITE_P(
	OfEachCall, Injection,
	testing::Values(Target{ &plain, "mmap", 1 }, Target{ &plain, "munmap", 1 },
			Target{ &plain, "mprotect", 1 }, Target{ &plain, "madvise", 2 },
			Target{ &plain, "mremap", 2 }, Target{ &plain, "mincore", 16 },
			Target{ &plain, "openat", 1 }, Target{ &plain, "pread64", 1 },
			Target{ &plain, "prlimit64", 1 }, Target{ &bounded, "mmap", 3 },
			Target{ &bounded, "mprotect", 3 }, Target{ &bounded, "madvise", 12 },
			Target{ &bounded, "mremap", 6 }, Target{ &served, "accept4", 1 },
			Target{ &served, "bind", 1 }, Target{ &served, "clone3", 1 },
			Target{ &served, "close_range", 1 }, Target{ &served, "eventfd2", 1 },
			Target{ &served, "listen", 1 }, Target{ &served, "madvise", 12 },
			Target{ &served, "mmap", 4 }, Target{ &served, "mprotect", 4 },
			Target{ &served, "openat", 2 }, Target{ &served, "poll", 2 },
			Target{ &served, "pread64", 2 }, Target{ &served, "read", 1 },
			Target{ &served, "socket", 1 }, Target{ &unadvised, "mmap", 4 },
			Target{ &on_old_kernel, "unshare", 1 },
			Target{ &on_old_kernel, "prlimit64", 1 }, Target{ &idle, "clone3", 1 },
			Target{ &idle, "futex", 1 }),
	name_of);

/* A helper thread that is refused what it waits by. */
class Persistence : public Injection
{
};

TEST_P(Persistence, OfARefusalKeepsNoProcessorBusy)
{
	const auto start = Clock::now();

	const Fault fault = { 1, 0, "EPERM" };

	expect_right(fault, run(fault));
	const std::chrono::duration<double> seconds = Clock::now() - start;

	EXPECT_GT(counts().failed, 0U);
	EXPECT_LE(counts().failed / seconds.count(), 300) << counts().failed << " in all";
}

INSTANTIATE_TEST_SUITE_P(OfEachWait, Persistence,
			 testing::Values(Target{ &served, "accept4", 1 },
					 Target{ &served, "poll", 1 }, Target{ &idle, "futex", 1 }),
			 name_of);

} // namespace
