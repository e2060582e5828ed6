#!/usr/bin/env bash
# The clock of our programs is an hour wrong, ahead or behind: holds, their end and payments go by the
# database's clock, so nothing ends early, nothing lives on.
. "$(dirname "$0")/lib.sh"
faketime=$(ls /usr/lib/*/faketime/libfaketime.so.1 2>/dev/null | head -1)
[ -n "$faketime" ] || skip_all "libfaketime is not installed"
case $(ldd "$BUILD_DIR/fcgi/cm-ops" 2>/dev/null) in *libasan*) skip_all "not with a sanitizer" ;; esac

# A build whose programs see another time than PostgreSQL and Redis do.
real=$BUILD_DIR
wrong_build() { # OFFSET
	local program
	BUILD_DIR=$TEST_DIR/build$1
	mkdir -p "$BUILD_DIR/fcgi" "$BUILD_DIR/daemon"
	for program in "$real"/fcgi/cm-* "$real"/daemon/cm-*; do
		case $program in *.o) continue ;; esac
		program=${program#"$real"/}
		case $program in
		*/cm-pool | */cm-admin | */cm-auth) ln -s "$real/$program" "$BUILD_DIR/$program"; continue ;;
		esac
		printf '#!/bin/sh\nexport LD_PRELOAD=%s FAKETIME=%s FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_NO_CACHE=1\nexec %s "$@"\n' \
			"$faketime" "$1" "$real/$program" >"$BUILD_DIR/$program"
		chmod 755 "$BUILD_DIR/$program"
	done
}
seconds_left() { echo $(($(date -d "$(json .expiresAt)" +%s) - $(date +%s))); }
state_is() { [ "$(sql "select status from cm.reservation where id = $1")" = "$2" ]; }

for offset in +3600 -3600; do
	wrong_build "$offset"
	# a token's life goes by the programs' own clocks: long enough here, and given out an hour ago
	CM_TOKEN_TTL_S=86400 start_instance
	sql "update cm.concert set queue_mode = 'none' where id in (802, 803, 805)" >/dev/null
	member clock@example.com
	if [ "$offset" = -3600 ]; then
		request GET /reservation
		problem 401 token-invalid "$offset: a token from the future is refused"
		keys=$(setting_of CM_TOKEN_KEYS)
		me=$(sql "select id from cm.member where email_key = 'clock@example.com'")
		token=$(CM_TOKEN_KEYS=$keys CM_TOKEN_TTL_S=86400 LD_PRELOAD=$faketime FAKETIME=-3600 "$real/t/tool/token_mint" "$me" 1)
	fi
	request POST /reservation '{"concertId":802,"seatId":665}'
	is "$status" 201 "$offset: a seat is held"
	reservation=$(json .id)
	left=$(seconds_left)
	cmp_ok "$left" -ge 500 "$offset: for ten minutes of the database's ($left s left)"
	cmp_ok "$left" -le 601 "$offset: and no more"
	# a sweep goes by: seen by a hold that really is over
	sql "update cm.concert set hold_seconds = 1 where id = 803" >/dev/null
	request POST /reservation '{"concertId":803,"seatId":1001}'
	short=$(json .id)
	await state_is "$short" EXPIRED
	is "$(sql "select count(*) from cm.reservation r join cm.reservation_audit a on a.reservation_id = r.id
		where a.to_status = 'EXPIRED' and a.at < r.expires_at")" 0 "$offset: what is over ends, not before"
	ok "$offset: what isn't stays" state_is "$reservation" PENDING
	request POST /payment "{\"reservationId\":$reservation,\"isSuccess\":true}"
	is "$status" 201 "$offset: and is paid"
	paid=$(($(date +%s) - $(date -d "$(json .paidAt)" +%s)))
	cmp_ok "${paid#-}" -le 300 "$offset: at the database's time"
	await state_is "$reservation" CONFIRMED
	request POST /reservation '{"concertId":803,"seatId":1001}'
	is "$status" 201 "$offset: the seat that came back sells again"
	is "$(sql "select count(*) from cm.outbox where abs(extract(epoch from now() - created_at)) > 600")" 0 \
		"$offset: events carry the database's time"
	down
done
done_testing
