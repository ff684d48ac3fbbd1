// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/diff_xdp.h"

#include <errno.h>

/*
 * A program is attached before everything else: that is what a driver may refuse, and what it stamps
 * is not believed before the classifier has the same rules. One that is there already is replaced
 * behind the classifier; what the old one stamps meanwhile is known as old, and classified.
 */
int diff_xdp(struct ctx *ctx, struct ops *ops, const struct tree_link *present, const struct tree_link *wanted)
{
	const struct tree_xdp *p = present ? present->xdp : NULL;
	struct tree_xdp *w = wanted ? wanted->xdp : NULL;
	bool same_mode = p && w && (w->mode == TREE_XDP_AUTO || w->mode == p->mode);
	struct op op = {
		.verb = OP_XDP, .cost = p ? COST_COUNTERS : COST_NOTHING, .link = wanted ? wanted : present,
		.xdp = w, .xdp_old = p, .xdp_was = present,
	};

	/* of what cannot be told whose it is, nothing can be wished; what was there of somebody else's
	 * before weir changed the link has stayed */
	if ((!p && !w) || (p && !p->known) || (w && (!w->ours || w->given_up)))
		return 0;
	if (p && !p->ours)
		return w ? fail(ctx, EEXIST, "%s: the program %s (id %u) at XDP is not weir's", present->name,
				p->name, p->prog_id) : 0;
	if (same_mode && p->generation == w->generation && p->source == w->source)
		return 0;
	op.phase = !w ? PHASE_UNHOOK : same_mode ? PHASE_HOOK : PHASE_XDP;
	return op_append(ops, &op) ? oom(ctx) : 0;
}
