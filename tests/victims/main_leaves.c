/* main_leaves [ROOT]: its main thread ends by pthread_exit, in another root if it is told one, and
 * the process with the last of the others: what it printed is still in stdio's buffer then, and a
 * handler of exit needs some stack. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void say_end(void)
{
	volatile char much[200000];

	memset((char *)much, 1, sizeof much);
	printf("end %d\n", much[sizeof much - 1]);
}

static void *work(void *unused)
{
	free(malloc(1 << 20));
	puts("work");
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	atexit(say_end);
	free(malloc(1 << 20));
	puts("main");
	dlopen("libgcc_s.so.1", RTLD_NOW); /* pthread_exit looks for it */
	if (argc == 2 && chroot(argv[1]) != 0)
		return EXIT_FAILURE;
	if (pthread_create(&thread, NULL, work, NULL) != 0)
		return EXIT_FAILURE;
	pthread_exit(NULL);
}
