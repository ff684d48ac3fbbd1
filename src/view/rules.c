// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/rules.h"

#include <inttypes.h>
#include <string.h>

#include "lib/json.h"

static const char *direction(const struct rule_counts *r)
{
	return r->ingress ? "ingress" : "egress";
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

/* The text comes last: it may be long. */
int view_rules(struct ctx *ctx, FILE *f, const struct rule_counts *list)
{
	const struct rule_counts *r;
	const struct rule_count *c;
	int width;

	(void)ctx;
	for (r = list; r; r = r->next) {
		if (r->why_not) {
			fprintf(f, "%s %s: %s\n\n", r->link, direction(r), r->why_not);
			continue;
		}
		width = class_width(r);
		fprintf(f, "%s %s%s\n%12s %16s  %-*s  %s\n", r->link, direction(r),
			r->others ? " (not the rules that were applied)" : "", "packets", "bytes", width,
			"class", "match");
		for (c = r->count; c < r->count + r->n; c++)
			fprintf(f, "%12" PRIu64 " %16" PRIu64 "  %-*s  %s\n", c->packets, c->bytes, width,
				c->class ? c->class : "-", c->match);
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

int view_rules_json(struct ctx *ctx, FILE *f, const struct rule_counts *list)
{
	json_t *all = json_array();
	const struct rule_counts *r;

	for (r = list; r && all; r = r->next)
		json_array_append_new(all, json_pack("{s:s, s:s, s:b, s:s?, s:o, s:o}", "link", r->link,
						     "direction", direction(r), "applied", !r->others,
						     "reason", r->why_not, "rules", counts_json(r, true),
						     "others", counts_json(r, false)));
	return json_print(ctx, f, json_pack("{s:o}", "rules", all));
}
