#!/bin/sh
# Documents say what the tables of the code say, are all in the index, and lead to what there is.
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
says docs/reference/settings.md options print_options |
	rule 'docs/reference/settings.md has every variable (else run scripts/update-docs)'

cd "$source_dir" || exit 1
scripts/print-commands "$build_dir/weir" | diff -u - docs/reference/commands.md |
	rule 'docs/reference/commands.md says what the commands say (else run scripts/update-docs)'

# links FILE: what its links name, one a line.
links() {
	awk '/^```/ { fenced = !fenced } !fenced' "$1" | tr '\n' ' ' |
		grep -o '\](  *[^)]*)\|\]([^) ]*)' | sed 's/^\]( *//;s/)$//'
}

# headings FILE: as links name them.
headings() {
	awk '/^```/ { fenced = !fenced } !fenced' "$1" | sed -n 's/^##* //p' |
		tr 'A-Z ' 'a-z-' | tr -d -c 'a-z0-9_\n-'
}

documents=$(echo README.md bench/README.md docs/*.md docs/*/*.md)

for document in $documents; do
	links "$document" | while read -r link; do
		path=${link%%#*}
		case $link in
		*://*) continue ;;
		'#'*) path=$document ;;
		*) path=$(dirname "$document")/$path ;;
		esac
		if [ ! -e "$path" ]; then
			echo "$document: $link: there is no $path"
		elif [ "$link" != "${link#*#}" ] && ! headings "$path" | grep -q -x -e "${link#*#}"; then
			echo "$document: $link: no such heading"
		fi
	done
done | rule 'every link leads to a file that there is, and to a heading of it'

links docs/README.md >"$scratch/index"
for document in docs/*.md docs/*/*.md; do
	grep -q -x -F -e "${document#docs/}" "$scratch/index" || echo "$document"
done | grep -v -x docs/README.md | rule 'docs/README.md names every document'

finish
