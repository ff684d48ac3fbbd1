// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/compile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plan/classifier.h"
#include "plan/htb_tree.h"
#include "qdisc/filter.h"
#include "qdisc/htb.h"

enum {
	ARPHRD_ETHER = 1,	/* include/uapi/linux/if_arp.h */
	ETHER_HEADER_BYTES = 14,
	MAX_RULES = 0xe000,
};

/* What one link's compilation carries around. */
struct job {
	struct ctx *ctx;
	const struct link *policy;
	const struct tree_link *present;
	const struct probe *probe;
	struct tree *tree;
	struct tree_link *link;		/* the wanted one */
	bool ethernet;
	uint32_t frame_bytes;
};

struct rules {
	struct rule *rule;
	unsigned int n;
};

/* ---- the rules of a direction ---- */

static unsigned int count_matches(const struct match *m)
{
	unsigned int n = 0;

	for (; m; m = m->next)
		n++;
	return n;
}

/*
 * Rules in file order. The placed classes are in file order with parents first; an inner class's own
 * matches come after those of the classes in it and lead to its default, which its subtree ends with.
 */
static int collect_rules(struct job *job, const struct placed_class *p, unsigned int n,
			 struct rules *rules)
{
	unsigned int i, total = 0;
	const struct class *c;
	const struct match *m;

	for (i = 0; i < n; i++)
		total += count_matches(p[i].class->matches);
	rules->rule = arena_alloc(&job->tree->arena, (total + 1) * sizeof(*rules->rule));
	if (!rules->rule)
		return oom(job->ctx);
	for (i = 0; i < n; i++) {
		if (!p[i].leaf)
			continue;
		c = p[i].class->is_default ? p[i].class->parent : p[i].class;
		for (m = c->matches; m; m = m->next)
			rules->rule[rules->n++] = (struct rule){
				.match = m, .classid = p[i].classid,
				.what = arena_printf(&job->tree->arena, "class %s", c->path),
			};
	}
	return 0;
}

/* ---- which classifier ---- */

/* The first rule that the classifier cannot carry in this kernel, with the reason; or NULL. */
static const struct rule *first_refused(const struct job *job, const struct classifier *classifier,
					const struct rules *rules, char *why, size_t size)
{
	unsigned int r;

	for (r = 0; r < rules->n; r++)
		if (rules->rule[r].match &&
		    classifier->can(job->probe, rules->rule[r].match, why, size))
			return &rules->rule[r];
	return NULL;
}

/* The best classifier that carries all rules; what the last one refuses is what is told. */
static int classify(struct job *job, const struct hook *hook, const struct rules *rules,
		    struct tree_link *link)
{
	const struct rule *refused = NULL;
	char why[200];
	unsigned int i;

	if (!rules->n)
		return 0;
	for (i = 0; classifiers[i]; i++) {
		refused = first_refused(job, classifiers[i], rules, why, sizeof(why));
		if (!refused)
			return classifiers[i]->compile(job->ctx, job->probe, hook, rules->rule, rules->n,
						       job->tree, link);
	}
	return fail(job->ctx, EOPNOTSUPP, "%s: %s: %s:%u: %s", job->policy->name, refused->what,
		    refused->match->loc.file, refused->match->loc.line, why);
}

/* ---- directions ---- */

static int compile_tree(struct job *job, const struct class *root, struct tree_link *link)
{
	struct htb_env env = { job->probe, &job->policy->framing, job->frame_bytes };
	struct hook hook = {
		.parent = HANDLE(WEIR_MAJOR, 0), .prio_first = 1, .prio_last = MAX_RULES,
		.ethernet = job->ethernet,
	};
	struct rules rules = { 0 };
	struct placed_class *placed;
	unsigned int n;
	int err;

	err = htb_place(job->ctx, &job->tree->arena, root, &placed, &n);
	if (!err)
		err = htb_build(job->ctx, &env, placed, n, job->tree, link);
	if (!err)
		err = collect_rules(job, placed, n, &rules);
	if (!err)
		err = classify(job, &hook, &rules, link);
	return err;
}

static struct action *new_action(struct job *job, const char *name)
{
	struct action *a = arena_alloc(&job->tree->arena, sizeof(*a));

	if (!a)
		return NULL;
	a->kind = kind_find(KIND_ACTION, name);
	a->opts = a->kind ? opts_new(&job->tree->arena, a->kind) : NULL;
	return a->opts ? a : NULL;
}

static bool matches_marks(const struct class *c)
{
	const struct match *m;

	for (m = c->matches; m; m = m->next)
		if (m->set & MATCH_MARK)
			return true;
	for (c = c->children; c; c = c->next)
		if (matches_marks(c))
			return true;
	return false;
}

/* What hands a link's ingress to its IFB. Packets have no mark there yet; a tree that matches marks
 * gets those of their connections. */
static int compile_redirect(struct job *job, const char *ifb)
{
	struct action *mirred = new_action(job, "mirred"), *connmark = NULL;
	struct rules rules = { 0 };
	struct rule rule = { .actions = mirred, .what = "ingress" };
	struct hook hook = {
		.parent = HANDLE_INGRESS, .prio_first = WEIR_PRIO, .prio_last = WEIR_PRIO,
		.ethernet = job->ethernet,
	};

	if (!mirred)
		return oom(job->ctx);
	snprintf(mirred->opts->v[MIRRED_DEV].name, sizeof(mirred->opts->v[MIRRED_DEV].name), "%s", ifb);
	mirred->opts->set |= UINT64_C(1) << MIRRED_DEV;
	if (matches_marks(job->policy->ingress)) {
		rule.actions = connmark = new_action(job, "connmark");
		if (!connmark)
			return oom(job->ctx);
		connmark->next = mirred;
	}
	rules.rule = &rule;
	rules.n = 1;
	return classify(job, &hook, &rules, job->link);
}

static int compile_ingress(struct job *job)
{
	struct tree_link *ifb;
	char name[TREE_NAME];

	tree_ifb_name(job->policy->name, name);
	ifb = tree_link_add(job->tree, name);
	if (!ifb)
		return oom(job->ctx);
	ifb->kind = "ifb";
	ifb->ours = true;
	ifb->up = true;
	ifb->mtu_bytes = job->present->mtu_bytes;
	ifb->arphrd = ARPHRD_ETHER;
	ifb->alias = arena_printf(&job->tree->arena, "weir:%s", job->policy->name);
	if (!ifb->alias)
		return oom(job->ctx);
	return compile_tree(job, job->policy->ingress, ifb);
}

/* ---- police ---- */

static const enum police_verdict verdicts[] = {
	/* "pass" goes on with the next filter: ending here would bypass the redirect to the IFB and
	 * the filters of other programs */
	[VERDICT_DROP] = POLICE_DROP, [VERDICT_PASS] = POLICE_CONTINUE,
	[VERDICT_RECLASSIFY] = POLICE_RECLASSIFY,
};

static uint64_t police_burst(const struct police *p)
{
	uint64_t least = 64 * 1024, share = p->rate_bit / 8 / 50;

	if (p->burst_bytes)
		return p->burst_bytes;
	return share > least ? share : least;
}

/* At ingress the kernel counts packets without their Ethernet header (sch_handle_ingress(),
 * net/core/dev.c, 6.12), and everywhere else with it. */
static uint64_t police_overhead(const struct job *job, const struct police *p)
{
	int32_t header = p->ingress && job->ethernet ? ETHER_HEADER_BYTES : 0;
	int32_t bytes = job->policy->framing.overhead_bytes + header;

	return bytes > 0 ? (uint64_t)bytes : 0;
}

static struct action *police_action(struct job *job, const struct police *p)
{
	const struct framing *framing = &job->policy->framing;
	struct action *a = new_action(job, "police");
	struct opts *o = a ? a->opts : NULL;

	if (!o)
		return NULL;
	opts_put(o, POLICE_RATE, framing_rate(framing, p->rate_bit) & ~UINT64_C(7));
	opts_put(o, POLICE_BURST, police_burst(p));
	if (p->mtu_bytes)
		opts_put(o, POLICE_MTU, p->mtu_bytes);
	opts_put(o, POLICE_OVERHEAD, police_overhead(job, p));
	opts_put(o, POLICE_MPU, framing->mpu_bytes);
	opts_put(o, POLICE_LINKLAYER,
		 framing->linklayer == LINKLAYER_ATM ? TC_LL_ATM : TC_LL_ETHERNET);
	opts_put(o, POLICE_CONFORM, verdicts[p->conform]);
	opts_put(o, POLICE_EXCEED, verdicts[p->exceed]);
	if (a->kind->canon)
		a->kind->canon(o);
	return a;
}

static int police_rules(struct job *job, bool ingress, struct rules *rules)
{
	const struct police *p;
	const struct match *m;
	struct action *action;
	unsigned int total = 0;

	for (p = job->policy->polices; p; p = p->next)
		total += p->matches ? count_matches(p->matches) : 1;
	rules->rule = arena_alloc(&job->tree->arena, (total + 1) * sizeof(*rules->rule));
	if (!rules->rule)
		return oom(job->ctx);
	for (p = job->policy->polices; p; p = p->next) {
		if (p->ingress != ingress)
			continue;
		action = police_action(job, p);
		if (!action)
			return oom(job->ctx);
		m = p->matches;
		do {
			rules->rule[rules->n++] = (struct rule){
				.match = m, .actions = action, .what = "police",
			};
			m = m ? m->next : NULL;
		} while (m);
	}
	return 0;
}

static int compile_police(struct job *job, bool ingress)
{
	struct hook hook = {
		.parent = ingress ? HANDLE_INGRESS : HANDLE_EGRESS,
		.prio_first = WEIR_PRIO_FIRST, .prio_last = WEIR_PRIO - 1,
		.ethernet = job->ethernet,
	};
	struct rules rules = { 0 };
	int err = police_rules(job, ingress, &rules);

	return err ? err : classify(job, &hook, &rules, job->link);
}

static int compile_clsact(struct job *job)
{
	struct obj *obj = tree_obj_add(job->tree, job->link, OBJ_QDISC);

	if (!obj)
		return oom(job->ctx);
	obj->handle = HANDLE(0xffff, 0);
	obj->parent = HANDLE_CLSACT;
	obj->kind = kind_find(KIND_QDISC, "clsact");
	obj->kind_name = obj->kind->name;
	obj->opts = opts_new(&job->tree->arena, obj->kind);
	return obj->opts ? 0 : oom(job->ctx);
}

/* ---- links ---- */

static void warn_framing(struct job *job)
{
	const struct framing *f = &job->policy->framing;

	if (f->overhead_bytes < 0)
		warn(job->ctx, "%s: HTB cannot take an overhead below 0: %d counts as 0, so the link is "
		     "shaped a little below its rate", job->policy->name, f->overhead_bytes);
}

static int compile_link(struct job *job)
{
	const struct link *policy = job->policy;
	char ifb[TREE_NAME];
	int err = 0;

	warn_framing(job);
	if (policy->egress)
		err = compile_tree(job, policy->egress, job->link);
	if (!err && (policy->ingress || policy->polices))
		err = compile_clsact(job);
	if (!err && policy->polices)
		err = compile_police(job, true);
	if (!err && policy->polices)
		err = compile_police(job, false);
	if (!err && policy->ingress)
		err = compile_ingress(job);
	if (!err && policy->ingress) {
		tree_ifb_name(policy->name, ifb);
		err = compile_redirect(job, ifb);
	}
	return err;
}

static int start_link(struct job *job, const struct tree *present)
{
	const struct link *policy = job->policy;

	job->present = tree_link_find(present, policy->name);
	if (!job->present)
		return fail(job->ctx, ENODEV, "%s: no such interface (%s:%u)", policy->name,
			    policy->loc.file, policy->loc.line);
	if (job->present->ours)
		return fail(job->ctx, EINVAL, "%s: is weir's own IFB; name the link that it belongs to",
			    policy->name);
	job->link = tree_link_add(job->tree, policy->name);
	if (!job->link)
		return oom(job->ctx);
	job->link->ifindex = job->present->ifindex;
	job->link->mtu_bytes = job->present->mtu_bytes;
	job->link->arphrd = job->present->arphrd;
	job->link->up = job->present->up;
	job->ethernet = job->present->arphrd == ARPHRD_ETHER;
	job->frame_bytes = job->present->mtu_bytes + (job->ethernet ? ETHER_HEADER_BYTES : 0);
	return 0;
}

static bool is_named(const char *name, const char *const *only, unsigned int n_only)
{
	unsigned int i;

	for (i = 0; i < n_only; i++)
		if (!strcmp(only[i], name))
			return true;
	return !n_only;
}

static int require_kind(struct ctx *ctx, const struct probe *probe, const struct tree_link *link,
			const struct kind *kind)
{
	static const char *const types[] = {
		[KIND_QDISC] = "qdisc", [KIND_CLASS] = "class", [KIND_FILTER] = "filter",
		[KIND_ACTION] = "action",
	};

	if (probe_has(probe, kind))
		return 0;
	return fail(ctx, EOPNOTSUPP, "%s: this kernel has no %s %s (module %s)", link->name,
		    types[kind->type], kind->name, kind->module);
}

/* Names a missing kind before anything is changed. */
static int require_kinds(struct ctx *ctx, const struct probe *probe, const struct tree *tree)
{
	const struct tree_link *link;
	const struct action *a;
	const struct obj *obj;
	int type, err = 0;

	for (link = tree->links; link && !err; link = link->next)
		for (type = 0; type < OBJ_TYPES && !err; type++)
			for (obj = link->objs[type]; obj && !err; obj = obj->next) {
				err = require_kind(ctx, probe, link, obj->kind);
				for (a = obj->actions; a && !err; a = a->next)
					err = require_kind(ctx, probe, link, a->kind);
			}
	return err;
}

int plan_compile(struct ctx *ctx, const struct policy *policy, const struct tree *present,
		 const struct probe *probe, const char *const *only, unsigned int n_only,
		 struct tree **wanted)
{
	struct job job = { .ctx = ctx, .probe = probe, .tree = tree_new() };
	int err = job.tree ? 0 : oom(ctx);

	for (job.policy = policy->links; job.policy && !err; job.policy = job.policy->next) {
		if (!is_named(job.policy->name, only, n_only))
			continue;
		err = start_link(&job, present);
		if (!err)
			err = compile_link(&job);
	}
	if (!err)
		err = require_kinds(ctx, probe, job.tree);
	if (err) {
		tree_free(job.tree);
		return err;
	}
	*wanted = job.tree;
	return 0;
}
