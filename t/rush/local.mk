# Load with a history; t/verify holds it against the database.
check_PROGRAMS += t/rush/rush
t_rush_rush_SOURCES = t/rush/rush.c t/rush/rush.h t/rush/journey.c t/rush/wire.c
t_rush_rush_LDADD = libconcertmania.a $(JWT_LIBS) $(CRYPTO_LIBS)
