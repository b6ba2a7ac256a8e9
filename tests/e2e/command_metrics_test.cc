/* weir metrics: OpenMetrics text, printed, served over HTTP, and scraped by Prometheus. */
#include "command.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

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

class Exporter : public Running
{
public:
	explicit Exporter(std::vector<std::string> pids = {},
			  const std::string &address = "127.0.0.1:0")
	    : Running(launch(std::move(pids), address))
	{
		static const std::regex url("listening on http://[^ ]+:([0-9]+)/metrics\n");
		std::smatch found;
		std::string said;

		if (eventually([&] {
			    said = errors();
			    return std::regex_search(said, found, url);
		    }))
			port_ = static_cast<uint16_t>(std::stoul(found[1]));
		EXPECT_NE(0, port_) << said;
	}
	uint16_t port() const { return port_; }
	Outcome end(int number = SIGTERM)
	{
		signal(number);
		return finish();
	}

private:
	static Launch launch(std::vector<std::string> pids, const std::string &address)
	{
		pids.insert(pids.begin(), { "metrics", "--listen", address });
		return command(pids);
	}
	uint16_t port_ = 0;
};

/* Everything that is answered until the other end closes. */
std::string ask_http(uint16_t port, const std::string &request)
{
	sockaddr_in address = {};
	timeval limit = { 10, 0 };
	int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	std::string answer;
	char chunk[4096];
	ssize_t count;

	address.sin_family = AF_INET;
	address.sin_port = htons(port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(peer, reinterpret_cast<sockaddr *>(&address), sizeof(address)) == 0 &&
	    send(peer, request.data(), request.size(), MSG_NOSIGNAL) ==
		    static_cast<ssize_t>(request.size()))
		while ((count = recv(peer, chunk, sizeof(chunk), 0)) > 0)
			answer.append(chunk, static_cast<size_t>(count));
	close(peer);
	return answer;
}

std::string get(uint16_t port, const std::string &path, const std::string &method = "GET")
{
	return ask_http(port, method + " " + path + " HTTP/1.1\r\nHost: here\r\n" +
				      "Connection: close\r\n\r\n");
}

std::string body(const std::string &answer)
{
	size_t end = answer.find("\r\n\r\n");

	return end == std::string::npos ? "no answer" : answer.substr(end + 4);
}

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

class Prometheus : private Directory, public Running
{
public:
	Prometheus(const std::string &program, uint16_t target)
	    : Running(launch(program, configure(file("weir.yml"), target), file("data")))
	{
		static const std::regex port(R"(msg="Listening on" address=127\.0\.0\.1:([0-9]+))");
		std::smatch found;
		std::string said;

		if (eventually([&] {
			    said = errors();
			    return std::regex_search(said, found, port);
		    }))
			port_ = static_cast<uint16_t>(std::stoul(found[1]));
		EXPECT_NE(0, port_) << said;
	}
	/* The value of the one series that the query finds; empty where it finds none yet. */
	std::string value(const std::string &query) const
	{
		auto answer = nlohmann::json::parse(
			body(ask_http(port_, "GET /api/v1/query?query=" + query +
						     " HTTP/1.0\r\nHost: here\r\n\r\n")),
			nullptr, false);
		auto none = nlohmann::json::array();
		auto series = answer.is_discarded() || answer["status"] != "success"
				      ? none
				      : answer["data"]["result"];

		return series.size() == 1 ? series[0]["value"][1].get<std::string>() : "";
	}
	void expect_value(const std::string &query, uint64_t wanted) const
	{
		std::string seen;

		EXPECT_TRUE(eventually([&] {
			seen = value(query);
			return seen == std::to_string(wanted);
		})) << query
		    << " is " << seen << ", not " << wanted;
	}

private:
	static std::string configure(const std::string &path, uint16_t target)
	{
		write_file(path, "global: { scrape_interval: 200ms, scrape_timeout: 200ms }\n"
				 "scrape_configs:\n"
				 "  - job_name: weir\n"
				 "    static_configs: [ { targets: [ '127.0.0.1:" +
					 std::to_string(target) + "' ] } ]\n");
		return path;
	}
	static Launch launch(const std::string &program, const std::string &config,
			     const std::string &data)
	{
		return Launch({ program, "--config.file=" + config, "--storage.tsdb.path=" + data,
				"--web.listen-address=127.0.0.1:0" })
			.plain();
	}
	uint16_t port_ = 0;
};

TEST(CommandMetrics, AreScrapedByPrometheus)
{
	std::string program = find_program({ "prometheus" });

	NEED_FOUND(program, "prometheus");
	Holder holder;
	Exporter exporter;
	Prometheus prometheus(program, exporter.port());
	std::string labels = "%7Bpid=%22" + std::to_string(holder.pid()) + "%22%7D";

	prometheus.expect_value("weir_retained_bytes" + labels, 4 * counted(3 * MiB));
	prometheus.expect_value("weir_live_bytes" + labels, 2 * counted(3 * MiB));
	prometheus.expect_value("weir_requests_total" + labels, 6);
	prometheus.expect_value("up", 1);
	command_output({ "release", std::to_string(holder.pid()) });
	prometheus.expect_value("weir_retained_bytes" + labels, 0);
	prometheus.signal(SIGTERM);
	EXPECT_TRUE(prometheus.finish().succeeded()) << prometheus.finish().describe();
}

} // namespace
