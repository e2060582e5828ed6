#include "payment/gateway.h"

#include <string.h>

#include "base/banned.h"

static const struct gateway *const gateways[] = { &gateway_sandbox, &gateway_toss };

const struct gateway *gateway_find(const char *name)
{
	for (size_t i = 0; i < sizeof(gateways) / sizeof(*gateways); i++)
		if (strcmp(gateways[i]->name, name) == 0)
			return gateways[i];
	return NULL;
}
