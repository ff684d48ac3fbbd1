/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit_net_cls.h - limits on cgroups of v1: classes of an HTB (limit_htb.h) that packets get by their
 * cgroup's net_cls.classid. Inside of src/host.
 *
 * Nothing is remembered anywhere else. A cgroup with a classid of major LIMIT_MAJOR_EGRESS, which the
 * one around it does not have, is under a limit: of the directions whose HTB has a class of that minor, at
 * its rate. Cgroups in it have the same classid, unless they have a limit of their own. What is
 * neither 0 nor such a classid is somebody else's, and is never written to.
 *
 * In each step of a change the classids are true: they are written from the innermost cgroup to
 * the outermost, and taken back the other way round, before the class goes.
 */
#ifndef WEIR_HOST_LIMIT_NET_CLS_H
#define WEIR_HOST_LIMIT_NET_CLS_H

#include "host/limit_htb.h"
#include "host/routes.h"

/* Adds those with a class in h->present to the list, with the class as priority. */
int limit_net_cls_add(struct limit_htb *h, struct limit_list *list);

/* Whether any cgroup has a classid of a limit: without one there is nothing to add. */
bool limit_net_cls_any(struct ctx *ctx);

/* What limit_htb_wish() does, for these: -EEXIST where a classid is not weir's. */
int limit_net_cls_wish(struct limit_htb *h, struct limit_wish *classed);

/* Gives the cgroup, and those in it, the classid of the wish's class. */
int limit_net_cls_write(struct limit_htb *h, const struct limit_wish *classed);

/* Takes classids and classes of a limit's direction away; key NULL: of all, and whatever classid
 * has no class any more. -ENOENT: there is no such limit. */
int limit_net_cls_remove(struct limit_htb *h, const struct limit_key *key);

/* For backend.available: whether there is net_cls; otherwise why not. */
bool limit_net_cls_try(struct ctx *ctx, char why[BACKEND_WHY]);

/* Has the HTBs of these interfaces go by classids, where they do not already. */
int limit_net_cls_filters(struct limit_htb *h, const struct routes *routes);

#endif
