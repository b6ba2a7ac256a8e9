#include "asked.h"

#include "channel.h"
#include "config.h"
#include "proc.h"
#include "setting.h"
#include "socket_path.h"

#include <stdlib.h>
#include <string.h>

#ifdef HAVE_JANSSON
#include <jansson.h>

/* The answer to `stats`. */

/* Copies a text and undoes the library's escapes, which stand for bytes and not for
 * characters. */
static void take_text(char *to, size_t size, const json_t *object, const char *name)
{
	const char *from = json_string_value(json_object_get(object, name));
	size_t used = 0;

	for (; from && *from && used + 1 < size; from++) {
		unsigned char c = (unsigned char)*from;

		if ((c == 0xc2 || c == 0xc3) && from[1])
			c = (unsigned char)(c << 6 | ((unsigned char)*++from & 0x3f));
		to[used++] = (char)c;
	}
	to[used] = '\0';
}

static uint64_t number_of(const json_t *object, const char *name)
{
	json_int_t number = json_integer_value(json_object_get(object, name));

	return number > 0 ? (uint64_t)number : 0;
}

/* Of a snapshot, or of a pool in it. */
static void take_fields(void *into, const json_t *object, const struct weir_snapshot_field *fields,
			size_t count)
{
	for (size_t i = 0; i < count; i++)
		*(uint64_t *)(void *)((char *)into + fields[i].at) =
			number_of(object, fields[i].name);
}

static bool is_text(const json_t *object, const char *name, const char *text)
{
	const char *found = json_string_value(json_object_get(object, name));

	return found && strcmp(found, text) == 0;
}

static void take_words(struct weir_snapshot *snapshot, const json_t *answer)
{
	for (unsigned i = 0; i <= WEIR_STATE_UNAVAILABLE; i++)
		if (is_text(answer, "state", weir_state_name((enum weir_state)i)))
			snapshot->state = (enum weir_state)i;
	for (unsigned i = 0; i <= WEIR_SIGNAL_PROGRAM; i++)
		if (is_text(answer, "signal", weir_signal_owner_name((enum weir_signal_owner)i)))
			snapshot->signal_owner = (enum weir_signal_owner)i;
}

static void take_released(struct weir_snapshot *snapshot, const json_t *all)
{
	for (unsigned t = 0; t < WEIR_TRIGGER_COUNT; t++) {
		const json_t *one = json_object_get(all, weir_trigger_name((enum weir_trigger)t));

		snapshot->released[t].bytes = number_of(one, "bytes");
		snapshot->released[t].blocks = number_of(one, "blocks");
		snapshot->released[t].releases = number_of(one, "releases");
		snapshot->released[t].ns = number_of(one, "ns");
	}
}

static void take_class(struct weir_snapshot *snapshot, const json_t *one)
{
	uint64_t bytes = number_of(one, "size_bytes");

	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++) {
		struct weir_snapshot_class *class = &snapshot->classes[c];

		if (class->size_bytes != bytes)
			continue;
		class->hits = number_of(one, "hits");
		class->misses = number_of(one, "misses");
		class->retained_bytes = number_of(one, "retained_bytes");
		class->retained_blocks = number_of(one, "retained_blocks");
		class->live_blocks = number_of(one, "live_blocks");
	}
}

static void take_classes(struct weir_snapshot *snapshot, const json_t *all)
{
	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++)
		snapshot->classes[c].size_bytes = weir_class_bytes(c);
	for (size_t i = 0; i < json_array_size(all) && i < WEIR_CLASS_COUNT; i++)
		take_class(snapshot, json_array_get(all, i));
}

static void take_pool(struct weir_snapshot_pool *pool, const json_t *one)
{
	memset(pool, 0, sizeof *pool);
	take_text(pool->name, sizeof pool->name, one, "name");
	pool->place = (uint32_t)number_of(one, "place");
	for (uint32_t i = 0; i <= WEIR_POOL_DISPOSED; i++)
		if (is_text(one, "state", weir_pool_state_name(i)))
			pool->state = i;
	take_fields(pool, one, weir_snapshot_pool_fields, WEIR_SNAPSHOT_POOL_FIELDS);
}

static void take_pools(struct weir_snapshot *snapshot, const json_t *all)
{
	snapshot->pool_count = (uint32_t)weir_min(json_array_size(all), WEIR_SNAPSHOT_POOLS);
	for (uint32_t i = 0; i < snapshot->pool_count; i++)
		take_pool(&snapshot->pools[i], json_array_get(all, i));
}

static bool take_answer(struct weir_snapshot *snapshot, const char *text)
{
	json_t *answer = json_loads(text, 0, NULL);

	if (!json_is_object(answer)) {
		json_decref(answer);
		return false;
	}
	memset(snapshot, 0, sizeof *snapshot);
	take_text(snapshot->version, sizeof snapshot->version, answer, "version");
	take_text(snapshot->program, sizeof snapshot->program, answer, "program");
	take_text(snapshot->backend, sizeof snapshot->backend, answer, "backend");
	take_text(snapshot->socket, sizeof snapshot->socket, answer, "socket");
	take_words(snapshot, answer);
	take_fields(snapshot, answer, weir_snapshot_fields, WEIR_SNAPSHOT_FIELDS);
	snapshot->signal = (int)(number_of(answer, "signal_number") & 0xff);
	take_released(snapshot, json_object_get(answer, "released"));
	take_classes(snapshot, json_object_get(answer, "classes"));
	take_pools(snapshot, json_object_get(answer, "pools"));
	json_decref(answer);
	return true;
}

/* What the process was started with. */

#define ENVIRONMENT_BYTES_MAX ((size_t)1 << 20)
#define VARIABLES_MAX 4096

struct environment {
	char bytes[ENVIRONMENT_BYTES_MAX];
	char *variables[VARIABLES_MAX + 1];
};

/* WEIR_PROGRAMS is left out: where it does not take a name, nothing behind it is read. */
static void read_environment(pid_t task, struct environment *environment)
{
	static const char programs[] = "WEIR_PROGRAMS=";
	char *at = environment->bytes;
	ssize_t length = proc_read(task, "environ", at, sizeof environment->bytes);
	size_t count = 0;

	for (; at - environment->bytes < length && count < VARIABLES_MAX; at += strlen(at) + 1)
		if (strncmp(at, programs, strlen(programs)) != 0)
			environment->variables[count++] = at;
}

static void load_config(pid_t task, struct weir_config *config)
{
	struct environment *environment = calloc(1, sizeof *environment);
	char *none[] = { NULL };

	if (environment)
		read_environment(task, environment);
	weir_config_load(config, environment ? environment->variables : none, "", &setting_silent);
	free(environment);
}

static unsigned effective_uid(pid_t pid)
{
	char ids[64];
	char *second;

	if (!proc_field(pid, "status", "Uid", ids, sizeof ids))
		return 0;
	second = strchr(ids, '\t');
	return second ? (unsigned)strtoul(second, NULL, 10) : 0;
}

/* Asks at one path. */
static bool ask_at(struct process *process, const struct weir_text *path)
{
	struct weir_snapshot *snapshot = &process->snapshot;
	char *answer;
	bool done;

	if (!weir_text_fits(path) || path->used >= sizeof snapshot->socket)
		return false;
	memcpy(snapshot->socket, path->data, path->used + 1);
	answer = malloc(WEIR_SNAPSHOT_JSON_BYTES);
	done = answer && channel_ask(process, "stats", answer, WEIR_SNAPSHOT_JSON_BYTES) &&
	       take_answer(snapshot, answer);
	free(answer);
	return done;
}

static bool ask_as_asked(struct process *process, const struct weir_config *config)
{
	char bytes[2 * WEIR_SOCKET_PATH_BYTES];
	struct weir_text path;

	if (config->socket[0] != '/')
		return false;
	weir_text_init(&path, bytes, sizeof bytes);
	weir_text_pattern(&path, config->socket, (uint64_t)process->inner_pid);
	if (ask_at(process, &path))
		return true;
	weir_text_char(&path, '.');
	weir_text_decimal(&path, (uint64_t)process->inner_pid);
	return ask_at(process, &path);
}

static bool ask_in_places(struct process *process, const struct weir_config *config)
{
	unsigned uid = effective_uid(process->pid);
	char bytes[2 * WEIR_SOCKET_PATH_BYTES];
	struct weir_text path;
	bool make;

	for (size_t i = 0;; i++) {
		weir_text_init(&path, bytes, sizeof bytes);
		if (!weir_socket_place(i, config, uid, &path, &make))
			return false;
		if (path.used == 0)
			continue;
		weir_text_char(&path, '/');
		weir_socket_format_name(&path, (uint64_t)process->inner_pid, process->start);
		if (ask_at(process, &path))
			return true;
	}
}

/* Programs that write their title over their environment leave only the usual places. */
bool asked_read(struct process *process)
{
	struct weir_config config;

	process->page_address = 0;
	load_config(process->task, &config);
	return ask_as_asked(process, &config) || ask_in_places(process, &config);
}

#else

bool asked_read(struct process *process)
{
	(void)process;
	return false;
}

#endif
