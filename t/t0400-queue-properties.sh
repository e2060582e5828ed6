#!/usr/bin/env bash
# The queue's invariants on 200 random traces of 500 steps (CM_LONG: 2,000), and that broken libraries are caught.
. "$(dirname "$0")/lib.sh"
queue=$SOURCE_DIR/t/queue
traces=100
[ -z "${CM_LONG:-}" ] || traces=1000

nice python3 "$queue/properties.py" --traces "$traces" --seed 1 >"$TEST_DIR/first" 2>&1 &
nice python3 "$queue/properties.py" --traces "$traces" --seed 100001 >"$TEST_DIR/second" 2>&1 &
for half in first second; do
	if wait -n; then :; fi
done
for half in first second; do
	case $(tail -1 "$TEST_DIR/$half") in
	"$traces traces of "*) pass "invariants hold: $(tail -1 "$TEST_DIR/$half")" ;;
	*) fail "invariants hold" "$(tail -3 "$TEST_DIR/$half")" ;;
	esac
	is "$(sed -n 's/^invariant \([0-9]*\): held [1-9].*/\1/p' "$TEST_DIR/$half" | tr '\n' ' ')" \
		"1 2 3 4 5 6 7 8 9 10 11 14 15 16 " "each of them was tried"
done

for bug in cap-off-by-one rate-ignored late-returner-last slot-not-handed-on calls-while-paused \
	lease-kept-on-release holder-forgotten late-by-number double-number notice-ignored every-other-skipped; do
	ok "a library with the bug $bug is caught" \
		python3 "$queue/properties.py" --traces 60 --mutate "$bug"
done
python3 "$queue/cases.py" >"$TEST_DIR/cases" 2>&1
while read -r result name; do
	is "$result" ok "the story $name"
done <"$TEST_DIR/cases"
ok "the invariants hold with gaps in the numbers, after losses of Redis" \
	python3 "$queue/gaps.py" --traces $((traces * 3 / 10))
diag "$(tail -1 "$TEST_DIR/ok.out")"
for bug in older-copy-believed older-place-kept gap-not-jumped gap-counts-as-people no-gap calls-in-rebuild into-the-gap ceiling-stays-behind near-is-by-number; do
	ok "a library with the bug $bug is caught" python3 "$queue/gaps.py" --traces 30 --mutate "$bug"
done
ok "tickets put a lost queue back: same numbers, same order, cap kept" python3 "$queue/restore.py" wipe
ok "a clock that is set back: nothing ends early, and a rebase takes the times along" python3 "$queue/rebase.py"
ok "kill -9 under joins loses no acknowledged one" python3 "$queue/restore.py" kill
done_testing
