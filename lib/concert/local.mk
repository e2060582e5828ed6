libconcertmania_a_SOURCES += \
  lib/concert/catalogue_pg.c \
  lib/concert/concert.c lib/concert/concert.h \
  lib/concert/concert_pg.c lib/concert/concert_store.h \
  lib/concert/layout.c lib/concert/layout.h \
  lib/concert/organise.c lib/concert/organise.h \
  lib/concert/report.c lib/concert/report.h \
  lib/concert/seat_map.c lib/concert/seat_map.h \
  lib/concert/seat_pg.c
