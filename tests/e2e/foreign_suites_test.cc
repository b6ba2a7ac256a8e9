/* Test suites that others wrote and Debian's packages carry: each case of each ends with weir as
 * it does without, also where weir serves far more requests than it would, retains next to
 * nothing and releases all the time. Those that tell most, or all:
 *
 *   LIBWEIR_FOREIGN=all make check TESTS=tests/e2e/foreign_suites_test
 *   grep '^|' tests/e2e/foreign_suites_test.log
 *
 * A suite is a command that prints a line for each case; which lines these are, a regular
 * expression says, and its group is what is compared. */
#include "command.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

using namespace e2e;

namespace
{

struct Suite {
	std::string name;
	std::string program, package; /* without which it is not there */
	std::vector<std::string> argv;
	std::string result;			/* the expression */
	std::vector<std::string> in_short = {}; /* further arguments */
	std::vector<std::string> in_all = {};
	std::string input = "";
};

/* How a failed test names it. */
void PrintTo(const Suite &suite, std::ostream *to)
{
	*to << suite.name;
}

/* Not the first on PATH: the one that the packages are for. */
const char python[] = "/usr/bin/python3";
const char own_result[] = "^result: (.*)$";

const char sqlite_work[] = R"(
create table blobs (id integer primary key, data blob);
insert into blobs select value, zeroblob(100000 + value * 50000) from generate_series(1, 40);
update blobs set data = replace(hex(data), '00', char(64 + id % 60));
create table sorted as select value, hex(sha3(value)) as key from generate_series(1, 20000)
	order by key;
create index keys on sorted (key);
.selftest --init
.selftest -v
vacuum;
delete from blobs where id % 3 = 0;
pragma integrity_check;
)";

std::vector<Suite> suites()
{
	return {
		{ "python",
		  python,
		  "python3",
		  { python, source_file("tests/foreign/python_tests.py") },
		  own_result,
		  { "test.test_array", "test.test_bytes", "test.test_fork1", "test.test_memoryio",
		    "test.test_memoryview", "test.test_mmap", "test.test_zlib" },
		  { "test.test_buffer", "test.test_bz2", "test.test_ctypes", "test.test_decimal",
		    "test.test_deque", "test.test_gc", "test.test_hashlib", "test.test_io",
		    "test.test_list", "test.test_lzma", "test.test_pickle", "test.test_queue",
		    "test.test_struct", "test.test_subprocess", "test.test_thread",
		    "test.test_threading", "test.test_tracemalloc", "test.test_unicode",
		    "test.test_zipfile" } },
		{ "numpy",
		  python,
		  "python3-numpy",
		  { python, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "--pyargs" },
		  "^((?:PASSED|FAILED|ERROR|XFAIL|XPASS) [^ ]+|SKIPPED .*)",
		  { "numpy.core.tests.test_shape_base", "numpy.core.tests.test_item_selection",
		    "numpy.fft.tests.test_pocketfft" },
		  { "numpy.core.tests.test_indexing", "numpy.core.tests.test_mem_overlap",
		    "numpy.core.tests.test_multiarray", "numpy.core.tests.test_numeric",
		    "numpy.core.tests.test_records", "numpy.core.tests.test_ufunc",
		    "numpy.core.tests.test_umath", "numpy.linalg.tests.test_linalg" } },
		{ "stress_ng",
		  "stress-ng",
		  "stress-ng",
		  { "/bin/sh", source_file("tests/foreign/stress.sh") },
		  own_result,
		  { "bigheap", "brk", "fork", "madvise", "malloc", "mremap", "stack", "vm",
		    "vm-segv" } },
		{ "sqlite",
		  "sqlite3",
		  "sqlite3",
		  { "sqlite3", "-batch", ":memory:" },
		  "^([0-9]+ errors out of .*|Result: .*|ok)$",
		  {},
		  {},
		  sqlite_work },
		{ "redis",
		  "redis-server",
		  "redis-server",
		  { "redis-server", "--test-memory", "2" },
		  "(Your memory passed this test)" },
	};
}

bool runs_all()
{
	const char *text = std::getenv("LIBWEIR_FOREIGN");

	return text != nullptr && std::string(text) == "all";
}

/* A name for what is the same in every run, and what is different in each. */
struct Setting {
	const char *name;
	bool is_preloaded;
	std::vector<std::pair<std::string, std::string>> variables;
};

const Setting without_weir = { "without", false, {} };
const Setting with_weir[] = {
	{ "default", true, {} },
	{ "restless",
	  true,
	  { { "WEIR_MIN", "4K" }, { "WEIR_LIMIT", "1M" }, { "WEIR_DECAY", "10ms" } } },
};

std::multiset<std::string> results_in(const std::string &text, const std::regex &result)
{
	std::multiset<std::string> results;
	std::istringstream lines(text);
	std::smatch match;

	for (std::string line; std::getline(lines, line);)
		if (std::regex_search(line, match, result))
			results.insert(match[1]);
	return results;
}

/* Its results, and what became of it. */
struct Ended {
	std::multiset<std::string> results;
	Outcome outcome;
};

Ended run(const Suite &suite, const Setting &setting)
{
	Directory directory;
	std::vector<std::string> argv = suite.argv;

	argv.insert(argv.end(), suite.in_short.begin(), suite.in_short.end());
	if (runs_all())
		argv.insert(argv.end(), suite.in_all.begin(), suite.in_all.end());
	write_file(directory.file("input"), suite.input);

	Launch launch(argv);

	launch.in(directory.path()).input(directory.file("input")).seconds(3000);
	launch.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONHASHSEED", "0");
	for (const auto &[name, value] : setting.variables)
		launch.env(name, value);
	if (!setting.is_preloaded)
		launch.plain();

	Outcome outcome = launch.run();

	return { results_in(outcome.out, std::regex(suite.result)), outcome };
}

std::vector<std::string> missing_in(const std::multiset<std::string> &some,
				    const std::multiset<std::string> &others)
{
	std::vector<std::string> missing;

	std::set_difference(others.begin(), others.end(), some.begin(), some.end(),
			    std::back_inserter(missing));
	return missing;
}

void print(const Suite &suite, const Setting &setting, const Ended &run, size_t different)
{
	printf("| %s | %s | %zu | %zu | %d | %llu | %llu |\n", suite.name.c_str(), setting.name,
	       run.results.size(), different, run.outcome.end.exit_status,
	       (unsigned long long)run.outcome.total("requests"),
	       (unsigned long long)run.outcome.total("released/decay/bytes") / MiB);
}

void expect_same_results(const Suite &suite, const Setting &setting, const Ended &plain,
			 const Ended &preloaded)
{
	const auto lost = missing_in(preloaded.results, plain.results);
	const auto gained = missing_in(plain.results, preloaded.results);

	print(suite, setting, preloaded, lost.size() + gained.size());
	EXPECT_THAT(lost, testing::IsEmpty()) << "not with weir, " << setting.name;
	EXPECT_THAT(gained, testing::IsEmpty()) << "only with weir, " << setting.name;
	EXPECT_EQ(plain.outcome.end.exit_status, preloaded.outcome.end.exit_status)
		<< preloaded.outcome.err;
	EXPECT_EQ(plain.outcome.end.signal, preloaded.outcome.end.signal);
}

class ForeignSuites : public testing::TestWithParam<Suite>
{
};

TEST_P(ForeignSuites, EndAsWithoutWeir)
{
	const Suite &suite = GetParam();

	NEED_FOUND(find_program({ suite.program }), suite.package);
	const Ended plain = run(suite, without_weir);

	puts("| suite | weir | results | different | exit status | requests | decayed MiB |\n"
	     "|---|---|---|---|---|---|---|");
	print(suite, without_weir, plain, 0);
	ASSERT_FALSE(plain.outcome.end.timed_out);
	ASSERT_FALSE(plain.results.empty()) << plain.outcome.describe();
	for (const Setting &setting : with_weir)
		expect_same_results(suite, setting, plain, run(suite, setting));
}

INSTANTIATE_TEST_SUITE_P(All, ForeignSuites, testing::ValuesIn(suites()),
			 [](const auto &of) { return of.param.name; });

} // namespace
