// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/limit_links.h"

#include <stdio.h>
#include <string.h>

#include <net/if_arp.h>

static const char *const way_words[LIMIT_WAYS] = { "egress", "ingress" };
static const uint32_t hooks[LIMIT_WAYS] = { HANDLE_EGRESS, HANDLE_INGRESS };

bool limit_link_is_htb(const struct tree_link *dev)
{
	const struct obj *root = tree_qdisc_at(dev, HANDLE_ROOT);

	return root && root->handle == HANDLE(WEIR_MAJOR, 0) && !strcmp(root->kind_name, "htb");
}

enum limit_way limit_link_way(const struct tree_link *dev)
{
	return dev->ours ? LIMIT_INGRESS : LIMIT_EGRESS;
}

/* A program of weir's classifies its packets: it leaves alone what is a limit's. */
static bool has_program(const struct tree_link *link, enum limit_way way)
{
	const struct obj *f;

	for (f = link->objs[OBJ_FILTER]; f; f = f->next)
		if (f->parent == hooks[way] && tree_in_hook_place(f) && tree_hook_is_weirs(f) &&
		    !strcmp(f->kind_name, "bpf"))
			return true;
	return false;
}

const struct tree_link *limit_link_htb(const struct tree *tree, const struct tree_link *link,
				       enum limit_way way, char why[BACKEND_WHY])
{
	const struct tree_link *dev = link;
	char ifb[TREE_NAME];

	if (way == LIMIT_INGRESS) {
		tree_ifb_name(link->name, ifb);
		dev = tree_link_find(tree, ifb);
	}
	*why = 0;
	if (link->ours || !dev || limit_link_way(dev) != way || !limit_link_is_htb(dev))
		snprintf(why, BACKEND_WHY, "weir does not shape the %s of %s", way_words[way], link->name);
	else if (!has_program(link, way))
		snprintf(why, BACKEND_WHY, "%s: what weir shapes its %s by is the classifier kernel; a limit's "
			 "class takes bpf", link->name, way_words[way]);
	else if (way == LIMIT_INGRESS && link->arphrd != ARPHRD_ETHER)
		snprintf(why, BACKEND_WHY, "%s has no Ethernet headers", link->name);
	return *why ? NULL : dev;
}

bool limit_links_any(const struct tree *tree, enum limit_way way, char why[BACKEND_WHY])
{
	char one[BACKEND_WHY], ifb[TREE_NAME];
	const struct tree_link *link, *dev;

	snprintf(why, BACKEND_WHY, "weir shapes the %s of no link", way_words[way]);
	for (link = tree->links; link; link = link->next) {
		if (limit_link_htb(tree, link, way, one))
			return true;
		tree_ifb_name(link->name, ifb);
		dev = way == LIMIT_INGRESS ? tree_link_find(tree, ifb) : link;
		/* one that is shaped, but not so that it would do */
		if (!link->ours && dev && limit_link_is_htb(dev))
			memcpy(why, one, sizeof(one));
	}
	return false;
}

bool limit_links_uplink(const struct tree *tree, const struct routes *routes, enum limit_way way,
			char why[BACKEND_WHY])
{
	const struct tree_link *link;

	if (routes->n != 1) {
		snprintf(why, BACKEND_WHY, "%u interfaces have a default route: a limit would be one on each",
			 routes->n);
		return false;
	}
	link = tree_link_find(tree, routes->dev[0]);
	if (link)
		return limit_link_htb(tree, link, way, why);
	snprintf(why, BACKEND_WHY, "weir does not shape %s", routes->dev[0]);
	return false;
}
