#include "report.h"

#include "os.h"

#include <stdlib.h>
#include <unistd.h>

void weir_line_begin(struct weir_line *line)
{
	/* The last byte is kept for the newline of weir_line_send. */
	weir_text_init(&line->text, line->data, sizeof line->data - 1);
	weir_text_string(&line->text, "weir[");
	weir_text_decimal(&line->text, (uint64_t)weir_os_pid());
	weir_text_string(&line->text, "]: ");
}

void weir_line_send(struct weir_line *line)
{
	line->data[line->text.used] = '\n';
	weir_os_write(STDERR_FILENO, line->data, line->text.used + 1);
}

int weir_report_fd(void)
{
	return STDERR_FILENO;
}

void weir_report_text(const struct weir_text *text)
{
	weir_os_write(STDERR_FILENO, text->data, text->used);
}

void weir_report_misuse(const char *call, const void *address, const char *what)
{
	struct weir_line line;

	weir_line_begin(&line);
	weir_text_string(&line.text, call);
	weir_text_char(&line.text, '(');
	weir_text_hex(&line.text, (uintptr_t)address);
	weir_text_string(&line.text, "): ");
	weir_text_string(&line.text, what);
	weir_line_send(&line);
	abort();
}
