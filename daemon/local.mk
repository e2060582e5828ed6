noinst_PROGRAMS += daemon/cm-admin
daemon_cm_admin_SOURCES = daemon/admin.c daemon/admin.h daemon/admin_connections.c
daemon_cm_admin_LDADD = libconcertmania.a $(DRIVER_LIBS)
DAEMON_SOURCES = daemon/daemon.c daemon/daemon.h
DAEMON_LIBS = libconcertmania.a $(DRIVER_LIBS)

noinst_PROGRAMS += daemon/cm-relay daemon/cm-consumer
daemon_cm_relay_SOURCES = daemon/relay.c $(DAEMON_SOURCES)
daemon_cm_relay_LDADD = $(DAEMON_LIBS)
daemon_cm_consumer_SOURCES = daemon/consumer.c $(DAEMON_SOURCES)
daemon_cm_consumer_LDADD = $(DAEMON_LIBS)

noinst_PROGRAMS += daemon/cm-sweeper
daemon_cm_sweeper_SOURCES = daemon/sweeper.c daemon/sweep.h daemon/sweep_holds.c \
  daemon/sweep_retention.c $(DAEMON_SOURCES)
daemon_cm_sweeper_LDADD = $(DAEMON_LIBS)

noinst_PROGRAMS += daemon/cm-reconciler
daemon_cm_reconciler_SOURCES = daemon/reconciler.c $(DAEMON_SOURCES)
daemon_cm_reconciler_LDADD = $(DAEMON_LIBS)
