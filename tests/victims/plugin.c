/* plugin LIBRARY: loads and unloads it, between large blocks of its own. */
#include "pattern.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#define BYTES ((size_t)1 << 20)

int main(int argc, char **argv)
{
	char *block = (char *)malloc(BYTES);

	if (argc != 2 || block == NULL)
		return 2;
	pattern_write(block, 0, BYTES, 9);
	for (int i = 0; i < 20; i++) {
		void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);

		if (library == NULL || dlclose(library) != 0) {
			fprintf(stderr, "plugin: %s\n", dlerror());
			return 1;
		}
	}
	if (pattern_check(block, BYTES, 9) != PATTERN_RIGHT)
		return 1;
	free(block);
	return 0;
}
