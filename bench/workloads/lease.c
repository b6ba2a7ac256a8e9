/* Leases from a pool beside malloc and free, both under weir: a block is leased, written and
 * returned; batch by batch in between the same with malloc and free. One byte is written, or
 * all of it.
 *
 * And blocks of one size: 4 KiB leased from slabs and returned, where weir is preloaded; under
 * every other allocator malloc and free of as much. */
#include "../bench.h"
#include "weir.h"

#include <dlfcn.h>
#include <stdlib.h>

#define SIZE_DEFAULT (1 * MIB)
#define BATCHES 15
#define BLOCK_BYTES (4 * KIB)
#define BLOCK_COUNT 50000

/* The functions of the library that is preloaded; `create` is NULL where none is. */
struct calls {
	__typeof__(&weir_pool_create) create;
	__typeof__(&weir_lease) lease;
	__typeof__(&weir_return) give_back;
};

static struct calls find_calls(void)
{
	struct calls calls;
	*(void **)&calls.create = dlsym(RTLD_DEFAULT, "weir_pool_create");
	*(void **)&calls.lease = dlsym(RTLD_DEFAULT, "weir_lease");
	*(void **)&calls.give_back = dlsym(RTLD_DEFAULT, "weir_return");
	return calls;
}

static void write_byte(char *block, size_t bytes)
{
	(void)bytes;
	block[0] = 1;
}

static void lease_batch(const struct calls *calls, struct weir_pool *pool, size_t bytes,
			unsigned count, bench_write *write)
{
	for (unsigned i = 0; i < count; i++) {
		char *block = calls->lease(pool, bytes, 0);
		if (block == NULL)
			bench_die("weir_lease");
		write(block, bytes);
		calls->give_back(pool, block);
	}
}

static void malloc_batch(size_t bytes, unsigned count, bench_write *write)
{
	for (unsigned i = 0; i < count; i++) {
		char *block = bench_malloc(bytes);
		write(block, bytes);
		free(block);
	}
}

static struct weir_pool *create(const struct calls *calls, size_t block_bytes)
{
	struct weir_pool_options options = { .name = "bench",
					     .limit_bytes = WEIR_NO_LIMIT,
					     .block_bytes = block_bytes };
	struct weir_pool *pool = calls->create(&options);
	if (pool == NULL)
		bench_die("weir_pool_create");
	return pool;
}

static void compare(const char *workload, size_t bytes, unsigned count, bench_write *write)
{
	static struct bench_meter leased, allocated;
	struct calls calls = find_calls();
	if (calls.create == NULL)
		return;
	struct weir_pool *pool = create(&calls, 0);
	lease_batch(&calls, pool, bytes, count, write);
	malloc_batch(bytes, count, write);
	for (unsigned batch = 0; batch < BATCHES; batch++) {
		bench_meter_start(&leased);
		lease_batch(&calls, pool, bytes, count, write);
		bench_meter_stop(&leased, count);
		bench_meter_start(&allocated);
		malloc_batch(bytes, count, write);
		bench_meter_stop(&allocated, count);
	}
	struct bench_row row = { .workload = workload, .variant = "block", .size_bytes = bytes };
	bench_print(&row, &leased);
	row.variant = "malloc";
	bench_print(&row, &allocated);
}

static void run_lease(const struct bench_options *options)
{
	size_t bytes = options->size_bytes != 0 ? options->size_bytes : SIZE_DEFAULT;
	compare("lease", bytes, bench_scaled(options, bytes <= MIB ? 40000 : 8000, 1), write_byte);
}

static void run_lease_whole(const struct bench_options *options)
{
	size_t bytes = options->size_bytes != 0 ? options->size_bytes : SIZE_DEFAULT;
	unsigned count = (unsigned)(256 * MIB / bytes);
	compare("lease-whole", bytes, bench_scaled(options, count, 1), bench_write_whole);
}

static void run_blocks(const struct bench_options *options)
{
	static struct bench_meter meter;
	struct calls calls = find_calls();
	struct weir_pool *pool = calls.create != NULL ? create(&calls, BLOCK_BYTES) : NULL;
	unsigned count = bench_scaled(options, BLOCK_COUNT, 1);

	for (unsigned batch = 0; batch <= BATCHES; batch++) {
		bench_meter_start(&meter);
		if (pool != NULL)
			lease_batch(&calls, pool, BLOCK_BYTES, count, write_byte);
		else
			malloc_batch(BLOCK_BYTES, count, write_byte);
		if (batch > 0) /* the first one warms up */
			bench_meter_stop(&meter, count);
	}
	struct bench_row row = { .workload = "blocks",
				 .variant = "block",
				 .size_bytes = BLOCK_BYTES };
	bench_print(&row, &meter);
}

const struct bench_workload bench_lease = { "lease", run_lease,
					    "lease, write one byte, return; beside malloc" };
const struct bench_workload bench_lease_whole = { "lease-whole", run_lease_whole,
						  "the same, all of it written" };
const struct bench_workload bench_blocks = { "blocks", run_blocks,
					     "lease and return 4 KiB; malloc and free elsewhere" };
