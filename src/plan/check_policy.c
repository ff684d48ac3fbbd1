// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/check_policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/cgroup_rules.h"
#include "plan/classifier.h"

/* Nothing is known of the kernel: then all is there. */
static const struct probe any_kernel;

/* The rules of one hook, in their order. */
struct rules {
	struct arena arena;
	struct rule *rule;
	unsigned int n;
};

static int fail_at(struct ctx *ctx, const struct loc *loc, const char *why)
{
	char *text = NULL;
	int err;

	if (asprintf(&text, "%s:%u:%u: %s", loc->file, loc->line, loc->column, why) < 0)
		return oom(ctx);
	err = fail_located(ctx, EOPNOTSUPP, text);
	free(text);
	return err;
}

/* ---- rules ---- */

/* classid: any but 0 stands for a class. */
static void add(struct rules *rules, const struct match *m, uint32_t classid)
{
	for (; m; m = m->next) {
		if (rules->rule)
			rules->rule[rules->n] = (struct rule){ .match = m, .classid = classid };
		rules->n++;
	}
}

/* A class's own come behind those of the classes in it. */
static void add_classes(struct rules *rules, const struct class *c)
{
	const struct class *child;

	for (child = c->children; child; child = child->next)
		add_classes(rules, child);
	add(rules, c->matches, 1);
}

static void collect(struct rules *rules, const struct link *link, const struct class *root, bool ingress)
{
	const struct police *p;

	rules->n = 0;
	if (root)
		add_classes(rules, root);
	for (p = root ? NULL : link->polices; p; p = p->next)
		if (p->ingress == ingress)
			add(rules, p->matches, 0);
}

/* ---- checks ---- */

static int check_rules(struct ctx *ctx, const struct classifier *c, const struct rules *rules, bool ingress)
{
	const struct rule *r;
	unsigned int i, at;
	char why[200];

	for (r = rules->rule; r < rules->rule + rules->n; r++)
		if (c->can(&any_kernel, r->match, why, sizeof(why)))
			return fail_at(ctx, &r->match->loc, why);
	for (i = 0; i < rules->n && !is_cgroup_rule(&rules->rule[i]); i++)
		;
	if (strcmp(c->name, "kernel") || i == rules->n ||
	    !cgroup_rules_order(&any_kernel, ingress, rules->rule, rules->n, i, &at, why, sizeof(why)))
		return 0;
	return fail_at(ctx, &rules->rule[at].match->loc, why);
}

/* root: of a tree; NULL: the policers of this direction. */
static int check_hook(struct ctx *ctx, const struct classifier *c, const struct link *link,
		      const struct class *root, bool ingress)
{
	struct rules rules = { .n = 0 };
	int err = 0;

	collect(&rules, link, root, ingress);
	if (!rules.n)
		return 0;
	rules.rule = arena_alloc(&rules.arena, rules.n * sizeof(*rules.rule));
	if (rules.rule) {
		collect(&rules, link, root, ingress);
		err = check_rules(ctx, c, &rules, ingress);
	} else {
		err = oom(ctx);
	}
	arena_free(&rules.arena);
	return err;
}

static int check_marks(struct ctx *ctx, const struct class *c)
{
	int err = c->mark_mask ? fail_at(ctx, &c->loc, CLASSIFIER_KERNEL_NO_MARK) : 0;

	for (c = c->children; c && !err; c = c->next)
		err = check_marks(ctx, c);
	return err;
}

static int check_link(struct ctx *ctx, const struct link *link)
{
	bool kernel = link->classifier == CLASSIFIER_KERNEL;
	const struct classifier *c = classifier_find(kernel ? "kernel" : "bpf");
	int err = 0;

	if (link->egress)
		err = check_hook(ctx, c, link, link->egress, false);
	if (!err && link->ingress)
		err = check_hook(ctx, c, link, link->ingress, true);
	if (!err && link->ingress && kernel)
		err = check_marks(ctx, link->ingress);
	if (!err)
		err = check_hook(ctx, c, link, NULL, true);
	return err ? err : check_hook(ctx, c, link, NULL, false);
}

int plan_check_policy(struct ctx *ctx, const struct policy *policy)
{
	const struct link *link;
	int err = 0;

	for (link = policy->links; link && !err; link = link->next)
		err = check_link(ctx, link);
	return err;
}
