#include "snapshot.h"

static void put_separator(struct weir_text *text)
{
	char last = text->used > 0 ? text->data[text->used - 1] : '{';

	if (last != '{' && last != '[')
		weir_text_char(text, ',');
}

static void put_key(struct weir_text *text, const char *key)
{
	put_separator(text);
	weir_text_char(text, '"');
	weir_text_string(text, key);
	weir_text_string(text, "\":");
}

static void put_number(struct weir_text *text, const char *key, uint64_t value)
{
	put_key(text, key);
	weir_text_decimal(text, value);
}

static void put_fields(struct weir_text *text, const void *shown,
		       const struct weir_snapshot_field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put_number(text, fields[i].name, weir_snapshot_value(shown, &fields[i]));
}

/* Control characters and bytes beyond ASCII, which need not be UTF-8, become
 * escapes of the same number. */
static void put_string(struct weir_text *text, const char *key, const char *value)
{
	put_key(text, key);
	weir_text_char(text, '"');
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (c == '"' || c == '\\') {
			weir_text_char(text, '\\');
			weir_text_char(text, *value);
		} else if (c >= 0x20 && c < 0x7f) {
			weir_text_char(text, *value);
		} else {
			weir_text_string(text, "\\u00");
			weir_text_char(text, "0123456789abcdef"[c >> 4]);
			weir_text_char(text, "0123456789abcdef"[c & 15]);
		}
	}
	weir_text_char(text, '"');
}

static void put_released(struct weir_text *text, const struct weir_snapshot *snapshot)
{
	put_key(text, "released");
	weir_text_char(text, '{');
	for (unsigned t = 0; t < WEIR_TRIGGER_COUNT; t++) {
		const struct weir_snapshot_released *released = &snapshot->released[t];

		put_key(text, weir_trigger_name(t));
		weir_text_char(text, '{');
		put_number(text, "bytes", released->bytes);
		put_number(text, "blocks", released->blocks);
		put_number(text, "releases", released->releases);
		put_number(text, "ns", released->ns);
		weir_text_char(text, '}');
	}
	weir_text_char(text, '}');
}

static void put_classes(struct weir_text *text, const struct weir_snapshot *snapshot)
{
	put_key(text, "classes");
	weir_text_char(text, '[');
	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++) {
		const struct weir_snapshot_class *class = &snapshot->classes[c];

		if (!weir_snapshot_class_is_used(class))
			continue;
		put_separator(text);
		weir_text_char(text, '{');
		put_number(text, "size_bytes", class->size_bytes);
		put_number(text, "hits", class->hits);
		put_number(text, "misses", class->misses);
		put_number(text, "retained_bytes", class->retained_bytes);
		put_number(text, "retained_blocks", class->retained_blocks);
		put_number(text, "live_blocks", class->live_blocks);
		weir_text_char(text, '}');
	}
	weir_text_char(text, ']');
}

static void put_pools(struct weir_text *text, const struct weir_snapshot *snapshot)
{
	put_key(text, "pools");
	weir_text_char(text, '[');
	for (uint32_t i = 0; i < snapshot->pool_count; i++) {
		const struct weir_snapshot_pool *pool = &snapshot->pools[i];

		put_separator(text);
		weir_text_char(text, '{');
		put_string(text, "name", pool->name);
		put_number(text, "place", pool->place);
		put_string(text, "state", weir_pool_state_name(pool->state));
		put_fields(text, pool, weir_snapshot_pool_fields, WEIR_SNAPSHOT_POOL_FIELDS);
		weir_text_char(text, '}');
	}
	weir_text_char(text, ']');
}

void weir_snapshot_format_json(struct weir_text *text, const struct weir_snapshot *snapshot)
{
	weir_text_char(text, '{');
	put_string(text, "version", snapshot->version);
	put_number(text, "pid", snapshot->pid);
	put_string(text, "program", snapshot->program);
	put_string(text, "state", weir_state_name(snapshot->state));
	put_fields(text, snapshot, weir_snapshot_fields, WEIR_SNAPSHOT_FIELDS);
	put_string(text, "backend", snapshot->backend);
	put_string(text, "signal", weir_signal_owner_name(snapshot->signal_owner));
	put_number(text, "signal_number", (uint64_t)snapshot->signal);
	put_string(text, "socket", snapshot->socket);
	put_released(text, snapshot);
	put_classes(text, snapshot);
	put_pools(text, snapshot);
	weir_text_char(text, '}');
}
