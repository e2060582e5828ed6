libconcertmania_a_SOURCES += lib/ops/budget.c lib/ops/budget.h lib/ops/health.h lib/ops/health_pg.c lib/ops/health_redis.c \
  lib/ops/retention.h lib/ops/retention_pg.c
nodist_fcgi_cm_ops_SOURCES = lib/ops/schema_version.h
BUILT_SOURCES += lib/ops/schema_version.h
CLEANFILES += lib/ops/schema_version.h

# The newest migration of this build; rewritten only when the number changes.
lib/ops/schema_version.h: ops-schema-version
	@:
.PHONY: ops-schema-version
ops-schema-version:
	@$(MKDIR_P) lib/ops && { \
	  echo '/* Generated: number of the newest file of schema/. */'; \
	  ls $(srcdir)/schema | $(SED) -n 's/^0*\([0-9][0-9]*\)_.*\.sql$$/\1/p' | sort -n | \
	    $(SED) -n '$$s/.*/enum { OPS_SCHEMA_VERSION = & };/p'; \
	} > lib/ops/schema_version.h.tmp; \
	cmp -s lib/ops/schema_version.h.tmp lib/ops/schema_version.h \
	  || cp lib/ops/schema_version.h.tmp lib/ops/schema_version.h; \
	rm -f lib/ops/schema_version.h.tmp
