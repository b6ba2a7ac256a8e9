/* plugin LIBRARY: loads and unloads it, between large blocks of its own. plugin use LIBRARY has
 * new threads use it meanwhile (local_plugin.h), plugin deep LIBRARY loads it so that it finds the
 * C library's malloc first, and plugin foreign LIBRARY then has it free a block that is not its. */
#include "local_plugin.h"
#include "pattern.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define BYTES ((size_t)1 << 20)
#define LOADS 20
#define THREADS 3

static void *library;

static void *find(const char *name)
{
	void *symbol = dlsym(library, name);

	if (symbol == NULL) {
		fprintf(stderr, "plugin: %s\n", dlerror());
		exit(1);
	}
	return symbol;
}

static void *use(void *unused)
{
	int (*use_plugin)(void);

	(void)unused;
	*(void **)&use_plugin = find("plugin_use");
	if (use_plugin() != 0)
		exit(1);
	return NULL;
}

static void use_in_threads(void)
{
	pthread_t threads[THREADS];

	for (unsigned i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, use, NULL) != 0)
			exit(3);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void have_freed(char *block)
{
	void (*free_foreign)(void *);

	*(void **)&free_foreign = find("plugin_free");
	free_foreign(block);
}

int main(int argc, char **argv)
{
	bool uses = argc == 3, is_foreign = uses && strcmp(argv[1], "foreign") == 0;
	int deep = uses && strcmp(argv[1], "use") != 0 ? RTLD_DEEPBIND : 0;
	char *block = (char *)malloc(BYTES);

	if (argc < 2 || block == NULL)
		return 2;
	pattern_write(block, 0, BYTES, 9);
	for (int i = 0; i < LOADS; i++) {
		library = dlopen(argv[argc - 1], RTLD_NOW | RTLD_LOCAL | deep);
		if (library == NULL) {
			fprintf(stderr, "plugin: %s\n", dlerror());
			return 1;
		}
		if (uses)
			use_in_threads();
		if (is_foreign)
			have_freed(block);
		if (dlclose(library) != 0)
			return 1;
	}
	if (pattern_check(block, BYTES, 9) != PATTERN_RIGHT)
		return 1;
	free(block);
	return 0;
}
