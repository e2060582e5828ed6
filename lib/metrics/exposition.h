/* The segments of a folder as Prometheus text (exposition format 0.0.4).
 *
 * Order is fixed: names as in metric.def, then pools by name, then routes as registered.
 * Scalars are printed even at zero, so that a first increment is seen; histograms once they have
 * a value. */
#ifndef CM_METRICS_EXPOSITION_H
#define CM_METRICS_EXPOSITION_H

#include <stdio.h>

#include "base/arena.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Writes everything; scratch memory comes from the arena. A missing folder gives no series. */
void metrics_print(struct arena *arena, FILE *out, const char *dir);

/* HELP and TYPE lines of a series that the caller measures itself (type "gauge" or "counter"). */
void metrics_print_head(FILE *out, const char *name, const char *type, const char *help);
/* A label's value with \, " and newline escaped. */
void metrics_print_escaped(FILE *out, const char *text);

#endif
