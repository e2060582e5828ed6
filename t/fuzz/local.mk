# Each target is also a test: its seeds and some thousand mutations of them. `make fuzz` runs them
# under libFuzzer (clang with libclang-rt-dev), FUZZ_SECONDS each.
fuzz_targets = t/fuzz/json_fuzz t/fuzz/request_fuzz t/fuzz/token_fuzz
check_PROGRAMS += $(fuzz_targets)
TESTS += $(fuzz_targets)
FUZZ_LIBS = libconcertmania.a $(CJSON_LIBS) $(JWT_LIBS) $(CRYPTO_LIBS) -lm
t_fuzz_json_fuzz_SOURCES = t/fuzz/json_fuzz.c t/fuzz/driver.c t/fuzz/fuzz.h
t_fuzz_json_fuzz_LDADD = $(FUZZ_LIBS)
t_fuzz_request_fuzz_SOURCES = t/fuzz/request_fuzz.c t/fuzz/driver.c t/fuzz/fuzz.h
t_fuzz_request_fuzz_LDADD = $(FUZZ_LIBS)
t_fuzz_token_fuzz_SOURCES = t/fuzz/token_fuzz.c t/fuzz/driver.c t/fuzz/fuzz.h
t_fuzz_token_fuzz_LDADD = $(FUZZ_LIBS)

FUZZ_SECONDS = 60
fuzz: all
	@for target in $(fuzz_targets); do \
	  echo "== $$target"; mkdir -p "$$target.corpus"; \
	  clang -g -O1 -std=gnu11 -D_GNU_SOURCE -fvisibility=hidden -DLIBFUZZER -DHAVE_CONFIG_H \
	    -fsanitize=fuzzer,address,undefined $(DEFAULT_INCLUDES) $(AM_CPPFLAGS) \
	    $(srcdir)/$$target.c $(srcdir)/t/fuzz/driver.c \
	    $(srcdir)/lib/base/*.c $(srcdir)/lib/http/*.c $(srcdir)/lib/auth/token*.c \
	    $(CJSON_LIBS) $(JWT_LIBS) $(CRYPTO_LIBS) -lm -o "$$target.libfuzzer" && \
	  "$$target.libfuzzer" -max_total_time=$(FUZZ_SECONDS) -max_len=6000 \
	    -artifact_prefix="$$target.crash-" "$$target.corpus" || exit 1; \
	done
.PHONY: fuzz
