/* Any bytes as an ELF file that the command looks at, and as a library's image in the memory
 * of a process. */
#include "target.h"

#include <cstring>
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

extern "C" {
#include "image.h"
#include "program.h"
}

namespace
{

using fuzz::must;

constexpr char symbol_name[] = "weir_statistics";
constexpr uint64_t symbol_value = 0x1234;

void run_file(const uint8_t *data, size_t size)
{
	int fd = memfd_create("program", MFD_CLOEXEC);
	std::string path = "/proc/self/fd/" + std::to_string(fd);

	must(write(fd, data, size) == (ssize_t)size, "a file is written");
	must(program_format_obstacle(path.c_str()) <= PROGRAM_CAPABILITIES, "there is an answer");
	program_is_library(path.c_str());
	close(fd);
}

/* Where it lies matters to none of its addresses, which count from its begin. */
uint64_t find_symbol(const void *image)
{
	uint64_t found = image_find_symbol(getpid(), (uintptr_t)image, symbol_name);

	return found == 0 ? 0 : found - (uintptr_t)image;
}

/* The smallest library that has the symbol. */
struct Image {
	Elf64_Ehdr header = {};
	Elf64_Phdr segments[2] = {};
	Elf64_Dyn dynamic[5] = {};
	uint32_t hash[6] = {}; /* buckets, first symbol, bloom words and shift; a bucket; a chain */
	Elf64_Sym symbols[2] = {};
	char names[32] = {};

	Image()
	{
		memcpy(header.e_ident, ELFMAG, SELFMAG);
		header.e_ident[EI_CLASS] = ELFCLASS64;
		header.e_ident[EI_DATA] = ELFDATA2LSB;
		header.e_type = ET_DYN;
		header.e_machine = EM_X86_64;
		header.e_phoff = offsetof(Image, segments);
		header.e_phentsize = sizeof segments[0];
		header.e_phnum = 2;
		segments[0].p_type = PT_LOAD;
		segments[1].p_type = PT_DYNAMIC;
		segments[1].p_vaddr = offsetof(Image, dynamic);
		segments[1].p_memsz = sizeof dynamic;
		dynamic[0] = { DT_SYMTAB, { offsetof(Image, symbols) } };
		dynamic[1] = { DT_STRTAB, { offsetof(Image, names) } };
		dynamic[2] = { DT_STRSZ, { sizeof names } };
		dynamic[3] = { DT_GNU_HASH, { offsetof(Image, hash) } };
		hash[0] = hash[1] = hash[4] = 1;
		hash[5] = 5381;
		for (const char *c = symbol_name; *c; c++)
			hash[5] = hash[5] * 33 + (unsigned char)*c;
		hash[5] |= 1;
		symbols[1].st_name = 1;
		symbols[1].st_shndx = 1;
		symbols[1].st_value = symbol_value;
		memcpy(names + 1, symbol_name, sizeof symbol_name);
	}

	std::string bytes() const { return std::string((const char *)this, sizeof *this); }
};

std::string with_interpreter(const std::string &linker)
{
	Image image;

	image.segments[0].p_type = PT_INTERP;
	image.segments[0].p_offset = sizeof image;
	image.segments[0].p_filesz = linker.size() + 1;
	return image.bytes() + linker + '\0';
}

void run_program(const uint8_t *data, size_t size)
{
	static const Image right;
	std::vector<uint8_t> image(data, data + size);

	must(find_symbol(&right) == symbol_value, "a symbol that is there is found");
	run_file(data, size);
	image.resize(size < sizeof right ? sizeof right : size); /* so that all of it is there */
	find_symbol(image.data());
}

const fuzz::Target target = {
	"program",
	run_program,
	1000,
	5000,
	{ Image().bytes(), with_interpreter("/lib64/ld-linux-x86-64.so.2"), with_interpreter(""),
	  "#!/bin/sh\n" },
	{ std::string(4, '\0'), std::string(8, '\377'), std::string(1, PT_INTERP),
	  std::string(1, PT_DYNAMIC), std::string("\0\0\0\0\0\0\0\200", 8) },
};

const fuzz::Registration registration(target);

} // namespace
