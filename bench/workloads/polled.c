/* What a reader outside costs the program: blocks of 64 KiB to 4 MiB are churned, one byte a
 * page written, while another process reads the statistics page and every slot over and over,
 * as `weir top` does; batch by batch in between, it rests. What it costs at 100 reads a second
 * is far below what can be measured, so it reads without a pause, and the CPU time of the
 * program, without the reader's, that each read cost is taken 100 times. Rows: an operation
 * without a reader, a read, and an operation with 100 reads a second. Under weir alone. */
#include "../bench.h"
#include "../churn.h"
#include "weir.h"

#include <dlfcn.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAIRS 120
#define OPERATIONS 600
#define READS_PER_SECOND 100

struct reader {
	pid_t process;
	struct shared {
		_Atomic bool reading;
		_Atomic uint64_t reads;
	} * shared;
};

static void read_memory(pid_t process, uint64_t address, void *to, size_t bytes)
{
	struct iovec local = { to, bytes };
	struct iovec remote = { (void *)(uintptr_t)address, bytes };
	if (process_vm_readv(process, &local, 1, &remote, 1, 0) != (ssize_t)bytes)
		_exit(EXIT_FAILURE);
}

static void read_all(pid_t process, const struct weir_stats_page *page_address)
{
	static struct weir_stats_page page;
	static struct weir_slot slots[1 << 16];
	uint32_t fresh;
	read_memory(process, (uintptr_t)page_address, &page, sizeof page);
	for (size_t r = 0; r < WEIR_STATS_REGIONS; r++) {
		if (page.regions[r].slots_address == 0)
			continue;
		read_memory(process, page.regions[r].fresh_address, &fresh, sizeof fresh);
		if (fresh > 0)
			read_memory(process, page.regions[r].slots_address, slots,
				    fresh * sizeof slots[0]);
	}
}

__attribute__((noreturn)) static void serve(pid_t process, struct shared *shared,
					    const struct weir_stats_page *page)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		while (!shared->reading)
			usleep(100);
		read_all(process, page);
		shared->reads++;
	}
}

static struct reader start_reader(const struct weir_stats_page *page)
{
	pid_t self = getpid();
	struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		bench_die("mmap");
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	pid_t child = fork();
	if (child < 0)
		bench_die("fork");
	if (child == 0)
		serve(self, shared, page);
	return (struct reader){ child, shared };
}

/* One that died could not read. */
static void stop_reader(const struct reader *reader)
{
	int status;
	if (kill(reader->process, SIGKILL) != 0 || waitpid(reader->process, &status, 0) < 0 ||
	    !WIFSIGNALED(status))
		bench_die("the reader");
}

static uint64_t cpu_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* CPU time of the batch. */
static double measure_batch(struct bench_meter *meter, struct bench_churn *churn, unsigned count)
{
	bench_meter_start(meter);
	uint64_t start = cpu_ns();
	bench_churn_replace(churn, count);
	double ns = (double)(cpu_ns() - start);
	bench_meter_stop(meter, count);
	return ns;
}

/* The same with the reader at work; *reads is how often it read meanwhile. */
static double measure_polled(const struct reader *reader, struct bench_meter *meter,
			     struct bench_churn *churn, unsigned count, uint64_t *reads)
{
	uint64_t before = reader->shared->reads;
	reader->shared->reading = true;
	while (reader->shared->reads == before)
		sched_yield();
	before = reader->shared->reads;
	double ns = measure_batch(meter, churn, count);
	*reads = reader->shared->reads - before;
	reader->shared->reading = false;
	return ns;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof *values, compare);
	return (values[count / 2] + values[(count - 1) / 2]) / 2;
}

static void print(const char *variant, const struct bench_meter *meter, double ns)
{
	struct bench_row row = { .workload = "polled", .variant = variant };
	bench_print_ns(&row, meter, ns);
}

/* Each pair is of neighbours in time: the machine's moods are alike in both. */
static void measure(const struct reader *reader, unsigned pairs, unsigned count)
{
	static struct bench_meter quiet, polled;
	static double quiet_ns[PAIRS], read_ns[PAIRS];
	struct bench_churn churn = { .random = { BENCH_SEED },
				     .choose = bench_random_doubling,
				     .write = bench_write_pages,
				     .size_min_bytes = 64 * KIB,
				     .size_max_bytes = 4 * MIB,
				     .slots = 32 };
	uint64_t reads;
	bench_churn_replace(&churn, 20 * count);
	for (unsigned i = 0; i < pairs; i++) {
		double before_ns = measure_batch(&quiet, &churn, count);
		double with_ns = measure_polled(reader, &polled, &churn, count, &reads);
		double after_ns = measure_batch(&quiet, &churn, count);
		quiet_ns[i] = (before_ns + after_ns) / 2;
		read_ns[i] = (with_ns - quiet_ns[i]) / (double)(reads > 0 ? reads : 1);
	}
	double operation = median(quiet_ns, pairs) / count, read = median(read_ns, pairs);
	print("quiet", &quiet, operation);
	print("read", &polled, read);
	print("block", &polled, operation * (1 + read * READS_PER_SECOND / 1e9));
	bench_churn_free(&churn);
}

static void run_polled(const struct bench_options *options)
{
	const struct weir_stats_page *page = dlsym(RTLD_DEFAULT, WEIR_STATS_SYMBOL);
	struct reader reader;
	if (page == NULL)
		return;
	free(bench_malloc(MIB));
	reader = start_reader(page);
	measure(&reader, bench_scaled(options, PAIRS, 8), OPERATIONS);
	stop_reader(&reader);
}

const struct bench_workload bench_polled = { "polled", run_polled,
					     "churn while a reader outside polls weir" };
