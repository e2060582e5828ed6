libconcertmania_a_SOURCES += \
  lib/event/bus.h lib/event/bus_pg.c \
  lib/event/event.c lib/event/event.h lib/event/event_pg.h \
  lib/event/outbox.h lib/event/outbox_pg.c \
  lib/event/wake.c lib/event/wake.h
if HAVE_KAFKA
libconcertmania_a_SOURCES += lib/event/backlog_kafka.c lib/event/bus_kafka.c lib/event/event_kafka.h
else
EXTRA_DIST += lib/event/backlog_kafka.c lib/event/bus_kafka.c lib/event/event_kafka.h
endif
