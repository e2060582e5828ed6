#include "metrics/exposition.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "metrics/segment.h"

#include "base/banned.h"

enum { POOLS = 64 };

struct route_totals {
	char name[METRICS_ROUTE_NAME];
	int64_t status[STATUS_CLASSES], histogram[HISTOGRAM_CELLS];
};

struct pool {
	const char *name;
	int64_t cell[CELL_COUNT];
	struct route_totals route[METRICS_ROUTES];
	uint32_t routes;
};

struct pools {
	struct pool *pool[POOLS];
	int count, foreign;
};

struct labels {
	const char *pool, *route, *fixed;
};

static int64_t load(const metric_cell *cell)
{
	return atomic_load_explicit(cell, memory_order_relaxed);
}

void metrics_print_head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_print_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '\\' || *text == '"')
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

static void add_slot(struct pool *pool, const struct slot_cells *slot)
{
	for (int i = 0; i < METRIC_COUNT; i++) {
		const struct metric_row *row = &metric_rows[i];
		int width = row->type == LATENCY || row->type == WAIT ? HISTOGRAM_CELLS : 1;
		for (int c = row->cell; c < row->cell + width; c++) {
			int64_t value = load(&slot->cell[c]);
			if (row->type != PEAK)
				pool->cell[c] += value;
			else if (value > pool->cell[c])
				pool->cell[c] = value;
		}
	}
	for (uint32_t r = 0; r < pool->routes; r++) {
		for (int c = 0; c < STATUS_CLASSES; c++)
			pool->route[r].status[c] += load(&slot->route[r].status[c]);
		for (int c = 0; c < HISTOGRAM_CELLS; c++)
			pool->route[r].histogram[c] += load(&slot->route[r].histogram[c]);
	}
}

static struct pool *pool_sum(struct arena *arena, const struct segment *segment)
{
	struct pool *pool = arena_alloc(arena, sizeof(*pool));
	uint32_t routes = atomic_load_explicit(&segment->routes, memory_order_acquire);
	pool->routes = routes < METRICS_ROUTES ? routes : METRICS_ROUTES;
	for (uint32_t r = 0; r < pool->routes; r++)
		memcpy(pool->route[r].name, segment->route[r], METRICS_ROUTE_NAME - 1);
	for (int s = 0; s <= METRICS_SLOTS; s++)
		if (atomic_load(&segment->used[s]))
			add_slot(pool, &segment->slot[s]);
	return pool;
}

/* NULL for a file that is not a segment of our layout. */
static struct pool *pool_read(struct arena *arena, int dir, const char *file)
{
	struct pool *pool = NULL;
	struct stat status;
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return NULL;
	if (!fstat(fd, &status) && status.st_size == (off_t)sizeof(struct segment)) {
		void *memory = mmap(NULL, sizeof(struct segment), PROT_READ, MAP_SHARED, fd, 0);
		if (memory != MAP_FAILED) {
			if (segment_is_ours(memory, sizeof(struct segment)))
				pool = pool_sum(arena, memory);
			munmap(memory, sizeof(struct segment));
		}
	}
	close(fd);
	return pool;
}

static int by_name(const void *left, const void *right)
{
	const struct pool *const *a = left, *const *b = right;
	return strcmp((*a)->name, (*b)->name);
}

static struct pools *pools_read(struct arena *arena, const char *path)
{
	struct pools *pools = arena_alloc(arena, sizeof(*pools));
	DIR *dir = path && *path ? opendir(path) : NULL;
	if (!dir)
		return pools;
	for (struct dirent *entry; (entry = readdir(dir)) && pools->count < POOLS;) {
		size_t length = strlen(entry->d_name), suffix = strlen(SEGMENT_SUFFIX);
		if (length <= suffix || strcmp(entry->d_name + length - suffix, SEGMENT_SUFFIX) != 0)
			continue;
		struct pool *pool = pool_read(arena, dirfd(dir), entry->d_name);
		if (pool) {
			pool->name = arena_strndup(arena, entry->d_name, length - suffix);
			pools->pool[pools->count++] = pool;
		} else {
			pools->foreign++;
		}
	}
	closedir(dir);
	qsort(pools->pool, (size_t)pools->count, sizeof(pools->pool[0]), by_name);
	return pools;
}

/* name{pool="..",route="..",fixed and without the closing brace */
static void print_labels(FILE *out, const char *name, const struct labels *labels)
{
	fprintf(out, "%s{pool=\"", name);
	metrics_print_escaped(out, labels->pool);
	fputc('"', out);
	if (labels->route) {
		fputs(",route=\"", out);
		metrics_print_escaped(out, labels->route);
		fputc('"', out);
	}
	if (*labels->fixed)
		fprintf(out, ",%s", labels->fixed);
}

struct histogram {
	const int64_t *bounds, *cells;
};

static void print_histogram(FILE *out, const char *name, const struct labels *labels,
			    struct histogram histogram)
{
	const int64_t *bounds = histogram.bounds, *cells = histogram.cells;
	char part[128];
	int64_t count = 0;
	for (int b = 0; b <= HISTOGRAM_BOUNDS; b++)
		count += cells[b];
	if (count == 0)
		return;
	snprintf(part, sizeof(part), "%s_bucket", name);
	count = 0;
	for (int b = 0; b <= HISTOGRAM_BOUNDS; b++) {
		count += cells[b];
		print_labels(out, part, labels);
		if (b < HISTOGRAM_BOUNDS)
			fprintf(out, ",le=\"%g\"} %" PRId64 "\n", (double)bounds[b] / 1e6, count);
		else
			fprintf(out, ",le=\"+Inf\"} %" PRId64 "\n", count);
	}
	snprintf(part, sizeof(part), "%s_sum", name);
	print_labels(out, part, labels);
	fprintf(out, "} %.6f\n", (double)cells[HISTOGRAM_CELLS - 1] / 1e6);
	snprintf(part, sizeof(part), "%s_count", name);
	print_labels(out, part, labels);
	fprintf(out, "} %" PRId64 "\n", count);
}

static void print_row(FILE *out, const struct metric_row *row, const struct pools *pools)
{
	char name[96];
	snprintf(name, sizeof(name), "cm_%s", row->name);
	for (int p = 0; p < pools->count; p++) {
		struct labels labels = {.pool = pools->pool[p]->name, .fixed = row->labels};
		const int64_t *cells = &pools->pool[p]->cell[row->cell];
		if (row->type == LATENCY || row->type == WAIT) {
			print_histogram(out, name, &labels,
				(struct histogram){segment_bounds(row->type), cells});
			continue;
		}
		print_labels(out, name, &labels);
		fprintf(out, "} %" PRId64 "\n", *cells);
	}
}

static void print_rows(FILE *out, const struct pools *pools)
{
	static const char *const types[] = {
		[COUNTER] = "counter",	   [GAUGE] = "gauge",	 [PEAK] = "gauge",
		[LATENCY] = "histogram", [WAIT] = "histogram",
	};
	for (int i = 0; i < METRIC_COUNT; i++) {
		const struct metric_row *row = &metric_rows[i];
		if (i == 0 || strcmp(row->name, metric_rows[i - 1].name) != 0) {
			char name[96];
			snprintf(name, sizeof(name), "cm_%s", row->name);
			metrics_print_head(out, name, types[row->type], row->help);
		}
		print_row(out, row, pools);
	}
}

static void print_status(FILE *out, const struct pool *pool, const struct route_totals *route)
{
	static const char *const classes[STATUS_CLASSES] = {
		"status=\"1xx\"", "status=\"2xx\"", "status=\"3xx\"",
		"status=\"4xx\"", "status=\"5xx\"", "status=\"other\""};
	for (int c = 0; c < STATUS_CLASSES; c++) {
		bool always = c == 1 || c == 3 || c == 4;
		if (!always && !route->status[c])
			continue;
		print_labels(out, "cm_requests_total",
			     &(struct labels){pool->name, route->name, classes[c]});
		fprintf(out, "} %" PRId64 "\n", route->status[c]);
	}
}

static void print_routes(FILE *out, const struct pools *pools)
{
	metrics_print_head(out, "cm_requests_total", "counter",
			   "Requests answered, by route and status class.");
	for (int p = 0; p < pools->count; p++)
		for (uint32_t r = 0; r < pools->pool[p]->routes; r++)
			print_status(out, pools->pool[p], &pools->pool[p]->route[r]);
	metrics_print_head(out, "cm_request_seconds", "histogram",
			   "Time a worker took for a request, by route.");
	for (int p = 0; p < pools->count; p++)
		for (uint32_t r = 0; r < pools->pool[p]->routes; r++) {
			const struct route_totals *route = &pools->pool[p]->route[r];
			print_histogram(out, "cm_request_seconds",
					&(struct labels){pools->pool[p]->name, route->name, ""},
					(struct histogram){segment_bounds(LATENCY), route->histogram});
		}
}

void metrics_print(struct arena *arena, FILE *out, const char *dir)
{
	struct pools *pools = pools_read(arena, dir);
	print_routes(out, pools);
	print_rows(out, pools);
	metrics_print_head(out, "cm_metrics_foreign_segments", "gauge",
			   "Segment files of another program version.");
	fprintf(out, "cm_metrics_foreign_segments %d\n", pools->foreign);
}
