# Every program of a pool: its handlers on the common worker.
WORKER_SOURCES = fcgi/worker.c fcgi/worker.h fcgi/guard.c fcgi/guard.h
WORKER_LIBS = libconcertmania.a $(DRIVER_LIBS) $(FCGI_LIBS)
