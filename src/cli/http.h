/* One text, served over HTTP at /metrics (libmicrohttpd): GET and HEAD, in one thread, to few
 * peers at once. */
#ifndef WEIR_CLI_HTTP_H
#define WEIR_CLI_HTTP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

/* False in a build without libmicrohttpd. */
bool http_is_built(void);

#define HTTP_ADDRESSES \
	"127.0.0.1:9187, [::1]:9187, localhost:9187, or :9187 for every address of the machine"

union http_address {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6; /* the largest */
};

/* False for anything but these forms; names are not looked up. */
bool http_parse_address(const char *text, union http_address *address);

/* A socket that listens there, or -1 with errno. Where the machine has no IPv6, `every
 * address` is those of IPv4. */
int http_listen(const union http_address *address);

/* http://127.0.0.1:9187/metrics, with the port that the socket got. */
#define HTTP_URL_BYTES 80
void http_format_url(int listener, char *url);

struct http_text {
	const char *type;
	/* Allocated, or NULL; called by the serving thread only. */
	char *(*make)(void *context, size_t *bytes);
	void *context;
};

/* Serves until SIGINT or SIGTERM and closes the socket. `ready` is called when it begins.
 * False when it cannot begin. */
bool http_serve(int listener, const struct http_text *text, void (*ready)(const char *url));

#endif
