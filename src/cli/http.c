#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 64

/* Addresses. */

static bool parse_port(const char *text, in_port_t *port)
{
	unsigned value = 0;

	if (*text == '\0' || strlen(text) > 5)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (unsigned)(*text - '0');
	}
	*port = htons((uint16_t)value);
	return value <= UINT16_MAX;
}

static bool parse_ipv4(const char *host, in_port_t port, union http_address *address)
{
	address->ipv4.sin_family = AF_INET;
	address->ipv4.sin_port = port;
	return inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
			 &address->ipv4.sin_addr) == 1;
}

/* Also the empty host: every address, of IPv4 too. */
static bool parse_ipv6(const char *host, in_port_t port, union http_address *address)
{
	char inner[INET6_ADDRSTRLEN] = "::";
	size_t length = strlen(host);

	address->ipv6.sin6_family = AF_INET6;
	address->ipv6.sin6_port = port;
	if (length >= 2) {
		if (host[length - 1] != ']' || length - 2 >= sizeof inner)
			return false;
		memcpy(inner, host + 1, length - 2);
		inner[length - 2] = '\0';
	}
	return length != 1 && inet_pton(AF_INET6, inner, &address->ipv6.sin6_addr) == 1;
}

bool http_parse_address(const char *text, union http_address *address)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	in_port_t port;

	memset(address, 0, sizeof *address);
	if (colon == NULL || (size_t)(colon - text) >= sizeof host || !parse_port(colon + 1, &port))
		return false;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	if (host[0] == '[' || host[0] == '\0')
		return parse_ipv6(host, port, address);
	return parse_ipv4(host, port, address);
}

static in_port_t port_of(const union http_address *address)
{
	return address->any.sa_family == AF_INET6 ? address->ipv6.sin6_port
						  : address->ipv4.sin_port;
}

static bool is_every_address(const union http_address *address)
{
	return address->any.sa_family == AF_INET6 &&
	       IN6_IS_ADDR_UNSPECIFIED(&address->ipv6.sin6_addr);
}

/* The listening socket. */

static int listen_at(const union http_address *address)
{
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, off = 0, error;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (address->any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	if (bind(fd, &address->any, sizeof *address) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

int http_listen(const union http_address *address)
{
	union http_address ipv4;
	int fd = listen_at(address);

	if (fd >= 0 || !is_every_address(address) ||
	    (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL))
		return fd;
	memset(&ipv4, 0, sizeof ipv4);
	ipv4.ipv4.sin_family = AF_INET;
	ipv4.ipv4.sin_port = port_of(address);
	return listen_at(&ipv4);
}

void http_format_url(int listener, char *url)
{
	union http_address address;
	socklen_t length = sizeof address;
	char host[INET6_ADDRSTRLEN] = "";
	bool is_ipv6;

	memset(&address, 0, sizeof address);
	getsockname(listener, &address.any, &length);
	is_ipv6 = address.any.sa_family == AF_INET6;
	if (is_ipv6)
		inet_ntop(AF_INET6, &address.ipv6.sin6_addr, host, sizeof host);
	else
		inet_ntop(AF_INET, &address.ipv4.sin_addr, host, sizeof host);
	snprintf(url, HTTP_URL_BYTES, is_ipv6 ? "http://[%s]:%u/metrics" : "http://%s:%u/metrics",
		 host, (unsigned)ntohs(port_of(&address)));
}

#ifdef HAVE_MICROHTTPD

#include <microhttpd.h>

/* A peer that says nothing, or takes nothing, for so long is dropped. */
#define PEERS_MAX 32U
#define PEERS_OF_ONE_ADDRESS_MAX 8U
#define SILENT_SECONDS_MAX 10U

#define HTML "text/html; charset=utf-8"
#define WORDS "text/plain; charset=utf-8"

static const char front_page[] = "<!DOCTYPE html>\n<title>weir</title>\n"
				 "<p>Processes under weir: <a href=\"/metrics\">metrics</a></p>\n";

bool http_is_built(void)
{
	return true;
}

/* Hands the response over, whoever owns its text. */
static enum MHD_Result send_response(struct MHD_Connection *peer, unsigned status, const char *type,
				     struct MHD_Response *response)
{
	enum MHD_Result result;

	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(peer, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result send_words(struct MHD_Connection *peer, unsigned status, const char *type,
				  const char *words)
{
	return send_response(peer, status, type,
			     MHD_create_response_from_buffer(strlen(words),
							     (void *)(uintptr_t)words,
							     MHD_RESPMEM_PERSISTENT));
}

static enum MHD_Result send_text(struct MHD_Connection *peer, const struct http_text *text)
{
	size_t bytes;
	char *made = text->make(text->context, &bytes);
	struct MHD_Response *response;

	if (made == NULL)
		return send_words(peer, MHD_HTTP_SERVICE_UNAVAILABLE, WORDS, "out of memory\n");
	response = MHD_create_response_from_buffer(bytes, made, MHD_RESPMEM_MUST_FREE);
	if (response == NULL)
		free(made);
	return send_response(peer, MHD_HTTP_OK, text->type, response);
}

/* The library leaves the body out of answers to HEAD. What a request carries is not read. */
static enum MHD_Result answer(void *context, struct MHD_Connection *peer, const char *path,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_bytes, void **request)
{
	(void)version, (void)upload, (void)upload_bytes, (void)request;
	if (strcmp(path, "/metrics") != 0 && strcmp(path, "/") != 0)
		return send_words(peer, MHD_HTTP_NOT_FOUND, WORDS, "see /metrics\n");
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return send_words(peer, MHD_HTTP_METHOD_NOT_ALLOWED, WORDS, "GET or HEAD\n");
	if (strcmp(path, "/") == 0)
		return send_words(peer, MHD_HTTP_OK, HTML, front_page);
	return send_text(peer, context);
}

static struct MHD_Daemon *start(int listener, const struct http_text *text)
{
	struct MHD_OptionItem options[] = {
		{ MHD_OPTION_LISTEN_SOCKET, listener, NULL },
		{ MHD_OPTION_CONNECTION_LIMIT, PEERS_MAX, NULL },
		{ MHD_OPTION_PER_IP_CONNECTION_LIMIT, PEERS_OF_ONE_ADDRESS_MAX, NULL },
		{ MHD_OPTION_CONNECTION_TIMEOUT, SILENT_SECONDS_MAX, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};

	return MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, answer,
				(void *)(uintptr_t)text, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

bool http_serve(int listener, const struct http_text *text, void (*ready)(const char *url))
{
	struct MHD_Daemon *daemon;
	char url[HTTP_URL_BYTES];
	sigset_t ends;
	int got;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL); /* before the thread, which inherits it */
	http_format_url(listener, url);
	daemon = start(listener, text);
	if (daemon == NULL) {
		close(listener);
		return false;
	}
	ready(url);
	sigwait(&ends, &got);
	MHD_stop_daemon(daemon);
	return true;
}

#else

bool http_is_built(void)
{
	return false;
}

bool http_serve(int listener, const struct http_text *text, void (*ready)(const char *url))
{
	(void)text, (void)ready;
	close(listener);
	errno = ENOSYS;
	return false;
}

#endif
