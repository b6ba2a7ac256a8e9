#include "scrape.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cctype>
#include <csignal>
#include <regex>

namespace e2e
{

namespace
{

Launch exporter(std::vector<std::string> pids, const std::string &address)
{
	pids.insert(pids.begin(), { "metrics", "--listen", address });
	return command(pids);
}

Launch prometheus(const std::string &program, const Directory &directory,
		  const std::string &configuration)
{
	write_file(directory.file("prometheus.yml"), configuration);
	return Launch({ program, "--config.file=" + directory.file("prometheus.yml"),
			"--storage.tsdb.path=" + directory.file("data"),
			"--web.listen-address=127.0.0.1:0" })
		.plain();
}

std::string percent_encoded(const std::string &text)
{
	std::string encoded;
	char code[4];

	for (unsigned char c : text) {
		snprintf(code, sizeof(code), "%%%02X", c);
		encoded += std::isalnum(c) ? std::string(1, static_cast<char>(c)) : code;
	}
	return encoded;
}

} // namespace

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

std::string get(uint16_t port, const std::string &path, const std::string &method)
{
	return ask_http(port, method + " " + path + " HTTP/1.1\r\nHost: here\r\n" +
				      "Connection: close\r\n\r\n");
}

std::string body(const std::string &answer)
{
	size_t end = answer.find("\r\n\r\n");

	return end == std::string::npos ? "no answer" : answer.substr(end + 4);
}

Listener::Listener(const Launch &launch, const char *said) : Running(launch)
{
	std::regex pattern(said);
	std::smatch found;
	std::string text;

	if (eventually([&] {
		    text = errors();
		    return std::regex_search(text, found, pattern);
	    }))
		port_ = static_cast<uint16_t>(std::stoul(found[1]));
	EXPECT_NE(0, port_) << text;
}

Outcome Listener::end(int number)
{
	signal(number);
	return finish();
}

Exporter::Exporter(std::vector<std::string> pids, const std::string &address)
    : Listener(exporter(std::move(pids), address), "listening on http://[^ ]+:([0-9]+)/metrics\n")
{
}

Prometheus::Prometheus(const std::string &program, const std::string &configuration)
    : Listener(prometheus(program, *this, configuration),
	       R"(msg="Listening on" address=127\.0\.0\.1:([0-9]+))")
{
}

/* By HTTP 1.0, so that nothing is sent in chunks. */
nlohmann::json Prometheus::data(const std::string &path) const
{
	auto answer = nlohmann::json::parse(
		body(ask_http(port(), "GET /api/v1/" + path + " HTTP/1.0\r\nHost: here\r\n\r\n")),
		nullptr, false);

	if (answer.is_discarded() || answer["status"] != "success")
		return nullptr;
	return answer["data"];
}

nlohmann::json Prometheus::query(const std::string &expression) const
{
	return data("query?query=" + percent_encoded(expression));
}

std::string Prometheus::value(const std::string &expression) const
{
	nlohmann::json found = query(expression);

	if (found.is_null() || found["result"].size() != 1)
		return "";
	return found["result"][0]["value"][1].get<std::string>();
}

void Prometheus::expect_value(const std::string &expression, uint64_t wanted) const
{
	std::string seen;

	EXPECT_TRUE(eventually([&] {
		seen = value(expression);
		return seen == std::to_string(wanted);
	})) << expression
	    << " is " << seen << ", not " << wanted;
}

} // namespace e2e
