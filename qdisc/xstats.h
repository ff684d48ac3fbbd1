/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xstats.h - a kind's own counters as JSON, by a table of the struct that the kernel sends.
 */
#ifndef WEIR_QDISC_XSTATS_H
#define WEIR_QDISC_XSTATS_H

#include <stddef.h>

#include <jansson.h>

enum xstat_type { XSTAT_U32, XSTAT_S32, XSTAT_U64, XSTAT_S64, XSTAT_BOOL32 };

struct xstat {
	const char *name;	/* NULL ends the table */
	size_t offset;
	enum xstat_type type;
};

/* A new JSON object of the fields that len bytes reach (kernels send shorter or longer structs);
 * NULL when there is no memory. */
json_t *xstats_json(const struct xstat *fields, const void *data, size_t len);

#endif
