/* The settings in force, and how they change while the program runs. Layer 5.
 *
 * Three change them: `set`, the memory limit of the container, of which settings may be
 * shares, and memory pressure, which lowers a ceiling on what is retained. One thread at a
 * time, of those that ask for it: `changing`, which also is whose buffers cgroup.h has. A
 * request that finds it taken goes on without. What is changed is in the pool and on the
 * statistics page when the call returns. Not for signal handlers.
 *
 * Who looks at the memory limit: large requests, where the user asked for shares (a sandbox
 * may kill a program for a file that it opens); but once the helper thread has descriptors
 * of its own it alone. */
#ifndef WEIR_SETTINGS_H
#define WEIR_SETTINGS_H

#include "cgroup.h"
#include "config.h"
#include "pool.h"

/* From the constructor, before anything else here. */
void weir_settings_begin(struct weir_config *config);
const struct weir_config *weir_settings(void);

/* One line of both parts, when WEIR_VERBOSE. */
void weir_settings_say(const char *what, const char *more);

/* Turns shares into bytes. Once; of those who start the engine, by the one who may. False
 * when WEIR_STRICT says that the program must stop. */
bool weir_settings_resolve(void);

/* The container's or machine's memory, as last read; 0 for unknown. */
uint64_t weir_settings_memory_bytes(void);

/* What they come to for the pool, and for requests that the cache may serve. */
struct weir_pool_settings weir_settings_pool_options(void);
size_t weir_settings_cached_bytes(void);

/* Changes a setting (weir_config_set) and releases what is beyond it, once the engine is
 * ready. False with a reason. */
bool weir_settings_set(const char *name, const char *value, struct weir_text *reason,
		       struct weir_tally *tally);

/* Under memory pressure: no more than so many bytes are retained from now on, and no more are
 * live and retained together, whatever WEIR_LIMIT and WEIR_FOOTPRINT say; WEIR_NO_LIMIT ends
 * it. Releases what is beyond. False where another change does not end. */
bool weir_settings_set_ceilings(size_t retained_bytes, size_t held_bytes);

/* Reads the memory limit again, every ten seconds at most, and resolves the shares anew
 * where it has changed: for a large request, and for the helper thread, which then does so
 * until weir_settings_begin_anew, and hears when it has something to do next. */
void weir_settings_look(uint64_t now_ms);
uint64_t weir_settings_look_alone(uint64_t now_ms);

/* For that thread: the process's cgroup as last seen, and whether it is another one, or has
 * another limit, than at the last call. */
bool weir_settings_cgroup_changed(const struct weir_cgroup **cgroup);

/* In a forked child, whose parent may have been about to change something. */
void weir_settings_begin_anew(void);

#endif
