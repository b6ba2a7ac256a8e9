#include "backend.h"

#include "atomic.h"
#include "glibc.h"
#include "objects.h"
#include "os.h"
#include "stats.h"

#include <errno.h>
#include <string.h>

/* glibc's dlsym needs a few hundred bytes, if any; this is generous. */
#define ARENA_BYTES (64 * WEIR_KIB)
#define ARENA_ALIGN 16

static struct {
	_Alignas(ARENA_ALIGN) char bytes[ARENA_BYTES];
	size_t used; /* atomic */
} arena;

/* A call that finds the search under way is dlsym's own: there are no other
 * threads before the first allocation. It gets arena memory. */
enum { SEARCH_NOT_BEGUN, SEARCH_UNDER_WAY, SEARCH_DONE };
static int search; /* atomic */

static struct weir_backend found; /* const once search is SEARCH_DONE */

static bool in_arena(const void *block)
{
	return (uintptr_t)block - (uintptr_t)arena.bytes < ARENA_BYTES;
}

/* Each block is preceded by its size, in one ARENA_ALIGN step. */
static void *arena_take(size_t bytes)
{
	size_t step = weir_align_up(bytes, ARENA_ALIGN) + ARENA_ALIGN;
	size_t at;

	if (bytes > ARENA_BYTES || step > ARENA_BYTES) {
		errno = ENOMEM;
		return NULL;
	}
	at = weir_add_relaxed(&arena.used, step);
	if (at + step > ARENA_BYTES) {
		errno = ENOMEM;
		return NULL;
	}
	memcpy(arena.bytes + at, &bytes, sizeof bytes);
	return arena.bytes + at + ARENA_ALIGN;
}

static size_t arena_size(const void *block)
{
	size_t bytes;

	memcpy(&bytes, (const char *)block - ARENA_ALIGN, sizeof bytes);
	return bytes;
}

/* For programs that got arena memory: they may free or resize it later. */

static void free_checked(void *block)
{
	if (!in_arena(block))
		found.free(block);
}

static void *realloc_checked(void *block, size_t bytes)
{
	void *moved;

	if (!in_arena(block))
		return found.realloc(block, bytes);
	moved = found.malloc(bytes);
	if (moved)
		memcpy(moved, block, weir_min(bytes, arena_size(block)));
	return moved;
}

static size_t usable_size_checked(void *block)
{
	return in_arena(block) ? arena_size(block) : found.malloc_usable_size(block);
}

void *weir_backend_next(const char *name)
{
	return weir_is_there(dlsym) ? dlsym(RTLD_NEXT, name) : weir_objects_next(name);
}

#ifdef __GLIBC__
static void find_aligned(void)
{
	*(void **)&found.posix_memalign = weir_backend_next("posix_memalign");
}
#else
/* musl's posix_memalign calls aligned_alloc by its name, which is weir's and comes back here. */
static void *(*next_aligned_alloc)(size_t align, size_t bytes);

static int by_aligned_alloc(void **block, size_t align, size_t bytes)
{
	int saved_errno = errno, error = 0;
	void *given = next_aligned_alloc(align, bytes);

	if (given)
		*block = given;
	else
		error = errno;
	errno = saved_errno;
	return error;
}

static void find_aligned(void)
{
	*(void **)&next_aligned_alloc = weir_backend_next("aligned_alloc");
	found.posix_memalign = by_aligned_alloc;
}
#endif

static void swap_in(void)
{
	bool arena_used = weir_load_relaxed(&arena.used) > 0;

	weir_store_release(&weir_backend.malloc, found.malloc);
	weir_store_relaxed(&weir_stats_page.backend_malloc, (uint64_t)(uintptr_t)found.malloc);
	weir_store_release(&weir_backend.calloc, found.calloc);
	weir_store_release(&weir_backend.posix_memalign, found.posix_memalign);
	weir_store_release(&weir_backend.malloc_trim, found.malloc_trim);
	weir_store_release(&weir_backend.free, arena_used ? free_checked : found.free);
	weir_store_release(&weir_backend.realloc, arena_used ? realloc_checked : found.realloc);
	weir_store_release(&weir_backend.malloc_usable_size,
			   arena_used ? usable_size_checked : found.malloc_usable_size);
}

/* True when the backend is known afterwards. */
static bool find(void)
{
	int expected = SEARCH_NOT_BEGUN;

	if (weir_cas_acq_rel(&search, &expected, SEARCH_UNDER_WAY)) {
		/* dlsym's own way to return functions through a data pointer. */
		*(void **)&found.malloc = weir_backend_next("malloc");
		*(void **)&found.free = weir_backend_next("free");
		*(void **)&found.calloc = weir_backend_next("calloc");
		*(void **)&found.realloc = weir_backend_next("realloc");
		find_aligned();
		*(void **)&found.malloc_usable_size = weir_backend_next("malloc_usable_size");
		*(void **)&found.malloc_trim = weir_backend_next("malloc_trim");
		weir_store_release(&search, SEARCH_DONE);
		swap_in();
		return true;
	}
	return weir_load_acquire(&search) == SEARCH_DONE;
}

/* The table's first entries. */

static void *first_malloc(size_t bytes)
{
	return find() ? found.malloc(bytes) : arena_take(bytes);
}

static void first_free(void *block)
{
	if (block && find())
		free_checked(block);
}

static void *first_calloc(size_t count, size_t bytes)
{
	size_t total;

	if (find())
		return found.calloc(count, bytes);
	if (__builtin_mul_overflow(count, bytes, &total)) {
		errno = ENOMEM;
		return NULL;
	}
	return arena_take(total); /* the arena is zero and never reused */
}

static void *first_realloc(void *block, size_t bytes)
{
	void *moved;

	if (find())
		return realloc_checked(block, bytes);
	moved = arena_take(bytes);
	if (moved && block)
		memcpy(moved, block, weir_min(bytes, arena_size(block)));
	return moved;
}

static int first_posix_memalign(void **block, size_t align, size_t bytes)
{
	if (find())
		return found.posix_memalign(block, align, bytes);
	return ENOMEM;
}

static size_t first_usable_size(void *block)
{
	return find() ? usable_size_checked(block) : arena_size(block);
}

static int first_trim(size_t pad)
{
	return find() && found.malloc_trim ? found.malloc_trim(pad) : 0;
}

struct weir_backend weir_backend = {
	.malloc = first_malloc,
	.free = first_free,
	.calloc = first_calloc,
	.realloc = first_realloc,
	.posix_memalign = first_posix_memalign,
	.malloc_usable_size = first_usable_size,
	.malloc_trim = first_trim,
};

bool weir_backend_seal(void)
{
	size_t page = weir_os_page_bytes();

	return find() && sizeof found % page == 0 && WEIR_BACKEND_ALIGN % page == 0 &&
	       weir_os_seal(&found, sizeof found) &&
	       weir_os_seal(&weir_backend, sizeof weir_backend);
}

const char *weir_backend_name(void)
{
	Dl_info info;
	const char *slash;

	find();
	if (!weir_is_there(dladdr) || !dladdr(*(void **)&found.malloc, &info) || !info.dli_fname)
		return "unknown";
	slash = strrchr(info.dli_fname, '/');
	return slash ? slash + 1 : info.dli_fname;
}
