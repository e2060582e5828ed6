# Every program of a pool: its handlers on the common worker.
WORKER_SOURCES = fcgi/worker.c fcgi/worker.h fcgi/guard.c fcgi/guard.h
WORKER_LIBS = libconcertmania.a $(DRIVER_LIBS) $(FCGI_LIBS)

noinst_PROGRAMS += fcgi/cm-pool
fcgi_cm_pool_SOURCES = fcgi/pool.c
fcgi_cm_pool_LDADD = libconcertmania.a

noinst_PROGRAMS += fcgi/cm-concert
fcgi_cm_concert_SOURCES = fcgi/concert.c fcgi/concert_body.c fcgi/concert_body.h \
  fcgi/concert_reply.c fcgi/concert_reply.h fcgi/organiser.c fcgi/organiser.h $(WORKER_SOURCES)
fcgi_cm_concert_LDADD = $(WORKER_LIBS)

noinst_PROGRAMS += fcgi/cm-auth
fcgi_cm_auth_SOURCES = fcgi/auth.c fcgi/profile.c fcgi/profile.h $(WORKER_SOURCES)
fcgi_cm_auth_LDADD = $(WORKER_LIBS)

noinst_PROGRAMS += fcgi/cm-member
fcgi_cm_member_SOURCES = fcgi/member.c fcgi/profile.c fcgi/profile.h \
  fcgi/notification.c fcgi/notification.h fcgi/ticket.c fcgi/ticket.h $(WORKER_SOURCES)
fcgi_cm_member_LDADD = $(WORKER_LIBS)
noinst_PROGRAMS += fcgi/cm-ops
fcgi_cm_ops_SOURCES = fcgi/ops.c $(WORKER_SOURCES)
fcgi_cm_ops_LDADD = $(WORKER_LIBS)
noinst_PROGRAMS += fcgi/cm-payment
fcgi_cm_payment_SOURCES = fcgi/payment.c $(WORKER_SOURCES)
fcgi_cm_payment_LDADD = $(WORKER_LIBS)

noinst_PROGRAMS += fcgi/cm-queue
fcgi_cm_queue_SOURCES = fcgi/queue.c $(WORKER_SOURCES)
fcgi_cm_queue_LDADD = $(WORKER_LIBS)
noinst_PROGRAMS += fcgi/cm-reservation
fcgi_cm_reservation_SOURCES = fcgi/reservation.c $(WORKER_SOURCES)
fcgi_cm_reservation_LDADD = $(WORKER_LIBS)
