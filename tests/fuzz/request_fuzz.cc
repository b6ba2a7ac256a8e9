/* Any bytes through all that reads what another process wrote: requests and the settings
 * in them, names of socket files, /proc/PID/stat. What must hold is checked here, and by
 * the sanitizers: each input lies in a block of its own size.
 *
 * driver.cc runs it without libFuzzer. With it, $src being the source directory:
 *
 *   clang -g -O1 -D_GNU_SOURCE -iquote $src/src/lib -iquote $src/include \
 *     -iquote $src/tests/harness -fsanitize=fuzzer-no-link,address,undefined -c \
 *     $src/src/lib/{complaint,config,config_set,config_table,option,option_class}.c \
 *     $src/src/lib/{option_name,option_size,report,request,socket_path,text,units}.c \
 *     $src/tests/harness/fake_os.c
 *   clang++ -g -O1 -std=c++17 -iquote $src/src/lib -iquote $src/include \
 *     -fsanitize=fuzzer,address,undefined $src/tests/fuzz/request_fuzz.cc *.o -o request_fuzz
 *   ./request_fuzz -max_len=1100 corpus */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "request.h"
#include "socket_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
}

namespace
{

void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

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

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	std::vector<char> bytes(data, data + size);

	bytes.reserve(1);
	try_request(bytes);
	bytes.push_back('\0');
	bytes.shrink_to_fit();
	try_file_name(bytes.data());
	try_stat(bytes.data());
	return 0;
}
