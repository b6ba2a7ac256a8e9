/* The duty as the helper thread calls it, in a container of version 2 whose files are fixtures. */
#include "preloaded.h"

#include <filesystem>
#include <memory>
#include <vector>

#include <poll.h>

extern "C" {
#include "duty.h"
#include "engine.h"
#include "fake_os.h"
#include "large.h"
#include "settings.h"
}

using namespace e2e;

namespace
{

namespace fs = std::filesystem;

/* The engine of the process starts once, and so does what it knows of its container. */
class Relief : public testing::Test
{
protected:
	static constexpr size_t block_bytes = 4 * MiB;
	static constexpr unsigned blocks = 16;

	static void SetUpTestSuite()
	{
		static char limit[] = "WEIR_LIMIT=128M", pressure[] = "WEIR_PRESSURE=1";
		static char decay[] = "WEIR_DECAY=off";
		static char *const environment[] = { limit, pressure, decay, nullptr };

		root = std::make_unique<Directory>();
		fs::create_directories(root->file("proc/self"));
		fs::create_directories(root->file("sys/fs/cgroup/app"));
		write_file(root->file("proc/self/cgroup"), "0::/app\n");
		write_file(root->file("proc/self/mountinfo"),
			   "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
		set_limit(64 * GiB);
		write("memory.current", std::to_string(GiB / 2) + "\n");
		write("memory.stat", "inactive_file 0\n");
		fake_os_reset();
		fake_os_put_files_under(root->path().c_str());
		ASSERT_TRUE(weir_config_load(&config, environment, "relief_test", nullptr));
		weir_engine_enable(&config, nullptr);
		weir_large_free(weir_large_malloc(block_bytes, 1));
	}

	static void TearDownTestSuite() { root.reset(); }

	void SetUp() override
	{
		std::vector<void *> held;

		fake_os_set_now_ms(weir_os_now_ms() + 60000);
		say_full(0);
		for (unsigned i = 0; i < blocks; i++)
			held.push_back(weir_large_malloc(block_bytes, 1));
		for (void *block : held)
			weir_large_free(block);
		fake_os_set_now_ms(weir_os_now_ms() + 60000);
	}

	void TearDown() override
	{
		weir_relief_duty.end();
		weir_settings_set_ceilings(WEIR_NO_LIMIT, WEIR_NO_LIMIT);
		weir_engine_release(WEIR_TRIGGER_api);
	}

	static void write(const std::string &name, const std::string &text)
	{
		write_file(root->file("sys/fs/cgroup/app/" + name), text);
	}

	static void set_limit(uint64_t bytes) { write("memory.max", std::to_string(bytes) + "\n"); }

	static void say_full(unsigned times)
	{
		write("memory.events",
		      "low 0\nhigh 0\nmax " + std::to_string(times) + "\noom 0\noom_kill 0\n");
	}

	static std::vector<pollfd> waits()
	{
		std::vector<pollfd> list(WEIR_DUTY_WAITS_MAX);
		uint64_t until_ms = UINT64_MAX;

		list.resize(weir_relief_duty.expect(list.data(), WEIR_DUTY_WAITS_MAX,
						    weir_os_now_ms(), &until_ms));
		return list;
	}

	/* Whatever was waited for has come. */
	static void act()
	{
		std::vector<pollfd> list = waits();

		for (pollfd &each : list)
			each.revents = POLLPRI;
		weir_relief_duty.act(list.data(), weir_os_now_ms());
	}

	static uint64_t retained()
	{
		return weir_units_to_bytes(weir_pool_held(weir_engine_pool()).retained_units);
	}

	static std::unique_ptr<Directory> root;
	static weir_config config;
};

std::unique_ptr<Directory> Relief::root;
weir_config Relief::config;

/* That there is room below such a limit says nothing. */
TEST_F(Relief, BelievesWhoSaysThatItIsHighWhereTheLimitIsAboveTheMachinesMemory)
{
	weir_relief_duty.begin();
	ASSERT_EQ(blocks * counted(block_bytes), retained());
	say_full(1);
	act();
	EXPECT_LE(retained(), blocks * counted(block_bytes) / 2);
}

void begin(void *)
{
	fake_os_on(FAKE_RELEASE, nullptr, nullptr);
	weir_relief_duty.begin();
}

TEST_F(Relief, FindsTheContainerWhenItBeginsWhileSettingsChange)
{
	char data[256];
	weir_text reason;
	weir_tally tally = {};

	weir_text_init(&reason, data, sizeof data);
	fake_os_on(FAKE_RELEASE, begin, nullptr);
	ASSERT_TRUE(weir_settings_set("WEIR_LIMIT", "60M", &reason, &tally)) << data;
	ASSERT_GT(tally.blocks, 0U);
	EXPECT_EQ(1U, waits().size()); /* memory.events */
	ASSERT_TRUE(weir_settings_set("WEIR_LIMIT", "128M", &reason, &tally)) << data;
}

} // namespace
