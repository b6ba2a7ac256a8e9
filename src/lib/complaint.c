#include "complaint.h"

#include "config_table.h"
#include "report.h"

#include <string.h>

#define VALUE_BYTES_MAX 64 /* of a value in a complaint */

static void put_on_stderr(void *context, const char *line)
{
	struct weir_line report;

	(void)context;
	weir_line_begin(&report);
	weir_text_string(&report.text, line);
	weir_line_send(&report);
}

static const struct weir_config_sink stderr_sink = { put_on_stderr, NULL };

struct weir_complaints weir_complaints_to(const struct weir_config_sink *sink)
{
	return (struct weir_complaints){ sink == NULL ? &stderr_sink : sink, false };
}

void weir_complaint_begin(struct weir_complaint *complaint)
{
	weir_text_init(&complaint->text, complaint->data, sizeof complaint->data);
}

void weir_complaint_send(struct weir_complaints *complaints, const struct weir_complaint *complaint)
{
	complaints->any = true;
	complaints->sink->put(complaints->sink->context, complaint->data);
}

/* What the environment holds, cut and without control characters. */
static void put_foreign(struct weir_text *text, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length && i < VALUE_BYTES_MAX; i++) {
		bool control = (unsigned char)bytes[i] < ' ' || bytes[i] == 0x7f;

		weir_text_char(text, control ? '?' : bytes[i]);
	}
	if (length > VALUE_BYTES_MAX)
		weir_text_string(text, "...");
}

void weir_complaint_of_value(struct weir_complaints *complaints, const struct weir_option *option,
			     const char *value, const char *problem,
			     const struct weir_config *config)
{
	struct weir_complaint complaint;
	struct weir_text *text = &complaint.text;

	weir_complaint_begin(&complaint);
	weir_text_string(text, option->name);
	weir_text_char(text, '=');
	put_foreign(text, value, strlen(value));
	weir_text_string(text, ": ");
	weir_text_string(text, problem);
	weir_text_string(text, "; accepted: ");
	option->kind->describe(option, text);
	weir_text_string(text, "; using ");
	weir_option_format(text, option, config);
	weir_complaint_send(complaints, &complaint);
}

/* Unknown names. */

static const char *nearest_name(const char *name, size_t length)
{
	unsigned nearest = UINT32_MAX;
	const char *found = NULL;

	for (size_t i = 0; i < WEIR_OPTION_COUNT; i++) {
		unsigned d = weir_text_distance(name, length, weir_config_options[i].name);

		if (d < nearest) {
			nearest = d;
			found = weir_config_options[i].name;
		}
	}
	return found;
}

void weir_complaint_of_name(struct weir_complaints *complaints, const char *name, size_t length)
{
	struct weir_complaint complaint;
	struct weir_text *text = &complaint.text;

	weir_complaint_begin(&complaint);
	put_foreign(text, name, length);
	weir_text_string(text, ": unknown variable, ignored; the nearest known name is ");
	weir_text_string(text, nearest_name(name, length));
	weir_complaint_send(complaints, &complaint);
}
