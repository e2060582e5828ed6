/* token_mint FIRST COUNT: access tokens of the members FIRST, FIRST + 1, ... one a line, signed
 * with the instance's CM_TOKEN_KEYS. For measuring: signing in thousands takes minutes. */
#include <stdio.h>
#include <stdlib.h>

#include "auth/token.h"
#include "base/conf.h"
#include "base/ctx.h"

#include "base/banned.h"

int main(int argc, char **argv)
{
	const char *error = "usage: token_mint FIRST COUNT";
	struct ctx ctx;
	if (argc != 3 || !conf_load(&error) ||
	    !token_keys_load(conf_text(CONF_TOKEN_KEYS), &error)) {
		fprintf(stderr, "token_mint: %s\n", error);
		return 1;
	}
	ctx_init(&ctx, arena_new(1 << 20));
	int64_t first = strtoll(argv[1], NULL, 10), count = strtoll(argv[2], NULL, 10);
	for (int64_t i = 0; i < count; i++) {
		const char *token;
		if (token_issue(&ctx, (struct member_id){first + i}, ROLE_USER, &token))
			return 1;
		puts(token);
		ctx_reset(&ctx);
	}
	return 0;
}
