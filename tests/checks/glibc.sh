#!/bin/sh
# The newest version of glibc that the built libraries need: programs and images may have an older
# one than the machine that builds (src/lib/glibc.h).
#
#   tests/checks/glibc.sh [LIBRARY...]
. "$LIBWEIR_SRCDIR/tests/checks/check.sh"

newest=2.28

# needed LIBRARY: lines "VERSION SYMBOL", the newest version first. Those without a number
# (GLIBC_PRIVATE, GLIBC_ABI_DT_RELR) are not for libraries outside of glibc, or newer.
needed() {
	{
		readelf --dyn-syms --wide "$1" | sed -n 's/.* UND \([^@]*\)@GLIBC_\([^ ]*\).*/\2 \1/p'
		readelf --version-info --wide "$1" | sed -n 's/.*Name: GLIBC_\([A-Z_]*\) .*/\1 -/p'
	} | sort -r -V
}

too_new() {
	awk -v newest="$newest" '
		function number(version, part) { split(version, part, "."); return part[1] * 1000 + part[2] }
		$1 ~ /[A-Z]/ || number($1) > number(newest) { print $2 " (GLIBC_" $1 ")" }'
}

[ $# -gt 0 ] || set -- "$library" "$pool_library"
for built; do
	name=$(basename "$built")
	needed "$built" >"$scratch/needed"
	{
		readelf --dyn-syms --wide "$built" | grep -q ' UND memcpy' || echo 'no memcpy: no symbols?'
		too_new <"$scratch/needed"
	} | rule "$name needs nothing newer of glibc than $newest: $(sed -n '1s/ .*//p' "$scratch/needed")"
done

finish
