# bash completion of weir. What there is to complete, weir says itself (weir help --words).
# shellcheck shell=bash disable=SC2207 # what is completed are words

# What may stand for a pattern of help, like PID or jemalloc|mimalloc|tcmalloc|PATH: words in
# lower case stand for themselves.
_weir_values() {
	local IFS=$' \t\n' value
	case $1 in
	*PID*) COMPREPLY+=($(compgen -W "$(weir ps --pids 2>/dev/null)" -- "$2")) ;;
	esac
	case $1 in
	*COMMAND*) COMPREPLY+=($(compgen -W "$(weir help --words 2>/dev/null)" -- "$2")) ;;
	esac
	case $1 in
	DIR) COMPREPLY+=($(compgen -d -- "$2")) ;;
	esac
	case $1 in
	"[--] CMD"*) COMPREPLY+=($(compgen -c -- "$2")) ;;
	esac
	case $1 in
	FILE* | *TRACE) COMPREPLY+=($(compgen -f -- "$2")) ;;
	esac
	case $1:$2 in
	*PATH*:*/*) COMPREPLY+=($(compgen -f -- "$2")) ;;
	esac
	case $1 in
	*NAME=VALUE*)
		value=$(weir config 2>/dev/null | sed -n 's/^WEIR_\([A-Z_]*\) .*/\L\1=/p')
		COMPREPLY+=($(compgen -W "$value" -- "$2"))
		compopt -o nospace
		;;
	esac
	for value in ${1//|/ }; do
		case $value in
		[a-z]*) COMPREPLY+=($(compgen -W "$value" -- "$2")) ;;
		esac
	done
}

# The line of weir help --words that begins with a word, without that word.
_weir_line() {
	local line
	while IFS= read -r line; do
		[ "${line%% *}" = "$2" ] && echo "${line#* }" && return
	done <<<"$1"
}

_weir() {
	local word=$2 before=$3 words i
	COMPREPLY=()

	if [ "$COMP_CWORD" = 1 ]; then
		COMPREPLY=($(compgen -W "$(weir help --words 2>/dev/null) --help --version" -- "$word"))
		return
	fi
	# Behind -- stands another command.
	for ((i = 2; i < COMP_CWORD; i++)); do
		if [ "${COMP_WORDS[i]}" = -- ]; then
			if declare -F _command_offset >/dev/null; then
				_command_offset $((i + 1))
			else
				COMPREPLY=($(compgen -c -f -- "$word"))
			fi
			return
		fi
	done
	words=$(weir help --words "${COMP_WORDS[1]}" 2>/dev/null) || return
	case $before in
	--*)
		before=$(_weir_line "$words" "$before")
		# An argument in brackets stands behind an equals sign.
		if [ -n "$before" ] && [ "${before#[}" = "$before" ]; then
			_weir_values "$before" "$word"
			return
		fi
		;;
	esac
	case $word in
	-*) COMPREPLY=($(compgen -W "$(sed -n 's/^\(--[^ ]*\).*/\1/p' <<<"$words")" -- "$word")) ;;
	*) _weir_values "${words%%$'\n'*}" "$word" ;;
	esac
}

complete -F _weir weir
