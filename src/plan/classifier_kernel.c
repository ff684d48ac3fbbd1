// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The classifier that is made of the kernel's own filters. Each rule has a priority of its own; its
 * alternatives are filters of one kind there. They are for all protocols, so that one priority is
 * enough for IPv4 and IPv6.
 */
#include "plan/classifier.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plan/cgroup_rules.h"
#include "plan/filter_rules.h"
#include "plan/filters.h"
#include "plan/police_index.h"
#include "qdisc/filter.h"

enum {
	ALL_PROTOCOLS = 0x0003,		/* ETH_P_ALL */
	OTHER_PORTS = MATCH_ACK << 1,	/* ports of another protocol than tcp, udp and sctp */
	ALL_TERMS = (OTHER_PORTS << 1) - 1,
	BPF_TERMS = MATCH_CGROUP | MATCH_USER,
};

/* A kind of filter that can carry rules. */
struct carrier {
	const char *kind;
	uint32_t terms;			/* enum match_terms that it can carry */
	uint32_t feature_terms;		/* those of them that take a feature of the kernel */
	enum feature feature;
	const char *feature_text;
	void (*fill)(struct opts *o, const struct hook *hook, const struct match *m,
		     const struct alt *alt);
	unsigned int classid_row;
	enum feature ranges;		/* port ranges as they are; FEATURES: never */
};

static void matchall_fill(struct opts *o, const struct hook *hook, const struct match *m,
			  const struct alt *alt)
{
	(void)o, (void)hook, (void)m, (void)alt;
}

/* Best first: matchall is one comparison less, flower one hash look-up for many filters. */
static const struct carrier carriers[] = {
	{ .kind = "matchall", .fill = matchall_fill, .classid_row = MATCHALL_CLASSID,
	  .ranges = FEATURES },
	{ .kind = "flower", .terms = ALL_TERMS & ~(uint32_t)(BPF_TERMS | MATCH_MARK | MATCH_ACK | OTHER_PORTS),
	  .fill = flower_fill, .classid_row = FLOWER_CLASSID, .ranges = FEATURE_FLOWER_PORT_RANGE },
	{ .kind = "u32", .terms = ALL_TERMS & ~(uint32_t)(BPF_TERMS | MATCH_VLAN),
	  .feature_terms = MATCH_MARK, .feature = FEATURE_U32_MARK,
	  .feature_text = "marks (CONFIG_CLS_U32_MARK)",
	  .fill = u32_fill, .classid_row = U32_CLASSID, .ranges = FEATURES },
};
enum { CARRIERS = sizeof(carriers) / sizeof(carriers[0]) };

static const char *const term_words[] = {
	"ip", "proto", "from", "to", "sport", "dport", "dscp", "mark", "cgroup", "user", "vlan", "mac",
	"ack", "port of dccp or udplite",
};

/* Flower leaves out ports of a protocol whose ports it does not know, which would widen the match
 * (fl_set_key(), net/sched/cls_flower.c, 6.1 to 6.18). */
static bool has_other_ports(const struct match *m)
{
	static const uint8_t usual[] = { 6, 17, 132 };

	return m->set & MATCH_PROTO && m->set & (MATCH_SPORT | MATCH_DPORT) &&
	       !memchr(usual, m->proto, sizeof(usual));
}

static uint32_t terms_of(const struct match *m)
{
	return !m ? 0 : m->set | (has_other_ports(m) ? OTHER_PORTS : 0);
}

static const char *term_word(uint32_t terms)
{
	return term_words[__builtin_ctz(terms)];
}

static bool has_kind(const struct probe *probe, const struct carrier *c)
{
	const struct kind *kind = kind_find(KIND_FILTER, c->kind);

	return kind && probe_has(probe, kind);
}

/* The terms that this kind can carry in this kernel. */
static uint32_t usable_terms(const struct probe *probe, const struct carrier *c)
{
	if (!has_kind(probe, c))
		return 0;
	if (c->feature_terms && !probe_can(probe, c->feature))
		return c->terms & ~c->feature_terms;
	return c->terms;
}

static const struct carrier *find_carrier(const struct probe *probe, uint32_t terms)
{
	unsigned int i;

	for (i = 0; i < CARRIERS; i++)
		if (has_kind(probe, &carriers[i]) && !(terms & ~usable_terms(probe, &carriers[i])))
			return &carriers[i];
	return NULL;
}

static bool keeps_ranges(const struct probe *probe, const struct carrier *c)
{
	return c->ranges != FEATURES && probe_can(probe, c->ranges);
}

/* ---- reasons ---- */

static int refuse(char *why, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(char *why, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return -EOPNOTSUPP;
}

/* A term that no kind in this kernel carries. */
static int refuse_term(const struct probe *probe, uint32_t term, char *why, size_t size)
{
	const struct kind *kind;
	unsigned int i;

	for (i = 0; i < CARRIERS && !(carriers[i].terms & term); i++)
		;
	if (i == CARRIERS)
		return refuse(why, size, "'%s' needs the bpf classifier", term_word(term));
	if (carriers[i].feature_terms & term && has_kind(probe, &carriers[i]))
		return refuse(why, size, "'%s' needs %s with %s, which this kernel does not have",
			      term_word(term), carriers[i].kind, carriers[i].feature_text);
	for (; i + 1 < CARRIERS && carriers[i + 1].terms & term; i++)
		;
	kind = kind_find(KIND_FILTER, carriers[i].kind);
	return refuse(why, size, "'%s' needs %s (%s), which this kernel does not have", term_word(term),
		      carriers[i].kind, kind ? kind->module : "?");
}

/* No kind carries all terms together: names the first that none does, or else two that exclude one
 * another. */
static int refuse_terms(const struct probe *probe, uint32_t terms, char *why, size_t size)
{
	uint32_t any = 0, best = 0, usable, left;
	unsigned int i;

	for (i = 0; i < CARRIERS; i++)
		any |= usable_terms(probe, &carriers[i]);
	left = terms & ~any;
	if (left)
		return refuse_term(probe, left & -left, why, size);
	for (i = 0; i < CARRIERS; i++) {
		usable = usable_terms(probe, &carriers[i]) & terms;
		if (__builtin_popcount(usable) > __builtin_popcount(best))
			best = usable;
	}
	if (!terms)
		return refuse(why, size, "filters need flower (cls_flower) or u32 (cls_u32), which this "
			      "kernel does not have");
	left = terms & ~best;
	for (i = 0; i < CARRIERS; i++)
		if (usable_terms(probe, &carriers[i]) & left & -left)
			best &= ~usable_terms(probe, &carriers[i]);
	return refuse(why, size, "'%s' and '%s' cannot be in one match: no filter of this kernel has both",
		      term_word(left), best ? term_word(best) : "the rest");
}

static int kernel_can(const struct probe *probe, const struct match *m, char *why, size_t size)
{
	const struct carrier *c = find_carrier(probe, terms_of(m));
	uint64_t n;
	int err;

	if (m && m->set) {
		err = match_check(m, why, size);
		if (err)
			return err;
	}
	if (m && m->set & MATCH_CGROUP)
		return cgroup_can(probe, m, why, size);
	if (!c)
		return refuse_terms(probe, terms_of(m), why, size);
	n = m ? alternatives_count(m, keeps_ranges(probe, c)) : 1;
	if (n > MAX_ALTERNATIVES)
		return refuse(why, size, "this takes %" PRIu64 " filters of kind %s, more than %d: shorten "
			      "its lists", n, c->kind, MAX_ALTERNATIVES);
	return 0;
}

/* ---- rules ---- */

struct job {
	struct ctx *ctx;
	const struct probe *probe;
	const struct hook *hook;
	struct tree *tree;
	struct tree_link *link;
};

static int add_filter(struct job *job, const struct carrier *c, const struct rule *rule,
		      const struct alt *alt, uint16_t prio, uint32_t handle, const char *text)
{
	struct obj *obj = tree_obj_add(job->tree, job->link, OBJ_FILTER);

	if (!obj)
		return oom(job->ctx);
	obj->parent = job->hook->parent;
	obj->prio = prio;
	obj->protocol = ALL_PROTOCOLS;
	obj->handle = handle;
	obj->kind = kind_find(KIND_FILTER, c->kind);
	obj->kind_name = obj->kind->name;
	obj->actions = rule->actions;
	obj->opts = opts_new(&job->tree->arena, obj->kind);
	if (!obj->opts)
		return oom(job->ctx);
	obj->name = text;
	if (rule->classid)
		opts_put(obj->opts, c->classid_row, rule->classid);
	c->fill(obj->opts, job->hook, rule->match, alt);
	return 0;
}

static int refuse_rule(struct job *job, const struct rule *rule, const char *why)
{
	if (rule->match && rule->match->loc.file)
		return fail(job->ctx, EOPNOTSUPP, "%s: %s: %s:%u: %s", job->link->name, rule->what,
			    rule->match->loc.file, rule->match->loc.line, why);
	return fail(job->ctx, EOPNOTSUPP, "%s: %s: %s", job->link->name, rule->what, why);
}

static int add_rule(struct job *job, const struct rule *rule, uint16_t prio)
{
	const struct carrier *c = find_carrier(job->probe, terms_of(rule->match));
	struct alt everything = { .proto = -1 }, *alts = &everything;
	unsigned int n = 1, i;
	const char *text;
	char why[200];
	int err = 0;

	if (kernel_can(job->probe, rule->match, why, sizeof(why)))
		return refuse_rule(job, rule, why);
	if (match_check_header(rule->match, job->hook->ethernet, why, sizeof(why)))
		return refuse_rule(job, rule, why);
	if (rule->match)
		err = alternatives_make(&job->tree->arena, rule->match, keeps_ranges(job->probe, c),
					&alts, &n);
	text = rules_text(&job->tree->arena, rule->what, rule, 1);
	if (err || !text)
		return oom(job->ctx);
	for (i = 0; i < n && !err; i++)
		err = add_filter(job, c, rule, &alts[i], prio, i + 1, text);
	return err;
}

/* All that is left of the rules is one filter. */
static int add_cgroups(struct job *job, const struct rule *rules, unsigned int n, unsigned int first,
		       uint16_t prio)
{
	struct obj *obj;
	unsigned int at;
	char why[200];

	if (cgroup_rules_check(job->probe, job->hook, job->link, rules, n, first, &at, why, sizeof(why)))
		return refuse_rule(job, &rules[at], why);
	obj = tree_obj_add(job->tree, job->link, OBJ_FILTER);
	if (!obj)
		return oom(job->ctx);
	obj->parent = job->hook->parent;
	obj->prio = prio;
	obj->protocol = ALL_PROTOCOLS;
	obj->handle = 1;
	obj->kind = kind_find(KIND_FILTER, "cgroup");
	obj->kind_name = obj->kind->name;
	obj->opts = opts_new(&job->tree->arena, obj->kind);
	obj->name = n - first > 1 ? "all classes with cgroups" :
				    rules_text(&job->tree->arena, rules[first].what, &rules[first], 1);
	return obj->opts && obj->name ? 0 : oom(job->ctx);
}

static int kernel_compile(struct ctx *ctx, const struct probe *probe, const struct hook *hook,
			  const struct rule *rules, unsigned int n, struct tree *tree,
			  struct tree_link *link)
{
	struct job job = { ctx, probe, hook, tree, link };
	unsigned int room = hook->prio_last - hook->prio_first + 1u, i;
	struct obj *before = link->last[OBJ_FILTER];
	unsigned int u32 = 0;
	int err = 0;

	if (n > room)
		return fail(ctx, E2BIG, "%s: %s: %u match lines, but only %u filter priorities are weir's "
			    "there", link->name, rules[room].what, n, room);
	for (i = 0; i < n && !err; i++) {
		if (is_cgroup_rule(&rules[i])) {
			err = add_cgroups(&job, rules, n, i, (uint16_t)(hook->prio_first + i));
			break;
		}
		err = add_rule(&job, &rules[i], (uint16_t)(hook->prio_first + i));
		u32 += !err && !strcmp(link->last[OBJ_FILTER]->kind_name, "u32");
		if (u32 > U32_MAX_PRIOS)
			err = fail(ctx, E2BIG, "%s: %s: more than %d match lines of one direction need u32 in "
				   "this kernel, and it cannot hold more", link->name, rules[i].what,
				   U32_MAX_PRIOS);
	}
	if (err)
		return err;
	return police_share(ctx, tree, link, before ? before->next : link->objs[OBJ_FILTER]);
}

/* ---- directions ---- */

enum { MAX_RULES = 0xe000 };

static struct action *new_action(struct tree *tree, const char *name)
{
	struct action *a = arena_alloc(&tree->arena, sizeof(*a));

	if (!a)
		return NULL;
	a->kind = kind_find(KIND_ACTION, name);
	a->opts = a->kind ? opts_new(&tree->arena, a->kind) : NULL;
	return a->opts ? a : NULL;
}

/* What hands a link's ingress to its IFB. */
static int compile_redirect(struct ctx *ctx, const struct probe *probe, const struct direction *d,
			    struct tree *tree)
{
	struct action *mirred = new_action(tree, "mirred"), *connmark = NULL;
	struct rule rule = { .actions = mirred, .what = "ingress" };
	struct hook hook = {
		.parent = HANDLE_INGRESS, .prio_first = WEIR_PRIO, .prio_last = WEIR_PRIO,
		.ethernet = d->ethernet,
	};

	if (!mirred)
		return oom(ctx);
	snprintf(mirred->opts->v[MIRRED_DEV].name, sizeof(mirred->opts->v[MIRRED_DEV].name), "%s",
		 d->dev->name);
	mirred->opts->set |= UINT64_C(1) << MIRRED_DEV;
	if (d->marks) {
		rule.actions = connmark = new_action(tree, "connmark");
		if (!connmark)
			return oom(ctx);
		connmark->next = mirred;
	}
	return kernel_compile(ctx, probe, &hook, &rule, 1, tree, d->link);
}

static int refuse_mark(struct ctx *ctx, const struct direction *d, const struct rule *rule)
{
	if (!rule->mark_mask)
		return 0;
	return fail(ctx, EOPNOTSUPP, "%s: %s: " CLASSIFIER_KERNEL_NO_MARK, d->link->name, rule->what);
}

/* The default class is HTB's own default. */
static int kernel_direct(struct ctx *ctx, const struct probe *probe, const struct direction *d,
			 struct tree *tree)
{
	struct hook hook = {
		.parent = HANDLE(WEIR_MAJOR, 0), .prio_first = 1, .prio_last = MAX_RULES,
		.ethernet = d->ethernet,
	};
	int err = refuse_mark(ctx, d, &d->otherwise);
	unsigned int i;

	for (i = 0; i < d->n_rules && !err; i++)
		err = refuse_mark(ctx, d, &d->rules[i]);
	if (!err)
		err = kernel_compile(ctx, probe, &hook, d->rules, d->n_rules, tree, d->dev);
	return !err && d->ingress ? compile_redirect(ctx, probe, d, tree) : err;
}

static int kernel_is_there(const struct probe *probe, char *why, size_t size)
{
	(void)probe, (void)why, (void)size;
	return 0;	/* which of its filters there are is a matter of each match */
}

const struct classifier classifier_kernel = {
	.name = "kernel", .help = "the kernel's own filters: matchall, flower, u32, cgroup",
	.is_there = kernel_is_there, .can = kernel_can, .direct = kernel_direct,
	.compile = kernel_compile,
};
