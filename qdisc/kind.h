/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kind.h - everything that weir knows about a kind of qdisc, class, filter or action is one const
 * row: `struct kind`, in qdisc/NAME.c, listed in qdisc/table.c and nowhere else.
 */
#ifndef WEIR_QDISC_KIND_H
#define WEIR_QDISC_KIND_H

#include "qdisc/opt.h"

enum kind_type { KIND_QDISC, KIND_CLASS, KIND_FILTER, KIND_ACTION };

enum kind_flags {
	KIND_LEAF = 1 << 0,	/* may be named after `queue` */
	KIND_CHANGE_DROPS = 1 << 1, /* a change in place throws away what waits in the queue */
};

struct kind {
	enum kind_type type;
	const char *name;	/* the kernel's */
	const char *module;	/* what provides it, for messages: "sch_fq_codel" */
	const char *help;	/* one line, for the man page */
	unsigned int flags;	/* enum kind_flags */
	const struct opt *opts;
	unsigned int n_opts;
	const struct opt_word *words;	/* further words, or NULL */
	int actions_attr;	/* filters: the attribute of their actions (TCA_U32_ACT), or 0. emit and
				 * read leave it alone: kernel/ adds it to the options and reads it */

	/* Options that are each valid but not together. 0 or -EINVAL with error->text. Runs before
	 * canon, on what was said. */
	int (*check)(const struct opts *o, struct opt_error *error);

	/* Makes values canonical that depend on one another (a burst on its rate). */
	void (*canon)(struct opts *o);

	/* The rows (bit i: row i) that the kernel moves by itself under these options. They are sent
	 * but not compared. NULL: none. */
	uint64_t (*live)(const struct opts *wanted);

	/* Adds the whole attribute `attr` (TCA_OPTIONS, TCA_ACT_OPTIONS) to the message. NULL: a nest
	 * of the rows' attributes. 0, -EMSGSIZE, or -ENODEV for an interface that is not there. The
	 * message may be grown (nlmsg_expand): pointers into it do not survive. */
	int (*emit)(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
		    const struct wire *wire);

	/* The reverse, from the attribute as dumped. NULL: the rows' attributes. 0 or -EINVAL. */
	int (*read)(const struct nlattr *attr, const struct kind *kind, struct opts *o,
		    const struct wire *wire);

	/* A new JSON object of the kind's own counters (TCA_STATS_APP / TCA_XSTATS), or NULL. */
	json_t *(*stats)(const void *data, size_t len);
};

/* All kinds, NULL-terminated: qdisc/table.c. */
extern const struct kind *const kinds[];

/* NULL when weir does not know the kind. */
const struct kind *kind_find(enum kind_type type, const char *name);

/* Names of the kinds of one type that have all these flags; returns how many, at most max. */
size_t kind_names(enum kind_type type, unsigned int flags, const char **names, size_t max);

/* kind->emit or the default; kind->read or the default, then kind->canon. */
int kind_emit(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
	      const struct wire *wire);
int kind_read(const struct nlattr *attr, const struct kind *kind, struct opts *o,
	      const struct wire *wire);

#define ROWS(array) .opts = (array), .n_opts = sizeof(array) / sizeof((array)[0])

#endif
