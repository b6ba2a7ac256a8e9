#!/bin/sh
# scripts/count-cases sees what went wrong: tried on a build directory made up here.
. "$LIBWEIR_SRCDIR/tests/checks/check.sh"

fake=$scratch/build

# fake_build TEST...: a build directory whose tests are these.
fake_build() {
	rm -rf "$fake"
	mkdir "$fake"
	printf 'list-tests:\n\t@echo %s\n' "$*" >"$fake/Makefile"
}

# result TEST WORD: what the test driver wrote about it.
result() {
	echo ":test-result: $2 $1" >"$fake/$1.trs"
}

# cases TEST OBJECT...: what GoogleTest wrote about its cases.
cases() {
	name=$1
	shift
	printf '{ "testsuites": [{ "testsuite": [%s] }] }' "$*" >"$fake/$name.json"
}

ran='{ "status": "RUN", "result": "COMPLETED" }'
failed='{ "status": "RUN", "result": "COMPLETED", "failures": [{}] }'
skipped='{ "status": "RUN", "result": "SKIPPED" }'
disabled='{ "status": "NOTRUN", "result": "SUPPRESSED" }'

# counts LINE STATUS [CI]: what is wrong where count-cases does not end so.
counts() {
	line=$(CI=${3:-} "$source_dir/scripts/count-cases" "$fake" 2>/dev/null)
	status=$?
	[ "$line, $status" = "$1, $2" ] || echo "'$line' and status $status, not '$1' and $2"
}

fake_build one two check.sh
result one PASS && cases one "$ran, $ran"
result two PASS && cases two "$ran"
result check PASS && printf 'ok: a\nok: b\n' >"$fake/check.log"
counts '5 passed, 0 failed, 0 skipped' 0 | rule 'cases of GoogleTest programs and of checks are counted'

cases two "$ran, $failed" && result two FAIL
counts '5 passed, 1 failed, 0 skipped' 1 | rule 'a case that fails is counted'

result check FAIL && printf 'ok: a\nFAILED: b\n    why\n' >"$fake/check.log"
counts '4 passed, 2 failed, 0 skipped' 1 | rule 'a rule that is broken is counted'

fake_build one
result one PASS && cases one "$ran, $skipped, $disabled"
counts '1 passed, 0 failed, 2 skipped' 0 | rule 'skipped and disabled cases are counted'
counts '1 passed, 0 failed, 2 skipped' 1 true | rule 'a skipped case fails with CI=true'

result one FAIL && cases one "$ran"
counts '1 passed, 1 failed, 0 skipped' 1 | rule 'a program that fails without a failing case counts as failed'

rm "$fake/one.json"
printf '[ RUN      ] A.B\n[       OK ] A.B (1 ms)\n[ RUN      ] A.C\n' >"$fake/one.log"
counts '1 passed, 1 failed, 0 skipped' 1 | rule 'a program that crashes counts as failed'

rm "$fake"/one.*
counts '0 passed, 1 failed, 0 skipped' 1 | rule 'a test that did not run counts as failed'

fake_build one
result one PASS && cases one ''
counts '0 passed, 1 failed, 0 skipped' 1 | rule 'a program without a case counts as failed'

fake_build ''
counts '0 passed, 0 failed, 0 skipped' 1 | rule 'no test at all fails'

finish
