#!/bin/sh
# Compilers and others that look for mistakes find none (scripts/lint).
. "$LIBWEIR_SRCDIR/tests/checks/check.sh"

finds_nothing() {
	"$source_dir/scripts/lint" --tool "$1" 2>&1 | rule "$2"
}

finds_nothing format "the layout is clang-format's (else run scripts/lint --fix)"
finds_nothing tidy "clang-tidy and clang's analyzer find nothing"
finds_nothing gcc "gcc's analyzer finds nothing"
finds_nothing cppcheck 'cppcheck finds nothing'
finds_nothing shellcheck 'shellcheck finds nothing'

finish
