#!/bin/sh
# Each promise of docs/RELIABILITY.md names what holds it, and all of that exists.
. "$LIBWEIR_SRCDIR/tests/checks/check.sh"

cd "$source_dir" || exit 1
document=docs/RELIABILITY.md

# Rows, but for the head of a table: | promise | `FILE`, `FILE: Suite.Case` or `make TARGET` |
rows() {
	sed -n '/^| promise /d;/^|-/d;/^|/p' "$document"
}

# The holders of all rows, one a line.
holders() {
	rows | sed 's/^.*|\([^|]*\)|$/\1/' | grep -o '`[^`]*`' | tr -d '`'
}

rows | grep -v '| *`[^`]*`[^|]*|$' | rule 'every promise names what holds it'

holders | sort -u | while read -r holder; do
	file=${holder%%: *}
	case $holder in
	'make '*)
		grep -q "^${holder#make }:" Makefile.am || echo "$holder"
		;;
	*': '*)
		name=${holder#*: }
		suite=${name%%.*}
		case=${name#*.}
		grep -q -E "TEST(_[FP])?\($suite, $case\)" "$file" || echo "$holder"
		;;
	*)
		[ -e "$file" ] || echo "$holder"
		;;
	esac
done | rule 'what holds a promise exists'

holders | grep . | sed 's/: .*//' | sort -u | while read -r file; do
	case $file in
	*_test.cc) grep -q -F -e "${file%.cc}" Makefile.am || echo "$file" ;;
	*.cc | *.sh) grep -q -F -e "$file" Makefile.am || echo "$file" ;;
	esac
done | rule 'and runs with make check'

{ rows | grep -q . || echo none; } | rule 'there are promises'
finish
