/* Layout of a metrics segment; shared by the writer (metrics.c) and the reader (exposition.c).
 *
 * Cells are 64-bit atomics, changed and read relaxed: a reader may see one request's counter
 * before its histogram, never a torn number. Histogram cells are kept apart per bucket and summed
 * up when printed. */
#ifndef CM_METRICS_SEGMENT_H
#define CM_METRICS_SEGMENT_H

#include <stdatomic.h>
#include <stdint.h>

#include "metrics/metrics.h"

enum metric_type { COUNTER, GAUGE, PEAK, LATENCY, WAIT };

/* Finite bounds, then one cell for what is above them and one for the sum. */
enum { HISTOGRAM_BOUNDS = 14, HISTOGRAM_CELLS = HISTOGRAM_BOUNDS + 2 };
/* 1xx to 5xx, and whatever else a handler made up. */
enum { STATUS_CLASSES = 6 };
enum {
	CELLS_COUNTER = 1,
	CELLS_GAUGE = 1,
	CELLS_PEAK = 1,
	CELLS_LATENCY = HISTOGRAM_CELLS,
	CELLS_WAIT = HISTOGRAM_CELLS
};

enum metric_cell {
#define METRIC(symbol, type, name, labels, help) \
	CELL_##symbol, CELL_LAST_##symbol = CELL_##symbol + CELLS_##type - 1,
#include "metrics/metric.def"
#undef METRIC
	CELL_COUNT
};

typedef _Atomic int64_t metric_cell;

struct route_cells {
	metric_cell status[STATUS_CLASSES];
	metric_cell histogram[HISTOGRAM_CELLS];
};

struct slot_cells {
	_Alignas(64) metric_cell cell[CELL_COUNT];
	struct route_cells route[METRICS_ROUTES];
};

struct segment {
	char magic[8];
	uint64_t layout;
	_Atomic uint32_t routes; /* names that are complete; grows under the file's lock */
	_Atomic uint8_t used[METRICS_SLOTS + 1]; /* slots ever taken; others are holes in the file */
	char route[METRICS_ROUTES][METRICS_ROUTE_NAME];
	struct slot_cells slot[METRICS_SLOTS + 1];
};

struct metric_row {
	const char *name, *labels, *help;
	enum metric_type type;
	int cell;
};
extern const struct metric_row metric_rows[METRIC_COUNT];

/* Upper bounds in microseconds of a LATENCY or a WAIT histogram. */
const int64_t *segment_bounds(enum metric_type type);
/* A number that changes whenever the table or the layout does. */
uint64_t segment_layout(void);
/* Whether this is a segment of our layout; size is the file's. */
bool segment_is_ours(const struct segment *segment, uint64_t size);
void segment_stamp(struct segment *segment);

#define SEGMENT_SUFFIX ".metrics"

#endif
