/* Figures over HTTP: `weir metrics --listen`, requests to it, and a Prometheus that scrapes it
 * and is asked by its HTTP interface. All on loopback, at ports that were free. */
#ifndef WEIR_TESTS_SCRAPE_H
#define WEIR_TESTS_SCRAPE_H

#include "command.h"

#include <csignal>

namespace e2e
{

/* Everything that is answered until the other end closes; and to a whole request. */
std::string ask_http(uint16_t port, const std::string &request);
std::string get(uint16_t port, const std::string &path, const std::string &method = "GET");
std::string body(const std::string &answer);

/* A program that says on stderr at which port it listens: the first match of `said` has it. */
class Listener : public Running
{
public:
	Listener(const Launch &launch, const char *said);
	uint16_t port() const { return port_; }
	Outcome end(int number = SIGTERM);

private:
	uint16_t port_ = 0;
};

class Exporter : public Listener
{
public:
	explicit Exporter(std::vector<std::string> pids = {},
			  const std::string &address = "127.0.0.1:0");
};

/* Prometheus, with a configuration that may name rule files by their paths. */
class Prometheus : private Directory, public Listener
{
public:
	Prometheus(const std::string &program, const std::string &configuration);

	/* The `data` of an answer; null where it is none, or is no success. `path` is what
	 * stands behind /api/v1/, the query is a PromQL expression. */
	nlohmann::json data(const std::string &path) const;
	nlohmann::json query(const std::string &expression) const;

	/* The value of the one series that the query finds; empty where it finds none yet. */
	std::string value(const std::string &expression) const;
	void expect_value(const std::string &expression, uint64_t wanted) const;
};

} // namespace e2e

#endif
