libconcertmania_a_SOURCES += lib/redis/redis.c lib/redis/redis.h
nodist_libconcertmania_a_SOURCES += lib/redis/library.c

# One function library, made of the domains' Lua files in this order; the first has the shebang.
REDIS_LIBRARY = lib/redis/header.lua lib/queue/queue.lua lib/concert/seats.lua \
  lib/reservation/hold.lua lib/reservation/finish.lua
EXTRA_DIST += $(REDIS_LIBRARY)
CLEANFILES += lib/redis/library.c

lib/redis/library.c: $(REDIS_LIBRARY) Makefile
	$(AM_V_GEN)$(MKDIR_P) lib/redis && { \
	  echo '#include "redis/redis.h"'; echo 'const char redis_library[] ='; \
	  for part in $(REDIS_LIBRARY); do \
	    @BUG_FILTER@ < $(srcdir)/$$part | \
	    $(SED) -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/'; \
	  done; echo ';'; \
	  $(SED) -n 's/^local VERSION = \([0-9]*\)$$/const int redis_library_version = \1;/p' \
	    $(srcdir)/lib/redis/header.lua; } > $@.tmp && mv $@.tmp $@
