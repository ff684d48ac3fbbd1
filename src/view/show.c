// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/show.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <string.h>

#include "lib/units.h"
#include "qdisc/filter.h"
#include "qdisc/htb.h"
#include "view/limits.h"
#include "view/model.h"

#define DIM "\033[2m"
#define YELLOW "\033[33m"
#define RED "\033[31m"
#define PLAIN "\033[0m"

enum { COLUMNS = 9 };

/* ---- tables ---- */

struct column {
	const char *title;	/* NULL ends the columns */
	bool left;
};

struct row {
	struct row *next;
	const char *cells[COLUMNS];	/* NULL: empty */
	const char *color;		/* NULL: none */
};

/* Rows are collected first: a column is as wide as its widest cell. */
struct table {
	struct arena *arena;
	const struct column *columns;
	struct row *first, *last;
	bool color;
	bool oom;
};

static struct row *add_row(struct table *t)
{
	struct row *row = arena_alloc(t->arena, sizeof(*row));

	if (!row) {
		t->oom = true;
		return NULL;
	}
	if (t->last)
		t->last->next = row;
	else
		t->first = row;
	t->last = row;
	return row;
}

static const char *cell(struct table *t, const char *text)
{
	const char *copy = arena_strdup(t->arena, text);

	t->oom |= !copy;
	return copy;
}

/* Places on the screen: bytes that do not continue a UTF-8 sequence. */
static int width_of(const char *text)
{
	int n = 0;

	for (; text && *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void print_cells(FILE *f, const struct table *t, const struct row *row, const int *widths)
{
	const struct column *c;
	const char *text;
	int i, pad, held = 0;

	for (i = 0, c = t->columns; c->title; i++, c++) {
		text = row->cells[i] ? row->cells[i] : "";
		pad = widths[i] - width_of(text);
		held += i ? 2 : 0;
		if (!*text) {
			held += widths[i];	/* no blanks at the end of a line */
			continue;
		}
		fprintf(f, "%*s%s", held + (c->left ? 0 : pad), "", text);
		held = c->left ? pad : 0;
	}
}

static void print_table(FILE *f, const struct table *t)
{
	const char *color;
	int widths[COLUMNS], i, width;
	const struct row *row;
	struct row heading = { 0 };

	for (i = 0; t->columns[i].title; i++) {
		heading.cells[i] = t->columns[i].title;
		widths[i] = width_of(t->columns[i].title);
		for (row = t->first; row; row = row->next) {
			width = width_of(row->cells[i]);
			widths[i] = width > widths[i] ? width : widths[i];
		}
	}
	print_cells(f, t, &heading, widths);
	fputc('\n', f);
	for (row = t->first; row; row = row->next) {
		color = t->color ? row->color : NULL;
		fputs(color ? color : "", f);
		print_cells(f, t, row, widths);
		fputs(color ? PLAIN "\n" : "\n", f);
	}
}

/* ---- values ---- */

static const char *rate_cell(struct table *t, bool known, uint64_t rate_bit)
{
	char text[UNITS_TEXT];

	return cell(t, known ? units_human_rate(rate_bit, text) : "-");
}

static const char *number_cell(struct table *t, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return cell(t, text);
}

static const char *size_cell(struct table *t, uint64_t bytes)
{
	char text[UNITS_TEXT];

	return cell(t, units_human_size(bytes, text));
}

static const char *backlog_cell(struct table *t, const struct show_stats *s)
{
	char size[UNITS_TEXT], text[UNITS_TEXT + 24];

	if (!s->backlog_bytes && !s->backlog_packets)
		return "0";
	snprintf(text, sizeof(text), "%s %" PRIu64 "p", units_human_size(s->backlog_bytes, size),
		 s->backlog_packets);
	return cell(t, text);
}

static uint64_t percent(uint64_t part, uint64_t whole)
{
	return whole ? (uint64_t)((unsigned __int128)part * 100 / whole) : 0;
}

static const char *share_cell(struct table *t, const struct show_stats *s, uint64_t ceil_bit)
{
	char text[24];

	if (!s->measured || !ceil_bit)
		return "-";
	snprintf(text, sizeof(text), "%" PRIu64, percent(s->measured_bit, ceil_bit));
	return cell(t, text);
}

/* Loss is worth more attention than a full pipe, and that more than an empty one. */
static const char *color_of(const struct show_stats *s, uint64_t ceil_bit)
{
	if (s->new_drops)
		return RED;
	if (!s->measured)
		return NULL;
	if (!s->measured_bit && !s->backlog_packets)
		return DIM;
	return percent(s->measured_bit, ceil_bit) >= 90 ? YELLOW : NULL;
}

/* ---- trees ---- */

static const struct column tree_columns[] = {
	{ "class", true }, { "rate", false }, { "ceil", false }, { "measured", false },
	{ "%", false }, { "backlog", false }, { "drops", false }, { "overlimits", false },
	{ "queue", true },
	{ NULL, false }
};

/* The lines between the classes, and without UTF-8. */
struct lines {
	const char *fork, *end, *down, *space;
};

static const struct lines drawn = { "├─ ", "└─ ", "│  ", "   " };
static const struct lines blank = { "  ", "  ", "  ", "  " };

static const struct lines *lines_of_locale(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool utf8;

	if (!locale)
		return &blank;
	utf8 = !strcmp(nl_langinfo_l(CODESET, locale), "UTF-8");
	freelocale(locale);
	return utf8 ? &drawn : &blank;
}

static void add_class(struct table *t, const struct show_class *c, const char *name)
{
	struct row *row = add_row(t);
	size_t i = 0;

	if (!row)
		return;
	row->cells[i++] = name;
	row->cells[i++] = rate_cell(t, c->rate_bit, c->rate_bit);
	row->cells[i++] = rate_cell(t, c->ceil_bit, c->ceil_bit);
	row->cells[i++] = rate_cell(t, c->stats.measured, c->stats.measured_bit);
	row->cells[i++] = share_cell(t, &c->stats, c->ceil_bit);
	row->cells[i++] = backlog_cell(t, &c->stats);
	row->cells[i++] = number_cell(t, c->stats.drops);
	row->cells[i++] = number_cell(t, c->stats.overlimits);
	row->cells[i++] = c->queue ? c->queue->kind_name : NULL;
	row->color = color_of(&c->stats, c->ceil_bit);
}

/* As deep as HTB lets classes nest. */
static void add_children(struct table *t, const struct lines *lines,
			 const struct show_class *parent, const char *before)
{
	const struct show_class *c;
	const char *name, *below;

	for (c = parent->children; c && !t->oom; c = c->next) {
		name = arena_printf(t->arena, "%s%s%s", before,
				    c->next ? lines->fork : lines->end, c->name);
		below = arena_printf(t->arena, "%s%s", before,
				     c->next ? lines->down : lines->space);
		if (!name || !below) {
			t->oom = true;
			return;
		}
		add_class(t, c, name);
		add_children(t, lines, c, below);
	}
}

static void print_framing(FILE *f, const struct obj *obj)
{
	if (!obj || !obj->kind || !obj->opts)
		return;
	if (opts_get(obj->opts, HTB_OVERHEAD, 0))
		fprintf(f, " overhead %" PRIu64, opts_get(obj->opts, HTB_OVERHEAD, 0));
	if (opts_get(obj->opts, HTB_MPU, 0))
		fprintf(f, " mpu %" PRIu64, opts_get(obj->opts, HTB_MPU, 0));
	if (opts_get(obj->opts, HTB_LINKLAYER, TC_LL_ETHERNET) == TC_LL_ATM)
		fputs(" atm", f);
}

static int print_tree(struct ctx *ctx, FILE *f, struct show_model *model, const struct show *show,
		      const struct show_link *link, const struct show_tree *tree)
{
	struct table t = { .arena = &model->arena, .columns = tree_columns, .color = show->color };
	char rate[UNITS_TEXT];

	if (!tree)
		return 0;
	if (tree == link->ingress)
		fprintf(f, "%s ingress (%s)", link->name, tree->dev->name);
	else
		fprintf(f, "%s egress", link->name);
	if (tree->root->rate_bit)
		fprintf(f, " rate %s", units_human_rate(tree->root->rate_bit, rate));
	print_framing(f, tree->root->obj);
	fprintf(f, " classifier %s\n", link->classifier);
	if (tree->root->obj)
		add_class(&t, tree->root, "all");
	add_children(&t, lines_of_locale(), tree->root, "");
	if (t.oom)
		return oom(ctx);
	print_table(f, &t);
	fputc('\n', f);
	return 0;
}

/* ---- police ---- */

static const struct column police_columns[] = {
	{ "direction", true }, { "rate", false }, { "burst", false }, { "measured", false },
	{ "conform", false }, { "exceed", false }, { "drops", false }, { "on exceed", true },
	{ NULL, false }
};

static void add_police(struct table *t, const struct show_police *p)
{
	const struct action *a = p->action;
	uint64_t rate_bit = model_option(a->kind, a->opts, POLICE_RATE);
	struct row *row = add_row(t);
	char verdict[32] = "";
	size_t i = 0;

	if (!row)
		return;
	if (opts_has(a->opts, POLICE_EXCEED))
		opts_text(&a->kind->opts[POLICE_EXCEED], &a->opts->v[POLICE_EXCEED], verdict,
			  sizeof(verdict));
	row->cells[i++] = p->ingress ? "ingress" : "egress";
	row->cells[i++] = rate_cell(t, true, rate_bit);
	row->cells[i++] = size_cell(t, model_option(a->kind, a->opts, POLICE_BURST));
	row->cells[i++] = rate_cell(t, p->stats.measured, p->stats.measured_bit);
	row->cells[i++] = number_cell(t, p->conform_packets);
	row->cells[i++] = number_cell(t, p->exceed_packets);
	row->cells[i++] = number_cell(t, p->stats.drops);
	row->cells[i++] = cell(t, verdict);
	row->color = color_of(&p->stats, rate_bit);
}

static int print_polices(struct ctx *ctx, FILE *f, struct show_model *model,
			 const struct show *show, const struct show_link *link)
{
	struct table t = {
		.arena = &model->arena, .columns = police_columns, .color = show->color,
	};
	const struct show_police *p;

	if (!link->polices)
		return 0;
	for (p = link->polices; p; p = p->next)
		add_police(&t, p);
	if (t.oom)
		return oom(ctx);
	fprintf(f, "%s police\n", link->name);
	print_table(f, &t);
	fputc('\n', f);
	return 0;
}

/* ---- all ---- */

static int print_link(struct ctx *ctx, FILE *f, struct show_model *model, const struct show *show,
		      const struct show_link *link)
{
	int err = 0;

	if (!link->shaped)
		fprintf(f, "%s: not shaped by weir\n", link->name);
	if (!err)
		err = print_tree(ctx, f, model, show, link, link->egress);
	if (!err)
		err = print_tree(ctx, f, model, show, link, link->ingress);
	if (!err && link->classifier && !strcmp(link->classifier, "kernel") && link->why_classifier)
		fprintf(f, "%s: bpf cannot be had: %s\n\n", link->name, link->why_classifier);
	return err ? err : print_polices(ctx, f, model, show, link);
}

static void print_drift(FILE *f, const struct show_model *model, bool color)
{
	const struct show_drift *d;

	if (!model->drift_known && model->shaped)
		fputs("drift: unknown: weir does not remember what was applied\n", f);
	for (d = model->drift; d; d = d->next)
		fprintf(f, "%sdrift: %s: %s: %s%s\n", color ? YELLOW : "", d->link, d->object,
			d->text, color ? PLAIN : "");
}

int view_show(struct ctx *ctx, FILE *f, const struct show *show)
{
	struct show_model model;
	const struct show_link *link;
	int err = model_build(ctx, show, &model);

	for (link = model.links; link && !err; link = link->next)
		err = print_link(ctx, f, &model, show, link);
	if (!err && show->limits && show->limits->now->n) {
		err = view_limits(ctx, f, show->limits);
		fputc('\n', f);
	}
	if (!err) {
		print_drift(f, &model, show->color);
		if (show->limit_drift)
			view_limit_drift(f, show->limit_drift, show->color);
		err = (int)model.shaped;
	}
	model_free(&model);
	return err;
}
