/* What the command shows of pools that a program made, and does with them: where the program is
 * linked with libweirpool.so, and where libweir.so is preloaded as well. */
#include "command.h"

#include <regex>

using namespace e2e;
using nlohmann::json;

namespace
{

class PoolPuppet : public Running
{
public:
	explicit PoolPuppet(const Launch &launch) : Running(launch) {}

	void tell(const std::string &line)
	{
		say(line);
		EXPECT_EQ("ok", hear()) << line;
	}

	json status() const { return command_json({ "status", "--json", id() }); }
	std::string id() const { return std::to_string(pid()); }

	/* The pool of that name; null where it is not shown. */
	json pool(const std::string &name) const
	{
		json pools = status()["pools"];

		for (const json &each : pools)
			if (each["name"] == name)
				return each;
		return nullptr;
	}
};

Launch pool_puppet()
{
	return Launch({ victim("pool_puppet") });
}

/* Two leased, one kept. */
void fill(PoolPuppet *puppet)
{
	puppet->tell("create 1 frames 67108864");
	puppet->tell("create 2 masks 1048576");
	for (int block = 1; block <= 3; block++)
		puppet->tell("lease 1 " + std::to_string(block) + " 3145728");
	puppet->tell("return 1 3");
	puppet->tell("lease 2 4 100000");
}

void expect_filled(const PoolPuppet &puppet)
{
	json frames = puppet.pool("frames"), masks = puppet.pool("masks");

	ASSERT_TRUE(frames.is_object() && masks.is_object()) << puppet.status();
	EXPECT_EQ("open", frames["state"]);
	EXPECT_EQ(64 * MiB, frames["limit_bytes"]);
	EXPECT_EQ(2 * counted(3 * MiB), frames["leased_bytes"]);
	EXPECT_EQ(2, frames["leased_blocks"]);
	EXPECT_EQ(counted(3 * MiB), frames["retained_bytes"]);
	EXPECT_EQ(1, frames["retained_blocks"]);
	EXPECT_EQ(3 * counted(3 * MiB), frames["peak_leased_bytes"]);
	EXPECT_EQ(3, frames["leases"]);
	EXPECT_EQ(0, frames["hits"]);
	EXPECT_EQ(1, masks["leased_blocks"]);
	EXPECT_EQ(0, masks["retained_bytes"]);
	EXPECT_NE(frames["place"], masks["place"]);
}

/* All that the process has is the pools'. */
void expect_sums(const json &status)
{
	uint64_t live = 0, retained = 0, leases = 0, blocks = 0;

	for (const json &pool : status["pools"]) {
		live += pool["leased_bytes"].get<uint64_t>();
		retained += pool["retained_bytes"].get<uint64_t>();
		leases += pool["leases"].get<uint64_t>();
		blocks += pool["leased_blocks"].get<uint64_t>();
	}
	EXPECT_EQ(live, status["live_bytes"]);
	EXPECT_EQ(retained, status["retained_bytes"]);
	EXPECT_EQ(leases, status["requests"]);
	EXPECT_EQ(blocks, status["live_blocks"]);
}

TEST(CommandPools, AreShownOfAProgramThatIsLinkedWithThem)
{
	PoolPuppet puppet(pool_puppet().plain());

	puppet.tell("malloc 3145728");
	fill(&puppet);
	expect_filled(puppet);
	expect_sums(puppet.status());
}

TEST(CommandPools, AreShownBesideWhatMallocHasWhereWeirIsPreloaded)
{
	PoolPuppet puppet(pool_puppet());

	fill(&puppet);
	expect_filled(puppet);
	expect_sums(puppet.status());
	puppet.tell("malloc 5242880");
	expect_filled(puppet);
	json status = puppet.status();

	EXPECT_EQ(4, status["live_blocks"]);
	EXPECT_EQ(5, status["requests"]);
}

TEST(CommandPools, AreNoneWhereAProgramMakesNone)
{
	PoolPuppet puppet(pool_puppet().plain());

	puppet.tell("malloc 100");
	EXPECT_EQ(json::array(), puppet.status()["pools"]);
	EXPECT_EQ(std::string::npos, command_output({ "status", puppet.id() }).find("POOL"));
}

TEST(CommandPools, AreATableForPeople)
{
	PoolPuppet puppet(pool_puppet().plain());

	fill(&puppet);
	puppet.tell("return 1 2");
	puppet.tell("lease 1 2 3145728");
	std::string text = command_output({ "status", puppet.id() });

	EXPECT_TRUE(std::regex_search(
		text, std::regex("\n\nPOOL +BLOCKS OF +LEASED +LEASED BYTES +RETAINED +LIMIT "
				 "+LEASES +HITS\nframes +any size +2 +6.0 MiB +3.0 MiB +64.0 MiB "
				 "+4 +25.0 %\nmasks +any size +1 ")))
		<< text;
}

TEST(CommandPools, AreReleasedWithTheProcess)
{
	PoolPuppet puppet(pool_puppet().plain());

	fill(&puppet);
	std::string said = command_output({ "release", puppet.id() });

	EXPECT_NE(std::string::npos, said.find("released 3.0 MiB (1 block)")) << said;
	EXPECT_EQ(0, puppet.pool("frames")["retained_bytes"]);
	EXPECT_EQ(2 * counted(3 * MiB), puppet.pool("frames")["leased_bytes"]);
	expect_sums(puppet.status());
}

TEST(CommandPools, AreShownUntilNothingOfThemIsLeft)
{
	PoolPuppet puppet(pool_puppet().plain());

	fill(&puppet);
	puppet.tell("dispose 1");
	EXPECT_EQ("disposed", puppet.pool("frames")["state"]);
	EXPECT_EQ(2, puppet.pool("frames")["leased_blocks"]);
	EXPECT_EQ(0, puppet.pool("frames")["retained_bytes"]);
	puppet.tell("return 1 1");
	EXPECT_EQ(1, puppet.pool("frames")["leased_blocks"]);
	puppet.tell("return 1 2");
	EXPECT_TRUE(puppet.pool("frames").is_null());
	EXPECT_EQ(4, puppet.status()["requests"]);
}

TEST(CommandPools, AreInTheReportAndTheMetrics)
{
	Directory directory;
	PoolPuppet puppet(
		pool_puppet().plain().env("WEIR_REPORT", "exit:" + directory.file("report")));

	fill(&puppet);
	json status = puppet.status();
	std::string metrics = command_output({ "metrics", puppet.id() });

	EXPECT_NE(std::string::npos,
		  metrics.find("weir_pool_leased_blocks{pid=\"" + puppet.id() +
			       "\",program=\"pool_puppet\",pool=\"frames\",place=\"1\"} 2\n"))
		<< metrics;
	puppet.finish();
	EXPECT_EQ(parse_json(read_file(directory.file("report"))), status);
}

TEST(CommandPools, AreSaidOverTheSocketToo)
{
	Directory directory;
	std::string path = directory.file("socket");
	PoolPuppet puppet(pool_puppet().plain().env("WEIR_SOCKET", path));

	fill(&puppet);
	json said = parse_json(ask_socket(path, "stats"));

	EXPECT_EQ(puppet.status()["pools"], said["pools"]);
	EXPECT_EQ(2U, said["pools"].size());
}

TEST(CommandPools, DoNotHinderAListOfProcesses)
{
	PoolPuppet puppet(pool_puppet().plain());

	fill(&puppet);
	json row = listed(puppet.pid());

	ASSERT_FALSE(row.is_null());
	EXPECT_EQ("ready", row["state"]);
	EXPECT_EQ(counted(3 * MiB), row["retained_bytes"]);
	EXPECT_EQ(0, run_command({ "check", puppet.id() }).end.exit_status);
}

} // namespace
