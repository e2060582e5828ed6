libconcertmania_a_SOURCES += \
  lib/ticket/ticket.c lib/ticket/ticket.h \
  lib/ticket/ticket_pg.c lib/ticket/ticket_store.h \
  lib/ticket/ticket_qr.c
