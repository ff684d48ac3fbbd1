/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hook_place.h - the part of the difference that is about what hands a hook's packets to the IFB or
 * classifies them: the filters at WEIR_PRIO and up.
 *
 * No packet may pass while there is none. A program takes the place of another in one message; what
 * is of another kind gets a prio beside the one before, which goes when the new one is there. Two at
 * a time do no harm: what redirects ends the classification, and what stamps a class stamps the same.
 */
#ifndef WEIR_PLAN_HOOK_PLACE_H
#define WEIR_PLAN_HOOK_PLACE_H

#include "kernel/op.h"
#include "lib/ctx.h"

struct hook_changes {
	int (*add)(void *arg, const struct obj *filter);
	int (*change)(void *arg, const struct obj *old, const struct obj *filter);
	int (*remove)(void *arg, const struct obj *filter);
	void *arg;
};

/* For one hook of a link (either may be NULL): sets prio and handle of the wanted filters to those that
 * they will have, and reports what is to be done. -EEXIST: somebody else's filter is in the place. */
int hook_place_diff(struct ctx *ctx, const struct tree_link *present, struct tree_link *wanted,
		    uint32_t parent, const struct hook_changes *changes);

#endif
