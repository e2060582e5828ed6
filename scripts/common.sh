# shellcheck shell=bash disable=SC2034
# Shared by the scripts of this folder: sourced, never run.
#
# A state folder DIR holds one instance: etc/ (settings, secrets), run/ (sockets, pid files), log/,
# pg/, redis/. Processes are recorded in run/NAME.pid with their start time in run/NAME.start, so
# that nothing but what was started here is ever signalled.

set -euo pipefail

SOURCE_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
POOLS=(auth member concert queue reservation payment ops)

say() { printf '%s\n' "$*"; }
warn() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { warn "$*"; exit 1; }

as_root() { [ "$(id -u)" = 0 ]; }

# Runs a command as another user without a process in between (unlike su and runuser).
as_user() {
	local user=$1
	shift
	if as_root && [ "$user" != root ]; then
		exec setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups -- "$@"
	fi
	exec "$@"
}

# May this user enter this folder?
reaches() { (cd / && as_user "$1" test -x "$2") 2>/dev/null; }

# Who runs what: as root nothing that talks to the outside keeps root's rights.
choose_users() {
	if as_root; then
		SERVICE_USER=www-data
		DATABASE_USER=postgres
		id -u postgres >/dev/null 2>&1 || DATABASE_USER=nobody
	else
		SERVICE_USER=$(id -un)
		DATABASE_USER=$SERVICE_USER
	fi
	SERVICE_GROUP=$(id -gn "$SERVICE_USER")
}

# Sets STATE and the paths in it.
use_state() {
	STATE=$(realpath -m -- "$1")
	ETC=$STATE/etc
	RUN=$STATE/run
	LOG=$STATE/log
}

# Field 22 of /proc/PID/stat: with the pid it names a process for good. Empty when it is gone
# (a zombie counts as gone).
start_time() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
	stat=${stat##*) }
	# shellcheck disable=SC2086
	set -- $stat
	[ "$1" = Z ] || printf '%s' "${20}"
}

# Prints the pid of NAME if it runs and is ours.
pid_of() {
	local pid
	[ -s "$RUN/$1.pid" ] && [ -s "$RUN/$1.start" ] || return 1
	pid=$(<"$RUN/$1.pid")
	[ -n "$pid" ] && [ "$(start_time "$pid")" = "$(<"$RUN/$1.start")" ] || return 1
	printf '%s' "$pid"
}

# start_process NAME USER COMMAND...: in the background, in a session of its own, output to
# log/NAME.log. Locks held by the script (descriptors 8 and 9) aren't handed on.
start_process() {
	local name=$1 user=$2 pid
	shift 2
	(
		exec 8>&- 9>&- </dev/null >>"$LOG/$name.log" 2>&1
		cd /
		if as_root && [ "$user" != root ]; then
			exec setsid setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups -- "$@"
		fi
		exec setsid "$@"
	) &
	pid=$!
	printf '%s\n' "$pid" >"$RUN/$name.pid"
	start_time "$pid" >"$RUN/$name.start"
}

# stop_process NAME SIGNAL SECONDS: asks, waits, then kills.
stop_process() {
	local name=$1 signal=$2 tries=$(($3 * 20)) pid
	if pid=$(pid_of "$name"); then
		kill "-$signal" "$pid" 2>/dev/null || true
		while pid_of "$name" >/dev/null; do
			if [ "$tries" -le 0 ]; then
				warn "$name did not stop by itself; killing it"
				# The pool's workers and the servers' children share the session.
				kill -KILL -- "-$pid" 2>/dev/null || kill -KILL "$pid" 2>/dev/null || true
				tries=1000
			fi
			tries=$((tries - 1))
			sleep 0.05
		done
	fi
	rm -f "$RUN/$name.pid" "$RUN/$name.start" "$RUN/$name.signature"
}

# All names that were ever started here, in the order they have to stop.
recorded_names() {
	local name file
	[ -d "$RUN" ] || return 0
	for name in nginx "${POOLS[@]}"; do
		[ -e "$RUN/$name.pid" ] && printf '%s\n' "$name"
	done
	for file in "$RUN"/*.pid; do
		name=${file##*/}
		name=${name%.pid}
		case " nginx redis pg ${POOLS[*]} * " in
		*" $name "*) ;;
		*) printf '%s\n' "$name" ;;
		esac
	done
	for name in redis pg; do
		[ -e "$RUN/$name.pid" ] && printf '%s\n' "$name"
	done
	return 0
}

postgres_bin() {
	local dir
	for dir in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -t/ -k5 -rn); do
		[ -x "$dir/postgres" ] && printf '%s' "$dir" && return 0
	done
	return 1
}

# Exports the settings of the instance in DIR.
load_settings() {
	[ -r "$ETC/cm.env" ] || die "no settings in $STATE: run scripts/up first"
	set -a
	# shellcheck disable=SC1091
	. "$ETC/cm.env"
	set +a
}

# quote VALUE: as a word for sh.
quote() { printf "'%s'" "${1//\'/\'\\\'\'}"; }

# --- packages ---------------------------------------------------------------------------------

PACKAGES_BUILD=(gcc libc6-dev make autoconf automake pkg-config check libpq-dev libhiredis-dev
	libcjson-dev libjwt-dev libargon2-dev libssl-dev libunistring-dev libfcgi-dev libcurl4-openssl-dev
	libqrencode-dev)
PACKAGES_RUN=(nginx-light postgresql redis-server spawn-fcgi curl jq openssl util-linux)
PACKAGES_CHECK=(shellcheck binutils procps xz-utils python3 python3-jsonschema nodejs libfaketime)
PACKAGES_WEB=(npm)
PACKAGES_API=(npm python3-venv)
PACKAGES_KAFKA=(librdkafka-dev default-jre-headless maven)

package_installed() {
	case $1 in # whatever brings the program will do
	nginx-light) [ -x /usr/sbin/nginx ] && return ;;
	npm) command -v npm >/dev/null && return ;;
	nodejs) command -v node >/dev/null && return ;;
	python3) command -v python3 >/dev/null && return ;;
	maven) command -v mvn >/dev/null && return ;;
	default-jre-headless) command -v java >/dev/null && return ;;
	postgresql) postgres_bin >/dev/null && [ -x /usr/bin/psql ] && return ;;
	esac
	dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# require_packages NAME...: installs what is missing, without starting any service.
require_packages() {
	local package missing=() runner=()
	for package in "$@"; do
		package_installed "$package" || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	if as_root; then
		runner=(env)
	elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		runner=(sudo -n env)
	else
		warn "these Debian packages are missing and I may not install them. As root:"
		printf '  apt-get install --no-install-recommends %s\n' "${missing[*]}" >&2
		exit 1
	fi
	say "installing ${missing[*]}"
	install_packages "${missing[@]}" || {
		"${runner[@]}" DEBIAN_FRONTEND=noninteractive apt-get -qq update
		install_packages "${missing[@]}"
	} || die "could not install: ${missing[*]}"
}

# Exim for the tests of e-mail: only its program is wanted, so it is not started, at boot neither. A host
# with another mail server keeps that; the test is skipped there.
require_mail_server() {
	[ ! -x /usr/sbin/exim4 ] || return 0
	! dpkg-query -W -f '${db:Status-Status} ${Provides}\n' | grep '^installed .*mail-transport-agent' >/dev/null || return 0
	require_packages exim4-daemon-light
	if as_root; then update-rc.d exim4 disable; else sudo -n update-rc.d exim4 disable; fi >/dev/null 2>&1 || true
}

# Uses runner of its caller. A policy of our own keeps the packages from starting the system's
# servers; one that exists already is left alone.
install_packages() {
	local policy=/usr/sbin/policy-rc.d ours='' result=0
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' | "${runner[@]}" sh -c "cat >$policy && chmod 755 $policy"
		ours=yes
	fi
	"${runner[@]}" DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 install -y \
		--no-install-recommends "$@" </dev/null >/dev/null || result=$?
	[ -z "$ours" ] || "${runner[@]}" rm -f "$policy"
	return "$result"
}

# --- build --------------------------------------------------------------------------------------

# build_tree DIR [configure options]: autoreconf, configure and make, each only when needed.
build_tree() {
	local build=$1
	shift
	mkdir -p "$build"
	exec 8<"$SOURCE_DIR/configure.ac"
	flock 8
	if configure_is_old; then
		say "running autoreconf"
		(cd "$SOURCE_DIR" && autoreconf -fi) >"$build/autoreconf.log" 2>&1 || {
			tail -30 "$build/autoreconf.log" >&2
			die "autoreconf failed"
		}
		# autoreconf leaves an unchanged file's time alone, which would make it look old for ever
		touch "$SOURCE_DIR/configure" "$SOURCE_DIR/Makefile.in"
	fi
	exec 8<&-
	exec 8>"$build/.lock"
	flock 8
	if [ ! -e "$build/config.status" ] || [ "$SOURCE_DIR/configure" -nt "$build/config.status" ]; then
		say "configuring $build"
		(cd "$build" && "$SOURCE_DIR/configure" "$@") >"$build/configure.log" 2>&1 || {
			tail -30 "$build/configure.log" >&2
			die "configure failed"
		}
	fi
	make -s -C "$build" Makefile >"$build/make.log" 2>&1 || { tail -20 "$build/make.log" >&2; exit 1; }
	# objects don't depend on the flags they are compiled with
	if ! grep -E '^(AM_)?(CPP|C)FLAGS = ' "$build/Makefile" | cmp -s - "$build/.flags"; then
		[ ! -e "$build/.flags" ] && [ ! -e "$build/libconcertmania.a" ] || make -s -C "$build" clean
		grep -E '^(AM_)?(CPP|C)FLAGS = ' "$build/Makefile" >"$build/.flags"
	fi
	make -s -C "$build" -j"$(nproc)" all >"$build/make.log" 2>&1 || {
		tail -40 "$build/make.log" >&2
		die "the build failed (all of it in $build/make.log)"
	}
	exec 8>&-
}

configure_is_old() {
	local file
	[ -e "$SOURCE_DIR/configure" ] && [ -e "$SOURCE_DIR/Makefile.in" ] || return 0
	while IFS= read -r file; do
		[ "$file" -nt "$SOURCE_DIR/configure" ] && return 0
	done < <(find "$SOURCE_DIR/configure.ac" "$SOURCE_DIR/Makefile.am" "$SOURCE_DIR/lib" \
		"$SOURCE_DIR/fcgi" "$SOURCE_DIR/daemon" "$SOURCE_DIR/t" \
		\( -name configure.ac -o -name Makefile.am -o -name local.mk \) 2>/dev/null)
	return 1
}
