#!/bin/sh
# What the built library shows to the dynamic linker.
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

exported=$(nm --dynamic --defined-only --format=posix "$library" | awk '{ print $1 }' | LC_ALL=C sort)
wanted=$(printf '%s\n%s\n' "$family" "$watched" | LC_ALL=C sort)
difference "$wanted" "$(echo "$exported" | grep -v '^weir_')" |
	rule 'the library exports the malloc family, what installs handlers and weir_* alone, without a version'

dynamic=$(readelf --dynamic --wide "$library")
echo "$dynamic" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' | grep -v -e '^libc\.so\.6$' -e '^ld-linux' |
	rule 'the library needs the C library alone'

difference libweir.so.0 "$(echo "$dynamic" | sed -n 's/.*(SONAME).*\[\(.*\)\].*/\1/p')" |
	rule 'the SONAME is libweir.so.0'

{
	echo "$dynamic" | grep -q 'FLAGS_1.*NOW' || echo 'no -z now'
	echo "$dynamic" | grep -q 'FLAGS_1.*NODELETE' || echo 'no -z nodelete'
	readelf --segments --wide "$library" | grep -q GNU_RELRO || echo 'no -z relro'
} | rule 'the library is bound at once, read-only after that, and never unloaded'

readelf --segments --wide "$library" | awk '$1 == "LOAD" && $NF != "0x10000"' |
	rule 'the library can be mapped with pages of 64 KiB'

readelf --relocs --wide "$library" | grep -E 'DTPMOD|TLSDESC' |
	rule 'thread-local data is found without a call (initial-exec)'

finish
