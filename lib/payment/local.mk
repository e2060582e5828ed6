libconcertmania_a_SOURCES += \
  lib/payment/gateway.c lib/payment/gateway.h lib/payment/gateway_sandbox.c \
  lib/payment/gateway_toss.c \
  lib/payment/payment.c lib/payment/payment.h \
  lib/payment/payment_pg.c lib/payment/payment_store.h \
  lib/payment/reconcile.c
