#!/bin/sh
# What the built libraries show to the dynamic linker.
. "$LIBWEIR_SRCDIR/tests/checks/check.sh"

family='aligned_alloc
calloc
cfree
free
free_aligned_sized
free_sized
malloc
malloc_trim
malloc_usable_size
memalign
posix_memalign
pvalloc
realloc
reallocarray
valloc'

# Passed through, to see who has the signal.
watched='__sysv_signal
bsd_signal
sigaction
signal
sigset
ssignal
sysv_signal'

# exports LIBRARY NAMES: beside what weir.h declares.
exports() {
	nm --dynamic --defined-only --format=posix "$1" | awk '{ print $1 }' | LC_ALL=C sort \
		>"$scratch/exported"
	difference "$2" "$(grep -v '^weir_' "$scratch/exported")" |
		rule "$1 exports what it stands for and weir_* alone, without a version"
	difference "$declared" "$(grep '^weir_' "$scratch/exported")" |
		rule "$1 exports all that weir.h declares, and the statistics page, and no more"
}

# built LIBRARY SONAME: how it is bound and mapped.
built() {
	dynamic=$(readelf --dynamic --wide "$1")
	echo "$dynamic" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' |
		grep -v -e '^libc\.so\.6$' -e '^ld-linux' |
		rule "$1 needs the C library alone"
	difference "$2" "$(echo "$dynamic" | sed -n 's/.*(SONAME).*\[\(.*\)\].*/\1/p')" |
		rule "the SONAME of $1 is $2"
	{
		echo "$dynamic" | grep -q 'FLAGS_1.*NOW' || echo 'no -z now'
		echo "$dynamic" | grep -q 'FLAGS_1.*NODELETE' || echo 'no -z nodelete'
		readelf --segments --wide "$1" | grep -q GNU_RELRO || echo 'no -z relro'
	} | rule "$1 is bound at once, read-only after that, and never unloaded"
	readelf --segments --wide "$1" | awk '$1 == "LOAD" && $NF != "0x10000"' |
		rule "$1 can be mapped with pages of 64 KiB"
	readelf --relocs --wide "$1" | grep -E 'DTPMOD|TLSDESC' |
		rule "thread-local data of $1 is found without a call (initial-exec)"
}

declared=$({
	code_of "$source_dir/include/weir.h" | grep -oE 'weir_[a-z_]+\(' | tr -d '('
	echo weir_statistics
} | LC_ALL=C sort -u)

exports "$library" "$(printf '%s\n%s\n' "$family" "$watched" | LC_ALL=C sort)"
built "$library" libweir.so.0
exports "$pool_library" ''
built "$pool_library" libweirpool.so.0

finish
