// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/file_limits.h"

#include <errno.h>
#include <stdlib.h>

#include "host/limit_htb.h"

static bool is_remembered(void *arg, struct limit_key key)
{
	const struct session *s = arg;
	char text[LIMIT_KEY_TEXT];

	return state_limit(s->state, limit_key_text(key, text));
}

static int found_one(void *arg, const char *key, const char *text)
{
	(void)arg, (void)key, (void)text;
	return 1;
}

static const struct limit *wanted_limits(const struct session *s)
{
	return s->policy ? s->policy->limits : NULL;
}

/* Whether the command has to do with limits at all. */
static bool is_about_limits(const struct session *s)
{
	return !s->args->n_links &&
	       (wanted_limits(s) || state_each_limit(s->state, found_one, NULL));
}

static bool is_limits_root(const struct tree_link *link)
{
	const struct obj *root = tree_qdisc_at(link, HANDLE_ROOT);

	return root && (root->handle == HANDLE(LIMIT_MAJOR_EGRESS, 0) ||
			root->handle == HANDLE(LIMIT_MAJOR_INGRESS, 0));
}

/* Listing them sweeps. */
bool file_limits_sweep(struct session *s)
{
	struct limit_list list = { .numeric = true };
	const struct tree_link *link;
	struct ctx quiet;

	for (link = s->present->links; link && !is_limits_root(link); link = link->next)
		;
	if (!link)
		return false;
	ctx_init(&quiet);
	limits_read(&quiet, &list);
	ctx_fini(&quiet);
	limit_list_free(&list);
	return true;
}

int file_limits_plan(struct session *s, struct ctx *ctx)
{
	limit_ops_free(&s->limits);
	if (!is_about_limits(s))
		return 0;
	return limits_diff(ctx, wanted_limits(s), s->wanted, is_remembered, s, &s->limits);
}

/* ---- what is remembered ---- */

static char *limit_text(const struct limit *limit)
{
	struct limit copy = *limit;
	const struct policy one = { .limits = &copy };

	copy.next = NULL;
	return conf_text(&one);
}

static int remember(struct session *s, struct limit_key key, const struct limit *limit)
{
	char *text = limit_text(limit), key_text[LIMIT_KEY_TEXT];
	int err = text ? state_set_limit(s->ctx, s->state, limit_key_text(key, key_text), text) :
			 oom(s->ctx);

	free(text);
	return err;
}

int file_limits_remember_intent(struct session *s)
{
	const struct limit_op *op;
	int err = 0;

	for (op = s->limits.first; op && !err; op = op->next)
		if (op->limit)
			err = remember(s, op->key, op->limit);
	return err;
}

static int forget_one(void *arg, const char *key, const char *text)
{
	struct session *s = arg;

	(void)text;
	return state_set_limit(s->ctx, s->state, key, NULL);
}

/* A process that has ended meanwhile took its limit along. */
static int remember_wanted(struct session *s, const struct limit *limit)
{
	struct limit_key key;
	struct ctx quiet;
	int err, level;

	ctx_init(&quiet);
	err = limit_resolve(&quiet, limit->subject, limit->name, &key, &level);
	ctx_fini(&quiet);
	return err ? 0 : remember(s, key, limit);
}

int file_limits_remember(struct session *s)
{
	const struct limit *limit;
	int err;

	if (!is_about_limits(s))
		return 0;
	err = state_each_limit(s->state, forget_one, s);
	for (limit = wanted_limits(s); limit && !err; limit = limit->next)
		err = remember_wanted(s, limit);
	return err;
}

static int print_one(void *arg, const char *key, const char *text)
{
	(void)key;
	fputs(text, arg);
	return 0;
}

void file_limits_print(const struct session *s, FILE *f)
{
	state_each_limit(s->state, print_one, f);
}

/* ---- the run ---- */

int file_limits_apply(struct session *s)
{
	int err;

	if (!s->limits.count)
		return 0;
	err = limits_carry_out(s->ctx, &s->limits);
	return err ? err : limits_verify(s->ctx, &s->limits);
}

/* Those that were not reached are as they were already: putting them back changes nothing. */
int file_limits_put_back(struct session *s, struct ctx *ctx)
{
	const struct limit_op *op;
	int err = 0;

	for (op = s->limits.first; op; op = op->next)
		if (limit_undo(ctx, op))
			err = -EIO;
	return err;
}
