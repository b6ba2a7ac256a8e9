# shellcheck shell=sh
# What the script of a document begins with (run): the steps' results, and functions for what
# the document tests without showing it. Its own output is descriptor 9.
set -eu
here=$1
scratch=$2
name=$3
installing=$4
shift 4
broken=0

# step LINE LABEL: what comes next, until the next one.
step() {
	line=$1
	label=$2
	running=yes
}

# result VERDICT WHAT
result() {
	running=no
	echo "$1: $name:$line: $2" >&9
	[ "$1" = ok ] || broken=1
}

output() {
	sed 's/^/    /' "$scratch/out" | uniq | tail -n 12 >&9
}

# shown LINE HOW LABEL: the last output is as the document says.
shown() {
	line=$1
	if awk -v how="$2" -f "$here/matches.awk" "$scratch/$1.shown" "$scratch/out" >"$scratch/why"; then
		result ok "$3 shows what it says"
	else
		result FAILED "$3 shows what it says"
		sed 's/^/    /' "$scratch/why" >&9
		output
	fi
}

# Ends what the document left running, and says which command failed, if one did.
end() {
	status=$?
	if [ "$running" = yes ]; then
		result FAILED "$label"
		output
	fi
	jobs -p >"$scratch/jobs"
	while read -r job; do
		kill "$job" 2>/dev/null || true
	done <"$scratch/jobs"
	wait
	[ "$status" = 0 ] && [ "$broken" = 0 ] || exit 1
}
running=no
trap end EXIT

# Conditions.

installing() {
	[ "$installing" = yes ]
}

found() {
	command -v "$1" >/dev/null
}

# figure NAME PID: what the status of a process says.
figure() {
	weir status --json "$2" | grep -o "\"$1\": *[0-9]*" | sed 's/.*[^0-9]//;q'
}

# rss PID: MiB.
rss() {
	echo $(($(ps -o rss= -p "$1") / 1024))
}

# wait_for COMMAND...: until it succeeds, for 30 seconds at most.
wait_for() {
	tries=300
	until "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.1
	done
}

# answers PORT
answers() {
	curl -s -o /dev/null "http://127.0.0.1:$1/"
}

# retains_nothing PID
retains_nothing() {
	[ "$(figure retained_bytes "$1")" = 0 ]
}

# free_port: one that nobody listens on.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# retains PID: anything.
retains() {
	[ "$(figure retained_bytes "$1")" -gt 0 ] 2>/dev/null
}
