// SPDX-License-Identifier: GPL-2.0-or-later
/* weir backends: what this kernel offers, and why not. */
#include <stdio.h>
#include <string.h>

#include "cmd/command.h"
#include "host/backend.h"
#include "kernel/probe.h"
#include "plan/classifier.h"
#include "view/backends.h"

int cmd_backends(struct ctx *ctx, const struct args *args);

enum { MAX_ROWS = 32 };

/* ---- classifiers ---- */

static unsigned int add_filters(const struct probe *probe, char *why, size_t size)
{
	static const char *const names[] = { "matchall", "flower", "u32" };
	unsigned int n = 0, i;
	size_t used = 0;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!probe_has(probe, kind_find(KIND_FILTER, names[i])))
			continue;
		used += (size_t)snprintf(why + used, size - used, "%s%s", n++ ? ", " : "with ", names[i]);
	}
	if (!n)
		snprintf(why, size, "this kernel has none of matchall, flower and u32");
	return n;
}

static void fill_classifier(const struct probe *probe, const struct classifier *c,
			    struct backend_row *row)
{
	bool bpf = !strcmp(c->name, "bpf");

	*row = (struct backend_row){ .use = "classifier", .name = c->name, .help = c->help };
	row->known = bpf ? probe->bpf_tried : probe->done;
	row->available = !c->is_there(probe, row->why, sizeof(row->why));
	if (!bpf && !add_filters(probe, row->why, sizeof(row->why)))
		row->available = false;
	if (!row->known) {
		row->available = false;
		snprintf(row->why, sizeof(row->why), "finding out takes a privilege");
	}
}

/* The best of those that are there is what `classifier auto` takes. */
static unsigned int list_classifiers(struct ctx *ctx, const struct probe *probe,
				     struct backend_row *rows)
{
	bool chosen = false;
	unsigned int n;

	(void)ctx;
	for (n = 0; classifiers[n]; n++) {
		fill_classifier(probe, classifiers[n], &rows[n]);
		rows[n].chosen = rows[n].available && !chosen;
		chosen |= rows[n].chosen || !rows[n].known;
	}
	return n;
}

/* ---- limits ---- */

static const char *subjects_of(const struct backend *b)
{
	if (b->users && b->processes)
		return "for cgroups, users and processes";
	return b->users ? "for cgroups and users" : b->processes ? "for cgroups and processes" :
	       "for cgroups";
}

static void fill_limit(struct ctx *ctx, const struct backend *b, unsigned int way,
		       struct backend_row *row)
{
	char why[BACKEND_WHY] = "";

	*row = (struct backend_row){
		.use = way == LIMIT_WAY_INGRESS ? "download" : "upload", .name = b->name,
		.help = subjects_of(b), .rank = b->rank, .known = true,
	};
	row->available = b->available(ctx, way, why);
	row->chosen = row->available &&
		(!b->suits || b->suits(ctx, &(struct backend_ask){ .n_limits = 1 }, false, way, why));
	if (!row->available && !*why)
		snprintf(why, sizeof(why), "it cannot be had here");
	snprintf(row->why, sizeof(row->why), "%s", why);
}

/* The best of those that are there is what a limit takes that does not name one. */
static unsigned int list_way(struct ctx *ctx, unsigned int way, struct backend_row *rows)
{
	const struct backend *const *b;
	bool chosen = false;
	unsigned int n = 0;

	for (b = backends; *b; b++) {
		if (!((*b)->ways & way))
			continue;
		fill_limit(ctx, *b, way, &rows[n]);
		rows[n].chosen &= !chosen;
		chosen |= rows[n++].chosen;
	}
	return n;
}

static unsigned int list_limits(struct ctx *ctx, const struct probe *probe, struct backend_row *rows)
{
	unsigned int n = list_way(ctx, LIMIT_WAY_EGRESS, rows);

	(void)probe;
	return n + list_way(ctx, LIMIT_WAY_INGRESS, rows + n);
}

/* ---- all ---- */

/* What there is more than one way to do; each fills in its rows, best first. */
static unsigned int (*const groups[])(struct ctx *ctx, const struct probe *probe,
				      struct backend_row *rows) = {
	list_classifiers, list_limits,
};

int cmd_backends(struct ctx *ctx, const struct args *args)
{
	struct backend_row rows[MAX_ROWS];
	unsigned int n = 0, i;
	struct probe probe;
	int err = kernel_probe(ctx, &probe);

	for (i = 0; !err && i < sizeof(groups) / sizeof(groups[0]); i++)
		n += groups[i](ctx, &probe, rows + n);
	if (!err)
		err = args->json ? view_backends_json(ctx, stdout, rows, n) :
				   view_backends(ctx, stdout, rows, n);
	return err ? err : EXIT_DONE;
}
