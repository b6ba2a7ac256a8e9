/* weir metrics: OpenMetrics text, printed, served over HTTP, and scraped by Prometheus. */
#include "scrape.h"

#include <algorithm>
#include <csignal>
#include <regex>
#include <set>
#include <sstream>

using namespace e2e;

namespace
{

std::string sample(const std::string &name, const Running &process, uint64_t value)
{
	return "\n" + name + "{pid=\"" + std::to_string(process.pid()) + "\",program=\"puppet\"} " +
	       std::to_string(value) + "\n";
}

bool contains(const std::string &text, const std::string &part)
{
	return text.find(part) != std::string::npos;
}

/* Holds 2 blocks of 3 MiB and retains 4. */
class Holder : public Puppet
{
public:
	explicit Holder(const Launch &launch = puppet().env("WEIR_LIMIT", "100M")) : Puppet(launch)
	{
		fill(1, 6, 3 * MiB);
		free(1, 4);
	}
};

/* OpenMetrics, as far as a scraper relies on it: each family once, its samples behind its
 * type and with the names that it allows, no sample twice, and the end at the end. */
class Format
{
public:
	explicit Format(const std::string &text)
	{
		std::istringstream lines(text);

		for (std::string line; std::getline(lines, line);)
			read(line);
		EXPECT_TRUE(ended_) << "no end";
		EXPECT_EQ('\n', text.back());
	}
	size_t family_count() const { return families_.size(); }

private:
	void read(const std::string &line)
	{
		static const std::regex metadata("# (TYPE|UNIT|HELP) ([a-z_]+) (.+)");
		static const std::regex value(
			R"((([a-z_]+)\{([a-z_]+="[^"\\]*",?)+\}) [0-9]+(\.[0-9]+)?)");
		std::smatch found;

		EXPECT_FALSE(ended_) << "behind the end: " << line;
		if (line == "# EOF")
			ended_ = true;
		else if (std::regex_match(line, found, metadata))
			read_metadata(found[1], found[2], found[3]);
		else if (std::regex_match(line, found, value))
			read_sample(found[1], found[2]);
		else
			ADD_FAILURE() << "neither metadata nor a sample: " << line;
	}
	void read_metadata(const std::string &kind, const std::string &family,
			   const std::string &text)
	{
		if (kind == "TYPE") {
			EXPECT_TRUE(families_.insert(family).second) << family << " is there twice";
			family_ = family;
			type_ = text;
		}
		EXPECT_EQ(family_, family) << kind;
		if (kind == "UNIT") {
			EXPECT_EQ("_" + text, family.substr(family.size() - text.size() - 1));
		}
	}
	void read_sample(const std::string &series, const std::string &name)
	{
		static const std::map<std::string, std::string> suffixes = {
			{ "gauge", "" }, { "counter", "_total" }, { "info", "_info" }
		};

		ASSERT_EQ(1U, suffixes.count(type_)) << type_;
		EXPECT_EQ(family_ + suffixes.at(type_), name);
		EXPECT_TRUE(series_.insert(series).second) << series << " is there twice";
	}

	std::set<std::string> families_, series_;
	std::string family_, type_;
	bool ended_ = false;
};

TEST(CommandMetrics, AreOpenMetricsOfAllProcesses)
{
	Holder one, two;
	std::string text = command_output({ "metrics" });
	Format format(text);

	EXPECT_GE(format.family_count(), 20U);
	for (const Holder *holder : { &one, &two }) {
		EXPECT_TRUE(
			contains(text, sample("weir_live_bytes", *holder, 2 * counted(3 * MiB))))
			<< text;
		EXPECT_TRUE(contains(text,
				     sample("weir_retained_bytes", *holder, 4 * counted(3 * MiB))));
		EXPECT_TRUE(contains(text, sample("weir_limit_bytes", *holder, 100 * MiB)));
	}
}

TEST(CommandMetrics, AreThoseOfTheProcessesThatAreNamed)
{
	Holder one, two;
	std::string text = command_output({ "metrics", std::to_string(one.pid()) });
	Format format(text);

	EXPECT_TRUE(contains(text, sample("weir_retained_blocks", one, 4)));
	EXPECT_FALSE(contains(text, "pid=\"" + std::to_string(two.pid()) + "\""));
	EXPECT_EQ(text, command_output({ "metrics", std::to_string(one.pid()),
					 std::to_string(one.pid()) }))
		<< "one that is named twice is there once";
	Format partly(command_output(
		{ "metrics", std::to_string(ended_process()), std::to_string(two.pid()) }, 5));
}

/* HTTP */

TEST(CommandMetrics, AreServed)
{
	Holder holder;
	Exporter exporter({ std::to_string(holder.pid()) });
	std::string answer = get(exporter.port(), "/metrics");

	EXPECT_EQ(0U, answer.find("HTTP/1.1 200 ")) << answer;
	EXPECT_TRUE(contains(
		answer,
		"Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
	EXPECT_EQ(command_output({ "metrics", std::to_string(holder.pid()) }), body(answer));
	Format format(body(answer));

	holder.release();
	EXPECT_TRUE(contains(get(exporter.port(), "/metrics"),
			     sample("weir_retained_bytes", holder, 0)));
	holder.finish();
	EXPECT_EQ(0U, get(exporter.port(), "/metrics").find("HTTP/1.1 200 "));
	EXPECT_TRUE(exporter.end().succeeded());
}

TEST(CommandMetrics, AnswerNothingElse)
{
	Holder holder;
	Exporter exporter({ std::to_string(holder.pid()) });
	std::string head = get(exporter.port(), "/metrics", "HEAD");

	EXPECT_EQ(0U, head.find("HTTP/1.1 200 ")) << head;
	EXPECT_TRUE(contains(head, "Content-Length: "));
	EXPECT_EQ("", body(head));
	EXPECT_EQ(0U, get(exporter.port(), "/").find("HTTP/1.1 200 "));
	EXPECT_EQ(0U, get(exporter.port(), "/other").find("HTTP/1.1 404 "));
	EXPECT_EQ(0U, get(exporter.port(), "/metrics", "DELETE").find("HTTP/1.1 405 "));
	ask_http(exporter.port(), "nonsense\r\n\r\n");
	EXPECT_EQ(0U, get(exporter.port(), "/metrics").find("HTTP/1.1 200 "));
	EXPECT_TRUE(exporter.end(SIGINT).succeeded());
}

TEST(CommandMetrics, SayWhyTheyAreNotServed)
{
	Exporter exporter;
	std::string address = "127.0.0.1:" + std::to_string(exporter.port());
	Outcome taken = run_command({ "metrics", "--listen", address });

	EXPECT_EQ(1, taken.end.exit_status);
	EXPECT_TRUE(contains(taken.err, "--listen " + address + ": Address already in use"))
		<< taken.err;
	EXPECT_EQ(1, run_command({ "metrics", "--listen=:0", std::to_string(ended_process()) })
			     .end.exit_status);
}

/* Prometheus */

std::string configuration(uint16_t target)
{
	return "global: { scrape_interval: 200ms, scrape_timeout: 200ms }\n"
	       "scrape_configs:\n"
	       "  - job_name: weir\n"
	       "    static_configs: [ { targets: [ '127.0.0.1:" +
	       std::to_string(target) + "' ] } ]\n";
}

TEST(CommandMetrics, AreScrapedByPrometheus)
{
	std::string program = find_program({ "prometheus" });

	NEED_FOUND(program, "prometheus");
	Holder holder;
	Exporter exporter;
	Prometheus prometheus(program, configuration(exporter.port()));
	std::string labels = "{pid=\"" + std::to_string(holder.pid()) + "\"}";

	prometheus.expect_value("weir_retained_bytes" + labels, 4 * counted(3 * MiB));
	prometheus.expect_value("weir_live_bytes" + labels, 2 * counted(3 * MiB));
	prometheus.expect_value("weir_requests_total" + labels, 6);
	prometheus.expect_value("up", 1);
	command_output({ "release", std::to_string(holder.pid()) });
	prometheus.expect_value("weir_retained_bytes" + labels, 0);
	EXPECT_TRUE(prometheus.end().succeeded()) << prometheus.finish().describe();
}

} // namespace
