/* Whose malloc a program calls: its symbols. */
#include "elf_file.h"
#include "program.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* What is read of one file, at most: it may be made to keep its reader busy. */
#define READ_BYTES_MAX ((uint64_t)64 << 20)

struct source {
	int fd;
	uint64_t bytes_left; /* that may be read */
};

static void *read_part(struct source *source, uint64_t at, uint64_t size)
{
	size_t bytes = (size_t)size;
	void *part;

	if (size == 0 || size > source->bytes_left)
		return NULL;
	source->bytes_left -= bytes;
	part = malloc(bytes);
	if (part != NULL && !elf_file_read(source->fd, at, part, bytes)) {
		free(part);
		part = NULL;
	}
	return part;
}

/* Functions that large requests of such programs go to. */
static const char *const allocators[] = {
	"malloc", "je_malloc", "_rjem_malloc", "mi_malloc", "tc_malloc", "runtime.mallocgc",
};

static const char *known_allocator(const char *name)
{
	for (size_t i = 0; i < sizeof allocators / sizeof *allocators; i++)
		if (strcmp(allocators[i], name) == 0)
			return allocators[i];
	return NULL;
}

static const char *allocator_among(const Elf64_Sym *symbols, size_t count, const char *names,
				   size_t names_bytes)
{
	const char *found = NULL;

	for (size_t i = 0; found == NULL && i < count; i++)
		if (symbols[i].st_shndx != SHN_UNDEF && symbols[i].st_name < names_bytes)
			found = known_allocator(names + symbols[i].st_name);
	return found;
}

static const char *allocator_in(struct source *source, const Elf64_Shdr *table,
				const Elf64_Shdr *strings)
{
	Elf64_Sym *symbols = read_part(source, table->sh_offset, table->sh_size);
	char *names = read_part(source, strings->sh_offset, strings->sh_size);
	const char *found = NULL;

	if (symbols != NULL && names != NULL && names[strings->sh_size - 1] == '\0')
		found = allocator_among(symbols, (size_t)table->sh_size / sizeof *symbols, names,
					(size_t)strings->sh_size);
	free(symbols);
	free(names);
	return found;
}

/* Of each type a file has one. */
static const Elf64_Shdr *find_section(const Elf64_Shdr *sections, size_t count, uint32_t type)
{
	for (size_t i = 0; i < count; i++)
		if (sections[i].sh_type == type && sections[i].sh_link < count)
			return &sections[i];
	return NULL;
}

static const char *allocator_of(struct source *source, const Elf64_Shdr *sections, size_t count)
{
	static const uint32_t types[] = { SHT_DYNSYM, SHT_SYMTAB };
	const char *found = NULL;
	const Elf64_Shdr *table;

	for (size_t i = 0; found == NULL && i < sizeof types / sizeof *types; i++) {
		table = find_section(sections, count, types[i]);
		if (table != NULL)
			found = allocator_in(source, table, &sections[table->sh_link]);
	}
	return found;
}

const char *program_own_allocator(const char *path)
{
	struct source source = { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), READ_BYTES_MAX };
	const char *found = NULL;
	Elf64_Shdr *sections = NULL;
	Elf64_Ehdr header;

	if (source.fd < 0)
		return NULL;
	if (elf_file_read_header(source.fd, &header) && header.e_ident[EI_CLASS] == ELFCLASS64 &&
	    header.e_shentsize == sizeof *sections)
		sections = read_part(&source, header.e_shoff, header.e_shnum * sizeof *sections);
	if (sections != NULL)
		found = allocator_of(&source, sections, header.e_shnum);
	free(sections);
	close(source.fd);
	return found;
}
