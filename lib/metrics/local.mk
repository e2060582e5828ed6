libconcertmania_a_SOURCES += lib/metrics/exposition.c lib/metrics/exposition.h \
  lib/metrics/metric.def lib/metrics/metrics.c lib/metrics/metrics.h lib/metrics/segment.c \
  lib/metrics/segment.h
