#!/usr/bin/env bash
# The consumer group that corrects the seat-state cache when a worker died before it told it.
. "$(dirname "$0")/lib.sh"
start_instance

letter() { redis getrange 'seats:{802}' "$1" "$1"; }
is_letter() { [ "$(letter "$1")" = "$2" ]; }
tell() { # TOPIC PAYLOAD
	sql "insert into cm.outbox (topic, key, payload) values ('$1', '1', '$2')" >/dev/null
}

sql "update cm.concert set queue_mode = 'none' where id = 802" >/dev/null
member cached@example.com
request POST /reservation '{"concertId":802,"seatId":665}'
is "$status" 201 "a seat is held"
position=$(sql "select position from cm.seat where id = 665")
request GET /concert/802/seat/status
is "$(json ".states[$position:$((position + 1))]")" H "readers see it"

# The comparison that readers cause is put off, so that only the consumer can correct anything.
redis set 'seats:{802}:c' 1 >/dev/null
redis setrange 'seats:{802}' "$position" A >/dev/null
tell reservation.expired '{"reservationId":1,"memberId":1,"concertId":802}'
ok "the seats of an event's reservation are corrected" await is_letter "$position" H

redis setrange 'seats:{802}' "$position" S >/dev/null
redis setrange 'seats:{802}' 0 S >/dev/null
tell concert.changed '{"concertId":802}'
ok "an event of the concert has all its seats compared" await is_letter "$position" H
is "$(letter 0)" A "every wrong one is corrected"

redis del 'seats:{802}' >/dev/null
tell concert.changed '{"concertId":802}'
tell reservation.expired '{"reservationId":1,"memberId":1,"concertId":802}'
all_done() { [ "$(sql "select count(*) from cm.delivery where consumer_group = 'cache' and done_at is null")" = 0 ] &&
	[ "$(sql "select count(*) from cm.outbox where published_at is null")" = 0 ]; }
ok "without a cache the events are done" await all_done
is "$(redis exists 'seats:{802}')" 0 "and none is made of single seats"
done_testing
