#include "preloaded.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <thread>
#include <vector>

extern "C" {
#include "fake_os.h"
#include "record.h"
}

namespace
{

using Words = std::vector<uint64_t>;

constexpr size_t unit_words = WEIR_TRACE_UNIT_BYTES / 8;
constexpr size_t head_words = sizeof(weir_trace_unit) / 8;
const int untouched = 77;

const void *block_at(uint64_t n)
{
	return (const void *)(uintptr_t)(0x7f0000000000 + n * 65536);
}

/* A call of one thread, by a trace. */
struct Call {
	unsigned call;
	uint64_t thread, ns, first, second;
	unsigned align_log2;
};

struct Recorder {
	explicit Recorder(uint64_t limit_bytes = 1 << 30)
	{
		fake_os_reset();
		fake_os_set_now_ms(1000);
		const std::string record = "WEIR_RECORD=" + directory.file("trace.%p");
		const std::string limit = "WEIR_RECORD_LIMIT=" + std::to_string(limit_bytes);
		char *settings[] = { (char *)record.c_str(), (char *)limit.c_str(), nullptr };

		EXPECT_TRUE(weir_config_load(&config, settings, "", nullptr));
		weir_record_claimed = nullptr;
		weir_record_prepare(&config, "tested");
		errno = untouched;
	}
	~Recorder()
	{
		EXPECT_EQ(untouched, errno);
		weir_record_begin_anew(); /* lets go of the file */
		weir_recording = WEIR_RECORD_OFF;
	}

	std::string path(const std::string &behind = "") const
	{
		return directory.file("trace." + std::to_string(weir_os_pid()) + behind);
	}

	Words words(const std::string &behind = "") const
	{
		const std::string bytes = e2e::read_file(path(behind));
		Words words(bytes.size() / 8);

		memcpy(words.data(), bytes.data(), words.size() * 8);
		return words;
	}

	weir_trace_process process(const std::string &behind = "") const
	{
		const std::string bytes = e2e::read_file(path(behind));
		weir_trace_process process = {};

		EXPECT_GE(bytes.size(), sizeof process);
		memcpy(&process, bytes.data(), std::min(bytes.size(), sizeof process));
		return process;
	}

	size_t units() const { return words().size() / unit_words; }

	/* Of all units, one after the other. */
	std::vector<Call> calls(const std::string &behind = "") const
	{
		const Words all = words(behind);
		std::vector<Call> calls;

		for (size_t unit = 1; unit < all.size() / unit_words; unit++)
			add_calls(&all[unit * unit_words], &calls);
		return calls;
	}

	static void add_calls(const uint64_t *unit, std::vector<Call> *calls)
	{
		uint64_t thread = 0;
		size_t at = head_words;

		EXPECT_EQ(WEIR_TRACE_UNIT_MAGIC, (long long)unit[0]);
		while (at < unit_words && unit[at] != 0) {
			const unsigned call = weir_trace_call_of(unit[at]);
			const unsigned words = weir_trace_words(call);

			ASSERT_NE(0U, words);
			if (call == WEIR_TRACE_THREAD)
				thread = unit[at + 1];
			else
				calls->push_back({ call, thread, unit[1] + weir_trace_ns(unit[at]),
						   unit[at + 1], words > 2 ? unit[at + 2] : 0,
						   weir_trace_align_log2(unit[at]) });
			at += words;
		}
	}

	e2e::Directory directory;
	weir_config config = {};
};

void allocated(uint64_t n, size_t bytes = 1 << 20, size_t align = 1)
{
	weir_record_allocated(WEIR_TRACE_MALLOC, block_at(n), true, bytes, align);
}

uint64_t address_of(uint64_t n)
{
	return (uintptr_t)block_at(n);
}

TEST(Record, IsOffWhereTheSettingsAskForNone)
{
	weir_config config = {};
	char *none[] = { nullptr };

	weir_config_load(&config, none, "", nullptr);
	weir_record_prepare(&config, "tested");
	EXPECT_FALSE(weir_record_is_on());
	weir_record_begin_anew();
	EXPECT_FALSE(weir_record_is_on());
}

TEST(Record, MakesTheFileWithTheFirstCall)
{
	Recorder recorder;

	EXPECT_TRUE(weir_record_is_on());
	EXPECT_NE(0, access(recorder.path().c_str(), F_OK));
	errno = untouched;
	allocated(1);
	EXPECT_EQ(2U, recorder.units());

	const weir_trace_process process = recorder.process();

	EXPECT_EQ(WEIR_TRACE_PROCESS_MAGIC, (long long)process.magic);
	EXPECT_EQ(1U, process.version);
	EXPECT_EQ(sizeof process, process.process_bytes);
	EXPECT_EQ((uint32_t)WEIR_TRACE_OPEN, process.state);
	EXPECT_EQ(weir_os_pid(), process.pid);
	EXPECT_EQ(64U << 10, process.min_bytes);
	EXPECT_EQ(1000000000U, process.start_ns);
	EXPECT_STREQ("tested", process.program);
	EXPECT_EQ(0, strncmp(process.settings, "disable 0, preset", 17));
}

TEST(Record, WritesEachCallWithItsTime)
{
	Recorder recorder;

	weir_record_allocated(WEIR_TRACE_MALLOC, block_at(1), true, 70000, 4096);
	fake_os_set_now_ms(1005);
	weir_record_allocated(WEIR_TRACE_CALLOC, block_at(2), true, 80000, 1);
	weir_record_freed(block_at(1), WEIR_RECORD_UNKNOWN);
	weir_record_freed(block_at(2), 4096);
	weir_record_allocated(WEIR_TRACE_MALLOC, block_at(3), false, 90000, 1);
	weir_record_allocated(WEIR_TRACE_MALLOC, nullptr, false, 100000, 1);

	const auto calls = recorder.calls();

	ASSERT_EQ(6U, calls.size());
	EXPECT_EQ((unsigned)WEIR_TRACE_MALLOC, calls[0].call);
	EXPECT_EQ(address_of(1), calls[0].first);
	EXPECT_EQ(70000U, calls[0].second);
	EXPECT_EQ(12U, calls[0].align_log2);
	EXPECT_EQ(1000000000U, calls[0].ns);
	EXPECT_EQ((uint64_t)weir_os_thread_id(), calls[0].thread);
	EXPECT_EQ((unsigned)WEIR_TRACE_CALLOC, calls[1].call);
	EXPECT_EQ(0U, calls[1].align_log2);
	EXPECT_EQ(1005000000U, calls[1].ns);
	EXPECT_EQ((unsigned)WEIR_TRACE_FREE, calls[2].call);
	EXPECT_EQ((unsigned)WEIR_TRACE_FREE_TOUCHED, calls[3].call);
	EXPECT_EQ(4096U, calls[3].second);
	EXPECT_EQ((unsigned)WEIR_TRACE_PASSED, calls[4].call);
	EXPECT_EQ(90000U, calls[4].first);
	EXPECT_EQ((unsigned)WEIR_TRACE_REFUSED, calls[5].call);
	EXPECT_EQ(100000U, calls[5].first);
}

TEST(Record, KeepsWhatAReallocDoesInsideToItself)
{
	Recorder recorder;

	weir_record_begin_realloc(block_at(1));
	allocated(2);
	weir_record_freed(block_at(1), WEIR_RECORD_UNKNOWN);
	weir_record_end_realloc(block_at(2), true, 200000);
	weir_record_begin_realloc(nullptr);
	weir_record_end_realloc(block_at(3), true, 300000);
	weir_record_freed(block_at(3), WEIR_RECORD_UNKNOWN);

	const auto calls = recorder.calls();

	ASSERT_EQ(4U, calls.size());
	EXPECT_EQ((unsigned)WEIR_TRACE_REALLOC_BEGIN, calls[0].call);
	EXPECT_EQ(address_of(1), calls[0].first);
	EXPECT_EQ((unsigned)WEIR_TRACE_REALLOC, calls[1].call);
	EXPECT_EQ(address_of(2), calls[1].first);
	EXPECT_EQ(200000U, calls[1].second);
	EXPECT_EQ((unsigned)WEIR_TRACE_REALLOC, calls[2].call);
	EXPECT_EQ((unsigned)WEIR_TRACE_FREE, calls[3].call);
}

TEST(Record, GoesOnInANewUnitWhenOneIsFull)
{
	Recorder recorder;
	const size_t count = unit_words; /* of three words each */

	for (size_t i = 0; i < count; i++)
		allocated(i);

	const auto calls = recorder.calls();

	ASSERT_EQ(count, calls.size());
	EXPECT_EQ(5U, recorder.units()); /* the process, and a little more than three */
	for (size_t i = 0; i < count; i++) {
		ASSERT_EQ(address_of(i), calls[i].first);
		ASSERT_EQ((uint64_t)weir_os_thread_id(), calls[i].thread);
	}
}

TEST(Record, SaysWhenAndWhyItEnded)
{
	Recorder recorder(WEIR_MIB);
	const size_t fit = WEIR_MIB / WEIR_TRACE_UNIT_BYTES - 1;
	const size_t a_unit = (unit_words - head_words - 2) / 3;

	testing::internal::CaptureStderr();
	fake_os_set_now_ms(2000);
	for (size_t i = 0; i < fit * a_unit + 10; i++)
		allocated(i);

	const std::string said = testing::internal::GetCapturedStderr();
	const weir_trace_process process = recorder.process();

	EXPECT_EQ(fit * a_unit, recorder.calls().size());
	EXPECT_EQ(10U, process.lost);
	EXPECT_EQ(EFBIG, process.lost_error);
	EXPECT_EQ(2000000000U, process.lost_ns);
	EXPECT_NE(std::string::npos,
		  said.find(recorder.path() + " has reached WEIR_RECORD_LIMIT\n"));
	EXPECT_EQ(1, std::count(said.begin(), said.end(), '\n'));
	errno = untouched;
}

TEST(Record, SaysThatTheDiskIsFull)
{
	Recorder recorder;

	allocated(1);
	fake_os_fail(FAKE_MAP_FILE, 0, 1);
	testing::internal::CaptureStderr();
	for (size_t i = 0; i < unit_words / 3 + 5; i++)
		allocated(i);

	const std::string said = testing::internal::GetCapturedStderr();

	EXPECT_EQ(ENOSPC, recorder.process().lost_error);
	EXPECT_EQ(unit_words / 3 + 6 - recorder.calls().size(), recorder.process().lost);
	EXPECT_NE(std::string::npos, said.find("failed: error 28\n"));
	errno = untouched;
}

TEST(Record, SaysThatThereIsNoFile)
{
	Recorder recorder;

	fake_os_fail(FAKE_MAP_FILE, 0, 1);
	testing::internal::CaptureStderr();
	allocated(1);
	allocated(2);
	EXPECT_NE(std::string::npos,
		  testing::internal::GetCapturedStderr().find("failed: error 28\n"));
	EXPECT_NE(0, access(recorder.path().c_str(), F_OK));
	errno = untouched;
}

TEST(Record, LeavesAFileThatIsThereAlone)
{
	Recorder recorder;

	std::ofstream(recorder.path()) << "mine";
	std::ofstream(recorder.path(".1")) << "mine";
	errno = untouched;
	allocated(1);
	EXPECT_EQ("mine", e2e::read_file(recorder.path()));
	EXPECT_EQ("mine", e2e::read_file(recorder.path(".1")));
	EXPECT_EQ(1U, recorder.calls(".2").size());
}

TEST(Record, HandsWhatAThreadHasNotFilledToTheNext)
{
	Recorder recorder;

	for (uint64_t i = 0; i < 100; i++)
		std::thread([&] {
			allocated(i);
			weir_record_leave();
		}).join();

	const auto calls = recorder.calls();

	EXPECT_EQ(2U, recorder.units());
	ASSERT_EQ(100U, calls.size());
	for (uint64_t i = 0; i < 100; i++)
		EXPECT_EQ(address_of(i), calls[i].first);
	EXPECT_NE(calls[0].thread, (uint64_t)weir_os_thread_id());
}

TEST(Record, AsksForTheEndOfAThreadOnce)
{
	static unsigned asked;
	Recorder recorder;

	asked = 0;
	weir_record_claimed = [] { asked++; };
	for (size_t i = 0; i < unit_words; i++)
		allocated(i);
	EXPECT_EQ(1U, asked);
}

TEST(Record, LosesNothingOfManyThreads)
{
	Recorder recorder;
	const uint64_t threads = 8, each = 20000;
	std::vector<std::thread> running;

	for (uint64_t t = 0; t < threads; t++)
		running.emplace_back([=] {
			for (uint64_t i = 0; i < each; i++)
				allocated(t * each + i);
			weir_record_leave();
		});
	for (std::thread &thread : running)
		thread.join();

	const auto calls = recorder.calls();
	std::vector<bool> seen(threads * each);

	ASSERT_EQ(threads * each, calls.size());
	for (const Call &call : calls)
		seen[(call.first - address_of(0)) / 65536] = true;
	EXPECT_EQ(seen.end(), std::find(seen.begin(), seen.end(), false));
}

TEST(Record, SaysThatTheProcessEnded)
{
	Recorder recorder;

	weir_record_end(); /* without a file there is nothing to say */
	allocated(1);
	fake_os_set_now_ms(3000);
	weir_record_end();
	EXPECT_EQ((uint32_t)WEIR_TRACE_ENDED, recorder.process().state);
	EXPECT_EQ(3000000000U, recorder.process().end_ns);
}

TEST(Record, BeginsAFileOfItsOwnInAChild)
{
	Recorder recorder;

	allocated(1);
	weir_record_begin_anew(); /* as the child does; here its id is the same */
	allocated(2);
	weir_record_end();
	ASSERT_EQ(1U, recorder.calls().size());
	EXPECT_EQ(address_of(1), recorder.calls()[0].first);
	ASSERT_EQ(1U, recorder.calls(".1").size());
	EXPECT_EQ(address_of(2), recorder.calls(".1")[0].first);
	EXPECT_EQ((uint32_t)WEIR_TRACE_OPEN, recorder.process().state);
}

} // namespace
