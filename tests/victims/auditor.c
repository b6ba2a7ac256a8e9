/* For LD_AUDIT: it has a namespace, a C library and a malloc of its own, and uses them at every
 * object and symbol. */
#include <link.h>
#include <stdlib.h>
#include <string.h>

#define BYTES ((size_t)1 << 20)

static char *kept;

static void use_memory(void)
{
	char *block = (char *)malloc(BYTES);

	if (block == NULL)
		abort();
	memset(block, 1, BYTES);
	free(kept);
	kept = block;
}

unsigned la_version(unsigned version);
unsigned la_objopen(struct link_map *map, Lmid_t space, uintptr_t *cookie);
uintptr_t la_symbind64(Elf64_Sym *symbol, unsigned index, uintptr_t *reference,
		       uintptr_t *definition, unsigned *flags, const char *name);

unsigned la_version(unsigned version)
{
	return version;
}

unsigned la_objopen(struct link_map *map, Lmid_t space, uintptr_t *cookie)
{
	(void)map;
	(void)space;
	(void)cookie;
	use_memory();
	return LA_FLG_BINDTO | LA_FLG_BINDFROM;
}

uintptr_t la_symbind64(Elf64_Sym *symbol, unsigned index, uintptr_t *reference,
		       uintptr_t *definition, unsigned *flags, const char *name)
{
	(void)index;
	(void)reference;
	(void)definition;
	(void)flags;
	(void)name;
	use_memory();
	return (uintptr_t)symbol->st_value;
}
