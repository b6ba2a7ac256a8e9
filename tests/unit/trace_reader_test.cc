#include "trace_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <sys/stat.h>
#include <unistd.h>

extern "C" {
#include "trace_reader.h"
}

namespace
{

constexpr uint64_t KiB = 1024, MiB = 1024 * KiB;

/* A file that is gone at the end. */
struct File {
	explicit File(const std::string &content)
	{
		char made[] = "/tmp/weir-trace-XXXXXX";
		int fd = mkstemp(made);

		path = made;
		EXPECT_EQ((ssize_t)content.size(), ::write(fd, content.data(), content.size()));
		close(fd);
	}
	~File() { unlink(path.c_str()); }

	std::string path;
};

struct Trace {
	explicit Trace(const std::string &content) : file(content)
	{
		char said[TRACE_PROBLEM_BYTES] = "";

		trace = trace_open(file.path.c_str(), said);
		problem = said;
	}
	~Trace() { trace_close(trace); }

	std::vector<trace_event> events()
	{
		std::vector<trace_event> all;
		trace_event event;

		while ((last = trace_next(trace, &event)) == TRACE_EVENT)
			all.push_back(event);
		if (last == TRACE_BROKEN)
			problem = trace_problem(trace);
		return all;
	}

	File file;
	struct trace *trace = nullptr;
	trace_step last = TRACE_EVENT;
	std::string problem;
};

/* What is wrong with the file, behind its name; empty when it can be read to its end. */
std::string problem_of(const std::string &content)
{
	Trace trace(content);
	std::string begin = trace.file.path + ": ";

	if (trace.trace)
		trace.events();
	if (trace.problem.empty())
		return "";
	EXPECT_EQ(0U, trace.problem.find(begin)) << trace.problem;
	return trace.problem.substr(std::min(begin.size(), trace.problem.size()));
}

std::vector<uint64_t> addresses(const std::vector<trace_event> &events)
{
	std::vector<uint64_t> all;

	for (const trace_event &event : events)
		all.push_back(event.address);
	return all;
}

/* Good traces */

TEST(TraceReader, YieldsWhatEachCallHas)
{
	TraceWriter writer;

	writer.process(7).unit(100, 71);
	writer.malloc(110, 0x10000, 70000, 21).calloc(120, 0x20000, MiB);
	writer.begin_realloc(130, 0x10000).end_realloc(131, 0x30000, 2 * MiB);
	writer.end_realloc(140, 0x40000, 3 * MiB);
	writer.free(150, 0x20000).free_touched(160, 0x30000, 4096);
	writer.passed(170, 5 * MiB).refused(180, 6 * MiB);
	Trace trace(writer.bytes());

	ASSERT_TRUE(trace.trace) << trace.problem;
	auto events = trace.events();
	const trace_event expected[] = {
		{ WEIR_TRACE_MALLOC, 0, 71, 110, 0x10000, 0, 70000, 0, 2 * MiB },
		{ WEIR_TRACE_CALLOC, 0, 71, 120, 0x20000, 0, MiB, 0, 1 },
		{ WEIR_TRACE_REALLOC_BEGIN, 0, 71, 130, 0x10000, 0, 0, 0, 1 },
		{ WEIR_TRACE_REALLOC, 0, 71, 131, 0x30000, 0x10000, 2 * MiB, 0, 1 },
		{ WEIR_TRACE_REALLOC, 0, 71, 140, 0x40000, 0, 3 * MiB, 0, 1 },
		{ WEIR_TRACE_FREE, 0, 71, 150, 0x20000, 0, 0, 0, 1 },
		{ WEIR_TRACE_FREE_TOUCHED, 0, 71, 160, 0x30000, 0, 0, 4096, 1 },
		{ WEIR_TRACE_PASSED, 0, 71, 170, 0, 0, 5 * MiB, 0, 1 },
		{ WEIR_TRACE_REFUSED, 0, 71, 180, 0, 0, 6 * MiB, 0, 1 },
	};

	ASSERT_EQ(std::size(expected), events.size()) << trace.problem;
	for (size_t i = 0; i < events.size(); i++) {
		EXPECT_EQ(expected[i].call, events[i].call) << i;
		EXPECT_EQ(expected[i].thread, events[i].thread) << i;
		EXPECT_EQ(expected[i].ns, events[i].ns) << i;
		EXPECT_EQ(expected[i].address, events[i].address) << i;
		EXPECT_EQ(expected[i].old_address, events[i].old_address) << i;
		EXPECT_EQ(expected[i].bytes, events[i].bytes) << i;
		EXPECT_EQ(expected[i].touched, events[i].touched) << i;
		EXPECT_EQ(expected[i].align, events[i].align) << i;
	}
	EXPECT_EQ(TRACE_END, trace.last);
}

/* Of two threads at once, over the end of a unit, and ended by the backend or not at all. */
TEST(TraceReader, KnowsWhereABlockWasBeforeItsRealloc)
{
	TraceWriter writer;

	writer.process(7).unit(0, 71).begin_realloc(10, 1);
	writer.unit(0, 72).begin_realloc(20, 2).malloc(25, 9, MiB).end_realloc(30, 1, MiB);
	writer.unit(40, 71).end_realloc(40, 3, MiB);
	writer.unit(50, 72).begin_realloc(51, 4).passed(52, 1000).begin_realloc(53, 5);
	writer.unit(50, 73).passed(54, 2000).begin_realloc(55, 6).refused(56, 3000);
	writer.process(8).unit(60, 72).end_realloc(60, 7, MiB);
	Trace trace(writer.bytes());
	std::vector<std::pair<int, uint64_t>> found; /* call, old address */

	ASSERT_TRUE(trace.trace) << trace.problem;
	for (int again = 0; again < 2; again++) {
		found.clear();
		for (const trace_event &event : trace.events())
			if (event.call != WEIR_TRACE_REALLOC_BEGIN)
				found.emplace_back(event.call, event.old_address);
		EXPECT_EQ((std::vector<std::pair<int, uint64_t>>{ { WEIR_TRACE_MALLOC, 0 },
								  { WEIR_TRACE_REALLOC, 2 },
								  { WEIR_TRACE_REALLOC, 1 },
								  { WEIR_TRACE_PASSED, 4 },
								  { WEIR_TRACE_PASSED, 0 },
								  { WEIR_TRACE_REFUSED, 6 },
								  { WEIR_TRACE_REALLOC, 0 } }),
			  found)
			<< trace.problem;
		trace_rewind(trace.trace);
	}
}

/* More than are looked at: the eldest are forgotten, and nothing else. */
TEST(TraceReader, ForgetsReallocsThatNeverEnd)
{
	TraceWriter writer;

	writer.process(7).unit(0, 1);
	for (uint64_t thread = 1; thread <= 1500; thread++)
		writer.words({ WEIR_TRACE_THREAD, thread }).begin_realloc(thread, thread);
	writer.unit(5000, 1500).end_realloc(5000, 1, MiB).words({ WEIR_TRACE_THREAD, 1 });
	writer.end_realloc(5001, 2, MiB);
	Trace trace(writer.bytes());

	ASSERT_TRUE(trace.trace) << trace.problem;
	auto events = trace.events();

	ASSERT_EQ(1502U, events.size()) << trace.problem;
	EXPECT_EQ(1500U, events[1500].old_address);
	EXPECT_EQ(0U, events[1501].old_address);
}

TEST(TraceReader, TellsOfItsProcessesAndOfWhatItLacks)
{
	TraceWriter writer;

	writer.process(7, "good").process(8, "killed").unit(0, 81).malloc(1, 0x10000, MiB);
	writer.header().state = WEIR_TRACE_OPEN;
	writer.header().start_ns = TraceWriter::start_ns - 50;
	writer.header().lost = 3;
	writer.header().lost_error = ENOSPC;
	strcpy(writer.header().settings, "limit 64M\033[2J");
	Trace trace(writer.bytes());

	ASSERT_TRUE(trace.trace) << trace.problem;
	EXPECT_EQ(2U, trace_process_count(trace.trace));
	EXPECT_STREQ("good", trace_process(trace.trace, 0)->program);
	EXPECT_EQ(8, trace_process(trace.trace, 1)->pid);
	EXPECT_STREQ("limit 64M?[2J", trace_process(trace.trace, 1)->settings);
	EXPECT_EQ(TraceWriter::start_ns - 50, trace_start_ns(trace.trace));
	trace_gaps gaps = trace_missing(trace.trace);

	EXPECT_EQ(1U, gaps.killed);
	EXPECT_EQ(3U, gaps.lost);
	EXPECT_EQ(ENOSPC, gaps.error);
	EXPECT_EQ(0U, gaps.cut_bytes);
	auto events = trace.events();

	ASSERT_EQ(1U, events.size());
	EXPECT_EQ(1U, events[0].process);
	EXPECT_EQ(51U, events[0].ns) << "since the start of the first process";
}

/* The thread that makes the file looks at the clock before it does. */
TEST(TraceReader, BeginsWithTheFirstUnit)
{
	TraceWriter writer;

	writer.process(7);
	writer.header().start_ns += 500;
	writer.unit(400, 71).malloc(430, 1, MiB);
	Trace trace(writer.bytes());

	ASSERT_TRUE(trace.trace) << trace.problem;
	EXPECT_EQ(TraceWriter::start_ns + 400, trace_start_ns(trace.trace));
	EXPECT_EQ(30U, trace.events()[0].ns);
}

TEST(TraceReader, MergesUnitsByTime)
{
	TraceWriter writer;

	writer.process(7).unit(1000, 71).malloc(1000, 6, MiB).malloc(5000, 8, MiB);
	writer.unit(0, 72).malloc(10, 1, MiB).malloc(30, 3, MiB).malloc(9000, 9, MiB);
	writer.empty_unit();
	writer.unit(15, 73).malloc(20, 2, MiB).malloc(40, 4, MiB).malloc(1001, 7, MiB);
	writer.process(8).unit(900, 81).malloc(950, 5, MiB);
	Trace trace(writer.bytes());

	ASSERT_TRUE(trace.trace) << trace.problem;
	EXPECT_EQ((std::vector<uint64_t>{ 1, 2, 3, 4, 5, 6, 7, 8, 9 }), addresses(trace.events()));
	trace_rewind(trace.trace);
	EXPECT_EQ(9U, trace.events().size());
}

TEST(TraceReader, PutsWhatIsTakenBackFirstAtEqualTimes)
{
	TraceWriter writer;

	writer.process(7).unit(0, 71).malloc(10, 4, MiB).free(10, 5);
	writer.unit(0, 72).passed(10, MiB);
	writer.unit(0, 73).free(10, 1);
	writer.unit(0, 74).begin_realloc(10, 2).end_realloc(10, 3, MiB);
	Trace trace(writer.bytes());

	ASSERT_TRUE(trace.trace) << trace.problem;
	EXPECT_EQ((std::vector<uint64_t>{ 1, 2, 4, 5, 0, 3 }), addresses(trace.events()))
		<< "a unit's own stay in their order";
}

TEST(TraceReader, LetsNoThreadGoBackInTime)
{
	TraceWriter writer;

	writer.process(7).unit(0, 71).malloc(20, 1, MiB).malloc(10, 2, MiB);
	writer.unit(0, 72).malloc(15, 3, MiB);
	Trace trace(writer.bytes());
	auto events = trace.events();

	EXPECT_EQ((std::vector<uint64_t>{ 3, 1, 2 }), addresses(events));
	EXPECT_EQ(20U, events[2].ns);
}

/* Full units of random records, against a sort of them all. */
TEST(TraceReader, MergesManyThreadsAsASortDoes)
{
	constexpr int threads = 5;
	std::mt19937 random(1);
	std::vector<std::pair<uint64_t, uint64_t>> expected; /* time, address */
	uint64_t now[threads] = {}, next_address = 1;
	TraceWriter writer;

	writer.process(7);
	for (int unit = 0; unit < 3 * threads; unit++) {
		uint64_t &ns = now[unit % threads];

		writer.unit(ns, 1 + unit % threads);
		while (writer.has_room(3)) {
			ns += random() % 100;
			writer.malloc(ns, next_address, MiB);
			expected.emplace_back(ns, next_address++);
		}
	}
	std::stable_sort(expected.begin(), expected.end(),
			 [](const auto &a, const auto &b) { return a.first < b.first; });
	Trace trace(writer.bytes());

	ASSERT_TRUE(trace.trace) << trace.problem;
	auto events = trace.events();

	ASSERT_EQ(expected.size(), events.size()) << trace.problem;
	for (size_t i = 0; i < events.size(); i++)
		ASSERT_EQ(expected[i].first, events[i].ns) << i;
	auto found = addresses(events);

	std::sort(found.begin(), found.end());
	for (size_t i = 0; i < found.size(); i++)
		ASSERT_EQ(i + 1, found[i]) << "each of them once";
}

/* Others */

TEST(TraceReader, RefusesWhatIsNoTrace)
{
	EXPECT_EQ("it is empty", problem_of(""));
	EXPECT_EQ("it is no trace of weir", problem_of("#!/bin/sh\nexit\n"));
	EXPECT_EQ("it is no trace of weir", problem_of(std::string(WEIR_TRACE_UNIT_BYTES, 'x')));
	EXPECT_EQ("it is no trace of weir", problem_of("x"));
	EXPECT_EQ("no process has written to it",
		  problem_of(std::string(WEIR_TRACE_UNIT_BYTES, '\0')));
	char said[TRACE_PROBLEM_BYTES];

	EXPECT_EQ(nullptr, trace_open("/nonexistent/trace", said));
	EXPECT_STREQ("/nonexistent/trace: No such file or directory", said);
	EXPECT_EQ(nullptr, trace_open("/tmp", said));
	EXPECT_STREQ("/tmp: it is no file", said);
}

TEST(TraceReader, ReadsWhatIsWholeOfAFileThatIsCut)
{
	TraceWriter writer;

	writer.process(7).unit(0, 71).malloc(10, 1, MiB).unit(20, 72).malloc(30, 2, MiB);
	writer.bytes().resize(2 * WEIR_TRACE_UNIT_BYTES + 1000);
	Trace trace(writer.bytes());

	ASSERT_TRUE(trace.trace) << trace.problem;
	EXPECT_EQ(1000U, trace_missing(trace.trace).cut_bytes);
	EXPECT_EQ(1U, trace.events().size());
	writer.bytes().resize(100);
	EXPECT_EQ("it is cut after 100 bytes, in its first unit", problem_of(writer.bytes()));
}

TEST(TraceReader, SaysThatAFileIsCutWhileItIsRead)
{
	TraceWriter writer;

	writer.process(7).unit(0, 71).malloc(10, 1, MiB).unit(20, 72).malloc(30, 2, MiB);
	Trace trace(writer.bytes());

	ASSERT_TRUE(trace.trace) << trace.problem;
	ASSERT_EQ(0, truncate(trace.file.path.c_str(), 2 * WEIR_TRACE_UNIT_BYTES));
	EXPECT_EQ(1U, trace.events().size());
	EXPECT_EQ(TRACE_BROKEN, trace.last);
	EXPECT_EQ(trace.file.path + ": it was cut while it was read", trace.problem);
}

template <typename T> void swap_bytes(T &value)
{
	std::reverse((char *)&value, (char *)(&value + 1));
}

TEST(TraceReader, SaysWhatIsWrongWithAProcess)
{
	const struct {
		void (*spoil)(weir_trace_process &header);
		const char *problem;
	} cases[] = {
		{ [](weir_trace_process &header) { header.version = 2; },
		  "process at byte 65536: version 2 of the format; this weir reads version 1" },
		{ [](weir_trace_process &header) { header.process_bytes = 8; },
		  "process at byte 65536: its header has 8 bytes, which is impossible" },
		{ [](weir_trace_process &header) { header.state = 9; },
		  "process at byte 65536: state 9 is none" },
		{ [](weir_trace_process &header) { header.start_ns = ~0ULL; },
		  "process at byte 65536: an impossible time" },
		{ [](weir_trace_process &header) { header.magic++; },
		  "byte 65536: here begins neither a process nor a unit" },
		{ [](weir_trace_process &header) { swap_bytes(header.magic); },
		  "it was made on a machine of the other byte order" },
	};

	for (const auto &one : cases) {
		TraceWriter writer;

		writer.process(7).process(8).unit(0, 81);
		one.spoil(writer.header());
		EXPECT_EQ(one.problem, problem_of(writer.bytes()));
	}
}

TEST(TraceReader, SaysWhatIsWrongWithAUnit)
{
	TraceWriter orphan, late;

	late.process(7).unit(1ULL << 63, 71);
	EXPECT_EQ("unit at byte 65536: an impossible time", problem_of(late.bytes()));
	orphan.unit(0, 71);
	EXPECT_EQ("unit at byte 0: it stands before any process", problem_of(orphan.bytes()));
}

/* A process was killed before it had written the first word. */
TEST(TraceReader, SkipsUnitsWithoutAMagic)
{
	TraceWriter writer;

	writer.process(7).empty_unit().words({ 0, 5, WEIR_TRACE_FREE, 3 });
	writer.unit(0, 71).malloc(10, 1, MiB);
	Trace trace(writer.bytes());

	ASSERT_TRUE(trace.trace) << trace.problem;
	EXPECT_EQ(1U, trace.events().size()) << trace.problem;
}

TEST(TraceReader, SaysWhatIsWrongWithARecord)
{
	const struct {
		std::vector<uint64_t> words;
		const char *problem;
	} cases[] = {
		{ { 15 }, "no call has this number" },
		{ { WEIR_TRACE_NONE | 16 }, "no call has this number" },
		{ { WEIR_TRACE_MALLOC | 1 << 10, 1, 1 },
		  "bits are set that version 1 does not know" },
		{ { WEIR_TRACE_MALLOC, 0, 1 }, "a block at no address" },
		{ { WEIR_TRACE_FREE, 0 }, "a block at no address" },
		{ { WEIR_TRACE_REALLOC_BEGIN, 0 }, "a block at no address" },
		{ { WEIR_TRACE_THREAD, 0 }, "an impossible thread id" },
		{ { WEIR_TRACE_THREAD, 1ULL << 31 }, "an impossible thread id" },
	};

	for (const auto &one : cases) {
		TraceWriter writer;

		writer.process(7).unit(0, 71).malloc(10, 1, MiB);
		size_t at = writer.at();

		writer.words(one.words);
		EXPECT_EQ("record at byte " + std::to_string(at) + ": " + one.problem,
			  problem_of(writer.bytes()));
	}
}

TEST(TraceReader, WantsAThreadBeforeTheFirstRecord)
{
	TraceWriter writer;
	weir_trace_unit head = { WEIR_TRACE_UNIT_MAGIC, TraceWriter::start_ns };
	uint64_t words[2];

	memcpy(words, &head, sizeof words);
	writer.process(7).empty_unit().words({ words[0], words[1], WEIR_TRACE_FREE, 1 });
	EXPECT_EQ("record at byte 65552: no thread is named before it", problem_of(writer.bytes()));
}

/* A unit with room for so many words more. */
TraceWriter nearly_full(size_t left)
{
	TraceWriter writer;

	writer.process(7).unit(0, 71);
	if (left % 2 == 1)
		writer.malloc(10, 1, MiB);
	while (writer.has_room(left + 1))
		writer.free(10, 1);
	return writer;
}

TEST(TraceReader, ReadsAUnitToItsEnd)
{
	TraceWriter full = nearly_full(3), over = nearly_full(2);
	size_t at = over.at();

	Trace trace(full.malloc(20, 3, MiB).bytes());

	EXPECT_FALSE(full.has_room(1));
	ASSERT_TRUE(trace.trace) << trace.problem;
	EXPECT_EQ(3U, trace.events().back().address) << trace.problem;
	EXPECT_EQ("record at byte " + std::to_string(at) + ": it reaches beyond its unit",
		  problem_of(over.malloc(20, 3, MiB).bytes()));
}

TEST(TraceReader, StaysBroken)
{
	TraceWriter writer;
	trace_event event;

	writer.process(7).unit(0, 71).malloc(10, 1, MiB).words({ 15 });
	Trace trace(writer.bytes());

	EXPECT_EQ(1U, trace.events().size());
	EXPECT_EQ(TRACE_BROKEN, trace_next(trace.trace, &event));
	trace_rewind(trace.trace);
	EXPECT_EQ(TRACE_EVENT, trace_next(trace.trace, &event));
}

} // namespace
