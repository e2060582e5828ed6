#include "base/fault.h"

#include "base/banned.h"

static const struct fault_info table[FAULT_COUNT] = {
	[FAULT_NONE] = { "NONE", FAULT_KIND_NONE, "ok", "", "" },
#define FAULT(symbol, kind, slug, english, korean) \
	[FAULT_##symbol] = { #symbol, FAULT_KIND_##kind, slug, english, korean },
#include "base/fault.def"
#undef FAULT
};

const struct fault_info *fault_info(enum fault fault)
{
	if ((unsigned)fault >= FAULT_COUNT)
		return &table[FAULT_INTERNAL];
	return &table[fault];
}
