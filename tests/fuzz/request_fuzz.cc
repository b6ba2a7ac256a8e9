/* Any bytes through all that reads what another process wrote: requests and the settings
 * in them, names of socket files, /proc/PID/stat. */
#include "target.h"

#include <cstring>

extern "C" {
#include "request.h"
#include "socket_path.h"
}

namespace
{

using fuzz::must;

/* A text as the library takes reasons, with its place. */
struct Reason {
	Reason() { weir_text_init(&text, data, sizeof data); }

	char data[512];
	weir_text text;
};

/* Settings */

/* With ranges that no rounding changes, so that their limits may be set. */
weir_config default_config()
{
	static char ranges[] = "WEIR_CLASS_LIMITS=512M-1G:2G,*:128M";
	static char *const environment[] = { ranges, nullptr };
	weir_config config;

	memset(&config, 0, sizeof config);
	weir_config_load(&config, environment, "fuzz", nullptr);
	weir_config_resolve(&config, WEIR_GIB, nullptr);
	return config;
}

std::string setting(const weir_config &config, const char *name)
{
	char data[2048];
	weir_text text;

	weir_text_init(&text, data, sizeof data);
	must(weir_config_format_setting(&text, &config, name), "a setting that was set has a name");
	must(weir_text_fits(&text), "a setting fits");
	return data;
}

/* `NAME=VALUE<tab>set` and a newline: the value between. */
std::string value_in(const std::string &line)
{
	size_t begin = line.find('=') + 1, end = line.find("\tset\n");

	must(end != std::string::npos, "what was set says so");
	return line.substr(begin, end - begin);
}

void try_setting(const char *name, const char *value)
{
	static const weir_config before = default_config();
	weir_config config = before;
	Reason reason, again;

	if (!weir_config_set(&config, name, value, WEIR_GIB, &reason.text)) {
		must(reason.text.used > 0, "a value is refused with a reason");
		must(memcmp(&config, &before, sizeof config) == 0,
		     "a value that is refused changes nothing");
		return;
	}
	must(reason.text.used == 0, "a value is accepted without a word");
	std::string line = setting(config, name);

	must(weir_config_set(&config, name, value_in(line).c_str(), WEIR_GIB, &again.text),
	     "the value that is shown is accepted");
	must(setting(config, name) == line, "and is the same then");
}

/* Requests */

bool is_terminated(const char *text)
{
	return memchr(text, '\0', WEIR_REQUEST_BYTES_MAX) != nullptr;
}

void check_accepted(const weir_request &request)
{
	must(request.verb <= WEIR_VERB_SET, "a request has a verb");
	must((request.name[0] != '\0') ==
		     (request.verb == WEIR_VERB_GET || request.verb == WEIR_VERB_SET),
	     "get and set have a name, and no other");
	must((request.value[0] != '\0') == (request.verb == WEIR_VERB_SET),
	     "set has a value, and no other");
	must(request.min_bytes <= request.max_bytes, "a range has a size");
	must(request.is_partial || (request.keep_bytes == 0 && request.min_bytes == 0 &&
				    request.max_bytes == WEIR_NO_LIMIT),
	     "a release of everything keeps nothing");
	must(request.verb == WEIR_VERB_RELEASE || !request.is_partial, "only releases have a part");
	if (request.verb == WEIR_VERB_SET)
		try_setting(request.name, request.value);
}

void try_request(const std::vector<char> &line)
{
	weir_request request;
	Reason reason;

	memset(&request, 0xa5, sizeof request);
	if (weir_request_parse(&request, line.data(), line.size(), &reason.text)) {
		must(reason.text.used == 0, "a request is accepted without a word");
		must(line.size() < WEIR_REQUEST_BYTES_MAX, "what is accepted is short");
		check_accepted(request);
	} else {
		must(reason.text.used > 0, "a request is refused with a reason");
		must(weir_text_fits(&reason.text), "the reason is whole");
	}
	must(is_terminated(request.name) && is_terminated(request.value), "words are terminated");
}

/* Names and stat */

void try_file_name(const char *name)
{
	uint64_t pid = 0, start = 0;
	Reason made;

	if (!weir_socket_is_name(name, &pid, &start))
		return;
	weir_socket_format_name(&made.text, pid, start);
	must(weir_socket_is_name(made.data, &pid, &start), "a name is made of what was read");
	must(strlen(made.data) <= strlen(name), "and has no digit more");
}

void try_stat(const char *stat)
{
	uint64_t start = weir_socket_parse_start(stat);
	char digits[32];

	snprintf(digits, sizeof digits, "%llu", (unsigned long long)start);
	must(start == 0 || strstr(stat, digits), "a start time stands in the text");
}

void run_request(const uint8_t *data, size_t size)
{
	std::vector<char> bytes(data, data + size);

	bytes.reserve(1);
	try_request(bytes);
	bytes = fuzz::terminated(data, size);
	try_file_name(bytes.data());
	try_stat(bytes.data());
}

const fuzz::Target target = {
	"request",
	run_request,
	WEIR_REQUEST_BYTES_MAX + 76, /* a little more than one may have */
	300000,
	{
		"",
		"ping",
		"stats\r",
		"metrics",
		"release",
		"release keep=64M",
		"release class=64K-1M",
		"release keep=1.5G class=*",
		"get WEIR_LIMIT",
		"set WEIR_LIMIT 64M",
		"set WEIR_LIMIT min(512M, 12.5%)",
		"set WEIR_LIMIT min(1G,25%)",
		"set WEIR_FOOTPRINT 25%",
		"set WEIR_CLASS_BLOCKS 16",
		"set WEIR_MAX_ALLOC none",
		"set WEIR_DECAY 1.5s",
		"set WEIR_CLASS_LIMITS none",
		"set WEIR_CLASS_LIMITS 64K-1M:32M,16M:25%,*:128M",
		"set WEIR_CLASS_LIMITS 512M-1G:1G,*:25%",
		"set WEIR_SIGNAL USR2",
		"4711-123456.sock",
		"1-18446744073709551615.sock",
		"4711 (a) b) S 1 4711 4711 0 -1 4194560 1 0 0 0 2 3 0 0 20 0 1 0 987654 1 2 3\n",
	},
	{
		" ",
		"\t",
		"\r",
		"\n",
		"=",
		"-",
		"*",
		":",
		",",
		"%",
		".",
		")",
		"(",
		"0",
		"9",
		"4G",
		"64K",
		"min(",
		"keep=",
		"class=",
		"none",
		"off",
		"ping",
		"get",
		"set",
		"WEIR_LIMIT",
		"WEIR_DECAY",
		".sock",
		"18446744073709551616",
	},
};

const fuzz::Registration registration(target);

} // namespace
