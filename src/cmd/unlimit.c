// SPDX-License-Identifier: GPL-2.0-or-later
/* weir unlimit: limits away, whoever set them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/hand_limits.h"

int cmd_unlimit(struct ctx *ctx, const struct args *args);

static const char name[] = "unlimit";

/* A process or a cgroup may have ended, which its limit then tells by the name that it has; another process
 * may have its number. */
static int find_key(struct ctx *ctx, const struct limit_list *list, enum limit_subject subject,
		    const char *who, struct limit_key *key)
{
	struct ctx quiet;
	bool known;
	size_t i;
	int err, level;

	ctx_init(&quiet);
	err = limit_resolve(&quiet, subject, who, key, &level);
	known = !err && limit_list_find(list, *key);
	for (i = 0; !known && i < list->n; i++) {
		if (list->reports[i].subject != subject || strcmp(list->reports[i].name, who))
			continue;
		*key = list->reports[i].key;
		err = 0;
	}
	if (err)
		fail(ctx, err, "%s", quiet.error ? quiet.error : strerror(-err));
	ctx_fini(&quiet);
	return err;
}

static int remove_one(struct ctx *ctx, const struct limit_list *list, enum limit_subject subject,
		      const char *who)
{
	struct limit_key key;
	int err = find_key(ctx, list, subject, who, &key);

	if (!err)
		err = hand_limit_remove(ctx, key);
	if (err == -ENOENT)
		return fail(ctx, ENOENT, "%s %s has no limit; see 'weir limits'", limit_subjects[subject],
			    who);
	if (!err)
		printf("%s %s: no limit any more\n", limit_subjects[subject], who);
	return err;
}

static int remove_named(struct ctx *ctx, const struct hand_target *target)
{
	struct limit_list list = { .n = 0 };
	unsigned int i;
	int err = limits_read(ctx, &list);

	for (i = 0; i < target->n && !err; i++)
		err = remove_one(ctx, &list, target->subject, target->names[i]);
	limit_list_free(&list);
	return err;
}

/* What cannot be listed any more is removed all the same. */
static int remove_all(struct ctx *ctx)
{
	struct limit_list list = { .n = 0 };
	const struct backend *const *b;
	struct ctx quiet;
	int err = limit_may(ctx), e;

	if (err)
		return err;
	ctx_init(&quiet);
	limits_read(&quiet, &list);
	ctx_fini(&quiet);
	for (b = backends; *b; b++) {
		e = (*b)->remove(ctx, NULL, LIMIT_WAY_EGRESS | LIMIT_WAY_INGRESS);
		if (e && e != -ENOENT && !err)
			err = e;
	}
	if (!err && list.n)
		printf("%zu limit%s removed\n", list.n, list.n == 1 ? "" : "s");
	else if (!err)
		puts("there were no limits");
	limit_list_free(&list);
	return err;
}

int cmd_unlimit(struct ctx *ctx, const struct args *args)
{
	struct hand_target target = { .n = 0 };
	int status;

	if (args->limit.all && args->n_words)
		return usage_error(name, "--all is every limit: no '%s' goes with it", args->words[0]);
	if (args->limit.all)
		return remove_all(ctx);
	status = hand_target_read(ctx, name, args, &target);
	if (!status)
		status = remove_named(ctx, &target);
	free(target.pids);
	return status;
}
