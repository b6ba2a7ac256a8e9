#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <unistd.h>

extern "C" {
#include "http.h"
}

namespace
{

/* The URL of a socket that listens there, without its port. */
std::string listening_at(const char *text)
{
	http_address address;
	char url[HTTP_URL_BYTES];
	int listener;

	if (!http_parse_address(text, &address))
		return "no address";
	listener = http_listen(&address);
	if (listener < 0)
		return "not here";
	http_format_url(listener, url);
	close(listener);
	return std::string(url, std::string(url).rfind(':'));
}

TEST(Http, TakesAddressesOfBothKindsAndEveryAddress)
{
	EXPECT_EQ("http://127.0.0.1", listening_at("127.0.0.1:0"));
	EXPECT_EQ("http://127.0.0.1", listening_at("localhost:0"));
	EXPECT_EQ("http://0.0.0.0", listening_at("0.0.0.0:0"));
	std::string every = listening_at(":0");
	EXPECT_TRUE(every == "http://[::]" || every == "http://0.0.0.0") << every;
	std::string loopback = listening_at("[::1]:0");
	EXPECT_TRUE(loopback == "http://[::1]" || loopback == "not here") << loopback;
}

TEST(Http, TakesThePortItIsTold)
{
	http_address address;

	ASSERT_TRUE(http_parse_address("[fe80::1]:9187", &address));
	EXPECT_EQ(AF_INET6, address.any.sa_family);
	EXPECT_EQ(9187, ntohs(address.ipv6.sin6_port));
	ASSERT_TRUE(http_parse_address("10.0.0.1:65535", &address));
	EXPECT_EQ(65535, ntohs(address.ipv4.sin_port));
}

TEST(Http, RefusesEverythingElse)
{
	for (const char *text :
	     { "", "9187", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
	       "127.0.0.1:http", "127.0.0.1: 80", "127.1:80", "example.org:80", "::1:80", "[::1]",
	       "[::1:80", "[]:80", "[:80", "[::1]x:80", "x[::1]:80", "[127.0.0.1]:80",
	       "[fe80:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]:80" }) {
		http_address address;

		EXPECT_FALSE(http_parse_address(text, &address)) << text;
	}
}

TEST(Http, AUrlNamesThePortThatTheSocketGot)
{
	http_address address;
	char url[HTTP_URL_BYTES];

	ASSERT_TRUE(http_parse_address("127.0.0.1:0", &address));
	int listener = http_listen(&address);
	ASSERT_GE(listener, 0);
	http_format_url(listener, url);
	close(listener);
	unsigned port = 0;
	ASSERT_EQ(1, sscanf(url, "http://127.0.0.1:%u/metrics", &port)) << url;
	EXPECT_GT(port, 0U);
}

} // namespace
