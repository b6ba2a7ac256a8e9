#include "metrics.h"

#include <string.h>

/* Labels and their values. */

static void put_label_value(struct weir_text *text, const char *value)
{
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (c == '"' || c == '\\')
			weir_text_char(text, '\\');
		weir_text_char(text, c >= 0x20 && c < 0x7f ? *value : '?');
	}
}

static void put_label(struct weir_text *text, const char *name, const char *value)
{
	weir_text_char(text, ',');
	weir_text_string(text, name);
	weir_text_string(text, "=\"");
	put_label_value(text, value);
	weir_text_char(text, '"');
}

static void put_number_label(struct weir_text *text, const char *name, uint64_t value)
{
	weir_text_char(text, ',');
	weir_text_string(text, name);
	weir_text_string(text, "=\"");
	weir_text_decimal(text, value);
	weir_text_char(text, '"');
}

static void put_value(struct weir_text *text, uint64_t value)
{
	weir_text_string(text, "} ");
	weir_text_decimal(text, value);
	weir_text_char(text, '\n');
}

/* Families. The figures that are one number come first, from their own table, then those of
 * pools, from theirs. */

struct family {
	const char *name;
	const char *help;
	const char *labels;
	bool is_of_pools; /* then "pool_" stands before its name */
	bool is_counter;
	bool is_seconds;
	bool is_info;
	size_t at; /* in struct weir_snapshot, or its _released, _class or _pool */
	void (*put)(struct weir_text *text, const struct family *family,
		    const struct weir_snapshot *snapshot);
};

static uint64_t number_at(const void *from, size_t at)
{
	return *(const uint64_t *)(const void *)((const char *)from + at);
}

static void put_name(struct weir_text *text, const struct family *family)
{
	weir_text_string(text, family->is_of_pools ? "weir_pool_" : "weir_");
	weir_text_string(text, family->name);
}

static const char *suffix_of(const struct family *family)
{
	if (family->is_info)
		return "_info";
	return family->is_counter ? "_total" : "";
}

/* Opens a sample: name{pid="1",program="node" */
static void put_sample(struct weir_text *text, const struct family *family,
		       const struct weir_snapshot *snapshot)
{
	put_name(text, family);
	weir_text_string(text, suffix_of(family));
	weir_text_string(text, "{pid=\"");
	weir_text_decimal(text, snapshot->pid);
	weir_text_string(text, "\",program=\"");
	put_label_value(text, snapshot->program);
	weir_text_char(text, '"');
}

static void put_field(struct weir_text *text, const struct family *family,
		      const struct weir_snapshot *snapshot)
{
	put_sample(text, family, snapshot);
	put_value(text, number_at(snapshot, family->at));
}

static void put_by_trigger(struct weir_text *text, const struct family *family,
			   const struct weir_snapshot *snapshot)
{
	uint64_t value;

	for (unsigned t = 0; t < WEIR_TRIGGER_COUNT; t++) {
		value = number_at(&snapshot->released[t], family->at);
		put_sample(text, family, snapshot);
		put_label(text, "trigger", weir_trigger_name(t));
		if (!family->is_seconds) {
			put_value(text, value);
			continue;
		}
		weir_text_string(text, "} ");
		weir_text_fixed(text, value, 9);
		weir_text_char(text, '\n');
	}
}

static void put_by_class(struct weir_text *text, const struct family *family,
			 const struct weir_snapshot *snapshot)
{
	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++) {
		const struct weir_snapshot_class *class = &snapshot->classes[c];

		if (!weir_snapshot_class_is_used(class))
			continue;
		put_sample(text, family, snapshot);
		put_number_label(text, "size_bytes", class->size_bytes);
		put_value(text, number_at(class, family->at));
	}
}

/* Names of pools need not differ, but their places do. */
static void put_by_pool(struct weir_text *text, const struct family *family,
			const struct weir_snapshot *snapshot)
{
	for (uint32_t i = 0; i < snapshot->pool_count; i++) {
		const struct weir_snapshot_pool *pool = &snapshot->pools[i];

		put_sample(text, family, snapshot);
		put_label(text, "pool", pool->name);
		put_number_label(text, "place", pool->place);
		put_value(text, number_at(pool, family->at));
	}
}

static void put_info(struct weir_text *text, const struct family *family,
		     const struct weir_snapshot *snapshot)
{
	put_sample(text, family, snapshot);
	put_label(text, "version", snapshot->version);
	put_label(text, "state", weir_state_name(snapshot->state));
	put_label(text, "backend", snapshot->backend);
	put_label(text, "signal", weir_signal_owner_name(snapshot->signal_owner));
	put_value(text, 1);
}

#define OF_RELEASED(field) .at = offsetof(struct weir_snapshot_released, field)
#define OF_CLASS(field) .at = offsetof(struct weir_snapshot_class, field)

static const struct family families[] = {
	{ .name = "released_bytes",
	  .help = "bytes given back to the system",
	  .labels = "trigger",
	  .is_counter = true,
	  OF_RELEASED(bytes),
	  .put = put_by_trigger },
	{ .name = "released_blocks",
	  .help = "blocks given back, whole or in part",
	  .labels = "trigger",
	  .is_counter = true,
	  OF_RELEASED(blocks),
	  .put = put_by_trigger },
	{ .name = "releases",
	  .help = "releases",
	  .labels = "trigger",
	  .is_counter = true,
	  OF_RELEASED(releases),
	  .put = put_by_trigger },
	{ .name = "release_seconds",
	  .help = "time that releases took",
	  .labels = "trigger",
	  .is_counter = true,
	  .is_seconds = true,
	  OF_RELEASED(ns),
	  .put = put_by_trigger },
	{ .name = "class_hits",
	  .help = "requests of a size class that a retained block served",
	  .labels = "size_bytes",
	  .is_counter = true,
	  OF_CLASS(hits),
	  .put = put_by_class },
	{ .name = "class_misses",
	  .help = "requests of a size class that none did",
	  .labels = "size_bytes",
	  .is_counter = true,
	  OF_CLASS(misses),
	  .put = put_by_class },
	{ .name = "class_retained_bytes",
	  .help = "bytes retained in blocks of a size class",
	  .labels = "size_bytes",
	  OF_CLASS(retained_bytes),
	  .put = put_by_class },
	{ .name = "class_live_blocks",
	  .help = "blocks of a size class that the program has",
	  .labels = "size_bytes",
	  OF_CLASS(live_blocks),
	  .put = put_by_class },
	{ .name = "process",
	  .help = "what weir is and does in the process",
	  .labels = "version, state, backend, signal",
	  .is_info = true,
	  .put = put_info },
};

#define TABLE_COUNT (sizeof families / sizeof *families)

size_t weir_metrics_family_count(void)
{
	return WEIR_SNAPSHOT_FIELDS + WEIR_SNAPSHOT_POOL_FIELDS + TABLE_COUNT;
}

static struct family family_of(const struct weir_snapshot_field *field)
{
	return (struct family){ .name = field->name,
				.help = field->help,
				.labels = "",
				.is_counter = field->is_counter,
				.at = field->at,
				.put = put_field };
}

/* One of the first kinds, as if it stood in the table. */
static struct family family_at(size_t i)
{
	struct family family;

	if (i < WEIR_SNAPSHOT_FIELDS)
		return family_of(&weir_snapshot_fields[i]);
	i -= WEIR_SNAPSHOT_FIELDS;
	if (i >= WEIR_SNAPSHOT_POOL_FIELDS)
		return families[i - WEIR_SNAPSHOT_POOL_FIELDS];
	family = family_of(&weir_snapshot_pool_fields[i]);
	family.is_of_pools = true;
	family.labels = "pool, place";
	family.put = put_by_pool;
	return family;
}

static const char *type_of(const struct family *family)
{
	if (family->is_info)
		return "info";
	return family->is_counter ? "counter" : "gauge";
}

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name), end_length = strlen(end);

	return length > end_length && strcmp(name + length - end_length, end) == 0;
}

static void put_about(struct weir_text *text, const char *what, const struct family *family,
		      const char *value)
{
	weir_text_string(text, what);
	put_name(text, family);
	weir_text_char(text, ' ');
	weir_text_string(text, value);
	weir_text_char(text, '\n');
}

void weir_metrics_format_family(struct weir_text *text, size_t i)
{
	struct family family = family_at(i);

	put_about(text, "# TYPE ", &family, type_of(&family));
	if (ends_with(family.name, "_bytes"))
		put_about(text, "# UNIT ", &family, "bytes");
	if (family.is_seconds)
		put_about(text, "# UNIT ", &family, "seconds");
	put_about(text, "# HELP ", &family, family.help);
}

void weir_metrics_format_samples(struct weir_text *text, size_t i,
				 const struct weir_snapshot *snapshot)
{
	struct family family = family_at(i);

	family.put(text, &family, snapshot);
}

void weir_metrics_describe(size_t i, struct weir_text *name, struct weir_metrics_help *help)
{
	struct family family = family_at(i);

	put_name(name, &family);
	weir_text_string(name, suffix_of(&family));
	*help = (struct weir_metrics_help){ name->data, type_of(&family), family.labels,
					    family.help };
}
