/* The process's engine (engine.h) under the model of calls_model.h, called by interpose.c as
 * a program would, over the fake kernel. Starts as if the process had just begun, and is gone
 * afterwards: one at a time, and no other thread.
 *
 * What it does around the program's calls: releases of every kind, other settings, ceilings,
 * time, threads, and refusals of the kernel. What it holds: every count agrees with the slots
 * (test_engine.h) and with the model's blocks, and the snapshot shows the same. */
#ifndef ENGINE_MACHINE_H
#define ENGINE_MACHINE_H

#include "calls_model.h"
#include "test_engine.h"

#include <csetjmp>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>

extern "C" {
#include "engine.h"
#include "interposed.h"
#include "settings.h"
#include "snapshot.h"
}

inline const calls::Family interposed_family = {
	interposed_malloc,
	interposed_free,
	interposed_calloc,
	interposed_realloc,
	interposed_reallocarray,
	interposed_posix_memalign,
	interposed_aligned_alloc,
	interposed_memalign,
	interposed_valloc,
	interposed_pvalloc,
	interposed_malloc_usable_size,
	interposed_malloc_trim,
};

struct MachineOptions {
	/* Settings beside those that keep runs small; the last of a name counts. */
	std::vector<std::string> environment = {};
	bool refusals = true;
	bool releases_drop = true; /* false: as under qemu-user */
	unsigned halvings = 6;	   /* of a reservation of 64 GiB a region */
	size_t page_bytes = page;
};

inline bool is_hardened(const MachineOptions &options)
{
	return !options.environment.empty() && options.environment.back() == "WEIR_HARDEN=1";
}

/* Choices of a fuzzer, or of a seed, made to options. */
inline MachineOptions any_options(calls::Choices *choices)
{
	static const std::vector<std::vector<const char *>> settings = {
		{ "WEIR_LIMIT=8M", "WEIR_LIMIT=1G", "WEIR_LIMIT=0", "WEIR_LIMIT=300K",
		  "WEIR_LIMIT=3M" },
		{ nullptr, "WEIR_CLASS_LIMITS=64K-192K:500K,*:4100K", "WEIR_CLASS_LIMITS=1M:1M" },
		{ nullptr, "WEIR_CLASS_BLOCKS=3", "WEIR_CLASS_BLOCKS=1" },
		{ nullptr, "WEIR_FOOTPRINT=10M", "WEIR_FOOTPRINT=2M" },
		{ nullptr, nullptr, "WEIR_LIVE_LIMIT=16M", "WEIR_LIVE_LIMIT=5M" },
		{ nullptr, "WEIR_MAX_ALLOC=9M", "WEIR_MAX_ALLOC=1M" },
		{ nullptr, nullptr, "WEIR_HUGEPAGES=always" },
		{ nullptr, nullptr, "WEIR_MIN=4K", "WEIR_MIN=1M" },
		{ nullptr, "WEIR_DECAY=1s", "WEIR_DECAY=off" },
		{ nullptr, nullptr, nullptr, "WEIR_HARDEN=1" },
	};
	MachineOptions options;

	for (const auto &values : settings) {
		const char *value = values[choices->upto(values.size() - 1)];

		if (value)
			options.environment.push_back(value);
	}
	/* A guard that cannot be taken away costs a slot, which would then be missed. */
	options.refusals = choices->one_in(2) && !is_hardened(options);
	options.releases_drop = !choices->one_in(16);
	options.halvings = 6 + (unsigned)choices->upto(9);
	return options;
}

class EngineMachine : public calls::Machine
{
public:
	explicit EngineMachine(const MachineOptions &asked)
	    : Machine(interposed_family), options(asked)
	{
		/* The first of a name counts. */
		std::vector<char *> environment;

		options.environment.insert(
			options.environment.end(),
			{ "WEIR_LIMIT=64M", "WEIR_MAX=8M", "WEIR_HUGEPAGES=never" });
		for (std::string &entry : options.environment)
			environment.push_back(entry.data());
		environment.push_back(nullptr);
		begin_anew();
		EXPECT_TRUE(weir_config_load(&config, environment.data(), "machine", nullptr));
		fake_os_set_page(options.page_bytes);
		fake_os_ignore_release(!options.releases_drop);
		fake_os_set_residency(FAKE_RESIDENCY_TRUE);
		fake_os_fail(FAKE_RESERVE, 0, options.halvings);
		weir_engine_enable(&config, nullptr);
	}

	~EngineMachine() override { begin_anew(); }
	EngineMachine(const EngineMachine &) = delete;
	EngineMachine &operator=(const EngineMachine &) = delete;

	/* What calls_model.h asks */

	bool is_large(size_t bytes) const override
	{
		return bytes >= config.min_bytes && bytes <= config.max_bytes;
	}

	bool must_refuse(size_t bytes) const override
	{
		return bytes >= config.min_bytes && bytes > config.max_alloc_bytes;
	}

	bool may_refuse(const calls::Model &model, size_t bytes) const override
	{
		return must_refuse(bytes) ||
		       (config.live_limit_bytes != WEIR_NO_LIMIT && bytes >= config.min_bytes &&
			live_of(model).most + most_live(bytes) > config.live_limit_bytes);
	}

	void act(calls::Choices &choices) override
	{
		switch (choices.upto(11)) {
		case 0:
		case 1:
		case 2:
			move_clock(choices);
			break;
		case 3:
			release(choices);
			break;
		case 4:
			weir_engine_release_idle(choices.upto(4 * mib));
			break;
		case 5:
		case 6:
			change_setting(choices);
			break;
		case 7:
			set_ceilings(choices);
			break;
		case 8:
			fake_os_set_thread((int)choices.upto(3));
			weir_os_thread(); /* which the cache asks for */
			break;
		case 9:
		case 10:
			refuse(choices);
			break;
		default:
			fake_os_set_residency((fake_residency)choices.upto(2));
		}
	}

	std::string fault(const calls::Model &model) override
	{
		weir_pool *pool = weir_engine_pool();

		if (!pool)
			return "";
		testing::AssertionResult result = check_counts(*pool);

		if (result && ++steps % 16 == 0 && options.releases_drop)
			result = check_zeroes(weir_space);
		if (!result)
			return result.message();
		return fault_of_figures(model, *pool);
	}

	bool dies_of_free(void *address) override;

	/* To be called where nothing is live, and the kernel refuses nothing. */
	std::string fault_at_end(const calls::Model &model)
	{
		std::string found = fault(model);

		stop_refusing();
		weir_engine_release(WEIR_TRIGGER_api);
		if (found.empty())
			found = fault(model);
		if (found.empty() && weir_engine_pool() && weir_pool_usage(weir_engine_pool()) != 0)
			found = "something is retained or live after the last release";
		if (found.empty() && fake_os_misaligned() > 0)
			found = "the kernel was asked for parts of pages";
		return found;
	}

private:
	struct Range {
		size_t least = 0, most = 0;
	};

	/* A process that has made no large request. */
	static void begin_anew()
	{
		size_t last_page = weir_os_page_bytes();

		fake_os_reset();
		fake_os_set_page(last_page);
		weir_settings_set_ceilings(WEIR_NO_LIMIT, WEIR_NO_LIMIT);
		if (weir_space.span > 0)
			weir_space_destroy(&weir_space);
		fake_os_set_page(page);
		memset(&weir_space, 0, sizeof weir_space);
		memset(&weir_engine, 0, sizeof weir_engine);
		memset(&weir_stats_page.pool, 0, sizeof weir_stats_page.pool);
		memset(weir_stats_page.regions, 0, sizeof weir_stats_page.regions);
		reset_counters();
		weir_gate = { SIZE_MAX, 0 };
		fake_os_set_thread(0);
		weir_os_thread();
		fake_os_set_file_root("/nonexistent");
	}

	/* Around the calls */

	void move_clock(calls::Choices &choices)
	{
		now_ms += choices.upto(900) * (choices.one_in(8) ? 20 : 1);
		fake_os_set_now_ms(now_ms);
		if (choices.one_in(2))
			weir_engine_tend(now_ms);
	}

	void release(calls::Choices &choices)
	{
		uint64_t failures = weir_stats_page.counters[WEIR_COUNT_release_failures];
		size_t least = 0;

		switch (choices.upto(3)) {
		case 0:
			weir_engine_release((weir_trigger)choices.upto(WEIR_TRIGGER_COUNT - 1));
			break;
		case 1:
			interposed_malloc_trim(0);
			break;
		case 2:
			least = choices.upto(8 * mib);
			weir_engine_release_some(WEIR_TRIGGER_socket, 0, least,
						 least + choices.upto(8 * mib));
			return;
		default:
			weir_engine_release_some(WEIR_TRIGGER_socket, choices.upto(16 * mib), 0,
						 WEIR_NO_LIMIT);
			return;
		}
		if (weir_stats_page.counters[WEIR_COUNT_release_failures] == failures &&
		    weir_engine_pool())
			forget_failures();
	}

	/* Once nothing is left of them limits hold again. */
	static void forget_failures()
	{
		if (weir_usage_retained(weir_pool_usage(weir_engine_pool())) == 0)
			weir_stats_page.counters[WEIR_COUNT_release_failures] = 0;
	}

	static void change_setting(calls::Choices &choices)
	{
		static const std::pair<const char *, const char *> changes[] = {
			{ "WEIR_LIMIT", "0" },
			{ "WEIR_LIMIT", "2M" },
			{ "WEIR_LIMIT", "700K" },
			{ "WEIR_LIMIT", "25%" },
			{ "WEIR_CLASS_LIMITS", "64K-192K:200K,*:1M" },
			{ "WEIR_CLASS_LIMITS", "64K-192K:2M,*:8M" },
			{ "WEIR_CLASS_BLOCKS", "1" },
			{ "WEIR_CLASS_BLOCKS", "none" },
			{ "WEIR_FOOTPRINT", "1M" },
			{ "WEIR_FOOTPRINT", "8M" },
			{ "WEIR_FOOTPRINT", "none" },
			{ "WEIR_MAX_ALLOC", "512K" },
			{ "WEIR_MAX_ALLOC", "none" },
			{ "WEIR_LIVE_LIMIT", "4M" },
			{ "WEIR_LIVE_LIMIT", "32M" },
			{ "WEIR_DECAY", "100ms" },
			{ "WEIR_DECAY", "off" },
		};
		const auto &change = changes[choices.upto(std::size(changes) - 1)];
		weir_tally tally = {};
		char reason[512];
		weir_text text;

		if (!weir_engine_pool())
			return;
		weir_text_init(&text, reason, sizeof reason);
		weir_settings_set(change.first, change.second, &text, &tally);
	}

	static void set_ceilings(calls::Choices &choices)
	{
		bool ends = choices.one_in(2);

		weir_settings_set_ceilings(ends ? WEIR_NO_LIMIT : choices.upto(8 * mib),
					   ends ? WEIR_NO_LIMIT : choices.upto(32 * mib));
	}

	void refuse(calls::Choices &choices)
	{
		fake_call call = (fake_call)(FAKE_COMMIT + choices.upto(FAKE_REFUSABLE_COUNT - 2));

		if (options.refusals)
			fake_os_fail(call, (unsigned)choices.upto(3),
				     1 + (unsigned)choices.upto(2));
	}

	static void stop_refusing()
	{
		for (int call = FAKE_COMMIT; call < FAKE_REFUSABLE_COUNT; call++)
			fake_os_fail((fake_call)call, 0, 0);
	}

	/* What holds */

	static size_t most_live(size_t bytes)
	{
		return weir_align_up(bytes + WEIR_COLOUR_SPARE, weir_os_page_bytes());
	}

	/* What the model's blocks of weir may count as. */
	static Range live_of(const calls::Model &model)
	{
		Range live;

		for (const auto &each : model.owned)
			if (weir_space_owns(&weir_space, each.first)) {
				live.least +=
					weir_align_up(each.second.bytes, weir_os_page_bytes());
				live.most += most_live(each.second.bytes);
			}
		return live;
	}

	static bool read_own(void *, uint64_t address, void *to, size_t bytes)
	{
		memcpy(to, (const void *)(uintptr_t)address, bytes);
		return true;
	}

	std::string fault_of_figures(const calls::Model &model, weir_pool &pool)
	{
		Range live = live_of(model);
		weir_held held = weir_pool_held(&pool);
		size_t live_bytes = weir_units_to_bytes(held.live_units);

		if (live_bytes < live.least || live_bytes > live.most)
			return "live are " + std::to_string(live_bytes) +
			       " bytes, the model says " + std::to_string(live.least) + " to " +
			       std::to_string(live.most);
		if (pool.counts_live && pool.reserved_live_units != held.live_units)
			return "reserved are " + std::to_string(pool.reserved_live_units) +
			       " live units, there are " + std::to_string(held.live_units);
		if (steps % 16 == 1)
			return fault_of_snapshot(model, held);
		return "";
	}

	std::string fault_of_snapshot(const calls::Model &model, const weir_held &held)
	{
		size_t blocks = 0;

		weir_stats_page.page_bytes = options.page_bytes;
		weir_stats_page.state = WEIR_STATE_READY;
		if (!weir_snapshot_take(&snapshot, &weir_stats_page, read_own, nullptr))
			return "no snapshot";
		for (const auto &each : model.owned)
			blocks += weir_space_owns(&weir_space, each.first);
		if (snapshot.live_blocks != blocks)
			return "the snapshot has " + std::to_string(snapshot.live_blocks) +
			       " live blocks, the model " + std::to_string(blocks);
		if (snapshot.live_bytes != weir_units_to_bytes(held.live_units) ||
		    snapshot.retained_bytes != weir_units_to_bytes(held.retained_units))
			return "the snapshot has other figures than the pool";
		return "";
	}

	MachineOptions options;
	weir_config config = {};
	weir_snapshot snapshot = {};
	uint64_t now_ms = 0;
	unsigned steps = 0;
};

/* Leaves abort by a jump: nothing was changed by then. */

inline sigjmp_buf machine_died;

inline void machine_dies(int)
{
	siglongjmp(machine_died, 1);
}

inline bool EngineMachine::dies_of_free(void *address)
{
	struct sigaction dying = {}, before;
	volatile bool dies = false;
	int errors, nowhere;

	if (!weir_space_owns(&weir_space, address))
		return true;
	errors = dup(STDERR_FILENO);
	nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(nowhere, STDERR_FILENO);
	dying.sa_handler = machine_dies;
	sigaction(SIGABRT, &dying, &before);
	if (sigsetjmp(machine_died, 1) == 0)
		interposed_free(address);
	else
		dies = true;
	sigaction(SIGABRT, &before, nullptr);
	dup2(errors, STDERR_FILENO);
	close(errors);
	close(nowhere);
	return dies;
}

/* Random calls, from a seed, under which everything holds. */
inline void run_model(const MachineOptions &options, unsigned seed, size_t steps = 400)
{
	calls::RandomChoices choices(seed);
	EngineMachine machine(options);
	calls::Model model(&machine, &choices);

	SCOPED_TRACE("seed " + std::to_string(seed));
	ASSERT_TRUE(model.run(steps)) << model.fault;
	ASSERT_TRUE(model.free_all()) << model.fault;
	EXPECT_EQ("", machine.fault_at_end(model));
}

#endif
