#!/usr/bin/env bash
# Turns over HTTP: a hold lets one last as long as the hold, never past its longest; payment, leaving and a hold that
# ran out end it, and the slot goes on in that very step: nobody looks at the queue in between.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip_all "python3 signs the members' tokens"
start_instance
sign_tokens
patch() { # JSON
	as 1 ROLE_ADMIN
	request PATCH /concert/802/queue "$1"
	[ "$status" = 200 ] || bail "PATCH $1: $status $body"
	epoch=$(json .epoch)
}
sql "insert into cm.member (id, name, email, email_key, password_hash)
	select n, 'm', 'm' || n || '@example.com', 'm' || n || '@example.com', 'x' from generate_series(431, 449) n" >/dev/null
holds_last() { sql "update cm.concert set hold_seconds = $1 where id = 802" >/dev/null; }
# expire MEMBER: the end of the last hold is now
expire() {
	sql "update cm.reservation set expires_at = now()
		where id = (select max(id) from cm.reservation where member_id = $1 and status = 'PENDING')" >/dev/null
}
state() { json .status; }
join() { # MEMBER
	as "$1"
	request POST /concert/802/queue
}
ask() { # MEMBER
	as "$1"
	request GET /concert/802/queue/status
}
hold() { # MEMBER
	as "$1"
	request POST /reservation "{\"concertId\":802,\"seatId\":$(sql "select max(id) from cm.seat
		where concert_id = 802 and state = 'AVAILABLE'")}"
}
at() { date -d "$1" +%s; }
# inside, called: as Redis has it; asking there moves nothing
inside() { redis zscore "cq:{802}:e$epoch:l" "$1"; }
called() { [ "$(redis zcard "cq:{802}:e$epoch:c")" = 1 ]; }

# --- how long ---------------------------------------------------------------------------------------------
patch '{"leaseSeconds":30,"maximumLeaseSeconds":300}'
holds_last 100
join 431
first=$(at "$(json .passExpiresAt)")
ask 431
is "$(at "$(json .passExpiresAt)")" "$first" "asking does not let a turn last longer"
hold 431
until=$(at "$(json .expiresAt)")
longer() { ask 431 && [ "$(at "$(json .passExpiresAt)")" -gt "$first" ]; }
await longer
is "$(at "$(json .passExpiresAt)")" "$until" "a hold does: as long as the hold"
join 432
first=$(at "$(json .passExpiresAt)")
holds_last 600
hold 432
is "$status" 201 "a hold that lasts longer than any turn"
longest() { ask 432 && [ "$(at "$(json .passExpiresAt)")" -gt "$first" ]; }
await longest
cmp_ok "$(at "$(json .passExpiresAt)")" -le $((first + 270)) "lets it last to its longest, from when it began"
cmp_ok "$(at "$(json .passExpiresAt)")" -ge $((first + 269)) "but not less"
hold 432
ask 432
cmp_ok "$(at "$(json .passExpiresAt)")" -le $((first + 270)) "also with a second hold"

# --- what ends it; the next one is called at once --------------------------------------------------------------
patch '{"reset":true,"capacity":1,"ratePerSecond":100,"leaseSeconds":180,"maximumLeaseSeconds":900}'
join 433
is "$(state)" ADMITTED "one inside"
for member in 434 435 436 437; do join "$member"; done
is "$(state) $(json .position)" "WAITING 4" "four wait"
is "$(redis zcard "cq:{802}:e$epoch:c")" 0 "nobody is called"
as 433
request DELETE /concert/802/queue
is "$status $(redis zrange "cq:{802}:e$epoch:c" 0 -1)" "204 1" "leaving: when the answer is here the next is called"
ask 434
is "$(state)" ADMITTED "and comes"
hold 434
request POST /payment "{\"reservationId\":$(json .id),\"isSuccess\":true}"
is "$status" 201 "who is inside pays"
await called
is "$(redis zrange "cq:{802}:e$epoch:c" 0 -1) $(inside 434)" "2 " "payment: the next is called, the turn is over"
ask 434
is "$(state)" NOT_IN_QUEUE "the buyer has left the queue"
hold 434
problem 403 queue-pass-required "and holds nothing more"
ask 435
is "$(state)" ADMITTED "the next one comes"
hold 435
is "$status" 201 "and holds seats, but doesn't pay"
cmp_ok "$(inside 435)" -gt "$(date -d '1 minute' +%s%3N)" "the turn would last on"
expire 435
await called
is "$(redis zrange "cq:{802}:e$epoch:c" 0 -1) $(inside 435)" "3 " "the hold runs out: the next is called, the turn is over"
ask 435
is "$(state)" EXPIRED "who let it run out is told so"
hold 435
problem 403 queue-pass-expired "and holds nothing more"
join 435
is "$(state) $(json .ticketNumber)" "WAITING 5" "joining again is at the back"

# --- what doesn't end it --------------------------------------------------------------------------------------
ask 436
is "$(state)" ADMITTED "the next one comes"
hold 436
hold 436
is "$status" 201 "with two holds"
expire 436
told() { # TOPIC MEMBER COUNT
	[ "$(sql "select count(*) from cm.reservation r join cm.outbox o on o.topic = '$1' and o.key = r.id::text
		join cm.delivery d on d.event_id = o.id and d.consumer_group = 'cache' and d.done_at is not null
		where r.member_id = $2")" -ge "$3" ]
}
await told reservation.expired 436 1
ask 436
is "$(state)" ADMITTED "when one runs out the turn stays for the other"
as 436
request DELETE /concert/802/queue
ask 437
is "$(state)" ADMITTED "the last of the four comes"
hold 437
request DELETE /concert/802/queue
ask 435
is "$(state)" ADMITTED "the one at the back comes"
request DELETE /concert/802/queue
join 437
is "$(state)" ADMITTED "who left holding seats has come again"
expire 437
await told reservation.expired 437 1
ask 437
is "$(state)" ADMITTED "the old hold that runs out doesn't end the new turn"
as 437
request DELETE /concert/802/queue
join 448
hold 448
held=$(json .id)
request DELETE /concert/802/queue
join 448
is "$(state)" ADMITTED "another who left holding seats has come again"
request POST /payment "{\"reservationId\":$held,\"isSuccess\":true}"
is "$status" 201 "pays for them"
await told payment.completed 448 1
ask 448
is "$(state)" ADMITTED "and keeps the new turn too"
request DELETE /concert/802/queue

# --- seats given back: the turn is as long as without them ------------------------------------------------------
patch '{"reset":true,"capacity":5,"leaseSeconds":120,"maximumLeaseSeconds":300}'
holds_last 600
for member in 446 447; do
	join "$member"
	first=$(inside "$member")
	hold "$member"
	cmp_ok "$(inside "$member")" -gt "$first" "a hold makes the turn longer"
	if [ "$member" = 446 ]; then
		request DELETE "/reservation/$(json .id)"
		is "$status" 200 "the member gives the seats back"
	else
		request POST /payment "{\"reservationId\":$(json .id),\"isSuccess\":false}"
		is "$status" 402 "the payment is declined"
	fi
	shortened() { [ "$(inside "$member")" = "$first" ]; }
	await shortened
	ask "$member"
	is "$(state) $(redis sismember "cq:{802}:e$epoch:o" "$member")" "ADMITTED 0" "it ends as if there had been no hold, and looks for seats again"
done
done_testing
