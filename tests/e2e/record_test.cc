/* weir record and weir replay: what is recorded of whole programs, whatever becomes of them, and
 * that it can be replayed with each allocator. */
#include "command.h"

#include <csignal>
#include <filesystem>

using namespace e2e;

namespace
{

namespace fs = std::filesystem;

bool contains(const std::string &text, const std::string &part)
{
	return text.find(part) != std::string::npos;
}

struct Record : testing::Test {
	Launch record(std::vector<std::string> words)
	{
		words.insert(words.begin(), { "record", "-o", trace });
		return command(words);
	}

	nlohmann::json replay(std::vector<std::string> words = {})
	{
		words.insert(words.begin(), { "replay", "--json", trace });
		return command_json(words);
	}

	/* What is beside the trace. */
	size_t other_files() const
	{
		size_t count = 0;

		for (const auto &entry : fs::directory_iterator(directory.path()))
			count += entry.path() != trace;
		return count;
	}

	Directory directory;
	const std::string trace = directory.file("trace");
};

/* Asks for `count` blocks of a MiB, of which the last `kept` are not freed, and then runs `end`. */
std::vector<std::string> program(unsigned count, unsigned kept, const std::string &end)
{
	return { "python3", "-c",
		 "import ctypes, os, signal, sys\n"
		 "malloc = ctypes.CDLL(None).malloc\n"
		 "malloc.restype = ctypes.c_void_p\n"
		 "free = ctypes.CDLL(None).free\n"
		 "free.argtypes = [ctypes.c_void_p]\n"
		 "blocks = [malloc(1 << 20) for _ in range(" +
			 std::to_string(count) + ")]\n" + "for block in blocks[:" +
			 std::to_string(count - kept) + "]: free(block)\n" + end };
}

std::vector<std::string> after_dashes(std::vector<std::string> words)
{
	words.insert(words.begin(), "--");
	return words;
}

TEST_F(Record, LeavesTheProgramItsOutputAndItsStatus)
{
	Outcome outcome = record(after_dashes(program(10, 0, "print('out'); sys.exit(7)"))).run();

	EXPECT_EQ(7, outcome.end.exit_status) << outcome.describe();
	EXPECT_EQ("out\n", outcome.out);
	EXPECT_EQ("", outcome.err);
	EXPECT_EQ(0U, other_files());
}

TEST_F(Record, HasEveryCall)
{
	record(after_dashes(program(1000, 3, "os._exit(0)"))).run();

	auto figures = replay();

	EXPECT_GE(figures["calls"].get<uint64_t>(), 1997U);
	EXPECT_LT(figures["calls"].get<uint64_t>(), 2100U); /* python's own are few */
	EXPECT_GE(figures["live_bytes"].get<uint64_t>(), 3 * MiB);
	EXPECT_LT(figures["live_bytes"].get<uint64_t>(), 8 * MiB);
	EXPECT_EQ(0U, figures["failed"]);
	EXPECT_EQ("python3", figures["program"].get<std::string>().substr(0, 7));
}

TEST_F(Record, LosesNothingWithAProcessThatIsKilled)
{
	Outcome outcome =
		record(after_dashes(program(500, 500, "os.kill(os.getpid(), signal.SIGKILL)")))
			.run();

	EXPECT_EQ(128 + SIGKILL, outcome.end.exit_status);
	EXPECT_GE(replay()["live_bytes"].get<uint64_t>(), 500 * MiB);
}

TEST_F(Record, HasThreadsForksAndTheirEnds)
{
	Outcome outcome = record({ "--limit", "64M", "--", victim("churn"), "8", "500", "1", "3" })
				  .input("/dev/null")
				  .run();

	ASSERT_EQ(0, outcome.end.exit_status) << outcome.describe();
	EXPECT_EQ(0U, other_files());

	auto figures = replay();

	EXPECT_EQ("churn", figures["program"]);
	EXPECT_GE(figures["threads"].get<uint64_t>(), 8U);
	EXPECT_EQ(0U, figures["live_bytes"]);
	EXPECT_EQ(0U, figures["left_out"]);
	EXPECT_EQ(0U, figures["failed"]);
	for (const std::string &preload :
	     { std::string(std::getenv("LIBWEIR_PATH")), std::string("libjemalloc.so.2") }) {
		Outcome under =
			command({ "replay", "--json", trace }).env("LD_PRELOAD", preload).run();

		EXPECT_EQ(figures["calls"], parse_json(under.out)["calls"]) << under.describe();
		EXPECT_EQ(0U, parse_json(under.out)["live_bytes"]);
	}
}

TEST_F(Record, HasAProgramAndWhatItBecomes)
{
	const std::string again =
		"os.execvp('python3', ['python3', '-c', '''" + program(20, 20, "")[2] + "'''])";

	record(after_dashes(program(30, 30, again))).run();

	Outcome outcome = command({ "replay", "--json", trace }).run();

	EXPECT_GE(parse_json(outcome.out)["live_bytes"].get<uint64_t>(), 30 * MiB);
	EXPECT_LT(parse_json(outcome.out)["live_bytes"].get<uint64_t>(), 40 * MiB);
}

/* 6000 blocks are more than 256 KiB of records. */
TEST_F(Record, SaysThatTheDiskWasFull)
{
	const std::string script = "mount -t tmpfs -o size=256k none " + directory.path() +
				   " && \"" + command_path() + "\" record -o " + trace +
				   " -- \"$@\"; \"" + command_path() + "\" replay --touch none " +
				   trace;
	std::vector<std::string> words = { "unshare", "--mount", "sh", "-c", script, "sh" };

	for (const std::string &word : program(6000, 0, "print('went on')"))
		words.push_back(word);
	Outcome outcome = Launch(words).plain().run();

	EXPECT_TRUE(contains(outcome.out, "went on\n")) << outcome.describe();
	EXPECT_TRUE(contains(outcome.err, "failed: error 28\n")) << outcome.describe();
	EXPECT_TRUE(contains(outcome.err, "calls at its end: No space left on device"))
		<< outcome.describe();
}

/* ulimit -f would end the program by a signal. */
TEST_F(Record, EndsAtTheLengthThatAProgramMayWrite)
{
	std::vector<std::string> words = { "sh", "-c", "ulimit -f 300; exec \"$@\"", "sh" };

	for (const std::string &word : program(4096, 0, "print('went on')"))
		words.push_back(word);
	Outcome outcome = record(after_dashes(words)).run();

	EXPECT_EQ(0, outcome.end.exit_status) << outcome.describe();
	EXPECT_EQ("went on\n", outcome.out);
	EXPECT_TRUE(contains(command({ "replay", "--touch", "none", trace }).run().err,
			     "calls at its end: File too large"));
}

TEST_F(Record, EndsWhereItIsToldTo)
{
	Outcome outcome =
		record({ "--most", "1M", "--", "python3", "-c", program(26000, 0, "")[2] }).run();

	EXPECT_EQ(0, outcome.end.exit_status);
	EXPECT_TRUE(contains(outcome.err, " has reached WEIR_RECORD_LIMIT\n"))
		<< outcome.describe();
	EXPECT_EQ(MiB, fs::file_size(trace));
}

TEST_F(Record, SaysThatThereWasNothing)
{
	Outcome outcome = record({ "true" }).run();

	EXPECT_EQ(0, outcome.end.exit_status);
	EXPECT_TRUE(contains(outcome.err, trace + " is empty")) << outcome.err;
	EXPECT_TRUE(contains(command({ "replay", trace }).run().err, "it is empty"));
}

TEST_F(Record, SaysWhatItCannotDo)
{
	EXPECT_EQ(127, record({ "--", "/nowhere/program" }).run().end.exit_status);
	EXPECT_EQ(125, command({ "record", "true" }).run().end.exit_status);
	EXPECT_EQ(125, record({}).run().end.exit_status);
	EXPECT_EQ(125, command({ "record", "-o", "/nowhere/trace", "true" }).run().end.exit_status);
	EXPECT_EQ(1, command({ "replay", "/nowhere/trace" }).run().end.exit_status);
	EXPECT_EQ(2, command({ "replay" }).run().end.exit_status);
	EXPECT_EQ(2, command({ "replay", "--touch", "some", trace }).run().end.exit_status);
	EXPECT_EQ(2, command({ "replay", "--process", "0", trace }).run().end.exit_status);
}

TEST_F(Record, ReplaysWhatWasTouchedOrAllOrNothing)
{
	record(after_dashes(program(100, 100,
				    "ctypes.memset(blocks[0], 1, 1 << 20)\n"
				    "for block in blocks: free(block)")))
		.run();

	const uint64_t recorded = replay()["peak_bytes"],
		       all = replay({ "--touch", "all" })["peak_bytes"],
		       none = replay({ "--touch", "none" })["peak_bytes"];

	EXPECT_LT(recorded, 40 * MiB);
	EXPECT_GT(all, 100 * MiB);
	EXPECT_LT(none, recorded);
}

TEST_F(Record, KeepsThePaceThatWasRecorded)
{
	record(after_dashes(program(10, 10,
				    "import time\ntime.sleep(1.5)\n"
				    "for block in blocks: free(block)")))
		.run();
	EXPECT_LT(replay()["wall_ns"].get<uint64_t>(),
		  replay({ "--paced" })["wall_ns"].get<uint64_t>() / 2);
}

} // namespace
