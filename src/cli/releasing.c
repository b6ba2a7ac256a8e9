#include "releasing.h"

#include "channel.h"
#include "print.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Longest text of one line about one process. */
#define ERROR_BYTES 384

static struct {
	bool is_on;
	atomic_bool is_over; /* release, pairs with acquire in releasing_take */
	pthread_t thread;
	struct top_row *rows;
	size_t count;
	/* The sum, the thread's until it is over. */
	size_t released;
	size_t failed;
	uint64_t bytes;
	uint64_t blocks;
	char error[ERROR_BYTES]; /* the last one */
} job;

static void note_error(const struct top_row *row, const char *error)
{
	job.failed++;
	snprintf(job.error, sizeof job.error, "%s[%d]: %s", row->program, (int)row->pid, error);
}

/* Only where the process is still the one of the row. */
static void release_row(const struct top_row *row)
{
	struct channel_release result;
	struct process process;
	enum process_result found = process_read(row->pid, &process);

	if (found == PROCESS_OK && process.start != row->start)
		found = PROCESS_GONE;
	if (found != PROCESS_OK) {
		note_error(row, process_explain(found));
	} else if (!channel_release(&process, NULL, NULL, &result)) {
		note_error(row, result.error);
	} else {
		job.released++;
		job.bytes += result.released_bytes;
		job.blocks += result.blocks;
	}
}

static void *release_rows(void *unused)
{
	for (size_t i = 0; i < job.count; i++)
		release_row(&job.rows[i]);
	atomic_store_explicit(&job.is_over, true, memory_order_release);
	return unused;
}

bool releasing_is_on(void)
{
	return job.is_on;
}

bool releasing_start(const struct top_row *rows, size_t count)
{
	if (job.is_on)
		return false;
	memset(&job, 0, sizeof job);
	job.rows = calloc(count + 1, sizeof *rows);
	if (job.rows == NULL)
		return false;
	memcpy(job.rows, rows, count * sizeof *rows);
	job.count = count;
	job.is_on = pthread_create(&job.thread, NULL, release_rows, NULL) == 0;
	if (!job.is_on)
		free(job.rows);
	return job.is_on;
}

static void format_who(char *who, size_t size)
{
	if (job.count == 1)
		snprintf(who, size, "%s[%d]", job.rows[0].program, (int)job.rows[0].pid);
	else
		snprintf(who, size, "%zu process%s", job.released, job.released == 1 ? "" : "es");
}

static void format_news(FILE *to)
{
	char who[WEIR_STATS_PROGRAM_BYTES + 16], size[PRINT_SIZE_BYTES];

	format_who(who, sizeof who);
	if (job.released > 0)
		fprintf(to, "%s: released %s in %" PRIu64 " block%s", who,
			print_size(size, job.bytes), job.blocks, job.blocks == 1 ? "" : "s");
	if (job.released > 0 && job.failed > 0)
		fputs("; ", to);
	if (job.failed > 1)
		fprintf(to, "%zu failed, the last ", job.failed);
	fputs(job.error, to);
}

bool releasing_take(char *news, size_t size)
{
	FILE *to;

	if (!job.is_on || !atomic_load_explicit(&job.is_over, memory_order_acquire))
		return false;
	pthread_join(job.thread, NULL);
	job.is_on = false;
	news[0] = '\0';
	to = fmemopen(news, size, "w");
	if (to != NULL) {
		format_news(to);
		fclose(to);
	}
	news[size - 1] = '\0';
	free(job.rows);
	return true;
}
