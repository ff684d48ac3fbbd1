// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/rules.h"

#include <inttypes.h>
#include <string.h>

#include "lib/json.h"

static const char *direction(const struct rule_counts *r)
{
	return r->ingress ? "ingress" : "egress";
}

static const char *other_rules(const struct rule_counts *r)
{
	return r->others ? " (not the rules that were applied)" : "";
}

static int class_width(const struct rule_counts *r)
{
	size_t width = strlen("class"), len;
	unsigned int i;

	for (i = 0; i < r->n_rules; i++) {
		len = strlen(r->count[i].class);
		width = len > width ? len : width;
	}
	return (int)width;
}

static void print_police(FILE *f, const struct rule_counts *r)
{
	const struct rule_count *c;

	fprintf(f, "%s %s police%s\n%12s %16s %12s  %s\n", r->link, direction(r), other_rules(r), "packets",
		"bytes", "exceed", "match");
	for (c = r->count; c < r->count + r->n; c++)
		fprintf(f, "%12" PRIu64 " %16" PRIu64 " %12" PRIu64 "  %s\n", c->packets, c->bytes, c->exceeding,
			c->match);
}

static void print_classes(FILE *f, const struct rule_counts *r)
{
	const struct rule_count *c;
	int width = class_width(r);

	fprintf(f, "%s %s%s\n%12s %16s  %-*s  %s\n", r->link, direction(r), other_rules(r), "packets", "bytes",
		width, "class", "match");
	for (c = r->count; c < r->count + r->n; c++)
		fprintf(f, "%12" PRIu64 " %16" PRIu64 "  %-*s  %s\n", c->packets, c->bytes, width,
			c->class ? c->class : "-", c->match);
}

/* The text comes last: it may be long. */
int view_rules(struct ctx *ctx, FILE *f, const struct rule_counts *list)
{
	const struct rule_counts *r;

	(void)ctx;
	for (r = list; r; r = r->next) {
		if (r->why_not)
			fprintf(f, "%s %s: %s\n", r->link, direction(r), r->why_not);
		else if (r->police)
			print_police(f, r);
		else
			print_classes(f, r);
		fputc('\n', f);
	}
	return 0;
}

static json_t *counts_json(const struct rule_counts *r, bool rules)
{
	unsigned int from = rules ? 0 : r->n_rules, to = rules ? r->n_rules : r->n, i;
	json_t *list = json_array(), *j;

	for (i = from; i < to && list; i++) {
		j = rules ? json_pack("{s:s, s:s}", "class", r->count[i].class, "match", r->count[i].match) :
			    json_pack("{s:s}", "what", r->count[i].match);
		json_object_set_new(j, "packets", json_u64(r->count[i].packets));
		json_object_set_new(j, "bytes", json_u64(r->count[i].bytes));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *police_json(const struct rule_counts *r)
{
	json_t *list = json_array(), *j;
	unsigned int i;

	for (i = 0; i < r->n && list; i++) {
		j = json_pack("{s:s}", "match", r->count[i].match);
		json_object_set_new(j, "packets", json_u64(r->count[i].packets));
		json_object_set_new(j, "bytes", json_u64(r->count[i].bytes));
		json_object_set_new(j, "exceed_packets", json_u64(r->count[i].exceeding));
		json_array_append_new(list, j);
	}
	return json_pack("{s:s, s:s, s:b, s:o}", "link", r->link, "direction", direction(r), "applied", !r->others,
			 "rules", list);
}

int view_rules_json(struct ctx *ctx, FILE *f, const struct rule_counts *list)
{
	json_t *rules = json_array(), *police = json_array();
	const struct rule_counts *r;

	for (r = list; r; r = r->next)
		if (r->police)
			json_array_append_new(police, police_json(r));
		else
			json_array_append_new(rules, json_pack("{s:s, s:s, s:b, s:s?, s:o, s:o}", "link", r->link,
							       "direction", direction(r), "applied",
							       !r->others, "reason", r->why_not, "rules",
							       counts_json(r, true), "others",
							       counts_json(r, false)));
	return json_print(ctx, f, json_pack("{s:o, s:o}", "rules", rules, "police", police));
}
