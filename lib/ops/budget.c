#include "ops/budget.h"

#include "base/banned.h"
#include "base/conf.h"

/* relay, sweeper, reconciler, a consumer for each of three groups, and one that sends mail */
enum { DAEMONS = 7 };

static void add(struct budget *budget, const struct budget_row *row)
{
	budget->rows[budget->count++] = *row;
	budget->needed += row->connections;
}

struct budget budget_make_replica(void)
{
	struct budget budget = { .count = 0 };
	add(&budget, &(struct budget_row){ "pool concert", "CM_POOL_CONCERT_WORKERS",
		conf_integer(CONF_DATABASE_HOSTS) * (conf_integer(CONF_POOL_CONCERT_WORKERS) + 1) });
	add(&budget, &(struct budget_row){ "reserve", "CM_DATABASE_RESERVE",
		conf_integer(CONF_DATABASE_RESERVE) });
	return budget;
}

struct budget budget_make(void)
{
	static const struct { enum conf workers; const char *name, *setting; } pools[] = {
#define POOL(symbol, name) { CONF_POOL_##symbol##_WORKERS, "pool " name, \
	"CM_POOL_" #symbol "_WORKERS" }
		POOL(AUTH, "auth"), POOL(MEMBER, "member"), POOL(CONCERT, "concert"),
		POOL(QUEUE, "queue"), POOL(RESERVATION, "reservation"), POOL(PAYMENT, "payment"),
		POOL(OPS, "ops"),
#undef POOL
	};
	int64_t hosts = conf_integer(CONF_DATABASE_HOSTS);
	struct budget budget = { .count = 0 };
	for (size_t i = 0; i < sizeof(pools) / sizeof(*pools); i++)
		add(&budget, &(struct budget_row){ pools[i].name, pools[i].setting,
			hosts * (conf_integer(pools[i].workers) + 1) });
	add(&budget, &(struct budget_row){ "daemons", NULL, hosts * DAEMONS });
	add(&budget, &(struct budget_row){ "reserve", "CM_DATABASE_RESERVE",
		conf_integer(CONF_DATABASE_RESERVE) });
	return budget;
}
