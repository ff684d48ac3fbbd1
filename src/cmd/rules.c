// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/rules.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "bpf/classify.h"
#include "kernel/bpf.h"
#include "plan/classifier.h"
#include "plan/filters.h"
#include "view/rules.h"

enum { WORDS = sizeof(struct classify_counter) / sizeof(uint64_t) };

/* Counters that are no rule's, in the order of enum classify_counts. */
static const char *const other_lines[CLASSIFY_COUNT_RULE] = {
	[CLASSIFY_COUNT_DEFAULT] = "unmatched: to the default class",
	[CLASSIFY_COUNT_REST] = "rules without a counter of their own",
	[CLASSIFY_COUNT_TRUNCATED] = "truncated: to the default class",
	[CLASSIFY_COUNT_FRAGMENTS] = "later fragments, without ports",
	[CLASSIFY_COUNT_NOT_IP] = "not IP",
	[CLASSIFY_COUNT_STAMPED] = "stamped at XDP",
	[CLASSIFY_COUNT_MISSING] = "not stamped at XDP",
	[CLASSIFY_COUNT_STALE] = "stamped by other rules",
	[CLASSIFY_COUNT_LIMITED] = "in the class of a limit",
};

struct job {
	struct session *s;
	struct arena arena;
	struct rule_counts *first, **tail;
};

/* ---- text ---- */

static int name_rule(struct job *job, struct rule_count *c, const struct rule *rule, unsigned int i)
{
	c->class = !rule ? "?" : !strncmp(rule->what, "class ", 6) ? rule->what + 6 : rule->what;
	c->match = rule ? rules_text(&job->arena, NULL, rule, 1) : arena_printf(&job->arena, "rule %u", i);
	return c->match ? 0 : oom(job->s->ctx);
}

/* ---- counters ---- */

static const struct tree_link *applied_link(const struct job *job, const char *link)
{
	return job->s->wanted ? tree_link_find(job->s->wanted, link) : NULL;
}

/* A cgroup or user is another one, or none, when it has gone: then the set of rules is no longer the one that
 * is attached, but its lines are. */
static bool names_what_may_go(const struct obj *filter)
{
	unsigned int i;

	for (i = 0; i < filter->n_rules; i++)
		if (filter->rules[i].match && filter->rules[i].match->set & (MATCH_CGROUP | MATCH_USER))
			return true;
	return false;
}

static unsigned int counted_rules(const struct obj *filter)
{
	return filter->n_rules < CLASSIFY_COUNTED ? filter->n_rules : CLASSIFY_COUNTED;
}

/* n: of rules that are counted. */
static const struct obj *applied_filter(const struct job *job, const char *link, const struct obj *filter,
					unsigned int n)
{
	const struct tree_link *w = applied_link(job, link);
	const struct obj *f;

	for (f = w ? w->objs[OBJ_FILTER] : NULL; f; f = f->next)
		if (f->parent == filter->parent && f->rules &&
		    (filters_equal(f, filter) || (names_what_may_go(f) && counted_rules(f) == n)))
			return f;
	return NULL;
}

static int read_counters(struct job *job, const struct obj *filter, uint64_t **sums, uint32_t *n)
{
	int fd = filter->prog_fd ? program_open_map(filter->prog_fd, "weir_counters") : -EPERM, err;

	if (fd < 0)
		return fd;
	err = program_map_size(fd, n);
	*sums = err ? NULL : arena_alloc(&job->arena, (size_t)*n * WORDS * sizeof(**sums));
	if (!err)
		err = *sums && *n >= CLASSIFY_COUNT_RULE ? program_sums(fd, *n, WORDS, *sums) : -ENOMEM;
	close(fd);
	return err;
}

static void set_count(struct rule_count *c, const uint64_t *sums, uint32_t i)
{
	c->packets = sums[i * WORDS];
	c->bytes = sums[i * WORDS + 1];
}

/* Lines that are no rule's are left out where they have counted nothing, but for the first. */
static int fill(struct job *job, struct rule_counts *r, const struct obj *applied,
		const uint64_t *sums, uint32_t n)
{
	unsigned int i;
	int err = 0;

	r->others = !applied;
	r->n_rules = n - CLASSIFY_COUNT_RULE;
	if (applied && applied->n_rules < r->n_rules)
		r->n_rules = applied->n_rules;
	r->count = arena_alloc(&job->arena, (r->n_rules + CLASSIFY_COUNT_RULE) * sizeof(*r->count));
	if (!r->count)
		return oom(job->s->ctx);
	for (i = 0; i < r->n_rules && !err; i++) {
		set_count(&r->count[i], sums, CLASSIFY_COUNT_RULE + i);
		err = name_rule(job, &r->count[i], applied ? &applied->rules[i] : NULL, i);
	}
	r->n = r->n_rules;
	for (i = 0; i < CLASSIFY_COUNT_RULE; i++) {
		if (i && !sums[i * WORDS])
			continue;
		r->count[r->n].match = other_lines[i];
		set_count(&r->count[r->n++], sums, i);
	}
	return err;
}

static struct rule_counts *add(struct job *job, const char *link, bool ingress)
{
	struct rule_counts *r = arena_alloc(&job->arena, sizeof(*r));

	if (!r)
		return NULL;
	r->link = link;
	r->ingress = ingress;
	*job->tail = r;
	job->tail = &r->next;
	return r;
}

static int add_filter(struct job *job, const struct tree_link *link, const struct obj *filter)
{
	struct rule_counts *r = add(job, link->name, filter->parent == HANDLE_INGRESS);
	uint64_t *sums;
	uint32_t n;
	int err;

	if (!r)
		return oom(job->s->ctx);
	err = read_counters(job, filter, &sums, &n);
	if (!err)
		return fill(job, r, applied_filter(job, link->name, filter, n - CLASSIFY_COUNT_RULE), sums, n);
	r->why_not = err == -EPERM ? "reading its counters needs CAP_SYS_ADMIN" :
		arena_printf(&job->arena, "its counters cannot be read: %s", strerror(-err));
	return r->why_not ? 0 : oom(job->s->ctx);
}

static int add_hook(struct job *job, const struct tree_link *link, uint32_t parent, unsigned int *n)
{
	const struct obj *f;
	int err = 0;

	for (f = link->objs[OBJ_FILTER]; f && !err; f = f->next)
		if (f->parent == parent && tree_in_hook_place(f) && tree_hook_is_weirs(f) &&
		    !strcmp(f->kind_name, "bpf")) {
			err = add_filter(job, link, f);
			++*n;
		}
	return err;
}

static bool has_root(const struct tree_link *link)
{
	const struct obj *root = link ? tree_qdisc_at(link, HANDLE_ROOT) : NULL;

	return root && tree_obj_is_weirs(link, root);
}

static bool has_classes(const struct tree *present, const struct tree_link *link)
{
	char ifb[TREE_NAME];

	tree_ifb_name(link->name, ifb);
	return has_root(link) || has_root(tree_link_find(present, ifb));
}

static int add_link(struct job *job, const struct tree_link *link)
{
	struct rule_counts *r;
	unsigned int n = 0;
	int err = add_hook(job, link, HANDLE_EGRESS, &n);

	if (!err)
		err = add_hook(job, link, HANDLE_INGRESS, &n);
	if (err || n || !has_classes(job->s->present, link))
		return err;
	r = add(job, link->name, false);
	if (!r)
		return oom(job->s->ctx);
	r->why_not = "the kernel's filters classify here, and do not count by rule";
	return 0;
}

static void say_none(const struct args *args)
{
	unsigned int i;

	for (i = 0; i < args->n_links; i++)
		printf("%s: not shaped by weir\n", args->links[i]);
	if (!args->n_links)
		fputs("weir shapes nothing in this network namespace\n", stderr);
}

int rules_show(struct session *s, bool (*covers)(void *arg, const char *link), void *arg)
{
	struct job job = { .s = s, .tail = &job.first };
	const struct tree_link *link;
	int err = 0;

	for (link = s->present->links; link && !err; link = link->next) {
		if (link->ours || !covers(arg, link->name))
			continue;
		err = add_link(&job, link);
		if (!err)
			err = rules_police(s->ctx, &job.arena, link, applied_link(&job, link->name), &job.tail);
	}
	if (!err && !job.first && !s->args->json)
		say_none(s->args);
	if (!err)
		err = s->args->json ? view_rules_json(s->ctx, stdout, job.first) :
				      view_rules(s->ctx, stdout, job.first);
	arena_free(&job.arena);
	return err;
}
