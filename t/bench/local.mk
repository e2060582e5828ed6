# Built by `make check` so that they don't rot; run by scripts/bench only.
check_PROGRAMS += t/bench/argon2_alone t/bench/bare t/tool/token_mint
t_bench_argon2_alone_SOURCES = t/bench/argon2_alone.c
t_bench_argon2_alone_LDADD = $(ARGON2_LIBS)
t_bench_bare_SOURCES = t/bench/bare.c
t_bench_bare_LDADD = $(PQ_LIBS) $(HIREDIS_LIBS) $(FCGI_LIBS)
t_tool_token_mint_SOURCES = t/tool/token_mint.c
t_tool_token_mint_LDADD = libconcertmania.a $(JWT_LIBS) $(CRYPTO_LIBS)
EXTRA_DIST += t/bench/confirmed t/bench/sale t/bench/chart.awk t/bench/load.lua t/bench/nginx.conf.in
