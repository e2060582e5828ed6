libconcertmania_a_SOURCES += \
  lib/auth/auth.c lib/auth/auth.h \
  lib/auth/auth_pg.c lib/auth/auth_store.h \
  lib/auth/flat.c lib/auth/flat.h \
  lib/auth/fold.h lib/auth/fold_unistring.c \
  lib/auth/password.h lib/auth/password_argon2.c lib/auth/password_deny.def \
  lib/auth/secret.h lib/auth/secret_openssl.c \
  lib/auth/throttle.h lib/auth/throttle_redis.c \
  lib/auth/token.c lib/auth/token.h \
  lib/auth/token_codec.h lib/auth/token_jwt.c \
  lib/auth/token_ring.c lib/auth/token_ring.h \
  lib/auth/token_seal.c
