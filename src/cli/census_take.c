#include "census_take.h"

#include "family.h"
#include "memory.h"
#include "os.h"

static bool read_regions(const struct process *process, struct weir_stats_region *regions)
{
	uint64_t address = process->page_address + offsetof(struct weir_stats_page, regions);
	pid_t task = process->task;

	return process->page_address != 0 &&
	       memory_read(&task, address, regions, WEIR_STATS_REGIONS * sizeof *regions);
}

/* weir's reservation: regions of equal length, and behind them the words of their slots, which
 * the statistics page leads to. The first region has a slot each 64 KiB, the next ones half as
 * many each. */
static struct census_range reservation(const struct process *process)
{
	struct weir_stats_region regions[WEIR_STATS_REGIONS];
	uint64_t first_bytes, last_bytes;
	size_t count = 0;

	if (!read_regions(process, regions))
		return (struct census_range){ 0, 0 };
	while (count < WEIR_STATS_REGIONS && regions[count].slots_address != 0)
		count++;
	if (count < 2)
		return (struct census_range){ 0, 0 };
	first_bytes = regions[1].slots_address - regions[0].slots_address;
	last_bytes = weir_align_up(first_bytes >> (count - 1), (uint64_t)4096);
	return (struct census_range){
		regions[0].slots_address -
			count * (first_bytes / sizeof(struct weir_slot) << WEIR_MIN_STRIDE_SHIFT),
		regions[count - 1].slots_address + last_bytes,
	};
}

/* One of them. */

static bool add_memory(struct census *memory, pid_t task, const struct census_range *weir)
{
	char path[32];
	FILE *smaps;

	snprintf(path, sizeof path, "/proc/%d/smaps", (int)task);
	smaps = fopen(path, "re");
	if (smaps == NULL)
		return false;
	census_add(memory, smaps, weir);
	fclose(smaps);
	return true;
}

static void take(pid_t pid, struct census_sample *sample, census_see *see, void *context)
{
	static struct process process;
	struct census_range weir = { 0, 0 };
	uint64_t before = census_private(&sample->memory);
	bool is_under_weir = process_read(pid, &process) == PROCESS_OK;

	if (is_under_weir) {
		weir = reservation(&process);
		sample->live_bytes += process.snapshot.live_bytes;
		sample->retained_bytes += process.snapshot.retained_bytes;
		see(context, &process);
	}
	if (!add_memory(&sample->memory, pid, &weir))
		return;
	sample->processes++;
	if (is_under_weir)
		return;
	sample->without_weir++;
	sample->without_weir_bytes += census_private(&sample->memory) - before;
}

void census_take(pid_t first, struct census_sample *sample, census_see *see, void *context)
{
	static struct family family;

	*sample = (struct census_sample){ .ns = weir_os_now_ns() };
	family_find(&family, first);
	for (size_t i = 0; i < family.count; i++)
		take(family.pids[i], sample, see, context);
}
