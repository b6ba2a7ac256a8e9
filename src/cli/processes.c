#include "processes.h"

#include <stdlib.h>

/* Process ids at first; twice as many as long as they do not suffice. */
#define PIDS_AT_FIRST 1024

static pid_t *list_all(size_t *count)
{
	pid_t *pids = NULL, *more;

	for (size_t most = PIDS_AT_FIRST;; most *= 2) {
		more = realloc(pids, most * sizeof *pids);
		if (more == NULL)
			break;
		pids = more;
		*count = process_list(pids, most);
		if (*count < most)
			return pids;
	}
	free(pids);
	return NULL;
}

bool processes_each(processes_take *take, void *context)
{
	struct process process;
	size_t count, i = 0;
	pid_t *pids = list_all(&count);

	if (pids == NULL)
		return false;
	while (i < count &&
	       (process_read(pids[i], &process) != PROCESS_OK || take(context, &process)))
		i++;
	free(pids);
	return i == count;
}

size_t processes_count_hidden(void)
{
	struct process process;
	size_t count = 0, hidden = 0;
	pid_t *pids = list_all(&count);

	for (size_t i = 0; pids != NULL && i < count; i++)
		hidden += process_has_library(pids[i]) &&
			  process_read(pids[i], &process) == PROCESS_NO_ACCESS;
	free(pids);
	return hidden;
}
