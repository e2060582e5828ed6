# shellcheck shell=bash
# TAP in shell. A test sources this, makes checks, and ends with done_testing:
#
#   . "$(dirname "$0")/lib.sh"
#   start_instance
#   request GET /concert/802
#   is "$status" 200 "the concert is there"
#   is "$(json .id)" 802 "with its id"
#   done_testing
#
# Whatever start_instance started is stopped at exit, also after a failure.

set -u
SOURCE_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD_DIR=${CM_BUILD_DIR:-$SOURCE_DIR/build}
export BUILD_DIR
TOOLS_DIR=$BUILD_DIR # stays when a test changes to another build
TEST_DIR=$(mktemp -d "${TMPDIR:-/tmp}/cmt.XXXXXX")
chmod 755 "$TEST_DIR"
checks=0
failures=0
planned=
instances=()
status='' body='' headers='' token=''

# Settings of whoever runs the tests are not those of an instance.
while IFS= read -r name; do
	unset "$name"
done < <(compgen -v | grep '^CM_' | grep -v -e '^CM_BUILD_DIR$' -e '^CM_CLUSTER_TEMPLATE$' -e '^CM_AWAIT_SECONDS$' -e '^CM_LONG$' -e '^CM_KAFKA' -e '^CM_API')

# --- checks ---------------------------------------------------------------------------------------

diag() { printf '%s\n' "$*" | sed 's/^/# /'; }

# pass / fail NAME [explanation]
pass() { checks=$((checks + 1)); printf 'ok %d - %s\n' "$checks" "$1"; }
fail() {
	checks=$((checks + 1))
	failures=$((failures + 1))
	printf 'not ok %d - %s\n' "$checks" "$1"
	[ -z "${2:-}" ] || diag "$2"
	diag "at ${BASH_SOURCE[2]:-?} line ${BASH_LINENO[1]:-?}; last answer: $status ${body:0:600}"
	return 0
}
# ok NAME COMMAND...
ok() {
	local name=$1
	shift
	if "$@" >"$TEST_DIR/ok.out" 2>&1; then pass "$name"; else fail "$name" "$* : $(tail -5 "$TEST_DIR/ok.out")"; fi
}
# is GOT WANTED NAME
is() { if [ "$1" = "$2" ]; then pass "$3"; else fail "$3" "got '$1', wanted '$2'"; fi; }
isnt() { if [ "$1" != "$2" ]; then pass "$3"; else fail "$3" "got '$1'"; fi; }
# like GOT EXTENDED-REGEX NAME
like() { if [[ $1 =~ $2 ]]; then pass "$3"; else fail "$3" "got '$1', wanted /$2/"; fi; }
unlike() { if [[ $1 =~ $2 ]]; then fail "$3" "got '$1', unwanted /$2/"; else pass "$3"; fi; }
# cmp_ok A -lt B NAME
cmp_ok() { if test "$1" "$2" "$3"; then pass "$4"; else fail "$4" "$1 $2 $3 is false"; fi; }
skip_all() { printf '1..0 # SKIP %s\n' "$1"; planned=yes; exit 0; }
bail() { printf 'Bail out! %s\n' "$1"; planned=yes; exit 1; }
done_testing() {
	[ ${#instances[@]} = 0 ] || is "$(secrets_in_logs)" '' "no secret is in the logs"
	conforms
	printf '1..%d\n' "$checks"
	planned=yes
	[ "$failures" = 0 ]
	exit
}

# --- requests ---------------------------------------------------------------------------------------

# request METHOD PATH [BODY] [curl options]: sets status, body and headers. With token set it is
# sent. The path is relative to BASE_URL unless it is a whole address.
request() {
	local method=$1 url=$2 data=${3-} options=()
	shift 2
	[ $# = 0 ] || shift
	[[ $url == http* ]] || url=$BASE_URL$url
	[ -z "$token" ] || options+=(-H "Authorization: Bearer $token")
	[ -z "$data" ] || options+=(-H 'Content-Type: application/json' --data-binary "$data")
	[ "$method" != HEAD ] || options+=(-I)
	: >"$TEST_DIR/body"
	: >"$TEST_DIR/headers"
	status=$(curl -sS -g --path-as-is -X "$method" -D "$TEST_DIR/headers" -o "$TEST_DIR/body" \
		-w '%{http_code}' "${options[@]}" "$@" "$url" 2>"$TEST_DIR/curl")
	body=$(tr -d '\0' <"$TEST_DIR/body")
	headers=$(tr -d '\r' <"$TEST_DIR/headers")
	[ "$method" != HEAD ] || body=
	[[ $url != "${BASE_URL:-none}"/* ]] || printf '%s\0' "$method" "${url#"$BASE_URL"}" "$data" \
		"$status" "$headers" "$body" >>"$TEST_DIR/journal.$BASHPID"
}
# header NAME: of the last answer; empty when absent.
header() { printf '%s\n' "$headers" | sed -n "s/^$1: *//Ip" | tail -1; }
# json FILTER: of the last answer's body, raw.
json() { printf '%s' "$body" | jq -r "$1" 2>/dev/null; }

# problem STATUS CODE NAME: the last answer is that problem, in the common shape.
problem() {
	is "$status $(json .code)" "$1 $2" "$3"
	[ "$(header Content-Type)" = application/problem+json ] ||
		fail "$3: is problem+json" "Content-Type: $(header Content-Type)"
}

# Every answer that request got is as the API's description says. Debian's own Python has jsonschema.
conforms() {
	local python=python3
	compgen -G "$TEST_DIR/journal.*" >/dev/null || return 0
	"$python" -c 'import jsonschema' 2>/dev/null || python=/usr/bin/python3
	is "$("$python" "$SOURCE_DIR/t/tool/conformance" "$SOURCE_DIR/web/openapi.json" "$TEST_DIR"/journal.* 2>&1 |
		grep -v ', 0 deviations$')" '' "every answer is as the document says"
}

# sign_up EMAIL [PASSWORD]; sign_in EMAIL [PASSWORD] prints the access token.
sign_up() {
	curl -s -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' "$BASE_URL/member" \
		-d "{\"name\":\"Tester\",\"email\":\"$1\",\"password\":\"${2:-secret-$1}\"}"
}
sign_in() {
	curl -s -H 'Content-Type: application/json' "$BASE_URL/auth/signin" \
		-d "{\"email\":\"$1\",\"password\":\"${2:-secret-$1}\"}" | jq -r '.accessToken // empty'
}
# member EMAIL: signs up and in, sets token.
member() {
	sign_up "$1" "secret-$1" >/dev/null
	token=$(sign_in "$1" "secret-$1")
	[ -n "$token" ] || bail "could not sign in as $1"
}

# sign_tokens: from here on `as MEMBER [ROLE]` sets token to one signed with the instance's key; members
# need no account for it.
sign_tokens() {
	CM_TOKEN_KEYS=$(setting_of CM_TOKEN_KEYS)
	export CM_TOKEN_KEYS
}
as() { token=$(python3 "$SOURCE_DIR/t/queue/access_token.py" "$@"); }

# sql TEXT: as the superuser of the instance; rows, columns split by |.
sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$DATABASE_URL" -c "$1"; }
redis() { redis-cli -s "${REDIS_URL#unix://}" "$@"; }

# await COMMAND...: until it succeeds. What takes minutes never comes: the test ends there.
await() {
	local give_up=$((SECONDS + ${CM_AWAIT_SECONDS:-180}))
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$give_up" ] ||
			bail "waited in vain for: $* (line ${BASH_LINENO[0]}); last answer: $status ${body:0:300}"
		sleep 0.05
	done
}

# --- secrets ------------------------------------------------------------------------------------------

# What must be in no log of any instance: passwords, tokens, hashes, keys, addresses. Prints where it
# is, not what. What the test itself tells PostgreSQL as its superuser is its own affair.
secrets_in_logs() {
	local state file
	for state in "${instances[@]}"; do
		[ -d "$state/log" ] || continue
		{
			printf '%s\n' 'secret-[a-z0-9]' '@example\.com' '@demo\.concert-mania' 'eyJ[A-Za-z0-9_-]{10,}\.' \
				'argon2id\$' '[Bb]earer [A-Za-z0-9]' '[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{4}'
			sed -n "s/^[A-Z_]*\(PASSWORD\|KEY\)='\(..*\)'\$/\2/p; s/^[A-Z_]*KEYS='[^:]*:\(..*\)'\$/\1/p" \
				"$state/etc/secrets.env" 2>/dev/null | sed 's/[+.$*]/\\&/g'
		} >"$TEST_DIR/secrets"
		for file in "$state"/log/*.log; do
			case ${file##*/} in initdb.log) continue ;; esac
			awk '/^[0-9-]+ [0-9:.]+ [A-Z]+ \[[0-9]+\]/ { own = $5 == "postgres" } !own' "$file" |
				grep -aqEf "$TEST_DIR/secrets" && printf '%s ' "${file##*/}"
		done
	done
}

# copy_source FOLDER: the checkout as it is, without what was built in it.
copy_source() {
	mkdir "$1"
	(cd "$SOURCE_DIR" && tar -cf - --exclude=./build --exclude=./build-* --exclude=./var --exclude=./.git \
		--exclude=./autom4te.cache --exclude=./configure .) | tar -xf - -C "$1"
}

# --- load ---------------------------------------------------------------------------------------------

# load_requests TOKEN: a request of every pool, for t/tool/load, none of which leaves anything behind.
load_requests() {
	printf '%s\t%s\t%s\t%s\t%s\n' \
		401 - POST /auth/refresh '{"refreshToken":"load"}' \
		200 "$1" GET /member/me '' 200 "$1" GET /concert/802 '' 200 "$1" GET /seat/665 '' \
		200,201 "$1" POST /concert/802/queue '' 200 "$1" GET /concert/802/queue/status '' \
		200 "$1" GET /reservation '' 404 "$1" GET /payment/9007199254740991 '' 200 - GET /readyz ''
}
# start_load NAME REQUESTS [CLIENTS [keep]]: goes on until stop_load NAME; answers in TEST_DIR/NAME.out.
start_load() {
	rm -f "$TEST_DIR/$1.stop" "$TEST_DIR/$1.out"
	"$SOURCE_DIR/t/tool/load" "$BASE_URL" "$2" "$TEST_DIR/$1.out" "$TEST_DIR/$1.stop" "${@:3}" &
	printf '%s' $! >"$TEST_DIR/$1.pid"
	await test -s "$TEST_DIR/$1.out"
}
stop_load() {
	touch "$TEST_DIR/$1.stop"
	wait "$(cat "$TEST_DIR/$1.pid")"
}
# loaded NAME: answers so far; loaded_more NAME COUNT waits for so many more.
loaded() { wc -l <"$TEST_DIR/$1.out"; }
loaded_more() {
	await loaded_past "$1" $(($(loaded "$1") + $2))
}
loaded_past() { [ "$(loaded "$1")" -ge "$2" ]; }
# bad_answers NAME: the lines of those that were not what was allowed
bad_answers() { grep ' bad ' "$TEST_DIR/$1.out" || true; }

# at_once COUNT PATH: as many GETs at the same moment; prints each status with how often it came.
at_once() {
	local n calls=() answers=$TEST_DIR/at-once
	rm -rf "$answers"
	mkdir "$answers"
	for n in $(seq "$1"); do
		curl -s -o /dev/null -w '%{http_code}\n' -H "Authorization: Bearer $token" "$BASE_URL$2" >"$answers/$n" &
		calls[n]=$!
	done
	wait "${calls[@]}"
	cat "$answers"/* | sort | uniq -c | tr -s ' \n' ' '
}

# --- sales --------------------------------------------------------------------------------------------

need_rush() { [ -x "$TOOLS_DIR/t/rush/rush" ] || skip_all "t/rush/rush isn't built"; }
# rush_members LAST: members 1001 to LAST, whose tokens t/rush makes itself.
rush_members() {
	sql "insert into cm.member (id, email, email_key, name, password_hash)
		select n, 'r' || n || '@example.com', 'r' || n || '@example.com', 'r', '!'
		from generate_series(1001, $1) n" >/dev/null
}
# rush_concerts IDS [TICKETS]: whoever comes buys there at once, as many, and holds end quickly.
rush_concerts() {
	sql "update cm.concert set hold_seconds = 2, queue_mode = 'none', max_tickets_per_member = ${2:-8}
		where id in ($1)" >/dev/null
}
# rush HISTORY [setting=value ...]: a sale; prints its summary.
rush() {
	CM_TOKEN_KEYS=$(setting_of CM_TOKEN_KEYS) "$TOOLS_DIR/t/rush/rush" port="${BASE_URL##*:}" history="$1" "${@:2}"
}

# sale_is_quiet [CONCERT]: nothing is held or on its way any more, in that concert or in all.
sale_is_quiet() {
	[ "$(sql "select (select count(*) from cm.reservation where status in ('PENDING', 'PAID')
			and concert_id = coalesce(${1:-null}, concert_id))
		+ (select count(*) from cm.delivery where done_at is null)
		+ (select count(*) from cm.outbox where published_at is null)")" = 0 ]
}
# sale_is_sound HISTORY CONCERT: what t/verify says, in TEST_DIR/verified. A seat cache that was blind
# for a while heals when it is read, which is done first.
sale_is_sound() {
	request GET "/concert/$2/seat/status"
	"$SOURCE_DIR/t/verify" "$DATABASE_URL" "$TEST_DIR/$1" "${REDIS_URL#unix://}" >"$TEST_DIR/verified" || {
		body=$(grep BROKEN "$TEST_DIR/verified")
		return 1
	}
}
database_is_gone() { ! psql -X -d "$DATABASE_URL" -c 'select 1'; }

# --- instances -----------------------------------------------------------------------------------------

# start_instance [options of scripts/up]: one of its own on free ports, shared build folder; sets
# STATE and the variables of its demo.env. Called twice it starts a second one.
start_instance() {
	STATE=$TEST_DIR/state${#instances[@]}
	instances+=("$STATE")
	up "$@" || bail "scripts/up failed: $(tail -c 2000 "$TEST_DIR/up.log" | tr '\n' '~')"
}
# up [options]: starts (again) the instance in STATE.
up() {
	"$SOURCE_DIR/scripts/up" --state "$STATE" --build "$BUILD_DIR" --no-build --port 0 "$@" \
		>"$TEST_DIR/up.log" 2>&1 || return 1
	# shellcheck disable=SC1091
	. "$STATE/demo.env"
}
# setting_of NAME: as the instance's programs have it
setting_of() { bash -c '. "$0/etc/cm.env"; printf %s "${!1}"' "$STATE" "$1"; }
down() { "$SOURCE_DIR/scripts/down" --state "${1:-$STATE}" >>"$TEST_DIR/down.log" 2>&1; }

# use_points: the programs from here on are those a test may kill at a point (lib/base/point.h); built
# once for all tests.
use_points() {
	local points=$BUILD_DIR/points
	mkdir -p "$points"
	exec 7>"$points/.lock"
	flock 7
	[ -e "$points/Makefile" ] || (cd "$points" && "$SOURCE_DIR/configure" -q --enable-points) >"$TEST_DIR/configure" 2>&1 ||
		bail "configure --enable-points failed: $(tail -3 "$TEST_DIR/configure")"
	make -s -C "$points" -j2 all >"$TEST_DIR/make" 2>&1 || bail "the build failed: $(tail -5 "$TEST_DIR/make")"
	exec 7>&-
	BUILD_DIR=$points
	mkdir -m 777 "$TEST_DIR/orders"
	install -m 666 /dev/null "$TEST_DIR/deaths"
	export CM_POINT=@$TEST_DIR/orders CM_POINT_LOG=$TEST_DIR/deaths
}

finish_test() {
	local result=$? state file
	trap - EXIT
	if [ -z "$planned" ]; then
		printf 'Bail out! %s ended early (exit status %s)\n' "${0##*/}" "$result"
		result=1
	fi
	if [ "$result" != 0 ]; then
		for state in "${instances[@]}"; do
			for file in "$state"/log/*.log; do
				case ${file##*/} in access.log | initdb.log) continue ;; esac
				[ -s "$file" ] || continue
				diag "--- ${file##*/}"
				grep -v '"level":"info"' "$file" | tail -15 | cut -c1-400 | sed 's/^/# /'
			done
		done
	fi
	for state in "${instances[@]}"; do
		"$SOURCE_DIR/scripts/down" --state "$state" --purge >/dev/null 2>&1
	done
	jobs -p | xargs -r kill 2>/dev/null
	rm -rf "$TEST_DIR"
	exit "$result"
}
trap finish_test EXIT
trap 'exit 130' INT TERM
