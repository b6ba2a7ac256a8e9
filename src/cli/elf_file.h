/* Reading ELF files, of which nothing is trusted. Those of 32 bits have other structures: where
 * that is said they are read into those of 64, of which only what is used here is set. */
#ifndef WEIR_CLI_ELF_FILE_H
#define WEIR_CLI_ELF_FILE_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

static inline bool elf_file_read(int fd, uint64_t at, void *to, size_t bytes)
{
	return at <= INT64_MAX && pread(fd, to, bytes, (off_t)at) == (ssize_t)bytes;
}

/* Of a header as it was read, of either width. False where it is none. */
static inline bool elf_file_widen_header(Elf64_Ehdr *header)
{
	Elf32_Ehdr narrow;

	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return false;
	if (header->e_ident[EI_CLASS] == ELFCLASS64)
		return true;
	memcpy(&narrow, header, sizeof narrow);
	header->e_phoff = narrow.e_phoff;
	header->e_phentsize = narrow.e_phentsize;
	header->e_phnum = narrow.e_phnum;
	return narrow.e_ident[EI_CLASS] == ELFCLASS32;
}

static inline Elf64_Phdr elf_file_widen_segment(const Elf32_Phdr *narrow)
{
	return (Elf64_Phdr){ .p_type = narrow->p_type,
			     .p_offset = narrow->p_offset,
			     .p_vaddr = narrow->p_vaddr,
			     .p_filesz = narrow->p_filesz,
			     .p_memsz = narrow->p_memsz };
}

static inline bool elf_file_read_header(int fd, Elf64_Ehdr *header)
{
	return elf_file_read(fd, 0, header, sizeof *header) && elf_file_widen_header(header);
}

#endif
