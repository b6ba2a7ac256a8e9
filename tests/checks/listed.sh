#!/bin/sh
# A file that Makefile.am does not list is not built, not run or not shipped.
. "$LIBWEIR_SRCDIR/tests/checks/check.sh"

cd "$source_dir" || exit 1

# unlisted FILE...: those whose name, or name without .cc, is no word of Makefile.am.
unlisted() {
	for file in "$@"; do
		[ -e "$file" ] || echo "$file does not exist"
		tr -s ' \t\\' '\n' <Makefile.am | grep -q -x -F -e "$file" -e "${file%.cc}" || echo "$file"
	done
}

unlisted src/lib/*.[ch] include/* | rule 'Makefile.am lists every file of the library'
unlisted examples/*.* examples/*/* man/* |
	rule 'Makefile.am lists every example and every manual page'
unlisted src/cli/*.[ch] | rule 'Makefile.am lists every file of the command'
unlisted tests/unit/*_test.cc tests/stress/*.cc tests/e2e/*_test.cc tests/checks/[!c]*.sh tests/checks/c[!h]*.sh |
	rule 'Makefile.am lists every test'
unlisted debian/*.* debian/[cr]* debian/source/* | rule 'Makefile.am lists every file of the Debian packages'
unlisted tests/tutorial/* docs/*.md docs/*/*.md |
	rule 'Makefile.am lists every document, and what runs them'
unlisted tests/fuzz/* tests/fuzz/seeded/* | grep -v -x tests/fuzz/seeded |
	rule 'Makefile.am lists every fuzzer, and every bug for one'
unlisted tests/harness/*.[ch]* tests/victims/*.[ch] tests/victims/*.cc tests/tools/*.c bench/*.[ch] bench/workloads/*.c |
	rule "Makefile.am lists every file of the tests' and benchmark's programs"

finish
