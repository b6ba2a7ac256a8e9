/* The signal with a value: of RTMIN+18 systemd's services do what the value of sigqueue(3)
 * says, 0x300 for a release. */
#include "preloaded.h"

#include <csignal>

using namespace e2e;

namespace
{

constexpr uint64_t retained_bytes = 4 * counted(5 * MiB);

/* What is released after 20 MiB were retained and the signal came as `send` does it. */
uint64_t released_by(Puppet &puppet, const std::function<int(pid_t)> &send)
{
	uint64_t before, after;

	puppet.fill(1, 4, 5 * MiB);
	puppet.free(1, 4);
	before = puppet.grown();
	EXPECT_GE(before, retained_bytes);
	EXPECT_EQ(0, send(puppet.pid()));
	puppet.ask("check"); /* the only thread has taken it before */
	after = puppet.grown();
	return before - after > 19 * MiB ? retained_bytes : before - after;
}

uint64_t released_by_value(Puppet &puppet, int number, int value)
{
	return released_by(puppet, [=](pid_t pid) {
		sigval with = {};

		with.sival_int = value;
		return sigqueue(pid, number, with);
	});
}

TEST(SignalValue, Of0x300ReleasesAndOthersDoNot)
{
	Puppet puppet(e2e::puppet().env("WEIR_SIGNAL", "RTMIN+18"));

	for (int value : { 0, 1, 0x100, 0x200, 0x2ff, 0x301, -1, 0x30000 })
		EXPECT_EQ(0U, released_by_value(puppet, SIGRTMIN + 18, value)) << value;
	EXPECT_EQ(retained_bytes, released_by_value(puppet, SIGRTMIN + 18, 0x300));
	const Report &report = puppet.finish().report();

	EXPECT_EQ(1U, report.number("released/signal/releases"));
	EXPECT_EQ(retained_bytes, report.number("released/signal/bytes"));
}

TEST(SignalValue, IsNotNeeded)
{
	Puppet puppet(e2e::puppet().env("WEIR_SIGNAL", "RTMIN+18"));
	auto by_kill = [](pid_t pid) { return kill(pid, SIGRTMIN + 18); };

	EXPECT_EQ(retained_bytes, released_by(puppet, by_kill));
	EXPECT_EQ(1U, puppet.finish().report().number("released/signal/releases"));
}

TEST(SignalValue, IsOfNoMatterForOtherSignals)
{
	struct {
		const char *name;
		int number;
	} signals[] = { { "USR1", SIGUSR1 },
			{ "USR2", SIGUSR2 },
			{ "RTMIN+17", SIGRTMIN + 17 },
			{ "RTMIN+19", SIGRTMIN + 19 } };

	for (const auto &signal : signals) {
		Puppet puppet(e2e::puppet().env("WEIR_SIGNAL", signal.name));

		for (int value : { 0, 1, 0x300 })
			EXPECT_EQ(retained_bytes, released_by_value(puppet, signal.number, value))
				<< signal.name << " with " << value;
	}
}

} // namespace
