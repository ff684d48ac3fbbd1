// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/backends.h"

#include "lib/json.h"

static const char *state(const struct backend_row *row)
{
	return !row->known ? "unknown" : !row->available ? "no" : row->chosen ? "chosen" : "yes";
}

int view_backends(struct ctx *ctx, FILE *f, const struct backend_row *rows, unsigned int n)
{
	const struct backend_row *row;

	(void)ctx;
	for (row = rows; row < rows + n; row++) {
		fprintf(f, "%-10s  %-9s  %-7s  ", row->use, row->name, state(row));
		if (row->rank)
			fprintf(f, "rank %u, ", row->rank);
		fprintf(f, "%s\n", *row->why ? row->why : row->help);
	}
	return 0;
}

int view_backends_json(struct ctx *ctx, FILE *f, const struct backend_row *rows, unsigned int n)
{
	json_t *list = json_array(), *j;
	const struct backend_row *row;

	for (row = rows; row < rows + n && list; row++) {
		j = json_pack("{s:s, s:s, s:b, s:s?, s:s}", "use", row->use, "name", row->name, "chosen",
			      row->chosen, "reason", *row->why ? row->why : NULL, "help", row->help);
		json_object_set_new(j, "available",
				    row->known ? json_boolean(row->available) : json_null());
		json_object_set_new(j, "rank", row->rank ? json_integer(row->rank) : json_null());
		json_array_append_new(list, j);
	}
	return json_print(ctx, f, json_pack("{s:o}", "backends", list));
}
