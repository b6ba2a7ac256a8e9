#include "config_table.h"

#include "classes.h"

#include <string.h>

#define SMALLEST_REQUEST (4 * WEIR_KIB)
#define LARGEST_LIMIT ((uint64_t)4 << 40)
#define MOST_OF_LIMIT WEIR_BY_ADDRESS_BITS(LARGEST_LIMIT, WEIR_MOST_BYTES)
#define SHORTEST_DECAY_MS 10
#define LONGEST_DECAY_MS (1000ULL * 60 * 60 * 1000)

static const char *const preset_words[] = {
	[WEIR_PRESET_OFF] = "off",
	[WEIR_PRESET_MINIMAL] = "minimal",
	[WEIR_PRESET_MODERATE] = "moderate",
	[WEIR_PRESET_DEFAULT] = "default",
	[WEIR_PRESET_AGGRESSIVE] = "aggressive",
	NULL,
};

const struct weir_preset_texts weir_config_presets[] = {
	[WEIR_PRESET_OFF] = { .limit = "0" },
	[WEIR_PRESET_MINIMAL] = { "8M", "1M", "8", "1s" },
	[WEIR_PRESET_MODERATE] = { "32M", "32M", "16", "5s" },
	[WEIR_PRESET_DEFAULT] = { .limit = NULL },
	[WEIR_PRESET_AGGRESSIVE] = { .limit = "min(5G, 50%)", .decay = "off" },
};

static const char *const socket_words[] = { "auto", NULL };

static const char *const hugepages_words[] = {
	[WEIR_HUGEPAGES_AUTO] = "auto",
	[WEIR_HUGEPAGES_ALWAYS] = "always",
	[WEIR_HUGEPAGES_NEVER] = "never",
	NULL,
};

_Static_assert(WEIR_OPTION_COUNT <= WEIR_OPTIONS_MAX, "every option has an origin");

const struct weir_option weir_config_options[WEIR_OPTION_COUNT] = {
	[WEIR_OPTION_DISABLE] = {
		.name = "WEIR_DISABLE",
		.default_text = "0",
		.help = "1: pass everything through",
		.kind = &weir_option_flag,
		.at = offsetof(struct weir_config, disable),
	},
	[WEIR_OPTION_PRESET] = {
		.name = "WEIR_PRESET",
		.default_text = "default",
		.help = "off, minimal, moderate, default, aggressive: starting values for the ones below",
		.kind = &weir_option_word,
		.at = offsetof(struct weir_config, preset),
		.words = preset_words,
	},
	[WEIR_OPTION_MIN] = {
		.name = "WEIR_MIN",
		.default_text = "64K",
		.help = "smallest request that is pooled; smaller ones are the backend's",
		.kind = &weir_option_size,
		.at = offsetof(struct weir_config, min_bytes),
		.share_at = offsetof(struct weir_config, min_share),
		.min = SMALLEST_REQUEST,
		.max = WEIR_LARGEST_REQUEST,
		.most = WEIR_LARGEST_STRIDE,
	},
	[WEIR_OPTION_MAX] = {
		.name = "WEIR_MAX",
		.default_text = "4G",
		.help = "largest request that is pooled; larger ones are served by the backend and given back when freed",
		.kind = &weir_option_size,
		.at = offsetof(struct weir_config, max_bytes),
		.share_at = offsetof(struct weir_config, max_share),
		.min = SMALLEST_REQUEST,
		.max = WEIR_LARGEST_REQUEST,
		.most = WEIR_LARGEST_STRIDE,
	},
	[WEIR_OPTION_LIMIT] = {
		.name = "WEIR_LIMIT",
		.live = true,
		.default_text = "min(512M, 12.5%)",
		.help = "most bytes retained, in all; a share is of the memory limit of the container or machine, and where that is unknown min() is a quarter of its size",
		.kind = &weir_option_size,
		.at = offsetof(struct weir_config, limit_bytes),
		.share_at = offsetof(struct weir_config, limit_share),
		.min = 0,
		.max = LARGEST_LIMIT,
		.most = MOST_OF_LIMIT,
	},
	[WEIR_OPTION_CLASS_LIMITS] = {
		.name = "WEIR_CLASS_LIMITS",
		.live = true,
		.default_text = "none",
		.help = "most bytes retained per size range: `64K-1M:32M,16M:64M,*:128M`; the first range that fits counts",
		.kind = &weir_option_class_limits,
		.at = offsetof(struct weir_config, class_limits),
		.max = WEIR_LARGEST_REQUEST,
		.none = "none",
	},
	[WEIR_OPTION_CLASS_BLOCKS] = {
		.name = "WEIR_CLASS_BLOCKS",
		.live = true,
		.default_text = "none",
		.help = "most blocks retained per size class",
		.kind = &weir_option_count,
		.at = offsetof(struct weir_config, class_blocks),
		.min = 0,
		.max = 1000000,
		.none = "none",
	},
	[WEIR_OPTION_FOOTPRINT] = {
		.name = "WEIR_FOOTPRINT",
		.live = true,
		.default_text = "none",
		.help = "most bytes live and retained together; retained ones give way as live ones grow, which nothing holds back",
		.kind = &weir_option_size,
		.at = offsetof(struct weir_config, footprint_bytes),
		.share_at = offsetof(struct weir_config, footprint_share),
		.min = 0,
		.max = LARGEST_LIMIT,
		.most = MOST_OF_LIMIT,
		.none = "none",
	},
	[WEIR_OPTION_MAX_ALLOC] = {
		.name = "WEIR_MAX_ALLOC",
		.live = true,
		.default_text = "none",
		.help = "largest request that is answered at all; above it ENOMEM",
		.kind = &weir_option_size,
		.at = offsetof(struct weir_config, max_alloc_bytes),
		.share_at = offsetof(struct weir_config, max_alloc_share),
		.min = SMALLEST_REQUEST,
		.max = LARGEST_LIMIT,
		.most = MOST_OF_LIMIT,
		.none = "none",
	},
	[WEIR_OPTION_LIVE_LIMIT] = {
		.name = "WEIR_LIVE_LIMIT",
		.live = true,
		.default_text = "none",
		.help = "most bytes of all live large blocks; a request beyond it gets ENOMEM",
		.kind = &weir_option_size,
		.at = offsetof(struct weir_config, live_limit_bytes),
		.share_at = offsetof(struct weir_config, live_limit_share),
		.min = SMALLEST_REQUEST,
		.max = LARGEST_LIMIT,
		.most = MOST_OF_LIMIT,
		.none = "none",
	},
	[WEIR_OPTION_DECAY] = {
		.name = "WEIR_DECAY",
		.live = true,
		.default_text = "10s",
		.help = "what stayed unused this long is released: `500ms`, `10s`, `2m`, off; a bare number is seconds",
		.kind = &weir_option_time,
		.at = offsetof(struct weir_config, decay_ms),
		.min = SHORTEST_DECAY_MS,
		.max = LONGEST_DECAY_MS,
		.none = "off",
	},
	[WEIR_OPTION_SIGNAL] = {
		.name = "WEIR_SIGNAL",
		.default_text = "USR1",
		.help = "the signal that releases everything retained: USR1, USR2, RTMIN+n, off",
		.kind = &weir_option_signal,
		.at = offsetof(struct weir_config, signal),
		.none = "off",
	},
	[WEIR_OPTION_SOCKET] = {
		.name = "WEIR_SOCKET",
		.default_text = "off",
		.help = "control socket, served by one thread: its path (`%p` is the process id), auto for one of its own in WEIR_SOCKET_DIR, /run/weir, $XDG_RUNTIME_DIR/weir or /tmp/weir-UID, off",
		.kind = &weir_option_path,
		.at = offsetof(struct weir_config, socket),
		.max = WEIR_SOCKET_PATH_BYTES,
		.none = "off",
		.words = socket_words,
	},
	[WEIR_OPTION_SOCKET_DIR] = {
		.name = "WEIR_SOCKET_DIR",
		.default_text = "none",
		.help = "the directory to try first for WEIR_SOCKET=auto",
		.kind = &weir_option_path,
		.at = offsetof(struct weir_config, socket_dir),
		.max = WEIR_SOCKET_PATH_BYTES,
		.none = "none",
	},
	[WEIR_OPTION_BACKGROUND] = {
		.name = "WEIR_BACKGROUND",
		.default_text = "0",
		.help = "1: a helper thread keeps WEIR_DECAY going while the program idles; WEIR_SOCKET and WEIR_PRESSURE do so too",
		.kind = &weir_option_flag,
		.at = offsetof(struct weir_config, background),
	},
	[WEIR_OPTION_PRESSURE] = {
		.name = "WEIR_PRESSURE",
		.default_text = "0",
		.help = "1: a helper thread releases when the container or machine runs short of memory, and holds less until it has recovered",
		.kind = &weir_option_flag,
		.at = offsetof(struct weir_config, pressure),
	},
	[WEIR_OPTION_HUGEPAGES] = {
		.name = "WEIR_HUGEPAGES",
		.default_text = "auto",
		.help = "transparent huge pages: auto (for blocks of 4 to 64 MiB, where the system allows them), always, never",
		.kind = &weir_option_word,
		.at = offsetof(struct weir_config, hugepages),
		.words = hugepages_words,
	},
	[WEIR_OPTION_HARDEN] = {
		.name = "WEIR_HARDEN",
		.default_text = "0",
		.help = "1: large blocks end at a guard page, are filled when freed and reused late; what wrote past an end or into a free block is told and the program stopped",
		.kind = &weir_option_flag,
		.at = offsetof(struct weir_config, harden),
	},
	[WEIR_OPTION_PROGRAMS] = {
		.name = "WEIR_PROGRAMS",
		.default_text = "all",
		.help = "only programs of these names: `node,python*`; everything passes through in the others",
		.kind = &weir_option_programs,
		.at = offsetof(struct weir_config, programs),
		.none = "all",
	},
	[WEIR_OPTION_ONLY] = {
		.name = "WEIR_ONLY",
		.default_text = "0",
		.help = "1: weir is taken out of LD_PRELOAD once the program has started, so that its children run without",
		.kind = &weir_option_flag,
		.at = offsetof(struct weir_config, only),
	},
	[WEIR_OPTION_REPORT] = {
		.name = "WEIR_REPORT",
		.default_text = "off",
		.help = "`exit`, `exit:PATH` (`%p` is the process id): statistics as JSON when the program ends",
		.kind = &weir_option_report,
		.at = offsetof(struct weir_config, report_at_exit),
		.none = "off",
	},
	[WEIR_OPTION_RECORD] = {
		.name = "WEIR_RECORD",
		.default_text = "off",
		.help = "file to record large requests in (`%p` is the process id; a number is added where it is there), for `weir replay`; off",
		.kind = &weir_option_path,
		.at = offsetof(struct weir_config, record),
		.max = WEIR_RECORD_PATH_BYTES,
		.none = "off",
	},
	[WEIR_OPTION_RECORD_LIMIT] = {
		.name = "WEIR_RECORD_LIMIT",
		.default_text = "1G",
		.help = "longest file of WEIR_RECORD: recording ends there, and the file says so",
		.kind = &weir_option_size,
		.at = offsetof(struct weir_config, record_limit_bytes),
		.share_at = offsetof(struct weir_config, record_limit_share),
		.min = WEIR_MIB,
		.max = LARGEST_LIMIT,
		.most = MOST_OF_LIMIT,
	},
	[WEIR_OPTION_VERBOSE] = {
		.name = "WEIR_VERBOSE",
		.default_text = "0",
		.help = "1: one line of effective settings at start, one per release",
		.kind = &weir_option_flag,
		.at = offsetof(struct weir_config, verbose),
	},
	[WEIR_OPTION_STRICT] = {
		.name = "WEIR_STRICT",
		.default_text = "0",
		.help = "1: a bad setting stops the program instead of warning",
		.kind = &weir_option_flag,
		.at = offsetof(struct weir_config, strict),
	},
};

size_t weir_config_find_option(const char *name, size_t length)
{
	size_t i = 0;

	while (i < WEIR_OPTION_COUNT && (strncmp(weir_config_options[i].name, name, length) != 0 ||
					 weir_config_options[i].name[length] != '\0'))
		i++;
	return i;
}

/* WEIR_CLASS_LIMITS is class-limits to people. */
static void put_label(struct weir_text *text, const char *name)
{
	for (name += strlen(WEIR_NAME_PREFIX); *name != '\0'; name++)
		weir_text_char(text, *name == '_' ? '-' : (char)(*name - 'A' + 'a'));
}

void weir_config_format_banner(struct weir_text *text, const struct weir_config *config)
{
	for (size_t i = 0; i < WEIR_OPTION_COUNT; i++) {
		if (i > 0)
			weir_text_string(text, ", ");
		put_label(text, weir_config_options[i].name);
		weir_text_char(text, ' ');
		weir_option_format(text, &weir_config_options[i], config);
	}
}

void weir_config_put_setting(struct weir_text *text, size_t i, const struct weir_config *config)
{
	size_t begin;

	weir_text_string(text, weir_config_options[i].name);
	weir_text_char(text, '=');
	begin = text->used;
	weir_option_format(text, &weir_config_options[i], config);
	for (char *c = text->data + begin; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}

static void put_setting_line(struct weir_text *text, size_t i, const struct weir_config *config)
{
	static const char *const origins[] = {
		[WEIR_ORIGIN_DEFAULT] = "default",
		[WEIR_ORIGIN_PRESET] = "preset",
		[WEIR_ORIGIN_ENVIRONMENT] = "environment",
		[WEIR_ORIGIN_SET] = "set",
	};

	weir_config_put_setting(text, i, config);
	weir_text_char(text, '\t');
	weir_text_string(text, origins[config->origins[i]]);
	weir_text_char(text, '\n');
}

void weir_config_format_settings(struct weir_text *text, const struct weir_config *config)
{
	for (size_t i = 0; i < WEIR_OPTION_COUNT; i++)
		put_setting_line(text, i, config);
}

bool weir_config_format_setting(struct weir_text *text, const struct weir_config *config,
				const char *name)
{
	size_t i = weir_config_find_option(name, strlen(name));

	if (i == WEIR_OPTION_COUNT)
		return false;
	put_setting_line(text, i, config);
	return true;
}

size_t weir_config_option_count(void)
{
	return WEIR_OPTION_COUNT;
}

struct weir_option_help weir_config_option_help(size_t i)
{
	return (struct weir_option_help){ weir_config_options[i].name, weir_config_options[i].help,
					  weir_config_options[i].default_text,
					  weir_config_options[i].live };
}
