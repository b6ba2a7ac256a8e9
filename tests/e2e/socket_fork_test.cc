/* The control socket and programs that fork: each process serves its own. */
#include "preloaded.h"

#include <csignal>
#include <filesystem>

using namespace e2e;

namespace
{

namespace fs = std::filesystem;

uint64_t pid_at(const std::string &path)
{
	return figure(ask_socket(path, "ping"), "pid");
}

size_t entries(const std::string &directory)
{
	fs::directory_iterator all(directory);

	return static_cast<size_t>(std::distance(begin(all), end(all)));
}

TEST(SocketFork, AChildServesItsOwn)
{
	Served puppet;
	uint64_t parent = static_cast<uint64_t>(puppet.pid());

	puppet.fill(1, 4, 5 * MiB);
	puppet.free(1, 4);
	uint64_t child = puppet.ask("fork");
	std::string path = puppet.socket() + "." + std::to_string(child);

	EXPECT_NE(parent, child);
	EXPECT_FALSE(fs::exists(path)) << "it made no large request yet";
	EXPECT_EQ(parent, pid_at(puppet.socket()));
	puppet.fill(1, 2, 3 * MiB);
	EXPECT_EQ(child, pid_at(path));
	EXPECT_EQ(parent, pid_at(puppet.socket()));

	/* What one is told the other does not do. */
	EXPECT_GT(figure(ask_socket(path, "release"), "released_bytes"), 0U);
	EXPECT_EQ(0U, figure(ask_socket(path, "set WEIR_LIMIT 0"), "retained_bytes"));
	EXPECT_EQ(4 * counted(5 * MiB), Report(puppet.request("stats")).number("retained_bytes"));
	EXPECT_NE("ok WEIR_LIMIT=0\tset", puppet.request("get WEIR_LIMIT"));
	puppet.ask("check");
	EXPECT_EQ(0U, puppet.ask("end"));
	EXPECT_FALSE(fs::exists(path));
	EXPECT_EQ(parent, pid_at(puppet.socket())) << "the child's end took it along";
	EXPECT_TRUE(puppet.finish().succeeded());
	EXPECT_FALSE(fs::exists(puppet.socket()));
}

TEST(SocketFork, AChildThatNeverServedRemovesNothing)
{
	Served puppet;

	puppet.ask("fork");
	puppet.ask("malloc 1 1000");
	EXPECT_EQ(0U, puppet.ask("end"));
	EXPECT_TRUE(fs::exists(puppet.socket()));
	EXPECT_EQ(static_cast<uint64_t>(puppet.pid()), pid_at(puppet.socket()));
}

TEST(SocketFork, ProcessIdsInPathsAreEachProcesssOwn)
{
	Directory directory;
	Puppet puppet(e2e::puppet().env("WEIR_SOCKET", directory.file("%p.sock")));
	uint64_t parent = static_cast<uint64_t>(puppet.pid());

	puppet.fill(1, 1, MiB);
	uint64_t child = puppet.ask("fork");

	puppet.fill(2, 2, MiB);
	EXPECT_EQ(child, pid_at(directory.file(std::to_string(child) + ".sock")));
	EXPECT_EQ(parent, pid_at(directory.file(std::to_string(parent) + ".sock")));
	EXPECT_EQ(0U, puppet.ask("end"));
	EXPECT_EQ(1U, entries(directory.path()));
}

TEST(SocketFork, AutoSocketsAreEachProcesssOwn)
{
	Directory directory;
	Puppet puppet(
		e2e::puppet().env("WEIR_SOCKET", "auto").env("WEIR_SOCKET_DIR", directory.path()));

	puppet.fill(1, 1, MiB);
	ASSERT_TRUE(eventually([&] { return entries(directory.path()) == 1; }));
	uint64_t child = puppet.ask("fork");

	puppet.fill(2, 2, MiB);
	ASSERT_TRUE(eventually([&] { return entries(directory.path()) == 2; }));
	for (const auto &entry : fs::directory_iterator(directory.path())) {
		uint64_t pid = pid_at(entry.path());

		EXPECT_TRUE(pid == child || pid == static_cast<uint64_t>(puppet.pid()));
		EXPECT_EQ(0U, entry.path().filename().string().rfind(std::to_string(pid) + "-", 0));
	}
	EXPECT_EQ(0U, puppet.ask("end"));
	EXPECT_EQ(1U, entries(directory.path()));
	EXPECT_TRUE(puppet.finish().succeeded());
	EXPECT_TRUE(fs::is_empty(directory.path()));
}

TEST(SocketFork, AChildOfAChildServesToo)
{
	Served puppet;
	uint64_t child = puppet.ask("fork");

	puppet.fill(1, 1, MiB);
	EXPECT_EQ(child, pid_at(puppet.socket() + "." + std::to_string(child)));
	uint64_t grandchild = puppet.ask("fork");

	puppet.fill(2, 2, MiB);
	EXPECT_EQ(grandchild, pid_at(puppet.socket() + "." + std::to_string(grandchild)));
	EXPECT_EQ(0U, puppet.ask("end"));
	EXPECT_EQ(child, pid_at(puppet.socket() + "." + std::to_string(child)));
	EXPECT_EQ(0U, puppet.ask("end"));
	EXPECT_EQ(static_cast<uint64_t>(puppet.pid()), pid_at(puppet.socket()));
}

/* The old program leaves its socket behind, and the new one takes its place. */
TEST(SocketFork, AProgramThatExecutesAnotherGivesWay)
{
	Served puppet;
	uint64_t child = puppet.ask("fork");
	std::string path = puppet.socket() + "." + std::to_string(child);

	puppet.fill(1, 1, MiB);
	EXPECT_EQ(child, pid_at(path));
	puppet.ask("exec");
	EXPECT_EQ(0U, puppet.ask("check")) << "the new one holds nothing";
	puppet.fill(1, 1, MiB);
	EXPECT_EQ(child, pid_at(path));
	EXPECT_EQ(1U, Report(ask_socket(path, "stats")).number("live_blocks"));
	EXPECT_EQ(0U, puppet.ask("end"));
	EXPECT_FALSE(fs::exists(path));
	EXPECT_EQ(Served::block_bytes, puppet.ask("check"));
	EXPECT_EQ(static_cast<uint64_t>(puppet.pid()), pid_at(puppet.socket()));
}

TEST(SocketFork, NoWayToStartAProgramTakesTheSocketAlong)
{
	Directory directory;
	auto outcome =
		Launch({ victim("spawner") }).env("WEIR_SOCKET", directory.file("socket")).run();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ(spawned, outcome.out);
	EXPECT_EQ("", outcome.err);
	EXPECT_FALSE(fs::exists(directory.file("socket")));
}

/* Children that end by _exit leave theirs behind; those are nobody's. */
void expect_storm_is_survived(Launch launch, const std::string &directory)
{
	Running storm(launch.seconds(60));

	ASSERT_EQ("done", storm.hear()) << storm.finish().describe();
	size_t serving = 0;

	for (const auto &entry : fs::directory_iterator(directory)) {
		int peer = peer_connect(entry.path().c_str());

		if (peer < 0)
			continue;
		peer_close(peer);
		serving++;
		EXPECT_EQ(static_cast<uint64_t>(storm.pid()), pid_at(entry.path()));
	}
	EXPECT_EQ(1U, serving) << "the parent's is gone, or a child's serves on";
	const Outcome &outcome = storm.finish();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("", outcome.err);
}

TEST(SocketFork, AStormIsSurvivedAtAPath)
{
	Directory directory;

	expect_storm_is_survived(Launch({ victim("fork_storm"), "200" })
					 .env("WEIR_SOCKET", directory.file("socket")),
				 directory.path());
	EXPECT_FALSE(fs::exists(directory.file("socket")));
}

TEST(SocketFork, AStormIsSurvivedByAutoSockets)
{
	Directory directory;

	expect_storm_is_survived(Launch({ victim("fork_storm"), "200" })
					 .env("WEIR_SOCKET", "auto")
					 .env("WEIR_SOCKET_DIR", directory.path()),
				 directory.path());
}

TEST(SocketFork, InTheMiddleOfChurnGivesChildrenThatServe)
{
	Directory directory;
	Running churn(Launch({ victim("churn"), "4", "0", "1", "12" })
			      .env("WEIR_SOCKET", directory.file("%p"))
			      .seconds(60));

	ASSERT_EQ("running", churn.hear()) << churn.errors();
	churn.say("stop");
	ASSERT_EQ("empty", churn.hear()) << churn.finish().describe();
	EXPECT_EQ(static_cast<uint64_t>(churn.pid()),
		  pid_at(directory.file(std::to_string(churn.pid()))));
	churn.say("next");
	EXPECT_TRUE(churn.finish().succeeded()) << churn.finish().describe();
	EXPECT_EQ(13U, churn.finish().reports.size());
}

/* Their ends come at any moment of their threads' start. */
TEST(SocketFork, ProcessesThatEndAtOnceLeaveNoFile)
{
	Directory directory;
	Running storm(Launch({ victim("fork_storm"), "1000", "exit" })
			      .env("WEIR_SOCKET", directory.file("%p")));

	ASSERT_EQ("done", storm.hear()) << storm.finish().describe();
	EXPECT_LE(entries(directory.path()), 1U) << "besides the parent's";
	EXPECT_TRUE(storm.finish().succeeded());
	EXPECT_TRUE(fs::is_empty(directory.path()));
}

} // namespace
