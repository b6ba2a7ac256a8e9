# Whether a text is as it is shown: awk -v how=HOW -f matches.awk SHOWN TEXT. Says the first line
# that is missing. Figures, their units and bars may be others; `...` is any lines, and how "among others"
# has them everywhere.

function plain(line) {
	gsub(/[#+.][#+.][#+.][#+.]+/, "BAR", line)
	gsub(/[0-9]+([.:][0-9]+)*/, "N", line)
	gsub(/N ?(B|KiB|MiB|GiB)/, "SIZE", line)
	gsub(/N ?(ns|us|ms|s)/, "TIME", line)
	gsub(/blocks/, "block", line)
	gsub(/[ \t]+/, " ", line)
	sub(/^ /, "", line)
	sub(/ $/, "", line)
	return line
}

FNR == NR {
	wanted[++wanted_count] = plain($0)
	as_shown[wanted_count] = $0
	next
}
{ found[++found_count] = plain($0) }

# Any lines may be passed over before what follows `...`.
END {
	at = 1
	skips = how != ""
	for (i = 1; i <= wanted_count; i++) {
		if (wanted[i] == "...") {
			skips = 1
			continue
		}
		while (skips && at <= found_count && found[at] != wanted[i])
			at++
		if (at > found_count || found[at] != wanted[i]) {
			print "not there: " as_shown[i]
			exit 1
		}
		at++
		skips = how != ""
	}
	if (!skips && at <= found_count) {
		print "not shown: line " at
		exit 1
	}
}
