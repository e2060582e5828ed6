#!/usr/bin/env bash
# 200 clients on one seat at the same moment: exactly one gets it, with Redis and without.
. "$(dirname "$0")/lib.sh"
start_instance
clients=200

# Members and tokens are made in the database and by signing in; argon2 is not what is tested.
member base@example.com
sql "insert into cm.member (email, email_key, name, password_hash)
	select 'm' || n || '@example.com', 'm' || n || '@example.com', 'm',
		(select password_hash from cm.member where email = 'base@example.com')
	from generate_series(1, $clients) n" >/dev/null
seq "$clients" | xargs -P 4 -I _n_ sh -c "curl -s -H 'Content-Type: application/json' '$BASE_URL/auth/signin' \
	-d '{\"email\":\"m_n_@example.com\",\"password\":\"secret-base@example.com\"}' | jq -r .accessToken >'$TEST_DIR/token-_n_'"
is "$(cat "$TEST_DIR"/token-* | grep -c '^ey')" "$clients" "$clients members signed in"
seq "$clients" | xargs -P 8 -I _n_ sh -c "curl -s -o /dev/null -w '%{http_code}\n' -X POST \
	-H \"Authorization: Bearer \$(cat '$TEST_DIR/token-_n_')\" '$BASE_URL/concert/802/queue'" >"$TEST_DIR/joins"
is "$(sort -u "$TEST_DIR/joins")" 201 "all joined"
# Everybody asks until it is his turn, as a client does, and keeps the pass for when Redis is away.
cat >"$TEST_DIR/ask" <<'END'
#!/bin/sh
[ -s "$1/pass-$2" ] || curl -s -H "Authorization: Bearer $(cat "$1/token-$2")" \
	"$3/concert/802/queue/status" | jq -r '.pass // empty' >"$1/pass-$2"
END
chmod +x "$TEST_DIR/ask"
admitted() {
	seq "$clients" | xargs -P 8 -I _n_ "$TEST_DIR/ask" "$TEST_DIR" _n_ "$BASE_URL"
	[ "$(cat "$TEST_DIR"/pass-* | grep -c '^ey')" = "$clients" ]
}
await admitted

# rush SEAT: all at once, one curl with a transfer each; prints status counts
rush() {
	local n
	for n in $(seq "$clients"); do
		cat <<END
next
url = "$BASE_URL/reservation"
header = "Authorization: Bearer $(cat "$TEST_DIR/token-$n")"
header = "X-Queue-Pass: $(cat "$TEST_DIR/pass-$n")"
header = "Content-Type: application/json"
data = "{\"concertId\":802,\"seatId\":$1}"
output = "$TEST_DIR/answer-$n"
write-out = "%{http_code}\n"
silent
END
	done | sed 1d >"$TEST_DIR/rush"
	curl --parallel --parallel-immediate --parallel-max "$clients" -K "$TEST_DIR/rush" 2>/dev/null |
		sort | uniq -c | awk '{printf "%s%sx%s", sep, $1, $2; sep = " "}'
}
seat() { sql "select s.id from cm.seat s where s.concert_id = 802 order by s.id limit 1 offset $1"; }
live() { sql "select count(*) from cm.reservation r join cm.reservation_seat s on s.reservation_id = r.id
	where s.seat_id = $1 and r.status in ('PENDING', 'PAID', 'CONFIRMED')"; }

got=$(rush 665)
is "$got" "1x201 $((clients - 1))x409" "one wins, the rest are told the seat is taken"
is "$(cat "$TEST_DIR"/answer-* | grep -o '"seat-taken"' | wc -l)" $((clients - 1)) "in so many words"
is "$(live 665)" 1 "one live reservation in the database"

kill -9 "$(cat "$STATE/run/redis.pid")"
gone() { ! redis ping; }
await gone
other=$(seat 40)
got=$(rush "$other")
is "$got" "1x201 $((clients - 1))x409" "without Redis: one wins, the rest are refused"
is "$(live "$other")" 1 "without Redis: one live reservation"
done_testing
