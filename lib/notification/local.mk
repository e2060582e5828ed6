libconcertmania_a_SOURCES += \
  lib/notification/notification.c lib/notification/notification.h \
  lib/notification/notification_pg.c lib/notification/notification_smtp.c \
  lib/notification/notification_store.h
