/* Each count and address comes from the process and may be made up: counts are bounded, sums
 * of addresses wrap, and reads of what is not there fail. */
#include "image.h"

#include "elf_file.h"
#include "memory.h"

#define HEADERS_MAX 64
#define DYNAMIC_ENTRIES_MAX 256
#define CHAIN_MAX 4096
#define NAME_BYTES_MAX 64

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OWN_ORDER ELFDATA2LSB
#else
#define OWN_ORDER ELFDATA2MSB
#endif

struct image {
	pid_t pid;
	uint64_t base; /* where the file's begin is */
	uint64_t bias; /* to add to addresses that the file has */
	uint64_t dynamic_address;
	uint64_t dynamic_bytes;
	uint64_t symbols_address;
	uint64_t names_address;
	uint64_t names_bytes;
	uint64_t hash_address;
	bool is_wide; /* 64 bits; else 32 */
};

/* The first words of a DT_GNU_HASH table. */
struct gnu_hash {
	uint32_t bucket_count;
	uint32_t first_symbol;
	uint32_t bloom_words;
	uint32_t bloom_shift;
};

static bool read_at(struct image *image, uint64_t address, void *to, size_t bytes)
{
	return memory_read(&image->pid, address, to, bytes);
}

static bool is_readable(const struct image *image, const Elf64_Ehdr *header)
{
	return header->e_ident[EI_DATA] == OWN_ORDER && header->e_phnum <= HEADERS_MAX &&
	       header->e_phentsize == (image->is_wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
}

/* Entries of tables, by the address of the table. */

static bool read_segment(struct image *image, uint64_t table, unsigned i, Elf64_Phdr *segment)
{
	Elf32_Phdr narrow;

	if (image->is_wide)
		return read_at(image, table + i * sizeof *segment, segment, sizeof *segment);
	if (!read_at(image, table + i * sizeof narrow, &narrow, sizeof narrow))
		return false;
	*segment = elf_file_widen_segment(&narrow);
	return true;
}

static bool read_entry(struct image *image, uint64_t table, unsigned i, Elf64_Dyn *entry)
{
	Elf32_Dyn narrow;

	if (image->is_wide)
		return read_at(image, table + i * sizeof *entry, entry, sizeof *entry);
	if (!read_at(image, table + i * sizeof narrow, &narrow, sizeof narrow))
		return false;
	entry->d_tag = narrow.d_tag;
	entry->d_un.d_val = narrow.d_un.d_val;
	return true;
}

static bool read_symbol(struct image *image, uint64_t table, uint64_t i, Elf64_Sym *symbol)
{
	Elf32_Sym narrow;

	if (image->is_wide)
		return read_at(image, table + i * sizeof *symbol, symbol, sizeof *symbol);
	if (!read_at(image, table + i * sizeof narrow, &narrow, sizeof narrow))
		return false;
	*symbol = (Elf64_Sym){ .st_name = narrow.st_name,
			       .st_shndx = narrow.st_shndx,
			       .st_value = narrow.st_value };
	return true;
}

static bool read_headers(struct image *image)
{
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	uint64_t dynamic = 0;

	if (!read_at(image, image->base, &header, sizeof header) || !elf_file_widen_header(&header))
		return false;
	image->is_wide = header.e_ident[EI_CLASS] == ELFCLASS64;
	if (!is_readable(image, &header))
		return false;
	for (unsigned i = 0; i < header.e_phnum; i++) {
		if (!read_segment(image, image->base + header.e_phoff, i, &segment))
			return false;
		if (segment.p_type == PT_LOAD && segment.p_offset == 0)
			image->bias = image->base - segment.p_vaddr;
		if (segment.p_type != PT_DYNAMIC)
			continue;
		dynamic = segment.p_vaddr;
		image->dynamic_bytes = segment.p_memsz;
	}
	image->dynamic_address = image->bias + dynamic;
	return dynamic != 0;
}

/* glibc's linker makes these addresses absolute in place, musl's leaves them. */
static uint64_t absolute(const struct image *image, uint64_t address)
{
	return address < image->base ? image->bias + address : address;
}

static void note(struct image *image, const Elf64_Dyn *entry)
{
	switch (entry->d_tag) {
	case DT_SYMTAB:
		image->symbols_address = absolute(image, entry->d_un.d_ptr);
		break;
	case DT_STRTAB:
		image->names_address = absolute(image, entry->d_un.d_ptr);
		break;
	case DT_STRSZ:
		image->names_bytes = entry->d_un.d_val;
		break;
	case DT_GNU_HASH:
		image->hash_address = absolute(image, entry->d_un.d_ptr);
		break;
	default:
		break;
	}
}

static bool read_dynamic(struct image *image)
{
	uint64_t count =
		image->dynamic_bytes / (image->is_wide ? sizeof(Elf64_Dyn) : sizeof(Elf32_Dyn));
	Elf64_Dyn entry;

	for (unsigned i = 0; i < count && i < DYNAMIC_ENTRIES_MAX; i++) {
		if (!read_entry(image, image->dynamic_address, i, &entry))
			return false;
		if (entry.d_tag == DT_NULL)
			break;
		note(image, &entry);
	}
	return image->symbols_address && image->names_address && image->hash_address;
}

static uint32_t hash_of(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash;
}

/* The address of the symbol, where it has that name; else 0. */
static uint64_t compare(struct image *image, uint32_t index, const char *name)
{
	char found[NAME_BYTES_MAX];
	size_t bytes = strlen(name) + 1;
	Elf64_Sym symbol;

	if (!read_symbol(image, image->symbols_address, index, &symbol) ||
	    symbol.st_shndx == SHN_UNDEF || symbol.st_name >= image->names_bytes ||
	    bytes > sizeof found ||
	    !read_at(image, image->names_address + symbol.st_name, found, bytes) ||
	    memcmp(found, name, bytes) != 0)
		return 0;
	return image->bias + symbol.st_value;
}

/* A chain holds the hashes of one bucket's symbols, and the lowest bit is set in the last. */
static uint64_t walk_chain(struct image *image, uint64_t chain_address, uint32_t index,
			   const char *name)
{
	uint32_t wanted = hash_of(name), hash;
	uint64_t found;

	for (unsigned i = 0; i < CHAIN_MAX; i++) {
		if (!read_at(image, chain_address + i * sizeof hash, &hash, sizeof hash))
			return 0;
		if ((hash | 1) == (wanted | 1)) {
			found = compare(image, index + i, name);
			if (found)
				return found;
		}
		if (hash & 1)
			return 0;
	}
	return 0;
}

static uint64_t look_up(struct image *image, const char *name)
{
	struct gnu_hash table;
	uint64_t buckets, chains;
	uint32_t first;

	if (!read_at(image, image->hash_address, &table, sizeof table) || table.bucket_count == 0)
		return 0;
	buckets = image->hash_address + sizeof table +
		  (uint64_t)table.bloom_words * (image->is_wide ? 8 : 4);
	chains = buckets + (uint64_t)table.bucket_count * sizeof first;
	if (!read_at(image, buckets + (uint64_t)(hash_of(name) % table.bucket_count) * sizeof first,
		     &first, sizeof first) ||
	    first < table.first_symbol)
		return 0;
	return walk_chain(image, chains + (uint64_t)(first - table.first_symbol) * sizeof first,
			  first, name);
}

uint64_t image_find_symbol(pid_t pid, uint64_t base, const char *name)
{
	struct image image = { .pid = pid, .base = base };

	return read_headers(&image) && read_dynamic(&image) ? look_up(&image, name) : 0;
}
