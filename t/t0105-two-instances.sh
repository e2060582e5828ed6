#!/usr/bin/env bash
# Two instances side by side share nothing.
. "$(dirname "$0")/lib.sh"
start_instance
first=$STATE first_url=$BASE_URL
member one@example.com
one=$token
start_instance
isnt "$BASE_URL" "$first_url" "two addresses"
request GET /seat/665
problem 401 token-invalid "a token of one is none of the other"
is "$(sql "select count(*) from cm.member where email = 'one@example.com'")" 0 "nor is a member"
token=
request POST /auth/signin '{"email":"one@example.com","password":"secret-one@example.com"}'
problem 401 bad-credentials "who can't sign in there"

down "$STATE"
BASE_URL=$first_url token=$one
request GET /seat/665
is "$status" 200 "stopping one leaves the other alone"
ok "says its status" "$SOURCE_DIR/scripts/up" --status --state "$first"
done_testing
