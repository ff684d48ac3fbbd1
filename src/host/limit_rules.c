// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/limit_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <net/if_arp.h>

#include "kernel/bpf.h"
#include "plan/filters.h"
#include "qdisc/filter.h"

enum { ALL_PROTOCOLS = 0x0003 };	/* ETH_P_ALL */

/* ---- the program ---- */

struct rules {
	struct rule *rule;
	struct match *match;
	unsigned int n;
};

static int by_level(const void *a, const void *b)
{
	const struct match *x = ((const struct rule *)a)->match, *y = ((const struct rule *)b)->match;

	if (x->set != y->set)
		return x->set == MATCH_CGROUP ? -1 : 1;
	return (int)y->cgroup_level - (int)x->cgroup_level;
}

/* Of what is gone there is no rule. */
static void add_rule(struct rules *rules, const struct limit_report *report)
{
	uint32_t classid = report->side[LIMIT_INGRESS].wish.priority;
	struct match *m = &rules->match[rules->n];
	struct limit_key key;
	struct ctx quiet;
	int level, err;

	ctx_init(&quiet);
	err = limit_resolve(&quiet, report->subject, report->name, &key, &level);
	ctx_fini(&quiet);
	if (err || level < 0)
		return;
	if (report->subject == LIMIT_NET_CLS) {
		m->set = MATCH_CGROUP;
		m->net_cls = HANDLE(LIMIT_MAJOR_EGRESS, HANDLE_MINOR(classid));
		m->cgroup = report->name;
	} else if (report->subject == LIMIT_USER) {
		m->set = MATCH_USER;
		m->uid = (uint32_t)key.id;
		m->user = report->name;
	} else {
		m->set = MATCH_CGROUP;
		m->cgroup_id = key.id;
		m->cgroup_level = (uint8_t)level;
		m->cgroup = report->name;
	}
	rules->rule[rules->n++] = (struct rule){
		.match = m, .what = report->name, .classid = classid,
	};
}

static int program_of(struct ctx *ctx, struct arena *arena, const struct ruleset_hook *like,
		      const struct rules *rules, struct program **program)
{
	struct ruleset_hook hook = *like;

	hook.source_hash = program_source_hash("classify");
	qsort(rules->rule, rules->n, sizeof(*rules->rule), by_level);
	return ruleset_program(ctx, arena, &hook, rules->rule, rules->n, program);
}

int limit_rules_program(struct limit_htb *h, const struct ruleset_hook *hook,
			const struct limit_report *one, struct program **program)
{
	struct arena *arena = &h->wanted->arena;
	struct rules rules = {
		.rule = arena_alloc(arena, (h->list.n + 1) * sizeof(*rules.rule)),
		.match = arena_alloc(arena, (h->list.n + 1) * sizeof(*rules.match)),
	};
	size_t i;

	if (!rules.rule || !rules.match)
		return oom(h->ctx);
	for (i = 0; i < h->list.n; i++)
		if (h->list.reports[i].side[LIMIT_INGRESS].wish.priority && (!one || one == &h->list.reports[i]))
			add_rule(&rules, &h->list.reports[i]);
	return program_of(h->ctx, arena, hook, &rules, program);
}

/* One that looks for cgroups and for users. */
bool limit_rules_try(struct ctx *ctx, const struct ruleset_hook *hook, char why[BACKEND_WHY])
{
	struct match matches[] = {
		{ .set = MATCH_CGROUP, .cgroup = "", .cgroup_id = 1, .cgroup_level = 1 },
		{ .set = MATCH_USER, .user = "" },
	};
	struct rule list[] = { { .match = &matches[0] }, { .match = &matches[1] } };
	const struct rules rules = { .rule = list, .n = 2 };
	struct arena arena = { NULL };
	struct program *program;
	int err = program_of(ctx, &arena, hook, &rules, &program);

	if (err)
		snprintf(why, BACKEND_WHY, "%s", ctx->error ? ctx->error : strerror(-err));
	else
		err = program_try(program, why, BACKEND_WHY);
	ctx_clear(ctx);
	arena_free(&arena);
	return !err;
}

int limit_rules_check(struct limit_htb *h, const struct limit_wish *wish)
{
	const char *backend = h->backend->name;
	struct limit_key key;
	int level, err;

	if (wish->subject == LIMIT_PID)
		return fail(h->ctx, EOPNOTSUPP, "backend %s: at ingress sockets show their cgroup and their "
			    "user, not their process; the backend ebpf limits processes", backend);
	if (wish->only != LIMIT_ALL)
		return fail(h->ctx, EOPNOTSUPP, "backend %s: it limits all traffic, not a part of it", backend);
	err = limit_resolve(h->ctx, wish->subject, wish->name, &key, &level);
	if (!err && level < 0)
		return fail(h->ctx, EXDEV, "backend %s: cgroup %s: its level cannot be told, since the root "
			    "of the hierarchy is not to be seen from here", backend, wish->name);
	return err;
}

bool limit_rules_any(const struct limit_htb *h)
{
	size_t i;

	for (i = 0; i < h->list.n; i++)
		if (h->list.reports[i].side[LIMIT_INGRESS].wish.priority)
			return true;
	return false;
}

/* ---- filters ---- */

const struct obj *limit_rules_find(const struct tree_link *link, uint16_t prio)
{
	const struct obj *f;

	for (f = link->objs[OBJ_FILTER]; f; f = f->next)
		if (f->parent == HANDLE_INGRESS && f->prio == prio && f->kind &&
		    !strcmp(f->kind_name, "bpf"))
			return f;
	return NULL;
}

static struct action *add_action(struct limit_htb *h, struct obj *filter, const char *kind)
{
	struct action *a = arena_alloc(&h->wanted->arena, sizeof(*a));

	if (!a)
		return NULL;
	a->kind = kind_find(KIND_ACTION, kind);
	a->opts = opts_new(&h->wanted->arena, a->kind);
	filter->actions = a;
	return a->opts ? a : NULL;
}

static struct obj *make_filter(struct limit_htb *h, const struct obj *old, uint16_t prio,
			       const struct program *program)
{
	struct obj *filter = limit_htb_make(h, OBJ_FILTER, "bpf", HANDLE_INGRESS, old ? old->handle : 1);

	if (!filter || bpf_set_name(filter->opts, program->name))
		return NULL;
	filter->prio = prio;
	filter->protocol = ALL_PROTOCOLS;
	filter->program = program;
	filter->name = "limits";
	opts_put(filter->opts, BPF_DIRECT, 0);
	return filter;
}

int limit_rules_filter(struct limit_htb *h, const struct tree_link *link, uint16_t prio,
		       const struct program *program, const char *dev)
{
	const struct obj *old = limit_rules_find(link, prio);
	struct obj *filter = make_filter(h, old, prio, program);
	struct action *a = filter ? add_action(h, filter, "mirred") : NULL;

	if (!a)
		return oom(h->ctx);
	snprintf(a->opts->v[MIRRED_DEV].name, sizeof(a->opts->v[MIRRED_DEV].name), "%s", dev);
	a->opts->set |= UINT64_C(1) << MIRRED_DEV;
	if (old && filters_equal(filter, old))
		return 0;
	return limit_htb_op(h, link, old ? OP_CHANGE : OP_ADD, old, filter);
}

int limit_rules_police(struct limit_htb *h, const struct tree_link *link, uint16_t prio,
		       const struct program *program, uint64_t rate_bit, uint64_t burst_bytes)
{
	const struct obj *old = limit_rules_find(link, prio);
	struct obj *filter = make_filter(h, old, prio, program);
	struct action *a = filter ? add_action(h, filter, "police") : NULL;

	if (!a)
		return oom(h->ctx);
	opts_put(a->opts, POLICE_RATE, rate_bit / 8 * 8);
	opts_put(a->opts, POLICE_BURST, burst_bytes);
	opts_put(a->opts, POLICE_CONFORM, POLICE_CONTINUE);
	opts_put(a->opts, POLICE_EXCEED, POLICE_DROP);
	a->kind->canon(a->opts);
	return limit_htb_op(h, link, old ? OP_CHANGE : OP_ADD, old, filter);
}

static int check_link(struct limit_htb *h, const struct tree_link *link)
{
	const struct obj *f, *clsact = tree_qdisc_at(link, HANDLE_CLSACT);
	const char *backend = h->backend->name;

	if (link->arphrd != ARPHRD_ETHER)
		return fail(h->ctx, EOPNOTSUPP, "backend %s: %s has no Ethernet headers", backend, link->name);
	if (clsact && strcmp(clsact->kind_name, "clsact"))
		return fail(h->ctx, EEXIST, "backend %s: %s has the qdisc %s in the place of clsact", backend,
			    link->name, clsact->kind_name);
	for (f = link->objs[OBJ_FILTER]; f; f = f->next)
		if (f->parent == HANDLE_INGRESS && tree_in_hook_place(f))
			return fail(h->ctx, EEXIST, "backend %s: weir shapes what comes in by %s", backend,
				    link->name);
	return 0;
}

/* Whether it is a filter that tells that clsact was made for it. */
static bool is_host(const struct obj *f)
{
	return f->parent == HANDLE_INGRESS && (f->prio == LIMIT_PRIO_IFB_HOST ||
	       (f->prio > LIMIT_PRIO_POLICE_HOST && f->prio < LIMIT_PRIO_IFB));
}

static bool made_clsact(const struct tree_link *link)
{
	const struct obj *f;

	for (f = link->objs[OBJ_FILTER]; f; f = f->next)
		if (is_host(f))
			return true;
	return false;
}

int limit_rules_clsact(struct limit_htb *h, const struct tree_link *link, bool *made)
{
	bool there = tree_qdisc_at(link, HANDLE_CLSACT);
	int err = check_link(h, link);

	*made = !there || made_clsact(link);
	if (err || there)
		return err;
	return limit_htb_op(h, link, OP_ADD, NULL,
			    limit_htb_make(h, OBJ_QDISC, "clsact", HANDLE_CLSACT, HANDLE(0xffff, 0)));
}

static bool is_removed(const struct limit_htb *h, const struct obj *obj)
{
	const struct op *op;

	for (op = h->ops.first; op; op = op->next)
		if (op->verb == OP_DEL && op->old == obj)
			return true;
	return false;
}

int limit_rules_no_clsact(struct limit_htb *h, const struct tree_link *link)
{
	const struct obj *f;

	for (f = link->objs[OBJ_FILTER]; f; f = f->next)
		if ((f->parent == HANDLE_INGRESS || f->parent == HANDLE_EGRESS) && !is_removed(h, f))
			return 0;
	return limit_htb_op(h, link, OP_DEL, tree_qdisc_at(link, HANDLE_CLSACT), NULL);
}
