// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration language: no input may crash the parser, and what a valid one is printed as
 * must be read as the same. Inputs that would open files are left out.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct policy *parse(const char *text, size_t len, FILE *messages, char **error)
{
	struct policy *policy = NULL;
	struct ctx ctx;
	int err;

	ctx_init(&ctx);
	ctx.messages = messages;
	err = conf_parse(&ctx, "fuzz", text, len, &policy);
	if (!err != !ctx.error || !err != !!policy)
		abort();
	*error = ctx.error ? strdup(ctx.error) : NULL;
	ctx_fini(&ctx);
	return policy;
}

static char *print(const struct policy *policy, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	if (!f)
		abort();
	conf_print(f, policy);
	fclose(f);
	return text;
}

static void check_round_trip(const struct policy *policy, FILE *messages)
{
	size_t len, len_again;
	char *text = print(policy, &len), *again, *error;
	struct policy *second = parse(text, len, messages, &error);

	if (!second) {
		fprintf(stderr, "%s\n%s\n", text, error);
		abort();
	}
	again = print(second, &len_again);
	if (len != len_again || memcmp(text, again, len)) {
		fprintf(stderr, "%s\n----\n%s\n", text, again);
		abort();
	}
	free(text);
	free(again);
	policy_free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *messages;
	struct policy *policy;
	char *error;

	if (memmem(data, size, "include", 7))
		return 0;
	messages = fopen("/dev/null", "w");
	if (!messages)
		abort();
	policy = parse((const char *)data, size, messages, &error);
	if (policy)
		check_round_trip(policy, messages);
	policy_free(policy);
	free(error);
	fclose(messages);
	return 0;
}
