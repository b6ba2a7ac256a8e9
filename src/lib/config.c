#include "config.h"

#include "complaint.h"
#include "config_table.h"

#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/* The environment. */

struct settings {
	const char *values[WEIR_OPTION_COUNT]; /* NULL where it is not set */
	unsigned unknown_names;
};

static char *const *own_environment(void)
{
	static char *const empty[] = { NULL };

	return environ == NULL || getauxval(AT_SECURE) != 0 ? empty : environ;
}

/* The length of a name of ours, or 0. */
static size_t name_length(const char *entry)
{
	if (strncmp(entry, WEIR_NAME_PREFIX, strlen(WEIR_NAME_PREFIX)) != 0)
		return 0;
	return strchr(entry, '=') == NULL ? 0 : strcspn(entry, "=");
}

/* Of a name that is there twice the first counts, as with getenv. */
static void collect(char *const *environment, struct settings *settings)
{
	memset(settings, 0, sizeof *settings);
	for (; *environment != NULL; environment++) {
		size_t length = name_length(*environment);
		size_t i;

		if (length == 0)
			continue;
		i = weir_config_find_option(*environment, length);
		if (i == WEIR_OPTION_COUNT)
			settings->unknown_names++;
		else if (settings->values[i] == NULL)
			settings->values[i] = *environment + length + 1;
	}
}

/* Variables that are not weir's: name with its equals sign. One that is too long is as if it
 * were not set. */
static void copy_variable(char *copy, size_t size, char *const *environment, const char *name)
{
	size_t length = strlen(name);

	copy[0] = '\0';
	for (; *environment != NULL; environment++)
		if (strncmp(*environment, name, length) == 0 &&
		    strlen(*environment + length) < size) {
			memcpy(copy, *environment + length, strlen(*environment + length) + 1);
			return;
		}
}

static void copy_variables(struct weir_config *config, char *const *environment)
{
	copy_variable(config->runtime_dir, sizeof config->runtime_dir, environment,
		      "XDG_RUNTIME_DIR=");
	copy_variable(config->pressure_watch, sizeof config->pressure_watch, environment,
		      "MEMORY_PRESSURE_WATCH=");
	copy_variable(config->pressure_write, sizeof config->pressure_write, environment,
		      "MEMORY_PRESSURE_WRITE=");
}

static void complain_unknown_names(struct weir_complaints *complaints, char *const *environment)
{
	for (; *environment != NULL; environment++) {
		size_t length = name_length(*environment);

		if (length != 0 &&
		    weir_config_find_option(*environment, length) == WEIR_OPTION_COUNT)
			weir_complaint_of_name(complaints, *environment, length);
	}
}

/* The structure. */

/* For texts of the tables, which are all accepted (a unit test holds them to it). */
static void set(struct weir_config *config, size_t i, const char *text)
{
	weir_config_options[i].kind->parse(&weir_config_options[i], text, config);
}

static void set_start(struct weir_config *config, size_t i, const char *preset_text)
{
	set(config, i, preset_text != NULL ? preset_text : weir_config_options[i].default_text);
	config->origins[i] = preset_text != NULL ? WEIR_ORIGIN_PRESET : WEIR_ORIGIN_DEFAULT;
}

static void set_defaults(struct weir_config *config)
{
	for (size_t i = 0; i < WEIR_OPTION_COUNT; i++)
		set_start(config, i, NULL);
}

static void set_preset(struct weir_config *config)
{
	const struct weir_preset_texts *preset = &weir_config_presets[config->preset];

	set_start(config, WEIR_OPTION_LIMIT, preset->limit);
	set_start(config, WEIR_OPTION_MAX, preset->max);
	set_start(config, WEIR_OPTION_CLASS_BLOCKS, preset->class_blocks);
	set_start(config, WEIR_OPTION_DECAY, preset->decay);
}

static void set_asked(struct weir_config *config, size_t i, const struct settings *settings,
		      struct weir_complaints *complaints)
{
	const char *value = settings->values[i];
	const char *problem;

	if (value == NULL)
		return;
	problem = weir_config_options[i].kind->parse(&weir_config_options[i], value, config);
	if (problem == NULL)
		config->origins[i] = WEIR_ORIGIN_ENVIRONMENT;
	else
		weir_complaint_of_value(complaints, &weir_config_options[i], value, problem,
					config);
}

/* Without a single request to pool, both bounds go back to where they started. */
static void check_bounds(struct weir_config *config, struct weir_complaints *complaints)
{
	struct weir_complaint complaint;
	struct weir_text *text = &complaint.text;

	if (config->min_bytes <= config->max_bytes)
		return;
	weir_complaint_begin(&complaint);
	weir_config_put_setting(text, WEIR_OPTION_MIN, config);
	weir_text_string(text, " is more than ");
	weir_config_put_setting(text, WEIR_OPTION_MAX, config);
	set_start(config, WEIR_OPTION_MIN, NULL);
	set_start(config, WEIR_OPTION_MAX, weir_config_presets[config->preset].max);
	weir_text_string(text, "; accepted: WEIR_MIN up to WEIR_MAX; using ");
	weir_option_format(text, &weir_config_options[WEIR_OPTION_MIN], config);
	weir_text_string(text, " and ");
	weir_option_format(text, &weir_config_options[WEIR_OPTION_MAX], config);
	weir_complaint_send(complaints, &complaint);
}

static bool is_named(struct weir_config *config, const struct settings *settings,
		     const char *program)
{
	if (settings->values[WEIR_OPTION_PROGRAMS] != NULL)
		set(config, WEIR_OPTION_PROGRAMS, settings->values[WEIR_OPTION_PROGRAMS]);
	return config->programs == NULL || weir_option_names(config->programs, program);
}

bool weir_config_load(struct weir_config *config, char *const *environment, const char *program,
		      const struct weir_config_sink *sink)
{
	struct weir_complaints complaints = weir_complaints_to(sink);
	struct settings settings;

	if (environment == NULL)
		environment = own_environment();
	collect(environment, &settings);
	set_defaults(config);
	copy_variables(config, environment);
	if (!is_named(config, &settings, program)) {
		config->disable = true;
		return true;
	}
	set_asked(config, WEIR_OPTION_PRESET, &settings, &complaints);
	set_preset(config);
	for (size_t i = 0; i < WEIR_OPTION_COUNT; i++) {
		if (i != WEIR_OPTION_PRESET)
			set_asked(config, i, &settings, &complaints);
	}
	check_bounds(config, &complaints);
	if (settings.unknown_names > 0)
		complain_unknown_names(&complaints, environment);
	return !(config->strict && complaints.any);
}

/* Shares. */

/* Forgets a share whose whole is unknown. One with a cap has its own fallback. */
static void drop_share(struct weir_config *config, const struct weir_option *option,
		       struct weir_share *share, struct weir_complaints *complaints)
{
	bool capped = share->cap_bytes != WEIR_NO_LIMIT;
	size_t i = (size_t)(option - weir_config_options);
	struct weir_complaint complaint;
	struct weir_text *text = &complaint.text;

	if (!capped)
		config->origins[i] = WEIR_ORIGIN_DEFAULT;
	weir_complaint_begin(&complaint);
	weir_config_put_setting(text, i, config);
	weir_text_string(text, ": the memory limit is unknown; using ");
	share->share = 0;
	weir_option_format(text, option, config);
	if (!capped)
		weir_complaint_send(complaints, &complaint);
}

/* Whether a share is to be turned into bytes now: for the first time, or again. */
static bool is_due(const struct weir_share *share, const struct weir_option *option,
		   uint64_t memory_limit_bytes)
{
	return share->share != 0 &&
	       (!share->is_resolved || (option->live && memory_limit_bytes != 0));
}

static void resolve_size(struct weir_config *config, const struct weir_option *option,
			 uint64_t memory_limit_bytes, struct weir_complaints *complaints)
{
	struct weir_share *share = weir_option_share_field(option, config);
	size_t *bytes = weir_option_field(option, config);

	if (!is_due(share, option, memory_limit_bytes))
		return;
	if (memory_limit_bytes == 0) {
		drop_share(config, option, share, complaints);
		return;
	}
	*bytes = weir_option_share_bytes(share, memory_limit_bytes);
	*bytes = weir_option_bytes(option, *bytes);
	share->is_resolved = true;
}

static void resolve_class_limits(struct weir_config *config, uint64_t memory_limit_bytes,
				 struct weir_complaints *complaints)
{
	bool dropped = false;
	struct weir_complaint complaint;

	for (unsigned i = 0; i < config->class_limit_count; i++) {
		struct weir_class_limit *limit = &config->class_limits[i];

		if (!is_due(&limit->limit_share, &weir_config_options[WEIR_OPTION_CLASS_LIMITS],
			    memory_limit_bytes))
			continue;
		dropped = memory_limit_bytes == 0;
		if (dropped)
			limit->limit_share.share = 0;
		else
			limit->limit_bytes =
				weir_option_share_bytes(&limit->limit_share, memory_limit_bytes);
		limit->limit_share.is_resolved = true;
	}
	if (!dropped)
		return;
	weir_complaint_begin(&complaint);
	weir_text_string(&complaint.text, "WEIR_CLASS_LIMITS: the memory limit is unknown; "
					  "no limit for the ranges with a share of it");
	weir_complaint_send(complaints, &complaint);
}

bool weir_config_resolve(struct weir_config *config, uint64_t memory_limit_bytes,
			 const struct weir_config_sink *sink)
{
	struct weir_complaints complaints = weir_complaints_to(sink);

	for (size_t i = 0; i < WEIR_OPTION_COUNT; i++) {
		if (weir_config_options[i].kind == &weir_option_size)
			resolve_size(config, &weir_config_options[i], memory_limit_bytes,
				     &complaints);
	}
	resolve_class_limits(config, memory_limit_bytes, &complaints);
	check_bounds(config, &complaints);
	return !(config->strict && complaints.any);
}

static bool is_share(const struct weir_option *option, const struct weir_config *config)
{
	if (option->kind == &weir_option_size)
		return weir_option_share_field(option, (struct weir_config *)config)->share != 0;
	for (unsigned i = 0; i < config->class_limit_count; i++)
		if (option == &weir_config_options[WEIR_OPTION_CLASS_LIMITS] &&
		    config->class_limits[i].limit_share.share != 0)
			return true;
	return false;
}

bool weir_config_has_shares(const struct weir_config *config)
{
	for (size_t i = 0; i < WEIR_OPTION_COUNT; i++)
		if (weir_config_options[i].live && config->origins[i] >= WEIR_ORIGIN_ENVIRONMENT &&
		    is_share(&weir_config_options[i], config))
			return true;
	return false;
}

bool weir_config_wants_helper(const struct weir_config *config)
{
	return config->background || config->pressure || config->socket[0] != '\0';
}

/* For the children. */

static bool is_weir(const char *path, size_t length)
{
	static const char name[] = "libweir.so";
	const char *slash = memrchr(path, '/', length);
	const char *base = slash == NULL ? path : slash + 1;

	return (size_t)(path + length - base) >= strlen(name) &&
	       memcmp(base, name, strlen(name)) == 0;
}

/* The entries of a list, between spaces or colons, that are not weir's, in place. */
static void leave_list(char *list)
{
	char *to = list;

	while (*list != '\0') {
		size_t length = strcspn(list, " :");
		size_t separators = strspn(list + length, " :");

		if (length > 0 && !is_weir(list, length)) {
			memmove(to, list, length + separators);
			to += length + separators;
		}
		list += length + separators;
	}
	*to = '\0';
}

void weir_config_leave_environment(void)
{
	static const char name[] = "LD_PRELOAD=";

	for (char **entry = environ; entry != NULL && *entry != NULL; entry++)
		if (strncmp(*entry, name, strlen(name)) == 0)
			leave_list(*entry + strlen(name));
}
