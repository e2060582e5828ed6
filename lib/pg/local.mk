libconcertmania_a_SOURCES += \
  lib/pg/connection.c \
  lib/pg/pg.h lib/pg/pg_internal.h \
  lib/pg/query.c \
  lib/pg/replica.c lib/pg/replica.h \
  lib/pg/tx.c
