#!/usr/bin/env bash
# Every route of every program x {anonymous, forged token, member, other member, administrator}: the
# row's guard decides. Then what belongs to one member is not there for another.
. "$(dirname "$0")/lib.sh"
start_instance

token=$(sign_in "$ADMIN_EMAIL" "$ADMIN_PASSWORD")
admin=$token
member owner@example.com
owner=$token
member other@example.com
other=$token
token=$owner
request POST /concert/802/queue
is "$(json .status)" ADMITTED "the owner is admitted"
request POST /reservation '{"concertId":802,"seatId":665}'
is "$status" 201 "and holds a seat"
reservation=$(json .id)
request POST /payment "{\"reservationId\":$reservation,\"isSuccess\":true}"
is "$status" 201 "and pays it"
payment=$(json .id)
request POST /concert/802/queue # paying ended the turn
request POST /reservation '{"concertId":802,"seatId":666}'
held=$(json .id)

# An id that exists is in the paths of those who must be refused; for those who may pass it doesn't
# exist, so that nothing happens to the data.
real_path() {
	case $1 in
	/concert/*) printf '%s' "${1/\{id\}/802}" ;;
	/seat/*) printf '%s' "${1/\{id\}/665}" ;;
	/reservation/*) printf '%s' "${1/\{id\}/$reservation}" ;;
	/payment/*) printf '%s' "${1/\{id\}/$payment}" ;;
	*) printf '%s' "${1//\{id\}/1}" ;;
	esac
}
strange_path() { printf '%s' "${1//\{id\}/9007199254740991}"; }

forged=${owner%?????}AAAAA
# try WHO TOKEN METHOD PATH: sets status
try() {
	local data=
	token=$2
	case $3 in POST | PATCH | PUT) data='{}' ;; esac
	request "$3" "$4" "$data"
}
for program in "$BUILD_DIR"/fcgi/cm-*; do
	case $program in *.o | */cm-pool) continue ;; esac
	"$program" --routes
done | grep -v -e '^GET /metrics ' -e '^GET /auth/check ' | sort -u >"$TEST_DIR/routes"
while read -r method pattern guards; do
	row="$method $pattern"
	path=$(real_path "$pattern") strange=$(strange_path "$pattern")
	case $guards in
	public*)
		try anonymous '' "$method" "$strange"
		case $row in
		'POST /auth/refresh' | 'POST /auth/signin') is "$status" 400 "$row is public" ;;
		*) unlike "$status" '^(401|403)$' "$row is public" ;;
		esac
		continue
		;;
	optional*)
		try forged "$forged" "$method" "$path"
		is "$status $(json .code)" "401 token-invalid" "$row: a token that is there must be good"
		continue
		;;
	esac
	try anonymous '' "$method" "$path"
	is "$status $(json .code)" "401 token-required" "$row: not for anyone"
	try forged "$forged" "$method" "$path"
	is "$status $(json .code)" "401 token-invalid" "$row: not with a forged token"
	case ,$guards, in
	*,admin,*)
		try owner "$owner" "$method" "$path"
		is "$status $(json .code)" "403 admin-required" "$row: not for a member"
		try other "$other" "$method" "$path"
		is "$status $(json .code)" "403 admin-required" "$row: not for another"
		;;
	*)
		[ "$row" != 'DELETE /member/me' ] || continue
		try owner "$owner" "$method" "$strange"
		unlike "$status" '^(401|403|500|503)$' "$row: for a member"
		;;
	esac
	try admin "$admin" "$method" "$strange"
	unlike "$status" '^(401|403|500|503)$' "$row: for an administrator"
done <"$TEST_DIR/routes"

# --- owner checks ----------------------------------------------------------------------------------
for token in "$other" "$admin"; do
	request GET "/reservation/$reservation"
	problem 404 reservation-not-found "another's reservation is not there"
	request DELETE "/reservation/$held"
	problem 404 reservation-not-found "and can't be cancelled"
	request GET "/payment/$payment"
	problem 404 payment-not-found "another's payment is not there"
	request POST /payment "{\"reservationId\":$held,\"isSuccess\":true}"
	problem 404 reservation-not-found "another's reservation can't be paid"
	request GET /reservation
	is "$(json '.content | length')" 0 "and is in no other list"
done
token=$owner
request GET "/reservation/$held"
is "$(json .status)" PENDING "nothing happened to it"
request GET '/reservation'
is "$(json '[.content[].id] | sort | join(",")')" "$reservation,$held" "the owner sees both"

# What a client sends can't set what it may not.
request PATCH /member/me '{"name":"Owner","role":"ROLE_ADMIN","roleType":"ROLE_ADMIN","id":1}'
is "$(json .roleType)" ROLE_USER "nobody promotes himself"
request POST /concert/803/queue
request POST /reservation '{"concertId":803,"seatId":1001,"price":1,"amount":1,"status":"PAID","memberId":1}'
is "$status $(json .status)" "201 PENDING" "price, status and owner in a body are ignored"
is "$(json .amount)" "$(sql "select sum(price) from cm.reservation_seat where reservation_id = $(json .id)")" "the price is the seat's"
is "$(sql "select member_id from cm.reservation where id = $(json .id)")" \
	"$(sql "select id from cm.member where email_key = 'owner@example.com'")" "the owner is who signed in"

# A token outlives neither its member's role in the data nor a wrong signature; an old one is refused.
old=$(printf '%s' "$owner" | cut -d. -f1,2)
token=$old.
request GET /member/me
problem 401 token-invalid "no signature"
done_testing
