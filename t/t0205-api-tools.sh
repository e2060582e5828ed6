#!/usr/bin/env bash
# What others' tools say of the API: Redocly's linter finds nothing in the document, and Schemathesis,
# which makes requests from it, gets no server error and no answer that isn't documented, as nobody, as
# a member and as an administrator. With scripts/check --api, for it fetches them from npm and PyPI.
. "$(dirname "$0")/lib.sh"
[ -n "${CM_API:-}" ] || skip_all "only with scripts/check --api"
REDOCLY=@redocly/cli@2.77.0 SCHEMATHESIS=schemathesis==4.32.5
seed=${CM_API_SEED:-$((RANDOM))} examples=${CM_API_EXAMPLES:-15}
npm install --silent --no-audit --no-fund --no-save --ignore-scripts --prefix "$TEST_DIR/npm" "$REDOCLY" \
	>"$TEST_DIR/npm.log" 2>&1 || skip_all "npm's registry is not reachable: $(tail -1 "$TEST_DIR/npm.log")"
/usr/bin/python3 -m venv "$TEST_DIR/python" >"$TEST_DIR/pip.log" 2>&1 &&
	"$TEST_DIR/python/bin/pip" install --quiet --disable-pip-version-check "$SCHEMATHESIS" >>"$TEST_DIR/pip.log" 2>&1 ||
	skip_all "PyPI is not reachable: $(tail -1 "$TEST_DIR/pip.log")"

lint() { REDOCLY_TELEMETRY=off "$TEST_DIR/npm/node_modules/.bin/redocly" lint --format=json "$1" 2>/dev/null; }
is "$(lint "$SOURCE_DIR/web/openapi.json" | jq -c '[.totals.errors, .totals.warnings]')" '[0,0]' \
	"the linter has nothing to say"
jq 'del(.paths["/reservation"].post.operationId)' "$SOURCE_DIR/web/openapi.json" >"$TEST_DIR/worse.json"
isnt "$(lint "$TEST_DIR/worse.json" | jq -c '[.totals.errors, .totals.warnings]')" '[0,0]' "it can say something"

CM_LIMIT_TOKEN_RATE=1000000 start_instance
diag "seed $seed, $examples examples an operation"
# schemathesis_as NAME [TOKEN]
schemathesis_as() {
	local name=$1 bearer=()
	[ -z "${2:-}" ] || bearer=(-H "Authorization: Bearer $2")
	if cd "$TEST_DIR" && NO_COLOR=1 "$TEST_DIR/python/bin/schemathesis" run "$SOURCE_DIR/web/openapi.json" --url "$BASE_URL" \
		"${bearer[@]}" --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
		--max-examples "$examples" --seed "$seed" --generation-database none >"$TEST_DIR/$name.log" 2>&1; then
		pass "$name: no server error, no answer that isn't documented"
	else
		fail "$name: no server error, no answer that isn't documented" "$(grep -vE '^[[:space:]]*$' "$TEST_DIR/$name.log" | tail -60)"
	fi
	cmp_ok "$(sed -n 's/^ *\([0-9]*\) generated.*/\1/p' "$TEST_DIR/$name.log" | head -1)" -gt 300 "$name: some hundred cases"
	diag "$(grep -E 'generated|passed' "$TEST_DIR/$name.log" | tail -2)"
}
member fuzzed@example.com
fuzzed=$token
token=
schemathesis_as anonymous
schemathesis_as member "$fuzzed"
# last, for it may change and cancel what the others look at
schemathesis_as administrator "$(sign_in "$ADMIN_EMAIL" "$ADMIN_PASSWORD")"
request GET /readyz
is "$status $(json .status)" "200 ready" "the service is none the worse for it"
is "$("$SOURCE_DIR/t/verify" "$DATABASE_URL" | grep -c BROKEN)" 0 "and the invariants hold"
done_testing
