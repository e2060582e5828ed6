#!/usr/bin/env bash
# E-mail through a real server, Debian's Exim with STARTTLS and sign-in: each kind in both languages, what a
# title can't do, who gets none, and everything a mail server does wrong. Sales and notices go on meanwhile.
. "$(dirname "$0")/lib.sh"
[ -x /usr/sbin/exim4 ] || skip_all "needs Debian's exim4-daemon-light"
command -v setpriv >/dev/null || skip_all "needs setpriv"
use_points

# --- a mail server ----------------------------------------------------------------------------------------------
server=$TEST_DIR/exim
mkdir "$server"
printf 'correct-mail-password' >"$server/password"
# certificate NAME HOST: a key and what a server of that name shows
certificate() {
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$2" -addext "subjectAltName=DNS:$2" \
		-keyout "$TEST_DIR/$1.key" -out "$TEST_DIR/$1.crt" 2>/dev/null
	cat "$TEST_DIR/$1.crt" "$TEST_DIR/$1.key" >"$TEST_DIR/$1.pem"
}
certificate good localhost
certificate stranger localhost
certificate misnamed mail.example.net
show() { cat "$TEST_DIR/$1.pem" >"$server/certificate.pem"; }
show good
chmod 644 "$server"/*
port=
# Tries ports until it listens on one; keeps that.
start_mail() {
	local wanted
	while :; do
		wanted=${port:-$((10000 + RANDOM % 20000))}
		(exec 3<>"/dev/tcp/127.0.0.1/$wanted") 2>/dev/null && [ -z "$port" ] && continue
		setsid "$SOURCE_DIR/t/tool/mail-server" "$server" "$wanted" 2>>"$TEST_DIR/exim.log" &
		mail_pid=$!
		until (exec 3<>"/dev/tcp/127.0.0.1/$wanted") 2>/dev/null; do
			kill -0 "$mail_pid" 2>/dev/null || continue 2
			sleep 0.05
		done
		port=$wanted
		return
	done
}
# Exim's children sleep on in a delay: the whole session ends.
stop_mail() {
	[ -n "${mail_pid:-}" ] || return 0
	kill -- "-$mail_pid" 2>/dev/null
	wait "$mail_pid" 2>/dev/null
	mail_pid=
}
trap 'result=$?; stop_mail; (exit "$result"); finish_test' EXIT
# What the server says changes with a new connection, and the mailer keeps its own: the server starts again.
say() { touch "$server/say/$1"; stop_mail; start_mail; }
say_no_more() { rm -f "$server"/say/*; stop_mail; start_mail; }

# mails FILTER: of those that arrived, by jq; got COUNT FILTER
mails() { "$SOURCE_DIR/t/tool/mailbox" "$server/mail" | jq -rs "map(select($1)) | ${2:-length}"; }
got() {
	body=$(mails true; state_of "email_status <> 'SENT' order by id desc") # for whoever waits in vain
	[ "$(mails "$2")" = "$1" ]
}
state_of() { sql "select email_status || ' ' || email_attempts || ' ' || coalesce(email_last_error, '') from cm.notification where $1"; }
state_like() { [[ $(state_of "$1") =~ $2 ]]; }
nothing_waits() { [ "$(sql "select count(*) from cm.notification where email_status = 'PENDING'")" = 0 ]; }
# as if the wait (or the lease of somebody who died) were over
due() { sql "update cm.notification set email_next_at = now() where email_status = 'PENDING'" >/dev/null; }
due_like() { state_like "$1" "$2" || { due; false; }; }
marked() { log_lines=$(wc -l <"$TEST_DIR/exim.log"); }
since() { tail -n "+$((log_lines + 1))" "$TEST_DIR/exim.log"; }

# --- what is sent -----------------------------------------------------------------------------------------------
start_mail
stop_mail # the port is ours, and nobody answers there
export CM_SMTP_URL=smtp://localhost:$port CM_SMTP_CA_FILE=$TEST_DIR/good.crt CM_SMTP_USER=tickets CM_SMTP_TIMEOUT_MS=2000 \
	CM_SMTP_PASSWORD=correct-mail-password CM_SMTP_FROM=tickets@shop.example.com CM_SMTP_NAME='한강 티켓' CM_SITE_URL=https://shop.example.com
start_instance
unset "${!CM_SMTP@}"
seat=664
hold() { seat=$((seat + 1)); sql "select reservation_id from cm.reservation_hold($1, ${2:-802}, array[$(seat_of "${2:-802}")]::bigint[], null, null, null, null, null)"; }
seat_of() { sql "select id from cm.seat where concert_id = $1 and state = 'AVAILABLE' order by position limit 1"; }
pay() { request POST /payment "{\"reservationId\":$1,\"isSuccess\":${2:-true}}"; }
status_is() { [ "$(sql "select status from cm.reservation where id = $1")" = "$2" ]; }
# someone NAME LANGUAGE: a member, whose id is in $id and whose token is set
someone() {
	member "$1@example.com"
	id=$(sql "select id from cm.member where email_key = '$1@example.com'")
	request PATCH /notification/settings "{\"language\":\"$2\"}"
	tokens[$id]=$token
}
declare -A tokens
sql "update cm.concert set max_tickets_per_member = 1000 where id in (802, 803)" >/dev/null
someone mina ko; mina=$id
someone john en; john=$id

# the server is away
token=${tokens[$mina]}
paid=$(hold "$mina")
pay "$paid"
is "$status" 201 "without a mail server sales go on"
await status_is "$paid" CONFIRMED
noticed() { request GET /notification && [ "$(json ".content[] | select(.reservationId == $1) | .kind")" = "$2" ]; }
await noticed "$paid" confirmed
pass "the notice is in the app"
await state_like "reservation_id = $paid" '^PENDING 0 .*connect to server'
pass "the mail waits; that is not counted against it"
waits() { request GET "$OPS_URL/metrics" && grep -q '^cm_mails_waiting 1$' <<<"$body"; }
await waits
pass "and shows in a metric"
start_mail
await got 1 'true'
await nothing_waits
pass "it is sent once the server is there"
is "$(mails true '.[] | [.envelope, .sender, .to, .from, .language, .charset, .tls] | join("|")')" \
	"mina@example.com|<tickets@shop.example.com>|Tester <mina@example.com>|한강 티켓 <tickets@shop.example.com>|ko|utf-8|true" \
	"from whom to whom, signed in over TLS"
is "$(mails true '.[].subject')" "[예매 확정] $(sql 'select title from cm.concert where id = 802')" "its subject"
is "$(mails true '.[].id')" "<cm-$(sql "select id from cm.notification where reservation_id = $paid")@shop.example.com>" "a Message-ID of its own"
fact() { sql "set timezone = 'Asia/Seoul'; select $1 from cm.reservation r join cm.concert c on c.id = r.concert_id
	join cm.reservation_seat s on s.reservation_id = r.id where r.id = $paid"; }
money="to_char(r.amount, 'FM999,999,999')"
is "$(mails true '.[].body')" "Tester 님, 안녕하세요.

예매해 주셔서 감사합니다. 결제가 완료되어 예매가 확정되었습니다.

예매번호: $paid
공연: $(fact c.title)
일시: $(fact "to_char(c.date_time, 'FMYYYY년 FMMM월 FMDD일 (') || (array['일','월','화','수','목','금','토'])[extract(dow from c.date_time) + 1] || to_char(c.date_time, ') HH24:MI')")
장소: $(fact c.place)
좌석: $(fact "s.grade_name || ' ' || s.seat_number")
결제 금액: $(fact "$money")원

티켓은 '내 티켓'에서 확인하실 수 있습니다. 입장하실 때 좌석별 QR 코드를 보여 주세요. 취소는 '내 예매'에서 하실 수 있으며, 수수료가 있으면 취소하시기 전에 알려 드립니다.

-- 
한강 티켓
https://shop.example.com
이 메일은 자동으로 발송되었습니다." "its text, in Korean"

# every kind to both
for id in "$mina" "$john"; do
	token=${tokens[$id]}
	[ "$id" = "$mina" ] || { paid=$(hold "$id"); pay "$paid"; await status_is "$paid" CONFIRMED; }
	declined=$(hold "$id")
	pay "$declined" false
	cancelled=$(hold "$id")
	request DELETE "/reservation/$cancelled"
	expired=$(hold "$id")
	sql "update cm.reservation set expires_at = now() where id = $expired" >/dev/null
	request DELETE "/reservation/$paid"
	off=$(hold "$id" 803)
	pay "$off"
	await status_is "$off" CONFIRMED
done
sql "update cm.concert set status = 'CANCELLED', cancelled_at = now() where id = 803;
	select cm.event('concert.cancelled', 'concert:803', '{\"concertId\":803}', null)" >/dev/null
await got 18 'true'
await nothing_waits
is "$(mails true 'sort_by(.language, .subject) | map(.language + " " + (.subject | sub("(?<a>\\[[^]]*\\]|[^:]*): ?.*"; "\(.a)") | sub("\\] .*"; "]"))) | group_by(.) | map("\(length) \(.[0])") | .[]')" \
"2 en Booking cancelled
2 en Booking confirmed
1 en Concert cancelled
1 en Payment declined
2 en Refund made
1 en Time to pay is over
1 ko [결제 시간 만료]
1 ko [결제 실패]
1 ko [공연 취소]
2 ko [예매 취소]
2 ko [예매 확정]
2 ko [환불 완료]" "each kind once to each, in their language"
is "$(mails true '.[] | select(.flaws != [] or .bareLines != 0 or .type != "text/plain") | .flaws | join("; ")')" '' \
	"each is as the standards want it"
is "$(mails true 'map(.id) | unique | length')" 18 "each has a Message-ID of its own"
nl=$'\n'
one() { mails ".language == \"en\" and (.subject | startswith(\"$1\"))" 'map(.body)[]'; }
like "$(one 'Booking confirmed')" "Dear Tester,.*Booking no.: $paid.*Concert: Sample Concert.*Date: [A-Z][a-z]+day [0-9]+ [A-Z][a-z]+ 20[0-9]{2}, [0-9]{2}:[0-9]{2} \(KST\)${nl}Venue: .*Seats: .*Paid: KRW $(fact "$money")$nl" "in English"
like "$(one 'Payment declined')" "not been charged.*Booking no.: $declined$nl" "declined: nothing was charged"
like "$(one 'Time to pay')" "Booking no.: $expired$nl" "the time to pay is over"
like "$(one 'Booking cancelled')" "Booking no.: $cancelled$nl.*turn such messages off" "cancelled before it was paid"
like "$(one 'Booking cancelled')" "Booking no.: $paid$nl.*Paid: KRW $(fact "$money")${nl}Cancellation fee: KRW 0${nl}Refund: KRW $(fact "$money")$nl" "and afterwards, with what is given back"
like "$(one 'Refund made')" "Booking no.: $paid$nl.*Refund: KRW $(fact "$money")$nl" "refunded"
like "$(one 'Concert cancelled')" "very sorry.*Booking no.: $off$nl.*Refund: KRW " "the concert is cancelled"
past() { date -d "$(mails true '.[0].date')" +%s; }
cmp_ok $(($(date +%s) - $(past))) -lt 900 "the date is now"
like "$(mails true '.[0].date')" '\+09:00$' "in Seoul"

# --- what a title can't do --------------------------------------------------------------------------------------
title=$(printf '%0.s아주긴제목' {1..30})
sql "update cm.concert set title = e'A\"<b>\r\nBcc: thief@example.com\r\n\r\n.\r\n' || '$title' where id = 802;
	update cm.member set name = e'Eve\"\r\nCc: thief@example.com' where id = $john" >/dev/null
paid=$(hold "$john")
token=${tokens[$john]}
pay "$paid"
await got 1 ".body | contains(\"Booking no.: $paid\\n\")"
is "$(mails '.body | contains("thief")' '.[] | [.envelope, .to, (.flaws | join(";"))] | join("|")')" \
	"john@example.com|\"Eve\\\" Cc: thief@example.com\" <john@example.com>|" "neither a title nor a name makes a header"
is "$(mails '.body | contains("thief")' '.[].subject')" "Booking confirmed: A\"<b>  Bcc: thief@example.com    .  $title" "long, and whole"
is "$(mails '.envelope | contains("thief")')" 0 "and nobody else gets it"
sql "update cm.concert set title = 'Plain' where id = 802; update cm.member set name = 'John' where id = $john" >/dev/null

# --- who gets none ----------------------------------------------------------------------------------------------
request PATCH /notification/settings '{"optOut":true}'
free=$(hold "$john")
request DELETE "/reservation/$free"
request DELETE "/reservation/$paid"
await got 2 ".body | contains(\"Booking no.: $paid\\n\") and contains(\"Refund:\")"
await state_like "reservation_id = $free" '^SKIPPED'
await nothing_waits
is "$(mails ".body | contains(\"Booking no.: $free\\n\")")" 0 "who opted out gets no mail about what is not essential"
pass "but about money, yes"
request GET /notification
is "$(json ".content[] | select(.reservationId == $free) | .kind")" cancelled "and sees it in the app all the same"
someone leaver ko
say hang # nothing is sent meanwhile
bye=$(hold "$id")
request DELETE "/reservation/$bye"
await state_like "reservation_id = $bye" '^PENDING'
request DELETE /member/me '{"password":"secret-leaver@example.com"}'
is "$status" 204 "a member leaves"
say_no_more
await due_like "reservation_id = $bye" '^SKIPPED'
is "$(mails ".body | contains(\": $bye\\n\")")" 0 "and gets no mail that waited"

# --- what a server does wrong -----------------------------------------------------------------------------------
someone nobody en; nobody=$id
someone full en; full=$id
someone late en; late=$id
# free MEMBER: a hold and its cancel; a notice about it in the app; sets held
free() {
	token=${tokens[$1]}
	held=$(hold "$1")
	request DELETE "/reservation/$held"
	await noticed "$held" cancelled
}
mailed() { got "${2:-1}" ".body | contains(\": $1\\n\")"; }
arrived() { ! mailed "$1" 0; }
failures() { request GET "$OPS_URL/metrics"; awk '/^cm_mails_total{.*outcome="failed"}/ { sum += $2 } END { print sum }' <<<"$body"; }
say full
free "$nobody"; refused=$held
free "$full"; waiting=$held
free "$late"
await mailed "$held"
pass "one that is refused holds up no other"
await state_like "reservation_id = $refused" '^FAILED 1 .*RCPT failed: 550'
pass "550 for a recipient: given up, and marked"
is "$(failures)" 1 "counted"
events() { "$SOURCE_DIR/scripts/events" --state "$STATE" "$@"; }
like "$(events mails)" "^id.*\|$nobody\|cancelled\|1\|.*RCPT failed: 550" "and shown to operators"
await state_like "reservation_id = $waiting" '^PENDING [1-9]+ .*RCPT failed: 451'
pass "451: it waits"
say_no_more
due
await mailed "$waiting"
await nothing_waits
pass "and is sent later"
sql "update cm.member set email = 'somebody@example.com' where id = $nobody" >/dev/null
like "$(events resend all)" '1 to be sent' "an operator has one sent again"
await mailed "$refused"
pass "which then arrives"
say defer
free "$late"
for _ in {1..12}; do await due_like "reservation_id = $held" '^(FAILED|PENDING ([0-9]|1[01]) )'; due; done
await due_like "reservation_id = $held" '^FAILED 12 '
pass "what is put off for ever is given up after twelve tries"
say_no_more

# hanging, at the greeting and after the mail
hangs() { since | grep -q 'delay\|SMTP connection from'; }
for how in hang hang-data; do
	say "$how"
	marked
	free "$late"; stuck=$held
	await hangs
	free "$mina"
	pass "$how: a notice is in the app while the server hangs"
	await state_like "reservation_id = $stuck" '^PENDING . .*(timeout|timed out)'
	pass "$how: every wait ends"
	say_no_more
	await due_like "reservation_id in ($stuck)" '^SENT'
	await due_like "reservation_id = $held" '^SENT'
	# more than once, where the server has taken what its client had given up
	await arrived "$stuck"
	is "$(mails ".body | contains(\": $stuck\\n\")" 'map(.id) | unique | length')" 1 "$how: it arrives afterwards"
done

# told to end while the server hangs: the mailer doesn't wait for it
mailer() { cat "$STATE/run/consumer-mail.pid"; }
has_it() { [ "$how" = hang ] || compgen -G "$server/spool/input/*-D"; }
CM_SMTP_TIMEOUT_MS=600000 up
for how in hang hang-data; do
	say "$how"
	marked
	free "$late"; stuck=$held
	await hangs
	await has_it
	free "$late"
	told=$(mailer)
	kill "$told"
	since_told=${EPOCHREALTIME/./}
	await test ! -d "/proc/$told"
	diag "$how: ended after $(((${EPOCHREALTIME/./} - since_told) / 1000)) ms"
	[ "$how" = hang ] && left='had it' || left=answered
	is "$(state_of "reservation_id = $stuck")" "PENDING 0 stopped before the server $left" "$how: told to end, the mailer ends"
	is "$(sql "select count(*) from cm.notification where email_status = 'PENDING' and email_next_at <= now()")" 2 \
		"$how: what it leaves is due"
	say_no_more
	CM_SMTP_TIMEOUT_MS=600000 up
	await state_like "reservation_id = $stuck" '^SENT'
	await mailed "$held"
	await arrived "$stuck"
	copies=$(mails ".body | contains(\": $stuck\\n\")" 'map(.id) | "\(length) \(unique | length)"')
	if [ "$how" = hang ]; then
		is "$copies" '1 1' "$how: it arrives, once"
	else
		like "$copies" '^[12] 1$' "$how: it arrives; perhaps twice, as the same mail"
	fi
done
say slow
free "$late"
await has_it # how is hang-data
told=$(mailer)
kill "$told"
await test ! -d "/proc/$told"
is "$(state_of "reservation_id = $held") $(mails ".body | contains(\": $held\\n\")")" 'SENT 0  1' "an answer that is about to come is waited for"
say_no_more
CM_SMTP_TIMEOUT_MS=2000 up

# no_mail WHY ERROR: what was made now isn't sent, but waits with this error
no_mail() {
	marked
	free "$late"
	await state_like "reservation_id = $held" "^PENDING 0 $2"
	pass "$1: the mail waits"
	is "$(mails ".body | contains(\": $held\\n\")")" 0 "$1: nothing was delivered"
	unsent+=("$held")
}
unsent=()
signed_in() { since | grep -c 'AUTH\|A=plain\|A=login\|authenticator'; }
say plain
no_mail "no STARTTLS" 'STARTTLS not supported'
is "$(signed_in)" 0 "no STARTTLS: no password was sent"
say_no_more
show stranger
no_mail "a certificate nobody vouches for" 'SSL certificate problem'
is "$(signed_in)" 0 "a certificate nobody vouches for: no password was sent"
show misnamed
CM_SMTP_CA_FILE=$TEST_DIR/misnamed.crt up
no_mail "another server's certificate" 'SSL: no alternative certificate subject name matches'
is "$(signed_in)" 0 "another server's certificate: no password was sent"
show good
CM_SMTP_CA_FILE=$TEST_DIR/good.crt CM_SMTP_PASSWORD=wrong-mail-password up
no_mail "a wrong password" 'Login denied \(SMTP 535\)'
CM_SMTP_PASSWORD=correct-mail-password up
say sender
no_mail "a sender that is refused" 'MAIL failed: 550'
say_no_more
say closed
no_mail "a server that sends everybody away" 'Got unexpected smtp-server response: 5'
say_no_more
for held in "${unsent[@]}"; do await due_like "reservation_id = $held" '^SENT'; done
is "$(for held in "${unsent[@]}"; do mails ".body | contains(\": $held\\n\")"; done | sort | uniq -c | tr -s ' ')" \
	" ${#unsent[@]} 1" "all are sent in the end, once each"

# --- a death between the server's yes and the mark ----------------------------------------------------------------
mailer=$(<"$STATE/run/consumer-mail.pid")
kill "$mailer"
gone() { ! kill -0 "$mailer"; }
await gone
free "$late"
CM_POINT=mail-sent up
mailer=$(<"$STATE/run/consumer-mail.pid")
await gone
await mailed "$held"
pass "the mailer dies when the server has the mail"
like "$(state_of "reservation_id = $held")" '^PENDING 0 ' "which is not marked"
up
await due_like "reservation_id = $held" '^SENT'
await mailed "$held" 2
is "$(mails ".body | contains(\": $held\\n\")" 'map(.id) | unique | length')" 1 "so it comes twice, with the same Message-ID"

# --- the end ------------------------------------------------------------------------------------------------------
is "$(mails '.flaws != []')" 0 "every mail of all was in order"
passwords=$(printf 'mail-password\n%s\n%s\n' "$(printf '\0tickets\0correct-mail-password' | base64)" "$(printf correct-mail-password | base64)")
is "$(grep -lF "$passwords" "$STATE"/log/*.log)" '' "the mail server's password is in no log"
done_testing
