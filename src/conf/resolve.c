// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a tree means once it is complete: shares become rates, what was left out gets its default,
 * and what HTB could not carry is an error.
 *
 * Depth: HTB has eight levels (TC_HTB_MAXDEPTH, net/sched/sch_htb.c, 6.12); leaves are level 0, the
 * link's own class is the topmost, so that seven remain below it.
 */
#include "conf/parse.h"

#include <string.h>

#include "lib/units.h"

enum { FLOOR_BIT = 8000 };	/* the least that a class without `rate` is given */

/* Bursts are kept as the time they take at the rate, in ticks of 64 ns (PSCHED_SHIFT 6,
 * include/net/pkt_sched.h, 6.12) and 32 bits: at most about 274 s. */
bool check_burst(struct parser *p, const char *what, uint64_t bytes, uint64_t rate_bit,
		 const struct pos *pos)
{
	unsigned __int128 ticks = (unsigned __int128)bytes * 8 * 1000000000 / 64 / rate_bit;
	char size[UNITS_TEXT], rate[UNITS_TEXT];

	if (ticks >= 1 && ticks <= UINT32_MAX)
		return true;
	units_format_size(bytes, size);
	units_format_rate(rate_bit, rate);
	if (ticks)
		report_at(&p->report, pos, NULL,
			  "a %s of %s takes longer at %s than the kernel can say, which is 274 seconds",
			  what, size, rate);
	else
		report_at(&p->report, pos, NULL,
			  "a %s of %s takes less at %s than the kernel can say, which is 64 nanoseconds",
			  what, size, rate);
	return false;
}

/* ---- rates ---- */

/* share of whole_bit into *rate_bit */
static bool resolve_share(struct parser *p, uint64_t share, uint64_t whole_bit, const char *of,
			  const struct pos *pos, uint64_t *rate_bit)
{
	unsigned __int128 rate = (unsigned __int128)whole_bit * share / UNITS_SHARE_ONE;
	char text[UNITS_TEXT], whole[UNITS_TEXT];

	if (rate >= 8 && rate <= UNITS_RATE_MAX_BIT) {
		*rate_bit = (uint64_t)rate;
		return true;
	}
	report_at(&p->report, pos, NULL, "%s of the parent's %s of %s is %s",
		  units_format_share(share, text), of, units_format_rate(whole_bit, whole),
		  rate < 8 ? "below the lowest rate, 8bit" : "above the highest rate, 2^63 bits per second");
	return false;
}

static uint64_t floor_of(const struct class *parent)
{
	uint64_t rate = parent->rate_bit / 100;

	if (rate < FLOOR_BIT)
		rate = FLOOR_BIT;
	return rate < parent->rate_bit ? rate : parent->rate_bit;
}

static bool resolve_shares(struct parser *p, struct draft *d)
{
	const struct class *parent = d->c.parent;

	if (d->rate_share && !resolve_share(p, d->rate_share, parent->rate_bit, "rate", &d->rate_at,
					    &d->c.rate_bit))
		return false;
	return !d->ceil_share || resolve_share(p, d->ceil_share, parent->ceil_bit, "ceil",
					       &d->ceil_at, &d->c.ceil_bit);
}

/* otherwise_bit: the rate when none is said, which gives way to a lower ceil. */
static void default_rates(struct class *c, uint64_t otherwise_bit)
{
	bool rate = c->set & CLASS_RATE, ceil = c->set & CLASS_CEIL;

	if (!rate)
		c->rate_bit = ceil && c->ceil_bit < otherwise_bit ? c->ceil_bit : otherwise_bit;
	if (ceil)
		return;
	c->ceil_bit = c->rate_bit;
	if (c->parent && (!rate || c->is_default) && c->parent->ceil_bit > c->rate_bit)
		c->ceil_bit = c->parent->ceil_bit;
}

/* False when the figures are of no use for the classes below. */
static bool check_rates(struct parser *p, struct draft *d)
{
	char rate[UNITS_TEXT], ceil[UNITS_TEXT];
	const struct class *c = &d->c;

	if (c->ceil_bit < c->rate_bit) {
		report_at(&p->report, &d->ceil_at, NULL, "the ceil, %s, is below the rate, %s",
			  units_format_rate(c->ceil_bit, ceil), units_format_rate(c->rate_bit, rate));
		return false;
	}
	if (c->set & CLASS_BURST)
		check_burst(p, "burst", c->burst_bytes, c->rate_bit, &d->burst_at);
	if (c->set & CLASS_CBURST)
		check_burst(p, "cburst", c->cburst_bytes, c->ceil_bit, &d->cburst_at);
	return true;
}

/* The packets of a class are also those of the classes around it. */
static void inherit_mark(struct class *c)
{
	if (c->mark_mask || !c->parent)
		return;
	c->mark = c->parent->mark;
	c->mark_mask = c->parent->mark_mask;
}

static void resolve_class(struct parser *p, struct draft *d, uint64_t otherwise_bit)
{
	inherit_mark(&d->c);
	if (d->broken || (d->c.parent && to_draft(d->c.parent)->broken) || !resolve_shares(p, d)) {
		d->broken = true;
		return;
	}
	default_rates(&d->c, otherwise_bit);
	if (!check_rates(p, d))
		d->broken = true;
}

/* ---- defaults ---- */

static struct draft *implied_default(struct parser *p, struct draft *parent)
{
	struct draft *d = conf_alloc(p, sizeof(*d));
	const char *above = parent->c.path;

	if (!d)
		return NULL;
	d->c.parent = &parent->c;
	d->c.loc = parent->c.loc;
	d->c.name = "default";
	d->c.path = arena_printf(&p->policy->arena, "%s%sdefault", above, *above ? "/" : "");
	d->c.is_default = d->c.implied = true;
	d->c.prio = 3;
	d->depth = parent->depth + 1;
	d->ingress = parent->ingress;
	d->broken = parent->broken;
	d->pos = parent->pos;
	d->n_classes = parent->n_classes;
	p->oom |= !d->c.path;
	++*d->n_classes;
	return d;
}

/* The queue of an egress without classes is its only leaf's. */
static void pass_queue(struct draft *from, struct draft *to)
{
	if (!(from->c.set & CLASS_QUEUE) || from->c.children)
		return;
	to->c.queue = from->c.queue;
	to->c.queue_opts = from->c.queue_opts;
	to->c.set |= CLASS_QUEUE;
	from->c.queue = NULL;
	from->c.queue_opts = NULL;
	from->c.set &= ~(uint32_t)CLASS_QUEUE;
}

/* Puts the default class last, making it if it must be there. */
static void add_default(struct parser *p, struct draft *parent, uint64_t sum_bit)
{
	uint64_t floor_bit = floor_of(&parent->c), rest_bit = 0;
	struct draft *d = parent->the_default;

	if (!d && parent->depth && (!parent->c.children || !parent->c.matches))
		return;
	if (d && parent->depth && !parent->c.matches && !parent->incomplete && !parent->broken)
		report_at(&p->report, &d->pos, NULL,
			  "nothing can reach this default: '%s' has no 'match' of its own",
			  parent->c.name);
	if (!d) {
		d = implied_default(p, parent);
		if (!d)
			return;
		pass_queue(parent, d);
	}
	if (sum_bit < parent->c.rate_bit)
		rest_bit = parent->c.rate_bit - sum_bit;
	*parent->tail = &d->c;
	parent->tail = &d->c.next;
	resolve_class(p, d, rest_bit > floor_bit ? rest_bit : floor_bit);
}

static void check_queue(struct parser *p, const struct draft *d)
{
	if (!d->broken && d->c.set & CLASS_QUEUE && (d->c.children || d->the_default))
		report_at(&p->report, &d->queue_at, NULL,
			  "'queue' belongs to a class without classes in it, such as its 'default'");
}

static uint64_t add_bits(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void resolve_children(struct parser *p, struct draft *parent)
{
	uint64_t sum_bit = 0;
	struct class *c;

	for (c = parent->c.children; c; c = c->next) {
		resolve_class(p, to_draft(c), floor_of(&parent->c));
		sum_bit = add_bits(sum_bit, c->rate_bit);
	}
	check_queue(p, parent);
	add_default(p, parent, sum_bit);
	for (c = parent->c.children; c && !p->oom; c = c->next)
		resolve_children(p, to_draft(c));
}

void resolve_tree(struct parser *p, struct draft *root)
{
	resolve_class(p, root, 0);
	resolve_children(p, root);
	if (*root->n_classes > CONF_TREE_CLASSES)
		report_at(&p->report, &root->pos, NULL,
			  "more than %d classes in one tree: the kernel has no more numbers (minors)",
			  CONF_TREE_CLASSES);
}
