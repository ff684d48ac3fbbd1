// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Classes that no packet reaches because earlier matches take all of theirs.
 *
 * The first match that holds wins, in file order; matches of inner classes come before those of the
 * class around them. A match is seen as taken when one earlier match of another class holds for all
 * its packets; what only several earlier ones take together is not noticed. Comparing all pairs is
 * quadratic: when WORK_MAX is used up, only matches that are the same and the simple ones among the
 * first FIRST_ONES are still found.
 */
#include "conf/match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/index.h"
#include "conf/parse.h"

enum { WORK_MAX = 4000000, FIRST_ONES = 64, SIMPLE = 16 };

struct rule {
	const struct match *match;
	const struct class *class;
};

struct rules {
	struct rule *rule;
	size_t n, room;
	struct index first;	/* the first rule of each match */
	uint64_t left;		/* work that comparing may still take */
};

/* ---- the rules of a tree, in the order in which they are tried ---- */

static int add_rule(struct rules *r, const struct match *m, const struct class *c)
{
	if (r->n == r->room) {
		size_t room = r->room ? r->room * 2 : 64;
		struct rule *rule = reallocarray(r->rule, room, sizeof(*rule));

		if (!rule)
			return -ENOMEM;
		r->rule = rule;
		r->room = room;
	}
	r->rule[r->n++] = (struct rule){ m, c };
	return 0;
}

static int collect(struct rules *r, const struct class *c)
{
	const struct class *child;
	const struct match *m;
	int err;

	for (child = c->children; child; child = child->next) {
		err = collect(r, child);
		if (err)
			return err;
	}
	for (m = c->matches; m; m = m->next) {
		err = add_rule(r, m, c);
		if (err)
			return err;
	}
	return 0;
}

/* ---- who took it ---- */

static bool takes(const struct rule *earlier, const struct rule *r)
{
	return earlier->class != r->class && match_covers(earlier->match, r->match);
}

static bool same_match(const void *item, const void *key)
{
	const struct match *a = ((const struct rule *)item)->match, *b = key;

	return match_covers(a, b) && match_covers(b, a);
}

/* The first rule with this match; rule i itself when there is none before. */
static int first_of(struct rules *r, size_t i, struct rule **first)
{
	const struct match *m = r->rule[i].match;
	uint64_t hash = match_hash(m);

	*first = index_find(&r->first, hash, same_match, m);
	if (*first)
		return 0;
	*first = &r->rule[i];
	return index_add(&r->first, hash, *first);
}

/* What comparing takes, in prefixes; for matches without lists 1. */
static uint64_t work(const struct match *a, const struct match *b)
{
	return 1 + (uint64_t)a->n_from * b->n_from + (uint64_t)a->n_to * b->n_to +
	       a->n_sport + b->n_sport + a->n_dport + b->n_dport;
}

static bool afford(struct rules *r, uint64_t units)
{
	if (units <= r->left) {
		r->left -= units;
		return true;
	}
	r->left = 0;
	return units <= SIMPLE;
}

/* The class of an earlier rule that takes all packets of rule i, or NULL. */
static const struct class *taken_by(struct rules *r, size_t i, const struct rule *first)
{
	const struct rule *rule = &r->rule[i];
	size_t k;

	if (first->class != rule->class)
		return first->class;
	for (k = 0; k < i && (r->left || k < FIRST_ONES); k++)
		if (afford(r, work(r->rule[k].match, rule->match)) && takes(&r->rule[k], rule))
			return r->rule[k].class;
	return NULL;
}

/* Looks at the rules of one class, from *i on to those of the next. *by: who takes them all. */
static int check_class(struct rules *r, size_t *i, const struct class **by)
{
	const struct class *c = r->rule[*i].class, *taker;
	bool reached = false;
	struct rule *first;
	int err;

	for (*by = NULL; *i < r->n && r->rule[*i].class == c; ++*i) {
		err = first_of(r, *i, &first);
		if (err)
			return err;
		taker = reached ? NULL : taken_by(r, *i, first);
		reached |= !taker;
		if (!*by)
			*by = taker;
	}
	if (reached)
		*by = NULL;
	return 0;
}

int check_shadows(struct class *root,
		  void (*unreachable)(void *arg, const struct class *c, const struct class *by),
		  void *arg)
{
	struct rules r = { .left = WORK_MAX };
	const struct class *by, *c;
	size_t i = 0;
	int err = collect(&r, root);

	while (!err && i < r.n) {
		c = r.rule[i].class;
		err = check_class(&r, &i, &by);
		if (!err && by)
			unreachable(arg, c, by);
	}
	index_free(&r.first);
	free(r.rule);
	return err;
}
