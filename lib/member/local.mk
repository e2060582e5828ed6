libconcertmania_a_SOURCES += \
  lib/member/member.c lib/member/member.h \
  lib/member/member_pg.c lib/member/member_store.h
