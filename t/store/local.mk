# Tests on a real PostgreSQL and Redis; scripts/check starts those and runs these programs.
# All objects and not the archive: the statement test must see every statement.
STORE_LIBS = libconcertmania.a $(DRIVER_LIBS) $(CHECK_LIBS)
store_tests = t/store/pg_test t/store/redis_test
check_PROGRAMS += $(store_tests)

store_tests += t/store/search_test
t_store_search_test_SOURCES = t/store/search_test.c t/store/store.h
t_store_search_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
t_store_search_test_LDADD = $(STORE_LIBS)

store_tests += t/store/concert_store_test
t_store_concert_store_test_SOURCES = t/store/concert_store_test.c t/store/store.h
t_store_concert_store_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
t_store_concert_store_test_LDADD = $(STORE_LIBS)

t_store_pg_test_SOURCES = t/store/pg_test.c t/store/store.h
t_store_pg_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
t_store_pg_test_LDADD = $(libconcertmania_a_OBJECTS) $(DRIVER_LIBS) $(CHECK_LIBS)
t_store_pg_test_DEPENDENCIES = libconcertmania.a

t_store_redis_test_SOURCES = t/store/redis_test.c t/store/store.h
t_store_redis_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
t_store_redis_test_LDADD = $(STORE_LIBS)

store_tests += t/store/auth_store_test
t_store_auth_store_test_SOURCES = t/store/auth_store_test.c t/store/store.h
t_store_auth_store_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
t_store_auth_store_test_LDADD = $(STORE_LIBS)

store_tests += t/store/event_store_test
t_store_event_store_test_SOURCES = t/store/event_store_test.c t/store/store.h
t_store_event_store_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
t_store_event_store_test_LDADD = $(STORE_LIBS)

if HAVE_KAFKA
store_tests += t/store/kafka_test
endif
t_store_kafka_test_SOURCES = t/store/kafka_test.c t/unit/unit.h
t_store_kafka_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t/unit
t_store_kafka_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
t_store_kafka_test_LDADD = $(STORE_LIBS)

store_tests += t/store/payment_store_test
t_store_payment_store_test_SOURCES = t/store/payment_store_test.c t/store/store.h
t_store_payment_store_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
t_store_payment_store_test_LDADD = $(STORE_LIBS)

store_tests += t/store/notification_store_test
t_store_notification_store_test_SOURCES = t/store/notification_store_test.c t/store/store.h
t_store_notification_store_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
t_store_notification_store_test_LDADD = $(STORE_LIBS)
