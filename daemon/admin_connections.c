#include "admin.h"

#include <stdio.h>
#include <stdlib.h>

#include "ops/budget.h"
#include "ops/health.h"

#include "base/banned.h"

static void print_budget(const struct budget *budget)
{
	for (size_t i = 0; i < budget->count; i++)
		printf("%-20s %4lld  %s\n", budget->rows[i].name,
			(long long)budget->rows[i].connections,
			budget->rows[i].setting ? budget->rows[i].setting : "");
	printf("%-20s %4lld\n", "needed", (long long)budget->needed);
}

/* The row that asks for most: the first place to look. */
static const struct budget_row *largest(const struct budget *budget)
{
	const struct budget_row *most = &budget->rows[0];
	for (size_t i = 0; i < budget->count; i++)
		if (budget->rows[i].setting && budget->rows[i].connections > most->connections)
			most = &budget->rows[i];
	return most;
}

static int compare(const char *server, const struct budget *budget,
	const struct health_limits *limits)
{
	print_budget(budget);
	printf("%-20s %4lld  max_connections %lld, %lld of them for superusers\n", "given",
		(long long)limits->usable, (long long)limits->most, (long long)limits->reserved);
	if (budget->needed <= limits->usable)
		return EXIT_SUCCESS;
	fprintf(stderr, "cm-admin: these settings need %lld connections, %s gives %lld "
		"(max_connections = %lld, less %lld for superusers).\n"
		"cm-admin: raise max_connections to %lld or more and restart PostgreSQL, or lower the "
		"workers: %s asks for most (%lld).\n", (long long)budget->needed, server,
		(long long)limits->usable, (long long)limits->most, (long long)limits->reserved,
		(long long)(budget->needed + limits->reserved), largest(budget)->setting,
		(long long)largest(budget)->connections);
	return EXIT_FAILURE;
}

int admin_connections(struct ctx *ctx, struct pg *replica)
{
	const struct budget budget = budget_make(), there = budget_make_replica();
	struct health_limits limits;
	enum fault fault = health_limits(ctx, &limits);
	if (fault) {
		fprintf(stderr, "cm-admin: %s %s\n", fault_info(fault)->english,
			ctx->log_detail ? ctx->log_detail : "");
		return EXIT_FAILURE;
	}
	int status = compare("PostgreSQL", &budget, &limits);
	if (!replica)
		return status;
	ctx->pg = replica;
	puts("\nread replica");
	if (!health_limits(ctx, &limits))
		return compare("the replica", &there, &limits) ? EXIT_FAILURE : status;
	/* Nothing depends on it. */
	fputs("cm-admin: the read replica does not answer; the primary will serve its reads\n", stderr);
	return status;
}
