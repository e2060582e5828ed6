# shellcheck shell=bash disable=SC2154
# What scripts/up does to one instance, step by step: sourced by it, never run.

# --- folders --------------------------------------------------------------------------------------

# PostgreSQL, Redis, nginx' workers and our programs run as unprivileged users when we are root.
# Where these may not go (a checkout under /root), their files live in a folder of ours elsewhere,
# recorded in etc/data and linked from the state.
make_state() {
	local outside='' run name
	mkdir -p "$STATE" "$ETC" "$LOG"
	chmod 700 "$ETC"
	chmod 750 "$LOG"
	reaches "$DATABASE_USER" "$STATE" && reaches "$SERVICE_USER" "$STATE" || outside=yes
	if [ -s "$ETC/data" ]; then
		DATA=$(<"$ETC/data")
	elif [ -n "$outside" ]; then
		DATA=/var/lib/concert-mania/$(printf '%s' "$STATE" | sha256sum | cut -c1-12)
		printf '%s\n' "$DATA" >"$ETC/data"
	else
		DATA=$STATE
	fi
	if [ "$DATA" != "$STATE" ]; then
		mkdir -p "$DATA"
		chmod 755 "${DATA%/*}" "$DATA"
	fi
	for name in pg redis; do
		mkdir -p "$DATA/$name"
		[ "$DATA" = "$STATE" ] || ln -sfn "$DATA/$name" "$STATE/$name"
	done
	chmod 700 "$DATA/pg" "$DATA/redis"
	make_run_folder "$outside"
	if as_root; then
		chown "$DATABASE_USER" "$DATA/pg"
		chown "$SERVICE_USER" "$DATA/redis"
	fi
}

# A Unix socket's path has 107 bytes at most: too deep a state keeps its sockets under /tmp.
make_run_folder() {
	local run
	run=$RUN
	if [ -L "$RUN" ]; then
		run=$(readlink "$RUN")
	elif [ -n "$1" ] || [ ${#RUN} -gt 80 ]; then
		run=$(mktemp -d /tmp/cm.XXXXXX)
		ln -s "$run" "$RUN"
	fi
	RUN_REAL=$run
	mkdir -p "$run" "$run/pg" "$run/redis" "$run/metrics" "$run/wake" "$run/nginx"
	chmod 711 "$run"
	chmod 750 "$run/pg" "$run/redis" "$run/metrics" "$run/wake"
	if as_root; then
		chown "$DATABASE_USER:$SERVICE_GROUP" "$run/pg"
		chown "$SERVICE_USER:$SERVICE_GROUP" "$run/redis" "$run/metrics" \
			"$run/wake" "$run/nginx"
	fi
}

# --- settings ---------------------------------------------------------------------------------------

# Nobody answers there (a refused connect is the wanted answer).
port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below the kernel's own range, so that no outgoing connection sits on it.
free_port() {
	local candidate
	while :; do
		candidate=$((10000 + (RANDOM * 32768 + RANDOM) % 20000))
		port_is_free "$candidate" && break
	done
	printf '%s' "$candidate"
}

# Options win over what the last start recorded; that wins over the defaults.
read_instance() {
	local PORT='' OPS_PORT='' LISTEN='' PROFILE=''
	# shellcheck disable=SC1091
	[ ! -r "$ETC/instance.env" ] || . "$ETC/instance.env"
	ANY_PORT=
	if [ "$port" = 0 ]; then
		port=$PORT
		[ -n "$port" ] || { port=$(free_port); ANY_PORT=yes; }
	fi
	port=${port:-${PORT:-8080}}
	ops_port=${ops_port:-$OPS_PORT}
	case $ops_port in '' | 0) ops_port=$(free_port) ;; esac
	listen=${listen:-${LISTEN:-127.0.0.1}}
	profile=${profile:-${PROFILE:-${CM_PROFILE:-demo}}}
	write_instance
}

write_instance() {
	cat >"$ETC/instance.env" <<END
PORT=$port
OPS_PORT=$ops_port
LISTEN=$(quote "$listen")
PROFILE=$profile
END
}

# Names of all settings: those of the programs and those of these scripts.
setting_names() {
	sed -n 's/^CONF(\([A-Z0-9_]*\),.*/CM_\1/p' "$SOURCE_DIR/lib/base/conf.def"
	printf 'CM_LIMIT_%s\n' SIGNIN_RATE SIGNUP_RATE QUEUE_RATE RESERVATION_RATE TOKEN_RATE QUEUE_TOKEN_RATE \
		PAYMENT_RATE WEBHOOK_RATE
	printf 'CM_TRUSTED_PROXY\n'
	printf 'CM_DATABASE_ADMIN_URL\nCM_DATABASE_CONNECTIONS\n'
}

# Settings from the environment are kept, so that a plain scripts/up repeats them.
collect_settings() {
	local setting name file=$ETC/local.env
	touch "$file"
	chmod 600 "$file"
	for setting in $(setting_names); do
		for name in "$setting" "${setting}_FILE"; do
			case $name in CM_PROFILE | CM_METRICS_DIR | CM_WAKE_DIR) continue ;; esac
			[ -n "${!name+set}" ] || continue
			sed -i "/^$name=/d" "$file"
			[ -z "${!name}" ] || printf '%s=%s\n' "$name" "$(quote "${!name}")" >>"$file"
			unset "$name"
		done
	done
}

# Made once; a state keeps its keys as long as its data.
make_secrets() {
	local file=$ETC/secrets.env name
	(umask 077 && touch "$file")
	for name in CM_TOKEN_KEYS CM_PASS_KEYS CM_TICKET_KEYS CM_AUDIT_KEYS CM_PASS_KEY CM_TICKET_KEY \
		CM_QUEUE_KEY CM_AUDIT_KEY CM_CURSOR_KEY; do
		grep -q "^CONF(${name#CM_}," "$SOURCE_DIR/lib/base/conf.def" || continue
		grep -q "^$name=" "$file" && continue
		case $name in
		*_KEYS) printf "%s='k1:%s'\n" "$name" "$(openssl rand -base64 32)" ;;
		*) printf "%s='%s'\n" "$name" "$(openssl rand -base64 32)" ;;
		esac >>"$file"
	done
	if [ "$profile" = demo ] && ! grep -q '^ADMIN_PASSWORD=' "$file"; then
		printf "ADMIN_PASSWORD='demo-%s'\nUSER_PASSWORD='demo-%s'\n" \
			"$(openssl rand -hex 6)" "$(openssl rand -hex 6)" >>"$file"
	fi
}

# etc/cm.env: everything a program of this instance needs in its environment.
write_settings() {
	local new=$ETC/cm.env.new own_pg own_redis
	own_pg="host=$RUN_REAL/pg dbname=concert_mania"
	own_redis="unix://$RUN_REAL/redis/redis.sock"
	{
		printf 'CM_PROFILE=%s\n' "$profile"
		printf 'CM_METRICS_DIR=%s\n' "$(quote "$RUN_REAL/metrics")"
		printf 'CM_WAKE_DIR=%s\n' "$(quote "$RUN_REAL/wake")"
		printf 'CM_BIN_DIR=%s\n' "$(quote "$(programs_dir)")"
		grep -q '^CM_DATABASE_URL' "$ETC/local.env" || {
			printf 'CM_DATABASE_URL=%s\n' "$(quote "$own_pg")"
			printf 'CM_DATABASE_ADMIN_URL=%s\n' "$(quote "$own_pg user=postgres")"
		}
		grep -q '^CM_REDIS_URL' "$ETC/local.env" || printf 'CM_REDIS_URL=%s\n' "$(quote "$own_redis")"
		grep '^CM_' "$ETC/secrets.env"
		cat "$ETC/local.env"
	} >"$new"
	chmod 600 "$new"
	mv "$new" "$ETC/cm.env"
}

# What would not start is said before anything is started.
check_settings() {
	[ "$profile" = production ] || return 0
	local why
	why=$("$build/fcgi/cm-payment" --check 2>&1 >/dev/null) || die "not started: $why"
}

owns_database() { ! grep -q '^CM_DATABASE_URL' "$ETC/local.env"; }
owns_redis() { ! grep -q '^CM_REDIS_URL' "$ETC/local.env"; }

# --- PostgreSQL and Redis -----------------------------------------------------------------------------

workers_of() {
	local name=CM_POOL_${1^^}_WORKERS
	printf '%s' "${!name:-$(sed -n "s/^CONF(${name#CM_}, INTEGER, \"\([0-9]*\)\".*/\1/p" \
		"$SOURCE_DIR/lib/base/conf.def")}"
}

# A connection a worker, twice while a pool rolls, and room for daemons and people.
connections() {
	local pool sum=0
	for pool in "${POOLS[@]}"; do
		sum=$((sum + $(workers_of "$pool")))
	done
	printf '%s' "${CM_DATABASE_CONNECTIONS:-$((2 * sum + 40))}"
}

make_cluster() {
	local bin=$1 dir=$DATA/pg
	[ ! -s "$dir/PG_VERSION" ] || return 0
	if [ -n "${CM_CLUSTER_TEMPLATE:-}" ]; then # scripts/check: a stopped cluster with demo data
		cp -a --reflink=auto "$CM_CLUSTER_TEMPLATE/." "$dir"
		return
	fi
	say "making a PostgreSQL cluster"
	(cd / && as_user "$DATABASE_USER" "$bin/initdb" -D "$dir" -U postgres -E UTF8 --locale=C.UTF-8 \
		--auth=trust --no-sync --no-instructions) >"$LOG/initdb.log" 2>&1 ||
		die "initdb failed: see $LOG/initdb.log"
}

# Rewritten at every start: the socket's folder and the sizes may have changed.
configure_cluster() {
	local dir=$DATA/pg user
	grep -q concert-mania.conf "$dir/postgresql.conf" ||
		printf "include_if_exists 'concert-mania.conf'\n" >>"$dir/postgresql.conf"
	cat >"$dir/concert-mania.conf" <<END
listen_addresses = ''
unix_socket_directories = '$RUN_REAL/pg'
max_connections = $(connections)
shared_buffers = 256MB
synchronous_commit = on
max_wal_size = 2GB
checkpoint_timeout = 15min
wal_compression = on
jit = off
random_page_cost = 1.1
log_min_duration_statement = 250
# a parameter may be an address or a hash
log_parameter_max_length = 0
log_line_prefix = '%m [%p] %u '
log_lock_waits = on
deadlock_timeout = 200ms
idle_in_transaction_session_timeout = 60s
tcp_keepalives_idle = 30
timezone = 'UTC'
log_timezone = 'UTC'
END
	# The socket's folder keeps strangers out; within it only the operator may be superuser.
	cat >"$dir/pg_hba.conf" <<'END'
local all postgres peer map=operator
local replication postgres peer map=operator
local all all trust
END
	for user in postgres root "$DATABASE_USER" "$(id -un)"; do
		printf 'operator %s postgres\n' "$user"
	done | sort -u >"$dir/pg_ident.conf"
	! as_root || chown "$DATABASE_USER" "$dir"/{concert-mania,pg_hba,pg_ident}.conf
}

# A killed postmaster that its parent has not reaped yet still counts as running for the next one.
await_reaped() {
	local pid
	pid=$(head -n 1 "$1" 2>/dev/null) || return 0
	while grep -qs '^State:.Z' "/proc/$pid/status"; do sleep 0.05; done
}

start_database() {
	local bin
	bin=$(postgres_bin) || die "PostgreSQL is not installed"
	pid_of pg >/dev/null && return 0
	make_cluster "$bin"
	configure_cluster
	await_reaped "$DATA/pg/postmaster.pid"
	start_process pg "$DATABASE_USER" "$bin/postgres" -D "$DATA/pg"
}

start_redis() {
	pid_of redis >/dev/null && return 0
	start_process redis "$SERVICE_USER" redis-server --port 0 --unixsocket "$RUN_REAL/redis/redis.sock" \
		--unixsocketperm 770 --dir "$DATA/redis" --appendonly yes --appendfsync everysec \
		--save '' --maxmemory-policy noeviction --daemonize no --loglevel notice
}

# await SECONDS NAME COMMAND...: polls; gives up when the process NAME died.
await() {
	local tries=$(($1 * 20)) name=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		if [ "$tries" -le 0 ] || { [ -n "$name" ] && ! pid_of "$name" >/dev/null; }; then
			[ -z "$name" ] || tail -20 "$LOG/$name.log" >&2 || true
			return 1
		fi
		sleep 0.05
	done
}

start_servers() {
	! owns_database || start_database
	! owns_redis || start_redis
	if owns_database; then
		await 60 pg psql -X -d "host=$RUN_REAL/pg dbname=postgres user=postgres" -c 'select 1' ||
			die "PostgreSQL did not start"
		psql -X -q -At -d "host=$RUN_REAL/pg dbname=postgres user=postgres" \
			-c "select 1 from pg_database where datname = 'concert_mania'" | grep -q 1 ||
			psql -X -q -d "host=$RUN_REAL/pg dbname=postgres user=postgres" \
				-c 'create database concert_mania'
	fi
	if owns_redis; then
		await 60 redis redis_answers || die "Redis did not start"
	fi
	"$SOURCE_DIR/scripts/migrate" --state "$STATE" "${demo_data[@]}" 9<&- ||
		die "the schema could not be brought up to date"
}

# A build with a seeded bug (configure --enable-bug, for the tests of the tests) has its half in the
# database too. It never serves anybody in earnest.
seed_bug() {
	local bug
	bug=$(cat "$1/t/bug/seeded" 2>/dev/null) || return 0
	[ "$bug" != no ] || return 0
	[ "$profile" = demo ] || die "this build has the seeded bug '$bug': it is for tests only"
	say "THIS BUILD HAS THE SEEDED BUG '$bug': it is for tests only"
	psql -X -q -v ON_ERROR_STOP=1 -d "${CM_DATABASE_ADMIN_URL:-$CM_DATABASE_URL}" \
		-f "$SOURCE_DIR/t/bug/$bug.sql" >/dev/null || die "the bug could not be seeded"
}

redis_answers() { redis-cli -s "$RUN_REAL/redis/redis.sock" ping | grep -q PONG; }

# --- programs -------------------------------------------------------------------------------------------

# Where the programs are run from: copies of this instance's own. A worker that is replaced while somebody
# builds would be newer than the schema, and a roll finds the new program where the old one was.
programs_dir() { printf '%s' "$DATA/bin"; }

copy_programs() {
	local program
	for program in "$build"/fcgi/cm-* "$build"/daemon/cm-*; do
		[ -x "$program" ] && [ -f "$program" ] || continue
		program=${program#"$build"/}
		mkdir -p "$CM_BIN_DIR/${program%/*}"
		cmp -s "$build/$program" "$CM_BIN_DIR/$program" && continue
		cp "$build/$program" "$CM_BIN_DIR/$program.new"
		mv "$CM_BIN_DIR/$program.new" "$CM_BIN_DIR/$program"
	done
	for program in "$CM_BIN_DIR"/*/cm-*; do # what another build had
		[ -x "$build/${program#"$CM_BIN_DIR"/}" ] || rm -f "$program"
	done
	chmod -R go+rX "$CM_BIN_DIR"
}

# Refused here, not by PostgreSQL at the peak of a sale.
check_connections() {
	copy_programs
	[ -x "$CM_BIN_DIR/daemon/cm-admin" ] || return 0
	"$CM_BIN_DIR/daemon/cm-admin" connections >"$LOG/connections.log" && return
	cat "$LOG/connections.log" >&2
	die "too few connections for these settings; nothing was started or changed that ran"
}

# The demo's own accounts; whoever exists already is left alone.
create_accounts() {
	local ADMIN_PASSWORD='' USER_PASSWORD=''
	copy_programs
	[ "$profile" = demo ] && [ -x "$CM_BIN_DIR/daemon/cm-admin" ] || return 0
	eval "$(grep -E '^(ADMIN|USER)_PASSWORD=' "$ETC/secrets.env")"
	[ ! -e "$ETC/accounts-made" ] || return 0
	printf '%s' "$ADMIN_PASSWORD" | "$CM_BIN_DIR/daemon/cm-admin" create --name 운영자 \
		--email "$ADMIN_EMAIL" --role ROLE_ADMIN >>"$LOG/cm-admin.log" 2>&1 &&
		printf '%s' "$USER_PASSWORD" | "$CM_BIN_DIR/daemon/cm-admin" create --name 체험회원 \
			--email "$USER_EMAIL" --role ROLE_USER >>"$LOG/cm-admin.log" 2>&1 ||
		die "could not create the demo accounts: see $LOG/cm-admin.log"
	touch "$ETC/accounts-made"
}

# The settings among the lines of an environment.
settings_in() {
	local names
	names=$(setting_names | paste -sd '|')
	grep -aE "^($names)(_FILE)?=" | sort
}

# May be rolled: the pool differs in nothing but its programs. One that ran from the build folder itself
# (before there were copies) finds the new ones there.
differs_in_programs() { # PID COMMAND...
	local pid=$1 runs
	shift
	runs=$(tr '\0' ' ' <"/proc/$pid/cmdline")
	while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done
	shift
	[ "${runs% }" = "$*" ] || [ "${runs% }" = "${*//"$CM_BIN_DIR"/"$build"}" ] || return 1
	cmp -s <(tr '\0' '\n' <"/proc/$pid/environ" | settings_in) <(env | settings_in)
}

# Processes come and go while it looks: what grep makes of that is no matter.
children_of() { { grep -lsx "PPid:	$1" /proc/[0-9]*/status || true; } | cut -d/ -f3 | sort; }
has_none_of() { [ -z "$(comm -12 <(printf '%s\n' "$2") <(children_of "$1"))" ]; }
has_others() { [ -n "$(comm -13 <(printf '%s\n' "$2") <(children_of "$1"))" ]; }

# Each worker is replaced by a new one first, so no request fails.
roll_pool() { # NAME PID
	local workers
	workers=$(children_of "$2")
	kill -HUP "$2"
	await 180 "$1" has_none_of "$2" "$workers" ||
		die "the new workers of the pool $1 don't stay; the old ones go on. See $LOG/$1.log"
}

# run_program NAME USER FILE COMMAND...: started unless it runs with these settings and this file. A pool
# with new programs and the same settings is rolled.
run_program() {
	local name=$1 user=$2 file=$3 signature pid
	shift 3
	signature=$( (stat -c '%Y %s %i' "$file" "$CM_BIN_DIR/fcgi/cm-pool" 2>/dev/null
		printf '%s\n' "$@"
		cat "$ETC/cm.env") | sha256sum)
	if pid=$(pid_of "$name"); then
		[ "$signature" != "$(cat "$RUN/$name.signature" 2>/dev/null)" ] || return 0
		if [ "$1" = spawn-fcgi ] && differs_in_programs "$pid" "$@"; then
			roll_pool "$name" "$pid"
		else
			stop_process "$name" TERM 25
		fi
	fi
	pid_of "$name" >/dev/null || start_process "$name" "$user" "$@"
	printf '%s\n' "$signature" >"$RUN/$name.signature"
}

start_programs() {
	local pool workers name drop=()
	# the socket is made where only root may write, then spawn-fcgi drops root's rights
	! as_root || drop=(-u "$SERVICE_USER" -g "$SERVICE_GROUP")
	for pool in "${POOLS[@]}"; do
		[ -x "$CM_BIN_DIR/fcgi/cm-$pool" ] || continue
		workers=$(workers_of "$pool")
		# a pool that runs owns its socket; one left by a dead pool only stands in the way
		pid_of "$pool" >/dev/null || rm -f "$RUN_REAL/$pool.sock"
		run_program "$pool" "$(id -un)" "$CM_BIN_DIR/fcgi/cm-$pool" \
			spawn-fcgi -n -s "$RUN_REAL/$pool.sock" -M 0660 -b $((workers * 64)) "${drop[@]}" -- \
			"$CM_BIN_DIR/fcgi/cm-pool" -n "$workers" -- "$CM_BIN_DIR/fcgi/cm-$pool"
	done
	for name in relay 'consumer reservation' 'consumer notification' 'consumer cache' 'consumer mail' sweeper reconciler; do
		# shellcheck disable=SC2086
		set -- $name
		[ -x "$CM_BIN_DIR/daemon/cm-$1" ] || { stop_process "${name/ /-}" TERM 25; continue; }
		run_program "${name/ /-}" "$SERVICE_USER" "$CM_BIN_DIR/daemon/cm-$1" "$CM_BIN_DIR/daemon/cm-$1" "${@:2}"
	done
}

# --- nginx --------------------------------------------------------------------------------------------

render_nginx() {
	local file target=$ETC/nginx.new user='' lift=0 listens files
	rm -rf "$target"
	mkdir -p "$target"
	! as_root || user="user $SERVICE_USER $SERVICE_GROUP;"
	[ "$profile" != demo ] || lift=1
	files=$(ulimit -Hn) # a request needs two: the client's connection and the pool's
	case $files in *[!0-9]*) files=65536 ;; esac
	[ "$files" -le 65536 ] || files=65536
	listens="listen $listen:$port backlog=4096;"
	if [ "$listen" = 127.0.0.1 ] && grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null; then
		listens+=" listen [::1]:$port backlog=4096;"
	fi
	for file in "$SOURCE_DIR"/nginx/*; do
		[ -f "$file" ] || continue
		sed -e "s|@USER@|$user|g" -e "s|@LISTEN@|$listens|g" -e "s|@OPS_PORT@|$ops_port|g" \
			-e "s|@RUN@|$RUN_REAL|g" -e "s|@LOG@|$LOG|g" -e "s|@DATA@|$DATA|g" \
			-e "s|@ETC@|$ETC/nginx|g" -e "s|@SOURCE@|$SOURCE_DIR|g" -e "s|@FILES@|$files|g" \
			-e "s|@CONNECTIONS@|$((files / 4))|g" -e "s|@LIFT_LOOPBACK@|$lift|g" \
			-e "s|@SIGNIN_RATE@|${CM_LIMIT_SIGNIN_RATE:-10}|g" \
			-e "s|@SIGNUP_RATE@|${CM_LIMIT_SIGNUP_RATE:-5}|g" \
			-e "s|@QUEUE_RATE@|${CM_LIMIT_QUEUE_RATE:-50}|g" \
			-e "s|@RESERVATION_RATE@|${CM_LIMIT_RESERVATION_RATE:-50}|g" \
			-e "s|@PAYMENT_RATE@|${CM_LIMIT_PAYMENT_RATE:-50}|g" \
			-e "s|@WEBHOOK_RATE@|${CM_LIMIT_WEBHOOK_RATE:-200}|g" \
			-e "s|@TRUSTED_PROXY@|$(trusted_proxies)|g" \
			-e "s|@QUEUE_TOKEN_RATE@|${CM_LIMIT_QUEUE_TOKEN_RATE:-1}|g" \
			-e "s|@TOKEN_RATE@|${CM_LIMIT_TOKEN_RATE:-50}|g" \
			"$file" >"$target/$(basename "$file" .in)"
	done
}

# CM_TRUSTED_PROXY: addresses or networks, separated by spaces.
trusted_proxies() {
	local address
	for address in ${CM_TRUSTED_PROXY:-}; do
		case $address in *[!0-9a-fA-F.:/]*) die "CM_TRUSTED_PROXY: no address: $address" ;; esac
		printf 'set_real_ip_from %s; ' "$address"
	done
	[ -z "${CM_TRUSTED_PROXY:-}" ] || printf 'real_ip_header X-Real-IP;'
}

# A configuration that a running nginx refuses (a zone with another key) it only logs.
reload_nginx() { # PID
	local workers
	workers=$(children_of "$1")
	kill -HUP "$1"
	await 20 nginx has_others "$1" "$workers" ||
		die "nginx refused its new settings and goes on with the old ones: see $LOG/nginx-error.log"
}

start_nginx() {
	local nginx=/usr/sbin/nginx signature pid attempt
	render_nginx
	signature=$(cd "$ETC/nginx.new" && cat ./* | sha256sum)
	if pid=$(pid_of nginx); then
		[ "$signature" = "$(cat "$RUN/nginx.signature" 2>/dev/null)" ] && return 0
		install_nginx_conf
		reload_nginx "$pid"
		printf '%s\n' "$signature" >"$RUN/nginx.signature"
		return 0
	fi
	for attempt in 1 2 3 4 5; do
		install_nginx_conf
		port_is_free "$port" || [ -n "$ANY_PORT" ] ||
			die "port $port is taken; choose another one with --port N"
		start_process nginx "$(id -un)" "$nginx" -p "$RUN_REAL/nginx/" -e "$LOG/nginx-error.log" \
			-c "$ETC/nginx/nginx.conf" -g 'daemon off;'
		if await 30 nginx nginx_answers; then
			printf '%s\n' "$(cat "$ETC/nginx"/* | sha256sum)" >"$RUN/nginx.signature"
			return 0
		fi
		[ -n "$ANY_PORT" ] && grep -q "bind() to" <(tail -20 "$LOG/nginx.log") || break
		say "trying other ports ($attempt)"
		port=$(free_port)
		ops_port=$(free_port)
		write_instance
		render_nginx
	done
	tail -5 "$LOG/nginx-error.log" >&2 || true
	die "nginx did not start"
}

install_nginx_conf() {
	rm -rf "$ETC/nginx"
	mv "$ETC/nginx.new" "$ETC/nginx"
}

# Ours, not somebody else's on that port.
nginx_answers() {
	[ "$(curl -s -m 2 "http://127.0.0.1:$ops_port/instance")" = "$RUN_REAL" ]
}

# --- the end ----------------------------------------------------------------------------------------------

public_url() {
	case $listen in
	0.0.0.0 | \*) printf 'http://127.0.0.1:%s' "$port" ;;
	*) printf 'http://%s:%s' "$listen" "$port" ;;
	esac
}

await_ready() {
	local file
	[ -x "$CM_BIN_DIR/fcgi/cm-ops" ] || { warn "no cm-ops in this build: not waiting"; return 0; }
	if ! await 60 nginx curl -sf -m 5 "http://127.0.0.1:$ops_port/readyz"; then
		curl -s -m 5 "http://127.0.0.1:$ops_port/readyz" >&2 || true
		for file in "$LOG"/ops.log "$LOG"/nginx-error.log; do
			tail -5 "$file" >&2 || true
		done
		die "the service did not get ready; its logs are in $LOG"
	fi
}

write_demo_env() {
	local ADMIN_PASSWORD='' USER_PASSWORD='' new=$STATE/demo.env.new
	[ "$profile" != demo ] ||
		eval "$(grep -E '^(ADMIN|USER)_PASSWORD=' "$ETC/secrets.env")"
	(umask 077 && cat >"$new") <<END
BASE_URL=$(quote "$(public_url)")
OPS_URL=$(quote "http://127.0.0.1:$ops_port")
ADMIN_EMAIL=$(quote "${ADMIN_PASSWORD:+$ADMIN_EMAIL}")
ADMIN_PASSWORD=$(quote "$ADMIN_PASSWORD")
USER_EMAIL=$(quote "${USER_PASSWORD:+$USER_EMAIL}")
USER_PASSWORD=$(quote "$USER_PASSWORD")
DATABASE_URL=$(quote "${CM_DATABASE_ADMIN_URL:-$CM_DATABASE_URL}")
REDIS_URL=$(quote "$CM_REDIS_URL")
END
	mv "$new" "$STATE/demo.env"
}

print_summary() {
	local option=''
	[ "$STATE" = "$SOURCE_DIR/var" ] || option=" --state $STATE"
	say ""
	say "Concert Mania ($profile) answers at $(public_url)"
	say "  internal: http://127.0.0.1:$ops_port/metrics   logs: $LOG"
	if [ "$profile" = demo ]; then
		(
			# shellcheck disable=SC1091
			. "$STATE/demo.env"
			say "  administrator: $ADMIN_EMAIL  $ADMIN_PASSWORD"
			say "  member:        $USER_EMAIL  $USER_PASSWORD"
		)
		say ""
		say "Next: scripts/demo$option      (the whole journey, each request and answer)"
	fi
	say "Stop: scripts/down$option"
}

print_status() {
	local name pid missing=0
	[ -d "$RUN" ] || { say "nothing runs in $STATE"; return 1; }
	for name in $(recorded_names); do
		if pid=$(pid_of "$name"); then
			printf '%-24s running  pid %-8s since %s\n' "$name" "$pid" \
				"$(stat -c %y "$RUN/$name.start" | cut -d. -f1)"
		else
			printf '%-24s DEAD\n' "$name"
			missing=1
		fi
	done
	[ -n "$(recorded_names)" ] || { say "nothing runs in $STATE"; return 1; }
	# shellcheck disable=SC1091
	[ ! -r "$STATE/demo.env" ] || say "address                  $(. "$STATE/demo.env" && say "$BASE_URL")"
	return "$missing"
}
