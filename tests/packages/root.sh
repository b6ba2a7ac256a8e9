# Sourced by the scripts beside it: a fresh Debian, made by debootstrap from the mirror that apt uses
# here, in a directory that goes again at the end. For root.
# shellcheck shell=sh

# shellcheck disable=SC2034 # for them
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
root=

# The mirror of Debian that apt has on this machine.
mirror() {
	# shellcheck disable=SC2016 # apt's, not the shell's
	apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(LABEL) $(SITE)' 'Created-By: Packages' |
		awk '$1 == "Debian" && $2 == "main" && $3 == "Debian" { print $4; exit }'
}

# in_root COMMAND...: there, with nothing of this environment.
in_root() {
	chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive "$@"
}

# apt_get ARGUMENT...: there, without questions; what it printed is shown where it fails.
apt_get() {
	in_root apt-get --yes --no-install-recommends "$@" >"$root.log" 2>&1 ||
		{ tail -n 40 "$root.log" >&2; exit 1; }
}

remove_root() {
	[ -n "$root" ] || return 0
	! mountpoint -q "$root/proc" || umount "$root/proc"
	rm -rf --one-file-system "$root" "$root.log"
}

# make_root SUITE PACKAGE...: with these packages of Debian's in it.
make_root() {
	suite=$1
	shift
	trap remove_root EXIT
	trap 'exit 1' INT TERM
	root=$(mktemp -d "${TMPDIR:-/var/tmp}/weir-root.XXXXXX")
	chmod 755 "$root"
	debootstrap --variant=minbase "$suite" "$root" "$(mirror)" >"$root.log" 2>&1 ||
		{ tail -n 20 "$root.log" >&2; exit 1; }
	mount -t proc proc "$root/proc"
	apt_get update
	apt_get install "$@"
}

# step WORDS: what comes next, and the seconds since the begin.
began=$(date +%s)
step() {
	echo "$(($(date +%s) - began)) s: $*"
}
