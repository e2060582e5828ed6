/* Prints the metrics of a folder as cm-ops would; for tests and for looking by hand. */
#include <stdio.h>

#include "base/arena.h"
#include "metrics/exposition.h"

#include "base/banned.h"

int main(int argc, char **argv)
{
	struct arena *arena = arena_new(16 << 20);
	metrics_print(arena, stdout, argc > 1 ? argv[1] : "");
	arena_free(arena);
	return 0;
}
