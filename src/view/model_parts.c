// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/model.h"

#include "qdisc/filter.h"

uint64_t model_option(const struct kind *kind, const struct opts *opts, unsigned int row)
{
	return kind && opts ? opts_get(opts, row, 0) : 0;
}

uint32_t model_filter_class(const struct obj *filter)
{
	const struct kind *kind = filter->kind;
	unsigned int r;

	for (r = 0; kind && filter->opts && r < kind->n_opts; r++)
		if (kind->opts[r].type == OPT_CLASSID)
			return (uint32_t)opts_get(filter->opts, r, 0);
	return 0;
}

char *model_handle(struct arena *arena, uint32_t handle)
{
	return HANDLE_MINOR(handle) ?
		arena_printf(arena, "%x:%x", HANDLE_MAJOR(handle), HANDLE_MINOR(handle)) :
		arena_printf(arena, "%x:", HANDLE_MAJOR(handle));
}

struct tree_link *model_same_link(const struct tree *tree, const struct tree_link *link)
{
	return tree ? tree_link_find(tree, link->name) : NULL;
}

/* Counters that went back belong to an object that was made anew: nothing was measured then. */
struct show_stats model_stats(const struct obj *now, const struct obj *earlier,
			      uint64_t interval_ns)
{
	const struct stats *s = &now->stats;
	struct show_stats out = {
		.bytes = s->bytes, .packets = s->packets, .drops = s->drops,
		.overlimits = s->overlimits, .requeues = s->requeues,
		.backlog_bytes = s->backlog_bytes, .backlog_packets = s->qlen,
	};

	if (!earlier || !interval_ns || !s->have || !earlier->stats.have ||
	    s->bytes < earlier->stats.bytes)
		return out;
	out.measured = true;
	out.measured_bit = (uint64_t)((unsigned __int128)(s->bytes - earlier->stats.bytes) * 8 *
				      1000000000u / interval_ns);
	if (s->drops > earlier->stats.drops)
		out.new_drops = s->drops - earlier->stats.drops;
	return out;
}

bool model_kernel_classifies(const struct show *show, const char *name)
{
	/* they hang on the HTB */
	const struct tree_link *link = tree_link_find(show->now, name);
	const struct obj *f = link ? link->objs[OBJ_FILTER] : NULL;

	while (f && HANDLE_MAJOR(f->parent) != WEIR_MAJOR)
		f = f->next;
	return f;
}
