#!/usr/bin/env bash
# No program exports a name of ours: libjwt's jansson has a json_integer too, and the dynamic linker
# would hand it the program's (signing in died of that).
. "$(dirname "$0")/lib.sh"
for program in "$BUILD_DIR"/fcgi/cm-* "$BUILD_DIR"/daemon/cm-*; do
	[ -f "$program" ] && [ -x "$program" ] || continue
	is "$(nm -D --defined-only "$program" | awk '$2 == "T" && $3 !~ /^_/ {print $3}' | head -5)" "" "${program##*/} exports nothing"
done
done_testing
