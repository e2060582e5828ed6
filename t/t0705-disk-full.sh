#!/usr/bin/env bash
# The disk of PostgreSQL's data is full: writes are told 503, reads go on, and when there is space again
# everything that was acknowledged is there. Needs root and the right to mount.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip_all "only root can make a small disk"
volume=$TEST_DIR/volume
mkdir "$volume"
mount -t tmpfs -o size=1m tmpfs "$volume" 2>/dev/null || skip_all "mounting is not permitted here"
umount "$volume"
unmount() {
	[ ${#instances[@]} = 0 ] || down "${instances[0]}"
	umount "$volume" 2>/dev/null
	finish_test
}
trap unmount EXIT
start_instance
sql "update cm.concert set queue_mode = 'none', max_tickets_per_member = 100000 where id = 805" >/dev/null
down
# data on a disk of its own with a few MiB left; the log of changes (pg_wal) on another
data=$(readlink -f "$STATE/pg")
mv "$data/pg_wal" "$TEST_DIR/wal"
mount -t tmpfs -o "size=$(($(du -sk "$data" | cut -f1) + 12288))k" tmpfs "$volume"
cp -a "$data/." "$volume"
chmod 700 "$volume"
chown --reference="$data" "$volume"
ln -s "$TEST_DIR/wal" "$volume/pg_wal"
rm -rf "$data"
ln -s "$volume" "$data"
up || bail "PostgreSQL does not start on the small disk: $(tail -5 "$TEST_DIR/up.log")"
member disk@example.com
request POST /reservation '{"concertId":805,"seatId":2001}'
is "$status" 201 "with space left a seat is held"

dd if=/dev/zero of="$volume/filler" bs=64k 2>/dev/null
is "$(df --output=avail "$volume" | tail -1 | tr -d ' ')" 0 "the disk is full"
seat=2001
: >"$TEST_DIR/answers"
# pages that are there already have some room; then there is none
refused() {
	for _ in $(seq 50); do
		seat=$((seat + 1))
		[ "$seat" -le 3900 ] || bail "it never got full"
		request POST /reservation "{\"concertId\":805,\"seatId\":$seat}"
		printf '%s %s\n' "$status" "$(json .id)" >>"$TEST_DIR/answers"
		[ "$status" != 503 ] || return 0
	done
	return 1
}
await refused
problem 503 database-busy "full: a write is refused"
like "$(header Retry-After)" '^[1-9][0-9]*$' "with Retry-After"
is "$(grep -cv -e '^201' -e '^503' "$TEST_DIR/answers")" 0 "nobody got anything else ($(grep -c ^201 "$TEST_DIR/answers") found room)"
for path in /reservation /seat/2001 /concert/805 /member/me; do
	request GET "$path"
	is "$status" 200 "full: GET $path is answered"
done
ok "PostgreSQL lives on" psql -X -d "$DATABASE_URL" -c 'select 1'
rm "$volume/filler"
sells() { seat=$((seat + 1)); request POST /reservation "{\"concertId\":805,\"seatId\":$seat}"; [ "$status" = 201 ]; }
await sells
pass "with space again it goes on by itself"
is "$(sql "select count(*) from cm.reservation where id in ($(sed -n 's/^201 //p' "$TEST_DIR/answers" | tr '\n' ',')0)")" \
	"$(grep -c '^201' "$TEST_DIR/answers")" "every hold that was acknowledged is there"
ok "the invariants hold" "$SOURCE_DIR/t/verify" "$DATABASE_URL"
sql 'checkpoint' >/dev/null
kill -QUIT "$(cat "$STATE/run/pg.pid")"
await database_is_gone
ok "and after a crash" up
ok "the invariants still hold" "$SOURCE_DIR/t/verify" "$DATABASE_URL"
done_testing
