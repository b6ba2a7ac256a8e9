#!/bin/sh
# A file of src/lib includes files of its own layer or below, never above.
. "$LIBWEIR_SRCDIR/tests/checks/check.sh"

layers='
0 base atomic text units classes glibc trace
1 os report
2 config config_set config_table complaint option option_size option_class option_name cgroup
2 request socket_path stats
3 slot space lists colour
4 usage cache quarantine quota extent pool live footprint remap resize move release decay pressure harden
4 slab magazine
4 track track_report record
4 snapshot snapshot_json metrics
5 engine settings block places large objects backend
6 callers signal self control socket server duty background container relief pressure_watch library
6 library_preloaded library_linked
7 interpose interpose_signal start helper api api_shown thread_end
'

layer_of() {
	echo "$layers" | awk -v name="$1" '{ for (i = 2; i <= NF; i++) if ($i == name) print $1 }'
}

cd "$source_dir/src/lib" || exit 1

for file in *.c *.h; do
	[ -n "$(layer_of "${file%.*}")" ] || echo "$file is in no layer of tests/checks/layers.sh"
done | rule 'each file belongs to a layer'

for file in *.h; do
	said=$(sed -n '1,10s/.*\bLayer \([0-7]\)\b.*/\1/p' "$file" | head -n 1)
	[ -z "$said" ] || [ "$said" = "$(layer_of "${file%.*}")" ] ||
		echo "$file says that it is of layer $said"
done | rule 'a header that names its layer names the right one'

for file in *.c *.h; do
	own=$(layer_of "${file%.*}")
	for header in $(sed -n 's/^#[ \t]*include[ \t]*"\(.*\)\.h".*/\1/p' "$file"); do
		other=$(layer_of "$header")
		[ "${other:-0}" -le "${own:-0}" ] ||
			echo "$file (layer $own) includes $header.h (layer $other)"
	done
done | rule 'no file includes one of a higher layer'

finish
