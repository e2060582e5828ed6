noinst_PROGRAMS += daemon/cm-admin
daemon_cm_admin_SOURCES = daemon/admin.c
daemon_cm_admin_LDADD = libconcertmania.a $(DRIVER_LIBS)
