#!/bin/sh
# The manual pages say what the tables and the header say, and show how each command and each
# function is used.
. "$LIBWEIR_SRCDIR/tests/checks/check.sh"

page=$source_dir/man/weir.1
weir=$build_dir/weir

for part in commands variables; do
	sed -n "/^\.\\\\\" $part:begin/,/^\.\\\\\" $part:end/p" "$page" >"$scratch/page"
	"$weir" help --man "$part" >"$scratch/table"
	{
		[ -s "$scratch/table" ] || echo "weir help --man $part printed nothing"
		diff -u "$scratch/table" "$scratch/page"
	} | rule "the manual page has the $part of the table (else run scripts/update-docs)"
done

"$weir" help --words | while read -r command; do
	grep -q "^\$ weir $command\b" "$page" || echo "weir $command"
done | rule 'the manual page has an example of every command'

for page in "$source_dir"/man/*.3; do
	"$source_dir/scripts/include-snippets" "$page" | diff -u "$page" -
	grep -q '^\.EX' "$page" || echo "$page has no example"
done | rule 'examples are as they are in examples/ (else run scripts/update-docs)'

awk '/^\.EX$/ && last !~ /^\.\\" from / { print FILENAME ":" FNR } { last = $0 }' \
	"$source_dir"/man/*.3 | rule 'every example is one of examples/'

sed -n 's/^\.\\" from \([^ ]*\) .*/\1/p' "$source_dir"/man/*.3 | sort -u | while read -r example; do
	grep -r -q -F -e "\"$example\"" "$source_dir/tests/e2e" || echo "$example"
done | rule 'a test runs every file that examples are of'

# functions: those of weir.h.
functions() {
	sed -n '/^[a-z]/s/.*[ *]\(weir_[a-z_]*\)(.*/\1/p' "$source_dir/include/weir.h"
}

page=$source_dir/man/weir_pool.3
sed -n '/^\.SH NAME/,/^\.SH SYNOPSIS/p' "$page" >"$scratch/name"
sed -n '/^\.SH SYNOPSIS/,/^\.SH DESCRIPTION/p' "$page" >"$scratch/synopsis"
sed -n '/^\.EX/,/^\.EE/p' "$page" >"$scratch/examples"
{
	[ -n "$(functions)" ] || echo 'there is no function in weir.h'
	functions | while read -r function; do
		for part in name synopsis examples; do
			grep -q "\b$function\b" "$scratch/$part" || echo "$function: no $part"
		done
		grep -q -x '.so man3/weir_pool.3' "$build_dir/man/$function.3" || echo "$function: no page"
	done
} | rule 'every function of weir.h has a page, and an example on it'

# Messages with a name in them stand there without quotes.
sed -n '/^\.SH MISUSE/,/^\.SH "/s/^\.IR* "\([^"]*\)".*/\1/p' "$page" >"$scratch/messages"
{
	[ -s "$scratch/messages" ] || echo 'there is no message'
	while read -r message; do
		grep -q -F -e "\"$message\"" "$source_dir"/src/lib/*.c || echo "$message"
	done <"$scratch/messages"
} | rule 'the library says what the page says of misuse'

if command -v groff >/dev/null; then
	for page in "$source_dir"/man/*.[1-9]; do
		groff -man -Tutf8 -ww -z "$page" 2>&1
	done | rule 'the manual pages have no mistakes of layout'
fi

finish
