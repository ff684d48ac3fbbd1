// SPDX-License-Identifier: GPL-2.0-or-later
/* Warnings about a policy that is valid but hardly what was meant. */
#include "conf/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/units.h"

enum { WARNINGS_MAX = 20 };

struct checker {
	struct ctx *ctx;
	unsigned int said;
};

static void __attribute__((format(printf, 3, 4)))
caution(struct checker *k, const struct loc *loc, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	if (++k->said > WARNINGS_MAX) {
		if (k->said == WARNINGS_MAX + 1)
			warn(k->ctx, "further warnings are not shown");
		return;
	}
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		warn(k->ctx, "%s:%u:%u: %s", loc->file, loc->line, loc->column, text);
	free(text);
}

/* "class 'lab/a'", or what the root and defaults are called */
static const char *label(const struct class *c, char *buf, size_t size)
{
	if (!c->parent)
		snprintf(buf, size, "the link");
	else
		snprintf(buf, size, "class '%s'", c->path);
	return buf;
}
enum { LABEL_BYTES = 320 };	/* 7 names of 32 characters and what is around them */

static void check_sum(struct checker *k, const struct class *parent)
{
	char name[LABEL_BYTES], sum_text[UNITS_TEXT], rate_text[UNITS_TEXT];
	const struct class *c;
	uint64_t sum_bit = 0;

	for (c = parent->children; c; c = c->next)
		if (c->set & CLASS_RATE)
			sum_bit = sum_bit > UINT64_MAX - c->rate_bit ? UINT64_MAX :
				  sum_bit + c->rate_bit;
	if (sum_bit <= parent->rate_bit)
		return;
	caution(k, &parent->loc, "the rates in %s sum up to %s, more than its own %s",
		label(parent, name, sizeof(name)), units_format_rate(sum_bit, sum_text),
		units_format_rate(parent->rate_bit, rate_text));
}

static void check_ceil(struct checker *k, struct class *c)
{
	char name[LABEL_BYTES], ceil[UNITS_TEXT], above[UNITS_TEXT];
	struct loc loc = c->loc;

	if (!c->parent || c->ceil_bit <= c->parent->ceil_bit)
		return;
	if (c->set & CLASS_CEIL)
		loc = loc_of(&to_draft(c)->ceil_at);
	caution(k, &loc, "the ceil of %s, %s, is above the %s that it can get from above",
		label(c, name, sizeof(name)), units_format_rate(c->ceil_bit, ceil),
		units_format_rate(c->parent->ceil_bit, above));
}

static void check_leaf(struct checker *k, const struct class *c)
{
	if (c->parent && !c->children && !c->is_default && !c->matches)
		caution(k, &c->loc, "nothing reaches class '%s': it has no 'match'", c->path);
}

static void check_idle_options(struct checker *k, const struct class *c)
{
	if (!c->parent || !c->children || !(c->set & (CLASS_PRIO | CLASS_QUANTUM)))
		return;
	caution(k, &c->loc, "'%s' has no effect on class '%s': it counts in classes without classes in them",
		c->set & CLASS_PRIO ? "prio" : "quantum", c->path);
}

static void check_class(struct checker *k, struct class *c)
{
	struct class *child;

	check_sum(k, c);
	check_ceil(k, c);
	check_leaf(k, c);
	check_idle_options(k, c);
	for (child = c->children; child; child = child->next)
		check_class(k, child);
}

static void unreachable(void *arg, const struct class *c, const struct class *by)
{
	struct checker *k = arg;

	caution(k, &c->loc, "%s '%s' is unreachable: '%s' on line %u comes first and takes all its packets",
		c->children ? "the default of class" : "class", c->path, by->path, by->loc.line);
}

static int check_tree(struct checker *k, struct class *root)
{
	if (!root)
		return 0;
	check_class(k, root);
	return check_shadows(root, unreachable, k);
}

/* A policer with less than a large packet and some time's worth of its rate makes TCP crawl, most
 * of all when packets come in as GSO or GRO aggregates of up to 64 KiB. */
static void check_police(struct checker *k, const struct police *police)
{
	uint64_t least = police->rate_bit / 8 / 50;	/* 20 ms */
	char burst[UNITS_TEXT], text[UNITS_TEXT];

	if (least < 64 * 1024)
		least = 64 * 1024;
	if (!police->burst_bytes || police->burst_bytes >= least)
		return;
	caution(k, &police->loc,
		"with a burst of %s TCP will stay far below this rate; %s, the default, is about the least",
		units_format_size(police->burst_bytes, burst), units_format_size(least, text));
}

static int check_link(struct checker *k, const struct link *link)
{
	const struct police *police;
	int err;

	if (!link->egress && !link->ingress && !link->polices)
		caution(k, &link->loc, "link '%s' asks for nothing: it has no egress, ingress or police",
			link->name);
	for (police = link->polices; police; police = police->next)
		check_police(k, police);
	err = check_tree(k, link->egress);
	return err ? err : check_tree(k, link->ingress);
}

int check_policy(struct parser *p)
{
	struct checker k = { .ctx = p->ctx };
	const struct link *link;
	int err = 0;

	for (link = p->policy->links; link && !err; link = link->next)
		err = check_link(&k, link);
	return err;
}
