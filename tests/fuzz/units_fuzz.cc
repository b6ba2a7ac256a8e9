/* Sizes, shares, times and counts of any text against a second reading of the rules of units.h,
 * and what is written against what is read back. */
#include "target.h"

#include <cstring>
#include <regex>

extern "C" {
#include "units.h"
}

namespace
{

using fuzz::must;

struct Suffix {
	const char *name;
	uint64_t factor;
};

const std::vector<Suffix> sizes = {
	{ "", 1 },
	{ "b", 1 },
	{ "k", 1ULL << 10 },
	{ "kb", 1ULL << 10 },
	{ "kib", 1ULL << 10 },
	{ "m", 1ULL << 20 },
	{ "mb", 1ULL << 20 },
	{ "mib", 1ULL << 20 },
	{ "g", 1ULL << 30 },
	{ "gb", 1ULL << 30 },
	{ "gib", 1ULL << 30 },
	{ "t", 1ULL << 40 },
	{ "tb", 1ULL << 40 },
	{ "tib", 1ULL << 40 },
};
const std::vector<Suffix> shares = { { "%", 100 } };
const std::vector<Suffix> times = {
	{ "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 60 * 60 * 1000 },
};

/* False for what is no number of these, or one above `most`. */
bool read(const std::string &text, const std::vector<Suffix> &suffixes, uint64_t most,
	  uint64_t *value)
{
	static const std::regex form("([0-9]+)(?:\\.([0-9]{1,6}))?([a-zA-Z%]*)");
	std::smatch parts;

	if (text.size() > 60 || !std::regex_match(text, parts, form))
		return false;
	for (const Suffix &suffix : suffixes) {
		unsigned __int128 whole = 0, fraction = 0, scale = 1;

		if (strcasecmp(suffix.name, parts.str(3).c_str()) != 0)
			continue;
		for (char c : parts.str(1)) {
			whole = whole * 10 + (unsigned)(c - '0');
			if (whole > UINT64_MAX)
				return false;
		}
		for (char c : parts.str(2)) {
			fraction = fraction * 10 + (unsigned)(c - '0');
			scale *= 10;
		}
		whole = whole * suffix.factor + fraction * suffix.factor / scale;
		*value = (uint64_t)whole;
		return whole <= most && (scale == 1 || suffix.factor > 1);
	}
	return false;
}

template <class Value>
void compare(bool (*parse)(const char *text, size_t length, Value *value), const char *data,
	     const std::string &text, const std::vector<Suffix> &suffixes, uint64_t most)
{
	uint64_t wanted = 0;
	Value found = 77;
	bool accepted = parse(data, text.size(), &found);

	/* Longer ones are all zeroes and digits that overflow: not worth a second reading. */
	if (text.size() > 60)
		return;
	must(accepted == read(text, suffixes, most, &wanted), "both readings accept the same");
	must(accepted ? found == wanted : found == 77, "and read the same");
}

template <class Value, class Written>
void there_and_back(void (*format)(weir_text *text, Written value),
		    bool (*parse)(const char *text, size_t length, Value *value), Value value)
{
	char data[64];
	weir_text text;
	Value again = 0;

	weir_text_init(&text, data, sizeof data);
	format(&text, value);
	must(weir_text_fits(&text), "a value fits");
	must(parse(data, text.used, &again) && again == value, "what is written is read back");
}

void run_units(const uint8_t *data, size_t size)
{
	std::vector<char> bytes(data, data + size);
	std::string text(bytes.begin(), bytes.end());
	uint64_t value = 0;
	char shown[64];
	weir_text people;

	bytes.shrink_to_fit();
	bytes.reserve(1);
	compare(weir_units_parse_size, bytes.data(), text, sizes, SIZE_MAX);
	compare(weir_units_parse_share, bytes.data(), text, shares, WEIR_SHARE_WHOLE);
	compare(weir_units_parse_time, bytes.data(), text, times, UINT64_MAX);
	memcpy(&value, data, size < sizeof value ? size : sizeof value);
	there_and_back<size_t>(weir_units_format_size_option, weir_units_parse_size, value);
	there_and_back<uint64_t>(weir_units_format_time_option, weir_units_parse_time, value);
	there_and_back<unsigned>(weir_units_format_share_option, weir_units_parse_share,
				 (unsigned)(value % (WEIR_SHARE_WHOLE + 1)));
	weir_text_init(&people, shown, sizeof shown);
	weir_units_format_size(&people, value);
	must(weir_text_fits(&people), "a size for people fits");
}

const fuzz::Target target = {
	"units",
	run_units,
	80,
	100000,
	{ "4096", "64K", "1.5G", "12.5%", "500ms", "10s", "1.5m", "2h", "18446744073709551615",
	  "16777215.999999T", "0.000001M" },
	{ ".", "%", "0", "9", "99999", "KiB", "ms", "h", "T", "18446744073709551616", "-", " " },
};

const fuzz::Registration registration(target);

} // namespace
