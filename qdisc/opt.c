// SPDX-License-Identifier: GPL-2.0-or-later
/* Rows: reading words, filling defaults, comparing. */
#include "qdisc/opt.h"

#include <errno.h>
#include <string.h>

#include "lib/near.h"
#include "qdisc/kind.h"
#include "qdisc/opt_value.h"

#define BIT(i) (UINT64_C(1) << (i))

struct opts *opts_new(struct arena *a, const struct kind *kind)
{
	return arena_alloc(a, sizeof(struct opts) + kind->n_opts * sizeof(union optval));
}

struct opts *opts_dup(struct arena *a, const struct kind *kind, const struct opts *src)
{
	return arena_memdup(a, src, sizeof(struct opts) + kind->n_opts * sizeof(union optval));
}

/* ---- which row a word belongs to ---- */

enum hit_type { HIT_NONE, HIT_ROW, HIT_OFF, HIT_NAME, HIT_WORD };

struct hit {
	enum hit_type type;
	int used;		/* words taken: 1, or 2 for "loss random" */
	unsigned int row;
	unsigned int index;	/* HIT_NAME: of names[]; HIT_WORD: of kind->words[] */
};

/* How many of the words say `phrase`: as many as it has, or 0. */
static int phrase_words(const char *phrase, int argc, const char *const *argv)
{
	const char *blank = strchr(phrase, ' ');
	size_t head;

	if (!blank)
		return !strcmp(phrase, argv[0]);
	head = (size_t)(blank - phrase);
	if (argc < 2 || strncmp(phrase, argv[0], head) || argv[0][head] || strcmp(blank + 1, argv[1]))
		return 0;
	return 2;
}

static void offer(struct hit *hit, const char *phrase, int argc, const char *const *argv,
		  const struct hit *offered)
{
	int used = phrase ? phrase_words(phrase, argc, argv) : 0;

	if (used > hit->used) {
		*hit = *offered;
		hit->used = used;
	}
}

static void offer_row(struct hit *hit, const struct opt *row, unsigned int r, int argc,
		      const char *const *argv)
{
	struct hit h = { HIT_ROW, 0, r, 0 };

	if (row->flags & (OPT_POS | OPT_NO_MAN))
		return;
	if (!(row->flags & OPT_BARE))
		offer(hit, row->word, argc, argv, &h);
	h.type = HIT_OFF;
	offer(hit, row->off, argc, argv, &h);
	h.type = HIT_NAME;
	for (; row->flags & OPT_BARE && row->names[h.index]; h.index++)
		offer(hit, row->names[h.index], argc, argv, &h);
}

static int plain_row(const struct kind *kind, const char *word)
{
	unsigned int r;

	for (r = 0; r < kind->n_opts; r++)
		if (!strcmp(kind->opts[r].word, word))
			return (int)r;
	return -1;
}

/* The longest of the phrases that the words begin with. */
static struct hit find_hit(const struct kind *kind, int argc, const char *const *argv)
{
	struct hit hit = { HIT_NONE, 0, 0, 0 };
	unsigned int i;

	for (i = 0; i < kind->n_opts; i++)
		offer_row(&hit, &kind->opts[i], i, argc, argv);
	for (i = 0; kind->words && kind->words[i].word; i++) {
		const struct opt_word *w = &kind->words[i];
		struct hit h = { HIT_WORD, 0, 0, i };

		if (w->same) {
			h.type = HIT_ROW;
			h.row = (unsigned int)plain_row(kind, w->same);
		}
		offer(&hit, w->word, argc, argv, &h);
	}
	return hit;
}

int opts_row(const struct kind *kind, const char *word)
{
	struct hit hit = find_hit(kind, 1, &word);
	const char *blank = strchr(word, ' ');

	if (hit.type == HIT_NONE)
		return blank ? plain_row(kind, word) : -1;
	return hit.type == HIT_WORD ? -1 : (int)hit.row;
}

/* ---- complaints ---- */

static int wrong(struct opt_error *e, int word, const char *text, const char *what)
{
	e->word = word;
	e->near = NULL;
	snprintf(e->text, sizeof(e->text), "'%s' %s", text, what);
	return -EINVAL;
}

static void wrong_name(struct opt_error *e, const struct opt *row, const char *text)
{
	size_t i, n;

	n = (size_t)snprintf(e->text, sizeof(e->text), "'%s' is not known to '%s', which takes", text,
			     row->word);
	for (i = 0; row->names[i] && n < sizeof(e->text); i++)
		n += (size_t)snprintf(e->text + n, sizeof(e->text) - n, "%s %s", i ? "," : "",
				      row->names[i]);
	e->near = near_word(text, row->names, i);
}

/* text NULL: the value is missing. */
static int complain(struct opt_error *e, int word, int err, const struct opt *row, const char *text)
{
	union optval min = { .u = row->min }, max = { .u = opt_value_max(row) };
	char lo[64], hi[64];

	if (row->type == OPT_MASKED)
		max.u |= max.u << 32;
	e->word = word;
	e->near = NULL;
	if (!text)
		snprintf(e->text, sizeof(e->text), "'%s' needs %s", row->word, opt_type_text(row));
	else if (err == -ERANGE)
		snprintf(e->text, sizeof(e->text), "'%s' is out of range for '%s': %s to %s", text,
			 row->word, opts_text(row, &min, lo, sizeof(lo)),
			 opts_text(row, &max, hi, sizeof(hi)));
	else if (row->type == OPT_ENUM)
		wrong_name(e, row, text);
	else
		snprintf(e->text, sizeof(e->text), "'%s' is not %s, which '%s' needs", text,
			 opt_type_text(row), row->word);
	return err;
}

static int unknown_word(const struct kind *kind, int i, const char *word, struct opt_error *e)
{
	const char *words[4 * OPT_MAX];
	size_t n = 0, r, k;

	for (r = 0; r < kind->n_opts; r++) {
		const struct opt *row = &kind->opts[r];

		if (row->flags & (OPT_POS | OPT_NO_MAN))
			continue;
		if (!(row->flags & OPT_BARE))
			words[n++] = row->word;
		words[n++] = row->off;
		for (k = 0; row->flags & OPT_BARE && row->names[k] && n < 3 * OPT_MAX; k++)
			words[n++] = row->names[k];
	}
	for (k = 0; kind->words && kind->words[k].word && n < 4 * OPT_MAX; k++)
		words[n++] = kind->words[k].word;
	e->word = i;
	e->near = near_word(word, words, n);
	snprintf(e->text, sizeof(e->text), "unknown %s option '%s'", kind->name, word);
	return -EINVAL;
}

/* ---- words -> values ---- */

struct parse {
	const struct kind *kind;
	int argc, i;		/* i: the word at hand */
	const char *const *argv;
	struct opts *o;
	uint64_t added;		/* rows whose value came from words that add */
	struct opt_error *error;
};

/* The value of a row, one word or a list. */
static int parse_argument(struct parse *p, const struct opt *row, union optval *v)
{
	const char *text = p->i < p->argc ? p->argv[p->i] : NULL;
	int err;

	if (!text)
		return complain(p->error, p->argc, -EINVAL, row, NULL);
	if (opt_is_list(row)) {
		err = opt_list_parse(row, p->argc - p->i, p->argv + p->i, v);
		if (err < 0) {
			snprintf(p->error->text, sizeof(p->error->text), "'%s' needs %u numbers",
				 row->word, (unsigned int)row->max);
			p->error->word = p->i;
			p->error->near = NULL;
			return err;
		}
		p->i += err;
		return 0;
	}
	err = opt_value_parse(row, text, v);
	if (err)
		return complain(p->error, p->i, err, row, text);
	p->i++;
	return 0;
}

/* Optional further arguments: as long as the next word reads as a value of the next row. */
static int parse_positional(struct parse *p, unsigned int r)
{
	const struct opt *opts = p->kind->opts;
	int err;

	for (r++; r < p->kind->n_opts && opts[r].flags & OPT_POS && p->i < p->argc; r++) {
		err = opt_value_parse(&opts[r], p->argv[p->i], &p->o->v[r]);
		if (err == -ERANGE)
			return complain(p->error, p->i, err, &opts[r], p->argv[p->i]);
		if (err)
			continue;
		p->o->set |= BIT(r);
		p->i++;
	}
	return 0;
}

static int parse_row(struct parse *p, const struct hit *hit)
{
	const struct opt *row = &p->kind->opts[hit->row];
	union optval v = { .u = 0 };
	int err = 0;

	if (p->o->set & BIT(hit->row))
		return wrong(p->error, p->i, p->argv[p->i], "is said twice, or against another word");
	p->i += hit->used;
	if (hit->type == HIT_NAME)
		v.u = hit->index;
	else if (hit->type == HIT_ROW && row->type == OPT_FLAG)
		v.u = 1;
	else if (hit->type == HIT_ROW)
		err = parse_argument(p, row, &v);
	if (err)
		return err;
	p->o->v[hit->row] = v;
	p->o->set |= BIT(hit->row);
	return hit->type == HIT_ROW && row->type != OPT_FLAG ? parse_positional(p, hit->row) : 0;
}

static int parse_set(struct parse *p, const struct opt_set *set)
{
	const struct opt *row = &p->kind->opts[set->row];
	bool said = p->o->set & BIT(set->row), added = p->added & BIT(set->row);
	union optval v = { .u = set->value };

	if (set->add && added)
		v.u += p->o->v[set->row].u;
	else if (said && (set->add || !opt_value_equal(row, &v, &p->o->v[set->row])))
		return wrong(p->error, p->i, p->argv[p->i], "goes against a word before it");
	if (row->type == OPT_INT ? (int64_t)v.u > (int64_t)opt_value_max(row) : v.u > opt_value_max(row))
		return wrong(p->error, p->i, p->argv[p->i], "goes out of range here");
	p->o->v[set->row] = v;
	p->o->set |= BIT(set->row);
	if (set->add)
		p->added |= BIT(set->row);
	return 0;
}

static int parse_word(struct parse *p, const struct hit *hit)
{
	const struct opt_word *w = &p->kind->words[hit->index];
	size_t i;
	int err;

	for (i = 0; i < sizeof(w->sets) / sizeof(w->sets[0]); i++) {
		err = w->sets[i].set ? parse_set(p, &w->sets[i]) : 0;
		if (err)
			return err;
	}
	p->i += hit->used;
	return 0;
}

static int check_required(const struct kind *kind, int argc, const struct opts *o,
			  struct opt_error *e)
{
	unsigned int r;

	for (r = 0; r < kind->n_opts; r++) {
		if (!(kind->opts[r].flags & OPT_REQUIRED) || o->set & BIT(r))
			continue;
		e->word = argc;
		e->near = NULL;
		snprintf(e->text, sizeof(e->text), "%s needs '%s'", kind->name, kind->opts[r].word);
		return -EINVAL;
	}
	return 0;
}

int opts_parse(const struct kind *kind, int argc, const char *const *argv, struct opts *o,
	       struct opt_error *error)
{
	struct parse p = { kind, argc, 0, argv, o, 0, error };
	struct hit hit;
	int err;

	while (p.i < argc) {
		hit = find_hit(kind, argc - p.i, argv + p.i);
		if (hit.type == HIT_NONE)
			return unknown_word(kind, p.i, argv[p.i], error);
		err = hit.type == HIT_WORD ? parse_word(&p, &hit) : parse_row(&p, &hit);
		if (err)
			return err;
	}
	err = check_required(kind, argc, o, error);
	if (!err && kind->check) {
		error->word = argc;
		error->near = NULL;
		err = kind->check(o, error);
	}
	if (!err && kind->canon)
		kind->canon(o);
	return err;
}

void opts_fill(const struct kind *kind, struct opts *o, uint32_t frame_bytes)
{
	unsigned int r;

	for (r = 0; r < kind->n_opts; r++) {
		const struct opt *row = &kind->opts[r];

		if (!(row->flags & OPT_HAS_DEF) || o->set & BIT(r))
			continue;
		opt_value_default(row, frame_bytes, &o->v[r]);
		o->filled |= BIT(r);
	}
	if (kind->canon)
		kind->canon(o);
}

/* ---- comparing ---- */

/* Rows in which present does not hold what wanted asks for. */
static uint64_t rows_differing(const struct kind *kind, const struct opts *wanted,
			       const struct opts *present)
{
	uint64_t live = kind->live ? kind->live(wanted) : 0, differing = 0;
	unsigned int r;

	for (r = 0; r < kind->n_opts; r++) {
		bool said = wanted->set & BIT(r), known = opts_has(present, r);

		if (kind->opts[r].flags & OPT_WRITE_ONLY || live & BIT(r) || !opts_has(wanted, r) ||
		    (!said && !known))
			continue;
		if (!known || !opt_value_equal(&kind->opts[r], &wanted->v[r], &present->v[r]))
			differing |= BIT(r);
	}
	return differing;
}

bool opts_hold(const struct kind *kind, const struct opts *wanted, const struct opts *present)
{
	return !rows_differing(kind, wanted, present);
}

bool opts_need_new(const struct kind *kind, const struct opts *wanted, const struct opts *present)
{
	uint64_t differing = rows_differing(kind, wanted, present);
	unsigned int r;

	for (r = 0; r < kind->n_opts; r++)
		if (differing & BIT(r) && kind->opts[r].flags & OPT_INIT)
			return true;
	return false;
}
