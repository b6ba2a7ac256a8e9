#!/bin/sh
# Documents say what the tables of the code say.
. "$LIBWEIR_SRCDIR/tests/checks/check.sh"

# says DOCUMENT PART TOOL: what differs between a part of a document and what the tool prints.
says() {
	sed -n "/<!-- $2:begin -->/,/<!-- $2:end -->/p" "$source_dir/$1" >"$scratch/document"
	"$build_dir/tests/tools/$3" >"$scratch/table"
	[ -s "$scratch/table" ] || echo "$3 printed nothing"
	diff -u "$scratch/table" "$scratch/document"
}

says README.md options print_options |
	rule "the README's table of variables is the option table's (else run scripts/update-docs)"
says docs/METRICS.md metrics print_metrics |
	rule 'docs/METRICS.md has every metric (else run scripts/update-docs)'

finish
