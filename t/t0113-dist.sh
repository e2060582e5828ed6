#!/usr/bin/env bash
# make distcheck: the tarball has all that a build out of tree needs, and its make check passes there
# for the tests which need no servers. Of the checkout as it is, in a folder of its own.
. "$(dirname "$0")/lib.sh"
source_copy=$TEST_DIR/source
copy_source "$source_copy"
mkdir "$TEST_DIR/build"
ok "autoreconf" autoreconf -fi "$source_copy"
cd "$TEST_DIR/build" || bail "no build folder"
ok "configure" "$source_copy/configure"
programs=$(make -s -C "$TEST_DIR/build" -f - -f Makefile <<<'print-units: ; @echo $(filter t/unit/% t/gate/%,$(TESTS))' print-units)
like "$programs" 't/unit/base_test' "the unit tests are among the tests"
ok "make distcheck" make -s distcheck "TESTS=$programs"
like "$(ls)" 'concert-mania-.*\.tar\.xz' "there is a tarball"
done_testing
