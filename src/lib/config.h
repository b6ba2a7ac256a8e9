/* What the environment asks for. Layer 2; config.c is the only reader of the
 * environment.
 *
 * weir_config_load fills the structure once, in the constructor, before any
 * other thread of weir's reads it. A bad value never stops the program (but for
 * WEIR_STRICT): it is reported in one line and the default stays. Sizes given
 * as a share of the memory limit stay shares until weir_config_resolve, because
 * finding that limit costs file reads that a program without large requests
 * need not pay; until then the byte fields hold what counts without it. After
 * that call, which is repeated when the memory limit has changed, only weir_config_set
 * changes it. Nothing here allocates or keeps state. */
#ifndef WEIR_CONFIG_H
#define WEIR_CONFIG_H

#include "base.h"
#include "text.h"
#include "weir.h"

#define WEIR_CLASS_LIMITS_MAX 16
#define WEIR_REPORT_PATH_BYTES 1024
#define WEIR_RECORD_PATH_BYTES 1024
#define WEIR_PROGRAMS_BYTES 2048
#define WEIR_SOCKET_PATH_BYTES 108 /* sun_path of unix(7), with its zero byte */
#define WEIR_PRESSURE_PATH_BYTES 1024
#define WEIR_PRESSURE_WRITE_BYTES 256
#define WEIR_OPTIONS_MAX 32
#define WEIR_LARGEST_REQUEST ((uint64_t)4 << 30) /* that may be pooled */

/* Where the value of an option comes from. */
enum weir_origin {
	WEIR_ORIGIN_DEFAULT,
	WEIR_ORIGIN_PRESET,
	WEIR_ORIGIN_ENVIRONMENT,
	WEIR_ORIGIN_SET, /* changed while the program runs */
};

enum weir_hugepages { WEIR_HUGEPAGES_AUTO, WEIR_HUGEPAGES_ALWAYS, WEIR_HUGEPAGES_NEVER };

/* A part of the memory limit, and the most it may come to. */
struct weir_share {
	unsigned share;	  /* of WEIR_SHARE_WHOLE; 0: none, the bytes count */
	bool is_resolved; /* the bytes are what it came to last */
	size_t cap_bytes;
};

/* Most bytes retained in all size classes that serve requests of [min, max]. */
struct weir_class_limit {
	size_t min_bytes;
	size_t max_bytes;   /* SIZE_MAX for `*` */
	size_t limit_bytes; /* WEIR_NO_LIMIT while the share is unresolved */
	struct weir_share limit_share;
};

struct weir_config {
	bool disable; /* also when WEIR_PROGRAMS does not name this program */
	enum weir_preset preset;
	size_t min_bytes; /* smallest and largest request that is pooled */
	size_t max_bytes;
	size_t limit_bytes;					     /* most retained in all */
	struct weir_class_limit class_limits[WEIR_CLASS_LIMITS_MAX]; /* first match wins */
	unsigned class_limit_count;
	size_t class_blocks;	 /* most retained per size class, or WEIR_NO_LIMIT */
	size_t footprint_bytes;	 /* or WEIR_NO_LIMIT */
	size_t max_alloc_bytes;	 /* one request, or WEIR_NO_LIMIT */
	size_t live_limit_bytes; /* all live large blocks, or WEIR_NO_LIMIT */
	uint64_t decay_ms;	 /* or WEIR_DECAY_OFF */
	int signal;		 /* number, 0 for off */
	enum weir_hugepages hugepages;
	const char *programs;			  /* the pattern list, or NULL for all */
	char programs_bytes[WEIR_PROGRAMS_BYTES]; /* what programs points to */
	bool report_at_exit;
	const char *report_path; /* with %p for the process id; NULL for stderr */
	char report_path_bytes[WEIR_REPORT_PATH_BYTES]; /* what report_path points to */
	char record[WEIR_RECORD_PATH_BYTES];		/* with %p; or "" for none */
	size_t record_limit_bytes;			/* of that file */
	char socket[WEIR_SOCKET_PATH_BYTES];		/* with %p; "auto"; or "" for none */
	char socket_dir[WEIR_SOCKET_PATH_BYTES];	/* of auto sockets; or "" */
	char runtime_dir[WEIR_SOCKET_PATH_BYTES]; /* XDG_RUNTIME_DIR, "" when not set or too long */
	bool background;			  /* see weir_config_wants_helper */
	bool pressure;
	char pressure_watch[WEIR_PRESSURE_PATH_BYTES];	/* MEMORY_PRESSURE_WATCH, "" for none */
	char pressure_write[WEIR_PRESSURE_WRITE_BYTES]; /* MEMORY_PRESSURE_WRITE, in base64 */
	bool harden;
	bool only;
	bool verbose;
	bool strict;
	uint8_t origins[WEIR_OPTIONS_MAX]; /* enum weir_origin, by place in the option table */

	/* Shares of the memory limit that were asked for (weir_config_resolve). */
	struct weir_share min_share;
	struct weir_share max_share;
	struct weir_share limit_share;
	struct weir_share footprint_share;
	struct weir_share max_alloc_share;
	struct weir_share live_limit_share;
	struct weir_share record_limit_share;
};

/* Takes complaints, one finished line each, without prefix and newline. */
struct weir_config_sink {
	void (*put)(void *context, const char *line);
	void *context;
};

/* Fills *config from "NAME=value" strings up to a NULL; an environment of NULL
 * is the process's own, none of it where the program runs with privileges it
 * was lent (secure_getenv's rule). Texts are copied, because programs write their titles
 * over their environment; the structure points into itself. `program` is the short name that
 * WEIR_PROGRAMS is held against; a program it does not name is disabled and hears no
 * complaint. A sink of NULL is stderr. Returns false when the caller must stop the program
 * (WEIR_STRICT, after all complaints); *config is complete all the same. */
bool weir_config_load(struct weir_config *config, char *const *environment, const char *program,
		      const struct weir_config_sink *sink);

/* Turns shares into bytes, within each variable's range. With 0 (unknown) the
 * byte fields keep the defaults, said in a line for each share that was asked
 * for. Repeated with another limit it changes what weir_option_help calls live; with 0,
 * nothing. Returns as weir_config_load does. */
bool weir_config_resolve(struct weir_config *config, uint64_t memory_limit_bytes,
			 const struct weir_config_sink *sink);

/* Whether anything that can change while the program runs was asked for as a share: by the
 * environment or `set`, not by a preset. */
bool weir_config_has_shares(const struct weir_config *config);

/* Whether anything asks for the helper thread. */
bool weir_config_wants_helper(const struct weir_config *config);

/* Changes one setting as `set` asks for it while the program runs: only those that
 * weir_option_help calls live, and of WEIR_CLASS_LIMITS only the limits. False, with the
 * reason in a line, when the value or the name is not accepted; nothing is changed then. */
bool weir_config_set(struct weir_config *config, const char *name, const char *value,
		     uint64_t memory_limit_bytes, struct weir_text *reason);

/* Lines `NAME=VALUE<tab>ORIGIN`, of all options or of one; false when there is none of
 * that name. */
void weir_config_format_settings(struct weir_text *text, const struct weir_config *config);
bool weir_config_format_setting(struct weir_text *text, const struct weir_config *config,
				const char *name);

/* Takes libraries named libweir.so* out of LD_PRELOAD, for the children of the program.
 * Only in the constructor, while nobody else uses the environment. */
void weir_config_leave_environment(void);

/* All effective settings in one line: `..., limit 512M, decay 10s, signal USR1`. */
void weir_config_format_banner(struct weir_text *text, const struct weir_config *config);

/* The option table, for documents: option i of weir_config_option_count(). */
struct weir_option_help {
	const char *name;
	const char *help;
	const char *default_text;
	bool live; /* can be changed while the program runs */
};
size_t weir_config_option_count(void);
struct weir_option_help weir_config_option_help(size_t i);

#endif
