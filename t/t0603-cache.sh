#!/usr/bin/env bash
# The micro-cache: cheap for everybody, personal for nobody, and never longer than it says.
. "$(dirname "$0")/lib.sh"
start_instance
member=$(sign_in "$USER_EMAIL" "$USER_PASSWORD")
admin=$(sign_in "$ADMIN_EMAIL" "$ADMIN_PASSWORD")
# How often the pool was asked for a route.
asked() { grep -h '"route":"'"$1"'"' "$STATE"/log/concert*.log | wc -l; }
settled() { [ "$(grep -c "\"path\":\"$2\"" "$STATE/log/access.log")" -ge "$1" ]; }

# many readers, one question
token=$member
before=$(asked '/concert/{id}')
for _ in {1..40}; do printf 'url = "%s/concert/802"\noutput = /dev/null\n' "$BASE_URL"; done >"$TEST_DIR/many"
curl -s --no-progress-meter -H "Authorization: Bearer $member" --parallel --parallel-max 10 -K "$TEST_DIR/many"
await settled 40 /concert/802
cmp_ok $(($(asked '/concert/{id}') - before)) -le 20 "40 readers of one concert ask the pool a few times at most"
for path in /concert /concert/802 /concert/802/seat /concert/802/seat/status; do
	request GET "$path"
	first=$body
	is "$status" 200 "$path"
	token=$admin
	request GET "$path"
	is "$(printf %s "$body" | sed 's/"at":"[^"]*"//')" "$(printf %s "$first" | sed 's/"at":"[^"]*"//')" \
		"$path is the same for a member and an administrator"
	token=$member
	unlike "$headers" 'Set-Cookie' "$path sets no cookie"
done

# ETag through the cache
request GET /concert/802
etag=$(header ETag)
request GET /concert/802 '' -H "If-None-Match: $etag"
is "$status ${#body}" "304 0" "304 from the cache"
request HEAD /concert/802
is "$status" 200 "HEAD"
request GET /concert/802
is "$(json .id)" 802 "HEAD doesn't empty what GET gets"

# bad tokens, while the good answer is in the cache
for bad in x "${member%?}" "${member}x" "$member.x" "$(printf %s "$member" | tr a-z A-Z)"; do
	token=$member
	request GET /concert/802
	token=$bad
	request GET /concert/802
	problem 401 token-invalid "a bad token gets nothing from the cache (${bad:0:3}..., ${#bad} bytes)"
done
token=
request GET /concert/802
problem 401 token-required "nor does no token"
like "$(header WWW-Authenticate)" '^Bearer' "and is told how"
request GET /concert/802 '' -H "Authorization: Basic $member"
problem 401 token-invalid "another scheme"
request GET /auth/check
problem 404 not-found "the check can't be asked from outside"
token=$member
request GET /auth/check
problem 404 not-found "not even with a token"

# two roles hammer the same addresses: an administrator's drafts never reach a member
token=$admin
request POST /concert '{"title":"비밀 초안","place":"홀","dateTime":"2099-01-01T19:00","status":"DRAFT"}'
draft=$(json .id)
{
	for _ in {1..60}; do
		curl -s -o /dev/null -w 'admin %{http_code}\n' -H "Authorization: Bearer $admin" "$BASE_URL/concert/$draft"
		curl -s -o /dev/null -w 'admin %{http_code}\n' -H "Authorization: Bearer $admin" "$BASE_URL/concert?status=DRAFT"
	done >"$TEST_DIR/admin" &
	for _ in {1..60}; do
		curl -s -o /dev/null -w 'member %{http_code}\n' -H "Authorization: Bearer $member" "$BASE_URL/concert/$draft"
		curl -s -o /dev/null -w 'list %{http_code}\n' -H "Authorization: Bearer $member" "$BASE_URL/concert?status=DRAFT"
	done >"$TEST_DIR/member" &
	wait
}
is "$(sort "$TEST_DIR/admin" | uniq -c | xargs)" "120 admin 200" "the administrator always sees the draft"
is "$(sort "$TEST_DIR/member" | uniq -c | xargs)" "60 list 403 60 member 404" "the member never does"
# the same at once, on every cached address, with a bad token among them: whose answer is whose, by body
hammer() { # NAME TOKEN
	local path n=0
	mkdir "$TEST_DIR/answers.$1"
	for _ in {1..25}; do
		for path in "/concert/$draft" '/concert?status=DRAFT' "/concert/$draft/seat" "/concert/$draft/seat/status" \
			/concert '/concert?keyword=초안' /concert/802 /concert/802/seat /concert/802/seat/status; do
			n=$((n + 1))
			printf 'next\nurl = "%s%s"\nheader = "Authorization: Bearer %s"\nwrite-out = "%%{http_code} %s\\n"\nsilent\noutput = "%s"\n' \
				"$BASE_URL" "$path" "$2" "$path" "$TEST_DIR/answers.$1/$n"
		done
	done | sed 1d >"$TEST_DIR/hammer.$1"
	curl -g --no-progress-meter --parallel --parallel-max 6 -K "$TEST_DIR/hammer.$1" >"$TEST_DIR/codes.$1" 2>/dev/null
}
hammer admin "$admin" &
hammer member "$member" &
hammer bad "${member%???}AAA" &
wait
codes() { sort "$TEST_DIR/codes.$1" | uniq -c | awk '{ print $2 "x" $1, $3 }' | sort -k2; }
is "$(codes bad | grep -vc '^401x25 ')" 0 "a bad token gets 401 from all nine, always"
is "$(cat "$TEST_DIR"/answers.bad/* | grep -c '"artist"\|"states"\|"sections"\|"content"')" 0 "and not a word of an answer"
is "$(codes admin | grep -c '^200x25 ')" 8 "an administrator gets what is there (a draft has no seat states)"
is "$(codes member | grep -c '^200x25 ')" 5 "a member what is public"
is "$(cat "$TEST_DIR"/answers.member/* | grep -c '비밀 초안')" 0 "and never the draft"
is "$(grep -l '비밀 초안' "$TEST_DIR"/answers.admin/* | wc -l)" 50 "which the administrator saw all the time"

# changes show within a second or so
request PATCH "/concert/$draft" '{"status":"PUBLISHED","title":"공개"}'
token=$member
shows() { request GET "/concert/$draft"; [ "$(json .title)" = "$1" ]; }
await shows 공개
pass "a publication shows"
token=$admin
request PATCH "/concert/$draft" '{"title":"새 제목"}'
token=$member
await shows '새 제목'
pass "a change shows"
states() { request GET "/concert/$draft/seat/status"; [[ $(json .states) == "$1"* ]]; }
await states AAA
pass "the seat states"
is "$(json '.states | length') $(json '[.available,.held,.sold] | join(" ")')" "15 15 0 0" "a letter a seat, and the numbers"
seat=$(sql "select min(id) from cm.seat where concert_id = $draft")
version=$(json .version)
token=$admin
request PATCH "/concert/$draft/seat" "{\"block\":[$seat]}"
is "$status" 200 "a seat is blocked"
token=$member
await states BAA
pass "and shows"
# A cache that was rebuilt in between gives all letters: then once more.
delta() {
	local letter=$1 list=$2
	token=$member
	request GET "/concert/$draft/seat/status?since=0"
	version=$(json .version)
	token=$admin
	request PATCH "/concert/$draft/seat" "{\"$list\":[$seat]}"
	token=$member
	await delta_shows "$letter"
	[ "$(json '.changes | tostring')" = "[[0,\"$letter\"]]" ]
}
delta_shows() {
	request GET "/concert/$draft/seat/status?since=$version"
	[ "$(json ".changes[0][1] // .states[0:1]")" = "$1" ]
}
deltas() { delta A unblock || delta B block; }
await deltas
pass "a change since the version known comes alone"

# tokens that end: by themselves, after sign-out, after a change of role; with what each had cached
CM_TOKEN_TTL_S=4 CM_TOKEN_LEEWAY_S=0 up || bail "restart"
# session EMAIL PASSWORD: sets token and refresh
session() {
	token=
	request POST /auth/signin "{\"email\":\"$1\",\"password\":\"$2\"}"
	token=$(json .accessToken) refresh=$(json .refreshToken)
}
claim() { printf %s "$1" | cut -d. -f2 | tr '_-' '/+' | sed 's/$/==/' | base64 -d 2>/dev/null | jq ".$2"; }
session "$USER_EMAIL" "$USER_PASSWORD"
out=$token
request GET /concert/802
is "$status" 200 "a short token works"
request POST /auth/signout
is "$status" 204 "it signs out"
token=
request POST /auth/refresh "{\"refreshToken\":\"$refresh\"}"
problem 401 refresh-token-invalid "there is no new one at once"
sql "insert into cm.member (email, email_key, name, password_hash, role) select 'chief@example.com', 'chief@example.com', 'chief',
	password_hash, 'ROLE_ADMIN' from cm.member where email = '$ADMIN_EMAIL'" >/dev/null
session chief@example.com "$ADMIN_PASSWORD"
request POST /concert '{"title":"강등 전 초안","place":"홀","dateTime":"2099-01-01T19:00","status":"DRAFT"}'
hidden=$(json .id)
is "$status" 201 "an administrator"
chief=$token
sql "update cm.member set role = 'ROLE_USER' where email = 'chief@example.com'" >/dev/null
token=
request POST /auth/refresh "{\"refreshToken\":\"$refresh\"}"
lesser=$(json .accessToken)
token=$lesser
request GET "/concert/$hidden"
problem 404 concert-not-found "who is none any more gets a member's token at once"
# the cache's five seconds after the last of them ended (exp counts whole seconds)
end=$(claim "$lesser" exp)
isnt "$end" '' "the tokens say when they end"
past=
until [ -n "$past" ]; do
	[ "$(date +%s)" -lt $((end + 6)) ] || past=yes
	for token in "$out" "$chief"; do
		request GET /concert/802
		printf '%s\n' "$status" >>"$TEST_DIR/late${past:+.past}"
		request GET "/concert/$hidden"
		printf '%s\n' "$status" >>"$TEST_DIR/late${past:+.past}"
	done
done
for token in "$out" "$chief"; do
	for path in /concert/802 /concert /concert/802/seat /concert/802/seat/status "/concert/$hidden" '/concert?status=DRAFT'; do
		request GET "$path"
		printf '%s\n' "$status" >>"$TEST_DIR/late.past"
	done
done
is "$(sort -u "$TEST_DIR/late.past")" 401 "five seconds after its end no token gets anything, cached or not"
is "$(sort -u "$TEST_DIR/late" | grep -vxc -e 200 -e 401 -e 404)" 0 "(until then what it was good for)"
problem 401 token-expired "and is told why"
done_testing
