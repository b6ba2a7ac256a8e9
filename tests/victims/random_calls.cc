/* random_calls SEED THREADS STEPS [SECONDS]: so many steps of random calls of the malloc family
 * in each thread, or as many as fit into the time, against a model that knows what the program
 * wrote (calls_model.h). Threads give blocks to each other, and release what is retained by
 * malloc_trim and, where `signal` stands in LIBWEIR_RANDOM_CALLS, by SIGUSR1. Prints `done`, or
 * what did not hold, with the thread's seed. */
#include "calls_model.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <malloc.h>
#include <mutex>
#include <thread>
#include <vector>

namespace
{

const calls::Family real_family = {
	malloc,	       free,	 calloc, realloc, reallocarray,	      posix_memalign,
	aligned_alloc, memalign, valloc, pvalloc, malloc_usable_size, malloc_trim,
};

/* Blocks on their way from thread to thread. */
struct Exchange {
	std::mutex mutex;
	calls::Block places[8];
};

Exchange in_between;

bool by_signal()
{
	const char *said = getenv("LIBWEIR_RANDOM_CALLS");

	return said && std::string(said) == "signal";
}

size_t live_limit()
{
	const char *said = getenv("WEIR_LIVE_LIMIT");

	return said ? strtoul(said, nullptr, 10) * calls::MiB : SIZE_MAX;
}

struct Process : calls::Machine {
	Process() : Machine(real_family) {}

	bool is_large(size_t bytes) const override
	{
		return bytes >= 64 * calls::KiB && bytes <= 8 * calls::MiB;
	}
	bool may_refuse(const calls::Model &, size_t) const override
	{
		return live_limit() != SIZE_MAX;
	}
	void act(calls::Choices &choices) override
	{
		switch (choices.upto(5)) {
		case 0:
			malloc_trim(0);
			break;
		case 1:
			if (by_signal())
				raise(SIGUSR1);
			break;
		default:
			std::this_thread::yield();
		}
	}
	void exchange(calls::Block *block) override
	{
		std::lock_guard<std::mutex> guard(in_between.mutex);

		std::swap(*block, in_between.places[next++ % std::size(in_between.places)]);
	}

	unsigned next = 0;
};

struct Task {
	uint64_t seed;
	size_t steps;
	std::chrono::steady_clock::time_point end;
	std::string fault;

	void run()
	{
		calls::RandomChoices choices(seed);
		Process process;
		calls::Model model(&process, &choices, 20);

		do
			model.run(steps);
		while (model.fault.empty() && std::chrono::steady_clock::now() < end);
		model.free_all();
		fault = model.fault;
	}
};

/* What nobody took. */
std::string check_rest()
{
	calls::RandomChoices none(0);
	Process process;
	calls::Model model(&process, &none);

	for (const calls::Block &block : in_between.places)
		if (block.address)
			model.owned[block.address] = block;
	model.free_all();
	return model.fault;
}

} // namespace

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	uint64_t seed = strtoull(argv[1], nullptr, 10);
	auto end = std::chrono::steady_clock::now() +
		   std::chrono::seconds(argc > 4 ? atoi(argv[4]) : 0);
	std::vector<Task> tasks;
	std::vector<std::thread> threads;

	for (int i = 0; i < atoi(argv[2]); i++)
		tasks.push_back({ seed + (uint64_t)i, strtoul(argv[3], nullptr, 10), end, "" });
	for (Task &task : tasks)
		threads.emplace_back([&task] { task.run(); });
	for (std::thread &thread : threads)
		thread.join();
	for (const Task &task : tasks)
		if (!task.fault.empty()) {
			printf("seed %llu: %s\n", (unsigned long long)task.seed,
			       task.fault.c_str());
			return 1;
		}
	std::string fault = check_rest();

	printf("%s\n", fault.empty() ? "done" : fault.c_str());
	return fault.empty() ? 0 : 1;
}
