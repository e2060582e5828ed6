#!/bin/sh
# The parent of a pool: starts, replaces, rolls, resizes, drains, and never leaves orphans.
builddir=${top_builddir:-build}
dir=$(mktemp -d "${TMPDIR:-/tmp}/cm-pool-XXXXXX") || exit 99
number=0 failed=0 pool=
CM_METRICS_DIR=$dir/metrics TEST_DIR=$dir
export CM_METRICS_DIR TEST_DIR
mkdir "$dir/metrics"
trap 'test -z "$pool" || kill -9 "$pool" 2>/dev/null; rm -rf "$dir"' EXIT

# ok TEXT COMMAND...: one line of TAP from the command's status
ok() {
	text=$1; shift
	number=$((number + 1))
	if "$@" >"$dir/why" 2>&1; then
		echo "ok $number - $text"
	else
		echo "not ok $number - $text"
		sed 's/^/# /' "$dir/why" "$dir/pool.log" | tail -30
		failed=1
	fi
}
# await COMMAND...: until it is true; gives up after about a minute
await() {
	tries=3000
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		test $tries -gt 0 || { echo "never true: $*"; return 1; }
		sleep 0.02
	done
}
is() { test "$1" = "$2" || { echo "got '$1', wanted '$2'"; return 1; }; }

cat > "$dir/worker" <<'PERL'
#!/usr/bin/perl
# Writes what happens to it into one file; what it does is said by the file "mode".
use strict; use warnings; use IO::Handle;
my $dir = $ENV{TEST_DIR};
open(my $log, '>>', "$dir/events") or die; $log->autoflush(1);
open(my $file, '<', "$dir/mode") or die; chomp(my $mode = <$file>);
sub tell_it { syswrite($log, "$_[0] $ENV{CM_WORKER_SLOT} $$ $ENV{CM_POOL}\n") }
$SIG{TERM} = sub { return if $mode eq 'deaf'; tell_it('stop'); exit 0 };
tell_it('start');
print STDERR "worker speaks\n";
exit 3 if $mode eq 'crash';
exit 0 if $mode eq 'retire';
sleep 1000 while 1;
PERL
chmod +x "$dir/worker"

mode() { echo "$1" > "$dir/mode"; }
starts() { grep -c '^start' "$dir/events"; }
at_least() { test "$("$1")" -ge "$2"; }
# the pids that started, were not told to stop, and live
alive() {
	awk '$1 == "start" { print $3 }' "$dir/events" | while read -r pid; do
		case $(sed -n 's/^State:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null) in
		''|Z*) ;;
		*) echo "$pid" ;;
		esac
	done
}
alive_count() { alive | wc -l | tr -d ' '; }
live() { test "$(alive_count)" -eq "$1"; }
gone() { ! kill -0 "$1" 2>/dev/null; }
start_pool() { # WORKERS [OPTIONS]
	: > "$dir/events"
	count=$1; shift
	spawn-fcgi -n -s "$dir/sock" -M 0660 -b 64 -- "$builddir/fcgi/cm-pool" -n "$count" \
		--name demo "$@" -- "$dir/worker" >>"$dir/pool.log" 2>&1 &
	pool=$!
	await test -s "$dir/events"
}
stop_pool() { kill "$pool"; wait "$pool"; status=$?; pool=; return $status; }
metric() { "$builddir/t/tool/metrics_print" "$dir/metrics" | sed -n "s/^$1 //p"; }
metric_is() { is "$(metric "$1")" "$2"; }

mode live
start_pool 3
ok 'three workers start' await live 3
slots() { awk '$1 == "start" { print $2 }' "$dir/events" | sort | tr '\n' ' '; }
ok 'slots 0 to 2, one each' is "$(slots)" '0 1 2 '
ok 'they know their pool' is "$(awk '{ print $4 }' "$dir/events" | sort -u)" demo
ok 'their stderr is kept' grep -q 'worker speaks' "$dir/pool.log"

victim=$(awk '$2 == 1 { print $3 }' "$dir/events")
kill -9 "$victim"
ok 'a killed worker is replaced' await at_least starts 4
ok 'in the same slot' is "$(awk '$1 == "start" { s = $2 } END { print s }' "$dir/events")" 1
ok 'again three live' await live 3
ok 'the restart is counted' await metric_is 'cm_pool_restarts_total{pool="demo",reason="crash"}' 1
ok 'the level is published' await metric_is 'cm_pool_workers{pool="demo",state="running"}' 3

# resize SIGNAL WORKERS: and wait until the pool took the signal (equal ones would merge)
resize() {
	: > "$dir/pool.log"
	kill "$1" "$pool"
	await grep -q "pool resized.*\"workers\":$2}" "$dir/pool.log" && await live "$2"
}
ok 'SIGTTIN adds one' resize -TTIN 4
ok 'SIGTTOU takes one' resize -TTOU 3
resize -TTOU 2; resize -TTOU 1
ok 'never below one' resize -TTOU 1
resize -TTIN 2
ok 'and up again' resize -TTIN 3

# A roll: everybody new, never fewer than three running.
old=$(alive | sort | tr '\n' ' ')
: > "$dir/events"
: > "$dir/pool.log"
kill -HUP "$pool"
rolled() { test "$(grep -c 'worker stopped' "$dir/pool.log")" -eq 3 && live 3; }
ok 'SIGHUP replaces all' await rolled
ok 'by three new ones' is "$(starts)" 3
none_old() { for pid in $old; do if kill -0 "$pid" 2>/dev/null; then return 1; fi; done; }
ok 'the old ones are gone' await none_old
order=$(sed -n 's/.*"message":"worker \(st[a-z]*\)".*/\1/p' "$dir/pool.log" | tr '\n' ' ')
ok 'one by one, the new before the old' is "$order" \
	'started stopped started stopped started stopped '
ok 'slots stay among 0 to 3' is "$(awk '$2 > 3' "$dir/events")" ''

# A broken program can't roll a working one away.
old=$(alive | sort | tr '\n' ' ')
mode crash
before=$(starts)
kill -HUP "$pool"
ok 'a broken replacement is tried again' await at_least starts $((before + 3))
ok 'while the old ones live' is "$(alive | sort | tr '\n' ' ')" "$old"
mode live
ok 'and the roll ends when it is mended' await none_old
ok 'with three workers' await live 3

ok 'SIGTERM drains with status 0' stop_pool
ok 'nobody is left' await live 0
ok 'levels are zero then' await metric_is 'cm_pool_workers{pool="demo",state="running"}' 0

# Back-off: six deaths of one slot take at least half of 50+100+200+400+800 ms.
mode crash
begin=$(date +%s%N)
start_pool 1
await at_least starts 6
elapsed=$((($(date +%s%N) - begin) / 1000000))
ok "quick deaths are slowed down ($elapsed ms)" test "$elapsed" -ge 775
ok 'the pool outlives them' kill -0 "$pool"
ok 'and drains while it waits' stop_pool

mode retire
start_pool 2
ok 'retired workers are replaced' await at_least starts 8
mode live
ok 'and end in a full pool' await live 2
ok 'drained' stop_pool

mode deaf
start_pool 2 --drain 1
await live 2
ok 'a deaf worker is killed after the time to drain' stop_pool
ok 'both are gone' await live 0
ok 'that is counted' metric_is 'cm_pool_killed_total{pool="demo"}' 2

mode live
start_pool 2
await live 2
kill -9 "$pool"; wait "$pool" 2>/dev/null; pool=
ok 'workers go when the parent is killed' await live 0

refused() { "$@" >"$dir/out" 2>&1 </dev/null; test $? -eq 2; }
ok 'no socket: refused' refused "$builddir/fcgi/cm-pool" -n 1 -- "$dir/worker"
ok 'a socket open to all: refused' refused spawn-fcgi -n -s "$dir/open" -M 0666 -- \
	"$builddir/fcgi/cm-pool" -n 1 -- "$dir/worker"
ok 'told why' grep -q 'open to everybody' "$dir/out"
ok 'no program: refused' refused "$builddir/fcgi/cm-pool" -n 1 -- "$dir/none"
ok 'no workers: refused' refused "$builddir/fcgi/cm-pool" -n 0 -- "$dir/worker"
echo "1..$number"
exit $failed
