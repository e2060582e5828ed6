libconcertmania_a_SOURCES += \
  lib/notification/mail_message.c lib/notification/mail_message.h \
  lib/notification/notification.c lib/notification/notification.h \
  lib/notification/notification_mail.c lib/notification/notification_pg.c \
  lib/notification/notification_smtp.c lib/notification/notification_store.h \
  lib/notification/notification_text.c
