libconcertmania_a_SOURCES += \
  lib/auth/token.c lib/auth/token.h \
  lib/auth/token_codec.h lib/auth/token_jwt.c \
  lib/auth/token_ring.c lib/auth/token_ring.h \
  lib/auth/token_seal.c
