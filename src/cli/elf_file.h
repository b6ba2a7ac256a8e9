/* Reading ELF files, of which nothing is trusted. */
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

/* Of a 32-bit program only e_ident, e_type and e_machine mean what they are named. */
static inline bool elf_file_read_header(int fd, Elf64_Ehdr *header)
{
	return elf_file_read(fd, 0, header, sizeof *header) &&
	       memcmp(header->e_ident, ELFMAG, SELFMAG) == 0;
}

#endif
