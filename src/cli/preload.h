/* What goes into LD_PRELOAD: where weir's library and the backends are. */
#ifndef WEIR_CLI_PRELOAD_H
#define WEIR_CLI_PRELOAD_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* Finds libweir.so.0: beside this program in the build tree, beside it, in the lib beside its
 * directory, then where it was to be installed. False where it is in none of these, which are
 * then in `tried`. */
#define PRELOAD_TRIED_BYTES (5 * (size_t)PATH_MAX + 16)
#define PRELOAD_NOT_FOUND "libweir.so.0 is in none of these: %s"
bool preload_find_library(char *path, char *tried);

/* The directory of this program, into PATH_MAX bytes; false without /proc. */
bool preload_own_directory(char *path);

/* Finds an allocator by its name or path; false with the reason for people. */
#define PRELOAD_REASON_BYTES ((size_t)PATH_MAX + 256)
bool preload_find_backend(const char *name, char *path, char *reason);

/* Whether it can be found by this name where it is installed. */
bool preload_is_known(const char *name);

/* The dynamic linker splits its list there, so that no such path can stand in it. */
#define PRELOAD_NOT_LISTABLE "%s: a path with a space or a colon cannot stand in LD_PRELOAD"
bool preload_is_listable(const char *path);

/* The list with weir at its begin, the backend behind it, and what was there behind both, each
 * once; "" for none of either. Where `sole`, other allocators of what was there are left out.
 * To be freed. */
char *preload_list(const char *library, const char *backend, const char *present, bool sole);

/* Calls `take` for each entry; ends where that returns false. */
typedef bool preload_take(void *context, const char *entry, size_t length);
void preload_each(const char *list, preload_take *take, void *context);

/* Whether an entry is weir's library, and whether it is a known allocator's. */
bool preload_is_weir(const char *entry, size_t length);
bool preload_is_allocator(const char *entry, size_t length);

#endif
