#!/bin/sh
# What `make dist` ships makes Debian packages that have what they should, in which lintian finds
# nothing, that are the same bytes wherever they are built (LIBWEIR_BUILD_TWICE=1), and whose bill of
# materials is true.
. "$LIBWEIR_SRCDIR/tests/checks/check.sh"

cd "$source_dir" || exit 1

# log NAME COMMAND...: the end of what it printed, where it failed.
log() {
	name=$1
	shift
	"$@" >"$scratch/$name.log" 2>&1 || tail -n 40 "$scratch/$name.log"
}

# Not beside another make dist: that is in a directory of the build's.
log dist env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$build_dir" dist |
	rule 'make dist makes a tarball'
tarball=$(echo "$build_dir"/weir-*.tar.xz)

if [ -e .git ]; then
	git ls-files | grep -v -x .gitignore | LC_ALL=C sort >"$scratch/kept"
	tar -tf "$tarball" | sed -n 's|^[^/]*/\(.*[^/]\)$|\1|p' | LC_ALL=C sort |
		comm -23 "$scratch/kept" - | rule 'and it has every file that git keeps'
fi

first=$scratch/first
export DEB_BUILD_OPTIONS=nocheck
log first scripts/build-packages "$tarball" "$first" | rule 'packages are built from it'
ls "$first"/*.changes >/dev/null 2>&1 || finish

# A minute more: in another directory, language and time zone, with another umask.
if [ -n "${LIBWEIR_BUILD_TWICE:-}" ]; then
	second=$scratch/second/of/another/length
	(umask 027 && log second env TZ=Asia/Tokyo LC_ALL=C.UTF-8 scripts/build-packages "$tarball" "$second") |
		rule 'and once more, elsewhere'
	for file in "$first"/*.deb "$first"/*.dsc "$first"/*.tar.xz; do
		cmp "$file" "$second/${file##*/}" 2>&1
	done | rule 'two builds are the same bytes'
fi

log lintian scripts/lint --tool lintian "$first"/*.changes | rule 'lintian finds nothing'

[ "$(dpkg-parsechangelog -S Version)" = "$("$build_dir/weir" --version | sed 's/.* //')" ] ||
	dpkg-parsechangelog | rule 'the packages have the version of the program'

# has PACKAGE PATH...: which of these (patterns of the shell) it lacks.
has() {
	package=$1
	shift
	dpkg-deb --extract "$first/${package}"_*.deb "$scratch/$package" || echo "no $package"
	for path; do
		# shellcheck disable=SC2086 # a pattern
		ls -d "$scratch/$package"/$path >/dev/null 2>&1 || echo "$package: $path"
	done
}

{
	has libweir0 'usr/lib/*-linux-*/libweir.so.0' 'usr/lib/*-linux-*/libweirpool.so.0'
	has weir usr/bin/weir usr/libexec/weir/weir usr/share/man/man1/weir.1.gz \
		usr/share/bash-completion/completions/weir 'usr/share/doc/weir/README.md*' \
		'usr/share/doc/weir/containers.md*' usr/share/doc/weir/examples/systemd/weir.conf
	has libweir-dev usr/include/weir.h usr/include/weir.hpp usr/include/weir_preloaded.h \
		'usr/lib/*-linux-*/pkgconfig/weirpool.pc' 'usr/lib/*-linux-*/libweirpool.so' \
		usr/share/man/man3/weir_lease.3.gz usr/share/doc/libweir-dev/examples/pool-buffers.c
} | rule 'each package has what it is for'

tests/checks/glibc.sh "$scratch"/libweir0/usr/lib/*/*.so.0 | grep -v '^ok: ' |
	rule 'the packaged libraries need no newer glibc'

# The bill of materials, against the packages themselves.
bill=$scratch/bill.json
{ scripts/sbom "$first" 2>&1 >"$bill" || echo 'scripts/sbom failed'; } | rule 'there is a bill of materials'
jq -r '
	def known: [.SPDXID, (.packages, .files | .[].SPDXID)];
	def text($names): . as $it | $names[] | select($it[.] | type != "string" or . == "")
		| "\($it.SPDXID): no \(.)";
	text(["spdxVersion", "dataLicense", "name", "documentNamespace"]),
	(.creationInfo | select(.created | test("^[0-9-]{10}T[0-9:]{8}Z$") | not) | "created: \(.)"),
	(.packages[] | text(["name", "versionInfo", "downloadLocation", "licenseConcluded",
		"licenseDeclared", "copyrightText"])),
	(.files[] | text(["fileName", "licenseConcluded", "copyrightText"]),
		(select([.checksums[].algorithm] | index("SHA1") | not) | "\(.SPDXID): no SHA1")),
	(known | group_by(.)[] | select(length > 1) | "\(.[0]): \(length) times"),
	(known[] | select(test("^SPDXRef-[A-Za-z0-9.-]+$") | not)),
	(known as $known | .relationships[] | .spdxElementId, .relatedSpdxElement
		| select(. as $id | $known | index($id) | not) | "\(.): is nothing")
' "$bill" | rule 'its fields are those of SPDX 2.3, and what is related exists'

for deb in "$first"/*.deb; do
	name=$(dpkg-deb --field "$deb" Package)
	rm -rf "$scratch/unpacked"
	dpkg-deb --extract "$deb" "$scratch/unpacked"
	of_package=".packages[] | select(.name == \"$name\")"
	difference "$(sha256sum <"$deb" | cut -d ' ' -f 1)" \
		"$(jq -r "$of_package | .checksums[0].checksumValue" "$bill")"
	difference "$(cd "$scratch/unpacked" && find . -type f -exec sha1sum {} + | cut -d ' ' -f 1 |
		LC_ALL=C sort | tr -d '\n' | sha1sum | cut -d ' ' -f 1)" \
		"$(jq -r "$of_package | .packageVerificationCode[]" "$bill")"
	difference "$(dpkg-deb --field "$deb" Version)" "$(jq -r "$of_package | .versionInfo" "$bill")"
done | rule 'it has the packages that there are, and their files'

jq -r '.relationships[] | "\(.spdxElementId) \(.relationshipType) \(.relatedSpdxElement)"' \
	"$bill" >"$scratch/related"
for link in usr-bin-weir:DYNAMIC_LINK:libc6 usr-libexec-weir-weir:STATIC_LINK:glibc-source; do
	grep -q -e "$(echo "-$link$" | sed 's/:/ /;s/:/ SPDXRef-Package-/')" "$scratch/related" ||
		echo "$link"
done | rule 'and what programs are linked with'

finish
