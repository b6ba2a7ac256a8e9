#!/bin/sh
# The README says what the option table says.
. "$LIBWEIR_SRCDIR/tests/checks/check.sh"

sed -n '/<!-- options:begin -->/,/<!-- options:end -->/p' "$source_dir/README.md" >"$scratch/readme"
"$build_dir/tests/tools/print_options" >"$scratch/table"

{
	[ -s "$scratch/table" ] || echo 'print_options printed nothing'
	diff -u "$scratch/table" "$scratch/readme"
} | rule "the README's table of variables is the option table's (else run scripts/update-readme)"

finish
