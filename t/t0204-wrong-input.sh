#!/usr/bin/env bash
# Wrong input for every route, made from the API's own description: each field of each body, each
# query parameter and each path id. The answer is 400 (413, 415) and names the field.
. "$(dirname "$0")/lib.sh"
start_instance
token=$(sign_in "$ADMIN_EMAIL" "$ADMIN_PASSWORD")
document=$SOURCE_DIR/web/openapi.json
big=9007199254740991

# METHOD PATH FIELD WHAT BODY, one a line
cat >"$TEST_DIR/bodies.jq" <<'END'
def deref: if .["$ref"]? then (.["$ref"] | split("/") | last) as $n | $doc.components.schemas[$n] else . end;
def bad($name): deref as $s | ($s.type | if type == "array" then .[0] else . end) as $type |
	if $type == "string" then
		["type", 5], ["type", true], ["type", {}], ["type", ["x"]],
		(if $s.maxLength then ["overlong", ("x" * ($s.maxLength + 1))] else empty end),
		(if ($s.minLength // 0) > 0 then ["empty", ""] else empty end),
		(if $s.enum then ["choice", "NONSENSE"] else empty end),
		["control", "a\u0001b"]
	elif $type == "integer" then
		["type", "1"], ["type", true], ["fraction", 1.5], ["type", [1]], ["type", {}],
		["huge", 1e300], ["negative", -9007199254740999],
		(if $s.minimum then ["too small", $s.minimum - 1] else empty end),
		(if $s.maximum and $s.maximum < 9007199254740991 then ["too large", $s.maximum + 1] else empty end)
	elif $type == "boolean" then ["type", "true"], ["type", 1], ["type", []]
	elif $type == "array" then ["type", 1], ["type", "x"], ["type", {}],
		(if ($s.minItems // 0) > 0 then ["empty", []] else empty end),
		(if $s.items.type? == "integer" then ["repeated", [1, 1]], ["inner type", ["1"]] else empty end)
	elif $type == "object" then ["type", 1], ["type", "x"]
	else empty end;
$doc.paths | to_entries[] | .key as $path | .value | to_entries[] | select(.value.requestBody) |
(.key | ascii_upcase) as $method | (.value.requestBody.content["application/json"].schema | deref) as $schema |
((($schema.required // [])[] | [., "missing", {}]),
 ($schema.properties | to_entries[] | .key as $name | .value | bad($name) | [$name, .[0], {($name): .[1]}])) |
[$method, $path, .[0], .[1], (.[2] | tojson)] | @tsv
END
jq -rn --slurpfile d "$document" '$d[0] as $doc | '"$(cat "$TEST_DIR/bodies.jq")" >"$TEST_DIR/bodies" ||
	bail "the table of bodies"
cmp_ok "$(wc -l <"$TEST_DIR/bodies")" -gt 100 "a table of bodies"

wrong=0
while IFS=$'\t' read -r method path field what data; do
	# only a real gateway knows paymentKey
	[ "$path $field" != '/payment paymentKey' ] || continue
	data=$(printf '%s' "$data" | sed 's/\\\\/\\/g')
	request "$method" "$(printf '%s' "$path" | sed 's/{[A-Za-z]*}/802/g')" "$data"
	named=$(json "[.errors[]?.field] | any(. == \"$field\" or startswith(\"$field.\") or startswith(\"${field}[\"))")
	if [ "$status" != 400 ] || [ "$named" != true ]; then
		wrong=$((wrong + 1))
		diag "$method $path $field $what ${data:0:80}: $status ${body:0:300}"
	fi
done <"$TEST_DIR/bodies"
is "$wrong" 0 "every wrong field is 400 and named"

# --- what no body may be ---------------------------------------------------------------------------
printf '{"a":"\xff"}' >"$TEST_DIR/utf8"
printf '{"a":"x\0y"}' >"$TEST_DIR/nul"
deep=$(printf '[%.0s' {1..17})1$(printf ']%.0s' {1..17})
wrong=0
while read -r method path; do
	path=$(printf '%s' "$path" | sed 's/{[A-Za-z]*}/802/g')
	for data in '{' '{}x' '[]' '"x"' 'null' '{"a":1,"a":2}' '{"a":"\u0000"}' '{"a":01}' "{\"a\":$deep}" \
		'{"a":"\ud800"}' "@$TEST_DIR/utf8" "@$TEST_DIR/nul" $'\xef\xbb\xbf{}'; do
		request "$method" "$path" "$data"
		[ "$status" = 400 ] || { wrong=$((wrong + 1)); diag "$method $path $data: $status"; }
	done
	request "$method" "$path" '' -H 'Content-Type: text/plain' --data-binary '{}'
	[ "$status" = 415 ] || { wrong=$((wrong + 1)); diag "$method $path media type: $status"; }
	head -c 70000 /dev/zero | tr '\0' ' ' >"$TEST_DIR/large"
	request "$method" "$path" "@$TEST_DIR/large"
	[ "$status" = 413 ] || { wrong=$((wrong + 1)); diag "$method $path large: $status"; }
done < <(jq -r '.paths | to_entries[] | .key as $p | .value | to_entries[] | select(.value.requestBody) |
	"\(.key | ascii_upcase) \($p)"' "$document")
is "$wrong" 0 "every route refuses bad JSON, other media types and large bodies"

# --- path ids ----------------------------------------------------------------------------------------
wrong=0
while read -r method path; do
	for id in 0 -1 1.5 abc 01 1e3 +1 %31%00 9007199254740992 99999999999999999999 '1%20' '%EF%BC%91'; do
		request "$method" "${path/\{id\}/$id}" ''
		[ "$status" = 400 ] || { wrong=$((wrong + 1)); diag "$method $path $id: $status ${body:0:200}"; }
	done
	[ "$method" = GET ] || continue
	request "$method" "${path/\{id\}/$big}" ''
	case $status in 404) ;; *) wrong=$((wrong + 1)); diag "$method $path $big: $status ${body:0:200}" ;; esac
done < <(jq -r '.paths | to_entries[] | select(.key | contains("{")) |
	(.key | sub("\\{[A-Za-z]+\\}"; "{id}")) as $p | .value | keys[] | "\(ascii_upcase) \($p)"' "$document" |
	grep -v '^PATCH')
is "$wrong" 0 "every id out of range is 400, one that doesn't exist 404"

# --- queries -----------------------------------------------------------------------------------------
wrong=0
while IFS=$'\t' read -r path name kind; do
	bad=("$name=1&$name=1" "$name=%ff" "$name=%00" "$name=%zz")
	case $kind in
	integer) bad+=("$name=" "$name=x" "$name=1.5" "$name=-1" "$name=99999999999999999999") ;;
	enum) bad+=("$name=NONSENSE") ;;
	esac
	case $name in
	limit) bad+=("limit=101" "limit=0") ;;
	*Id) bad+=("$name=0") ;;
	cursor) bad+=("cursor=AAAA" "cursor=$(head -c 300 /dev/zero | tr '\0' a)") ;;
	from | to) bad+=("$name=yesterday" "$name=2026-02-30") ;;
	esac
	for query in "${bad[@]}"; do
		request GET "$path?$query"
		[ "$status" = 400 ] || { wrong=$((wrong + 1)); diag "$path?$query: $status ${body:0:200}"; }
	done
done < <(jq -r '.paths | to_entries[] | .key as $p | .value.get // empty | .parameters[]? |
	select(.in == "query") | [$p, .name, (if .schema.enum then "enum" else .schema.type end)] | @tsv' "$document")
is "$wrong" 0 "every wrong query parameter is 400"
done_testing
