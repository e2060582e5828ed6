libconcertmania_a_SOURCES += \
  lib/ticket/ticket.h lib/ticket/ticket_pg.c
