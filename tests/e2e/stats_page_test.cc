/* The statistics page, read from outside as include/weir.h says, while the program knows
 * nothing of it. */
#include "preloaded.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <string>

extern "C" {
#include "snapshot.h"
}

using namespace e2e;

namespace
{

std::string library()
{
	const char *path = std::getenv("LIBWEIR_PATH");

	return path != nullptr ? std::filesystem::canonical(path).string() : "";
}

/* Where in the library the symbol is, by nm. */
uint64_t offset_of_page()
{
	static const uint64_t offset = [] {
		auto outcome = Launch({ "nm", "-D", library() }).plain().run();
		size_t at = outcome.out.find(" D " WEIR_STATS_SYMBOL "\n");

		if (at != std::string::npos) {
			size_t begin = outcome.out.rfind('\n', at) + 1;

			return std::stoull(outcome.out.substr(begin, at - begin), nullptr, 16);
		}
		ADD_FAILURE() << "no symbol " << WEIR_STATS_SYMBOL << ": " << outcome.describe();
		return 0ULL;
	}();

	return offset;
}

/* Where the process has mapped the begin of the library. */
uint64_t address_of_library(pid_t pid)
{
	std::istringstream maps(read_file("/proc/" + std::to_string(pid) + "/maps"));
	uint64_t begin, offset;

	for (std::string line; std::getline(maps, line);)
		if (sscanf(line.c_str(), "%" SCNx64 "-%*s %*s %" SCNx64, &begin, &offset) == 2 &&
		    offset == 0 && line.find(library()) != std::string::npos)
			return begin;
	ADD_FAILURE() << "libweir.so is not mapped";
	return 0;
}

bool read_memory(void *context, uint64_t address, void *to, size_t bytes)
{
	iovec here = { to, bytes };
	iovec there = { reinterpret_cast<void *>(address), bytes };

	return process_vm_readv(*static_cast<pid_t *>(context), &here, 1, &there, 1, 0) ==
	       static_cast<ssize_t>(bytes);
}

/* A reader of one process's page. */
class Page
{
public:
	explicit Page(pid_t pid) : pid_(pid), address_(address_of_library(pid) + offset_of_page())
	{
		read();
	}
	const struct weir_stats_page &read()
	{
		EXPECT_TRUE(read_memory(&pid_, address_, &page_, sizeof(page_)))
			<< "the page cannot be read: errno " << errno;
		return page_;
	}
	const struct weir_stats_page &operator*() const { return page_; }
	const struct weir_stats_page *operator->() const { return &page_; }
	uint64_t address() const { return address_; }

	/* As the last read() has them: what the word alone says. */
	uint64_t live_and_retained_bytes() const
	{
		uint64_t word = page_.pool.usage.word;

		return ((word >> WEIR_STATS_RETAINED_BITS) + retained_units(word)) *
		       WEIR_STATS_UNIT_BYTES;
	}
	uint64_t retained_bytes() const
	{
		return retained_units(page_.pool.usage.word) * WEIR_STATS_UNIT_BYTES;
	}
	/* With the slots, so that live and retained are told apart exactly. */
	weir_snapshot snapshot()
	{
		weir_snapshot taken = {};

		EXPECT_TRUE(weir_snapshot_take(&taken, &page_, read_memory, &pid_));
		return taken;
	}

private:
	static uint64_t retained_units(uint64_t word)
	{
		return word & ((uint64_t{ 1 } << WEIR_STATS_RETAINED_BITS) - 1);
	}
	pid_t pid_;
	uint64_t address_;
	struct weir_stats_page page_ = {};
};

TEST(StatsPage, SaysWhatItIs)
{
	Puppet puppet(e2e::puppet());
	Page page(puppet.pid());

	EXPECT_EQ(sizeof(struct weir_stats_page), page->size);
	EXPECT_EQ(static_cast<uint32_t>(WEIR_STATS_VERSION), page->version);
	EXPECT_EQ(0U, page.address() % 4096);
	EXPECT_STREQ(WEIR_VERSION, page->weir_version);
	EXPECT_STREQ("puppet", page->program);
	EXPECT_EQ(static_cast<uint64_t>(sysconf(_SC_PAGESIZE)), page->page_bytes);
	EXPECT_EQ(static_cast<uint32_t>(SIGUSR1), page->signal);
	EXPECT_STREQ("", page->socket);
	EXPECT_EQ(0U, page->settings_sequence % 2);
	EXPECT_NE(nullptr, strstr(page->settings, "WEIR_DECAY=10s\tdefault\n")) << page->settings;
}

TEST(StatsPage, IsIdleBeforeTheFirstLargeRequestAndReadyAfterIt)
{
	Puppet puppet(e2e::puppet());
	Page page(puppet.pid());

	EXPECT_EQ(static_cast<uint32_t>(WEIR_STATE_IDLE), page->state);
	puppet.ask("malloc 1 1000");
	EXPECT_EQ(static_cast<uint32_t>(WEIR_STATE_IDLE), page.read().state);
	EXPECT_EQ(0U, page.live_and_retained_bytes());
	puppet.fill(2, 2, MiB);
	EXPECT_EQ(static_cast<uint32_t>(WEIR_STATE_READY), page.read().state);
	EXPECT_EQ(counted(MiB), page.live_and_retained_bytes());
	EXPECT_NE(0U, page->backend_malloc);
}

TEST(StatsPage, IsOffWhereWeirIs)
{
	Puppet disabled(e2e::puppet().env("WEIR_DISABLE", "1"));
	Puppet unnamed(e2e::puppet().env("WEIR_PROGRAMS", "node"));

	disabled.fill(1, 1, MiB);
	unnamed.fill(1, 1, MiB);
	EXPECT_EQ(static_cast<uint32_t>(WEIR_STATE_OFF), Page(disabled.pid())->state);
	EXPECT_EQ(static_cast<uint32_t>(WEIR_STATE_OFF), Page(unnamed.pid())->state);
	EXPECT_EQ(0U, Page(disabled.pid()).live_and_retained_bytes());
}

TEST(StatsPage, AgreesWithTheReport)
{
	Puppet puppet(e2e::puppet().env("WEIR_LIMIT", "100M"));
	Page page(puppet.pid());

	puppet.fill(1, 10, 3 * MiB);
	puppet.fill(11, 20, 200 * KiB);
	puppet.free(1, 5);
	puppet.free(11, 13);
	puppet.ask("realloc 6 9000000");
	page.read();
	weir_snapshot seen = page.snapshot();
	const Report &report = puppet.finish().report();

	EXPECT_EQ(100 * MiB, page->limit_bytes);
	for (const weir_snapshot_field &field : weir_snapshot_fields)
		EXPECT_EQ(report.number(field.name), weir_snapshot_value(&seen, &field))
			<< field.name;
	EXPECT_EQ(seen.live_bytes + seen.retained_bytes, page.live_and_retained_bytes());
	EXPECT_EQ(report.number("live_bytes") + report.number("retained_bytes"),
		  page.live_and_retained_bytes());
}

TEST(StatsPage, CountsReleases)
{
	Puppet puppet(e2e::puppet());
	Page page(puppet.pid());

	puppet.fill(1, 4, 5 * MiB);
	puppet.free(1, 4);
	puppet.release();
	const weir_released &released = page.read().released[WEIR_TRIGGER_signal];

	EXPECT_EQ(4 * counted(5 * MiB), released.units * WEIR_STATS_UNIT_BYTES);
	EXPECT_EQ(4U, released.blocks);
	EXPECT_EQ(1U, released.releases);
	EXPECT_GT(released.ns, 0U);
	EXPECT_EQ(0U, page.live_and_retained_bytes());
}

/* Nobody stops for the reader, and each sample is true at one moment all the same. */
TEST(StatsPage, AddsUpAtEveryMomentOfChurn)
{
	constexpr uint64_t blocks_most = 8 * (4 + 1) + 16; /* churn.c's, and those in hand */
	Running churn(Launch({ victim("churn"), "8", "0", "1", "0" }).env("WEIR_LIMIT", "40M"));

	ASSERT_EQ("running", churn.hear()) << churn.errors();
	Page page(churn.pid());
	uint64_t requests = 0, most = 0;

	ASSERT_TRUE(eventually([&] { return page.read().state == WEIR_STATE_READY; }));
	while (requests < 1000 && !HasFailure()) {
		page.read();
		weir_snapshot seen = page.snapshot();

		EXPECT_LE(page.retained_bytes(), 40 * MiB);
		EXPECT_EQ(page.live_and_retained_bytes(), seen.live_bytes + seen.retained_bytes);
		/* A block that grows may be in two places. */
		EXPECT_LE(seen.live_bytes, 2 * blocks_most * counted(2 * MiB));
		EXPECT_GE(seen.requests, requests) << "a counter went back";
		requests = seen.requests;
		most = std::max(most, page.live_and_retained_bytes());
	}
	churn.say("stop");
	ASSERT_EQ("empty", churn.hear()) << churn.finish().describe();
	page.read();
	uint64_t left = page.live_and_retained_bytes();

	EXPECT_EQ(0U, page.snapshot().live_bytes);
	churn.say("next");
	const Report &report = churn.finish().report();

	EXPECT_EQ(left, report.number("retained_bytes"));
	EXPECT_EQ(0U, report.number("live_bytes"));
	EXPECT_LE(most, report.number("peak_footprint_bytes"));
}

TEST(StatsPage, SaysWhoHasTheSignal)
{
	Puppet puppet(e2e::puppet());
	Page page(puppet.pid());

	EXPECT_EQ(static_cast<uint32_t>(WEIR_SIGNAL_WEIR), page->signal_owner);
	puppet.fill(1, 1, MiB);
	EXPECT_EQ(static_cast<uint32_t>(WEIR_SIGNAL_WEIR), page.read().signal_owner);
	puppet.ask("handle 0 10");
	EXPECT_TRUE(eventually([&] { /* ten times a second at most */
				     puppet.fill(2, 2, MiB);
				     puppet.free(2, 2);
				     return page.read().signal_owner == WEIR_SIGNAL_PROGRAM;
	}));

	Puppet off(e2e::puppet().env("WEIR_SIGNAL", "off"));
	Puppet ignoring(e2e::puppet().ignoring(SIGUSR1));

	EXPECT_EQ(static_cast<uint32_t>(WEIR_SIGNAL_OFF), Page(off.pid())->signal_owner);
	EXPECT_EQ(0U, Page(off.pid())->signal);
	EXPECT_EQ(static_cast<uint32_t>(WEIR_SIGNAL_PROGRAM), Page(ignoring.pid())->signal_owner);
}

TEST(StatsPage, NamesTheSocketOfTheProcessItself)
{
	Served puppet;
	Page page(puppet.pid());

	EXPECT_STREQ(puppet.socket().c_str(), page->socket);
	uint64_t child = puppet.ask("fork");
	Page of_child(static_cast<pid_t>(child));

	EXPECT_STREQ("", of_child->socket) << "it is the parent's";
	EXPECT_EQ(0U, of_child->settings_sequence % 2);
	puppet.fill(1, 1, MiB);
	std::string path = puppet.socket() + "." + std::to_string(child);

	ask_socket(path, "ping");
	EXPECT_STREQ(path.c_str(), of_child.read().socket);
	EXPECT_STREQ(puppet.socket().c_str(), page.read().socket);
	EXPECT_EQ(0U, puppet.ask("end"));
}

TEST(StatsPage, FollowsWhatIsSet)
{
	Served puppet;
	Page page(puppet.pid());
	uint32_t before = page->settings_sequence;

	puppet.request("set WEIR_LIMIT 7M");
	EXPECT_EQ(7 * MiB, page.read().limit_bytes);
	EXPECT_NE(nullptr, strstr(page->settings, "WEIR_LIMIT=7M\tset\n")) << page->settings;
	EXPECT_GT(page->settings_sequence, before);
	EXPECT_EQ(0U, page->settings_sequence % 2);
}

/* How often the process gave up the processor, of its own will or not. */
std::string switches_of(pid_t pid)
{
	std::string status = read_file("/proc/" + std::to_string(pid) + "/status");
	size_t at = status.find("voluntary_ctxt_switches:");

	return at != std::string::npos ? status.substr(at) : "";
}

bool is_asleep(pid_t pid)
{
	std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");

	return stat.substr(stat.rfind(')') + 1, 2) == " S";
}

TEST(StatsPage, IsReadWithoutTheProcess)
{
	Puppet puppet(e2e::puppet());

	puppet.fill(1, 50, 100 * KiB);
	ASSERT_TRUE(eventually([&] { return is_asleep(puppet.pid()); }));
	std::string before = switches_of(puppet.pid());
	Page page(puppet.pid());

	ASSERT_NE("", before);
	for (int i = 0; i < 1000; i++) {
		page.read();
		EXPECT_EQ(50U, page.snapshot().live_blocks);
	}
	EXPECT_EQ(before, switches_of(puppet.pid()));
	pid_t threads[4];

	EXPECT_EQ(1U, proc_read_threads(puppet.pid(), threads, 4));
}

} // namespace
