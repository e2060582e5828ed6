#!/usr/bin/env bash
# scripts/check says by its exit status what its last line says: in a copy of the source, with tests of
# one line each.
. "$(dirname "$0")/lib.sh"
unset CI CM_BUILD_DIR CM_CLUSTER_TEMPLATE
copy_source "$TEST_DIR/source"
printf '#!/bin/sh\necho "ok 1 - fine"\necho 1..1\n' >"$TEST_DIR/source/t/t0001-fine.sh"
printf '#!/bin/sh\necho "ok 1 - fine"\necho "not ok 2 - wrong"\necho 1..2\n' >"$TEST_DIR/source/t/t0002-wrong.sh"
chmod +x "$TEST_DIR/source/t/"t000*.sh
# check PATTERN EXPECTED NAME: its exit status and its last line
check() {
	local result said
	"$TEST_DIR/source/scripts/check" --api --only "$1" >"$TEST_DIR/check.log" 2>&1
	result=$?
	said=$(tail -1 "$TEST_DIR/check.log")
	[ "$result $said" = "$2" ] || diag "$(tail -20 "$TEST_DIR/check.log")"
	is "$result $said" "$2" "$3"
}
check 't0001*' "0 1 passed, 0 failed" "all pass: 0"
check 't000[12]*' "1 2 passed, 1 failed" "one fails: not 0"
check 'no-such-test' "1 0 passed, 0 failed" "nothing was tested: not 0"
done_testing
