#!/bin/sh
# spin finds nothing wrong with the models of the lock-free core in any state, finds every bug
# that was seeded in them, and tests/model/README.md has the figures of that.
. "$LIBWEIR_SRCDIR/tests/checks/check.sh"

cd "$source_dir/tests/model" || exit 1

rows=$(./run 2>"$scratch/logs")

# matching WORDS: the rows that have them.
matching() {
	printf '%s\n' "$rows" | grep -F -e "$1"
}

{
	matching '| - |' | grep -v '| 0 |$'
	[ "$(matching '| - |' | wc -l)" = "$(ls ./*.pml | wc -l)" ] || cat "$scratch/logs"
} | rule 'the models hold in every state'
{
	matching '| BUG_' | grep -v '| 1 |$'
	[ -n "$(matching '| BUG_')" ] || cat "$scratch/logs"
} | rule 'every bug that is seeded in them is found'

# Another version of spin may store other states: then names alone are compared.
documented=$(grep '^| [a-z]* | \(-\|BUG_[A-Z_]*\) | [0-9]' README.md)
version=$(sed -n 's/.*(\(Spin Version [0-9.]*\)).*/\1/p' README.md)
if ! spin -V | grep -q -F -w "$version"; then
	documented=$(echo "$documented" | cut -d '|' -f 2,3)
	rows=$(echo "$rows" | cut -d '|' -f 2,3)
fi
difference "$documented" "$rows" | rule 'README.md has what spin found'
finish
