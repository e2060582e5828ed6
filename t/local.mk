# Everything speaks TAP: libcheck programs and shell tests share automake's driver.
TEST_EXTENSIONS = .sh
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
AM_TESTS_ENVIRONMENT = CK_TAP_LOG_FILE_NAME=-; CK_VERBOSITY=silent; \
  export CK_TAP_LOG_FILE_NAME CK_VERBOSITY; \
  top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; CM_BUILD_DIR='$(abs_top_builddir)'; \
  export top_srcdir top_builddir CM_BUILD_DIR;
EXTRA_DIST += $(dist_tests)
dist_tests =

TESTS += t/t0601-concert.sh t/t0603-cache.sh
dist_tests += t/t0601-concert.sh t/t0603-cache.sh

# Unit tests link the library without a single driver: a leak of one into a domain is a link error.
UNIT_LIBS = libconcertmania.a $(CHECK_LIBS)

check_PROGRAMS += t/unit/metrics_test
TESTS += t/unit/metrics_test
t_unit_metrics_test_SOURCES = t/unit/metrics_test.c
t_unit_metrics_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
t_unit_metrics_test_LDADD = $(UNIT_LIBS)

check_PROGRAMS += t/tool/metrics_print
t_tool_metrics_print_SOURCES = t/tool/metrics_print.c
t_tool_metrics_print_LDADD = libconcertmania.a

TESTS += t/t0110-pool.sh
dist_tests += t/t0110-pool.sh
dist_tests += t/t0112-ops.sh

dist_tests += t/t0201-auth.sh
dist_tests += t/t0202-openapi.sh

EXTRA_DIST += t/queue/draw.py t/queue/properties.py t/queue/redis_server.py t/queue/gaps.py t/queue/rebase.py \
  t/queue/restore.py t/queue/cases.py t/queue/access_token.py t/queue/client_rule.py t/queue/faithful.py
dist_tests += t/t0400-queue-properties.sh t/t0410-queue-http.sh t/t0420-queue-crowd.sh \
  t/t0430-queue-client.sh
EXTRA_DIST += t/queue/client_test.mjs t/queue/crowd_http.py t/queue/loss_http.py web/queue-client.js
EXTRA_DIST += scripts/audit-draw
dist_tests += t/t0411-passes.sh t/t0412-turns.sh t/t0413-queue-operator.sh t/t0414-queue-settings.sh \
  t/t0415-queue-loss.sh t/t0422-queue-loss.sh
dist_tests += t/t0203-authorisation.sh t/t0204-wrong-input.sh

# Holds a history of t/rush and the database against the invariants.
EXTRA_DIST += t/verify t/verify.sql
dist_tests += t/t0500-payment.sh t/t0501-refund.sh t/t0502-toss.sh t/t0503-payment-kill.sh \
  t/t0504-events.sh t/t0505-kafka.sh t/t0506-event-kill.sh t/t0507-mail.sh t/t0509-money-rules.sh \
  t/tool/toss t/tool/mail-server t/tool/mailbox
EXTRA_DIST += t/tool/load
dist_tests += t/t0300-booking.sh
dist_tests += t/t0301-rush.sh
dist_tests += t/t0302-verify.sh
dist_tests += t/t0303-seat-cache.sh
EXTRA_DIST += scripts/crowd t/bench/queue-redis
dist_tests += t/t0605-replica.sh t/tool/standby
dist_tests += t/t0606-connections.sh
dist_tests += t/t0608-retention.sh
dist_tests += t/t0607-statements.sh t/tool/fill.sql
dist_tests += t/t0609-organiser-size.sh
dist_tests += t/t0113-dist.sh
dist_tests += t/t0304-seeded-bugs.sh
dist_tests += t/t0305-sale.sh
dist_tests += t/t0205-api-tools.sh
EXTRA_DIST += t/tool/conformance
dist_tests += t/t0114-check.sh
dist_tests += t/t0508-reconcile.sh
