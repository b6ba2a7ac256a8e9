#include "profile_libc.h"

#include "base.h"

#define FIRST_THRESHOLD (128 * WEIR_KIB)
#define LAST_THRESHOLD (32 * WEIR_MIB)

static uint64_t threshold(const struct profile_libc *libc)
{
	return libc->threshold_bytes == 0 ? FIRST_THRESHOLD : libc->threshold_bytes;
}

static uint64_t take_from_heap(struct profile_libc *libc, uint64_t bytes)
{
	uint64_t found = weir_min(bytes, libc->heap_free_bytes);

	libc->heap_free_bytes -= found;
	libc->heap_live_bytes += bytes;
	return bytes - found;
}

uint64_t profile_libc_take(struct profile_libc *libc, uint64_t bytes, bool *is_mapped)
{
	*is_mapped = bytes >= threshold(libc);
	return profile_libc_grow(libc, bytes, *is_mapped);
}

uint64_t profile_libc_grow(struct profile_libc *libc, uint64_t bytes, bool is_mapped)
{
	return is_mapped ? bytes : take_from_heap(libc, bytes);
}

static void put_into_heap(struct profile_libc *libc, uint64_t bytes)
{
	libc->heap_live_bytes -= weir_min(bytes, libc->heap_live_bytes);
	libc->heap_free_bytes += bytes;
	if (libc->heap_live_bytes == 0 && libc->heap_free_bytes >= 2 * threshold(libc))
		libc->heap_free_bytes = 0;
}

void profile_libc_put(struct profile_libc *libc, uint64_t bytes, bool is_mapped)
{
	if (!is_mapped)
		put_into_heap(libc, bytes);
	else if (bytes > threshold(libc) && bytes <= LAST_THRESHOLD)
		libc->threshold_bytes = bytes;
}
