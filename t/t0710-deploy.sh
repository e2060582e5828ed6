#!/usr/bin/env bash
# What an operator is given works: every alarm has its page in the runbook, every block of commands of
# the runbook runs, the units, rules and containers are valid where their tools are installed.
. "$(dirname "$0")/lib.sh"
deploy=$SOURCE_DIR/deploy
runbook=$deploy/RUNBOOK.md
grep -o 'alert: .*' "$deploy/prometheus/alerts.yml" | cut -d' ' -f2 | sort >"$TEST_DIR/alarms"
sed -n 's/^## //p' "$runbook" | sort >"$TEST_DIR/pages"
cmp_ok "$(wc -l <"$TEST_DIR/alarms")" -ge 20 "there are alarms"
is "$(comm -23 "$TEST_DIR/alarms" "$TEST_DIR/pages" | tr '\n' ' ')" '' "each has its page in the runbook"
is "$(comm -13 "$TEST_DIR/alarms" "$TEST_DIR/pages" | tr '\n' ' ')" 'Backing up DiskFull Restoring Upgrading ' \
	"no page is about an alarm that is gone"

# --- the runbook's commands, as they stand, in a folder like a checkout's -------------------------------------
start_instance
mkdir "$TEST_DIR/checkout"
for file in "$SOURCE_DIR"/*; do
	[ "${file##*/}" = var ] || ln -s "$file" "$TEST_DIR/checkout/"
done
ln -s "$STATE" "$TEST_DIR/checkout/var"
awk -v dir="$TEST_DIR" '/^```sh/ { file = sprintf("%s/block%02d", dir, ++n); next }
	/^```/ { file = ""; next } file { print > file }' "$runbook"
cmp_ok "$(ls "$TEST_DIR"/block* | wc -l)" -ge 5 "it has blocks of commands"
for block in "$TEST_DIR"/block*; do
	out=$(cd "$TEST_DIR/checkout" && bash -u "$block" 2>&1 </dev/null)
	code=$?
	# a grep that finds nothing says 1, and that is an answer
	if [ "$code" -le 1 ] && ! grep -qiE '(error|fatal): |No such|not found|usage:|unbound' <<<"$out"; then
		pass "it runs: $(head -1 "$block")"
	else
		fail "it runs: $(head -1 "$block")" "$code: $out"
	fi
done
# and those within sentences name scripts that exist
is "$(grep -oE 'scripts/[a-z-]+' "$runbook" | sort -u | while read -r script; do [ -x "$SOURCE_DIR/$script" ] || echo "$script"; done)" \
	'' "every script it names is there"
raised() { request GET "$OPS_URL/metrics" && grep -q '^cm_pool_workers_wanted{pool="reservation"} 7$' <<<"$body"; }
await raised
pass "one worker more, as the page says"

# --- units, rules, containers -----------------------------------------------------------------------------------
if command -v systemd-analyze >/dev/null; then
	units=$TEST_DIR/units
	mkdir "$units"
	cp "$deploy"/systemd/*.service "$deploy"/systemd/*.target "$units"
	for unit in pool@reservation daemon@relay consumer@cache; do
		cp "$units/concert-mania-${unit%@*}@.service" "$units/concert-mania-$unit.service"
		said=$(SYSTEMD_UNIT_PATH=$units: systemd-analyze verify "$units/concert-mania-$unit.service" 2>&1 |
			grep concert-mania | grep -v -e 'is not executable' -e 'Failed to connect')
		is "$said" '' "$unit: the unit is valid"
		score=$(systemd-analyze security --offline=yes --no-pager "$units/concert-mania-$unit.service" 2>&1 |
			sed -n 's/.*exposure level for.*: \([0-9.]*\) .*/\1/p')
		like "${score:-none}" '^([01]\.[0-9]|2\.0|none)$' "$unit: an exposure level of at most 2.0 ($score)"
	done
else
	pass "units: systemd-analyze is not installed # SKIP"
fi
if command -v promtool >/dev/null; then
	ok "the rules are valid" promtool check rules "$deploy/prometheus/alerts.yml"
	ok "the scrape configuration is valid" promtool check config "$deploy/prometheus/prometheus.yml"
else
	pass "rules: promtool is not installed # SKIP"
fi
if command -v docker >/dev/null && docker compose version >/dev/null 2>&1; then
	ok "the containers are described validly" env POSTGRES_PASSWORD=x docker compose -f "$deploy/compose/compose.yaml" config -q
else
	pass "containers: docker compose is not installed # SKIP"
fi
# Everything the programs are linked with is in the image, or it would not start there.
ok "the image is built with what scripts/up installs" bash -c '
	. "$0/scripts/common.sh"
	for package in "${PACKAGES_BUILD[@]}"; do
		grep -qw -- "$package" "$0/deploy/compose/Dockerfile" || { echo "$package"; exit 1; }
	done' "$SOURCE_DIR"
done_testing
