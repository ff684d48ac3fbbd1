// SPDX-License-Identifier: GPL-2.0-or-later
/* What the police rules of a link have counted: one line for each bucket, which several filters may share. */
#include <string.h>

#include "cmd/rules.h"
#include "plan/filters.h"
#include "qdisc/filter.h"

struct job {
	struct ctx *ctx;
	struct arena *arena;
	const struct tree_link *applied;	/* or NULL */
	struct rule_counts *counts;
	struct bucket {
		uint64_t index;
		const char *last;	/* the text of its last filter: several are one match line */
	} *buckets;			/* of each line of counts */
};

static const struct action *police_of(const struct obj *f, uint32_t parent)
{
	const struct action *a;

	for (a = f->parent == parent && f->prio >= WEIR_PRIO_FIRST && f->prio < WEIR_PRIO ? f->actions : NULL;
	     a; a = a->next)
		if (!strcmp(a->kind->name, "police"))
			return a;
	return NULL;
}

/* "udp dport 5060" of what was applied, or NULL. */
static const char *applied_text(const struct job *job, const struct obj *filter)
{
	static const char before[] = "police: ";
	const struct obj *f;

	for (f = job->applied ? job->applied->objs[OBJ_FILTER] : NULL; f; f = f->next)
		if (f->parent == filter->parent && f->name && filters_equal(f, filter) &&
		    !strncmp(f->name, before, sizeof(before) - 1))
			return f->name + sizeof(before) - 1;
	return NULL;
}

static unsigned int line_of(struct job *job, uint64_t index)
{
	struct rule_counts *r = job->counts;
	unsigned int i;

	for (i = 0; i < r->n; i++)
		if (job->buckets[i].index == index)
			return i;
	job->buckets[r->n++].index = index;
	r->n_rules = r->n;
	return i;
}

/* A bucket counts for all its filters; their lines are one rule. */
static int add_filter(struct job *job, const struct obj *f, const struct action *police)
{
	unsigned int line = line_of(job, opts_get(police->opts, POLICE_INDEX, 0));
	struct rule_count *c = &job->counts->count[line];
	const char *text = applied_text(job, f), *last = job->buckets[line].last;

	if (!text) {
		job->counts->others = true;
		text = arena_printf(job->arena, "prio %u", f->prio);
		if (!text)
			return oom(job->ctx);
	}
	if (!last)
		c->match = text;
	else if (strcmp(last, text))
		c->match = arena_printf(job->arena, "%s; %s", c->match, text);
	job->buckets[line].last = text;
	c->class = "police";
	c->packets = f->stats.packets;
	c->bytes = f->stats.bytes;
	c->exceeding = f->stats.overlimits;
	return c->match ? 0 : oom(job->ctx);
}

static int add_hook(struct job *job, const struct tree_link *link, uint32_t parent)
{
	unsigned int n = 0;
	const struct obj *f;
	int err = 0;

	for (f = link->objs[OBJ_FILTER]; f; f = f->next)
		n += police_of(f, parent) != NULL;
	job->counts->count = arena_alloc(job->arena, (n + 1) * sizeof(*job->counts->count));
	job->buckets = arena_alloc(job->arena, (n + 1) * sizeof(*job->buckets));
	if (!job->counts->count || !job->buckets)
		return oom(job->ctx);
	for (f = link->objs[OBJ_FILTER]; f && !err; f = f->next)
		if (police_of(f, parent))
			err = add_filter(job, f, police_of(f, parent));
	return err;
}

int rules_police(struct ctx *ctx, struct arena *arena, const struct tree_link *link,
		 const struct tree_link *applied, struct rule_counts ***tail)
{
	static const uint32_t parents[] = { HANDLE_EGRESS, HANDLE_INGRESS };
	struct job job = { .ctx = ctx, .arena = arena, .applied = applied };
	unsigned int i;
	int err = 0;

	for (i = 0; i < 2 && !err; i++) {
		job.counts = arena_alloc(arena, sizeof(*job.counts));
		if (!job.counts)
			return oom(ctx);
		job.counts->link = link->name;
		job.counts->ingress = parents[i] == HANDLE_INGRESS;
		job.counts->police = true;
		err = add_hook(&job, link, parents[i]);
		if (err || !job.counts->n)
			continue;
		**tail = job.counts;
		*tail = &job.counts->next;
	}
	return err;
}
