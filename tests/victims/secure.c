/* Prints `secure` or `plain`, whether the kernel says that the program has more rights than who
 * started it; `weir` or `alone`, whether weir is there; and its effective user. Uses a large
 * block and starts itself once more, to say what its children are. */
#include "pattern.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

#define BYTES ((size_t)4 << 20)

int main(int argc, char **argv)
{
	char *block = (char *)malloc(BYTES);

	if (block == NULL)
		return 3;
	pattern_write(block, 0, BYTES, 1);
	if (pattern_check(block, BYTES, 1) != PATTERN_RIGHT)
		return 1;
	free(block);
	printf("%s %s %u\n", getauxval(AT_SECURE) != 0 ? "secure" : "plain",
	       dlsym(RTLD_DEFAULT, "weir_statistics") != NULL ? "weir" : "alone",
	       (unsigned)geteuid());
	fflush(stdout);
	if (argc > 1)
		return 0;
	execl(argv[0], argv[0], "child", (char *)NULL);
	return 2;
}
