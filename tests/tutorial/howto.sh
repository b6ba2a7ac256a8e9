#!/bin/sh
# Each how-to page's commands do what the page says, and its settings are accepted.
. "$LIBWEIR_SRCDIR/tests/checks/check.sh"

cd "$source_dir" || exit 1
# shellcheck disable=SC2154 # build_dir is check.sh's
weir=$build_dir/weir

for page in docs/howto/*.md; do
	tests/tutorial/run "$page" || touch "$scratch/broken"
done

# settings FILE...: NAME=VALUE of all blocks; units of systemd have a % doubled.
settings() {
	awk '/^```/ { inside = !inside } inside' "$@" | sed "s/%%/%/g;s/ = '/=/" |
		grep -o "WEIR_[A-Z_]*=[^ \"'\\\\\`;)]*" | sort -u
}

settings docs/howto/*.md | while read -r setting; do
	env "$setting" "$weir" config 2>&1 >/dev/null
done | rule 'every setting in a block is accepted'
{ settings docs/howto/*.md | grep -q WEIR_LIMIT || echo none; } | rule 'there are settings in blocks'

finish
