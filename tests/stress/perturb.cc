#include "seed.h"
#include "test_engine.h"

#include <csignal>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <random>

/* What comes between the atomic operations of the perturbed program (atomic.h): threads give
 * way or dawdle where they seldom do, and are interrupted by a signal whose handler releases
 * everything. LIBWEIR_SEED chooses where. */

namespace
{

constexpr unsigned operations_per_pause = 128;
constexpr unsigned pauses_per_signal = 128;
constexpr unsigned spins_max = 2000;

thread_local bool in_handler;

void release_in_handler(int)
{
	Engine *engine = Engine::latest;
	int saved_errno = errno;

	in_handler = true;
	if (engine)
		engine->release();
	in_handler = false;
	errno = saved_errno;
}

/* The main thread is left alone: it looks at what the others made. */
struct Dice {
	Dice() : random(test_seed(1000 + made++)), is_main(gettid() == getpid()) {}

	static std::atomic<unsigned> made;
	std::minstd_rand random;
	bool is_main;
};
std::atomic<unsigned> Dice::made{ 0 };

void pause(std::minstd_rand *random)
{
	volatile unsigned spins = (unsigned)((*random)() % spins_max);

	if ((*random)() % pauses_per_signal == 0)
		raise(SIGUSR1);
	else if (spins % 2 == 0)
		sched_yield();
	else
		while (spins > 0)
			spins = spins - 1;
}

const bool handler_is_there = std::signal(SIGUSR1, release_in_handler) != SIG_ERR;

} // namespace

extern "C" void weir_perturb(void)
{
	static thread_local Dice dice;

	if (!dice.is_main && !in_handler && handler_is_there &&
	    dice.random() % operations_per_pause == 0)
		pause(&dice.random);
}
