#include "misuse.h"

#include <sys/mman.h>

/* Memory of an allocator that takes it from the kernel by itself. */
int main(void)
{
	char *mapped = mmap(NULL, MISUSE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	if (mapped == MAP_FAILED)
		return 1;
	free(misuse_hide(mapped + 4096));
	return 0;
}
