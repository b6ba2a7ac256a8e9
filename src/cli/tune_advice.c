/* What weir tune recommends, and the reason for each setting. */
#include "tune.h"

#include "print.h"
#include "units.h"

#include <stdarg.h>
#include <string.h>

bool tune_is_worthwhile(const struct tuning *tuning)
{
	return tuning_is_served(tuning) && strcmp(tuning->best->settings.preset, "off") != 0;
}

__attribute__((format(printf, 4, 5))) static void add(struct tune_advice *advice, const char *name,
						      const char *value, const char *format, ...)
{
	size_t i = advice->count++;
	va_list arguments;

	snprintf(advice->values[i], TUNE_VALUE_BYTES, "%s", value);
	advice->variables[i] = (struct deploy_variable){ name, advice->values[i] };
	va_start(arguments, format);
	vsnprintf(advice->reasons[i], TUNE_VALUE_BYTES, format, arguments);
	va_end(arguments);
}

/* Why it is not less. */
static void put_bound(char *bound, const struct tuning *tuning)
{
	const struct tuning_candidate *less = tuning_too_small(tuning);
	struct weir_text text;

	weir_text_init(&text, bound, TUNE_VALUE_BYTES);
	if (less == NULL)
		return;
	weir_text_string(&text, "; ");
	weir_units_format_size_option(&text, less->settings.limit_bytes);
	weir_text_string(&text, " made the program too slow, ");
	weir_text_fixed(&text, (uint64_t)(less->wall.middle * 100), 2);
	weir_text_string(&text, " of the fastest time");
}

static void add_limit(struct tune_advice *advice, const struct tuning *tuning)
{
	const struct tuning_settings *settings = &tuning->best->settings;
	char value[PRINT_SIZE_BYTES], retained[PRINT_SIZE_BYTES], bound[TUNE_VALUE_BYTES];
	struct weir_text text;

	if (settings->limit_bytes == 0)
		return;
	weir_text_init(&text, value, sizeof value);
	weir_units_format_size_option(&text, settings->limit_bytes);
	put_bound(bound, tuning);
	add(advice, "WEIR_LIMIT", value,
	    "%s were retained without it; resident size %.2f of that then%s",
	    print_size(retained, tuning->fastest->tally.peak_retained_bytes),
	    tuning_gain(tuning, "limit"), bound);
}

static void add_decay(struct tune_advice *advice, const struct tuning *tuning)
{
	const struct tuning_settings *settings = &tuning->best->settings;
	char value[PRINT_SIZE_BYTES];
	struct weir_text text;

	if (settings->decay_ms == 0)
		return;
	weir_text_init(&text, value, sizeof value);
	weir_units_format_time_option(&text, settings->decay_ms);
	add(advice, "WEIR_DECAY", value,
	    "what stays unused so long goes; resident size %.2f of that without",
	    tuning_gain(tuning, "decay"));
	if (settings->background)
		add(advice, "WEIR_BACKGROUND", "1",
		    "decay goes on while the program idles; it gets a thread for it");
}

static void add_classes(struct tune_advice *advice, const struct tuning *tuning)
{
	const struct tuning_settings *settings = &tuning->best->settings;

	if (settings->classes[0] != '\0')
		add(advice, "WEIR_CLASS_LIMITS", settings->classes,
		    "none of these, which were asked for least by what they hold, are kept; "
		    "resident size %.2f of that without",
		    tuning_gain(tuning, "classes"));
}

void tune_advise(struct tune_advice *advice, const struct tuning *tuning)
{
	const char *preset = tuning->best->settings.preset;

	add(advice, "LD_PRELOAD", "libweir.so.0",
	    "weir; a full path where ldconfig does not know it");
	if (strcmp(preset, "default") != 0)
		add(advice, "WEIR_PRESET", preset,
		    strcmp(preset, tuning->preset->settings.preset) == 0
			    ? "of the presets that are fast enough the smallest"
			    : "the fastest of the presets");
	add_limit(advice, tuning);
	add_decay(advice, tuning);
	add_classes(advice, tuning);
}
