#include "metrics/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "metrics/segment.h"

#include "base/banned.h"

static struct {
	struct segment *segment;
	struct slot_cells *slot;
	int fd;
} self = {.fd = -1};

static void add(metric_cell *cell, int64_t amount)
{
	atomic_fetch_add_explicit(cell, amount, memory_order_relaxed);
}

static void observe(metric_cell *histogram, enum metric_type type, int64_t microseconds)
{
	const int64_t *bounds = segment_bounds(type);
	int bucket = 0;
	if (microseconds < 0)
		microseconds = 0;
	while (bucket < HISTOGRAM_BOUNDS && microseconds > bounds[bucket])
		bucket++;
	add(&histogram[bucket], 1);
	add(&histogram[HISTOGRAM_CELLS - 1], microseconds);
}

void metric_add(enum metric metric, uint64_t amount)
{
	if (self.slot)
		add(&self.slot->cell[metric_rows[metric].cell], (int64_t)amount);
}

void metric_set(enum metric metric, int64_t value)
{
	if (self.slot)
		atomic_store_explicit(&self.slot->cell[metric_rows[metric].cell], value,
				      memory_order_relaxed);
}

void metric_observe(enum metric metric, int64_t microseconds)
{
	const struct metric_row *row = &metric_rows[metric];
	if (self.slot && (row->type == LATENCY || row->type == WAIT))
		observe(&self.slot->cell[row->cell], row->type, microseconds);
}

void metric_observe_route(int route, int status, int64_t microseconds)
{
	if (!self.slot || route < 0 || route >= METRICS_ROUTES)
		return;
	int class = status >= 100 && status < 600 ? status / 100 - 1 : STATUS_CLASSES - 1;
	struct route_cells *cells = &self.slot->route[route];
	add(&cells->status[class], 1);
	observe(cells->histogram, LATENCY, microseconds);
}

static int route_find(const struct segment *segment, const char *name)
{
	uint32_t count = atomic_load_explicit(&segment->routes, memory_order_acquire);
	for (uint32_t i = 0; i < count && i < METRICS_ROUTES; i++)
		if (!strncmp(segment->route[i], name, METRICS_ROUTE_NAME - 1))
			return (int)i;
	return -1;
}

int metrics_route(const char *name)
{
	if (!self.segment || flock(self.fd, LOCK_EX))
		return -1;
	int index = route_find(self.segment, name);
	uint32_t count = atomic_load(&self.segment->routes);
	if (index < 0 && count < METRICS_ROUTES) {
		/* The name before the count: dying in between leaves an unused entry. */
		snprintf(self.segment->route[count], METRICS_ROUTE_NAME, "%s", name);
		atomic_store_explicit(&self.segment->routes, count + 1, memory_order_release);
		index = (int)count;
	}
	flock(self.fd, LOCK_UN);
	return index;
}

void metrics_slot_gone(unsigned slot)
{
	if (!self.segment || slot > METRICS_SLOT_PARENT)
		return;
	for (int i = 0; i < METRIC_COUNT; i++)
		if (metric_rows[i].type == GAUGE || metric_rows[i].type == PEAK)
			atomic_store(&self.segment->slot[slot].cell[metric_rows[i].cell], 0);
}

static bool name_is_plain(const char *name)
{
	return *name && strlen(name) < 64 &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")];
}

/* The file's lock is held by the caller, so of several starters one makes the segment. */
static struct segment *map(int fd, uint64_t size)
{
	if (size != sizeof(struct segment))
		return NULL;
	void *memory = mmap(NULL, sizeof(struct segment), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

static bool is_linked(int fd, const char *path)
{
	struct stat by_fd, by_path;
	return !fstat(fd, &by_fd) && !stat(path, &by_path) && by_fd.st_ino == by_path.st_ino &&
	       by_fd.st_dev == by_path.st_dev;
}

/* New (empty) or of our layout. A file of another layout is unlinked rather than changed, because
 * programs of the former version may still be counting in it. */
static bool is_usable(int fd, const char *path)
{
	struct stat status;
	if (fstat(fd, &status) || !is_linked(fd, path))
		return false;
	if (status.st_size == 0)
		return true;
	struct segment *segment = map(fd, (uint64_t)status.st_size);
	bool ours = segment && segment_is_ours(segment, (uint64_t)status.st_size);
	if (segment)
		munmap(segment, sizeof(*segment));
	if (!ours)
		unlink(path);
	return ours;
}

static int open_locked(const char *path)
{
	for (int tries = 0; tries < 100; tries++) {
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
		if (fd < 0)
			return -1;
		if (!flock(fd, LOCK_EX) && is_usable(fd, path))
			return fd;
		close(fd);
	}
	errno = EBUSY;
	return -1;
}

/* Space for the header and our slot now: a full file system must not become SIGBUS later. */
static bool reserve(int fd, unsigned slot)
{
	size_t header = offsetof(struct segment, slot), size = sizeof(struct slot_cells);
	int error = posix_fallocate(fd, 0, (off_t)header);
	if (!error)
		error = posix_fallocate(fd, (off_t)(header + slot * size), (off_t)size);
	if (!error && ftruncate(fd, (off_t)sizeof(struct segment)))
		error = errno;
	errno = error;
	return !error;
}

static bool attach(int fd, unsigned slot)
{
	if (!reserve(fd, slot))
		return false;
	struct segment *segment = map(fd, sizeof(*segment));
	if (!segment)
		return false;
	if (!segment_is_ours(segment, sizeof(*segment)))
		segment_stamp(segment);
	self.segment = segment;
	self.slot = &segment->slot[slot];
	self.fd = fd;
	atomic_store(&segment->used[slot], 1);
	metrics_slot_gone(slot);
	return true;
}

bool metrics_attach(const char *dir, const char *pool, unsigned slot)
{
	char path[4096];
	metrics_detach();
	errno = EINVAL;
	if (!dir || !*dir || !name_is_plain(pool) || slot > METRICS_SLOT_PARENT)
		return false;
	if (snprintf(path, sizeof(path), "%s/%s" SEGMENT_SUFFIX, dir, pool) >= (int)sizeof(path))
		return false;
	int fd = open_locked(path);
	if (fd < 0)
		return false;
	if (!attach(fd, slot)) {
		close(fd);
		return false;
	}
	flock(fd, LOCK_UN);
	return true;
}

bool metrics_attach_from_environment(const char *name)
{
	const char *pool = getenv("CM_POOL"), *slot = getenv("CM_WORKER_SLOT");
	unsigned long number = slot ? strtoul(slot, NULL, 10) : 0;
	if (number >= METRICS_SLOTS) {
		errno = ERANGE;
		return false;
	}
	return metrics_attach(getenv("CM_METRICS_DIR"), pool && *pool ? pool : name,
			      (unsigned)number);
}

void metrics_detach(void)
{
	if (!self.segment)
		return;
	munmap(self.segment, sizeof(*self.segment));
	close(self.fd);
	self.segment = NULL;
	self.slot = NULL;
	self.fd = -1;
}
