/* What fuzz targets share. A target defines fuzz_one; with libFuzzer (scripts/fuzz, clang) it is
 * called by that, else by driver.c, which makes inputs of its own from the target's seeds. A broken
 * property aborts. */
#ifndef CM_FUZZ_FUZZ_H
#define CM_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/ctx.h"

/* Inputs worth starting from, NULL-terminated; may contain no NUL. */
extern const char *const fuzz_seeds[];
/* The input as a text of its own in the arena, so that a read past its end is seen. */
void fuzz_one(struct ctx *ctx, const char *bytes, size_t length);

#define PROPERTY(condition)                                                                   \
	do {                                                                                  \
		if (!(condition)) {                                                           \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                              \
		}                                                                             \
	} while (0)

#endif
