libconcertmania_a_SOURCES += \
  lib/reservation/cancellation.c lib/reservation/cancellation.h \
  lib/reservation/reservation.c lib/reservation/reservation.h \
  lib/reservation/reservation_pg.c lib/reservation/reservation_store.h \
  lib/reservation/seat_refresh.c lib/reservation/seat_refresh.h \
  lib/reservation/seat_lock.h lib/reservation/seat_lock_redis.c \
  lib/reservation/turn_end.c lib/reservation/turn_end.h
