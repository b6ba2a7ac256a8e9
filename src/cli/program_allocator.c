/* Whose malloc a program calls: its symbols. */
#include "elf_file.h"
#include "program.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* No symbol table is as long. */
#define SYMBOLS_BYTES_MAX ((size_t)256 << 20)

static void *read_part(int fd, uint64_t at, uint64_t bytes)
{
	void *part;

	if (bytes == 0 || bytes > SYMBOLS_BYTES_MAX)
		return NULL;
	part = malloc(bytes);
	if (part != NULL && !elf_file_read(fd, at, part, bytes)) {
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

static const char *allocator_in(int fd, const Elf64_Shdr *table, const Elf64_Shdr *strings)
{
	Elf64_Sym *symbols = read_part(fd, table->sh_offset, table->sh_size);
	char *names = read_part(fd, strings->sh_offset, strings->sh_size);
	const char *found = NULL;

	if (symbols != NULL && names != NULL && names[strings->sh_size - 1] == '\0')
		found = allocator_among(symbols, table->sh_size / sizeof *symbols, names,
					strings->sh_size);
	free(symbols);
	free(names);
	return found;
}

static const char *allocator_of(int fd, const Elf64_Shdr *sections, size_t count)
{
	const char *found = NULL;

	for (size_t i = 0; found == NULL && i < count; i++)
		if ((sections[i].sh_type == SHT_DYNSYM || sections[i].sh_type == SHT_SYMTAB) &&
		    sections[i].sh_link < count)
			found = allocator_in(fd, &sections[i], &sections[sections[i].sh_link]);
	return found;
}

const char *program_own_allocator(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *found = NULL;
	Elf64_Shdr *sections = NULL;
	Elf64_Ehdr header;

	if (fd < 0)
		return NULL;
	if (elf_file_read_header(fd, &header) && header.e_ident[EI_CLASS] == ELFCLASS64 &&
	    header.e_shentsize == sizeof *sections)
		sections = read_part(fd, header.e_shoff, header.e_shnum * sizeof *sections);
	if (sections != NULL)
		found = allocator_of(fd, sections, header.e_shnum);
	free(sections);
	close(fd);
	return found;
}
