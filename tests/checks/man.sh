#!/bin/sh
# The manual page says what the tables say, and shows how each command is used.
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

if command -v groff >/dev/null; then
	groff -man -Tutf8 -ww -z "$page" 2>&1 | rule 'the manual page has no mistakes of layout'
fi

finish
