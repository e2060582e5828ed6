libconcertmania_a_SOURCES += \
  lib/base/arena.c lib/base/arena.h \
  lib/base/banned.h \
  lib/base/base64.c lib/base/base64.h \
  lib/base/clock.c lib/base/clock.h \
  lib/base/conf.c lib/base/conf.def lib/base/conf.h \
  lib/base/ctx.c lib/base/ctx.h \
  lib/base/fault.c lib/base/fault.def lib/base/fault.h \
  lib/base/idempotency.h \
  lib/base/ids.h \
  lib/base/limits.h \
  lib/base/log.c lib/base/log.h \
  lib/base/point.c lib/base/point.h \
  lib/base/stop.c lib/base/stop.h \
  lib/base/str.c lib/base/str.h \
  lib/base/tx.h

# The seeded bug of a build with --enable-bug; none in any other.
nodist_libconcertmania_a_SOURCES += lib/base/bug.h
EXTRA_DIST += t/bug
