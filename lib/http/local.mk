libconcertmania_a_SOURCES += \
  lib/http/field.c lib/http/field.h \
  lib/http/idempotency.c lib/http/idempotency.h \
  lib/http/json.h lib/http/json_read.c lib/http/json_scan.c lib/http/json_write.c \
  lib/http/page.c lib/http/page.h \
  lib/http/problem.c lib/http/problem.h \
  lib/http/query.c \
  lib/http/req.c lib/http/req.h \
  lib/http/res.c lib/http/res.h \
  lib/http/route.c lib/http/route.h
