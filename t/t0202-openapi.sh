#!/usr/bin/env bash
# The API's description agrees with the programs' route tables, and it, Swagger UI and the list of
# error codes are served.
. "$(dirname "$0")/lib.sh"
document=$SOURCE_DIR/web/openapi.json

# --- route tables and document -------------------------------------------------------------------
for program in "$BUILD_DIR"/fcgi/cm-*; do
	case $program in *.o | */cm-pool) continue ;; esac
	"$program" --routes
done | grep -v -e '^GET /metrics ' -e '^GET /auth/check ' | sort -u >"$TEST_DIR/tables"
cmp_ok "$(wc -l <"$TEST_DIR/tables")" -gt 20 "the programs print their routes"
# METHOD /path/{id} guards: what the document says in the words of the tables
jq -r '.paths | to_entries[] | .key as $path | .value | to_entries[] |
	"\(.key | ascii_upcase) \($path | gsub("\\{[A-Za-z]+\\}"; "{id}")) " +
	(if .value.security == [] then "public"
	 elif .value.security == [{}, {"bearer": []}] then "optional"
	 elif .value["x-administrator"] then "admin"
	 else "member" end)' "$document" | sort >"$TEST_DIR/documented"
# how a route is read is no matter of the contract
sed -E 's/,(may-lag|report|idempotent)//g; s/ member,admin$/ admin/' "$TEST_DIR/tables" >"$TEST_DIR/served"
is "$(comm -23 "$TEST_DIR/served" "$TEST_DIR/documented")" "" "every route is documented with its guard"
is "$(comm -13 "$TEST_DIR/served" "$TEST_DIR/documented")" "" "every documented route exists"
is "$(jq -r '.paths | to_entries[] | .key as $p | .value | to_entries[] |
		select([.value.parameters[]? | .["$ref"] // ""] | any(endswith("/IdempotencyKey"))) |
		"\(.key | ascii_upcase) \($p | gsub("\\{[A-Za-z]+\\}"; "{id}"))"' "$document" | sort)" \
	"$(sed -n 's/ [a-z]*,idempotent$//p' "$TEST_DIR/tables")" "Idempotency-Key is documented where it works"
is "$(jq -r '[.. | objects | .["$ref"]? // empty | ltrimstr("#/") | split("/")] as $refs | . as $doc |
	$refs[] | select(. as $path | $doc | getpath($path) == null) | join("/")' "$document")" "" \
	"no reference leads nowhere"
is "$(jq -r '[.paths[][].operationId] | group_by(.)[] | select(length > 1) | .[0]' "$document")" "" \
	"operation ids are unique"
jq -r '(.paths[][].responses | to_entries[] | select(.key | tonumber >= 400).value), .components.responses[] |
	.description // empty | scan("`([a-z0-9-]+)`")[0]' "$document" | sort -u >"$TEST_DIR/codes"
cmp_ok "$(wc -l <"$TEST_DIR/codes")" -gt 40 "it names codes"
{
	sed -n 's/^FAULT([A-Z_]*, [A-Z_]*, "\([^"]*\)".*/\1/p' "$SOURCE_DIR/lib/base/fault.def"
	sed -n 's/.*"code":"\([a-z0-9-]*\)".*/\1/p' "$SOURCE_DIR/nginx/problem-texts.conf" # nginx' own
} | sort -u >"$TEST_DIR/faults"
is "$(comm -23 "$TEST_DIR/codes" "$TEST_DIR/faults")" "" "every code it names exists"

is "$(jq -r '[.. | objects | select(has("properties")) | .properties | objects | to_entries[] |
	select((.value | type) == "object" and (.value | has("$ref") | not) and (.value | has("description") | not)) | .key] |
	unique | join(" ")' "$document")" "" "every field is described"

# --- what is served ------------------------------------------------------------------------------
start_instance
request GET /openapi.json
is "$status $(header Content-Type)" "200 application/json" "/openapi.json is there"
is "$(json .openapi)" 3.1.0 "in OpenAPI 3.1"
is "$(printf '%s' "$body" | jq -S . | sha256sum)" "$(jq -S . "$document" | sha256sum)" "as in the tree"
request GET /docs
is "$status $(header Location)" "301 /docs/" "/docs leads to the page"
request GET /swagger-ui.html
is "$status $(header Location)" "302 /docs/" "and so does /swagger-ui.html"
request GET /docs/
is "$status" 200 "Swagger UI's page"
unlike "$body" 'https?://' "asks no outside address"
like "$(header Content-Security-Policy)" "default-src 'self'" "and may not"
if [ -d "$BUILD_DIR/web/swagger-ui" ]; then
	for file in swagger-ui-bundle.js swagger-ui.css docs.js; do
		request HEAD "/docs/$file"
		is "$status" 200 "/docs/$file"
	done
else
	pass "Swagger UI # SKIP npm's registry was not reachable when the tests were built"
fi
missing=
request GET /problems/seat-taken
is "$status $(header Content-Type)" "200 text/html; charset=utf-8" "a problem's type resolves"
while read -r code; do
	[[ $body == *"id=\"$code\""* ]] || missing+=" $code"
done <"$TEST_DIR/faults"
is "$missing" "" "every code is explained"
request GET /no/such/page
page=$(json .type)
request GET "$page"
is "$status" 200 "nginx' own too"
done_testing
