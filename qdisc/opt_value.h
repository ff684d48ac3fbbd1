/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opt_value.h - one value of one row: ranges, canonical form, text. For qdisc/opt.c and
 * qdisc/opt_print.c; everybody else goes through qdisc/opt.h.
 */
#ifndef WEIR_QDISC_OPT_VALUE_H
#define WEIR_QDISC_OPT_VALUE_H

#include "qdisc/opt.h"

/* The largest value that a row takes, in the unit of the value. */
uint64_t opt_value_max(const struct opt *row);

/* Makes a value what the kernel will say that it is. */
void opt_value_canon(const struct opt *row, union optval *v);

/* One word -> value, canonical. 0, -EINVAL (not such a value) or -ERANGE. */
int opt_value_parse(const struct opt *row, const char *s, union optval *v);

/* As many words as the row has numbers (OPT_BYTES, OPT_WORDS: row->max) -> value. Returns how many
 * words were taken, or -EINVAL. */
int opt_list_parse(const struct opt *row, int argc, const char *const *argv, union optval *v);

bool opt_value_equal(const struct opt *row, const union optval *a, const union optval *b);

/* The default of a row with OPT_HAS_DEF, canonical and within the row's range. */
void opt_value_default(const struct opt *row, uint32_t frame_bytes, union optval *v);

/* What a value of the row looks like: "a rate such as 20mbit". */
const char *opt_type_text(const struct opt *row);

static inline size_t opt_count_names(const char *const *names)
{
	size_t n = 0;

	while (names[n])
		n++;
	return n;
}

static inline bool opt_is_list(const struct opt *row)
{
	return row->type == OPT_BYTES || row->type == OPT_WORDS;
}

#endif
