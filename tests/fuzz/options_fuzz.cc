/* Any environment through config.c: every kind of option, presets, class limits, names that
 * are not known. Each line of the input is a variable. What must hold: complaints are lines,
 * values are within their ranges, and the settings that are shown are read as the same again. */
#include "target.h"

#include <algorithm>
#include <cstring>
#include <sstream>

extern "C" {
#include "config.h"
#include "config_table.h"
}

namespace
{

using fuzz::must;

/* Complaints, and whether there was one. */
struct Heard {
	static void put(void *context, const char *line)
	{
		Heard *heard = (Heard *)context;
		size_t length = strlen(line);

		heard->lines++;
		must(length > 0 && length < 512, "a complaint is a line");
		must(std::none_of(line, line + length,
				  [](char c) { return (unsigned char)c < ' ' || c == 0x7f; }),
		     "without control characters");
	}
	weir_config_sink sink() { return { put, this }; }

	unsigned lines = 0;
};

struct Loaded {
	Loaded(const std::vector<std::string> &variables, Heard *heard) : entries(variables)
	{
		weir_config_sink sink = heard->sink();
		std::vector<char *> environment;

		for (std::string &entry : entries)
			environment.push_back(entry.data());
		environment.push_back(nullptr);
		if (!weir_config_load(&config, environment.data(), "fuzz", &sink))
			must(config.strict && heard->lines > 0, "only WEIR_STRICT stops a program");
	}

	std::string shown() const
	{
		std::vector<char> data(16384);
		weir_text text;

		weir_text_init(&text, data.data(), data.size());
		weir_config_format_settings(&text, &config);
		must(weir_text_fits(&text), "settings fit");
		weir_text_init(&text, data.data(), data.size());
		weir_config_format_banner(&text, &config);
		must(weir_text_fits(&text), "the banner fits");
		weir_text_init(&text, data.data(), data.size());
		weir_config_format_settings(&text, &config);
		return data.data();
	}

	std::vector<std::string> entries;
	weir_config config = {};
};

std::vector<std::string> lines_of(const std::string &text)
{
	std::vector<std::string> lines;
	std::istringstream all(text);

	for (std::string line; std::getline(all, line);)
		lines.push_back(line.substr(0, line.find('\0')));
	return lines;
}

/* Those that the environment gave, as it could have given them. */
std::vector<std::string> given(const std::string &shown)
{
	static const std::string end = "\tenvironment";
	std::vector<std::string> variables;

	for (const std::string &line : lines_of(shown))
		if (line.size() > end.size() &&
		    line.compare(line.size() - end.size(), end.size(), end) == 0)
			variables.push_back(line.substr(0, line.size() - end.size()));
	return variables;
}

void check_again(const std::string &shown)
{
	Heard heard;
	Loaded again(given(shown), &heard);

	must(heard.lines == 0, "what is shown is accepted");
	must(again.shown() == shown, "and is the same then");
}

bool is_within(size_t bytes, int option)
{
	const weir_option &row = weir_config_options[option];

	return (bytes == WEIR_NO_LIMIT && row.none) || (bytes >= row.min && bytes <= row.max);
}

void check_ranges(const weir_config &config)
{
	must(is_within(config.min_bytes, WEIR_OPTION_MIN), "WEIR_MIN");
	must(is_within(config.max_bytes, WEIR_OPTION_MAX), "WEIR_MAX");
	must(config.min_bytes <= config.max_bytes, "WEIR_MIN up to WEIR_MAX");
	must(is_within(config.limit_bytes, WEIR_OPTION_LIMIT), "WEIR_LIMIT");
	must(is_within(config.footprint_bytes, WEIR_OPTION_FOOTPRINT), "WEIR_FOOTPRINT");
	must(is_within(config.max_alloc_bytes, WEIR_OPTION_MAX_ALLOC), "WEIR_MAX_ALLOC");
	must(is_within(config.live_limit_bytes, WEIR_OPTION_LIVE_LIMIT), "WEIR_LIVE_LIMIT");
	must(config.class_limit_count <= WEIR_CLASS_LIMITS_MAX, "WEIR_CLASS_LIMITS");
	for (unsigned i = 0; i < config.class_limit_count; i++)
		must(config.class_limits[i].min_bytes <= config.class_limits[i].max_bytes,
		     "a range of WEIR_CLASS_LIMITS");
}

void run_options(const uint8_t *data, size_t size)
{
	static const size_t memories[] = { 0, 1, WEIR_MIB, WEIR_GIB, (size_t)1 << 50, SIZE_MAX };
	Heard heard;
	weir_config_sink sink = heard.sink();
	Loaded loaded(lines_of(std::string((const char *)data, size)), &heard);
	std::string shown = loaded.shown();

	/* Of texts with control characters others are shown. */
	if (!loaded.config.disable && shown.find('?') == std::string::npos)
		check_again(shown);
	weir_config_resolve(&loaded.config, memories[size % std::size(memories)], &sink);
	check_ranges(loaded.config);
	weir_config_resolve(&loaded.config, memories[size / 8 % std::size(memories)], &sink);
	check_ranges(loaded.config);
	loaded.shown();
}

const fuzz::Target target = {
	"options",
	run_options,
	4000,
	10000,
	{ "WEIR_LIMIT=64M\nWEIR_MIN=1M\nWEIR_MAX=32M", "WEIR_PRESET=minimal\nWEIR_DECAY=off",
	  "WEIR_PRESET=aggressive\nWEIR_LIMIT=min(1G, 25%)\nWEIR_CLASS_BLOCKS=16",
	  "WEIR_CLASS_LIMITS=64K-1M:32M,16M:64M,*:25%",
	  "WEIR_FOOTPRINT=80%\nWEIR_LIVE_LIMIT=12.5%\nWEIR_MAX_ALLOC=1T",
	  "WEIR_SIGNAL=RTMIN+18\nWEIR_HUGEPAGES=never\nWEIR_BACKGROUND=1",
	  "WEIR_SOCKET=/tmp/%p.sock\nWEIR_SOCKET_DIR=/run\nWEIR_PRESSURE=yes",
	  "WEIR_PROGRAMS=node,fu*\nWEIR_ONLY=0\nWEIR_STRICT=1\nWEIR_VERBOSE=on",
	  "WEIR_REPORT=exit:/tmp/%p.json\nWEIR_LIMITS=1\nWEIR_DISABLE=0",
	  "MEMORY_PRESSURE_WATCH=/x\nMEMORY_PRESSURE_WRITE=c29tZQ==\nXDG_RUNTIME_DIR=/run/user/0",
	  "WEIR_MIN=50%\nWEIR_MAX=1%" },
	{ "WEIR_",
	  "WEIR_LIMIT=",
	  "WEIR_MIN=",
	  "WEIR_MAX=",
	  "WEIR_CLASS_LIMITS=",
	  "WEIR_DECAY=",
	  "WEIR_SIGNAL=",
	  "WEIR_SOCKET=",
	  "WEIR_REPORT=",
	  "WEIR_PROGRAMS=",
	  "WEIR_PRESET=",
	  "none",
	  "off",
	  "auto",
	  "min(",
	  "exit:",
	  "RTMIN+",
	  "RTMIN-",
	  "*:",
	  "%",
	  ",",
	  "-",
	  ":",
	  "\n",
	  "64K",
	  "4G",
	  "4096G",
	  "18446744073709551616" },
};

const fuzz::Registration registration(target);

} // namespace
