libconcertmania_a_SOURCES += lib/base/arena.c lib/base/arena.h lib/base/banned.h
