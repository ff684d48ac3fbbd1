// SPDX-License-Identifier: GPL-2.0-or-later
/* Values of rows as tc's words and as JSON. */
#include <inttypes.h>
#include <string.h>

#include "lib/json.h"
#include "lib/units.h"
#include "qdisc/kind.h"
#include "qdisc/opt_value.h"

#define BIT(i) (UINT64_C(1) << (i))

static bool is_default(const struct opt *row, const union optval *v)
{
	union optval def = { .u = 0 };

	if (!(row->flags & OPT_HAS_DEF) || row->flags & OPT_DEF_FRAMES)
		return false;
	opt_value_default(row, 0, &def);
	return opt_value_equal(row, v, &def);
}

/* A value as text: opts_text() or exact_text(). */
typedef char *(*text_fn)(const struct opt *row, const union optval *v, char *buf, size_t size);

static char *exact_text(const struct opt *row, const union optval *v, char *buf, size_t size)
{
	switch (row->type) {
	case OPT_RATE:
		snprintf(buf, size, "%" PRIu64 "bit", v->u);
		return buf;
	case OPT_SIZE:
		snprintf(buf, size, "%" PRIu64, v->u);
		return buf;
	case OPT_TIME: case OPT_CODEL_TIME: case OPT_TICK_TIME: case OPT_JIFFY_TIME:
		if (v->u % 1000)
			snprintf(buf, size, "%" PRIu64 "ns", v->u);
		else
			snprintf(buf, size, "%" PRIu64 "us", v->u / 1000);
		return buf;
	default:
		return opts_text(row, v, buf, size);
	}
}

static void print_row(FILE *f, const struct opt *row, const union optval *v, text_fn text)
{
	char buf[96];

	if (row->flags & OPT_BARE)
		fprintf(f, " %s", text(row, v, buf, sizeof(buf)));
	else if (row->type == OPT_FLAG && v->u)
		fprintf(f, " %s", row->word);
	else if (!v->u && row->off)
		fprintf(f, " %s", row->off);
	else if (row->type != OPT_FLAG && row->flags & OPT_POS)
		fprintf(f, " %s", text(row, v, buf, sizeof(buf)));
	else if (row->type != OPT_FLAG)
		fprintf(f, " %s %s", row->word, text(row, v, buf, sizeof(buf)));
}

/* The last further argument of row r that has to be said, or r. */
static unsigned int last_positional(const struct kind *kind, const struct opts *o, uint64_t rows,
				    unsigned int r)
{
	unsigned int last = r, i;

	for (i = r + 1; i < kind->n_opts && kind->opts[i].flags & OPT_POS; i++)
		if (rows & BIT(i) && !is_default(&kind->opts[i], &o->v[i]))
			last = i;
	return last;
}

static bool is_shown(const struct kind *kind, const struct opts *o, uint64_t rows, unsigned int r)
{
	const struct opt *row = &kind->opts[r];

	if (!(rows & BIT(r)) || row->flags & OPT_NO_MAN)
		return false;
	return !(row->flags & OPT_DEF_OFF && is_default(row, &o->v[r])) ||
	       (!(row->flags & OPT_POS) && last_positional(kind, o, rows, r) > r);
}

static void print_rows(FILE *f, const struct kind *kind, const struct opts *o, uint64_t rows,
		       text_fn text)
{
	unsigned int r, last;

	for (r = 0; r < kind->n_opts; r++) {
		if (kind->opts[r].flags & OPT_POS || !is_shown(kind, o, rows, r))
			continue;
		print_row(f, &kind->opts[r], &o->v[r], text);
		for (last = last_positional(kind, o, rows, r); r < last; r++)
			print_row(f, &kind->opts[r + 1], &o->v[r + 1], text);
	}
}

void opts_print(FILE *f, const struct kind *kind, const struct opts *o, bool all)
{
	print_rows(f, kind, o, all ? o->set | o->filled : o->set, opts_text);
}

void opts_print_exact(FILE *f, const struct kind *kind, const struct opts *o)
{
	print_rows(f, kind, o, o->set, exact_text);
}

static json_t *list_json(const struct opt *row, const union optval *v)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; list && i < row->max; i++)
		json_array_append_new(list, json_integer(row->type == OPT_BYTES ? v->b[i] : v->w[i]));
	return list;
}

static json_t *value_json(const struct opt *row, const union optval *v)
{
	char buf[96];

	switch (row->type) {
	case OPT_INT:
		return json_integer((json_int_t)v->u);
	case OPT_NUM: case OPT_RATE: case OPT_SIZE:
	case OPT_TIME: case OPT_CODEL_TIME: case OPT_TICK_TIME: case OPT_JIFFY_TIME:
		return json_u64(v->u);
	case OPT_PROB:
		return json_real((double)v->u / (double)UNITS_SHARE_ONE);
	case OPT_FRACTION:
		return json_real((double)v->u / (double)OPT_FRACTION_ONE);
	case OPT_FLAG:
		return json_boolean(v->u);
	case OPT_BYTES: case OPT_WORDS:
		return list_json(row, v);
	default:
		return json_string(opts_text(row, v, buf, sizeof(buf)));
	}
}

/* "loss random" -> "loss_random" */
static void set_key(json_t *obj, const char *word, json_t *value)
{
	char key[40], *blank;

	snprintf(key, sizeof(key), "%s", word);
	while ((blank = strchr(key, ' ')))
		*blank = '_';
	json_object_set_new(obj, key, value);
}

json_t *opts_json(const struct kind *kind, const struct opts *o)
{
	json_t *obj = json_object();
	unsigned int r;

	for (r = 0; obj && r < kind->n_opts; r++)
		if (is_shown(kind, o, o->set | o->filled, r))
			set_key(obj, kind->opts[r].word, value_json(&kind->opts[r], &o->v[r]));
	return obj;
}
