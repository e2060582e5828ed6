# Pure tests link no driver at all.
unit_tests = t/unit/base_test t/unit/auth_test
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)

check_PROGRAMS += t/unit/concert_test
TESTS += t/unit/concert_test
t_unit_concert_test_SOURCES = t/unit/concert_test.c t/unit/unit.h t/fake/concert_mem.c \
  t/fake/concert_mem.h
t_unit_concert_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
t_unit_concert_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
t_unit_concert_test_LDADD = $(UNIT_LIBS)

t_unit_base_test_SOURCES = t/unit/base_test.c t/unit/unit.h
t_unit_base_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
t_unit_base_test_LDADD = $(UNIT_LIBS)

check_PROGRAMS += t/unit/queue_test
TESTS += t/unit/queue_test
t_unit_queue_test_SOURCES = t/unit/queue_test.c t/unit/unit.h
t_unit_queue_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
t_unit_queue_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
t_unit_queue_test_LDADD = libconcertmania.a $(JWT_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS)

t_unit_auth_test_SOURCES = t/unit/auth_test.c t/unit/unit.h t/fake/auth_mem.c t/fake/auth_mem.h
t_unit_auth_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
t_unit_auth_test_LDADD = $(UNIT_LIBS)

check_PROGRAMS += t/unit/cancellation_test
TESTS += t/unit/cancellation_test
t_unit_cancellation_test_SOURCES = t/unit/cancellation_test.c t/unit/unit.h
t_unit_cancellation_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
t_unit_cancellation_test_LDADD = $(UNIT_LIBS)

check_PROGRAMS += t/unit/event_test
TESTS += t/unit/event_test
t_unit_event_test_SOURCES = t/unit/event_test.c t/unit/unit.h
t_unit_event_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
t_unit_event_test_LDADD = $(UNIT_LIBS)

check_PROGRAMS += t/unit/payment_test t/unit/reservation_test t/unit/ticket_test
TESTS += t/unit/payment_test t/unit/reservation_test t/unit/ticket_test
t_unit_payment_test_SOURCES = t/unit/payment_test.c t/unit/unit.h t/fake/payment_mem.c \
  t/fake/payment_mem.h
t_unit_payment_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
t_unit_payment_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
t_unit_payment_test_LDADD = $(UNIT_LIBS)

t_unit_reservation_test_SOURCES = t/unit/reservation_test.c t/unit/unit.h \
  t/fake/reservation_mem.c t/fake/reservation_mem.h
t_unit_reservation_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
t_unit_reservation_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
t_unit_reservation_test_LDADD = $(UNIT_LIBS)

# The codes of tickets are really signed.
t_unit_ticket_test_SOURCES = t/unit/ticket_test.c t/unit/unit.h t/fake/ticket_mem.c \
  t/fake/ticket_mem.h
t_unit_ticket_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
t_unit_ticket_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
t_unit_ticket_test_LDADD = libconcertmania.a $(CRYPTO_LIBS) $(CHECK_LIBS)

check_PROGRAMS += t/unit/notification_test
TESTS += t/unit/notification_test
t_unit_notification_test_SOURCES = t/unit/notification_test.c t/unit/unit.h \
  t/fake/notification_mem.c t/fake/notification_mem.h
t_unit_notification_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
t_unit_notification_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
t_unit_notification_test_LDADD = $(UNIT_LIBS)
