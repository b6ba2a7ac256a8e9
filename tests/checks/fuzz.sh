#!/bin/sh
# The differential fuzzer under libFuzzer, LIBWEIR_FUZZ_SECONDS (10) long, and what it must find.
. "$LIBWEIR_SRCDIR/tests/checks/check.sh"

# fuzz_make TARGET [NAME=VALUE...]: what it printed, where it failed.
fuzz_make() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$build_dir" "$@" >"$scratch/log" 2>&1 ||
		tail -n 60 "$scratch/log"
}

fuzz_make fuzz FUZZ_TARGETS=calls FUZZ_SECONDS="${LIBWEIR_FUZZ_SECONDS:-10}" |
	rule 'libFuzzer finds nothing in random calls'
fuzz_make fuzz-seeded | rule 'it finds bugs that are put in on purpose'
grep '^ok: ' "$scratch/log" | sed 's/^ok: /    /'

finish
