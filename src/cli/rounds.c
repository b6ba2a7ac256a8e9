#include "rounds.h"

#include "directory.h"
#include "progress.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The program and its output. */

static int check_program(struct rounds *rounds)
{
	const struct program *program = &rounds->program;
	const char *name = rounds->argv[0];

	program_find(name, &rounds->program);
	if (program->obstacle == PROGRAM_OBSTACLE_NONE || program->obstacle == PROGRAM_UNREADABLE)
		return COMMAND_OK;
	command_complain(rounds->command, "%s %s", program->path,
			 program_explain(program->obstacle));
	if (program->obstacle == PROGRAM_NOT_FOUND)
		return LAUNCH_NOT_FOUND;
	return program->obstacle == PROGRAM_NOT_EXECUTABLE ? LAUNCH_NOT_EXECUTABLE : COMMAND_FAILED;
}

static bool make_directory(struct rounds *rounds)
{
	const char *base = getenv("TMPDIR");

	if (rounds->output != NULL) {
		snprintf(rounds->directory, sizeof rounds->directory, "%s", rounds->output);
		return mkdir(rounds->directory, 0777) == 0 || errno == EEXIST;
	}
	snprintf(rounds->directory, sizeof rounds->directory, "%s/weir-%s.XXXXXX",
		 base == NULL || *base == '\0' ? "/tmp" : base, rounds->command->name);
	return mkdtemp(rounds->directory) != NULL;
}

int rounds_begin(struct rounds *rounds)
{
	int status = check_program(rounds);

	if (status != COMMAND_OK)
		return status;
	if (!make_directory(rounds)) {
		command_complain(rounds->command, "%s: %s", rounds->directory, strerror(errno));
		return COMMAND_FAILED;
	}
	trial_begin();
	return COMMAND_OK;
}

void rounds_end(struct rounds *rounds)
{
	progress_clear();
	if (rounds->output == NULL && !rounds->keeps)
		directory_remove(rounds->directory);
	trial_end();
}

/* A contender's name as a part of a file's. */
static void put_file(char *path, const struct rounds *rounds, const struct contender *contender,
		     const char *kind)
{
	char name[64];
	size_t i = 0;

	for (; i < sizeof name - 1 && contender->name[i] != '\0'; i++)
		name[i] = isalnum((unsigned char)contender->name[i]) ? contender->name[i] : '-';
	name[i] = '\0';
	if ((size_t)snprintf(path, PATH_MAX, "%s/%s.%s", rounds->directory, name, kind) >= PATH_MAX)
		path[0] = '\0';
}

/* Runs. */

__attribute__((format(printf, 4, 5))) static void complain_of(struct rounds *rounds,
							      struct contender *contender,
							      const struct trial_files *files,
							      const char *format, ...)
{
	char what[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	progress_clear();
	command_complain(rounds->command, "under %s %s %s; its stderr is in %s", contender->name,
			 rounds->argv[0], what, files->err);
	contender->failed = true;
	rounds->keeps = true;
}

static void check_status(struct rounds *rounds, struct contender *contender,
			 const struct trial_files *files, int status)
{
	if (WIFSIGNALED(status))
		complain_of(rounds, contender, files, "was ended by signal %d (%s)",
			    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != rounds->status)
		complain_of(rounds, contender, files, "ended with exit status %d, not %d",
			    WEXITSTATUS(status), rounds->status);
}

/* False where nothing more can be run. */
static bool run(struct rounds *rounds, struct contender *contender, struct trial *trial)
{
	struct trial_files files;

	put_file(files.out, rounds, contender, "out");
	put_file(files.err, rounds, contender, "err");
	progress_show(rounds->done, rounds->total, contender->name);
	trial_run(trial, &contender->launch, rounds->program.obstacle, rounds->argv, &files);
	if (trial->result == TRIAL_NOT_STARTED)
		command_complain(rounds->command, "%s cannot be run: %s", rounds->argv[0],
				 strerror(trial->error));
	if (trial->result != TRIAL_ENDED)
		return false;
	check_status(rounds, contender, &files, trial->status);
	if (!contender->failed && rounds->refine && !rounds->refine(&trial->sample, files.out))
		complain_of(rounds, contender, &files, "printed no figures");
	rounds->done++;
	return true;
}

bool rounds_warm_up(struct rounds *rounds, struct contender *contender)
{
	struct trial trial;

	return run(rounds, contender, &trial) && !contender->failed;
}

static bool take_sample(struct rounds *rounds, struct contender *contender)
{
	struct trial trial;

	if (contender->failed || contender->sample_count == FIGURES_RUNS_MAX)
		return true;
	if (!run(rounds, contender, &trial))
		return false;
	if (!contender->failed)
		contender->samples[contender->sample_count++] = trial.sample;
	return true;
}

/* The same orders each time: a generator of numbers as of Knuth's MMIX, by its upper bits. */
static size_t draw(size_t below)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005U + 1442695040888963407U;
	return (size_t)((state >> 33) % below);
}

static void shuffle(struct contender **each, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = draw(i);
		struct contender *swapped = each[i - 1];

		each[i - 1] = each[j];
		each[j] = swapped;
	}
}

static bool run_round(struct rounds *rounds, struct contender **each, size_t count)
{
	bool any = false;

	shuffle(each, count);
	for (size_t i = 0; i < count; i++) {
		if (!take_sample(rounds, each[i]))
			return false;
		any = any || !each[i]->failed;
	}
	return any;
}

bool rounds_run(struct rounds *rounds, struct contender *const *each, size_t count, unsigned runs)
{
	struct contender *order[CONTENDERS_MAX];

	for (size_t i = 0; i < count; i++)
		order[i] = each[i];
	for (unsigned i = 0; i < runs; i++)
		if (!run_round(rounds, order, count))
			return false;
	return count > 0;
}
