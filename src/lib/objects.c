#include "objects.h"

#include <link.h>
#include <string.h>

/* An object's tables. Every linker writes the newer hash table (DT_GNU_HASH); names are found by
 * that alone. */
struct tables {
	const ElfW(Sym) * symbols;
	const char *strings;
	const ElfW(Half) * versions; /* NULL for none */
	const uint32_t *hash;
};

struct search {
	const char *name;
	bool passed; /* this object */
	void *found;
};

#define HIDDEN_VERSION 0x8000

/* The dynamic linker puts addresses where the file has offsets, but for objects whose dynamic
 * section it may not write: the kernel's (vdso). */
static const void *address_of(const struct dl_phdr_info *object, ElfW(Addr) value)
{
	return (const void *)(value < object->dlpi_addr ? object->dlpi_addr + value : value);
}

static void take_entry(const struct dl_phdr_info *object, const ElfW(Dyn) * entry,
		       struct tables *tables)
{
	const void *address = address_of(object, entry->d_un.d_ptr);

	switch (entry->d_tag) {
	case DT_SYMTAB:
		tables->symbols = address;
		break;
	case DT_STRTAB:
		tables->strings = address;
		break;
	case DT_VERSYM:
		tables->versions = address;
		break;
	case DT_GNU_HASH:
		tables->hash = address;
		break;
	default:
		break;
	}
}

static struct tables tables_of(const struct dl_phdr_info *object)
{
	struct tables tables = { 0 };
	const ElfW(Dyn) * entry;

	for (unsigned i = 0; i < object->dlpi_phnum; i++) {
		if (object->dlpi_phdr[i].p_type != PT_DYNAMIC)
			continue;
		entry = (const void *)(object->dlpi_addr + object->dlpi_phdr[i].p_vaddr);
		for (; entry->d_tag != DT_NULL; entry++)
			take_entry(object, entry, &tables);
	}
	return tables;
}

static uint32_t hash_of(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash;
}

static bool is_it(const struct tables *tables, uint32_t index, const char *name)
{
	const ElfW(Sym) *symbol = &tables->symbols[index];

	return symbol->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC &&
	       !(tables->versions && (tables->versions[index] & HIDDEN_VERSION)) &&
	       strcmp(tables->strings + symbol->st_name, name) == 0;
}

/* The table: a head of four words, a filter of words as long as addresses, buckets, and for each
 * symbol from head[1] on its hash, whose lowest bit ends a bucket's chain. */
static const ElfW(Sym) * symbol_of(const struct tables *tables, const char *name)
{
	const uint32_t *head = tables->hash;
	const uint32_t *buckets = head + 4 + head[2] * (sizeof(ElfW(Addr)) / sizeof *head);
	const uint32_t *chains = buckets + head[0];
	uint32_t hash = hash_of(name);
	uint32_t index = head[0] > 0 ? buckets[hash % head[0]] : 0;

	for (; index >= head[1] && index > 0; index++) {
		if ((chains[index - head[1]] | 1) == (hash | 1) && is_it(tables, index, name))
			return &tables->symbols[index];
		if (chains[index - head[1]] & 1)
			break;
	}
	return NULL;
}

static bool is_own(const struct dl_phdr_info *object)
{
	uintptr_t own = (uintptr_t)weir_objects_next;

	for (unsigned i = 0; i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_LOAD &&
		    own - (object->dlpi_addr + object->dlpi_phdr[i].p_vaddr) <
			    object->dlpi_phdr[i].p_memsz)
			return true;
	return false;
}

static int look(struct dl_phdr_info *object, size_t size, void *asked)
{
	struct search *search = asked;
	const ElfW(Sym) * symbol;
	struct tables tables;

	(void)size;
	if (!search->passed) {
		search->passed = is_own(object);
		return 0;
	}
	tables = tables_of(object);
	if (!tables.symbols || !tables.strings || !tables.hash)
		return 0;
	symbol = symbol_of(&tables, search->name);
	if (symbol)
		search->found = (void *)(object->dlpi_addr + symbol->st_value); /* NOLINT */
	return symbol != NULL;
}

void *weir_objects_next(const char *name)
{
	struct search search = { .name = name };

	dl_iterate_phdr(look, &search);
	return search.found;
}
