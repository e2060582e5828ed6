# Tests of the strict gates in front of a library: they link that one library and no server.
gate_tests = t/gate/http_test t/gate/token_test
check_PROGRAMS += $(gate_tests)
TESTS += $(gate_tests)

t_gate_http_test_SOURCES = t/gate/http_test.c t/unit/unit.h
t_gate_http_test_CFLAGS = -I$(top_srcdir)/t/unit $(AM_CFLAGS) $(CHECK_CFLAGS)
t_gate_http_test_LDADD = libconcertmania.a $(CJSON_LIBS) $(CRYPTO_LIBS) -lm $(CHECK_LIBS)

t_gate_token_test_SOURCES = t/gate/token_test.c t/unit/unit.h
t_gate_token_test_CFLAGS = -I$(top_srcdir)/t/unit $(AM_CFLAGS) $(CHECK_CFLAGS)
t_gate_token_test_LDADD = libconcertmania.a $(JWT_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS)
