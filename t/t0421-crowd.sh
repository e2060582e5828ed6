#!/usr/bin/env bash
# scripts/crowd: those who come as told are never passed over, and what reaches the workers doesn't grow
# with the queue.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip_all "python3 plays the crowd"
waiting=(5000 40000)
[ -z "${CM_LONG:-}" ] || waiting=(10000 100000 400000)
nice "$SOURCE_DIR/scripts/crowd" --waiting "${waiting[@]}" --seconds 60 >"$TEST_DIR/out"
is $? 0 "nobody who was there was passed over"
read -r -a private < <(awk 'NR > 1 { printf "%d ", $2 }' "$TEST_DIR/out")
is "${#private[@]}" "${#waiting[@]}" "a line each"
for ((i = 1; i < ${#private[@]}; i++)); do
	cmp_ok $((private[i] * 100)) -le $((private[0] * 110)) \
		"${waiting[i]} waiting: ${private[i]} private requests a second, as with ${waiting[0]} (${private[0]})"
done
is "$(awk 'NR > 1 && $4 < 45' "$TEST_DIR/out" | wc -l)" 0 "admitted at the rate of 50 a second, but for the start"
done_testing
