/* The statistics page of a hostile process: snapshot.c over a page and over slots that are any
 * bytes, and what is shown of it. The input is changes to a page that is right, (place, length,
 * bytes), then what every read of the process's memory finds, over and over. */
#include "target.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <memory>

extern "C" {
#include "metrics.h"
#include "snapshot.h"
}

namespace
{

using fuzz::must;

struct Bytes {
	bool ended() const { return at == size; }
	uint8_t next() { return ended() ? 0 : data[at++]; }
	unsigned number() { return next() | (unsigned)next() << 8; }

	const uint8_t *data;
	size_t size, at = 0;
};

/* A process that has not much memory. */
struct Process {
	static bool read(void *context, uint64_t address, void *to, size_t bytes)
	{
		Process *process = (Process *)context;
		const Bytes &content = process->content;

		if (process->reads_left == 0 || content.size == 0)
			return false;
		process->reads_left--;
		for (size_t i = 0; i < bytes; i++)
			((uint8_t *)to)[i] = content.data[(address + i) % content.size];
		return true;
	}

	Bytes content;
	unsigned reads_left = 100;
};

void change(struct weir_stats_page *page, Bytes *changes)
{
	for (unsigned count = changes->next() % 16; count > 0; count--) {
		size_t at = changes->number() % sizeof *page;

		/* The parts that are small, more often. */
		if (changes->next() % 4 == 0)
			at = offsetof(struct weir_stats_page, counters) + at % 2048;
		for (unsigned bytes = changes->next() % 32; bytes > 0; bytes--)
			if (at < sizeof *page)
				((uint8_t *)page)[at++] = changes->next();
	}
}

std::unique_ptr<struct weir_stats_page> right_page()
{
	std::unique_ptr<struct weir_stats_page> page(new struct weir_stats_page());

	page->size = sizeof *page;
	page->version = WEIR_STATS_VERSION;
	page->state = WEIR_STATE_READY;
	page->page_bytes = 4096;
	strcpy(page->weir_version, WEIR_VERSION);
	strcpy(page->program, "hostile");
	for (unsigned r = 0; r < WEIR_STATS_REGIONS; r++)
		page->regions[r] = { (uint64_t)(r + 1) << 20, (uint64_t)(r + 1) << 12 };
	page->limit_bytes = (uint64_t)1 << 29;
	page->pools_address = (uint64_t)1 << 30;
	page->pools = 3;
	page->pool_stride_bytes = sizeof(struct weir_stats_pool);
	return page;
}

void check_texts(const weir_snapshot &snapshot)
{
	std::vector<char> data(WEIR_METRICS_BYTES);
	weir_text text;

	weir_text_init(&text, data.data(), WEIR_SNAPSHOT_JSON_BYTES);
	weir_snapshot_format_json(&text, &snapshot);
	must(weir_text_fits(&text), "the object fits");
	must(nlohmann::json::accept(std::string(data.data())), "it is JSON");
	for (size_t family = 0; family < weir_metrics_family_count(); family++) {
		weir_text_init(&text, data.data(), WEIR_METRICS_FAMILY_BYTES);
		weir_metrics_format_samples(&text, family, &snapshot);
		must(weir_text_fits(&text), "the samples of a family fit");
	}
	weir_text_init(&text, data.data(), data.size());
	for (size_t family = 0; family < weir_metrics_family_count(); family++) {
		weir_metrics_format_family(&text, family);
		weir_metrics_format_samples(&text, family, &snapshot);
	}
	must(weir_text_fits(&text), "the samples of a process fit");
	must(text.used == 0 || data[text.used - 1] == '\n', "they are lines");
}

void run_snapshot(const uint8_t *data, size_t size)
{
	std::unique_ptr<struct weir_stats_page> page = right_page();
	std::unique_ptr<weir_snapshot> snapshot(new weir_snapshot);
	Bytes input = { data, size };
	Process process;
	uint64_t live = 0, retained = 0;

	change(page.get(), &input);
	process.content = { data + input.at, size - input.at };
	memset((void *)snapshot.get(), 0xa5, sizeof *snapshot);
	if (!weir_snapshot_take(snapshot.get(), page.get(), Process::read, &process))
		return;
	for (const weir_snapshot_class &each : snapshot->classes) {
		live += each.live_blocks;
		retained += each.retained_blocks;
	}
	must(live == snapshot->live_blocks && retained == snapshot->retained_blocks,
	     "blocks are those of the classes");
	must(snapshot->pool_count <= WEIR_SNAPSHOT_POOLS, "there are not too many pools");
	for (uint32_t i = 0; i < snapshot->pool_count; i++) {
		const weir_snapshot_pool &pool = snapshot->pools[i];

		must((i == 0 || snapshot->pools[i - 1].place < pool.place) &&
			     pool.place < WEIR_POOLS_MAX && strlen(pool.name) < sizeof pool.name,
		     "pools are in order and their names end");
		must(pool.peak_retained_bytes >= pool.retained_bytes &&
			     pool.limit_bytes <= snapshot->limit_bytes &&
			     pool.leases == pool.hits + pool.misses,
		     "a pool's figures go together");
	}
	must(snapshot->peak_live_bytes >= snapshot->live_bytes &&
		     snapshot->peak_retained_bytes >= snapshot->retained_bytes,
	     "peaks are not below what there is");
	check_texts(*snapshot);
}

std::string with_slots(std::initializer_list<uint64_t> words)
{
	std::string made(1, '\0'); /* no changes */

	made += std::string("\3\0\0\0", 4);
	for (uint64_t word : words)
		made.append((const char *)&word, sizeof word);
	return made;
}

const fuzz::Target target = {
	"snapshot",
	run_snapshot,
	600,
	2000,
	{ std::string(1, '\0'), with_slots({ 0x8000002000010000, 0, 0x0000002000000000, 1 }),
	  with_slots({ 0x9000001000001000, 0, 0x1000001000000000, 0x100000001 }),
	  std::string("\2\0\0\1\10READY\0\0\0\60\0\1\10\377\377\377\377\377\377\377\377", 24) },
	{ std::string(8, '\377'), std::string(8, '\0'), std::string("\0\0\0\0\0\0\0\200", 8),
	  std::string("\0\0\0\0\1\0\0\0", 8), "\"", "\\", "\n" },
};

const fuzz::Registration registration(target);

} // namespace
