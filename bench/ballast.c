/* Memory that is free in the guest and yet backed by the host.
 *
 * A host that takes free guest pages back makes the next first touch of them
 * several times dearer, and differently so from run to run. It hears only of
 * free runs of 2^page_reporting_order pages and more. So: touch a lot of
 * memory and free all of it but one page in eight. What is free is then in
 * runs of seven pages, below the order; nothing is reported, and because the
 * kernel serves single pages from the shortest runs, the benchmark gets these.
 *
 * Huge pages need long runs. For what wants these at once: touch as much in huge
 * pages and free it, which the host hears of seconds later.
 */
#include "bench.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HELD_ONE_IN 8

static char *map_pages(size_t bytes, int advice)
{
	char *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		bench_die("mmap");
	madvise(pages, bytes, advice);
	return pages;
}

static void free_all_but_first_page(char *pages, size_t page_bytes)
{
	if (madvise(pages + page_bytes, (HELD_ONE_IN - 1) * page_bytes, MADV_DONTNEED) != 0)
		bench_die("madvise");
}

void bench_hold_ballast(size_t bytes)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	size_t step_bytes = HELD_ONE_IN * page_bytes;
	size_t whole_bytes = bytes / (step_bytes - page_bytes) * step_bytes;
	char *whole = map_pages(whole_bytes, MADV_NOHUGEPAGE);
	char byte;

	memset(whole, 1, whole_bytes);
	for (size_t offset = 0; offset < whole_bytes; offset += step_bytes)
		free_all_but_first_page(whole + offset, page_bytes);
	puts("held");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}

void bench_back_memory(size_t bytes)
{
	char *pages = map_pages(bytes, MADV_HUGEPAGE);

	memset(pages, 1, bytes);
	munmap(pages, bytes);
}
