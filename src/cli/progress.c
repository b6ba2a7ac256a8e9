#include "progress.h"

#include "print.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define BAR_COLUMNS 30
#define LINE_BYTES 80

static time_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

void progress_show(unsigned done, unsigned total, const char *label)
{
	static time_t begin_s;
	char bar[BAR_COLUMNS + 1], line[LINE_BYTES], left[24] = "";
	long rest_s;

	if (!isatty(STDERR_FILENO))
		return;
	if (begin_s == 0)
		begin_s = now_s();
	if (done > 0) {
		rest_s = (long)(now_s() - begin_s) * (long)(total - done) / (long)done;
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
