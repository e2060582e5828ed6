libconcertmania_a_SOURCES += \
  lib/queue/draw.c lib/queue/draw.h \
  lib/queue/hash.h lib/queue/hash_openssl.c \
  lib/queue/queue.c lib/queue/queue.h \
  lib/queue/queue_beacon.c lib/queue/queue_beacon.h \
  lib/queue/queue_desk.c lib/queue/queue_desk.h \
  lib/queue/queue_follow.c lib/queue/queue_follow.h \
  lib/queue/queue_operator.c \
  lib/queue/queue_pass.c lib/queue/queue_pass.h \
  lib/queue/queue_pg.c \
  lib/queue/queue_redis.c \
  lib/queue/queue_release.c \
  lib/queue/queue_rules.c lib/queue/queue_rules.h \
  lib/queue/queue_setting.def \
  lib/queue/queue_store.h
