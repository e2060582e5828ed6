#!/usr/bin/env bash
# Sign-up, sign-in, sessions and the profile through nginx, as api.md says.
. "$(dirname "$0")/lib.sh"
start_instance

# --- sign-up -------------------------------------------------------------------------------------
request POST /member '{"name":"김하늘","email":"Kim@Example.com","password":"secret-kim","roleType":"ROLE_USER"}'
is "$status" 201 "sign-up is 201"
is "$(header Location)" /member/me "with Location"
is "$(json '[.name,.email,.roleType] | join(" ")')" "김하늘 Kim@Example.com ROLE_USER" "and the member"
like "$(json .createdAt)" '^20[0-9-]+T[0-9:]+\+09:00$' "createdAt carries the offset"
is "$(json 'has("password") or has("passwordHash")')" false "no trace of the password"
request POST /member '{"name":"다른이","email":"kIM@example.COM","password":"secret-kim"}'
problem 409 email-taken "an address is taken whatever its case"
request POST /member '{"name":"김","email":"ｋｉｍ@example.com","password":"secret-kim"}'
problem 409 email-taken "and whatever its Unicode form"
request POST /member '{"name":"root","email":"root@example.com","password":"secret-root","roleType":"ROLE_ADMIN"}'
problem 403 admin-required "nobody makes himself administrator"
is "$(sql "select count(*) from cm.member where email_key = 'root@example.com'")" 0 "and no row is left"
request POST /member '{"name":"a","email":"role@example.com","password":"secret-role","role":"ROLE_ADMIN","id":1,"createdAt":"2000-01-01"}'
is "$status $(json .roleType)" "201 ROLE_USER" "other members can't set what they may not"
request POST /member '{"name":"customer","email":"customer@example.com","password":"1234","roleType":"ROLE_USER"}'
is "$status" 201 "the demo profile takes the customer's short sample password"
token=$(sign_in "$ADMIN_EMAIL" "$ADMIN_PASSWORD")
request POST /member '{"name":"second","email":"second@example.com","password":"secret-2nd","roleType":"ROLE_ADMIN"}'
is "$status $(json .roleType)" "201 ROLE_ADMIN" "an administrator makes another"
token=
hash=$(sql "select password_hash from cm.member where email_key = 'kim@example.com'")
like "$hash" '^\$argon2id\$v=19\$m=19456,t=2,p=1\$' "stored as argon2id with its parameters"

# --- sign-in -------------------------------------------------------------------------------------
request POST /auth/signin '{"email":"kim@example.com","password":"secret-kim"}'
is "$status" 200 "sign-in is 200"
is "$(json '[.tokenType, .expiresIn, .refreshExpiresIn] | join(" ")')" "Bearer 900 1209600" "with lifetimes"
is "$(header Cache-Control)" no-store "never cached"
access=$(json .accessToken) refresh=$(json .refreshToken)
request POST /auth/signin '{"email":"kim@example.com","password":"wrong-password"}'
problem 401 bad-credentials "a wrong password is 401"
like "$(header WWW-Authenticate)" '^Bearer ' "with WWW-Authenticate"
wrong=$(json 'del(.requestId)')
request POST /auth/signin '{"email":"nobody@example.com","password":"wrong-password"}'
is "$(json 'del(.requestId)')" "$wrong" "an unknown address gets the very same answer"
# The same work, too: one hash each, whether there is an account or not, and so the same time.
hashes() {
	curl -s "$OPS_URL/metrics" | sed -n 's/^cm_password_hash_seconds_count{pool="auth"} //p'
}
before=$(hashes)
for email in kim@example.com nobody@example.com nobody2@example.com; do
	request POST /auth/signin "{\"email\":\"$email\",\"password\":\"wrong-password\"}"
	is "$status $(($(hashes) - before))" "401 1" "$email costs one hash"
	before=$(hashes)
done
# macOS sends decomposed Hangul: the same password all the same.
request POST /member '{"name":"a","email":"nfd@example.com","password":"\ud55c\uae00\ube44\ubc00"}'
request POST /auth/signin '{"email":"nfd@example.com","password":"\u1112\u1161\u11ab\u1100\u1173\u11af\u1107\u1175\u1106\u1175\u11af"}'
is "$status" 200 "a password is compared in NFKC"

# --- the token -----------------------------------------------------------------------------------
token=$access
request GET /member/me
is "$status $(json .email)" "200 Kim@Example.com" "the token opens the profile"
for bad in "${access%?????}AAAAA" "${access%.*}." "eyJhbGciOiJub25lIn0.e30." "$(head -c 5000 /dev/zero | tr '\0' a)" x; do
	token=$bad
	request GET /member/me
	problem 401 token-invalid "a forged token is refused: ${bad:0:12}..."
done
token=
request GET /member/me
problem 401 token-required "no token is 401"
request GET /member/me '' -H "Authorization: Basic a2ltOng="
problem 401 token-invalid "another scheme is 401"

# --- refresh -------------------------------------------------------------------------------------
request POST /auth/refresh "{\"refreshToken\":\"$refresh\"}"
is "$status" 200 "refresh is 200"
second=$(json .refreshToken)
isnt "$second" "$refresh" "and rotates"
request POST /auth/refresh "{\"refreshToken\":\"$refresh\"}"
problem 401 refresh-token-invalid "the old one is refused"
request POST /auth/refresh "{\"refreshToken\":\"$second\"}"
problem 401 refresh-token-invalid "and its use has ended the family"
request POST /auth/refresh '{"refreshToken":"nonsense"}'
problem 401 refresh-token-invalid "an unknown one is refused"
is "$(sql "select count(*) from cm.refresh_token where octet_length(token_hash) <> 32")" 0 "only hashes are stored"
# The same token at once, many times: one success at most, and the family ends.
request POST /auth/signin '{"email":"kim@example.com","password":"secret-kim"}'
one=$(json .refreshToken)
for n in 1 2 3 4 5 6 7 8; do
	curl -s -o /dev/null -w '%{http_code}\n' -H 'Content-Type: application/json' "$BASE_URL/auth/refresh" \
		-d "{\"refreshToken\":\"$one\"}" >"$TEST_DIR/race$n" &
	races[n]=$!
done
wait "${races[@]}"
is "$(cat "$TEST_DIR"/race? | sort | uniq -c | tr -s ' ' | tr '\n' ,)" " 1 200, 7 401," "eight at once: one rotation"

# --- sign-out ------------------------------------------------------------------------------------
request POST /auth/signin '{"email":"kim@example.com","password":"secret-kim"}'
token=$(json .accessToken) refresh=$(json .refreshToken)
request POST /auth/signout
is "$status" 204 "sign-out is 204"
token=
request POST /auth/refresh "{\"refreshToken\":\"$refresh\"}"
problem 401 refresh-token-invalid "its family is revoked"
request POST /auth/signout
problem 401 token-required "nothing to sign out without a token"

# --- profile -------------------------------------------------------------------------------------
request POST /auth/signin '{"email":"kim@example.com","password":"secret-kim"}'
token=$(json .accessToken) mine=$(json .refreshToken)
other=$(curl -s -H 'Content-Type: application/json' "$BASE_URL/auth/signin" \
	-d '{"email":"kim@example.com","password":"secret-kim"}' | jq -r .refreshToken)
request PATCH /member/me '{"name":"김바다","roleType":"ROLE_ADMIN","email":"x@example.com"}'
is "$status $(json '[.name,.roleType,.email] | join(" ")')" "200 김바다 ROLE_USER Kim@Example.com" "PATCH changes the name only"
request PATCH /member/me '{"password":"new-secret-kim"}'
problem 400 bad-input "a new password needs the current one"
is "$(json '.errors[0].field')" currentPassword "and says so"
request PATCH /member/me '{"password":"new-secret-kim","currentPassword":"wrong"}'
problem 401 bad-credentials "the right one"
request PATCH /member/me '{"password":"new-secret-kim","currentPassword":"secret-kim"}'
is "$status" 200 "the password is changed"
kept=$token token=
request POST /auth/refresh "{\"refreshToken\":\"$other\"}"
problem 401 refresh-token-invalid "other sessions end"
request POST /auth/refresh "{\"refreshToken\":\"$mine\"}"
is "$status" 200 "this one goes on"
is "$(sign_in kim@example.com secret-kim)" "" "the old password is dead"
isnt "$(sign_in kim@example.com new-secret-kim)" "" "the new one works"
request OPTIONS /member/me
is "$status $(header Allow)" "204 GET, PATCH, DELETE, HEAD, OPTIONS" "OPTIONS lists the methods of both pools"
request PUT /member/me
problem 405 method-not-allowed "another method is 405"
token=$kept
request HEAD /member/me
is "$status" 200 "HEAD works"
request DELETE /member/me
is "$status" 204 "leaving is 204"
request GET /member/me
problem 404 member-not-found "the profile is gone"
is "$(sql "select name || '|' || password_hash from cm.member where email like 'deleted-%'")" "|!" "the row is anonymous"
token=
is "$(sign_in kim@example.com new-secret-kim)" "" "and can't sign in"
is "$(sign_up kim@example.com secret-again)" 201 "the address is free again"

# --- leaving with tickets ------------------------------------------------------------------------
member owner@example.com
id=$(sql "select id from cm.member where email_key = 'owner@example.com'")
sql "insert into cm.reservation (member_id, concert_id, amount, expires_at, seat_count)
	values ($id, 802, 0, now(), 1);
	update cm.reservation set status = 'PAID', paid_at = now() where member_id = $id" >/dev/null 2>"$TEST_DIR/sql" || {
	diag "$(cat "$TEST_DIR/sql")"
	sql "set session_replication_role = replica; insert into cm.reservation
		(member_id, concert_id, amount, expires_at, seat_count, status, paid_at)
		values ($id, 802, 0, now(), 1, 'PAID', now())" >/dev/null
}
request DELETE /member/me
problem 409 member-has-tickets "no leaving with paid tickets"
token=

# --- languages -----------------------------------------------------------------------------------
request GET /member/me '' -H 'Accept-Language: en'
is "$(json .title) $(header Content-Language)" "Sign in first. en" "problems speak English"
request GET /member/me
is "$(json .title) $(header Content-Language)" "로그인이 필요합니다. ko" "and Korean by default"

# --- throttle ------------------------------------------------------------------------------------
sign_up slow@example.com secret-slow >/dev/null
for n in 1 2 3 4 5 6 7 8 9 10; do
	request POST /auth/signin '{"email":"slow@example.com","password":"guess"}'
	[ "$status" = 401 ] || fail "attempt $n is judged" "$status"
done
request POST /auth/signin '{"email":"slow@example.com","password":"secret-slow"}'
problem 429 too-many-attempts "the eleventh attempt waits, even with the right password"
is "$(header Retry-After)" 300 "and says how long"
for n in 1 2 3 4 5 6 7 8 9 10 11; do
	request POST /auth/signin '{"email":"ghost@example.com","password":"guess"}'
done
problem 429 too-many-attempts "an unknown address is throttled just the same"
is "$(redis --scan --pattern 'signin:*' | grep -c @)" 0 "no address in Redis keys"

# --- the logs ------------------------------------------------------------------------------------
is "$(grep -rlaiE 'secret-kim|secret-slow|@example\.com|eyJhbGciOi|argon2id\$' "$STATE/log" | grep -v '/initdb.log$')" "" \
	"no password, token or address in any log"

# --- production rules ----------------------------------------------------------------------------
CM_ALLOW_SANDBOX=yes start_instance --profile production
for weak in 1234567 12345678 Password123 weak@example.com; do
	request POST /member "{\"name\":\"a\",\"email\":\"weak@example.com\",\"password\":\"$weak\"}"
	problem 400 bad-input "production refuses $weak"
	is "$(json '.errors[0].field')" password "naming the field"
done
is "$(sign_up strong@example.com 'correct horse battery')" 201 "and takes a good one"
printf 'correct horse battery' | "$SOURCE_DIR/scripts/admin" --state "$STATE" create --name Boss --email boss@example.com --role ROLE_ADMIN >"$TEST_DIR/admin" 2>&1
is "$?" 0 "scripts/admin makes the first administrator"
printf 'another password' | "$SOURCE_DIR/scripts/admin" --state "$STATE" create --name Boss --email boss@example.com --role ROLE_ADMIN >"$TEST_DIR/admin" 2>&1
is "$? $(grep -c 'exists already' "$TEST_DIR/admin")" "0 1" "again: a notice, no change"
isnt "$(sign_in boss@example.com 'correct horse battery')" "" "who can sign in"
# Old parameters are renewed at sign-in: 19456 KiB is the least, so raise the setting.
CM_ARGON2_PASSES=3 up --profile production
isnt "$(sign_in boss@example.com 'correct horse battery')" "" "with other settings the old hash still works"
like "$(sql "select password_hash from cm.member where email_key = 'boss@example.com'")" 'm=19456,t=3,p=1' \
	"and is renewed"
done_testing
