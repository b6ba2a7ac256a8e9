/* Two services of 8 threads each in one container, one whose live blocks are counted and one
 * with blocks at hand, while everything that makes weir release fires at once: limits that are
 * set again and again, signals to every thread, the socket, a short decay, memory pressure from a
 * neighbour, malloc_trim, refused memory; and forks. No byte is lost, no service is killed, every
 * limit holds at every look, and what the service takes up stays flat. Half a minute, or half of
 * what LIBWEIR_SOAK_MINUTES says:
 *
 *   LIBWEIR_SOAK_MINUTES=60 make check TESTS=tests/e2e/soak_triggers_test
 *   grep '^|' tests/e2e/soak_triggers_test.log */
#include "preloaded.h"
#include "soak.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>

using namespace e2e;
using Clock = std::chrono::steady_clock;

namespace
{

constexpr uint64_t container_bytes = 512 * MiB;
constexpr std::chrono::milliseconds sample_period(250);

/* What may be retained at most; it is less for half of the time. */
constexpr uint64_t most_retained_bytes = 6 * MiB;

/* Beyond its time, until every trigger has fired. */
constexpr std::chrono::minutes overtime(10);

constexpr const char *triggers[] = { "limit", "signal", "socket",  "decay",
				     "api",   "enomem", "pressure" };

/* What the services use at once at most may be more than was seen before there were neighbours;
 * beyond 32 MiB more it grows. */
constexpr unsigned kills_most = 4;

/* Looks before there are neighbours, which shows how much room the services leave; more where
 * the most that they use at once may come later. */
constexpr unsigned calm_looks_min = 16, calm_share = 40;

/* So that the services come into the last sixteenth of the container, again and again; the
 * rest is what a ceiling needs to rise. */
std::vector<Demand> demands_for(uint64_t room)
{
	return { { room - 12 * MiB, "2000", 1000, 8000 },
		 { room - 8 * MiB, "3000", 500, 12000 },
		 { room - 16 * MiB, "2000", 2000, 8000 } };
}

std::chrono::milliseconds duration()
{
	return soak_time() / 2;
}

/* What a third of the time had of something. */
struct Range {
	uint64_t least = UINT64_MAX, most = 0;

	void note(uint64_t value)
	{
		least = std::min(least, value);
		most = std::max(most, value);
	}
};

/* What a process takes up, by the third of the soak. */
struct Taken {
	Range resident, mappings, descriptors, threads;
};

size_t entries(const std::string &directory)
{
	namespace fs = std::filesystem;
	std::error_code gone;
	size_t count = 0;

	for (fs::directory_iterator i(directory, gone), end; i != end; i.increment(gone))
		count++;
	return count;
}

class Service
{
public:
	Service(const std::string &name, const MemoryCgroup &container, bool counts_live)
	    : name_(name), counts_live_(counts_live), running_(launch(container))
	{
		EXPECT_EQ("running", running_.hear()) << running_.errors();
	}

	/* One after another: what the `step`th look does and changes. */
	void disturb(unsigned step)
	{
		if (step % 8 < 4) /* and then retained blocks grow older */
			storm();
		if (step % 5 == 0)
			ask("release");
		if (step % 4 == 1)
			set_limit(step % 8 == 1 ? 1 * MiB : most_retained_bytes);
		if (step % 8 == 3)
			ask(step % 16 == 3 ? "set WEIR_MAX_ALLOC 1900K" : "set WEIR_MAX_ALLOC 4G");
		if (counts_live_ && step % 8 == 7)
			set_live_limit(step % 16 == 7 ? 20 * MiB : 1 * GiB);
	}

	void look(unsigned third)
	{
		const std::string process = "/proc/" + std::to_string(running_.pid());
		const Report report(ask("stats"));
		Taken &taken = taken_[third];

		EXPECT_LE(report.number("retained_bytes"), limit_bytes_) << name_;
		EXPECT_LE(report.number("retained_bytes"), report.number("limit_bytes")) << name_;
		looks_++;
		was_pressed_ |= report.number("ceiling_bytes") < limit_bytes_;
		has_fired_ = was_pressed_ && all_fired(report);
		taken.resident.note(running_.memory().anonymous_bytes);
		taken.mappings.note(mappings(process));
		taken.descriptors.note(entries(process + "/fd"));
		taken.threads.note(entries(process + "/task"));
	}

	void stop()
	{
		running_.say("stop");
		said_ = running_.hear();
		ask("release");

		const Report report(ask("stats"));

		EXPECT_EQ(0U, report.number("live_bytes")) << name_;
		EXPECT_EQ(0U, report.number("retained_bytes")) << name_;
		left_bytes_ = running_.memory().anonymous_bytes;
		EXPECT_TRUE(running_.finish().succeeded()) << running_.finish().describe();
		EXPECT_EQ("", running_.finish().err);
	}

	void expect_flat() const
	{
		EXPECT_LT(left_bytes_, 4 * MiB) << name_;
		expect_no_higher(taken_[1].resident, taken_[3].resident, 12 * MiB);
		expect_no_higher(taken_[1].mappings, taken_[3].mappings, 64);
		EXPECT_EQ(taken_[1].descriptors.most, taken_[3].descriptors.most) << name_;
		EXPECT_EQ(taken_[1].threads.most, taken_[3].threads.most) << name_;
	}

	bool has_fired() const { return has_fired_; }

	void expect_limits_held()
	{
		const Report &report = running_.finish().report();

		EXPECT_TRUE(was_pressed_ && all_fired(report)) << name_;
		if (duration() >= std::chrono::minutes(10)) {
			EXPECT_GT(report.number("released/pressure/bytes"), 0U) << name_;
		}
		EXPECT_LE(report.number("peak_retained_bytes"), most_retained_bytes) << name_;
		EXPECT_GT(report.number("refused"), 0U) << name_;
		EXPECT_EQ(counts_live_, report.number("refused_live") > 0) << name_;
	}

	void print()
	{
		printf("| %s | %u | %s |", name_.c_str(), looks_, said_.c_str());
		for (unsigned third = 1; third <= 3; third++)
			printf(" %.1f-%.1f |", in_mib(taken_[third].resident.least),
			       in_mib(taken_[third].resident.most));
		printf(" %.1f | %llu-%llu |", in_mib(left_bytes_),
		       (unsigned long long)taken_[3].mappings.least,
		       (unsigned long long)taken_[3].mappings.most);
		for (const char *trigger : triggers)
			printf(" %llu", (unsigned long long)running_.finish().report().number(
						"released/" + std::string(trigger) + "/releases"));
		puts(" |");
	}

private:
	Launch launch(const MemoryCgroup &container) const
	{
		auto most = std::chrono::duration_cast<std::chrono::seconds>(duration() + overtime);
		Launch launch({ victim("everything"), "8" });

		launch.in_cgroup(container)
			.env("WEIR_SOCKET", directory_.file("%p"))
			.env("WEIR_LIMIT", std::to_string(limit_bytes_))
			.env("WEIR_MAX", "8M")
			.env("WEIR_DECAY", "60ms")
			.env("WEIR_PRESSURE", "1")
			.seconds((unsigned)most.count() + 120);
		if (counts_live_)
			launch.env("WEIR_LIVE_LIMIT", "1G");
		return launch;
	}

	/* All but pressure: at the moment of a short soak in which the ceiling falls there may be
	 * nothing retained. */
	static bool all_fired(const Report &report)
	{
		return std::all_of(std::begin(triggers), std::end(triggers), [&](const char *name) {
			return std::string(name) == "pressure" ||
			       report.number("released/" + std::string(name) + "/bytes") > 0;
		});
	}

	std::string ask(const std::string &line) const
	{
		return ask_socket(directory_.file(std::to_string(running_.pid())), line);
	}

	/* Weir's own threads have all signals blocked. */
	void storm()
	{
		pid_t threads[64];
		size_t count = proc_read_threads(running_.pid(), threads, std::size(threads));

		for (size_t i = 0; i < count; i++)
			running_.signal_thread(threads[i], SIGUSR1);
	}

	/* It holds once it is answered. */
	void set_limit(uint64_t bytes)
	{
		EXPECT_EQ(0U, ask("set WEIR_LIMIT " + std::to_string(bytes)).rfind("ok ", 0));
		limit_bytes_ = bytes;
	}

	void set_live_limit(uint64_t bytes) const
	{
		EXPECT_EQ(0U, ask("set WEIR_LIVE_LIMIT " + std::to_string(bytes)).rfind("ok ", 0));
	}

	static uint64_t mappings(const std::string &process)
	{
		const std::string maps = read_file(process + "/maps");

		return (uint64_t)std::count(maps.begin(), maps.end(), '\n');
	}

	/* By an eighth at most, which is what two samples of one thing differ by, and `more`. */
	void expect_no_higher(const Range &first, const Range &last, uint64_t more) const
	{
		EXPECT_LE(last.most, first.most + first.most / 8 + more) << name_;
	}

	static double in_mib(uint64_t bytes) { return (double)bytes / (double)MiB; }

	const std::string name_;
	const bool counts_live_;
	Directory directory_;
	uint64_t limit_bytes_ = most_retained_bytes;
	Running running_;
	Taken taken_[4]; /* of the warm-up, then of the thirds */
	uint64_t left_bytes_ = 0;
	unsigned looks_ = 0;
	bool was_pressed_ = false, has_fired_ = false;
	std::string said_;
};

/* 0 in the first tenth, then the third of what is left. */
unsigned third_at(Clock::duration since)
{
	const double part =
		std::chrono::duration<double>(since) / std::chrono::duration<double>(duration());

	return part < 0.1 ? 0 : std::min(3U, 1 + (unsigned)((part - 0.1) / 0.3));
}

class Watch
{
public:
	Watch(const MemoryCgroup &container, std::vector<Service *> services)
	    : container_(container), services_(std::move(services))
	{
	}

	/* A look at each of them. */
	void look(unsigned third)
	{
		for (Service *service : services_) {
			service->disturb(step_);
			service->look(third);
		}
		step_++;
		next_ = std::max(next_ + sample_period, Clock::now());
		std::this_thread::sleep_until(next_);
	}

	/* What they used then, at most: also between the looks. */
	uint64_t look_at_rest()
	{
		unsigned share = (unsigned)(duration() / sample_period / calm_share);

		for (unsigned i = 0; i < std::max(calm_looks_min, share); i++)
			look(0);
		return container_.peak();
	}

	void look_beside(const Neighbours &neighbours)
	{
		const auto start = Clock::now();

		while (is_on(Clock::now() - start) && !neighbours.lost() &&
		       !testing::Test::HasFailure())
			look(third_at(Clock::now() - start));
	}

private:
	bool is_on(Clock::duration since) const
	{
		return since < duration() ||
		       (since < duration() + overtime &&
			!std::all_of(services_.begin(), services_.end(),
				     [](const Service *service) { return service->has_fired(); }));
	}

	const MemoryCgroup &container_;
	const std::vector<Service *> services_;
	Clock::time_point next_ = Clock::now();
	unsigned step_ = 0;
};

TEST(SoakTriggers, AllAtOnceLoseNoByteAndStayFlat)
{
	NEED_FOUND(MemoryCgroup::parent(), "a memory cgroup that can be made");
	MemoryCgroup container(container_bytes);
	Service counted("counted", container, true), cached("cached", container, false);
	Watch watch(container, { &counted, &cached });

	Neighbours neighbours(container, demands_for(container_bytes - watch.look_at_rest()));

	watch.look_beside(neighbours);
	neighbours.stop();
	EXPECT_FALSE(neighbours.lost()) << "neighbour " << neighbours.served();
	EXPECT_EQ(neighbours.killed(), container.oom_kills())
		<< "some service's process was killed";
	EXPECT_LE(neighbours.killed(), kills_most);
	printf("%u neighbours, %u of them killed\n", neighbours.served(), neighbours.killed());
	puts("| service | looks | did | resident MiB, first third | second | last | at the end |"
	     " mappings | releases: limit signal socket decay api enomem pressure |\n"
	     "|---|---|---|---|---|---|---|---|---|");
	for (Service *service : { &counted, &cached }) {
		service->stop();
		service->print();
		service->expect_flat();
		service->expect_limits_held();
	}
}

} // namespace
