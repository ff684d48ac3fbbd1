// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/compile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plan/choose.h"
#include "plan/htb_tree.h"
#include "plan/xdp.h"
#include "qdisc/filter.h"
#include "qdisc/htb.h"

enum {
	ARPHRD_ETHER = 1,	/* include/uapi/linux/if_arp.h */
	ETHER_HEADER_BYTES = 14,
};

/* The classes of a direction. */
struct classes {
	struct placed_class *placed;
	unsigned int n;
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
	enum xdp_choice xdp;
	struct direction egress, ingress;	/* link NULL: not shaped */
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

/* A class without a mark gives that of the class around it. */
static void set_mark(struct rule *rule, const struct class *c)
{
	for (; c; c = c->parent)
		if (c->mark_mask) {
			rule->mark = c->mark;
			rule->mark_mask = c->mark_mask;
			return;
		}
}

/*
 * Rules in file order. The placed classes are in file order with parents first; an inner class's own
 * matches come after those of the classes in it and lead to its default, which its subtree ends with.
 */
static int collect_rules(struct job *job, const struct classes *classes, struct rules *rules)
{
	const struct placed_class *p = classes->placed;
	unsigned int i, total = 0;
	const struct class *c;
	const struct match *m;

	for (i = 0; i < classes->n; i++)
		total += count_matches(p[i].class->matches);
	rules->rule = arena_alloc(&job->tree->arena, (total + 1) * sizeof(*rules->rule));
	if (!rules->rule)
		return oom(job->ctx);
	for (i = 0; i < classes->n; i++) {
		if (!p[i].leaf)
			continue;
		c = p[i].class->is_default ? p[i].class->parent : p[i].class;
		for (m = c->matches; m; m = m->next) {
			rules->rule[rules->n] = (struct rule){
				.match = m, .classid = p[i].classid,
				.what = arena_printf(&job->tree->arena, "class %s", c->path),
			};
			set_mark(&rules->rule[rules->n++], p[i].class);
		}
	}
	return 0;
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

static void set_otherwise(struct direction *d, const struct classes *classes)
{
	uint32_t classid = HANDLE(WEIR_MAJOR, WEIR_MINOR_DEFAULT);
	unsigned int i;

	d->otherwise = (struct rule){ .classid = classid, .what = "default" };
	for (i = 0; i < classes->n; i++)
		if (classes->placed[i].classid == classid)
			set_mark(&d->otherwise, classes->placed[i].class);
}

/* ---- directions ---- */

static int build_classes(struct job *job, const struct class *root, struct tree_link *dev,
			 struct direction *d)
{
	struct htb_env env = { job->probe, &job->policy->framing, job->frame_bytes };
	bool ingress = d == &job->ingress;
	struct classes classes;
	struct rules rules = { 0 };
	int err = htb_place(job->ctx, &job->tree->arena, root, &classes.placed, &classes.n);

	if (!err)
		err = htb_build(job->ctx, &env, classes.placed, classes.n, job->tree, dev);
	if (!err)
		err = collect_rules(job, &classes, &rules);
	if (err)
		return err;
	*d = (struct direction){
		.ingress = ingress, .ethernet = job->ethernet, .link = job->link, .dev = dev,
		.stamps = ingress && job->xdp != XDP_OFF,
		.marks = ingress && matches_marks(root),
		.rules = rules.rule, .n_rules = rules.n,
	};
	set_otherwise(d, &classes);
	return 0;
}

static int build_ingress(struct job *job)
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
	return build_classes(job, job->policy->ingress, ifb, &job->ingress);
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

static struct action *new_action(struct job *job, const char *name)
{
	struct action *a = arena_alloc(&job->tree->arena, sizeof(*a));

	if (!a)
		return NULL;
	a->kind = kind_find(KIND_ACTION, name);
	a->opts = a->kind ? opts_new(&job->tree->arena, a->kind) : NULL;
	return a->opts ? a : NULL;
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

static int compile_police(struct job *job, const struct choice *choice, bool ingress)
{
	struct hook hook = {
		.parent = ingress ? HANDLE_INGRESS : HANDLE_EGRESS,
		.prio_first = WEIR_PRIO_FIRST, .prio_last = WEIR_PRIO_LIMITS - 1,
		.ethernet = job->ethernet,
	};
	const struct classifier *classifier;
	struct rules rules = { 0 };
	int err = police_rules(job, ingress, &rules);

	if (!err)
		err = choose_for_police(job->ctx, choice, job->link, rules.rule, rules.n, &classifier);
	return err ? err : classifier->compile(job->ctx, job->probe, &hook, rules.rule, rules.n, job->tree,
					       job->link);
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

/* A tree gets clsact even where nothing hangs on it yet: to add or remove it the kernel takes the device
 * out of service for a moment and throws away all that waits in its queues (qdisc_graft(),
 * dev_deactivate(), net/sched, 6.1 to 6.18). */
static bool wants_hooks(const struct job *job)
{
	const struct obj *f;

	for (f = job->link->objs[OBJ_FILTER]; f; f = f->next)
		if (f->parent == HANDLE_INGRESS || f->parent == HANDLE_EGRESS)
			return true;
	return (job->policy->egress || job->policy->ingress) &&
	       probe_has(job->probe, kind_find(KIND_QDISC, "clsact"));
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
	const struct choice choice = {
		policy, job->present, job->probe, { &job->egress, &job->ingress },
	};
	int err = 0;

	warn_framing(job);
	if (policy->egress)
		err = build_classes(job, policy->egress, job->link, &job->egress);
	if (!err && policy->ingress)
		err = build_ingress(job);
	if (!err && (policy->egress || policy->ingress))
		err = choose_classifier(job->ctx, &choice, job->tree, job->link);
	if (!err)
		err = xdp_compile(job->ctx, job->xdp, job->tree, job->link);
	if (!err && policy->polices)
		err = compile_police(job, &choice, true);
	if (!err && policy->polices)
		err = compile_police(job, &choice, false);
	if (!err && wants_hooks(job))
		err = compile_clsact(job);
	return err;
}

static int start_link(struct job *job, const struct tree *present)
{
	const struct link *policy = job->policy;

	job->egress = job->ingress = (struct direction){ 0 };
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
	return xdp_choose(job->ctx, policy, job->present, &job->xdp);
}

bool plan_is_named(const char *name, const char *const *only, unsigned int n_only)
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

	for (link = tree->links; link && !err; link = link->next) {
		if (link->ours && probe->no_ifb)
			return fail(ctx, EOPNOTSUPP, "%s: this kernel has no ifb interfaces (module ifb)", link->name);
		for (type = 0; type < OBJ_TYPES && !err; type++)
			for (obj = link->objs[type]; obj && !err; obj = obj->next) {
				err = require_kind(ctx, probe, link, obj->kind);
				for (a = obj->actions; a && !err; a = a->next)
					err = require_kind(ctx, probe, link, a->kind);
			}
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
		if (!plan_is_named(job.policy->name, only, n_only))
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
