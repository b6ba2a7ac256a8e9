#include "self.h"

#include "engine.h"
#include "library.h"
#include "signal.h"

#include <string.h>

static void copy(char *to, size_t size, const char *from)
{
	size_t length = strnlen(from, size - 1);

	memcpy(to, from, length);
	to[length] = '\0';
}

void weir_self_introduce(const char *program)
{
	copy(weir_stats_page.program, sizeof weir_stats_page.program, program);
	weir_stats_page.page_bytes = weir_os_page_bytes();
}

static bool read_own(void *context, uint64_t address, void *to, size_t bytes)
{
	(void)context;
	memcpy(to, (const void *)(uintptr_t)address, bytes); // NOLINT: an address of ours
	return true;
}

void weir_self_snapshot(struct weir_snapshot *snapshot)
{
	struct weir_pool *pool = weir_engine_pool(), *each = NULL;

	weir_signal_look();
	while (pool && (each = weir_pool_next(pool, each)))
		weir_pool_note_peaks(each);
	weir_snapshot_take(snapshot, &weir_stats_page, read_own, NULL);
	snapshot->pid = (uint64_t)weir_os_pid();
	copy(snapshot->backend, sizeof snapshot->backend, weir_library_backend());
}
