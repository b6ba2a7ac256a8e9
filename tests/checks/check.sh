# Sourced by the checks. A check names a rule and feeds this what breaks it: one
# line is printed for each rule, and the offenders after a broken one.

library=${LIBWEIR_PATH:?run the checks by make check}
build_dir=${LIBWEIR_BUILDDIR:?}
pool_library=$build_dir/.libs/libweirpool.so.0
source_dir=${LIBWEIR_SRCDIR:?}
core="$build_dir/.libs/libweircore.a $build_dir/.libs/libweirmalloc.a"

# rule NAME: the rule holds when nothing comes in on stdin. At the end of a pipe
# it runs in a shell of its own, so that it leaves a file behind, not a variable.
rule() {
	offenders=$(cat)
	if [ -z "$offenders" ]; then
		echo "ok: $1"
	else
		echo "FAILED: $1"
		echo "$offenders" | sed 's/^/    /'
		touch "$scratch/broken"
	fi
}

# Ends the check: fails when a rule was broken.
finish() {
	[ ! -e "$scratch/broken" ]
	exit
}

# Lines of two texts that differ: `-` is missing, `+` is too much.
difference() {
	printf '%s\n' "$1" >"$scratch/wanted"
	printf '%s\n' "$2" >"$scratch/found"
	diff -U 0 "$scratch/wanted" "$scratch/found" | sed '1,2d;/^@@/d'
}

# A C file without comments, strings and includes, so that words in them do not count.
code_of() {
	"${CC:-cc}" -fpreprocessed -dD -E -P "$1" | sed '/^#[ \t]*include/d;s/"[^"]*"/""/g'
}

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
