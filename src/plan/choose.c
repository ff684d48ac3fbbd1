// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/choose.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct rule *rules_refused(const struct classifier *classifier, const struct probe *probe,
					const struct rule *rules, unsigned int n, char *why,
					size_t size)
{
	unsigned int r;

	for (r = 0; r < n; r++)
		if (rules[r].match && classifier->can(probe, rules[r].match, why, size))
			return &rules[r];
	return NULL;
}

static bool is_allowed(const struct link *policy, const struct classifier *classifier)
{
	switch (policy->classifier) {
	case CLASSIFIER_BPF:
		return !strcmp(classifier->name, "bpf");
	case CLASSIFIER_KERNEL:
		return !strcmp(classifier->name, "kernel");
	default:
		return true;
	}
}

/* What hinders a classifier on this link, apart from its rules. */
static bool is_hindered(const struct choice *c, const struct classifier *classifier, char *why,
			size_t size)
{
	const struct obj *hook = tree_qdisc_at(c->present, HANDLE_CLSACT);

	if (classifier->is_there(c->probe, why, size))
		return true;
	if (strcmp(classifier->name, "bpf") || !c->directions[0]->link || !hook ||
	    !strcmp(hook->kind_name, "clsact"))
		return false;
	snprintf(why, size, "qdisc %s, which is not weir's, is in the place of clsact", hook->kind_name);
	return true;
}

/* Forgets the filters after `last` again. */
static void cut_filters(struct tree_link *link, struct obj *last)
{
	link->last[OBJ_FILTER] = last;
	if (last)
		last->next = NULL;
	else
		link->objs[OBJ_FILTER] = NULL;
}

/* One try of a classifier for a link. */
struct attempt {
	const struct classifier *classifier;
	const struct rule *refused;	/* what it cannot carry, if it is that */
	char why[512];			/* why it failed */
	bool whole;			/* which says all: the link, what it is about .. */
};

/* Another classifier may come after this one: what it says is no fault yet. */
static int direct_both(const struct choice *c, struct attempt *a, struct tree *tree,
		       struct tree_link *link)
{
	struct obj *last = link->last[OBJ_FILTER];
	struct ctx quiet;
	unsigned int i;
	int err = 0;

	ctx_init(&quiet);
	for (i = 0; i < 2 && !err; i++)
		if (c->directions[i]->link)
			err = a->classifier->direct(&quiet, c->probe, c->directions[i], tree);
	if (err) {
		a->whole = true;
		snprintf(a->why, sizeof(a->why), "%s", quiet.error ? quiet.error : strerror(-err));
		cut_filters(link, last);
	}
	ctx_fini(&quiet);
	return err;
}

static int try_classifier(const struct choice *c, struct attempt *a, struct tree *tree,
			  struct tree_link *link)
{
	const struct direction *d;
	unsigned int i;

	if (is_hindered(c, a->classifier, a->why, sizeof(a->why)))
		return -EOPNOTSUPP;
	for (i = 0; i < 2 && !a->refused; i++) {
		d = c->directions[i];
		a->refused = rules_refused(a->classifier, c->probe, d->rules, d->n_rules, a->why,
					   sizeof(a->why));
	}
	return a->refused ? -EOPNOTSUPP : direct_both(c, a, tree, link);
}

/* better: why not the one before; or NULL. */
static int fail_attempt(struct ctx *ctx, const struct tree_link *link, const char *better,
			const struct attempt *a, int err)
{
	if (a->whole)
		return fail(ctx, err, "%s", a->why);
	if (!a->refused)
		return fail(ctx, err, "%s: classifier %s: %s", link->name, a->classifier->name, a->why);
	return fail(ctx, err, "%s: %s: %s:%u: %s%s%s", link->name, a->refused->what,
		    a->refused->match->loc.file, a->refused->match->loc.line, a->why,
		    better ? "; classifier bpf: " : "", better ? better : "");
}

int choose_classifier(struct ctx *ctx, const struct choice *choice, struct tree *tree,
		      struct tree_link *link)
{
	struct attempt a;
	unsigned int i;
	int err = 0;

	for (i = 0; classifiers[i]; i++) {
		if (!is_allowed(choice->policy, classifiers[i]))
			continue;
		a = (struct attempt){ .classifier = classifiers[i] };
		err = try_classifier(choice, &a, tree, link);
		if (!err) {
			link->classifier = a.classifier->name;
			return 0;
		}
		if ((err != -EOPNOTSUPP && err != -E2BIG) || !classifiers[i + 1] ||
		    !is_allowed(choice->policy, classifiers[i + 1]))
			break;
		link->why_classifier = arena_strdup(&tree->arena, a.why);
		if (!link->why_classifier)
			return oom(ctx);
	}
	return fail_attempt(ctx, link, link->why_classifier, &a, err);
}

int choose_for_police(struct ctx *ctx, const struct choice *choice, const struct tree_link *link,
		      const struct rule *rules, unsigned int n, const struct classifier **classifier)
{
	char better[sizeof(((struct attempt *)0)->why)] = "";
	struct attempt a = { .refused = NULL };
	unsigned int i;

	for (i = 0; classifiers[i]; i++) {
		if (link->classifier ? strcmp(link->classifier, classifiers[i]->name) :
				       !is_allowed(choice->policy, classifiers[i]))
			continue;
		memcpy(better, a.why, sizeof(better));
		a = (struct attempt){ .classifier = classifiers[i] };
		if (classifiers[i]->is_there(choice->probe, a.why, sizeof(a.why)))
			continue;
		a.refused = rules_refused(classifiers[i], choice->probe, rules, n, a.why, sizeof(a.why));
		if (!a.refused) {
			*classifier = classifiers[i];
			return 0;
		}
	}
	return fail_attempt(ctx, link, *better ? better : link->why_classifier, &a, -EOPNOTSUPP);
}
