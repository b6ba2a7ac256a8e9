#include "progress.h"

#include "os.h"
#include "print.h"

#include <stdio.h>
#include <unistd.h>

#define BAR_COLUMNS 30
#define LINE_BYTES 80

void progress_show(unsigned done, unsigned total, const char *label)
{
	static uint64_t begin_ns;
	char bar[BAR_COLUMNS + 1], line[LINE_BYTES], left[24] = "";
	long rest_s;

	if (!isatty(STDERR_FILENO))
		return;
	if (begin_ns == 0)
		begin_ns = weir_os_now_ns();
	if (done > 0) {
		rest_s = (long)((weir_os_now_ns() - begin_ns) / 1000000000) * (long)(total - done) /
			 (long)done;
		snprintf(left, sizeof left, "%ld:%02ld left", rest_s / 60, rest_s % 60);
	}
	print_bar(bar, BAR_COLUMNS, done, total);
	snprintf(line, sizeof line, "%s %u/%u %s %.24s", bar, done, total, left, label);
	fprintf(stderr, "\r%s\033[K", line);
	fflush(stderr);
}

void progress_clear(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}
