// SPDX-License-Identifier: GPL-2.0-or-later
/* weir limit: a cgroup, a user or processes, without a file. */
#include <errno.h>
#include <stdlib.h>

#include "cmd/hand_limits.h"
#include "host/limit_idle.h"
#include "view/limits.h"

int cmd_limit(struct ctx *ctx, const struct args *args);

static const char name[] = "limit";

/* Data: what is in force now. */
static void tell(const struct limit_op *op, unsigned int processes)
{
	const struct limit_wish *wish = &op->after.wish;

	printf("%s %s", limit_subjects[wish->subject], wish->name);
	if (processes > 1)
		printf(" and %u more", processes - 1);
	fputs(": ", stdout);
	view_limit_setting(stdout, &op->after);
	putchar('\n');
}

/* A limit that has nothing to limit is set all the same, but whoever set it should know. */
static void tell_if_idle(const struct hand_target *target)
{
	unsigned int i;

	if (target->subject != LIMIT_PID)
		return;
	for (i = 0; i < target->n; i++)
		if (limit_has_socket(target->pids[i]))
			return;
	fprintf(stderr, "weir: note: %s no IP socket now; those that %s will be limited\n",
		target->n > 1 ? "these processes have" : "the process has",
		target->n > 1 ? "they open" : "it opens");
}

static int set_one(struct ctx *ctx, const struct args *args, struct limit_wish *wish)
{
	struct limit_ops ops;
	struct limit_op op;
	int err = hand_limit_set(ctx, wish, args->limit.backend, &ops, &op);

	if (!err)
		tell(&op, wish->n_also + 1);
	limit_ops_free(&ops);
	return err;
}

/* All are looked for before the first is limited: a wrong number is the likely mistake. */
static int check_all(struct ctx *ctx, const struct hand_target *target)
{
	struct limit_key key;
	unsigned int i;
	int err = 0, level;

	for (i = 0; i < target->n && !err; i++)
		err = limit_resolve(ctx, target->subject, target->names[i], &key, &level);
	return err;
}

static int set_all_of(struct ctx *ctx, const struct args *args, const struct hand_target *target,
		      struct limit_wish *wish)
{
	unsigned int i;
	int err = check_all(ctx, target);

	wish->subject = target->subject;
	if (!args->limit.each) {
		wish->name = target->names[0];
		wish->also = target->n > 1 ? target->pids + 1 : NULL;
		wish->n_also = target->n - 1;
		return err ? err : set_one(ctx, args, wish);
	}
	for (i = 0; i < target->n && !err; i++) {
		wish->name = target->names[i];
		err = set_one(ctx, args, wish);
	}
	return err;
}

static int check_options(const struct args *args, const struct hand_target *target)
{
	if (target->subject == LIMIT_PID)
		return 0;
	if (args->limit.no_children)
		return usage_error(name, "--no-children is about what a process starts: it goes with 'pid'");
	if (args->limit.each)
		return usage_error(name, "--each is for several processes: it goes with 'pid'");
	return 0;
}

int cmd_limit(struct ctx *ctx, const struct args *args)
{
	struct limit_wish wish = { .n_also = 0 };
	struct hand_target target;
	int status = hand_target_read(ctx, name, args, &target);

	if (!status)
		status = check_options(args, &target);
	if (!status)
		status = hand_wish_read(name, args, &wish);
	if (!status)
		status = set_all_of(ctx, args, &target, &wish);
	if (!status)
		tell_if_idle(&target);
	free(target.pids);
	return status;
}
