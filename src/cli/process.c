#include "process.h"

#include "asked.h"
#include "clean.h"
#include "image.h"
#include "memory.h"
#include "proc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Images that are tried: a process may have mapped the file for another reason, too. */
#define IMAGES_MAX 8
#define WRITABLE_MAX 32

/* How often what is just changing is read again, and the time between. */
#define TRIES_MAX 5
#define TRY_MS 2

static void sleep_ms(long ms)
{
	struct timespec time = { .tv_nsec = ms * 1000000 };

	nanosleep(&time, NULL);
}

/* Mappings of the library. */

struct range {
	uint64_t begin;
	uint64_t end;
};

struct image_at {
	uint64_t base;
	enum process_library library;
};

struct library {
	struct image_at images[IMAGES_MAX];
	unsigned image_count;
	struct range writable[WRITABLE_MAX];
	unsigned writable_count;
};

static bool note_mapping(void *context, const struct memory_mapping *mapping)
{
	struct library *library = context;
	enum process_library which = process_library_of(mapping->file);

	if (which == PROCESS_LIBRARIES)
		return true;
	if (mapping->offset == 0 && library->image_count < IMAGES_MAX)
		library->images[library->image_count++] =
			(struct image_at){ mapping->begin, which };
	if (mapping->is_writable && library->writable_count < WRITABLE_MAX)
		library->writable[library->writable_count++] =
			(struct range){ mapping->begin, mapping->end };
	return true;
}

static enum process_result of_error(int error)
{
	return error == EACCES || error == EPERM ? PROCESS_NO_ACCESS : PROCESS_GONE;
}

static enum process_result find_library(pid_t task, struct library *library)
{
	long count = memory_list(task, note_mapping, library);

	if (count < 0)
		return of_error((int)-count);
	if (count == 0)
		return PROCESS_GONE;
	return library->image_count > 0 ? PROCESS_OK : PROCESS_NOT_UNDER_WEIR;
}

/* A loaded library has its variables in a writable mapping of the file. */
static bool is_variable(const struct library *library, uint64_t address)
{
	for (unsigned i = 0; i < library->writable_count; i++)
		if (address >= library->writable[i].begin && address < library->writable[i].end)
			return true;
	return false;
}

static uint64_t find_page_of(pid_t task, const struct library *library, enum process_library which)
{
	uint64_t address;

	for (unsigned i = 0; i < library->image_count; i++) {
		if (library->images[i].library != which)
			continue;
		address = image_find_symbol(task, library->images[i].base, WEIR_STATS_SYMBOL);
		if (is_variable(library, address))
			return address;
	}
	return 0;
}

/* Where both are loaded the program's calls reach the first. */
static uint64_t find_page(pid_t task, const struct library *library)
{
	uint64_t address = find_page_of(task, library, PROCESS_LIBRARY);

	return address != 0 ? address : find_page_of(task, library, PROCESS_POOL_LIBRARY);
}

/* The page. */

static bool is_known(struct process *process)
{
	struct {
		uint32_t size;
		uint32_t version;
	} known;

	return memory_read(&process->task, process->page_address, &known, sizeof known) &&
	       known.size >= sizeof(struct weir_stats_page) && known.version == WEIR_STATS_VERSION;
}

static bool read_sequence(struct process *process, uint32_t *sequence)
{
	return memory_read(&process->task,
			   process->page_address +
				   offsetof(struct weir_stats_page, settings_sequence),
			   sequence, sizeof *sequence);
}

/* Its texts are empty when they change all the time, or who changed them was stopped. */
static bool read_page(struct process *process, struct weir_stats_page *page)
{
	uint32_t after;

	for (unsigned i = 0; i < TRIES_MAX; i++) {
		if (!memory_read(&process->task, process->page_address, page, sizeof *page) ||
		    !read_sequence(process, &after))
			return false;
		if (page->settings_sequence == after && after % 2 == 0)
			return true;
		sleep_ms(TRY_MS);
	}
	page->settings[0] = '\0';
	page->socket[0] = '\0';
	return true;
}

struct backend {
	uint64_t address;
	char *name;
};

static bool note_backend(void *context, const struct memory_mapping *mapping)
{
	struct backend *backend = context;

	if (backend->address < mapping->begin || backend->address >= mapping->end)
		return true;
	strncat(backend->name, mapping->file, WEIR_SNAPSHOT_BACKEND_BYTES - 1);
	return false;
}

static void name_backend(struct process *process, uint64_t address)
{
	struct backend backend = { address, process->snapshot.backend };

	if (address != 0)
		memory_list(process->task, note_backend, &backend);
}

static void copy_settings(struct process *process, const struct weir_stats_page *page)
{
	memcpy(process->settings, page->settings, sizeof process->settings - 1);
	process->settings[sizeof process->settings - 1] = '\0';
}

static void clean_texts(struct process *process)
{
	clean_text(process->snapshot.backend, "");
	clean_text(process->snapshot.version, "");
	clean_text(process->snapshot.program, "");
	clean_text(process->snapshot.socket, "");
	clean_text(process->settings, "\n\t");
	for (uint32_t i = 0; i < process->snapshot.pool_count; i++)
		clean_text(process->snapshot.pools[i].name, "");
}

static enum process_result read_statistics(struct process *process)
{
	struct library library = { .image_count = 0 };
	enum process_result result = find_library(process->task, &library);
	struct weir_stats_page page;
	char byte;

	if (result != PROCESS_OK)
		return result;
	if (!memory_read(&process->task, library.images[0].base, &byte, sizeof byte) &&
	    errno != EFAULT)
		return of_error(errno);
	process->page_address = find_page(process->task, &library);
	if (process->page_address == 0 || !is_known(process) || !read_page(process, &page) ||
	    !weir_snapshot_take(&process->snapshot, &page, memory_read, &process->task))
		return PROCESS_UNREADABLE;
	copy_settings(process, &page);
	name_backend(process, page.backend_malloc);
	return PROCESS_OK;
}

/* Ids in all namespaces it is in, from this one's inwards. */
static pid_t inner_pid(pid_t pid)
{
	char ids[512];
	char *last;

	if (!proc_field(pid, "status", "NSpid", ids, sizeof ids))
		return pid;
	last = strrchr(ids, '\t');
	return (pid_t)strtol(last ? last + 1 : ids, NULL, 10);
}

/* /proc has threads under their own numbers as well. */
static bool is_process(pid_t pid)
{
	char leader[32];

	return proc_field(pid, "status", "Tgid", leader, sizeof leader) &&
	       strtol(leader, NULL, 10) == pid;
}

static enum process_result read_once(pid_t pid, struct process *process)
{
	enum process_result result;

	memset(process, 0, sizeof *process);
	process->pid = pid;
	process->start = proc_start(pid);
	if (process->start == 0 || !is_process(pid))
		return PROCESS_GONE;
	process->inner_pid = inner_pid(pid);
	process->task = process_task(pid);
	result = read_statistics(process);
	if (result == PROCESS_NO_ACCESS && asked_read(process))
		result = PROCESS_OK;
	process->snapshot.pid = (uint64_t)process->inner_pid;
	clean_texts(process);
	return proc_start(pid) == process->start ? result : PROCESS_GONE;
}

enum process_result process_read(pid_t pid, struct process *process)
{
	enum process_result result = read_once(pid, process);

	for (unsigned i = 1; i < TRIES_MAX && result == PROCESS_UNREADABLE; i++) {
		sleep_ms(TRY_MS);
		result = read_once(pid, process);
	}
	return result;
}

bool process_read_released(const struct process *process, enum weir_trigger trigger,
			   struct weir_released *released)
{
	pid_t task = process->task;
	uint64_t address = process->page_address + offsetof(struct weir_stats_page, released) +
			   trigger * sizeof *released;

	return process->page_address != 0 &&
	       memory_read(&task, address, released, sizeof *released);
}
