// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/show.h"

#include "qdisc/filter.h"
#include "qdisc/htb.h"
#include "lib/json.h"
#include "view/limits.h"
#include "view/model.h"

static void set(json_t *obj, const char *key, json_t *value)
{
	json_object_set_new(obj, key, value);
}

static void set_u64(json_t *obj, const char *key, uint64_t value)
{
	set(obj, key, json_u64(value));
}

/* null where it is not known. */
static void set_text(json_t *obj, const char *key, const char *text)
{
	set(obj, key, text ? json_string(text) : json_null());
}

static json_t *handle_json(uint32_t handle)
{
	return HANDLE_MINOR(handle) ?
		json_sprintf("%x:%x", HANDLE_MAJOR(handle), HANDLE_MINOR(handle)) :
		json_sprintf("%x:", HANDLE_MAJOR(handle));
}

static json_t *options_json(const struct obj *obj)
{
	return obj->kind && obj->opts ? opts_json(obj->kind, obj->opts) : json_null();
}

static void set_stats(json_t *j, const struct show_stats *s)
{
	const struct {
		const char *key;
		uint64_t value;
	} rows[] = {
		{ "bytes", s->bytes }, { "packets", s->packets }, { "drops", s->drops },
		{ "overlimits", s->overlimits }, { "requeues", s->requeues },
		{ "backlog_bytes", s->backlog_bytes }, { "backlog_packets", s->backlog_packets },
	};
	size_t i;

	if (s->measured)
		set_u64(j, "measured_bit", s->measured_bit);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		set_u64(j, rows[i].key, rows[i].value);
}

/* ---- classes ---- */

static json_t *queue_json(const struct obj *q)
{
	json_t *j = json_object(), *stats = NULL;

	set(j, "kind", json_string(q->kind_name));
	set(j, "handle", handle_json(q->handle));
	set(j, "options", options_json(q));
	if (q->kind && q->kind->stats && q->xstats)
		stats = q->kind->stats(q->xstats, q->xstats_len);
	set(j, "stats", stats ? stats : json_object());
	return j;
}

static void set_class_options(json_t *j, const struct obj *obj)
{
	static const struct {
		const char *key;
		unsigned int row;
	} rows[] = {
		{ "prio", HTB_PRIO }, { "quantum_bytes", HTB_QUANTUM },
		{ "burst_bytes", HTB_BURST }, { "cburst_bytes", HTB_CBURST },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		set_u64(j, rows[i].key, model_option(obj->kind, obj->opts, rows[i].row));
}

static void set_class(json_t *j, const struct show_class *c)
{
	json_t *classes = json_array(), *child_json;
	const struct show_class *child;

	set_text(j, "name", c->name);
	set_text(j, "path", c->path);
	if (c->obj) {
		set(j, "classid", handle_json(c->obj->handle));
		set_u64(j, "rate_bit", c->rate_bit);
		set_u64(j, "ceil_bit", c->ceil_bit);
		set_class_options(j, c->obj);
		set_stats(j, &c->stats);
	}
	set_u64(j, "filters", c->filters);
	if (c->queue)
		set(j, "queue", queue_json(c->queue));
	for (child = c->children; child; child = child->next) {
		child_json = json_object();
		set_class(child_json, child);
		json_array_append_new(classes, child_json);
	}
	set(j, "classes", classes);
}

/* The tree is the class of the whole link with what belongs to the link alone. */
static json_t *tree_json(const struct show_tree *tree)
{
	const struct obj *obj;
	json_t *j;
	bool atm;

	if (!tree)
		return json_null();
	obj = tree->root->obj;
	j = json_object();
	set_text(j, "device", tree->dev->name);
	if (obj && obj->kind && obj->opts) {
		set_u64(j, "overhead_bytes", opts_get(obj->opts, HTB_OVERHEAD, 0));
		set_u64(j, "mpu_bytes", opts_get(obj->opts, HTB_MPU, 0));
		atm = opts_get(obj->opts, HTB_LINKLAYER, TC_LL_ETHERNET) == TC_LL_ATM;
		set_text(j, "linklayer", atm ? "atm" : "ethernet");
	}
	set_class(j, tree->root);
	return j;
}

/* ---- police ---- */

static void set_verdict(json_t *j, const char *key, const struct action *a, unsigned int row)
{
	const struct opt *opt = &a->kind->opts[row];
	char text[32];

	if (opts_has(a->opts, row))
		set_text(j, key, opts_text(opt, &a->opts->v[row], text, sizeof(text)));
}

static json_t *police_json(const struct show_police *p)
{
	json_t *j = json_object();
	const struct show_stats *s = &p->stats;

	set_text(j, "direction", p->ingress ? "ingress" : "egress");
	set_u64(j, "prio", p->prio);
	set_u64(j, "filters", p->filters);
	set_u64(j, "rate_bit", model_option(p->action->kind, p->action->opts, POLICE_RATE));
	set_u64(j, "burst_bytes", model_option(p->action->kind, p->action->opts, POLICE_BURST));
	set_verdict(j, "conform", p->action, POLICE_CONFORM);
	set_verdict(j, "exceed", p->action, POLICE_EXCEED);
	if (s->measured)
		set_u64(j, "measured_bit", s->measured_bit);
	set_u64(j, "bytes", s->bytes);
	set_u64(j, "packets", s->packets);
	set_u64(j, "conform_packets", p->conform_packets);
	set_u64(j, "exceed_packets", p->exceed_packets);
	set_u64(j, "drops", s->drops);
	return j;
}

/* ---- links and drift ---- */

static json_t *link_json(const struct show_link *link)
{
	const struct show_police *p;
	json_t *polices = json_array();

	for (p = link->polices; p; p = p->next)
		json_array_append_new(polices, police_json(p));
	return json_pack("{s:s, s:s?, s:s?, s:o, s:o, s:o}", "link", link->name,
			 "classifier", link->classifier, "classifier_reason", link->why_classifier,
			 "egress", tree_json(link->egress), "ingress", tree_json(link->ingress), "police", polices);
}

/* What filters hold has no words of its own. */
static bool has_options(const struct obj *obj)
{
	return obj && obj->kind && obj->opts && obj->type != OBJ_FILTER;
}

static json_t *drift_item_json(const struct show_drift *d)
{
	json_t *j = json_pack("{s:s, s:s, s:s, s:s}", "link", d->link, "object", d->object,
			      "what", d->what, "text", d->text);

	if (j && has_options(d->is))
		set(j, "is", options_json(d->is));
	if (j && has_options(d->applied))
		set(j, "applied", options_json(d->applied));
	return j;
}

static json_t *drift_json(const struct show_model *model, const struct show *show)
{
	const struct show_drift *d;
	json_t *list;

	if (!model->drift_known && !show->limit_drift)
		return json_null();
	list = json_array();
	for (d = model->drift; d; d = d->next)
		json_array_append_new(list, drift_item_json(d));
	if (show->limit_drift && list)
		view_limit_drift_json(list, show->limit_drift);
	return list;
}

int view_show_json(struct ctx *ctx, FILE *f, const struct show *show)
{
	json_t *links = json_array();
	const struct show_link *link;
	struct show_model model;
	int err = model_build(ctx, show, &model);

	for (link = err ? NULL : model.links; link; link = link->next)
		json_array_append_new(links, link_json(link));
	if (err)
		json_decref(links);
	else
		err = json_print(ctx, f, json_pack("{s:o, s:o, s:o, s:o}", "links", links, "limits",
				 show->limits ? view_limits_json(show->limits) : json_array(),
				 "drift", drift_json(&model, show), "interval_ns",
				 json_u64(model.interval_ns)));
	if (!err)
		err = (int)model.shaped;
	model_free(&model);
	return err;
}
