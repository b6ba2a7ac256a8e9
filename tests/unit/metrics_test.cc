#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

extern "C" {
#include "metrics.h"
}

namespace
{

struct Sample {
	std::string name;
	std::map<std::string, std::string> labels;
	std::string value;
};

struct Family {
	std::string name, type, unit, help;
	std::vector<Sample> samples;
};

weir_snapshot snapshot_of(uint64_t pid, const char *program)
{
	weir_snapshot snapshot = {};

	snapshot.pid = pid;
	strncpy(snapshot.program, program, sizeof snapshot.program - 1);
	strcpy(snapshot.version, "0.1.0");
	strcpy(snapshot.backend, "libc.so.6");
	snapshot.state = WEIR_STATE_READY;
	snapshot.signal_owner = WEIR_SIGNAL_WEIR;
	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++)
		snapshot.classes[c].size_bytes = weir_class_bytes(c);
	return snapshot;
}

/* The text of some processes, as weir_metrics is meant to be used. */
std::string text_of(const std::vector<weir_snapshot> &snapshots)
{
	std::vector<char> buffer(WEIR_METRICS_FAMILY_BYTES);
	std::string all;
	weir_text text;

	for (size_t f = 0; f < weir_metrics_family_count(); f++) {
		weir_text_init(&text, buffer.data(), buffer.size());
		weir_metrics_format_family(&text, f);
		all += text.data;
		for (const weir_snapshot &snapshot : snapshots) {
			weir_text_init(&text, buffer.data(), buffer.size());
			weir_metrics_format_samples(&text, f, &snapshot);
			EXPECT_TRUE(weir_text_fits(&text)) << "family " << f;
			all += text.data;
		}
	}
	return all + WEIR_METRICS_END;
}

Sample parse_sample(const std::string &line)
{
	static const std::regex form("([a-z_]+)\\{(.*)\\} ([0-9.]+)");
	static const std::regex label("([a-z_]+)=\"((?:[^\"\\\\]|\\\\.)*)\"(,|$)");
	std::smatch match;
	Sample sample;

	if (!std::regex_match(line, match, form)) {
		ADD_FAILURE() << line;
		return sample;
	}
	std::string labels = match[2];
	sample.name = match[1];
	sample.value = match[3];
	for (std::sregex_iterator i(labels.begin(), labels.end(), label), end; i != end; ++i)
		EXPECT_TRUE(sample.labels.emplace((*i)[1], (*i)[2]).second) << line;
	return sample;
}

/* In the order of the text; a line about a family that is not the last one fails. */
std::vector<Family> parse(const std::string &text)
{
	std::stringstream lines(text);
	std::vector<Family> families;

	for (std::string line; std::getline(lines, line);) {
		std::stringstream words(line);
		std::string hash, what, name, rest;

		if (line == "# EOF") {
			EXPECT_FALSE(std::getline(lines, line)) << "text behind the end";
			return families;
		}
		if (line[0] != '#') {
			families.back().samples.push_back(parse_sample(line));
			continue;
		}
		words >> hash >> what >> name;
		std::getline(words >> std::ws, rest);
		if (what == "TYPE")
			families.push_back({ name, rest, "", "", {} });
		EXPECT_EQ(families.back().name, name) << line;
		if (what == "UNIT")
			families.back().unit = rest;
		if (what == "HELP")
			families.back().help = rest;
	}
	ADD_FAILURE() << "no # EOF";
	return families;
}

std::vector<Family> families_of(const std::vector<weir_snapshot> &snapshots)
{
	return parse(text_of(snapshots));
}

Family family_of(const std::vector<weir_snapshot> &snapshots, const std::string &name)
{
	for (const Family &family : families_of(snapshots))
		if (family.name == name)
			return family;
	ADD_FAILURE() << "no family " << name;
	return {};
}

bool ends_with(const std::string &text, const std::string &end)
{
	return text.size() >= end.size() &&
	       text.compare(text.size() - end.size(), end.size(), end) == 0;
}

weir_snapshot busy_snapshot(uint64_t pid)
{
	weir_snapshot snapshot = snapshot_of(pid, "busy");

	for (weir_snapshot_class &c : snapshot.classes) {
		c.hits = c.misses = c.retained_bytes = UINT64_MAX;
		c.retained_blocks = c.live_blocks = UINT64_MAX;
	}
	for (weir_snapshot_released &r : snapshot.released)
		r.bytes = r.blocks = r.releases = r.ns = UINT64_MAX;
	snapshot.pool_count = WEIR_SNAPSHOT_POOLS;
	for (weir_snapshot_pool &pool : snapshot.pools) {
		memset((void *)&pool, 0xff, sizeof pool);
		memset(pool.name, '"', sizeof pool.name - 1);
		pool.name[sizeof pool.name - 1] = '\0';
		pool.place = 1 + (uint32_t)(&pool - snapshot.pools);
	}
	return snapshot;
}

TEST(Metrics, EveryFamilyStandsInOnePlaceWithTypeAndHelp)
{
	std::set<std::string> names;

	for (const Family &family : families_of({ busy_snapshot(1), busy_snapshot(2) })) {
		EXPECT_TRUE(names.insert(family.name).second) << family.name;
		EXPECT_TRUE(family.type == "counter" || family.type == "gauge" ||
			    family.type == "info")
			<< family.name << ": " << family.type;
		EXPECT_NE("", family.help) << family.name;
	}
	EXPECT_EQ(weir_metrics_family_count(), names.size());
}

TEST(Metrics, NamesSayTypeAndUnit)
{
	for (const Family &family : families_of({ busy_snapshot(1) })) {
		std::string suffix = family.type == "counter" ? "_total"
				     : family.type == "info"  ? "_info"
							      : "";

		EXPECT_EQ(0U, family.name.find("weir_"));
		EXPECT_FALSE(ends_with(family.name, "_total")) << family.name;
		EXPECT_EQ(ends_with(family.name, "_bytes"), family.unit == "bytes") << family.name;
		EXPECT_EQ(ends_with(family.name, "_seconds"), family.unit == "seconds");
		EXPECT_FALSE(family.samples.empty()) << family.name;
		for (const Sample &sample : family.samples)
			EXPECT_EQ(family.name + suffix, sample.name);
	}
}

TEST(Metrics, NoSampleComesTwice)
{
	std::set<std::string> seen;

	for (const Family &family : families_of({ busy_snapshot(1), busy_snapshot(2) })) {
		for (const Sample &sample : family.samples) {
			std::string key = sample.name;

			for (const auto &label : sample.labels)
				key += "," + label.first + "=" + label.second;
			EXPECT_TRUE(seen.insert(key).second) << key;
		}
	}
}

TEST(Metrics, SamplesSayWhoseTheyAre)
{
	for (const Family &family : families_of({ snapshot_of(4711, "node") })) {
		for (const Sample &sample : family.samples) {
			EXPECT_EQ("4711", sample.labels.at("pid"));
			EXPECT_EQ("node", sample.labels.at("program"));
		}
	}
}

TEST(Metrics, ProcessesFollowEachOtherInsideAFamily)
{
	Family family = family_of({ snapshot_of(9, "b"), snapshot_of(3, "a") }, "weir_requests");

	ASSERT_EQ(2U, family.samples.size());
	EXPECT_EQ("9", family.samples[0].labels.at("pid"));
	EXPECT_EQ("3", family.samples[1].labels.at("pid"));
}

TEST(Metrics, ShowsFiguresAsTheyAre)
{
	weir_snapshot snapshot = snapshot_of(1, "a");

	snapshot.retained_bytes = UINT64_MAX;
	snapshot.hits = 12;
	snapshot.counters[WEIR_COUNT_refused] = 3;
	EXPECT_EQ("18446744073709551615",
		  family_of({ snapshot }, "weir_retained_bytes").samples[0].value);
	EXPECT_EQ("12", family_of({ snapshot }, "weir_hits").samples[0].value);
	EXPECT_EQ("counter", family_of({ snapshot }, "weir_hits").type);
	EXPECT_EQ("gauge", family_of({ snapshot }, "weir_retained_bytes").type);
	EXPECT_EQ("3", family_of({ snapshot }, "weir_refused").samples[0].value);
}

TEST(Metrics, ShowsReleasesByTriggerAndTheirTimeInSeconds)
{
	weir_snapshot snapshot = snapshot_of(1, "a");
	Family family;

	snapshot.released[WEIR_TRIGGER_socket] = { 4096, 2, 1, 1500000001 };
	family = family_of({ snapshot }, "weir_release_seconds");
	ASSERT_EQ((size_t)WEIR_TRIGGER_COUNT, family.samples.size());
	EXPECT_EQ("socket", family.samples[WEIR_TRIGGER_socket].labels.at("trigger"));
	EXPECT_EQ("1.500000001", family.samples[WEIR_TRIGGER_socket].value);
	EXPECT_EQ("0.000000000", family.samples[WEIR_TRIGGER_signal].value);
	EXPECT_EQ(
		"4096",
		family_of({ snapshot }, "weir_released_bytes").samples[WEIR_TRIGGER_socket].value);
}

TEST(Metrics, ShowsClassesThatAreInUse)
{
	weir_snapshot snapshot = snapshot_of(1, "a");
	Family family;

	EXPECT_TRUE(family_of({ snapshot }, "weir_class_hits").samples.empty());
	snapshot.classes[3].hits = 5;
	snapshot.classes[7].live_blocks = 1;
	family = family_of({ snapshot }, "weir_class_hits");
	ASSERT_EQ(2U, family.samples.size());
	EXPECT_EQ("65536", family.samples[0].labels.at("size_bytes"));
	EXPECT_EQ("5", family.samples[0].value);
	EXPECT_EQ("131072", family.samples[1].labels.at("size_bytes"));
	EXPECT_EQ("0", family.samples[1].value);
}

TEST(Metrics, ShowsPoolsByNameAndPlace)
{
	weir_snapshot snapshot = snapshot_of(1, "a");
	Family family;

	EXPECT_TRUE(family_of({ snapshot }, "weir_pool_leased_bytes").samples.empty());
	snapshot.pool_count = 2;
	snapshot.pools[0] = {};
	strcpy(snapshot.pools[0].name, "frames");
	snapshot.pools[0].place = 3;
	snapshot.pools[0].leased_bytes = 77;
	snapshot.pools[1] = snapshot.pools[0];
	snapshot.pools[1].place = 4;
	snapshot.pools[1].leased_bytes = 78;
	family = family_of({ snapshot }, "weir_pool_leased_bytes");
	ASSERT_EQ(2U, family.samples.size());
	EXPECT_EQ("gauge", family.type);
	EXPECT_EQ("bytes", family.unit);
	EXPECT_EQ("frames", family.samples[0].labels.at("pool"));
	EXPECT_EQ("3", family.samples[0].labels.at("place"));
	EXPECT_EQ("77", family.samples[0].value);
	EXPECT_EQ("4", family.samples[1].labels.at("place"));
	EXPECT_EQ("78", family.samples[1].value);
	EXPECT_EQ("counter", family_of({ snapshot }, "weir_pool_hits").type);
}

TEST(Metrics, EscapesWhatAProgramIsCalled)
{
	Sample sample =
		family_of({ snapshot_of(1, "a\"b\\c\nd\x1b\xff}") }, "weir_hits").samples[0];

	EXPECT_EQ("a\\\"b\\\\c?d??}", sample.labels.at("program"));
}

TEST(Metrics, TellsWhatWeirIsInTheProcess)
{
	Family family = family_of({ snapshot_of(1, "a") }, "weir_process");
	std::map<std::string, std::string> wanted = {
		{ "pid", "1" },	      { "program", "a" },	  { "version", "0.1.0" },
		{ "state", "ready" }, { "backend", "libc.so.6" }, { "signal", "weir" },
	};

	EXPECT_EQ("info", family.type);
	ASSERT_EQ(1U, family.samples.size());
	EXPECT_EQ(wanted, family.samples[0].labels);
	EXPECT_EQ("1", family.samples[0].value);
}

TEST(Metrics, OneProcessFitsItsBuffer)
{
	weir_snapshot snapshot = busy_snapshot(UINT64_MAX);

	memset(snapshot.program, '"', sizeof snapshot.program - 1);
	EXPECT_LT(text_of({ snapshot }).size(), WEIR_METRICS_BYTES);
}

TEST(Metrics, DescribesFamiliesByTheNamesOfTheirSamples)
{
	std::vector<Family> families = families_of({ busy_snapshot(1) });
	weir_metrics_help help;
	char data[256];
	weir_text name;

	for (size_t f = 0; f < weir_metrics_family_count(); f++) {
		weir_text_init(&name, data, sizeof data);
		weir_metrics_describe(f, &name, &help);
		EXPECT_EQ(families[f].samples[0].name, help.name);
		EXPECT_EQ(families[f].type, help.type);
		EXPECT_EQ(families[f].help, help.help);
	}
}

} // namespace
