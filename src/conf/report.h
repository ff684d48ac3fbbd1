/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - all errors of one run over the configuration, each with its place.
 *
 * Errors are gathered, not printed: in the end they become the one fault of the context, each as
 * "FILE:LINE:COLUMN: text", the line itself and a caret under the place.
 */
#ifndef WEIR_CONF_REPORT_H
#define WEIR_CONF_REPORT_H

#include <stdbool.h>

#include "conf/source.h"
#include "lib/ctx.h"

enum { REPORT_MAX = 20 };

struct report_fault {
	struct pos pos;
	const char *text;
};

struct report {
	struct arena *arena;	/* for texts; the parser's */
	struct report_fault faults[REPORT_MAX];
	unsigned int n;		/* recorded */
	unsigned int said;	/* reported, also those that were not recorded */
	bool full;		/* there are more than REPORT_MAX */
	bool oom;
};

/* Records an error; a second one for the same place is not recorded. near: a word to offer, or
 * NULL. */
void report_at(struct report *r, const struct pos *pos, const char *near, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* A word as messages quote it: long ones are cut. Lives in the report's arena; never NULL. */
const char *report_word(struct report *r, const char *word);

/* 0 when nothing was reported, else everything becomes the located fault: -EINVAL or -ENOMEM. */
int report_close(struct report *r, struct ctx *ctx);

#endif
