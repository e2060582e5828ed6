#!/usr/bin/env bash
# No program hands a function of ours to a shared library: jansson, inside libjwt, once called our
# json_integer instead of its own.
. "$(dirname "$0")/lib.sh"

for program in "$BUILD_DIR"/fcgi/cm-* "$BUILD_DIR"/daemon/cm-*; do
	case $program in *.o) continue ;; esac
	[ -x "$program" ] || continue
	is "$(nm -D --defined-only "$program" | awk '$2 == "T" { print $3 }')" "" \
		"${program##*/} exports no function"
done
done_testing
