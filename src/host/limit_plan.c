// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/limit_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/near.h"

enum {
	BACKENDS_MAX = 16,
	CHOICES_MAX = sizeof(((struct limit_choices *)0)->choice) / sizeof(struct limit_choice),
};

void limit_ops_free(struct limit_ops *ops)
{
	limit_list_free(&ops->present);
	arena_free(&ops->arena);
	memset(ops, 0, sizeof(*ops));
}

static int order_reports(const void *a, const void *b)
{
	const struct limit_report *x = a, *y = b;
	int order = (int)x->subject - (int)y->subject;

	if (!order && x->subject != LIMIT_PID)
		order = strcmp(x->name, y->name);
	return order ? order : x->key.id < y->key.id ? -1 : x->key.id > y->key.id;
}

int limits_read(struct ctx *ctx, struct limit_list *list)
{
	const struct backend *const *b;
	int err = limit_may(ctx);

	for (b = backends; *b && !err; b++)
		err = (*b)->list(ctx, list);
	if (!err && list->n)
		qsort(list->reports, list->n, sizeof(*list->reports), order_reports);
	return err;
}

/* ---- settings ---- */

struct limit_setting limit_setting_there(const struct limit_report *report)
{
	struct limit_setting setting = { 0 };
	int way;

	if (!report)
		return setting;
	setting.wish = (struct limit_wish){
		.subject = report->subject, .name = report->name, .only = report->only,
		.no_children = report->no_children,
	};
	for (way = 0; way < LIMIT_WAYS; way++) {
		setting.wish.side[way] = report->side[way].wish;
		setting.backend[way] = report->side[way].wish.set ? report->side[way].backend : NULL;
	}
	return setting;
}

static bool sides_equal(const struct limit_wish_side *a, const struct limit_wish_side *b)
{
	uint64_t burst_a = a->burst_ns ? a->burst_ns : LIMIT_BURST_NS;
	uint64_t burst_b = b->burst_ns ? b->burst_ns : LIMIT_BURST_NS;

	if (a->set != b->set || a->block != b->block)
		return false;
	return !a->set || a->block || (a->rate_bit == b->rate_bit && burst_a == burst_b);
}

/* What holds for both directions. */
static bool flags_equal(const struct limit_setting *a, const struct limit_setting *b)
{
	return a->wish.only == b->wish.only && a->wish.no_children == b->wish.no_children;
}

static bool way_equal(const struct limit_setting *a, const struct limit_setting *b, int way)
{
	return a->backend[way] == b->backend[way] &&
	       sides_equal(&a->wish.side[way], &b->wish.side[way]);
}

bool limit_settings_equal(const struct limit_setting *a, const struct limit_setting *b)
{
	int way;

	for (way = 0; way < LIMIT_WAYS; way++)
		if (!way_equal(a, b, way))
			return false;
	return flags_equal(a, b);
}

int limit_check_backend(struct ctx *ctx, const char *name)
{
	const char *words[BACKENDS_MAX], *near;
	size_t n;

	if (!name || backend_find(name))
		return 0;
	for (n = 0; backends[n] && n < BACKENDS_MAX; n++)
		words[n] = backends[n]->name;
	near = near_word(name, words, n);
	return near ? fail(ctx, EINVAL, "there is no backend '%s'; did you mean '%s'?", name, near) :
		      fail(ctx, EINVAL, "there is no backend '%s'; see 'weir backends'", name);
}

/* What a choice depends on. */
static struct limit_choice question(const char *name, const struct limit_wish *wish, int way)
{
	return (struct limit_choice){
		.name = name, .subject = wish->subject, .way = way, .part = wish->only != LIMIT_ALL,
		.block = wish->side[way].block,
	};
}

static const struct backend *chosen(const struct limit_choices *choices, const struct limit_choice *ask)
{
	const struct limit_choice *c = choices->choice, *end = c + choices->n;

	for (; c < end; c++)
		if (c->subject == ask->subject && c->way == ask->way && c->part == ask->part &&
		    c->block == ask->block && !c->name == !ask->name &&
		    (!c->name || !strcmp(c->name, ask->name)))
			return c->backend;
	return NULL;
}

static int choose_way(struct ctx *ctx, struct limit_choices *choices, const char *name,
		      struct limit_setting *setting, int way)
{
	const struct backend_ask ask = {
		.subject = setting->wish.subject, .wish = &setting->wish, .links = choices->links,
		.n_limits = choices->n_limits,
	};
	struct limit_choice choice = question(name, &setting->wish, way);
	int err = 0;

	setting->backend[way] = chosen(choices, &choice);
	if (setting->backend[way])
		return 0;
	err = backend_choose(ctx, name, &ask, 1u << way, &choice.backend);
	if (err)
		return err;
	setting->backend[way] = choice.backend;
	if (choices->n < CHOICES_MAX)
		choices->choice[choices->n++] = choice;
	return 0;
}

int limit_choose(struct ctx *ctx, struct limit_choices *choices, const char *name,
		 struct limit_setting *setting)
{
	int err = limit_check_backend(ctx, name), way;

	for (way = 0; way < LIMIT_WAYS && !err; way++)
		if (setting->wish.side[way].set)
			err = choose_way(ctx, choices, name, setting, way);
	return err;
}

/* ---- from a file ---- */

static struct limit_wish_side side_of(const struct limit_rate *rate)
{
	return (struct limit_wish_side){
		.set = rate->block || rate->rate_bit, .block = rate->block,
		.rate_bit = rate->rate_bit, .burst_ns = rate->burst_ns,
	};
}

/* Gives the fault in `from` the limit's place in the file. */
static int locate(struct ctx *ctx, const struct limit *limit, const struct ctx *from, int err)
{
	char *text = NULL;

	if (asprintf(&text, "%s:%u:%u: %s", limit->loc.file, limit->loc.line, limit->loc.column,
		     from->error ? from->error : strerror(-err)) < 0)
		return oom(ctx);
	err = fail_located(ctx, err, text);
	free(text);
	return err;
}

int limit_check_file(struct ctx *ctx, const struct limit *limit)
{
	struct ctx own;
	int err;

	ctx_init(&own);
	err = limit_check_backend(&own, limit->backend);
	if (err)
		err = locate(ctx, limit, &own, err);
	ctx_fini(&own);
	return err;
}

int limit_from_file(struct ctx *ctx, const struct limit *limit, struct limit_choices *choices,
		    struct limit_key *key, struct limit_setting *setting)
{
	struct ctx own;
	int err, level;

	*setting = (struct limit_setting){
		.wish = {
			.subject = limit->subject, .name = limit->name, .only = limit->only,
			.no_children = limit->no_children,
			.side = { side_of(&limit->egress), side_of(&limit->ingress) },
		},
	};
	_Static_assert(LIMIT_EGRESS == 0 && LIMIT_INGRESS == 1, "the order of .side");
	ctx_init(&own);
	own.messages = ctx->messages;
	err = limit_check(&own, &setting->wish);
	if (!err)
		err = limit_resolve(&own, limit->subject, limit->name, key, &level);
	if (!err && key->kind == LIMIT_KIND_NET_CLS)
		setting->wish.subject = LIMIT_NET_CLS;
	if (!err)
		err = limit_choose(&own, choices, limit->backend, setting);
	if (err)
		err = locate(ctx, limit, &own, err);
	ctx->warnings += own.warnings;
	ctx_fini(&own);
	return err;
}

/* ---- the difference ---- */

static bool same_key(struct limit_key a, struct limit_key b)
{
	return a.kind == b.kind && a.id == b.id;
}

static int add_op(struct ctx *ctx, struct limit_ops *ops, const struct limit_op *op)
{
	struct limit_op *copy = arena_memdup(&ops->arena, op, sizeof(*op));

	if (!copy)
		return oom(ctx);
	if (ops->last)
		ops->last->next = copy;
	else
		ops->first = copy;
	ops->last = copy;
	ops->count++;
	return 0;
}

/* The keys of a file's limits, in its order, and their backends. */
struct keys {
	struct limit_key *key;
	size_t n;
	struct limit_choices choices;
};

static bool has_key(const struct keys *keys, struct limit_key key)
{
	size_t i;

	for (i = 0; i < keys->n; i++)
		if (same_key(keys->key[i], key))
			return true;
	return false;
}

static int want_limit(struct ctx *ctx, struct limit_ops *ops, struct keys *keys,
		      const struct limit *limit)
{
	const struct limit_report *there;
	struct limit_op op = { .limit = limit };
	struct ctx own;
	int err = limit_from_file(ctx, limit, &keys->choices, &op.key, &op.after);

	if (err)
		return err;
	if (has_key(keys, op.key)) {
		ctx_init(&own);
		fail(&own, EEXIST, "%s %s: another limit of the file is on the same",
		     limit_subjects[limit->subject], limit->name);
		err = locate(ctx, limit, &own, -EEXIST);
		ctx_fini(&own);
		return err;
	}
	keys->key[keys->n++] = op.key;
	there = limit_list_find(&ops->present, op.key);
	op.before = limit_setting_there(there);
	op.verb = there ? LIMIT_CHANGE : LIMIT_ADD;
	return limit_settings_equal(&op.before, &op.after) ? 0 : add_op(ctx, ops, &op);
}

static int remove_limits(struct ctx *ctx, struct limit_ops *ops, const struct keys *keys,
			 bool (*owned)(void *arg, struct limit_key key), void *arg)
{
	const struct limit_report *r = ops->present.reports, *end = r + ops->present.n;
	struct limit_op op;
	int err = 0;

	for (; r < end && !err; r++) {
		if (has_key(keys, r->key) || !owned(arg, r->key))
			continue;
		op = (struct limit_op){
			.verb = LIMIT_REMOVE, .key = r->key, .before = limit_setting_there(r),
		};
		op.after.wish.subject = r->subject;
		op.after.wish.name = r->name;
		err = add_op(ctx, ops, &op);
	}
	return err;
}

int limits_diff(struct ctx *ctx, const struct limit *wanted, const struct tree *links,
		bool (*owned)(void *arg, struct limit_key key), void *arg, struct limit_ops *ops)
{
	const struct limit *limit;
	struct keys keys = { .choices = { .links = links } };
	size_t n = 1;
	int err;

	memset(ops, 0, sizeof(*ops));
	for (limit = wanted; limit; limit = limit->next)
		n++;
	keys.choices.n_limits = n - 1;
	keys.key = calloc(n, sizeof(*keys.key));
	if (!keys.key)
		return oom(ctx);
	err = limits_read(ctx, &ops->present);
	for (limit = wanted; limit && !err; limit = limit->next)
		err = want_limit(ctx, ops, &keys, limit);
	if (!err)
		err = remove_limits(ctx, ops, &keys, owned, arg);
	free(keys.key);
	return err;
}

/* ---- carrying out ---- */

/* The directions that this backend has to set on the way from one setting to another. */
static unsigned int ways_to_set(const struct backend *b, const struct limit_setting *from,
				const struct limit_setting *to)
{
	unsigned int ways = 0;
	int way;

	for (way = 0; way < LIMIT_WAYS; way++)
		if (to->backend[way] == b && (!way_equal(from, to, way) || !flags_equal(from, to)))
			ways |= 1u << way;
	return ways;
}

static int remove_ways(struct ctx *ctx, const struct limit_key *key, const struct limit_setting *from,
		       const struct limit_setting *to)
{
	int way, err = 0, e;

	for (way = 0; way < LIMIT_WAYS; way++) {
		if (!from->backend[way] || from->backend[way] == to->backend[way])
			continue;
		e = from->backend[way]->remove(ctx, key, 1u << way);
		if (e && e != -ENOENT && !err)
			err = e;
	}
	return err;
}

/* Sets first, then removes: no moment without a limit when it changes its backend. */
static int move(struct ctx *ctx, const struct limit_key *key, const struct limit_setting *from,
		const struct limit_setting *to)
{
	const struct backend *const *b;
	unsigned int ways;
	int err = 0;

	for (b = backends; *b && !err; b++) {
		ways = ways_to_set(*b, from, to);
		if (ways)
			err = (*b)->set(ctx, &to->wish, 1, ways);
	}
	return err ? err : remove_ways(ctx, key, from, to);
}

/* A process is put back by its number, which another one may have by now. */
static bool is_another(const struct limit_op *op)
{
	const struct limit_wish *wish = &op->before.wish;
	struct limit_key key;
	struct ctx quiet;
	int err, level;

	if (wish->subject != LIMIT_PID || !wish->name)
		return false;
	ctx_init(&quiet);
	err = limit_resolve(&quiet, wish->subject, wish->name, &key, &level);
	ctx_fini(&quiet);
	return err || !same_key(key, op->key);
}

int limit_undo(struct ctx *ctx, const struct limit_op *op)
{
	struct ctx own;
	int err;

	if (is_another(op))
		return 0;
	ctx_init(&own);
	own.messages = ctx->messages;
	err = move(&own, &op->key, &op->after, &op->before);
	if (err == -ESRCH || err == -ENOENT)
		err = 0;
	if (err)
		warn(ctx, "%s %s: its limit could not be put back: %s",
		     limit_subjects[op->before.wish.subject], op->before.wish.name,
		     own.error ? own.error : strerror(-err));
	ctx_fini(&own);
	return err;
}

int limit_carry_out(struct ctx *ctx, const struct limit_op *op)
{
	int err = move(ctx, &op->key, &op->before, &op->after);

	if (err)
		limit_undo(ctx, op);
	return err;
}

/* Whether both are new and are carried out by the same backends in the same directions. */
static bool alike(const struct limit_op *a, const struct limit_op *b)
{
	return a->verb == LIMIT_ADD && b->verb == LIMIT_ADD &&
	       !memcmp(a->after.backend, b->after.backend, sizeof(a->after.backend));
}

/* New limits, n of them from first on, in as few calls as there are backends. */
static int set_alike(struct ctx *ctx, const struct limit_op *first, size_t n)
{
	struct limit_wish *wishes = calloc(n, sizeof(*wishes));
	const struct backend *const *b;
	unsigned int ways;
	size_t i;
	int err = 0;

	if (!wishes)
		return oom(ctx);
	for (b = backends; *b && !err; b++) {
		const struct limit_op *op = first;

		ways = ways_to_set(*b, &first->before, &first->after);
		for (i = 0; i < n; i++, op = op->next)
			wishes[i] = op->after.wish;
		if (ways)
			err = (*b)->set(ctx, wishes, n, ways);
	}
	free(wishes);
	return err;
}

int limits_carry_out(struct ctx *ctx, const struct limit_ops *ops)
{
	const struct limit_op *op, *end;
	size_t n;
	int err = 0;

	for (op = ops->first; op && !err; op = end) {
		for (n = 1, end = op->next; end && alike(op, end); end = end->next)
			n++;
		err = n > 1 ? set_alike(ctx, op, n) : limit_carry_out(ctx, op);
	}
	return err;
}

static bool is_as_wished(const struct limit_op *op, const struct limit_list *list)
{
	const struct limit_report *report = limit_list_find(list, op->key);
	struct limit_setting there = limit_setting_there(report);

	if (op->verb == LIMIT_REMOVE)
		return !report;
	if (!report)
		return op->key.kind == LIMIT_KIND_PROCESS;
	return limit_settings_equal(&there, &op->after);
}

int limits_verify(struct ctx *ctx, const struct limit_ops *ops)
{
	struct limit_list list = { .numeric = true };
	const struct limit_op *op;
	int err = limits_read(ctx, &list);

	for (op = ops->first; op && !err; op = op->next)
		if (!is_as_wished(op, &list))
			err = fail(ctx, EIO, "limit %s %s: the kernel took the change, but holds something else",
				   limit_subjects[op->after.wish.subject], op->after.wish.name);
	limit_list_free(&list);
	return err;
}
