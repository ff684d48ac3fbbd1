// SPDX-License-Identifier: GPL-2.0-or-later
/* weir check: the file alone; the kernel is not asked. */
#include "cmd/command.h"

#include <inttypes.h>
#include <jansson.h>

#include "conf/policy.h"

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

int cmd_check(struct ctx *ctx, const struct args *args)
{
	unsigned int links = 0, classes = 0;
	struct policy *policy;
	int err = conf_read(ctx, args->file, &policy);

	if (err)
		return err;
	totals(policy, &links, &classes);
	if (args->json)
		printf("{\"links\": %u, \"classes\": %u, \"warnings\": %u}\n", links, classes, ctx->warnings);
	else
		printf("%s: %u link%s, %u class%s, %u warning%s\n", args->file, links, links == 1 ? "" : "s",
		       classes, classes == 1 ? "" : "es", ctx->warnings, ctx->warnings == 1 ? "" : "s");
	policy_free(policy);
	return EXIT_DONE;
}
