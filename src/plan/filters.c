// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/filters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Beyond so many comparisons the middle that differs is replaced whole. */
enum {
	MAX_TABLE_CELLS = 4 * 1024 * 1024,
	PRIO_STEP = 256,	/* room for rules to come, where there is room */
};

struct group {
	struct obj **filter;
	unsigned int n;
	uint16_t prio;
	unsigned int peer;	/* index of the equal group of the other side, or NONE */
};

#define NONE (~0u)

struct side {
	struct group *group;
	unsigned int n;
};

static bool in_scope(const struct obj *obj, uint32_t parent, uint16_t first, uint16_t last)
{
	return obj->parent == parent && !obj->chain && obj->prio >= first && obj->prio <= last;
}

static int by_prio(const void *a, const void *b)
{
	const struct obj *x = *(struct obj *const *)a, *y = *(struct obj *const *)b;

	if (x->prio != y->prio)
		return x->prio < y->prio ? -1 : 1;
	return x->handle < y->handle ? -1 : x->handle > y->handle;
}

/* The filters of one parent in prio order, grouped. */
static int collect(struct ctx *ctx, struct arena *scratch, const struct tree_link *link,
		   uint32_t parent, uint16_t first, uint16_t last, struct side *side)
{
	struct obj *obj, **list;
	unsigned int n = 0, i;

	memset(side, 0, sizeof(*side));
	for (obj = link ? link->objs[OBJ_FILTER] : NULL; obj; obj = obj->next)
		n += in_scope(obj, parent, first, last);
	list = arena_alloc(scratch, (n + 1) * sizeof(*list));
	side->group = arena_alloc(scratch, (n + 1) * sizeof(*side->group));
	if (!list || !side->group)
		return oom(ctx);
	n = 0;
	for (obj = link ? link->objs[OBJ_FILTER] : NULL; obj; obj = obj->next)
		if (in_scope(obj, parent, first, last))
			list[n++] = obj;
	qsort(list, n, sizeof(*list), by_prio);
	for (i = 0; i < n; i++) {
		if (!i || list[i]->prio != list[i - 1]->prio)
			side->group[side->n++] =
				(struct group){ .filter = &list[i], .prio = list[i]->prio, .peer = NONE };
		side->group[side->n - 1].n++;
	}
	return 0;
}

static bool actions_equal(const struct action *a, const struct action *b)
{
	for (; a && b; a = a->next, b = b->next)
		if (a->kind != b->kind || !opts_hold(a->kind, a->opts, b->opts))
			return false;
	return !a && !b;
}

static bool raw_equal(const struct obj *a, const struct obj *b)
{
	return a->raw && b->raw && a->raw_len == b->raw_len && !memcmp(a->raw, b->raw, a->raw_len);
}

bool filters_equal(const struct obj *wanted, const struct obj *present)
{
	if (strcmp(wanted->kind_name, present->kind_name) || wanted->protocol != present->protocol)
		return false;
	if (!wanted->kind || wanted->opaque || present->opaque)
		return raw_equal(wanted, present);
	return opts_hold(wanted->kind, wanted->opts, present->opts) &&
	       opts_hold(wanted->kind, present->opts, wanted->opts) &&
	       actions_equal(wanted->actions, present->actions);
}

static bool group_equal(const struct group *wanted, const struct group *present)
{
	unsigned int i;

	if (wanted->n != present->n)
		return false;
	for (i = 0; i < wanted->n; i++)
		if (!filters_equal(wanted->filter[i], present->filter[i]))
			return false;
	return true;
}

static void pair(struct side *w, unsigned int i, struct side *p, unsigned int j)
{
	w->group[i].peer = j;
	p->group[j].peer = i;
}

/* Longest common subsequence of w[lo..hiw) and p[lo..hip). */
static int align_middle(struct ctx *ctx, struct side *w, unsigned int lo, unsigned int hiw,
			struct side *p, unsigned int hip)
{
	unsigned int rows = hiw - lo, cols = hip - lo, i, j;
	uint32_t *len;

	if ((uint64_t)(rows + 1) * (cols + 1) > MAX_TABLE_CELLS)
		return 0;
	len = calloc((size_t)(rows + 1) * (cols + 1), sizeof(*len));
	if (!len)
		return oom(ctx);
#define LEN(r, c) len[(size_t)(r) * (cols + 1) + (c)]
	for (i = rows; i-- > 0;)
		for (j = cols; j-- > 0;)
			LEN(i, j) = group_equal(&w->group[lo + i], &p->group[lo + j]) ?
				LEN(i + 1, j + 1) + 1 :
				LEN(i + 1, j) > LEN(i, j + 1) ? LEN(i + 1, j) : LEN(i, j + 1);
	for (i = j = 0; i < rows && j < cols;) {
		if (group_equal(&w->group[lo + i], &p->group[lo + j]))
			pair(w, lo + i++, p, lo + j++);
		else if (LEN(i + 1, j) >= LEN(i, j + 1))
			i++;
		else
			j++;
	}
#undef LEN
	free(len);
	return 0;
}

static int align(struct ctx *ctx, struct side *w, struct side *p)
{
	unsigned int lo = 0, hiw = w->n, hip = p->n;

	while (lo < hiw && lo < hip && group_equal(&w->group[lo], &p->group[lo])) {
		pair(w, lo, p, lo);
		lo++;
	}
	while (hiw > lo && hip > lo && group_equal(&w->group[hiw - 1], &p->group[hip - 1]))
		pair(w, --hiw, p, --hip);
	return align_middle(ctx, w, lo, hiw, p, hip);
}

static bool prio_taken(const struct side *p, uint16_t prio)
{
	unsigned int lo = 0, hi = p->n, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (p->group[mid].prio == prio)
			return true;
		if (p->group[mid].prio < prio)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/* Spreads the run w[i..end) over the free prios strictly between `below` and `above`. */
static bool place_run(struct side *w, unsigned int i, unsigned int end, const struct side *p,
		      uint32_t below, uint32_t above)
{
	uint32_t prio = below, left, step;

	for (; i < end; i++) {
		left = end - i;
		if (above <= prio + left)
			return false;
		step = (above - prio) / (left + 1);
		prio += step > PRIO_STEP ? PRIO_STEP : step ? step : 1;
		while (prio < above && prio_taken(p, (uint16_t)prio))
			prio++;
		if (prio >= above)
			return false;
		w->group[i].prio = (uint16_t)prio;
	}
	return true;
}

/* Gives every wanted group without a peer a prio between those of its neighbours. */
static bool place_all(struct side *w, const struct side *p, uint16_t first, uint16_t last)
{
	uint32_t below = first - 1u, above;
	unsigned int i = 0, end;

	while (i < w->n) {
		if (w->group[i].peer != NONE) {
			below = w->group[i].prio = p->group[w->group[i].peer].prio;
			i++;
			continue;
		}
		for (end = i; end < w->n && w->group[end].peer == NONE; end++)
			;
		above = end < w->n ? p->group[w->group[end].peer].prio : last + 1u;
		if (!place_run(w, i, end, p, below, above))
			return false;
		i = end;
	}
	return true;
}

static void unpair(struct side *s)
{
	unsigned int i;

	for (i = 0; i < s->n; i++)
		s->group[i].peer = NONE;
}

static int report_removals(struct side *p, const struct filter_changes *changes, bool in_the_way)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < p->n && !err; i++)
		if (p->group[i].peer == NONE)
			err = changes->remove(changes->arg, p->group[i].filter[0], in_the_way);
	return err;
}

static int report_additions(struct side *w, const struct filter_changes *changes)
{
	unsigned int i, k;
	int err = 0;

	for (i = 0; i < w->n && !err; i++)
		for (k = 0; k < w->group[i].n && !err; k++) {
			w->group[i].filter[k]->prio = w->group[i].prio;
			if (w->group[i].peer == NONE)
				err = changes->add(changes->arg, w->group[i].filter[k]);
		}
	return err;
}

static bool is_u32(const struct group *group)
{
	return !strcmp(group->filter[0]->kind_name, "u32");
}

/* Whether old and new ones can be there at the same time. */
static bool both_fit(const struct side *w, const struct side *p)
{
	unsigned int n = 0, i;

	for (i = 0; i < w->n; i++)
		n += w->group[i].peer == NONE && is_u32(&w->group[i]);
	for (i = 0; i < p->n; i++)
		n += is_u32(&p->group[i]);
	return n <= U32_MAX_PRIOS;
}

int filters_align(struct ctx *ctx, struct arena *scratch, const struct tree_link *present,
		  struct tree_link *wanted, uint32_t parent, uint16_t prio_first,
		  uint16_t prio_last, const struct filter_changes *changes)
{
	struct side w, p;
	int err;

	err = collect(ctx, scratch, wanted, parent, prio_first, prio_last, &w);
	if (!err)
		err = collect(ctx, scratch, present, parent, prio_first, prio_last, &p);
	if (!err)
		err = align(ctx, &w, &p);
	if (err)
		return err;
	if (!place_all(&w, &p, prio_first, prio_last)) {
		/* no room in between: every group gets a new place */
		unpair(&w);
		unpair(&p);
		if (!place_all(&w, &(struct side){ 0 }, prio_first, prio_last))
			return fail(ctx, ENOSPC, "%s: no filter priority is left for %u rules",
				    wanted->name, w.n);
	} else if (both_fit(&w, &p)) {
		err = report_additions(&w, changes);
		return err ? err : report_removals(&p, changes, false);
	}
	/* the old ones go first */
	err = report_removals(&p, changes, true);
	return err ? err : report_additions(&w, changes);
}
