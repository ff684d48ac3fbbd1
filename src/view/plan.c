// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/plan.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "lib/json.h"
#include "view/limits.h"

struct verb_text {
	const char *sign, *color, *word;
};

static const struct verb_text verbs[] = {
	[OP_LINK_ADD] = { "+", "\033[32m", "add" },
	[OP_LINK_UP] = { "~", "\033[33m", "set up" },
	[OP_LINK_ALIAS] = { "~", "\033[33m", "mark" },
	[OP_LINK_DEL] = { "-", "\033[31m", "remove" },
	[OP_ADD] = { "+", "\033[32m", "add" },
	[OP_CHANGE] = { "~", "\033[33m", "change" },
	[OP_REPLACE] = { "!", "\033[35m", "replace" },
	[OP_DEL] = { "-", "\033[31m", "remove" },
	[OP_CGROUP] = { "~", "\033[33m", "set" },
	[OP_XDP] = { "~", "\033[33m", "set" },
};

static const char *const costs[] = {
	[COST_NOTHING] = "nothing", [COST_COUNTERS] = "counters", [COST_QUEUE] = "queue",
};

static const char *const cost_texts[] = {
	[COST_NOTHING] = "", [COST_COUNTERS] = "  (counters are lost)",
	[COST_QUEUE] = "  (what waits in the queue is lost)",
};

static const struct obj *object_of(const struct op *op)
{
	return op->obj ? op->obj : op->old;
}

/* The rows of a change that differ: "rate 5mbit -> 6mbit". */
static void print_change(FILE *f, const struct op *op)
{
	const struct kind *kind = op->obj->kind;
	const struct opts *w = op->obj->opts, *p = op->old->opts;
	char was[96], is[96];
	unsigned int r;

	if (!kind || op->old->kind != kind)
		return;
	for (r = 0; r < kind->n_opts; r++) {
		if (!opts_has(w, r) || !opts_has(p, r))
			continue;
		opts_text(&kind->opts[r], &p->v[r], was, sizeof(was));
		opts_text(&kind->opts[r], &w->v[r], is, sizeof(is));
		if (strcmp(was, is))
			fprintf(f, " %s %s -> %s", kind->opts[r].word, was, is);
	}
}

static void print_actions(FILE *f, const struct obj *obj)
{
	const struct action *a;

	for (a = obj->actions; a; a = a->next) {
		fprintf(f, " action %s", a->kind->name);
		opts_print(f, a->kind, a->opts, false);
	}
}

static const char *xdp_text(const struct op *op)
{
	static const char *const attach[] = {
		[TREE_XDP_AUTO] = "attach, native where the driver can",
		[TREE_XDP_NATIVE] = "attach, native", [TREE_XDP_GENERIC] = "attach, generic",
	};

	return !op->xdp ? "detach" : !op->xdp_old ? attach[op->xdp->mode] :
	       op->phase == PHASE_XDP ? "another mode" : "other rules";
}

static void print_options(FILE *f, const struct op *op)
{
	const struct obj *obj = op->obj;

	if (op->verb == OP_XDP)
		fprintf(f, ": %s", xdp_text(op));
	if (op->verb == OP_CGROUP)
		fprintf(f, " %x:%x -> %x:%x", HANDLE_MAJOR(op->cgroup->classid),
			HANDLE_MINOR(op->cgroup->classid), HANDLE_MAJOR(op->classid),
			HANDLE_MINOR(op->classid));
	if (!obj || !obj->opts)
		return;
	if (op->verb == OP_CHANGE) {
		print_change(f, op);
		return;
	}
	if (op->verb == OP_REPLACE)
		fprintf(f, " in the place of %s %x:", op->old->kind_name, HANDLE_MAJOR(op->old->handle));
	opts_print(f, obj->kind, obj->opts, false);
	print_actions(f, obj);
}

/* Filters of one prio are one rule; returns the last of the run that begins with op. */
static const struct op *last_of_rule(const struct op *op, unsigned int *n)
{
	const struct obj *first = object_of(op), *next;

	*n = 1;
	if (!first || first->type != OBJ_FILTER)
		return op;
	for (; op->next; op = op->next, (*n)++) {
		next = object_of(op->next);
		if (op->next->verb != op->verb || op->next->link != op->link || !next ||
		    next->type != OBJ_FILTER || next->parent != first->parent || next->prio != first->prio)
			break;
	}
	return op;
}

static void print_rule(FILE *f, const struct op *op, unsigned int n)
{
	const struct obj *obj = object_of(op);

	fprintf(f, " %s", obj->name ? obj->name : "");
	if (op->obj)
		print_actions(f, obj);
	if (n > 1)
		fprintf(f, "  (%u filters)", n);
}

static const struct op *print_op(FILE *f, const struct op *op, bool color)
{
	const struct verb_text *v = &verbs[op->verb];
	const struct op *last;
	char text[128];
	unsigned int n;

	last = last_of_rule(op, &n);
	fprintf(f, "%s%s %s", color ? v->color : "", v->sign,
		op_object_text(op, text, sizeof(text)));
	if (object_of(op) && object_of(op)->type == OBJ_FILTER)
		print_rule(f, op, n);
	else
		print_options(f, op);
	fprintf(f, "%s%s\n", cost_texts[op->cost], color ? "\033[0m" : "");
	return last;
}

static void print_classifiers(FILE *f, const struct tree *wanted)
{
	const struct tree_link *link;

	for (link = wanted ? wanted->links : NULL; link; link = link->next)
		if (link->classifier)
			fprintf(f, "%s: classifier %s%s%s\n", link->name, link->classifier,
				link->why_classifier ? "; bpf cannot be had: " : "",
				link->why_classifier ? link->why_classifier : "");
}

/* What the kernel refused, and the link does without, is none. */
static unsigned int changes_of(const struct ops *ops, const struct limit_ops *limits)
{
	unsigned int changes = ops->count + (limits ? limits->count : 0);
	const struct op *op;

	for (op = ops->first; op; op = op->next)
		changes -= op->xdp && op->xdp->given_up;
	return changes;
}

int view_plan(struct ctx *ctx, FILE *f, const struct tree *wanted, const struct ops *ops,
	      const struct limit_ops *limits, bool color)
{
	unsigned int losing = 0, changes = changes_of(ops, limits);
	const struct op *op;

	(void)ctx;
	for (op = ops->first; op; op = op->next)
		losing += op->cost == COST_QUEUE;
	print_classifiers(f, wanted);
	for (op = ops->first; op; op = op->next)
		op = print_op(f, op, color);
	if (limits)
		view_limit_ops(f, limits, color);
	if (!changes)
		fprintf(f, "nothing to change\n");
	else
		fprintf(f, "%u change%s, %u of them at the cost of a queue\n", changes,
			changes == 1 ? "" : "s", losing);
	return 0;
}

/* ---- JSON ---- */

static json_t *handle_json(uint32_t handle)
{
	return json_sprintf("%x:%x", HANDLE_MAJOR(handle), HANDLE_MINOR(handle));
}

static void add_object(json_t *j, const struct op *op)
{
	static const char *const types[] = { "qdisc", "class", "filter" };
	const struct obj *obj = object_of(op);

	json_object_set_new(j, "object", json_string(types[obj->type]));
	if (obj->name)
		json_object_set_new(j, "name", json_string(obj->name));
	json_object_set_new(j, "handle", handle_json(obj->handle));
	json_object_set_new(j, "parent", handle_json(obj->parent));
	json_object_set_new(j, "kind", json_string(obj->kind_name));
	if (obj->type == OBJ_FILTER)
		json_object_set_new(j, "prio", json_integer(obj->prio));
	if (op->obj && op->obj->kind)
		json_object_set_new(j, "options", opts_json(op->obj->kind, op->obj->opts));
	if (op->old && op->old->kind && op->old->opts)
		json_object_set_new(j, "was", opts_json(op->old->kind, op->old->opts));
}

static void add_cgroup(json_t *j, const struct op *op)
{
	json_object_set_new(j, "object", json_string("cgroup"));
	json_object_set_new(j, "name", json_string(op->cgroup->path));
	json_object_set_new(j, "classid", handle_json(op->classid));
	json_object_set_new(j, "was", handle_json(op->cgroup->classid));
}

/* Nothing is left out: null. */
static json_t *xdp_json(const struct tree_xdp *xdp)
{
	static const char *const modes[] = {
		[TREE_XDP_AUTO] = "on", [TREE_XDP_NATIVE] = "native", [TREE_XDP_GENERIC] = "generic",
		[TREE_XDP_OTHER] = "other",
	};

	return xdp ? json_string(modes[xdp->mode]) : json_null();
}

static void add_xdp(json_t *j, const struct op *op)
{
	json_object_set_new(j, "object", json_string("xdp"));
	json_object_set_new(j, "mode", xdp_json(op->xdp));
	json_object_set_new(j, "was", xdp_json(op->xdp_old));
}

static json_t *op_json(const struct op *op)
{
	json_t *j = json_pack("{s:s, s:s, s:s}", "do", verbs[op->verb].word, "link", op->link->name,
			      "cost", costs[op->cost]);

	if (!j)
		return NULL;
	if (op->verb == OP_CGROUP)
		add_cgroup(j, op);
	else if (op->verb == OP_XDP)
		add_xdp(j, op);
	else if (object_of(op))
		add_object(j, op);
	else
		json_object_set_new(j, "object", json_string("link"));
	return j;
}

static json_t *classifiers_json(const struct tree *wanted)
{
	json_t *list = json_array();
	const struct tree_link *link;

	for (link = wanted ? wanted->links : NULL; link && list; link = link->next)
		if (link->classifier)
			json_array_append_new(list, json_pack("{s:s, s:s, s:s?}", "link", link->name,
							      "classifier", link->classifier,
							      "reason", link->why_classifier));
	return list;
}

int view_plan_json(struct ctx *ctx, FILE *f, const struct tree *wanted, const struct ops *ops,
		   const struct limit_ops *limits)
{
	json_t *list = json_array();
	const struct op *op;

	for (op = ops->first; op && list; op = op->next)
		json_array_append_new(list, op_json(op));
	if (limits && list)
		view_limit_ops_json(list, limits);
	return json_print(ctx, f, json_pack("{s:i, s:o, s:o}", "changes",
						(int)changes_of(ops, limits), "classifiers",
						classifiers_json(wanted), "operations", list));
}

int view_applied(struct ctx *ctx, FILE *f, const struct ops *ops, const struct limit_ops *limits,
		 unsigned long messages, bool json)
{
	unsigned int changes = changes_of(ops, limits);

	if (json)
		return json_print(ctx, f, json_pack("{s:i, s:I}", "changes", (int)changes,
						   "messages", (json_int_t)messages));
	if (!changes)
		fprintf(f, "nothing to change\n");
	else
		fprintf(f, "%u change%s applied and verified\n", changes, changes == 1 ? "" : "s");
	return 0;
}
