/* Redis, which links an allocator of its own, with values of 1 MiB. */
#include "preloaded.h"

#include <csignal>

using namespace e2e;

namespace
{

/* A server that listens on a socket in a directory of its own. */
class Server : public Running
{
public:
	Server(const Launch &launch) : Running(launch)
	{
		std::string line;

		do
			line = hear();
		while (!line.empty() &&
		       line.find("eady to accept connections") == std::string::npos);
		EXPECT_FALSE(line.empty()) << finish().describe();
	}
};

Launch server(const std::string &redis, const std::string &socket)
{
	return Launch({ redis, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly",
			"no", "--daemonize", "no" });
}

Outcome client(const std::string &socket, std::vector<std::string> command)
{
	std::vector<std::string> argv = { "redis-cli", "-s", socket };

	argv.insert(argv.end(), command.begin(), command.end());
	return Launch(argv).plain().run();
}

TEST(Redis, StoresTheSameLargeValues)
{
	std::string redis = find_program({ "redis-server" });
	Directory directory;

	NEED_FOUND(redis, "redis-server");
	std::string socket = directory.file("socket");
	std::string value = directory.file("value");

	std::string content;

	while (content.size() < 3 * MiB)
		content += "weir " + std::to_string(content.size());
	write_file(value, content);
	Server running(server(redis, socket).in(directory.path()));
	auto set = Launch({ "redis-cli", "-s", socket, "-x", "set", "large" })
			   .plain()
			   .input(value)
			   .run();

	EXPECT_EQ("OK\n", set.out) << set.describe();
	EXPECT_EQ(content + "\n", client(socket, { "get", "large" }).out);
	EXPECT_EQ("PONG\n", client(socket, { "ping" }).out);
	running.signal(SIGTERM);
	const Outcome &outcome = running.finish();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_GT(outcome.report().number("requests"), 0U);
}

/* redis writes into all of malloc_usable_size and then reallocates. */
TEST(Redis, AppendsToLargeValues)
{
	std::string redis = find_program({ "redis-server" });
	Directory directory;

	NEED_FOUND(redis, "redis-server");
	std::string socket = directory.file("socket");
	std::string value = directory.file("value"), appends = directory.file("appends");
	std::string content, commands;

	while (content.size() < 70000)
		content += "weir " + std::to_string(content.size());
	write_file(value, content);
	for (int i = 0; i < 300; i++) {
		std::string piece = std::to_string(i) + std::string(700 + i, (char)('a' + i % 26));

		commands += "append grown " + piece + "\n";
		content += piece;
	}
	write_file(appends, commands);
	Server running(server(redis, socket).in(directory.path()));

	Launch({ "redis-cli", "-s", socket, "-x", "set", "grown" }).plain().input(value).run();
	Launch({ "redis-cli", "-s", socket }).plain().input(appends).run();
	EXPECT_EQ(content + "\n", client(socket, { "get", "grown" }).out);
	running.signal(SIGTERM);
	EXPECT_TRUE(running.finish().succeeded());
}

TEST(Redis, ServesItsBenchmarkWithLargeValues)
{
	std::string redis = find_program({ "redis-server" });
	Directory directory;

	NEED_FOUND(redis, "redis-server");
	std::string socket = directory.file("socket");
	Server running(server(redis, socket).in(directory.path()));
	auto bench = Launch({ "redis-benchmark", "-s", socket, "-t", "set,get", "-n", "600", "-d",
			      "1048576", "-c", "8", "-r", "10", "-q" })
			     .plain()
			     .run();

	EXPECT_TRUE(bench.succeeded()) << bench.describe();
	running.signal(SIGUSR1);
	EXPECT_EQ("PONG\n", client(socket, { "ping" }).out);
	running.signal(SIGTERM);
	const Outcome &outcome = running.finish();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_GT(outcome.report().number("requests"), 600U);
	EXPECT_GT(outcome.report().number("hits"), 300U);
}

} // namespace
