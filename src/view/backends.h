/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backends.h - the ways to do something, which of them this kernel has, and why not.
 */
#ifndef WEIR_VIEW_BACKENDS_H
#define WEIR_VIEW_BACKENDS_H

#include <stdbool.h>
#include <stdio.h>

#include "lib/ctx.h"

struct backend_row {
	const char *use;	/* what it is for: "classifier", "upload", "download" */
	const char *name, *help;
	unsigned int rank;	/* the highest is the best; 0: none is given */
	bool known;		/* false: could not be found out */
	bool available;
	bool chosen;		/* what is taken where the file does not say */
	char why[256];		/* why it is not available; else a remark, or "" */
};

int view_backends(struct ctx *ctx, FILE *f, const struct backend_row *rows, unsigned int n);

/* { "backends": [ { "use", "name", "available" (null: not known), "chosen", "reason", "help",
 * "rank" (null: none) } ] } */
int view_backends_json(struct ctx *ctx, FILE *f, const struct backend_row *rows, unsigned int n);

#endif
