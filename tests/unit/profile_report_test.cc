#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

extern "C" {
#include "profile_report.h"
}

namespace
{

std::string report(uint64_t pid, const std::string &program, uint64_t hits, uint64_t limit,
		   const std::string &signal = "weir")
{
	auto snapshot = std::make_unique<weir_snapshot>();
	std::string text(WEIR_SNAPSHOT_JSON_BYTES, '\0');
	weir_text json;

	snapshot->pid = pid;
	snprintf(snapshot->program, sizeof snapshot->program, "%s", program.c_str());
	snapshot->requests = 2 * hits;
	snapshot->hits = hits;
	snapshot->misses = hits;
	snapshot->limit_bytes = limit;
	snapshot->memory_bytes = 1000;
	snapshot->counters[WEIR_COUNT_oversize] = 3;
	snapshot->signal_owner = signal == "program" ? WEIR_SIGNAL_PROGRAM : WEIR_SIGNAL_WEIR;
	weir_text_init(&json, &text[0], text.size());
	weir_snapshot_format_json(&json, snapshot.get());
	text.resize(json.used);
	return text;
}

struct Reports {
	~Reports() { profile_reports_end(&reports); }
	bool take(const std::string &line) { return profile_reports_take(&reports, line.c_str()); }
	profile_statistics sum() const { return profile_reports_sum(&reports); }

	profile_reports reports = {};
};

TEST(ProfileReport, SumsWhatProcessesWrote)
{
	Reports reports;

	EXPECT_TRUE(reports.take(report(7, "a", 10, 64)));
	EXPECT_TRUE(reports.take(report(8, "b", 5, 128, "program")));
	profile_statistics sum = reports.sum();

	EXPECT_EQ(2U, sum.processes);
	EXPECT_EQ(15U, sum.hits);
	EXPECT_EQ(30U, sum.requests);
	EXPECT_EQ(6U, sum.oversize);
	EXPECT_EQ(128U, sum.limit_bytes) << "the largest";
	EXPECT_EQ(1000U, sum.memory_bytes);
	EXPECT_TRUE(sum.has_own_handler);
}

TEST(ProfileReport, PrefersTheReportToWhatWasSeenBefore)
{
	Reports reports;
	auto snapshot = std::make_unique<weir_snapshot>();

	snapshot->pid = 7;
	snapshot->hits = 3;
	snapshot->counters[WEIR_COUNT_refused_live] = 2;
	snapshot->signal_owner = WEIR_SIGNAL_PROGRAM;
	profile_reports_see(&reports.reports, snapshot.get());
	EXPECT_EQ(3U, reports.sum().hits);
	EXPECT_EQ(2U, reports.sum().refused_live);
	EXPECT_TRUE(reports.sum().has_own_handler);
	reports.take(report(7, "a", 10, 64));
	EXPECT_EQ(10U, reports.sum().hits);
	EXPECT_EQ(1U, reports.sum().processes);
	EXPECT_FALSE(reports.sum().has_own_handler);
}

TEST(ProfileReport, TakesNoNameForAFigure)
{
	Reports reports;

	EXPECT_TRUE(reports.take(report(7, "\"hits\":99,\"signal\":\"program\"", 10, 64)));
	EXPECT_EQ(10U, reports.sum().hits);
	EXPECT_FALSE(reports.sum().has_own_handler);
	EXPECT_FALSE(reports.take(""));
	EXPECT_FALSE(reports.take("{\"pid\":8}"));
	EXPECT_FALSE(reports.take("no JSON"));
	EXPECT_EQ(1U, reports.sum().processes);
}

/* Others may put anything there: it is no file, leads elsewhere, or is no report. */
TEST(ProfileReport, ReadsTheFilesOfADirectory)
{
	char path[] = "/tmp/weir-reports-XXXXXX";
	Reports reports;

	ASSERT_NE(nullptr, mkdtemp(path));
	std::string directory = path, lines = report(7, "a", 1, 64) + "\n" + report(8, "b", 2, 64);
	FILE *to = fopen((directory + "/7").c_str(), "we");

	fputs((lines + "\nrest\n").c_str(), to);
	fclose(to);
	ASSERT_EQ(0, mkfifo((directory + "/fifo").c_str(), 0600));
	ASSERT_EQ(0, symlink("7", (directory + "/link").c_str()));
	profile_reports_read(&reports.reports, path);
	EXPECT_EQ(3U, reports.sum().hits);
	EXPECT_EQ(2U, reports.sum().processes);
	profile_reports_read(&reports.reports, "/nonexistent");
	for (const char *name : { "/7", "/fifo", "/link" })
		unlink((directory + name).c_str());
	rmdir(path);
}

} // namespace
