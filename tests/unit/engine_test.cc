/* How the engine starts, and how its settings follow the container: once in a process, and so
 * apart from large_test.cc. */
#include "preloaded.h"
#include "test_engine.h"

#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <thread>

extern "C" {
#include "engine.h"
#include "large.h"
#include "settings.h"
}

namespace
{

namespace fs = std::filesystem;

/* Settings are read and resolved once; the engine starts anew with each test. */
struct EngineStart : testing::Test {
	static void SetUpTestSuite()
	{
		static char limit[] = "WEIR_LIMIT=25%", verbose[] = "WEIR_VERBOSE=1";
		static char *const environment[] = { limit, verbose, nullptr };

		if (root) /* another suite was first */
			return;
		root = std::make_unique<e2e::Directory>();
		fs::create_directories(root->file("proc/self"));
		fs::create_directories(root->file("sys/fs/cgroup/app"));
		fs::create_directories(root->file("sys/kernel/mm/transparent_hugepage"));
		e2e::write_file(root->file("proc/self/cgroup"), "0::/app\n");
		e2e::write_file(root->file("proc/self/mountinfo"),
				"30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
		ASSERT_TRUE(weir_config_load(&config, environment, "engine_test", nullptr));
	}

	EngineStart()
	{
		fake_os_reset();
		fake_os_put_files_under(root->path().c_str());
		set_memory(256 * mib);
		allow_huge_pages(false);
		begin_again();
		reset_counters();
		weir_engine_enable(&config, nullptr);
	}
	~EngineStart() override { fake_os_reset(); }

	static void begin_again()
	{
		weir_engine_release(WEIR_TRIGGER_api);
		EXPECT_EQ(0U, weir_stats_page.pool.usage.word);
		weir_space_destroy(&weir_space);
		weir_space = {};
		weir_engine = {};
	}

	static void set_memory(size_t bytes)
	{
		e2e::write_file(root->file("sys/fs/cgroup/app/memory.max"),
				std::to_string(bytes) + "\n");
	}

	static void allow_huge_pages(bool allowed)
	{
		e2e::write_file(root->file("sys/kernel/mm/transparent_hugepage/enabled"),
				allowed ? "[always] madvise never\n" : "always madvise [never]\n");
	}

	static bool owned(const void *address) { return weir_space_owns(&weir_space, address); }

	/* Once, in the middle of a call. */
	static void on(fake_call call, const std::function<void()> &act)
	{
		static std::function<void()> action;

		action = act;
		fake_os_on(
			call,
			[](void *) {
				std::function<void()> now = std::move(action);

				action = nullptr;
				if (now)
					now();
			},
			nullptr);
	}

	static void start()
	{
		void *block = weir_large_malloc(mib, 1);

		ASSERT_TRUE(owned(block));
		weir_large_free(block);
	}

	static void retain(size_t bytes)
	{
		void *block = weir_large_malloc(bytes, 1);

		ASSERT_TRUE(owned(block));
		weir_large_free(block);
	}

	static size_t retained()
	{
		return weir_units_to_bytes(weir_pool_held(weir_engine_pool()).retained_units);
	}

	static bool set(const char *name, const char *value, std::string *reason)
	{
		char data[512] = {};
		weir_text text;
		weir_tally tally = {};

		weir_text_init(&text, data, sizeof data);
		bool done = weir_settings_set(name, value, &text, &tally);

		*reason = data;
		return done;
	}

	static std::unique_ptr<e2e::Directory> root;
	static weir_config config;
};

std::unique_ptr<e2e::Directory> EngineStart::root;
weir_config EngineStart::config;

TEST_F(EngineStart, HasNothingToDoBefore)
{
	EXPECT_EQ(nullptr, weir_engine_pool());
	EXPECT_EQ(0U, weir_engine_release(WEIR_TRIGGER_signal).blocks);
	EXPECT_EQ(0U, weir_engine_release_some(WEIR_TRIGGER_socket, 0, 0, SIZE_MAX).blocks);
	EXPECT_EQ(0U, weir_engine_release_idle(mib).blocks);
	EXPECT_EQ(UINT64_MAX, weir_engine_tend(5000));
	EXPECT_FALSE(weir_engine_retains(0));
	EXPECT_FALSE(weir_engine_gave_back_for(mib));
	EXPECT_FALSE(weir_settings_set_ceilings(mib, mib));
	EXPECT_EQ(0U, fake_os_calls(FAKE_RESERVE));
}

TEST_F(EngineStart, PassesOnARequestOfTheHandlerThatInterruptsIt)
{
	void *within = nullptr;

	on(FAKE_RESERVE, [&] { within = weir_large_malloc(mib, 1); });
	void *block = weir_large_malloc(mib, 1);

	ASSERT_NE(nullptr, within);
	EXPECT_FALSE(owned(within));
	EXPECT_TRUE(owned(block));
	EXPECT_EQ(1U, weir_stats_page.counters[WEIR_COUNT_passed]);
	free(within);
	weir_large_free(block);
	EXPECT_EQ((uint32_t)WEIR_STATE_READY, weir_stats_page.state);
}

TEST_F(EngineStart, LetsOtherThreadsWaitForTheOneThatStarts)
{
	void *other = nullptr;
	bool asked = false;
	std::thread thread;

	on(FAKE_RESERVE, [&] {
		thread = std::thread([&] {
			__atomic_store_n(&asked, true, __ATOMIC_SEQ_CST);
			other = weir_large_malloc(mib, 1);
		});
		while (!__atomic_load_n(&asked, __ATOMIC_SEQ_CST))
			std::this_thread::yield();
	});
	start();
	thread.join();
	/* Whichever came first: it was served, and the engine was started once. */
	EXPECT_EQ(1U, fake_os_calls(FAKE_RESERVE));
	ASSERT_NE(nullptr, other);
	if (owned(other))
		weir_large_free(other);
	else
		free(other);
}

TEST_F(EngineStart, StaysAwayWhereThereAreNoAddresses)
{
	fake_os_fail(FAKE_RESERVE, 0, 1000);
	for (int again = 0; again < 2; again++) {
		void *block = weir_large_malloc(mib, 1);

		ASSERT_NE(nullptr, block);
		EXPECT_EQ(0U, weir_space.span);
		free(block);
	}
	EXPECT_EQ((uint32_t)WEIR_STATE_UNAVAILABLE, weir_stats_page.state);
	EXPECT_EQ(2U, weir_stats_page.counters[WEIR_COUNT_passed]);
	EXPECT_EQ(nullptr, weir_engine_pool());
}

TEST_F(EngineStart, GivesBlocksHugePagesWhereTheSystemAllowsThem)
{
	for (bool allowed : { true, false }) {
		unsigned huge = 0;

		begin_again();
		weir_engine_enable(&config, nullptr);
		allow_huge_pages(allowed);
		start();
		for (const weir_region &region : weir_space.regions)
			huge += region.huge;
		/* Strides of 8 to 64 MiB. */
		EXPECT_EQ(allowed ? 4U : 0U, huge);
	}
}

/* The memory limit */

struct EngineMemory : EngineStart {
	EngineMemory()
	{
		start();
		now_ms += 20000;
		fake_os_set_now_ms(now_ms);
		weir_settings_look(now_ms);
		EXPECT_EQ(64 * mib, weir_settings()->limit_bytes);
	}

	void look_later()
	{
		now_ms += 10000;
		fake_os_set_now_ms(now_ms);
		weir_settings_look(now_ms);
	}

	static uint64_t now_ms;
};

uint64_t EngineMemory::now_ms;

TEST_F(EngineMemory, ThatShrinksReleasesWhatIsBeyondItsShare)
{
	retain(40 * mib);
	testing::internal::CaptureStderr();
	set_memory(64 * mib);
	look_later();
	EXPECT_NE(std::string::npos,
		  testing::internal::GetCapturedStderr().find(" blocks (limit), "));
	EXPECT_EQ(16 * mib, retained());
	EXPECT_EQ(16 * mib, weir_stats_page.limit_bytes);
	EXPECT_EQ(64 * mib, weir_settings_memory_bytes());
	EXPECT_GT(weir_stats_page.released[WEIR_TRIGGER_limit].units, 0U);
}

TEST_F(EngineMemory, ThatIsUnknownNowStaysAsItWas)
{
	fake_os_fail(FAKE_OPEN, 0, 1000);
	set_memory(64 * mib);
	look_later();
	EXPECT_EQ(64 * mib, weir_settings()->limit_bytes);
	look_later();
}

TEST_F(EngineMemory, IsLeftToTheHelperOnceThatLooks)
{
	EXPECT_EQ(now_ms + 10000, weir_settings_look_alone(now_ms));
	set_memory(64 * mib);
	look_later();
	EXPECT_EQ(64 * mib, weir_settings()->limit_bytes);
	EXPECT_EQ(now_ms + 10000, weir_settings_look_alone(now_ms));
	EXPECT_EQ(16 * mib, weir_settings()->limit_bytes);

	const weir_cgroup *cgroup;

	EXPECT_TRUE(weir_settings_cgroup_changed(&cgroup));
	EXPECT_EQ(64 * mib, cgroup->limit_bytes);
	EXPECT_FALSE(weir_settings_cgroup_changed(&cgroup));
	weir_engine_begin_anew(); /* without the helper */
	set_memory(256 * mib);
	look_later();
	EXPECT_EQ(64 * mib, weir_settings()->limit_bytes);
}

/* Changes */

/* Acts in the middle of a change, which releases what is beyond a new limit. */
struct EngineChange : EngineMemory {
	void change_and(const std::function<void()> &act)
	{
		std::string reason;

		retain(10 * mib);
		retain(12 * mib);
		on(FAKE_RELEASE, act);
		EXPECT_TRUE(set("WEIR_LIMIT", "8M", &reason)) << reason;
		EXPECT_EQ(8 * mib, retained());
	}
	~EngineChange() override
	{
		std::string reason;

		EXPECT_TRUE(set("WEIR_LIMIT", "25%", &reason)) << reason;
	}
};

TEST_F(EngineChange, IsOneAtATime)
{
	std::string reason;
	bool set_within = true, ceiling_within = true;

	change_and([&] {
		set_within = set("WEIR_LIMIT", "1M", &reason);
		ceiling_within = weir_settings_set_ceilings(mib, mib);
		set_memory(64 * mib);
		look_later();
	});
	EXPECT_FALSE(set_within);
	EXPECT_EQ("another change does not end", reason);
	EXPECT_FALSE(ceiling_within);
	EXPECT_EQ(8 * mib, weir_settings()->limit_bytes);
	set_memory(256 * mib);
}

/* The child has no thread that would end the change. */
TEST_F(EngineChange, IsPutInForceInAForkedChildThatHasHalfOfIt)
{
	uint64_t before = weir_engine.pool.limit_units;
	int status = -1;

	change_and([&] {
		fflush(nullptr);
		pid_t child = fork();

		if (child == 0) {
			(void)root.release(); /* the files are the parent's */
			std::string reason;

			weir_engine.pool.limit_units = before;
			weir_engine_begin_anew();
			bool in_force = weir_engine.pool.limit_units == 8 * mib / page;

			exit(in_force && set("WEIR_LIMIT", "1M", &reason) ? 0 : 1);
		}
		waitpid(child, &status, 0);
	});
	EXPECT_EQ(0, status);
}

TEST_F(EngineChange, OfTheLiveLimitNeedsBlocksThatAreCounted)
{
	std::string reason;

	EXPECT_FALSE(set("WEIR_LIVE_LIMIT", "10M", &reason));
	EXPECT_EQ(0U, reason.find("WEIR_LIVE_LIMIT can be changed only where it was set"));
	EXPECT_EQ(WEIR_NO_LIMIT, weir_settings()->live_limit_bytes);
	EXPECT_TRUE(set("WEIR_LIVE_LIMIT", "none", &reason)) << reason;
}

} // namespace
