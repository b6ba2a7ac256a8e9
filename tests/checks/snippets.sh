#!/bin/sh
# What README.md and docs/containers.md show is a file's or a test's, and the latter names only
# what there is.
. "$LIBWEIR_SRCDIR/tests/checks/check.sh"

cd "$source_dir" || exit 1
document=docs/containers.md

# Before each block stands where it comes from: <!-- from FILE [part NAME] --> or
# <!-- run by TEST: NAME -->.
awk '
	/^```/ && fenced { fenced = 0; next }
	/^```/ { fenced = 1; if (last !~ /^<!-- (from|run by) .+ -->$/) print FILENAME ":" NR ": " $0 }
	{ last = $0 }' "$document" | rule 'every block says which file it is of or which test runs it'

for including in README.md "$document"; do
	scripts/include-snippets "$including" | diff -u "$including" -
done | rule 'blocks of files are as they are there (else run scripts/update-docs)'

# mentioned FILE: in a test of the tree other than this one.
mentioned() {
	grep -r -q -F -e "\"$1\"" tests/e2e tests/harness
}

sed -n 's/^<!-- from \([^ ]*\) .*-->$/\1/p' README.md "$document" | sort -u | while read -r file; do
	mentioned "$file" || echo "$file"
done | rule 'a test mentions every file that is included'

# The test reads the document, and each block by its name.
sed -n 's/^<!-- run by \([^ ]*\): \([^ ]*\) -->$/\1 \2/p' "$document" | while read -r test name; do
	grep -q -F -e "\"$document\"" "$test" || echo "$test does not read the document"
	grep -q -F -e "\"$name\"" "$test" || echo "$test does not run $name"
done | rule 'the tests that run blocks read them from the document'

{
	grep -q '^<!-- from ' "$document" || echo 'none of a file'
	grep -q '^<!-- run by ' "$document" || echo 'none that a test runs'
} | rule 'there are blocks of both kinds'

# words PATTERN FILE...: each once.
words() {
	pattern=$1
	shift
	grep -h -o -w -E -e "$pattern" "$@" | sort -u
}

words 'weir_[a-z_]+' docs/METRICS.md >"$scratch/metrics"
words 'weir_[a-z_]+' "$document" examples/prometheus/* examples/grafana/* |
	grep -v -x -F -f "$scratch/metrics" |
	rule 'rules, dashboard and document name metrics that there are'

"$build_dir/tests/tools/print_options" | words 'WEIR_[A-Z_]+' >"$scratch/options"
grep -r -h -o -w -E --exclude='*.py' --exclude='pool-*' -e 'WEIR_[A-Z_]+' examples "$document" |
	sort -u | grep -v -x -F -f "$scratch/options" |
	rule 'examples and document name settings that there are'

finish
