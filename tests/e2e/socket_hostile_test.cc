/* The control socket and peers that are slow, silent, many or mad: each is answered or
 * dropped, others are answered meanwhile, and the program does not notice. */
#include "preloaded.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <thread>
#include <vector>

using namespace e2e;

namespace
{

namespace fs = std::filesystem;

bool begins(const std::string &text, const std::string &start)
{
	return text.rfind(start, 0) == 0;
}

/* Served, and unharmed at the end of each test: it works, has no thread, descriptor or
 * memory more than at its start. */
class SocketHostile : public testing::Test
{
protected:
	void SetUp() override
	{
		raise_descriptors();
		for (int i = 0; i < 50; i++) /* what every answer needs is there before */
			puppet.request(i % 2 == 0 ? "stats" : "metrics");
		for (unsigned i = 1; i <= 4; i++)
			puppet.fill(i, i, 300 * KiB * i);
		before_ = figures();
	}
	void TearDown() override
	{
		EXPECT_EQ(4U * (4 + 1) / 2 * 300 * KiB + Served::block_bytes, puppet.ask("check"));
		EXPECT_TRUE(begins(puppet.request("ping"), "ok ")) << "it does not serve any more";
		EXPECT_TRUE(eventually([&] {
			return figures().descriptors <= before_.descriptors;
		})) << "descriptors are left: "
		    << figures().descriptors;
		EXPECT_EQ(3U, figures().threads);
		EXPECT_LE(figures().resident_bytes, before_.resident_bytes + 256 * KiB);
		EXPECT_TRUE(puppet.finish().succeeded()) << puppet.finish().describe();
		EXPECT_EQ("", puppet.finish().err);
		EXPECT_FALSE(fs::exists(puppet.socket()));
		setrlimit(RLIMIT_NOFILE, &descriptors_);
	}

	/* Sends all of it, nothing more, and hears what there is to hear. */
	std::string exchange(const std::string &bytes)
	{
		Peer peer(puppet.socket());

		peer.send(bytes);
		peer.finish();
		return peer.hear();
	}

	Served puppet;

private:
	struct Figures {
		size_t threads;
		size_t descriptors; /* of the thread that serves */
		uint64_t resident_bytes;
	};
	Figures figures()
	{
		pid_t threads[8];
		size_t count = proc_read_threads(puppet.pid(), threads, 8);
		pid_t helper = *std::max_element(threads, threads + count); /* it came last */
		fs::directory_iterator open("/proc/" + std::to_string(puppet.pid()) + "/task/" +
					    std::to_string(helper) + "/fd");

		return { count, static_cast<size_t>(std::distance(begin(open), end(open))),
			 puppet.memory().resident_bytes };
	}
	void raise_descriptors()
	{
		rlimit enough = {};

		ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &descriptors_));
		enough = descriptors_;
		enough.rlim_cur = std::min<rlim_t>(enough.rlim_max, 4096);
		setrlimit(RLIMIT_NOFILE, &enough);
	}

	Figures before_ = {};
	rlimit descriptors_ = {};
};

/* Lines */

TEST_F(SocketHostile, ALineMayEndWithItsPeer)
{
	EXPECT_TRUE(begins(exchange("ping"), "ok "));
	EXPECT_TRUE(begins(exchange("ping\r\n"), "ok "));
	EXPECT_TRUE(begins(exchange("ping\r"), "ok "));
	EXPECT_TRUE(begins(exchange(" \t ping \t "), "ok "));
	EXPECT_EQ("", exchange("")) << "there was nothing to answer";
}

TEST_F(SocketHostile, OnlyTheFirstLineCounts)
{
	EXPECT_TRUE(begins(exchange("ping\nset WEIR_LIMIT 0\n"), "ok weir "));
	EXPECT_TRUE(begins(exchange("\nping\n"), "error: "));
	EXPECT_EQ("ok WEIR_LIMIT=", puppet.request("get WEIR_LIMIT").substr(0, 14));
	EXPECT_EQ(std::string::npos, puppet.request("get WEIR_LIMIT").find("\tset"));
}

TEST_F(SocketHostile, ALineMayComeInPieces)
{
	Peer peer(puppet.socket());

	for (char c : std::string("get WEIR_DECAY")) {
		ASSERT_TRUE(peer.send(std::string(1, c)));
		EXPECT_TRUE(begins(puppet.request("ping"), "ok "));
	}
	EXPECT_TRUE(peer.send("\n"));
	EXPECT_EQ("ok WEIR_DECAY=10s\tdefault\n", peer.hear());
}

TEST_F(SocketHostile, ALineHas1023BytesAtMost)
{
	std::string ping = "ping" + std::string(1019, ' ');

	EXPECT_TRUE(begins(exchange(ping + "\n"), "ok "));
	EXPECT_TRUE(begins(exchange(ping), "ok "));
	EXPECT_TRUE(begins(exchange(ping + " \n"), "error: too long a line"));
	EXPECT_TRUE(begins(exchange(ping + " "), "error: too long a line"));
	EXPECT_TRUE(begins(exchange(ping + "  \n"), "error: too long a line"));
	EXPECT_TRUE(begins(exchange("get " + std::string(1019, 'X') + "\n"), "error: "));
	EXPECT_TRUE(begins(exchange("set WEIR_LIMIT " + std::string(1008, '9') + "\n"), "error: "));
	EXPECT_TRUE(begins(exchange("set WEIR_CLASS_LIMITS " + std::string(1001, ',') + "\n"),
			   "error: "));
	EXPECT_TRUE(begins(exchange("release keep=" + std::string(1010, '1')), "error: "));
}

TEST_F(SocketHostile, ZeroBytesAreRefused)
{
	using namespace std::string_literals;

	EXPECT_TRUE(begins(exchange("ping\0\n"s), "error: "));
	EXPECT_TRUE(begins(exchange("release\0 keep=1G\n"s), "error: "));
	EXPECT_TRUE(begins(exchange("\0\0\0"s), "error: "));
	EXPECT_EQ(0U, Report(puppet.request("stats")).number("released/socket/releases"));
}

/* A sequence without an end of all bytes there are. */
std::string garbage(size_t count, bool with_newlines)
{
	std::string bytes(count, '\0');
	uint64_t dice = 88172645463325252U;

	for (char &byte : bytes) {
		dice ^= dice << 13;
		dice ^= dice >> 7;
		dice ^= dice << 17;
		byte = static_cast<char>(dice);
		if (byte == '\n' && !with_newlines)
			byte = ' ';
	}
	return bytes;
}

TEST_F(SocketHostile, GarbageIsRefused)
{
	for (bool with_newlines : { false, true }) {
		std::string all = garbage(MiB, with_newlines);

		EXPECT_TRUE(begins(exchange(all), "error: "));
		for (size_t at = 0; at < 200000; at += 1999) {
			std::string answer = exchange(all.substr(at, 1999));

			EXPECT_TRUE(begins(answer, "error: ")) << answer;
			EXPECT_EQ(answer.size() - 1, answer.find('\n'));
		}
	}
	EXPECT_EQ(0U, Report(puppet.request("stats")).number("released/socket/releases"));
}

/* Peers */

/* No time begins anew with a byte: the slow one is dropped as the silent ones are, long
 * before its line is too long. */
TEST_F(SocketHostile, HalfALineAndSilenceIsDropped)
{
	Peer silent(puppet.socket());
	Peer half(puppet.socket());
	Peer slow(puppet.socket());
	unsigned answered = 0;

	EXPECT_TRUE(half.send("relea"));
	EXPECT_TRUE(eventually([&] {
		answered += begins(puppet.request("ping"), "ok ");
		if (answered % 50 == 0)
			slow.send(" ");
		return silent.is_closed() && half.is_closed() && slow.is_closed();
	}));
	EXPECT_GT(answered, 100U);
	EXPECT_EQ("", half.hear());
	EXPECT_EQ("", silent.hear());
	EXPECT_EQ("", slow.hear());
}

TEST_F(SocketHostile, TenThousandRequestsLeaveNothing)
{
	static const char *const lines[] = { "ping",	       "stats",	  "release",
					     "get WEIR_LIMIT", "metrics", "set WEIR_LIMIT 100M",
					     "nonsense" };

	for (int i = 0; i < 10000 && !HasFailure(); i++)
		EXPECT_NE("", puppet.request(lines[i % 7]));
}

TEST_F(SocketHostile, AThousandSilentPeersKeepNobodyFromAsking)
{
	std::vector<Peer> silent;

	for (int i = 0; i < 1000; i++) {
		silent.emplace_back(puppet.socket());
		EXPECT_TRUE(i % 50 != 0 || begins(puppet.request("ping"), "ok "));
	}
	EXPECT_TRUE(begins(puppet.request("stats"), "{"));
	EXPECT_TRUE(eventually([&] {
		return std::all_of(silent.begin(), silent.end(),
				   [](const Peer &peer) { return peer.is_closed(); });
	}));
}

/* Peers that come without a pause, from another thread. */
class Flood
{
public:
	explicit Flood(std::function<void()> peer)
	    : thread_([this, peer] {
		      while (!stopped_)
			      peer();
	      })
	{
	}
	~Flood()
	{
		stopped_ = true;
		thread_.join();
	}
	Flood(const Flood &) = delete;
	Flood &operator=(const Flood &) = delete;

private:
	std::atomic<bool> stopped_{ false };
	std::thread thread_;
};

TEST_F(SocketHostile, AFloodOfSilentPeersKeepsNobodyFromAsking)
{
	std::vector<Peer> silent;
	Flood flood([&] {
		silent.emplace_back(puppet.socket());
		if (silent.size() > 200)
			silent.clear();
	});

	for (int i = 0; i < 50; i++)
		EXPECT_TRUE(begins(puppet.request("ping"), "ok "));
	EXPECT_EQ(4U * (4 + 1) / 2 * 300 * KiB + Served::block_bytes, puppet.ask("check"));
}

/* Half of them have asked. */
TEST_F(SocketHostile, PeersThatLeaveBeforeTheAnswerAreForgotten)
{
	Flood flood([&] {
		Peer peer(puppet.socket());

		peer.send("stats");
	});
	Flood other([&] {
		Peer peer(puppet.socket());

		peer.send("metrics\n");
	});

	for (int i = 0; i < 50; i++)
		EXPECT_TRUE(begins(puppet.request("ping"), "ok "));
}

TEST_F(SocketHostile, APeerThatNeverReadsKeepsNobodyFromAsking)
{
	std::vector<Peer> deaf;

	for (int i = 0; i < 40; i++) {
		deaf.emplace_back(puppet.socket());
		EXPECT_TRUE(deaf.back().send("metrics\n"));
		EXPECT_TRUE(begins(puppet.request("ping"), "ok "));
	}
	EXPECT_NE(std::string::npos, deaf[0].hear().find("\n# EOF\n"))
		<< "an answer is not lost when it is read late";
}

TEST_F(SocketHostile, StrangersKeepNobodyFromAsking)
{
	char answer[64];

	if (geteuid() != 0)
		GTEST_SKIP() << "only root can become another user";
	fs::permissions(fs::path(puppet.socket()).parent_path(), fs::perms(0755));
	fs::permissions(puppet.socket(), fs::perms(0666));
	for (int i = 0; i < 100; i++) {
		EXPECT_LE(peer_ask_as(65534, puppet.socket().c_str(), "stats\n", answer,
				      sizeof(answer)),
			  0);
		EXPECT_TRUE(begins(puppet.request("ping"), "ok "));
	}
}

/* A stop interrupts what the thread waits for. */
TEST_F(SocketHostile, AnswersAfterAStop)
{
	for (int i = 0; i < 20; i++) {
		Peer peer(puppet.socket());

		EXPECT_TRUE(peer.send(i % 2 == 0 ? "stats" : "metrics\n"));
		puppet.signal(SIGSTOP);
		EXPECT_TRUE(i % 2 != 0 || peer.send("\n"));
		puppet.signal(SIGCONT);
		EXPECT_EQ('\n', peer.hear().back());
	}
}

TEST(SocketHostileToMany, AskersAllGetWholeAnswers)
{
	Served puppet;
	std::vector<std::thread> threads;
	std::atomic<unsigned> whole{ 0 };

	for (int t = 0; t < 8; t++)
		threads.emplace_back([&] {
			for (int i = 0; i < 100; i++) {
				std::string answer = puppet.request("metrics");

				whole += answer.size() > 6 &&
					 answer.compare(answer.size() - 6, 6, "\n# EOF") == 0;
			}
		});
	for (std::thread &thread : threads)
		thread.join();
	EXPECT_EQ(800U, whole);
}

} // namespace
