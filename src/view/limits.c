// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/limits.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conf/words.h"
#include "host/limit_idle.h"
#include "lib/json.h"
#include "lib/units.h"

enum { COLUMNS = 11, CELL = 48, SUBJECT = 64 };

static const struct column {
	const char *head;
	bool left;
} columns[COLUMNS] = {
	{ "limit", true }, { "direction", true }, { "rate", false }, { "measured", false },
	{ "ratio", false }, { "verdict", true }, { "packets", false }, { "drops", false },
	{ "marks", false }, { "calls", false }, { "backend", true },
};

struct row {
	char subject[SUBJECT];
	char cell[COLUMNS][CELL];	/* the first is in subject */
	enum limit_verdict verdict;
};

struct table {
	struct row *rows;
	size_t n;
	int width[COLUMNS];
	bool color;
};

static const char *const directions[] = {
	[LIMIT_EGRESS] = "upload", [LIMIT_INGRESS] = "download",
};

static const struct limit_report_side *side_before(const struct limits_view *view,
						   const struct limit_report *r, int way)
{
	const struct limit_report *before = view->earlier ? limit_list_find(view->earlier, r->key) :
					    NULL;

	return before && before->side[way].wish.set ? &before->side[way] : NULL;
}

static struct limit_measure measure(const struct limits_view *view, const struct limit_report *r,
				    int way)
{
	return limit_measure(side_before(view, r, way), &r->side[way], view->interval_ns);
}

/* ---- text ---- */

static void subject_text(const struct limit_report *r, char text[SUBJECT])
{
	const struct named *only = named_value(word_only, (uint8_t)r->only);
	int n = snprintf(text, SUBJECT, "%s %.36s", limit_subjects[r->subject], r->name);

	if (r->members > 1 && n < SUBJECT)
		n += snprintf(text + n, (size_t)(SUBJECT - n), " +%" PRIu32, r->members - 1);
	if (only && n < SUBJECT)
		snprintf(text + n, (size_t)(SUBJECT - n), " (%s)", only->name);
}

/* For how many packets the program found this limit. */
static uint64_t calls_of(const struct limit_count *count)
{
	return count->packets + count->dropped + count->other;
}

static void count_cells(struct row *row, const struct limit_report_side *side)
{
	const uint64_t counts[] = {
		side->count.packets, side->count.dropped, side->count.marked, calls_of(&side->count),
	};
	size_t i;

	for (i = 0; i < 4; i++)
		if (side->counted)
			snprintf(row->cell[6 + i], CELL, "%" PRIu64, counts[i]);
		else
			strcpy(row->cell[6 + i], "-");
}

static void fill_row(struct row *row, const struct limits_view *view, const struct limit_report *r,
		     int way)
{
	const struct limit_report_side *side = &r->side[way];
	struct limit_measure m = measure(view, r, way);
	char text[UNITS_TEXT];

	subject_text(r, row->subject);
	row->verdict = m.verdict;
	strcpy(row->cell[1], directions[way]);
	strcpy(row->cell[2], side->wish.block ? "block" : units_human_rate(side->wish.rate_bit, text));
	strcpy(row->cell[3], "-");
	strcpy(row->cell[4], "-");
	if (side->counted)
		strcpy(row->cell[3], units_human_rate(m.rate_bit, text));
	if (side->counted && !side->wish.block)
		snprintf(row->cell[4], CELL, "%.2f", m.ratio);
	snprintf(row->cell[5], CELL, "%s", limit_verdict_text(m.verdict));
	count_cells(row, side);
	snprintf(row->cell[10], CELL, "%s", side->backend ? side->backend->name : "-");
}

static const char *cell_of(const struct row *row, int column)
{
	return column ? row->cell[column] : row->subject;
}

static void measure_widths(struct table *t)
{
	size_t i;
	int c, w;

	for (c = 0; c < COLUMNS; c++) {
		t->width[c] = (int)strlen(columns[c].head);
		for (i = 0; i < t->n; i++) {
			w = (int)strlen(cell_of(&t->rows[i], c));
			if (w > t->width[c])
				t->width[c] = w;
		}
	}
}

static const char *color_of(enum limit_verdict verdict)
{
	switch (verdict) {
	case LIMIT_THROTTLED: return "\033[33m";
	case LIMIT_NOT_WORKING: return "\033[31m";
	case LIMIT_NOT_CALLED: return "\033[2m";
	default: return "";
	}
}

static void print_line(FILE *f, const struct table *t, const struct row *row)
{
	const char *color = row && t->color ? color_of(row->verdict) : "", *text;
	int c;

	fputs(color, f);
	for (c = 0; c < COLUMNS; c++) {
		text = row ? cell_of(row, c) : columns[c].head;
		if (c == COLUMNS - 1)
			fputs(text, f);
		else
			fprintf(f, columns[c].left ? "%-*s  " : "%*s  ", t->width[c], text);
	}
	fputs(*color ? "\033[0m\n" : "\n", f);
}

static bool is_idle(const struct limits_view *view, const struct limit_report *r)
{
	int way, idle = 0, set = 0;

	for (way = 0; way < LIMIT_WAYS; way++) {
		if (!r->side[way].wish.set)
			continue;
		set++;
		idle += measure(view, r, way).verdict == LIMIT_NOT_CALLED;
	}
	return set && idle == set;
}

static void print_notes(FILE *f, const struct limits_view *view)
{
	const struct limit_report *r = view->now->reports, *end = r + view->now->n;
	char why[LIMIT_IDLE_TEXT];

	for (; r < end; r++)
		if (is_idle(view, r))
			fprintf(f, "%s %s: %s\n", limit_subjects[r->subject], r->name,
				limit_idle_reason(r->subject, r->name, why));
}

int view_limits(struct ctx *ctx, FILE *f, const struct limits_view *view)
{
	const struct limit_report *r = view->now->reports, *end = r + view->now->n;
	struct table t = { .color = view->color };
	size_t i;
	int way;

	t.rows = calloc(view->now->n * LIMIT_WAYS + 1, sizeof(*t.rows));
	if (!t.rows)
		return oom(ctx);
	for (; r < end; r++)
		for (way = 0; way < LIMIT_WAYS; way++)
			if (r->side[way].wish.set)
				fill_row(&t.rows[t.n++], view, r, way);
	measure_widths(&t);
	print_line(f, &t, NULL);
	for (i = 0; i < t.n; i++)
		print_line(f, &t, &t.rows[i]);
	free(t.rows);
	print_notes(f, view);
	return 0;
}

/* ---- settings and operations ---- */

static void print_rate(FILE *f, const struct limit_wish_side *side)
{
	char text[UNITS_TEXT];

	fputs(side->block ? "block" : units_format_rate(side->rate_bit, text), f);
	if (!side->block && side->burst_ns && side->burst_ns != LIMIT_BURST_NS)
		fprintf(f, " burst %s", units_format_time(side->burst_ns, text));
}

void view_limit_setting(FILE *f, const struct limit_setting *setting)
{
	const struct named *only = named_value(word_only, (uint8_t)setting->wish.only);
	const char *before = "";
	int way;

	for (way = 0; way < LIMIT_WAYS; way++) {
		if (!setting->wish.side[way].set)
			continue;
		fprintf(f, "%s%s ", before, directions[way]);
		print_rate(f, &setting->wish.side[way]);
		if (setting->backend[way])
			fprintf(f, " (%s)", setting->backend[way]->name);
		before = ", ";
	}
	if (only)
		fprintf(f, ", only %s", only->name);
	if (setting->wish.no_children)
		fputs(", no-children", f);
}

static const struct verb_text {
	const char *sign, *color, *word;
} verbs[] = {
	[LIMIT_ADD] = { "+", "\033[32m", "add" },
	[LIMIT_CHANGE] = { "~", "\033[33m", "change" },
	[LIMIT_REMOVE] = { "-", "\033[31m", "remove" },
};

void view_limit_ops(FILE *f, const struct limit_ops *ops, bool color)
{
	const struct limit_op *op;

	for (op = ops->first; op; op = op->next) {
		fprintf(f, "%s%s limit %s %s: ", color ? verbs[op->verb].color : "", verbs[op->verb].sign,
			limit_subjects[op->after.wish.subject], op->after.wish.name);
		if (op->verb != LIMIT_ADD)
			view_limit_setting(f, &op->before);
		if (op->verb == LIMIT_CHANGE)
			fputs(" -> ", f);
		if (op->verb != LIMIT_REMOVE)
			view_limit_setting(f, &op->after);
		fputs(color ? "\033[0m\n" : "\n", f);
	}
}

/* ---- JSON ---- */

static void set(json_t *j, const char *key, json_t *value)
{
	json_object_set_new(j, key, value);
}


static json_t *wish_json(const struct limit_wish_side *side, const struct backend *backend)
{
	json_t *j = json_object();

	set(j, "block", json_boolean(side->block));
	set(j, "rate_bit", side->block ? json_null() : json_u64(side->rate_bit));
	set(j, "burst_ns", side->block ? json_null() :
	    json_u64(side->burst_ns ? side->burst_ns : LIMIT_BURST_NS));
	set(j, "backend", backend ? json_string(backend->name) : json_null());
	return j;
}

static void set_counts(json_t *j, const struct limit_count *count)
{
	const struct {
		const char *key;
		uint64_t value;
	} rows[] = {
		{ "packets", count->packets }, { "bytes", count->bytes }, { "drops", count->dropped },
		{ "drop_bytes", count->dropped_bytes }, { "marks", count->marked },
		{ "notices", count->notices }, { "queued", count->classed }, { "calls", calls_of(count) },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		set(j, rows[i].key, json_u64(rows[i].value));
}

static json_t *side_json(const struct limits_view *view, const struct limit_report *r, int way)
{
	const struct limit_report_side *side = &r->side[way];
	struct limit_measure m;
	json_t *j;

	if (!side->wish.set)
		return json_null();
	m = measure(view, r, way);
	j = wish_json(&side->wish, side->backend);
	set(j, "verdict", json_string(limit_verdict_text(m.verdict)));
	if (!side->counted)
		return j;
	set(j, "measured_bit", json_u64(m.rate_bit));
	set(j, "ratio", side->wish.block ? json_null() : json_real(m.ratio));
	set_counts(j, &side->count);
	return j;
}

static void set_subject(json_t *j, const struct limit_wish *wish)
{
	const struct named *only = named_value(word_only, (uint8_t)wish->only);

	set(j, "subject", json_string(limit_subjects[wish->subject]));
	set(j, "name", json_string(wish->name));
	set(j, "only", only ? json_string(only->name) : json_null());
	set(j, "no_children", json_boolean(wish->no_children));
}

static json_t *report_json(const struct limits_view *view, const struct limit_report *r)
{
	const struct limit_setting setting = limit_setting_there(r);
	char why[LIMIT_IDLE_TEXT];
	json_t *j = json_object();

	set_subject(j, &setting.wish);
	if (r->subject == LIMIT_PID)
		set(j, "processes", json_u64(r->members));
	set(j, "upload", side_json(view, r, LIMIT_EGRESS));
	set(j, "download", side_json(view, r, LIMIT_INGRESS));
	if (is_idle(view, r))
		set(j, "note", json_string(limit_idle_reason(r->subject, r->name, why)));
	return j;
}

json_t *view_limits_json(const struct limits_view *view)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < view->now->n && list; i++)
		json_array_append_new(list, report_json(view, &view->now->reports[i]));
	return list;
}

static json_t *setting_json(const struct limit_setting *setting)
{
	json_t *j = json_object();
	int way;

	for (way = 0; way < LIMIT_WAYS; way++)
		set(j, directions[way], setting->wish.side[way].set ?
		    wish_json(&setting->wish.side[way], setting->backend[way]) : json_null());
	return j;
}

void view_limit_ops_json(json_t *list, const struct limit_ops *ops)
{
	const struct limit_op *op;
	json_t *j;

	for (op = ops->first; op; op = op->next) {
		j = json_pack("{s:s, s:s, s:s}", "do", verbs[op->verb].word, "object", "limit",
			      "cost", "nothing");
		set_subject(j, &op->after.wish);
		if (op->verb != LIMIT_REMOVE)
			set(j, "options", setting_json(&op->after));
		if (op->verb != LIMIT_ADD)
			set(j, "was", setting_json(&op->before));
		json_array_append_new(list, j);
	}
}

/* ---- drift ---- */

static const char *const drifts[] = {
	[LIMIT_ADD] = "missing", [LIMIT_CHANGE] = "changed", [LIMIT_REMOVE] = "added",
};

/* "is upload 1mbit (ebpf), applied was upload 2mbit (ebpf)" */
static void print_difference(FILE *f, const struct limit_op *op)
{
	if (op->verb != LIMIT_CHANGE) {
		fputs(drifts[op->verb], f);
		return;
	}
	fputs("is ", f);
	view_limit_setting(f, &op->before);
	fputs(", applied was ", f);
	view_limit_setting(f, &op->after);
}

void view_limit_drift(FILE *f, const struct limit_ops *ops, bool color)
{
	const struct limit_op *op;

	for (op = ops->first; op; op = op->next) {
		fprintf(f, "%sdrift: limit %s %s: ", color ? "\033[33m" : "",
			limit_subjects[op->after.wish.subject], op->after.wish.name);
		print_difference(f, op);
		fputs(color ? "\033[0m\n" : "\n", f);
	}
}

void view_limit_drift_json(json_t *list, const struct limit_ops *ops)
{
	const struct limit_op *op;
	char *text = NULL;
	size_t len;
	FILE *f;

	for (op = ops->first; op; op = op->next) {
		f = open_memstream(&text, &len);
		if (!f)
			return;
		print_difference(f, op);
		if (!fclose(f))
			json_array_append_new(list, json_pack("{s:n, s:o, s:s, s:s}", "link", "object",
				json_sprintf("limit %s %s", limit_subjects[op->after.wish.subject],
					     op->after.wish.name),
				"what", drifts[op->verb], "text", text));
		free(text);
		text = NULL;
	}
}
