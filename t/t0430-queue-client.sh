#!/usr/bin/env bash
# web/queue-client.js, the client rule, in Node.
. "$(dirname "$0")/lib.sh"
command -v node >/dev/null || skip_all "node is not installed"
# a module by its name, wherever the tree has no package.json
cp "$SOURCE_DIR/web/queue-client.js" "$TEST_DIR/queue-client.mjs"
QUEUE_CLIENT=$TEST_DIR/queue-client.mjs node "$SOURCE_DIR/t/queue/client_test.mjs" >"$TEST_DIR/client" 2>&1
while IFS= read -r line; do
	case $line in
	ok*) pass "${line#*- }" ;;
	'not ok'*) fail "${line#*- }" ;;
	1..*) ;;
	*) diag "$line" ;;
	esac
done <"$TEST_DIR/client"
is "$(tail -1 "$TEST_DIR/client")" "1..$(grep -c '^\(not \)\?ok' "$TEST_DIR/client")" "the test came to its end"
cmp_ok "$(grep -c '^ok' "$TEST_DIR/client")" -ge 41 "all was checked"
done_testing
