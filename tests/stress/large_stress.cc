#include "test_engine.h"

#include <atomic>
#include <thread>

extern "C" {
#include "backend.h"
#include "engine.h"
#include "large.h"
}

/* The process's engine, which starts once, while others ask what it owns. */

namespace
{

constexpr unsigned thread_count = 8;

void free_anywhere(void *block)
{
	if (weir_space_owns(&weir_space, block))
		weir_large_free(block);
	else
		weir_backend.free(block);
}

void *resize_anywhere(void *block, size_t bytes)
{
	return weir_space_owns(&weir_space, block) ? weir_large_realloc(block, bytes)
						   : weir_backend.realloc(block, bytes);
}

/* One thread of the program; counts what is not as it should be. */
unsigned use_blocks(unsigned thread)
{
	unsigned wrong = 0;

	for (unsigned round = 0; round < 600; round++) {
		size_t bytes = (64 + (thread * 37 + round / 4 * 11) % 400) * kib;
		bool clean = round % 5 == 0;
		char *block =
			(char *)(clean ? weir_large_calloc(bytes) : weir_large_malloc(bytes, 1));
		char other = 0;

		wrong += weir_space_owns(&weir_space, &other);
		wrong += clean && (block[0] != 0 || block[bytes / 2] != 0 || block[bytes - 1] != 0);
		block[0] = block[bytes / 2] = block[bytes - 1] = (char)(thread + 1);
		if (round % 3 == 0)
			block = (char *)resize_anywhere(block, 2 * bytes);
		wrong += block[0] != (char)(thread + 1) || block[bytes - 1] != (char)(thread + 1);
		free_anywhere(block);
	}
	return wrong;
}

TEST(LargeStress, StartsWhileOtherThreadsAskAndFree)
{
	static char limit[] = "WEIR_LIMIT=8M";
	static char *const environment[] = { limit, nullptr };
	static weir_config config;
	std::vector<std::thread> threads;
	std::atomic<unsigned> wrong{ 0 };
	std::atomic<bool> done{ false };

	fake_os_reset();
	fake_os_set_file_root("/nonexistent");
	fake_os_fail(FAKE_RESERVE, 0, 8);
	ASSERT_TRUE(weir_config_load(&config, environment, "large_stress", nullptr));
	weir_backend.free(weir_backend.malloc(1));
	weir_engine_enable(&config, nullptr);
	for (unsigned t = 0; t < thread_count; t++)
		threads.emplace_back([&, t] { wrong += use_blocks(t); });
	std::thread helper([&] {
		for (uint64_t now_ms = 0; !done; now_ms += 1000) {
			fake_os_set_now_ms(now_ms);
			weir_engine_release(WEIR_TRIGGER_signal);
		}
	});
	for (std::thread &thread : threads)
		thread.join();
	done = true;
	helper.join();
	EXPECT_EQ(0U, wrong);
	ASSERT_NE(nullptr, weir_engine_pool());
	EXPECT_EQ(0U, weir_pool_held(weir_engine_pool()).live_units);
	EXPECT_LE(weir_units_to_bytes(weir_engine_pool()->stats->usage.peak_retained_units),
		  8 * mib);
	weir_engine_release(WEIR_TRIGGER_api);
	EXPECT_EQ(0U, weir_pool_usage(weir_engine_pool()));
	fake_os_reset();
}

} // namespace
