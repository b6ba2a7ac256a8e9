/* The C library's functions under names that glibc has had since 2.28 and before. Layer 0.
 *
 * glibc 2.32 to 2.34 gave new versions to functions that it moved, and new names to stat and its
 * like, so that a library that is linked there does not load where glibc is older. Here the
 * versions and names of old are asked for. In the libraries only (WEIR_OLD_GLIBC): a static
 * program has no versions. Nothing of this where there is no glibc, or where it began later.
 *
 * Before 2.34 they were in libpthread and libdl, which are not in every program: there they are
 * missing, and whoever calls one asks weir_is_there before. Needing these two libraries
 * instead costs every program some 45 us each at its start, on new systems as on old ones. */
#ifndef WEIR_GLIBC_H
#define WEIR_GLIBC_H

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>

/* FIRST: the port's first version. THREADS: of the functions that changed in 2.1, before there
 * were others. STAT_VERSION: what says how struct stat is laid out. */
#if defined WEIR_OLD_GLIBC && defined __GLIBC__
#if defined __x86_64__ && defined __LP64__
#define WEIR_GLIBC_FIRST "GLIBC_2.2.5"
#define WEIR_GLIBC_THREADS "GLIBC_2.2.5"
#define WEIR_GLIBC_STAT64 "GLIBC_2.2.5"
#define WEIR_GLIBC_STAT_VERSION 1
#elif defined __i386__
#define WEIR_GLIBC_FIRST "GLIBC_2.0"
#define WEIR_GLIBC_THREADS "GLIBC_2.1"
#define WEIR_GLIBC_STAT64 "GLIBC_2.2"
#define WEIR_GLIBC_STAT_VERSION 3
#elif defined __aarch64__ && defined __LP64__
#define WEIR_GLIBC_FIRST "GLIBC_2.17"
#define WEIR_GLIBC_THREADS "GLIBC_2.17"
#define WEIR_GLIBC_STAT64 "GLIBC_2.17"
#define WEIR_GLIBC_STAT_VERSION 0
#endif
#endif

#ifdef WEIR_GLIBC_FIRST

#define WEIR_GLIBC_OLD(function, version) \
	extern __typeof__(function) function __attribute__((__weak__)); \
	__asm__(".symver " #function ", " #function "@" version)

WEIR_GLIBC_OLD(dladdr, WEIR_GLIBC_FIRST);
WEIR_GLIBC_OLD(dlsym, WEIR_GLIBC_FIRST);
WEIR_GLIBC_OLD(pthread_attr_setstacksize, WEIR_GLIBC_THREADS);
WEIR_GLIBC_OLD(pthread_create, WEIR_GLIBC_THREADS);
WEIR_GLIBC_OLD(pthread_join, WEIR_GLIBC_FIRST);
WEIR_GLIBC_OLD(pthread_key_create, WEIR_GLIBC_FIRST);
WEIR_GLIBC_OLD(pthread_setspecific, WEIR_GLIBC_FIRST);
WEIR_GLIBC_OLD(pthread_sigmask, WEIR_GLIBC_FIRST);

#define weir_is_there(function) (&(function) != NULL)

/* struct stat has 64-bit sizes everywhere (AC_SYS_LARGEFILE), as these take it. */
int weir_glibc_stat(int version, const char *path, struct stat *found) __asm__("__xstat64");
int weir_glibc_lstat(int version, const char *path, struct stat *found) __asm__("__lxstat64");
int weir_glibc_fstat(int version, int fd, struct stat *found) __asm__("__fxstat64");
__asm__(".symver __xstat64, __xstat64@" WEIR_GLIBC_STAT64);
__asm__(".symver __lxstat64, __lxstat64@" WEIR_GLIBC_STAT64);
__asm__(".symver __fxstat64, __fxstat64@" WEIR_GLIBC_STAT64);

#undef stat
#undef lstat
#undef fstat
#define stat(path, found) weir_glibc_stat(WEIR_GLIBC_STAT_VERSION, path, found)
#define lstat(path, found) weir_glibc_lstat(WEIR_GLIBC_STAT_VERSION, path, found)
#define fstat(fd, found) weir_glibc_fstat(WEIR_GLIBC_STAT_VERSION, fd, found)

#else

#define weir_is_there(function) true

#endif

#endif
