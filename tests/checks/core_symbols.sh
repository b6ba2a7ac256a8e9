#!/bin/sh
# What the core may call in the C library: nothing that allocates, locks or
# buffers, because the core runs inside malloc and inside signal handlers.
. "$LIBWEIR_SRCDIR/tests/checks/check.sh"

allowed='
_GLOBAL_OFFSET_TABLE_ __errno_location __stack_chk_fail abort
__libc_current_sigrtmax __libc_current_sigrtmin getauxval
memchr memcmp memcpy memmove memrchr memset
strchr strcmp strcspn strlen strncmp strnlen strrchr strspn strstr
'

# Lines "OBJECT SYMBOL" for what an object of the core takes from elsewhere.
taken() {
	# shellcheck disable=SC2086 # the words are archives
	nm --undefined-only --format=posix $core | awk '
		/:$/ { sub(/.*\[/, ""); sub(/\]:$/, ""); sub(/^libweir[a-z]*_la-/, ""); object = $0; next }
		{ print object, $1 }'
}

{
	taken | grep -q 'pool.o weir_' || echo "nm shows nothing of $core"
	taken | awk -v allowed="$allowed" '
		BEGIN { count = split(allowed, names); for (i = 1; i <= count; i++) ok[names[i]] = 1 }
		$2 ~ /^weir_/ || $2 in ok { next }
		$1 == "backend.o" && $2 ~ /^(dlsym|dladdr)$/ { next }
		$1 == "objects.o" && $2 == "dl_iterate_phdr" { next }
		$1 == "config.o" && $2 ~ /^(environ|secure_getenv|program_invocation_short_name)$/ { next }
		{ print $1 " takes " $2 }'
} | rule 'the core calls nothing in the C library that allocates, locks or buffers'

finish
