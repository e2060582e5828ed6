#include "metrics/segment.h"

#include <string.h>

#include "base/banned.h"

static const char magic[8] = "cm-metr";

const struct metric_row metric_rows[METRIC_COUNT] = {
#define METRIC(symbol, type, name, labels, help) {name, labels, help, type, CELL_##symbol},
#include "metrics/metric.def"
#undef METRIC
};

const int64_t *segment_bounds(enum metric_type type)
{
	static const int64_t latency[HISTOGRAM_BOUNDS] = {
		500,	1000,	2500,	5000,	 10000,	  25000,   50000,
		100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};
	static const int64_t wait[HISTOGRAM_BOUNDS] = {
		1000000,   5000000,   10000000,	  30000000,   60000000,	  120000000,   300000000,
		600000000, 900000000, 1800000000, 3600000000, 7200000000, 14400000000, 28800000000};
	return type == WAIT ? wait : latency;
}

static uint64_t fold(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 1099511628211u;
	return (hash ^ 0xff) * 1099511628211u;
}

uint64_t segment_layout(void)
{
	uint64_t hash = 14695981039346656037u ^ sizeof(struct segment);
	for (int i = 0; i < METRIC_COUNT; i++) {
		hash = fold(hash, metric_rows[i].name);
		hash = fold(hash, metric_rows[i].labels);
		hash = (hash ^ (uint64_t)metric_rows[i].type) * 1099511628211u;
	}
	return hash;
}

bool segment_is_ours(const struct segment *segment, uint64_t size)
{
	return size == sizeof(*segment) && !memcmp(segment->magic, magic, sizeof(magic)) &&
	       segment->layout == segment_layout();
}

void segment_stamp(struct segment *segment)
{
	segment->layout = segment_layout();
	memcpy(segment->magic, magic, sizeof(magic));
}
