// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/hook_place.h"

#include <errno.h>
#include <string.h>

#include "plan/filters.h"

enum { MAX_FILTERS = WEIR_PRIO_LAST - WEIR_PRIO + 1 };

struct pair {
	struct obj *wanted;
	const struct obj *present;	/* which becomes the wanted one, or is it already */
	bool equal;
};

struct place {
	struct pair pair[MAX_FILTERS];
	unsigned int n;
};

static struct obj *first_filter(const struct tree_link *link)
{
	return link ? link->objs[OBJ_FILTER] : NULL;
}

static bool is_here(const struct obj *f, uint32_t parent)
{
	return f->parent == parent && tree_in_hook_place(f);
}

static bool is_taken(const struct place *place, const struct obj *present)
{
	unsigned int i;

	for (i = 0; i < place->n; i++)
		if (place->pair[i].present == present)
			return true;
	return false;
}

static bool both_programs(const struct obj *wanted, const struct obj *present)
{
	return wanted->kind && wanted->kind == present->kind && !strcmp(wanted->kind_name, "bpf") &&
	       wanted->protocol == present->protocol;
}

/* Gives each wanted filter the first that is there and suits it. */
static void pair_up(struct place *place, const struct tree_link *present, uint32_t parent,
		    bool (*suits)(const struct obj *wanted, const struct obj *present), bool equal)
{
	const struct obj *p;
	struct pair *pair;
	unsigned int i;

	for (i = 0; i < place->n; i++) {
		pair = &place->pair[i];
		for (p = first_filter(present); p && !pair->present; p = p->next) {
			if (!is_here(p, parent) || !tree_hook_is_weirs(p) || is_taken(place, p) ||
			    !suits(pair->wanted, p))
				continue;
			*pair = (struct pair){ pair->wanted, p, equal };
			pair->wanted->prio = p->prio;
			pair->wanted->handle = p->handle;
		}
	}
}

static bool prio_is_free(const struct place *place, const struct tree_link *present, uint32_t parent,
			 uint16_t prio)
{
	const struct obj *p;
	unsigned int i;

	for (p = first_filter(present); p; p = p->next)
		if (is_here(p, parent) && p->prio == prio)
			return false;
	for (i = 0; i < place->n; i++)
		if (place->pair[i].wanted->prio == prio)
			return false;
	return true;
}

static int give_prio(struct ctx *ctx, struct place *place, const struct tree_link *present,
		     uint32_t parent, struct obj *wanted)
{
	uint16_t prio;

	wanted->prio = 0;
	for (prio = WEIR_PRIO; prio <= WEIR_PRIO_LAST; prio++)
		if (prio_is_free(place, present, parent, prio)) {
			wanted->prio = prio;
			return 0;
		}
	return fail(ctx, ENOSPC, "%s: no filter priority is left from %d to %d", present->name, WEIR_PRIO,
		    WEIR_PRIO_LAST);
}

/* What is to be added must not come to stand behind or beside what is not weir's. */
static int refuse_foreign(struct ctx *ctx, const struct tree_link *present, uint32_t parent)
{
	const struct obj *p;

	for (p = first_filter(present); p; p = p->next)
		if (is_here(p, parent) && !tree_hook_is_weirs(p))
			return fail(ctx, EEXIST, "%s: filter %s of %s, prio %u, is not weir's, and in its place",
				    present->name, p->kind_name,
				    parent == HANDLE_INGRESS ? "ingress" : "egress", p->prio);
	return 0;
}

static int report(struct ctx *ctx, struct place *place, const struct tree_link *present,
		  uint32_t parent, const struct hook_changes *changes)
{
	const struct obj *p;
	struct pair *pair;
	unsigned int i;
	int err = 0;

	for (i = 0; i < place->n && !err; i++) {
		pair = &place->pair[i];
		if (pair->equal)
			continue;
		err = refuse_foreign(ctx, present, parent);
		if (!err && pair->present) {
			err = changes->change(changes->arg, pair->present, pair->wanted);
			continue;
		}
		if (!err)
			err = give_prio(ctx, place, present, parent, pair->wanted);
		if (!err)
			err = changes->add(changes->arg, pair->wanted);
	}
	for (p = first_filter(present); p && !err; p = p->next)
		if (is_here(p, parent) && tree_hook_is_weirs(p) && !is_taken(place, p))
			err = changes->remove(changes->arg, p);
	return err;
}

int hook_place_diff(struct ctx *ctx, const struct tree_link *present, struct tree_link *wanted,
		    uint32_t parent, const struct hook_changes *changes)
{
	struct place place = { .n = 0 };
	struct obj *w;

	/* of a dump that is to be brought back, only weir's */
	for (w = first_filter(wanted); w && place.n < MAX_FILTERS; w = w->next)
		if (is_here(w, parent) && tree_hook_is_weirs(w))
			place.pair[place.n++].wanted = w;
	pair_up(&place, present, parent, filters_equal, true);
	pair_up(&place, present, parent, both_programs, false);
	return report(ctx, &place, present, parent, changes);
}
