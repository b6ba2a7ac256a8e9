/* WEIR_REPORT: one JSON object on one line for each program that ends. */
#include "preloaded.h"

using namespace e2e;

namespace
{

TEST(Report, IsOneObjectForEachProcessThatEnds)
{
	auto outcome = Launch({ "perl", "-e", "system '/bin/true' for 1 .. 2" }).run();

	EXPECT_EQ(3U, outcome.reports.size());
	EXPECT_EQ("perl", outcome.report().text("program"));
}

TEST(Report, GoesToStderrWithoutAPath)
{
	auto outcome = Launch({ "perl", "-e", "1" }).env("WEIR_REPORT", "exit").run();

	EXPECT_EQ(0U, outcome.err.rfind("{", 0)) << outcome.err;
	EXPECT_EQ("perl",
		  e2e::Report(outcome.err.substr(0, outcome.err.find('\n'))).text("program"));
}

TEST(Report, PutsTheProcessIdIntoThePath)
{
	Directory directory;
	auto outcome = Launch({ "true" })
			       .env("WEIR_REPORT", "exit:" + directory.file("report-%p.json"))
			       .run();
	std::string path = directory.file("report-" + std::to_string(outcome.pid) + ".json");

	EXPECT_EQ(static_cast<uint64_t>(outcome.pid), e2e::Report(read_file(path)).number("pid"));
}

TEST(Report, SaysWhereItCouldNotBeWritten)
{
	for (const std::string &path : { std::string("/nonexistent/reports"), std::string("/") }) {
		e2e::Outcome outcome = e2e::puppet().env("WEIR_REPORT", "exit:" + path).run();

		EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
		EXPECT_NE(
			std::string::npos,
			outcome.err.find("the report could not be written to " + path + ": error "))
			<< outcome.describe();
	}
}

TEST(Report, HasEveryFigure)
{
	Puppet puppet(e2e::puppet());

	puppet.fill(1, 2, MiB);
	puppet.free(1, 1);
	puppet.ask("realloc 2 1100000");
	const e2e::Report &report = puppet.finish().report();

	EXPECT_EQ("puppet", report.text("program"));
	EXPECT_NE("", report.text("version"));
	EXPECT_NE(std::string::npos, report.text("backend").find("libc.so"));
	for (const char *name :
	     { "limit_bytes", "retained_bytes", "retained_blocks", "live_bytes", "live_blocks",
	       "peak_live_bytes", "peak_retained_bytes", "peak_footprint_bytes", "requests", "hits",
	       "misses", "oversize", "reallocs_in_place", "reallocs_moved", "reallocs_copied",
	       "calloc_zeroed_bytes" })
		EXPECT_TRUE(report.has(name)) << name;
	for (const char *trigger : { "limit", "signal", "decay", "api", "enomem" })
		for (const char *figure : { "bytes", "blocks", "releases", "ns" })
			EXPECT_TRUE(report.has(std::string("released/") + trigger + "/" + figure));
	for (const char *name :
	     { "size_bytes", "hits", "misses", "retained_bytes", "retained_blocks", "live_blocks" })
		EXPECT_TRUE(report.has(std::string("classes/0/") + name)) << name;
	EXPECT_EQ(1U, report.number("live_blocks"));
	EXPECT_EQ(counted(1100000), report.number("live_bytes"));
	EXPECT_GE(report.number("peak_footprint_bytes"), 2 * MiB);
}

} // namespace
