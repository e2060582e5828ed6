/* cm-admin: what an operator does without HTTP. The password comes on standard input, so that it is
 * in no process list and no shell history. */
#include "admin.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/auth.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "pg/pg.h"

#include "base/banned.h"

enum { PASSWORD_BYTES = 1024 };

static int usage(void)
{
	fputs("Usage: cm-admin connections\n"
		"       cm-admin create --name NAME --email EMAIL [--role ROLE_ADMIN|ROLE_USER]\n"
		"The password is read from standard input (one line). An account that exists already\n"
		"is left as it is.\n", stderr);
	return 2;
}

static bool read_password(char password[PASSWORD_BYTES])
{
	if (isatty(STDIN_FILENO))
		fputs("Password: ", stderr);
	size_t length = fread(password, 1, PASSWORD_BYTES - 1, stdin);
	password[length] = '\0';
	password[strcspn(password, "\r\n")] = '\0';
	return *password && str_is_utf8(password, strlen(password));
}

static int report(const struct ctx *ctx, enum fault fault, const struct member *member)
{
	if (fault == FAULT_EMAIL_TAKEN) {
		fputs("cm-admin: an account with this e-mail address exists already\n", stderr);
		return EXIT_SUCCESS;
	}
	if (!fault) {
		printf("created %s %lld\n", member_role_name(member->role),
			(long long)member->id.value);
		return EXIT_SUCCESS;
	}
	fprintf(stderr, "cm-admin: %s\n", fault_info(fault)->english);
	for (const struct field_error *error = ctx->errors; error; error = error->next)
		fprintf(stderr, "cm-admin: %s %s\n", error->field, error->english);
	if (ctx->log_detail)
		fprintf(stderr, "cm-admin: %s\n", ctx->log_detail);
	return EXIT_FAILURE;
}

static bool read_options(int argc, char **argv, struct auth_sign_up *ret_input)
{
	static const struct option options[] = {
		{ "name", required_argument, NULL, 'n' }, { "email", required_argument, NULL, 'e' },
		{ "role", required_argument, NULL, 'r' }, { NULL, 0, NULL, 0 },
	};
	*ret_input = (struct auth_sign_up){ .role = ROLE_ADMIN };
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == 'n')
			ret_input->name = optarg;
		else if (option == 'e')
			ret_input->email = optarg;
		else if (option == 'r')
			ret_input->role = member_role_parse(optarg);
		else
			return false;
	}
	return optind == argc && ret_input->name && ret_input->email && ret_input->role != ROLE_NONE
		&& str_is_utf8(ret_input->name, strlen(ret_input->name))
		&& str_is_utf8(ret_input->email, strlen(ret_input->email))
		&& str_characters(ret_input->name) <= MEMBER_NAME_MAXIMUM;
}

static void open_ctx(struct ctx *ctx)
{
	ctx_init(ctx, arena_new(LIMIT_ARENA_BYTES));
	ctx->role = ROLE_ADMIN;
	ctx->pg = pg_new_for(conf_text(CONF_DATABASE_URL), "admin");
}

static void close_ctx(struct ctx *ctx)
{
	pg_free(ctx->pg);
	arena_free(ctx->arena);
}

static int create(struct auth_sign_up *input)
{
	char password[PASSWORD_BYTES];
	struct member member;
	struct ctx ctx;
	if (!read_password(password)) {
		fputs("cm-admin: no password on standard input\n", stderr);
		return EXIT_FAILURE;
	}
	input->password = password;
	open_ctx(&ctx);
	int status = report(&ctx, auth_sign_up(&ctx, input, &member), &member);
	explicit_bzero(password, sizeof(password));
	close_ctx(&ctx);
	return status;
}

static int connections(void)
{
	struct ctx ctx;
	struct pg *replica = NULL;
	open_ctx(&ctx);
	struct pg *primary = ctx.pg;
	if (*conf_text(CONF_DATABASE_REPLICA_URL))
		replica = pg_new_for(conf_text(CONF_DATABASE_REPLICA_URL), "admin");
	int status = admin_connections(&ctx, replica);
	ctx.pg = primary;
	pg_free(replica);
	close_ctx(&ctx);
	return status;
}

int main(int argc, char **argv)
{
	const char *error;
	struct auth_sign_up input;
	if (!conf_load(&error)) {
		fprintf(stderr, "cm-admin: %s\n", error);
		return EXIT_FAILURE;
	}
	if (argc > 1 && strcmp(argv[1], "--conf") == 0) {
		conf_print(stdout);
		return EXIT_SUCCESS;
	}
	log_init("admin", conf_text(CONF_LOG_LEVEL));
	clock_set_timezone(conf_text(CONF_TIMEZONE));
	if (argc == 2 && strcmp(argv[1], "connections") == 0)
		return connections();
	if (argc < 2 || strcmp(argv[1], "create") != 0)
		return usage();
	return read_options(argc - 1, argv + 1, &input) ? create(&input) : usage();
}
