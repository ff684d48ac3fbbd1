// SPDX-License-Identifier: GPL-2.0-or-later
/* The list of all kinds: a new one is one extern and one row here. */
#include "qdisc/kind.h"

#include <string.h>

extern const struct kind qdisc_htb, class_htb, qdisc_clsact;
extern const struct kind qdisc_fq_codel, qdisc_fq, qdisc_cake, qdisc_codel, qdisc_pie, qdisc_sfq;
extern const struct kind qdisc_tbf, qdisc_red, qdisc_netem;
extern const struct kind qdisc_pfifo, qdisc_bfifo, qdisc_pfifo_head_drop;
extern const struct kind filter_bpf, filter_cgroup, filter_matchall, filter_flower, filter_u32;
extern const struct kind action_connmark, action_mirred, action_police;

const struct kind *const kinds[] = {
	&qdisc_htb, &class_htb, &qdisc_clsact,
	&qdisc_fq_codel, &qdisc_fq, &qdisc_cake, &qdisc_codel, &qdisc_pie, &qdisc_sfq,
	&qdisc_tbf, &qdisc_red, &qdisc_netem,
	&qdisc_pfifo, &qdisc_bfifo, &qdisc_pfifo_head_drop,
	&filter_bpf, &filter_cgroup, &filter_matchall, &filter_flower, &filter_u32,
	&action_connmark, &action_mirred, &action_police,
	NULL
};

const struct kind *kind_find(enum kind_type type, const char *name)
{
	size_t i;

	for (i = 0; kinds[i]; i++)
		if (kinds[i]->type == type && !strcmp(kinds[i]->name, name))
			return kinds[i];
	return NULL;
}

size_t kind_names(enum kind_type type, unsigned int flags, const char **names, size_t max)
{
	size_t i, n = 0;

	for (i = 0; kinds[i] && n < max; i++)
		if (kinds[i]->type == type && (kinds[i]->flags & flags) == flags)
			names[n++] = kinds[i]->name;
	return n;
}
