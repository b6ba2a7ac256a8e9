/* A library with which time passes so many times as fast as HURRY says, for the program and for
 * every library whose own calls of clock_gettime are the linker's. Waits last what they last. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000LL

static long long factor = 1;

__attribute__((constructor)) static void start(void)
{
	const char *asked = getenv("HURRY");

	if (asked != NULL)
		factor = atoi(asked);
}

/* From the machine's start on, so that all processes have the same time. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	int result = (int)syscall(SYS_clock_gettime, clock, now);
	long long ns = (now->tv_sec * NS_PER_S + now->tv_nsec) * factor;

	if (result == 0 && (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE)) {
		now->tv_sec = (time_t)(ns / NS_PER_S);
		now->tv_nsec = (long)(ns % NS_PER_S);
	}
	return result;
}
