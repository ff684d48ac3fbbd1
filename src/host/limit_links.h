/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit_links.h - the links that weir shapes in a way that limits can have classes there. Inside of
 * src/host. Judged by a tree alone, be it what is there or what a file wants.
 */
#ifndef WEIR_HOST_LIMIT_LINKS_H
#define WEIR_HOST_LIMIT_LINKS_H

#include "host/backend.h"
#include "host/routes.h"

/* The interface with the HTB that the link's packets of this direction wait in: itself or its IFB. NULL says
 * why there is none that would do. */
const struct tree_link *limit_link_htb(const struct tree *tree, const struct tree_link *link,
				       enum limit_way way, char why[BACKEND_WHY]);

/* Whether any link has one. */
bool limit_links_any(const struct tree *tree, enum limit_way way, char why[BACKEND_WHY]);

/* Whether all that goes by a default route goes by one link, and this has one: a limit that has a class
 * on each of several is one limit on each. */
bool limit_links_uplink(const struct tree *tree, const struct routes *routes, enum limit_way way,
			char why[BACKEND_WHY]);

/* Whether the interface has an HTB of weir's for a link at its root; and of which direction. */
bool limit_link_is_htb(const struct tree_link *dev);
enum limit_way limit_link_way(const struct tree_link *dev);

#endif
