// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The classifier that is one program a hook: it stamps the class into skb->priority, which HTB looks at
 * first (htb_classify(), net/sched/sch_htb.c, 6.1). At ingress an action of the same filter hands the
 * packet to the IFB.
 */
#include "plan/classifier.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/bpf.h"
#include "plan/police_index.h"
#include "plan/ruleset.h"
#include "qdisc/filter.h"

enum { ALL_PROTOCOLS = 0x0003 };	/* ETH_P_ALL */

static int bpf_is_there(const struct probe *probe, char *why, size_t size)
{
	const struct kind *kind = kind_find(KIND_FILTER, "bpf");

	if (!kind || !probe_has(probe, kind)) {
		snprintf(why, size, "this kernel has no cls_bpf");
		return -EOPNOTSUPP;
	}
	if (*probe->no_bpf) {
		snprintf(why, size, "%s", probe->no_bpf);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int bpf_can(const struct probe *probe, const struct match *m, char *why, size_t size)
{
	int err = bpf_is_there(probe, why, size);

	return err || !m || !m->set ? err : match_check(m, why, size);
}

/* ---- objects ---- */

static struct obj *add_filter(struct tree *tree, struct tree_link *link, uint32_t parent,
			      uint16_t prio, const struct program *program)
{
	struct obj *obj = tree_obj_add(tree, link, OBJ_FILTER);

	if (!obj)
		return NULL;
	obj->parent = parent;
	obj->prio = prio;
	obj->protocol = ALL_PROTOCOLS;
	obj->handle = 1;
	obj->kind = kind_find(KIND_FILTER, "bpf");
	obj->kind_name = obj->kind->name;
	obj->program = program;
	obj->opts = opts_new(&tree->arena, obj->kind);
	return obj->opts && !bpf_set_name(obj->opts, program->name) ? obj : NULL;
}

static struct action *add_action(struct tree *tree, struct obj *filter, const char *name)
{
	struct action **at = &filter->actions, *a = arena_alloc(&tree->arena, sizeof(*a));

	if (!a)
		return NULL;
	a->kind = kind_find(KIND_ACTION, name);
	a->opts = a->kind ? opts_new(&tree->arena, a->kind) : NULL;
	while (*at)
		at = &(*at)->next;
	*at = a;
	return a->opts ? a : NULL;
}

/* ---- directions ---- */

static int check_rules(struct ctx *ctx, const struct tree_link *link, bool ethernet,
		       const struct rule *rules, unsigned int n)
{
	const struct rule *r;
	char why[200];

	for (r = rules; r < rules + n; r++)
		if (match_check_header(r->match, ethernet, why, sizeof(why)))
			return fail(ctx, EOPNOTSUPP, "%s: %s: %s:%u: %s", link->name, r->what,
				    r->match->loc.file, r->match->loc.line, why);
	return 0;
}

static int make_program(struct ctx *ctx, const struct direction *d, struct tree *tree,
			struct program **program)
{
	char what[TREE_NAME + 16];
	const struct ruleset_hook hook = {
		.what = what, .ingress = d->ingress, .ethernet = d->ethernet, .stamps = d->stamps,
		.classid = d->otherwise.classid, .mark = d->otherwise.mark,
		.mark_mask = d->otherwise.mark_mask, .source_hash = program_source_hash("classify"),
	};
	int err = check_rules(ctx, d->link, d->ethernet, d->rules, d->n_rules);

	snprintf(what, sizeof(what), "%s: %s", d->link->name, d->ingress ? "ingress" : "egress");
	return err ? err : ruleset_program(ctx, &tree->arena, &hook, d->rules, d->n_rules, program);
}

/* Packets that come in get the marks of their connections, before the rules are asked. A program
 * without rules, whose filter takes all that come, for the kernels that have no other filter. */
static int add_connmark(struct ctx *ctx, const struct direction *d, struct tree *tree)
{
	struct direction all = { .ingress = true, .ethernet = d->ethernet, .link = d->link };
	struct program *program;
	struct action *connmark;
	struct obj *filter;
	int err = make_program(ctx, &all, tree, &program);

	if (err)
		return err;
	filter = add_filter(tree, d->link, HANDLE_INGRESS, WEIR_PRIO_LIMITS - 1, program);
	connmark = filter ? add_action(tree, filter, "connmark") : NULL;
	if (!connmark)
		return oom(ctx);
	filter->name = "ingress: all";
	opts_put(filter->opts, BPF_DIRECT, 0);
	opts_put(connmark->opts, CONNMARK_CONTROL, CONNMARK_CONTINUE);
	return 0;
}

/* The program cannot do it in all kernels: what bpf_redirect() in clsact's ingress hands to an IFB, the IFB
 * drops in 6.1, since nothing there sets skb->redirected (ifb_xmit(), drivers/net/ifb.c;
 * __bpf_tx_skb(), net/core/filter.c), and from a link without Ethernet header it is dropped everywhere
 * (__bpf_redirect_common()). */
static int add_mirred(struct ctx *ctx, const struct direction *d, struct tree *tree,
		      struct obj *filter)
{
	struct action *mirred = add_action(tree, filter, "mirred");

	if (!mirred)
		return oom(ctx);
	snprintf(mirred->opts->v[MIRRED_DEV].name, sizeof(mirred->opts->v[MIRRED_DEV].name), "%s",
		 d->dev->name);
	mirred->opts->set |= UINT64_C(1) << MIRRED_DEV;
	return 0;
}

static int bpf_direct(struct ctx *ctx, const struct probe *probe, const struct direction *d,
		      struct tree *tree)
{
	struct program *program;
	struct obj *filter;
	int err = make_program(ctx, d, tree, &program);

	(void)probe;
	if (!err && d->marks)
		err = add_connmark(ctx, d, tree);
	if (err)
		return err;
	filter = add_filter(tree, d->link, d->ingress ? HANDLE_INGRESS : HANDLE_EGRESS, WEIR_PRIO,
			    program);
	if (!filter)
		return oom(ctx);
	filter->name = arena_printf(&tree->arena, "%s classifier, %u rule%s",
				    d->ingress ? "ingress" : "egress", d->n_rules,
				    d->n_rules == 1 ? "" : "s");
	filter->rules = d->rules;
	filter->n_rules = d->n_rules;
	opts_put(filter->opts, BPF_DIRECT, !d->ingress);
	return d->ingress ? add_mirred(ctx, d, tree, filter) : 0;
}

/* ---- rules with actions ---- */

/* All lines of one rule, so that a packet which two of them match meets the actions once. */
static int add_group(struct ctx *ctx, const struct hook *at, uint16_t prio, const struct rule *rules,
		     unsigned int n, struct tree *tree, struct tree_link *link)
{
	bool ingress = at->parent == HANDLE_INGRESS;
	char what[TREE_NAME + 32];
	const struct ruleset_hook hook = {
		.what = what, .ingress = ingress, .ethernet = at->ethernet, .filter = true,
		.source_hash = program_source_hash("classify"),
	};
	struct program *program;
	struct obj *filter;
	int err;

	snprintf(what, sizeof(what), "%s: %s %s", link->name, ingress ? "ingress" : "egress", rules->what);
	err = ruleset_program(ctx, &tree->arena, &hook, rules, n, &program);
	if (err)
		return err;
	filter = add_filter(tree, link, at->parent, prio, program);
	if (!filter)
		return oom(ctx);
	opts_put(filter->opts, BPF_DIRECT, 0);
	filter->actions = rules->actions;
	filter->name = rules_text(&tree->arena, rules->what, rules, n);
	return filter->name ? 0 : oom(ctx);
}

static int bpf_compile(struct ctx *ctx, const struct probe *probe, const struct hook *hook,
		       const struct rule *rules, unsigned int n, struct tree *tree,
		       struct tree_link *link)
{
	struct obj *before = link->last[OBJ_FILTER];
	uint32_t prio = hook->prio_first;
	unsigned int i, same;
	int err = check_rules(ctx, link, hook->ethernet, rules, n);

	(void)probe;
	for (i = 0; i < n && !err; i += same) {
		for (same = 1; i + same < n && rules[i + same].actions == rules[i].actions; same++)
			;
		if (prio > hook->prio_last)
			return fail(ctx, E2BIG, "%s: %s: there are more of them than the %u filter priorities "
				    "that are weir's there", link->name, rules[i].what,
				    hook->prio_last - hook->prio_first + 1u);
		err = add_group(ctx, hook, (uint16_t)prio++, &rules[i], same, tree, link);
	}
	if (err)
		return err;
	return police_share(ctx, tree, link, before ? before->next : link->objs[OBJ_FILTER]);
}

const struct classifier classifier_bpf = {
	.name = "bpf", .help = "one program a hook, whose cost does not grow with the rules",
	.is_there = bpf_is_there, .can = bpf_can, .direct = bpf_direct,
	.compile = bpf_compile,
};
