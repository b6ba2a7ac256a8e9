#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

extern "C" {
#include "fake_os.h"
#include "record.h"
}

namespace
{

constexpr uint64_t first_block = 0x7f0000000000;
constexpr size_t unit_words = WEIR_TRACE_UNIT_BYTES / 8;

/* A file that is recorded into, and what is in it at the end. */
struct Recorded {
	explicit Recorded(uint64_t limit_bytes)
	{
		std::string name = std::filesystem::temp_directory_path() / "weir-record-XXXXXX";
		const std::string limit = "WEIR_RECORD_LIMIT=" + std::to_string(limit_bytes);

		fake_os_reset();
		directory = mkdtemp(name.data());
		const std::string record = "WEIR_RECORD=" + directory + "/trace";
		char *settings[] = { (char *)record.c_str(), (char *)limit.c_str(), nullptr };

		EXPECT_TRUE(weir_config_load(&config, settings, "", nullptr));
		weir_record_prepare(&config, "stress");
	}

	~Recorded()
	{
		weir_record_begin_anew();
		weir_recording = WEIR_RECORD_OFF;
		std::filesystem::remove_all(directory);
	}

	std::vector<uint64_t> words() const
	{
		std::ifstream file(directory + "/trace", std::ios::binary);
		const std::string bytes((std::istreambuf_iterator<char>(file)), {});
		std::vector<uint64_t> words(bytes.size() / 8);

		memcpy(words.data(), bytes.data(), words.size() * 8);
		return words;
	}

	std::string directory;
	weir_config config = {};
};

/* How often each block of [0, count) is in the trace. */
std::vector<unsigned> count_blocks(const std::vector<uint64_t> &words, uint64_t count)
{
	std::vector<unsigned> found(count);

	for (size_t unit = unit_words; unit < words.size(); unit += unit_words) {
		size_t at = unit + sizeof(weir_trace_unit) / 8;

		while (at < unit + unit_words && words[at] != 0) {
			if (weir_trace_call_of(words[at]) == WEIR_TRACE_MALLOC)
				found[words[at + 1] - first_block]++;
			at += weir_trace_words(weir_trace_call_of(words[at]));
		}
	}
	return found;
}

/* Threads that come and go, and pass what they have not filled on: `each` records at a time. */
void churn(std::atomic<uint64_t> *next, uint64_t count, unsigned each)
{
	while (next->load() < count)
		std::thread([=] {
			for (unsigned i = 0; i < each; i++) {
				const uint64_t block = next->fetch_add(1);

				if (block < count)
					weir_record_allocated(WEIR_TRACE_MALLOC,
							      (const void *)(first_block + block),
							      true, 1 << 20, 1);
			}
			weir_record_leave();
		}).join();
}

void churn_together(uint64_t count, unsigned each)
{
	std::atomic<uint64_t> next(0);
	std::vector<std::thread> threads;

	for (unsigned i = 0; i < 4; i++)
		threads.emplace_back(churn, &next, count, each);
	for (std::thread &thread : threads)
		thread.join();
}

TEST(RecordStress, HasEachCallOnceWhoeverFillsAUnit)
{
	Recorded recorded(1 << 30);
	const uint64_t count = 40000;

	for (unsigned each : { 7U, 5000U })
		churn_together(each == 7 ? 2000 : count, each);

	const std::vector<unsigned> found = count_blocks(recorded.words(), count);

	for (uint64_t i = 0; i < count; i++)
		ASSERT_EQ(i < 2000 ? 2U : 1U, found[i]) << i;
}

TEST(RecordStress, CountsWhatItLostWhenItEnds)
{
	Recorded recorded(WEIR_MIB);
	const uint64_t count = 60000;
	uint64_t kept = 0;

	testing::internal::CaptureStderr();
	churn_together(count, 500);

	const std::string said = testing::internal::GetCapturedStderr();
	const std::vector<uint64_t> words = recorded.words();
	weir_trace_process process;

	memcpy(&process, words.data(), sizeof process);
	for (unsigned times : count_blocks(words, count))
		kept += times;
	EXPECT_EQ(count, kept + process.lost);
	EXPECT_GT(process.lost, 0U);
	EXPECT_EQ(1, std::count(said.begin(), said.end(), '\n')) << said;
}

} // namespace
