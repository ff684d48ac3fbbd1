// SPDX-License-Identifier: GPL-2.0-or-later
/* weir check: the file alone; the kernel is not asked. */
#include "cmd/command.h"

#include <inttypes.h>
#include <jansson.h>

#include "conf/policy.h"
#include "host/limit_plan.h"
#include "plan/check_policy.h"

int cmd_check(struct ctx *ctx, const struct args *args);

static unsigned int count_classes(const struct class *c)
{
	unsigned int n = 0;

	for (c = c ? c->children : NULL; c; c = c->next)
		n += 1 + count_classes(c);
	return n;
}

static void totals(const struct policy *policy, unsigned int *links, unsigned int *classes)
{
	const struct link *link;

	for (link = policy->links; link; link = link->next) {
		(*links)++;
		*classes += count_classes(link->egress) + count_classes(link->ingress);
	}
}

/* Backends are not words of the language, but which there are does not depend on the machine. */
static int check_limits(struct ctx *ctx, const struct policy *policy, unsigned int *limits)
{
	const struct limit *limit;
	int err = 0;

	for (limit = policy->limits; limit && !err; limit = limit->next) {
		(*limits)++;
		err = limit_check_file(ctx, limit);
	}
	return err;
}

static void print(const struct ctx *ctx, const struct args *args, const struct policy *policy,
		  unsigned int limits)
{
	unsigned int links = 0, classes = 0;

	totals(policy, &links, &classes);
	if (args->json) {
		printf("{\"links\": %u, \"classes\": %u, \"limits\": %u, \"warnings\": %u}\n", links, classes,
		       limits, ctx->warnings);
		return;
	}
	printf("%s: %u link%s, %u class%s, ", args->file, links, links == 1 ? "" : "s", classes,
	       classes == 1 ? "" : "es");
	if (limits)
		printf("%u limit%s, ", limits, limits == 1 ? "" : "s");
	printf("%u warning%s\n", ctx->warnings, ctx->warnings == 1 ? "" : "s");
}

int cmd_check(struct ctx *ctx, const struct args *args)
{
	unsigned int limits = 0;
	struct policy *policy;
	int err = conf_read(ctx, args->file, &policy);

	if (err)
		return err;
	err = plan_check_policy(ctx, policy);
	if (!err)
		err = check_limits(ctx, policy, &limits);
	if (!err)
		print(ctx, args, policy, limits);
	policy_free(policy);
	return err ? err : EXIT_DONE;
}
