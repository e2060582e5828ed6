#include "rush.h"

#include <stdlib.h>
#include <string.h>

#include "auth/token.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/limits.h"

#include "base/banned.h"

static int usage(void)
{
	fprintf(stderr,
		"usage: rush NAME=VALUE ...   (tokens are signed with CM_TOKEN_KEYS)\n"
		"  host port concert first-member members first-seat seats   where and who\n"
		"  group=N       most seats of one member, chosen at random (1)\n"
		"  grade=ID      best adjacent seats of this grade instead of chosen ones\n"
		"  connections=N kept connections (64)    queue=1  join the queue first\n"
		"  follow=1      wait by the rule of web/queue-client.js, not as pollAfterSeconds says\n"
		"  cancel=N abandon=N  of a hundred holds  tries=N  seats tried by one member (1000)\n"
		"  think=MS      before a look at the map when a seat was taken (0: three tries)\n"
		"  one-seat=1    everybody wants first-seat\n"
		"  history=FILE  one JSON object a call    seed=N\n");
	return 2;
}

struct setting {
	const char *name;
	int64_t *number;
	const char **text;
};

static bool set_option(struct options *options, const char *argument)
{
	int64_t queue = options->queue, one_seat = options->one_seat, follow = options->follow;
	const struct setting settings[] = {
		{ "host", NULL, &options->host }, { "port", NULL, &options->port },
		{ "history", NULL, &options->history }, { "concert", &options->concert, NULL },
		{ "first-member", &options->first_member, NULL },
		{ "members", &options->members, NULL },
		{ "first-seat", &options->first_seat, NULL }, { "seats", &options->seats, NULL },
		{ "grade", &options->grade, NULL }, { "group", &options->group, NULL },
		{ "connections", &options->connections, NULL },
		{ "cancel", &options->cancel_percent, NULL },
		{ "abandon", &options->abandon_percent, NULL },
		{ "tries", &options->tries, NULL },
		{ "think", &options->think, NULL }, { "seed", &options->seed, NULL },
		{ "queue", &queue, NULL }, { "follow", &follow, NULL },
		{ "one-seat", &one_seat, NULL },
	};
	const char *equals = strchr(argument, '=');
	bool known = false;
	for (size_t i = 0; equals && i < sizeof(settings) / sizeof(*settings); i++) {
		size_t length = (size_t)(equals - argument);
		if (strlen(settings[i].name) != length
			|| strncmp(settings[i].name, argument, length) != 0)
			continue;
		known = settings[i].text || str_to_int(equals + 1, settings[i].number);
		if (settings[i].text)
			*settings[i].text = equals + 1;
	}
	options->queue = queue;
	options->follow = follow;
	options->one_seat = one_seat;
	return known;
}

static bool make_members(struct rush *rush)
{
	struct ctx ctx;
	const char *token;
	ctx_init(&ctx, rush->arena);
	ctx.now_ms = clock_now_ms();
	rush->members = calloc((size_t)rush->options.members, sizeof(*rush->members));
	if (!rush->members)
		return false;
	for (int64_t i = 0; i < rush->options.members; i++) {
		struct member *member = &rush->members[i];
		member->id = rush->options.first_member + i;
		member->tries = (int)rush->options.tries;
		member->step = rush->options.queue ? STEP_JOIN : STEP_HOLD;
		if (token_issue(&ctx, (struct member_id){ member->id }, ROLE_USER, &token))
			return false;
		member->token = strdup(token);
		arena_reset(rush->arena);
	}
	rush->left = rush->options.members;
	return true;
}

/* {"seconds":1.5,"hold":{"201":10,"409":3},...} */
static void print_summary(const struct rush *rush, int64_t duration_us)
{
	printf("{\"seconds\":%.3f", (double)duration_us / 1e6);
	for (int step = 0; step < STEP_DONE; step++) {
		const char *before = "";
		printf(",\"%s\":{", step_name((enum step)step));
		for (int status = 0; status < 600; status++)
			if (rush->counts[step][status]) {
				printf("%s\"%d\":%lld", before, status,
					(long long)rush->counts[step][status]);
				before = ",";
			}
		printf("}");
	}
	printf("}\n");
}

int main(int argc, char **argv)
{
	static struct rush rush = { .options = { .host = "127.0.0.1", .port = "8080",
		.concert = 802, .first_member = 1, .members = 1, .first_seat = 665, .seats = 1,
		.group = 1, .connections = 64, .tries = 1000, .history = "/dev/null" } };
	const char *error;
	for (int i = 1; i < argc; i++)
		if (!set_option(&rush.options, argv[i]))
			return usage();
	if (rush.options.members < 1 || rush.options.seats < 1 || rush.options.connections < 1
		|| rush.options.group > SEATS_MOST)
		return usage();
	rush.arena = arena_new(LIMIT_ARENA_BYTES);
	if (!conf_load(&error) || !token_keys_load(conf_text(CONF_TOKEN_KEYS), &error)) {
		fprintf(stderr, "rush: %s\n", error);
		return 2;
	}
	srandom((unsigned)rush.options.seed);
	rush.history = fopen(rush.options.history, "w");
	if (!rush.history || !make_members(&rush))
		return 2;
	int64_t start_us = clock_monotonic_us();
	bool fine = wire_run(&rush);
	print_summary(&rush, clock_monotonic_us() - start_us);
	fclose(rush.history);
	for (int64_t i = 0; i < rush.options.members; i++)
		free(rush.members[i].token);
	free(rush.members);
	free(rush.letters);
	arena_free(rush.arena);
	return fine ? 0 : 1;
}
