#include "control.h"

#include "engine.h"
#include "request.h"
#include "self.h"
#include "settings.h"

#include <string.h>

_Static_assert(WEIR_CONTROL_ANSWER_BYTES > WEIR_SNAPSHOT_JSON_BYTES, "every answer fits");

/* One request at a time. */
static struct weir_request request;
static struct weir_snapshot snapshot;

static void put_number(struct weir_text *text, const char *name, uint64_t value)
{
	weir_text_char(text, ' ');
	weir_text_string(text, name);
	weir_text_char(text, '=');
	weir_text_decimal(text, value);
}

static void put_tally(struct weir_text *text, const struct weir_tally *tally)
{
	struct weir_held held = weir_pool_held(weir_engine_pool());

	put_number(text, "released_bytes", weir_units_to_bytes(tally->units));
	put_number(text, "blocks", tally->blocks);
	put_number(text, "ns", tally->ns);
	put_number(text, "retained_bytes", weir_units_to_bytes(held.retained_units));
	put_number(text, "live_bytes", weir_units_to_bytes(held.live_units));
	weir_text_char(text, '\n');
}

static void refuse(struct weir_text *answer, const char *reason)
{
	weir_text_string(answer, "error: ");
	weir_text_string(answer, reason);
	weir_text_char(answer, '\n');
}

static void ping(struct weir_text *answer)
{
	weir_text_string(answer, "ok weir " WEIR_VERSION);
	put_number(answer, "pid", (uint64_t)weir_os_pid());
	weir_text_char(answer, '\n');
}

static void stats(struct weir_text *answer)
{
	weir_self_snapshot(&snapshot);
	weir_snapshot_format_json(answer, &snapshot);
	weir_text_char(answer, '\n');
}

static void metrics(struct weir_text *answer)
{
	weir_self_snapshot(&snapshot);
	for (size_t f = 0; f < weir_metrics_family_count(); f++) {
		weir_metrics_format_family(answer, f);
		weir_metrics_format_samples(answer, f, &snapshot);
	}
	weir_text_string(answer, WEIR_METRICS_END);
}

static void release(struct weir_text *answer)
{
	struct weir_tally tally =
		request.is_partial
			? weir_engine_release_some(WEIR_TRIGGER_socket, request.keep_bytes,
						   request.min_bytes, request.max_bytes)
			: weir_engine_release(WEIR_TRIGGER_socket);

	weir_text_string(answer, "ok");
	put_tally(answer, &tally);
}

/* NAME=VALUE and, behind a tab, the origin. */
static void put_setting(struct weir_text *answer)
{
	weir_text_string(answer, "ok ");
	weir_config_format_setting(answer, weir_settings(), request.name);
}

static void get(struct weir_text *answer)
{
	struct weir_text nowhere;
	char none[1];

	weir_text_init(&nowhere, none, sizeof none);
	if (weir_config_format_setting(&nowhere, weir_settings(), request.name))
		put_setting(answer);
	else
		refuse(answer, "no variable of this name");
}

static void set(struct weir_text *answer)
{
	char bytes[512];
	struct weir_text reason;
	struct weir_tally tally = { 0, 0, 0 };

	weir_text_init(&reason, bytes, sizeof bytes);
	if (!weir_settings_set(request.name, request.value, &reason, &tally)) {
		refuse(answer, bytes);
		return;
	}
	put_setting(answer);
	answer->used--; /* its newline: the tally goes on in the same line */
	put_tally(answer, &tally);
}

void weir_control_answer(const char *line, size_t length, struct weir_text *answer)
{
	static void (*const answers[])(struct weir_text * answer) = {
		[WEIR_VERB_PING] = ping,       [WEIR_VERB_STATS] = stats,
		[WEIR_VERB_METRICS] = metrics, [WEIR_VERB_RELEASE] = release,
		[WEIR_VERB_GET] = get,	       [WEIR_VERB_SET] = set,
	};
	char bytes[512];
	struct weir_text reason;

	weir_text_init(&reason, bytes, sizeof bytes);
	if (weir_request_parse(&request, line, length, &reason))
		answers[request.verb](answer);
	else
		refuse(answer, bytes);
}
