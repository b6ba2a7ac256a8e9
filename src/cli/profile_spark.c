#include "profile_spark.h"

#include "print.h"

#include <langinfo.h>
#include <string.h>

#define WIDTH 60

static const char *spark(uint64_t value, uint64_t most)
{
	static const char *const blocks[] = { " ",	"\u2581", "\u2582", "\u2583", "\u2584",
					      "\u2585", "\u2586", "\u2587", "\u2588" };
	static const char *const letters[] = { " ", ".", ".", ":", ":", "|", "|", "#", "#" };
	uint64_t level = most == 0 ? 0 : (print_tenths(value, most) * 8 + 999) / 1000;
	bool is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;

	return (is_utf8 ? blocks : letters)[level];
}

static uint64_t most_within(const struct profile_moments *moments, size_t begin, size_t end)
{
	uint64_t most = 0;

	for (size_t i = begin; i < weir_max(end, begin + 1); i++)
		most = weir_max(most, moments->most[i][PROFILE_LIVE_BYTES]);
	return most;
}

void profile_spark(const struct profile_figures *figures, FILE *to)
{
	const struct profile_moments *moments = &figures->moments;
	size_t width = weir_min(moments->count, (size_t)WIDTH);

	fputs("  ", to);
	for (size_t i = 0; i < width; i++)
		fputs(spark(most_within(moments, i * moments->count / width,
					(i + 1) * moments->count / width),
			    figures->peak_live_bytes),
		      to);
	fputc('\n', to);
}
