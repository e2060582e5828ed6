/* Counters in shared memory: written by a worker without locks, read by cm-ops.
 *
 * A pool has one file ("segment"), DIR/<pool>.metrics, mapped by its parent and its workers. Each
 * worker slot owns a block of cells in it; the parent has a block of its own. A worker that dies
 * leaves its numbers; whoever takes the slot goes on counting on them, so totals never fall. Only
 * gauges start at zero again. Two owners of one slot would still count right (every change is one
 * atomic addition), only slower.
 *
 * Not attached, every function is a no-op: unit tests need no set-up, and a full disk costs
 * numbers, never requests. One segment per process; not for threads that attach. */
#ifndef CM_METRICS_METRICS_H
#define CM_METRICS_METRICS_H

#include <stdbool.h>
#include <stdint.h>

/* Slots a pool may have, and the one its parent counts in. */
enum { METRICS_SLOTS = 320, METRICS_SLOT_PARENT = METRICS_SLOTS };
/* Routes a pool may register, and the longest name kept (longer ones are cut). */
enum { METRICS_ROUTES = 64, METRICS_ROUTE_NAME = 64 };

enum metric {
#define METRIC(symbol, type, name, labels, help) METRIC_##symbol,
#include "metrics/metric.def"
#undef METRIC
	METRIC_COUNT
};

/* Maps DIR/<pool>.metrics, making it when it is missing or of another layout, and takes the slot.
 * False (errno set) when dir is NULL or empty, the name is not [a-z0-9-]+, the slot is out of
 * range or the file can't be had; the process then simply isn't counted. */
bool metrics_attach(const char *dir, const char *pool, unsigned slot);
/* The same from the environment: CM_METRICS_DIR, CM_POOL (else name), CM_WORKER_SLOT (else 0). */
bool metrics_attach_from_environment(const char *name);
void metrics_detach(void);

void metric_add(enum metric metric, uint64_t amount);
/* GAUGE and PEAK rows only. */
void metric_set(enum metric metric, int64_t value);
/* LATENCY and WAIT rows only. */
void metric_observe(enum metric metric, int64_t microseconds);

/* The index to give to metric_observe_route for a route called name ("POST /reservation"); the
 * same name always gets the same index. -1 when not attached or when the table is full. */
int metrics_route(const char *name);
/* One answered request: total by route and status class, and the histogram by route. */
void metric_observe_route(int route, int status, int64_t microseconds);

/* The gauges of a slot whose owner is gone become zero; called by the parent of a pool. */
void metrics_slot_gone(unsigned slot);

#endif
