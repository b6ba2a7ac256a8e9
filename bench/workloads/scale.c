/* 1, 2, 4, 8 and 16 threads in turn, each churning blocks of 64 KiB to 4 MiB of
 * its own, 8 live, one byte a page written. The time of an operation is wall time
 * over the operations of all threads: on as many free cores, twice the threads
 * take half of it. */
#include "../bench.h"
#include "../churn.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define THREADS_MAX 16
#define BATCHES 5
#define BATCH_US 24000
#define OPERATIONS_WARM_UP 24

struct churner {
	pthread_t thread;
	struct bench_churn churn;
	uint64_t operations;
};

static pthread_barrier_t together; /* before the first operation, and after the last */
static _Atomic bool stopping;

static void *run_churner(void *data)
{
	struct churner *churner = data;
	bench_churn_replace(&churner->churn, OPERATIONS_WARM_UP);
	pthread_barrier_wait(&together);
	while (!atomic_load_explicit(&stopping, memory_order_relaxed)) {
		bench_churn_replace(&churner->churn, 1);
		churner->operations++;
	}
	pthread_barrier_wait(&together);
	bench_churn_free(&churner->churn);
	return NULL;
}

static void start_churner(struct churner *churner, size_t number)
{
	churner->operations = 0;
	churner->churn = (struct bench_churn){ .random = { BENCH_SEED * (number + 1) },
					       .choose = bench_random_doubling,
					       .write = bench_write_pages,
					       .size_min_bytes = 64 * KIB,
					       .size_max_bytes = 4 * MIB,
					       .slots = 8 };
	if (pthread_create(&churner->thread, NULL, run_churner, churner) != 0)
		bench_die("pthread_create");
}

static void measure_batch(struct bench_meter *meter, unsigned threads, unsigned batch_us)
{
	static struct churner churners[THREADS_MAX];
	uint64_t operations = 0;

	pthread_barrier_init(&together, NULL, threads + 1);
	atomic_store(&stopping, false);
	for (size_t i = 0; i < threads; i++)
		start_churner(&churners[i], i);
	pthread_barrier_wait(&together);
	bench_meter_start(meter);
	usleep(batch_us);
	atomic_store(&stopping, true);
	pthread_barrier_wait(&together);
	for (size_t i = 0; i < threads; i++)
		operations += churners[i].operations;
	bench_meter_stop(meter, operations);
	for (size_t i = 0; i < threads; i++)
		pthread_join(churners[i].thread, NULL);
	pthread_barrier_destroy(&together);
}

static void run_scale(const struct bench_options *options)
{
	static const struct {
		unsigned threads;
		const char *variant;
	} crowds[] = {
		{ 1, "1-thread" },  { 2, "2-threads" },	  { 4, "4-threads" },
		{ 8, "8-threads" }, { 16, "16-threads" },
	};
	enum { CROWDS = sizeof crowds / sizeof crowds[0] };
	static struct bench_meter meters[CROWDS];
	unsigned batches = bench_scaled(options, BATCHES, 3);

	for (unsigned batch = 0; batch < batches; batch++)
		for (size_t i = 0; i < CROWDS; i++)
			measure_batch(&meters[i], crowds[i].threads,
				      bench_scaled(options, BATCH_US, 1));
	for (size_t i = 0; i < CROWDS; i++) {
		struct bench_row row = { .workload = "scale", .variant = crowds[i].variant };
		bench_print(&row, &meters[i]);
	}
}

const struct bench_workload bench_scale = { "scale", run_scale,
					    "1 to 16 threads, each with blocks of its own" };
