# The seat-state cache; included beside lib/concert/local.mk.
libconcertmania_a_SOURCES += \
  lib/concert/seat_state.c lib/concert/seat_state.h lib/concert/seat_state_store.h \
  lib/concert/seat_state_pg.c lib/concert/seat_state_redis.c
