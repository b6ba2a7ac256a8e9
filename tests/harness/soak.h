/* What soaks have in common: how long they take, and neighbours in their container that want
 * its memory again and again. */
#ifndef WEIR_TESTS_SOAK_H
#define WEIR_TESTS_SOAK_H

#include "memory_cgroup.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace e2e
{

/* A minute, or as many as LIBWEIR_SOAK_MINUTES says. */
std::chrono::milliseconds soak_time();

/* What a neighbour takes, how fast, how long it holds that, and how long
 * nobody does. */
struct Demand {
	uint64_t bytes;
	const char *take_ms;
	unsigned hold_ms, rest_ms;
};

/* One after another, until told to stop or one is lost. The kernel kills it where the services
 * want more than it left them, because it is the largest; the next ones then leave them more. */
class Neighbours
{
public:
	Neighbours(const MemoryCgroup &container, std::vector<Demand> demands);
	~Neighbours();
	Neighbours(const Neighbours &) = delete;
	Neighbours &operator=(const Neighbours &) = delete;

	void stop();
	unsigned served() const { return served_; }
	bool lost() const { return lost_; }
	unsigned killed() const { return killed_; }

private:
	void come_and_go();
	bool serve(const Demand &demand);
	void rest(unsigned rest_ms) const;

	const MemoryCgroup &container_;
	const std::vector<Demand> demands_;
	std::atomic<bool> stopped_{ false }, lost_{ false };
	std::atomic<unsigned> served_{ 0 }, killed_{ 0 };
	std::thread thread_;
};

} // namespace e2e

#endif
