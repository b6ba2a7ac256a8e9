/* Who may race whom. `sleeps` is set by the thread before it looks whether anything is
 * retained (weir_engine_expect_watch); whoever retains something afterwards finds it set and
 * wakes the thread. A child of vfork has its parent's memory and another process id: it
 * does nothing here. */
#include "helper.h"

#include "duty.h"
#include "engine.h"
#include "glibc.h"
#include "server.h"
#include "settings.h"
#include "socket_path.h"

#include <link.h>
#include <string.h>
#include <sys/prctl.h>

static const struct weir_duty *const duties[] = {
	&weir_background_duty,
	&weir_container_duty,
	&weir_relief_duty,
	&weir_server_duty,
};
#define DUTIES (sizeof duties / sizeof duties[0])

/* Less is not worth a thread. */
#define RETAINED_MIN WEIR_MIB

/* How long a request goes without asking here, once the thread runs. */
#define WATCH_MS 10000

/* How often a thread looks around that cannot be woken, or that may be the last one. */
#define LOOK_MS 1000

/* How far weir_os_now_ms may be behind: whoever waits to the millisecond wakes up too early. */
#define CLOCK_LAG_MS 4

/* Four times what answers take. The program's thread-local data lies on the stack as well. */
#define STACK_BYTES (64 * WEIR_KIB)

static const struct weir_config *config; /* const after weir_helper_prepare; NULL for none */
static pid_t process;			 /* this one; a child of vfork is another */
static int started;			 /* atomic: in this process */
static int sleeps;			 /* atomic: nothing to do, see above */
static uint32_t wakes;			 /* atomic: what it waits for a change of */
static int main_ended;			 /* atomic: by pthread_exit */
static pthread_key_t main_key;		 /* set in the main thread: its destructor tells */
static size_t stack_bytes;		 /* const after weir_helper_prepare */
static sigset_t program_mask;		 /* of the thread that started it */

/* The thread's own: what it does, and how many of weir's threads there are. */
static const struct weir_duty *wanted[DUTIES];
static unsigned wanted_count;
static const char *own_threads;

/* Waiting */

static void wake(void)
{
	weir_add_seq_cst(&wakes, 1U);
	weir_os_wake(&wakes);
}

/* Whether nobody but weir's threads is left beside main, which ended by pthread_exit. */
static bool is_alone(void)
{
	char stat[1024];
	size_t digits = strlen(own_threads);

	if (!weir_load_acquire(&main_ended))
		return false;
	if (weir_os_read_file("/proc/self/stat", 0, stat, sizeof stat) <= 0)
		return true; /* whoever cannot know must not keep the process */
	return *weir_socket_stat_field(stat, 3) == 'Z' &&
	       strncmp(weir_socket_stat_field(stat, 20), own_threads, digits) == 0 &&
	       weir_socket_stat_field(stat, 20)[digits] == ' ';
}

struct waiting {
	struct pollfd waits[WEIR_DUTY_WAITS_MAX];
	unsigned first[DUTIES];
	unsigned count;
	uint64_t until_ms;
};

static void ask_duties(struct waiting *waiting, uint64_t now_ms)
{
	waiting->count = 0;
	waiting->until_ms = UINT64_MAX;
	for (unsigned i = 0; i < wanted_count; i++) {
		waiting->first[i] = waiting->count;
		waiting->count += wanted[i]->expect(waiting->waits + waiting->count,
						    WEIR_DUTY_WAITS_MAX - waiting->count, now_ms,
						    &waiting->until_ms);
	}
}

static uint64_t left_ms(const struct waiting *waiting, uint64_t now_ms)
{
	return waiting->until_ms > now_ms ? waiting->until_ms - now_ms + CLOCK_LAG_MS : 0;
}

static void wait_for_descriptors(struct waiting *waiting, uint64_t now_ms)
{
	uint64_t ms = weir_min(left_ms(waiting, now_ms), (uint64_t)LOOK_MS);

	for (unsigned i = 0; i < waiting->count; i++)
		waiting->waits[i].revents = 0;
	/* EINVAL: more than RLIMIT_NOFILE is by now */
	if (poll(waiting->waits, waiting->count, (int)ms) < 0)
		weir_os_sleep_ms((unsigned)ms);
}

/* With nothing to do it first says that it sleeps, and then looks once more. */
static void wait_for_requests(struct waiting *waiting, uint64_t now_ms)
{
	uint32_t seen = weir_load_seq_cst(&wakes);
	uint64_t ms;

	if (waiting->until_ms == UINT64_MAX) {
		weir_store_seq_cst(&sleeps, 1);
		weir_engine_expect_watch();
		ask_duties(waiting, now_ms);
	}
	if (waiting->until_ms != UINT64_MAX)
		weir_store_seq_cst(&sleeps, 0);
	ms = waiting->until_ms == UINT64_MAX ? UINT64_MAX : left_ms(waiting, now_ms);
	if (weir_load_seq_cst(&main_ended))
		ms = weir_min(ms, (uint64_t)LOOK_MS);
	if (ms > 0)
		weir_os_wait(&wakes, seen, ms);
	weir_store_seq_cst(&sleeps, 0);
}

/* Working */

static void work(bool has_descriptors)
{
	static struct waiting waiting;
	uint64_t now_ms;

	for (unsigned i = 0; i < wanted_count; i++)
		if (wanted[i]->begin)
			wanted[i]->begin();
	while (!is_alone()) {
		now_ms = weir_os_now_ms();
		ask_duties(&waiting, now_ms);
		if (has_descriptors)
			wait_for_descriptors(&waiting, now_ms);
		else
			wait_for_requests(&waiting, now_ms);
		now_ms = weir_os_now_ms();
		for (unsigned i = 0; i < wanted_count; i++)
			if (wanted[i]->act)
				wanted[i]->act(waiting.waits + waiting.first[i], now_ms);
	}
	for (unsigned i = 0; i < wanted_count; i++)
		if (wanted[i]->end)
			wanted[i]->end();
}

/* Those that can be done; whether one needs descriptors. */
static bool choose_duties(bool with_descriptors)
{
	bool needed = false;

	wanted_count = 0;
	for (unsigned i = 0; i < DUTIES; i++) {
		if (!duties[i]->is_wanted(config) ||
		    (duties[i]->needs_descriptors && !with_descriptors))
			continue;
		wanted[wanted_count++] = duties[i];
		needed |= duties[i]->needs_descriptors;
	}
	return needed;
}

static void give_up_descriptors(const char *reason)
{
	weir_settings_say("neither control socket nor memory pressure: ", reason);
	choose_duties(false);
}

static void *work_apart(void *unused)
{
	bool own = weir_os_own_descriptors(config->verbose);

	prctl(PR_SET_NAME, "weir");
	if (!own)
		give_up_descriptors("the kernel refuses a thread descriptors of its own");
	work(own);
	return unused;
}

static bool start_apart(pthread_t *thread)
{
	pthread_attr_t attributes;
	bool done;

	if (pthread_attr_init(&attributes) != 0)
		return false;
	done = (pthread_attr_setstacksize(&attributes, stack_bytes) == 0 &&
		pthread_create(thread, &attributes, work_apart, NULL) == 0) ||
	       pthread_create(thread, NULL, work_apart, NULL) == 0;
	pthread_attr_destroy(&attributes);
	return done;
}

/* The C library ends a process with its last thread, which runs what exit(3) runs: it must
 * have the program's descriptors, or what the program has not yet written is lost, and a
 * stack and a signal mask like the program's. So this thread has them, and one with
 * descriptors of its own is started from here. */
static void *help(void *unused)
{
	bool needs_descriptors = choose_duties(true);
	pthread_t apart;

	own_threads = needs_descriptors ? "3" : "2";
	prctl(PR_SET_NAME, needs_descriptors ? "weir-stay" : "weir");
	if (needs_descriptors && start_apart(&apart)) {
		pthread_join(apart, NULL);
	} else {
		if (needs_descriptors)
			give_up_descriptors("the kernel refuses another thread");
		own_threads = "2";
		work(false);
	}
	weir_store_release(&started, 0);
	pthread_sigmask(SIG_SETMASK, &program_mask, NULL);
	return unused;
}

/* Starting */

/* A thread's policy is its creator's; a release must not run before all else because a program
 * of the real-time kind asked for memory. */
static bool set_policy(pthread_attr_t *attributes)
{
	struct sched_param none = { .sched_priority = 0 };

	return sched_getscheduler(0) == SCHED_OTHER ||
	       (pthread_attr_setinheritsched(attributes, PTHREAD_EXPLICIT_SCHED) == 0 &&
		pthread_attr_setschedpolicy(attributes, SCHED_OTHER) == 0 &&
		pthread_attr_setschedparam(attributes, &none) == 0);
}

static bool start_helping(void)
{
	pthread_attr_t attributes;
	pthread_t thread;
	bool done;

	if (pthread_attr_init(&attributes) != 0)
		return false;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	done = set_policy(&attributes) && pthread_create(&thread, &attributes, help, NULL) == 0;
	pthread_attr_destroy(&attributes);
	return done;
}

static bool is_due(void)
{
	for (unsigned i = 0; i < DUTIES; i++)
		if (duties[i]->starts_at_once && duties[i]->is_wanted(config))
			return true;
	return weir_engine_retains(RETAINED_MIN);
}

static void start(void)
{
	int expected = 0;
	sigset_t all;

	if (!weir_cas_acq_rel(&started, &expected, 1))
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &program_mask);
	if (!start_helping())
		weir_store_release(&started, 0);
	pthread_sigmask(SIG_SETMASK, &program_mask, NULL);
}

/* What fails is tried again when the engine calls the next time. */
uint64_t weir_helper_watch(uint64_t now_ms)
{
	int asleep = 1;

	if (!config)
		return now_ms + WATCH_MS;
	if (weir_load_acquire(&started)) {
		if (weir_cas_seq_cst(&sleeps, &asleep, 0))
			wake();
	} else if (!is_due()) {
		return 0;
	} else if (process == weir_os_pid()) {
		start();
	}
	return now_ms + WATCH_MS;
}

static void note_main_ended(void *unused)
{
	(void)unused;
	weir_store_seq_cst(&main_ended, 1);
	wake();
}

static void watch_main(void)
{
	pthread_setspecific(main_key, &main_key);
}

/* In a forked child: the thread was the parent's, and this one is main now. */
static void begin_anew(void)
{
	process = weir_os_pid();
	watch_main();
	if (weir_load_relaxed(&started) == 0)
		return;
	weir_store_relaxed(&main_ended, 0);
	weir_store_relaxed(&sleeps, 0);
	for (unsigned i = 0; i < DUTIES; i++)
		if (duties[i]->begin_anew && duties[i]->is_wanted(config))
			duties[i]->begin_anew();
	weir_store_relaxed(&started, 0);
}

static int add_local_data(struct dl_phdr_info *object, size_t size, void *sum)
{
	(void)size;
	for (unsigned i = 0; i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_TLS)
			*(size_t *)sum +=
				object->dlpi_phdr[i].p_memsz + object->dlpi_phdr[i].p_align;
	return 0;
}

/* What later objects have of it is not on stacks, but for a little that the C library sets
 * aside. */
void weir_helper_prepare(const struct weir_config *asked)
{
	if (!weir_is_there(pthread_create)) {
		weir_settings_say("no helper thread: ",
				  "the program is not linked with libpthread");
		return;
	}
	if (pthread_key_create(&main_key, note_main_ended) != 0)
		return;
	config = asked;
	process = weir_os_pid();
	stack_bytes = STACK_BYTES;
	dl_iterate_phdr(add_local_data, &stack_bytes);
	stack_bytes = weir_align_up(stack_bytes, STACK_BYTES);
	watch_main();
	pthread_atfork(NULL, NULL, begin_anew);
}

/* A process that was cloned without fork's handlers has its parent's socket: not its own. */
void weir_helper_leave(void)
{
	if (config && process == weir_os_pid())
		weir_server_leave();
}
