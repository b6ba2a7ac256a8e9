#include "engine.h"

#include <atomic>
#include <thread>

extern "C" {
#include "backend.h"
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

TEST(LargeStress, StartsWhileOtherThreadsAskAndFree)
{
	static char limit[] = "WEIR_LIMIT=8M";
	static char *const environment[] = { limit, nullptr };
	static weir_config config;
	std::vector<std::thread> threads;
	std::atomic<unsigned> wrong{ 0 };

	fake_os_reset();
	fake_os_set_file_root("/nonexistent");
	fake_os_fail(FAKE_RESERVE, 0, 8);
	ASSERT_TRUE(weir_config_load(&config, environment, "large_stress", nullptr));
	weir_backend.free(weir_backend.malloc(1));
	weir_large_enable(&config);
	for (unsigned t = 0; t < thread_count; t++)
		threads.emplace_back([&, t] {
			for (unsigned round = 0; round < 200; round++) {
				size_t bytes = (64 + (t * 37 + round * 11) % 400) * kib;
				char *block = (char *)weir_large_malloc(bytes, 1);
				char other = 0;

				if (weir_space_owns(&weir_space, &other) ||
				    weir_space_owns(&weir_space, &config))
					wrong++;
				block[0] = block[bytes - 1] = (char)t;
				if (round % 3 == 0)
					block = (char *)resize_anywhere(block, 2 * bytes);
				if (block[0] != (char)t)
					wrong++;
				free_anywhere(block);
			}
		});
	for (std::thread &thread : threads)
		thread.join();
	EXPECT_EQ(0U, wrong);
	ASSERT_NE(nullptr, weir_large_pool());
	EXPECT_EQ(0U, weir_usage_live(weir_pool_usage(weir_large_pool())));
	EXPECT_LE(weir_units_to_bytes(weir_large_pool()->usage.peak_retained_units), 8 * mib);
	weir_large_release(WEIR_TRIGGER_api);
	EXPECT_EQ(0U, weir_pool_usage(weir_large_pool()));
	fake_os_reset();
}

} // namespace
