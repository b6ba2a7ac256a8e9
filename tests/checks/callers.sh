#!/bin/sh
# What only one file of the library may do.
. "$LIBWEIR_SRCDIR/tests/checks/check.sh"

# only FILE WORDS: who else uses one of WORDS (an extended regular expression).
# FILE must use one, or else the search itself is broken. glibc.h declares and calls nothing.
only() {
	for file in "$source_dir"/src/lib/*.[ch]; do
		name=$(basename "$file")
		[ "$name" != glibc.h ] || continue
		uses=$(code_of "$file" | grep -E "(^|[^A-Za-z0-9_])($2)([^A-Za-z0-9_]|\$)")
		if [ "$name" != "$1" ]; then
			[ -z "$uses" ] || echo "$uses" | sed "s/^[[:space:]]*/$name: /"
		elif [ -z "$uses" ]; then
			echo "$name uses none of them"
		fi
	done
}

only os.c '(SYS_)?(mmap|munmap|mprotect|madvise|mremap)' |
	rule 'only os.c changes the address space'
only os.c '(SYS_)?(open|openat|read|pread|pread64|write|fopen)|clock_gettime|gettimeofday|time' |
	rule 'only os.c opens, reads and writes files and asks for the time'
only os.c '(SYS_|__NR_)[a-z0-9_]+|syscall' |
	rule 'only os.c makes system calls by number'
only socket.c 'bind|accept4|recv|getsockopt|setsockopt|mkdir|unlink|lstat|fchmod' |
	rule 'only socket.c has peers, makes directories and removes files'
only helper.c 'pthread_(create|join|attr|sig)[a-z_]*|poll|prctl' |
	rule 'only helper.c starts a thread and waits'
only config.c 'getenv|secure_getenv|environ|__environ' |
	rule 'only config.c reads the environment'
only report.c 'stderr|STDERR_FILENO|perror' |
	rule 'only report.c writes to stderr'
only backend.c 'dlsym|dlvsym|dlopen|RTLD_NEXT' |
	rule 'only backend.c asks the dynamic linker for other libraries'
only callers.c 'backtrace' |
	rule 'only callers.c walks stacks'

finish
