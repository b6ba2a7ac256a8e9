#include "soak.h"

#include "preloaded.h"

#include <csignal>
#include <cstdlib>

namespace e2e
{

using Clock = std::chrono::steady_clock;

/* It shares the machine with all else that is tested. */
constexpr unsigned neighbour_seconds = 600;

constexpr uint64_t less_when_killed = 8 * MiB;

std::chrono::milliseconds soak_time()
{
	const char *text = std::getenv("LIBWEIR_SOAK_MINUTES");

	return std::chrono::milliseconds(
		(int64_t)(60000 * (text ? std::strtod(text, nullptr) : 1)));
}

Neighbours::Neighbours(const MemoryCgroup &container, std::vector<Demand> demands)
    : container_(container), demands_(std::move(demands)), thread_([this] { come_and_go(); })
{
}

Neighbours::~Neighbours()
{
	stop();
}

void Neighbours::stop()
{
	stopped_ = true;
	if (thread_.joinable())
		thread_.join();
}

void Neighbours::come_and_go()
{
	while (!stopped_ && !lost_) {
		const Demand &demand = demands_[served_ % demands_.size()];

		lost_ = !serve(demand);
		rest(demand.rest_ms);
		served_++;
	}
}

bool Neighbours::serve(const Demand &demand)
{
	const uint64_t bytes = demand.bytes - killed_ * less_when_killed;
	Running neighbour(Launch({ victim("neighbour"), std::to_string(bytes), demand.take_ms })
				  .plain()
				  .in_cgroup(container_)
				  .seconds(neighbour_seconds));

	if (neighbour.hear() == "held")
		rest(demand.hold_ms);

	const Outcome &outcome = neighbour.finish();
	const bool killed = outcome.end.signal == SIGKILL && !outcome.end.timed_out;

	killed_ += killed;
	return killed || outcome.succeeded();
}

void Neighbours::rest(unsigned rest_ms) const
{
	auto end = Clock::now() + std::chrono::milliseconds(rest_ms);

	while (!stopped_ && !lost_ && Clock::now() < end)
		std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

} // namespace e2e
