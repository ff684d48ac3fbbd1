// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/dump_u32.h"

#include <errno.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "kernel/u32_tables.h"

static bool is_u32(const struct obj *f)
{
	return !strcmp(f->kind_name, "u32");
}

static void unlink_obj(struct tree_link *link, struct obj *before, struct obj *obj)
{
	if (before)
		before->next = obj->next;
	else
		link->objs[obj->type] = obj->next;
	if (link->last[obj->type] == obj)
		link->last[obj->type] = before;
}

/* ---- which hook ---- */

static int read_handle(const struct nlmsghdr *nlh, void *arg)
{
	const struct tcmsg *tcm = nlmsg_data(nlh);

	if (nlh->nlmsg_type == RTM_NEWTFILTER && nlmsg_valid_hdr(nlh, sizeof(*tcm)))
		*(uint32_t *)arg = tcm->tcm_handle;
	return 0;
}

/* The number of the root table of the u32 that this filter was told of by; 0 when it is gone. */
static int ask_root(struct ctx *ctx, struct netlink *nl, int ifindex, const struct obj *f,
		    uint32_t *root)
{
	struct tcmsg tcm = {
		.tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex, .tcm_parent = f->parent,
		.tcm_handle = TC_U32_ROOT, .tcm_info = (uint32_t)f->prio << 16 | htons(f->protocol),
	};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETTFILTER, 0);
	int err;

	*root = 0;
	if (!msg || nlmsg_append(msg, &tcm, sizeof(tcm), NLMSG_ALIGNTO) ||
	    nla_put_string(msg, TCA_KIND, "u32") ||
	    (f->chain && nla_put_u32(msg, TCA_CHAIN, f->chain)))
		err = oom(ctx);
	else
		err = netlink_get(ctx, nl, msg, "filters", read_handle, root);
	nlmsg_free(msg);
	return err;
}

/* Whether both hooks have told of a u32 table or filter with this handle at this prio. */
static bool told_twice(const struct tree_link *link, const struct obj *f)
{
	const struct obj *o;

	if (f->parent != HANDLE_INGRESS && f->parent != HANDLE_EGRESS)
		return false;
	for (o = link->objs[OBJ_FILTER]; o; o = o->next)
		if (o->handle == f->handle && o->prio == f->prio && is_u32(o) &&
		    o->parent == (f->parent ^ HANDLE_INGRESS ^ HANDLE_EGRESS))
			return true;
	return false;
}

/*
 * u32 keeps the tables of all that hangs on one qdisc together, and a dump tells those of the same
 * prio (u32_walk(), net/sched/cls_u32.c, 6.12): with u32 filters of one prio on both hooks of
 * clsact, each hook tells the other's filters as its own. Asked for its root table, it tells the
 * truth.
 */
static int take_out_other_hooks(struct ctx *ctx, struct netlink *nl, struct tree_link *link)
{
	struct obj *f, *next, *before = NULL;
	const struct obj *asked = NULL;
	uint32_t root = 0;
	int err;

	for (f = link->objs[OBJ_FILTER]; f; f = next) {
		next = f->next;
		if (!is_u32(f) || u32_is_table(f) || !told_twice(link, f)) {
			before = f;
			continue;
		}
		if (!asked || asked->parent != f->parent || asked->prio != f->prio ||
		    asked->chain != f->chain) {
			err = ask_root(ctx, nl, link->ifindex, f, &root);
			if (err)
				return err;
			asked = f;
		}
		if (TC_U32_HTID(f->handle) == root)
			before = f;
		else
			unlink_obj(link, before, f);
	}
	return 0;
}

/* ---- tables ---- */

/* The kernel tells a u32's newest table first, with the filters in it; to put them back, all
 * tables must be there before the filters that are in them or lead to them. */
static void put_tables_first(struct tree_link *link)
{
	struct obj *first[2] = { NULL, NULL }, *last[2] = { NULL, NULL }, *f, *next;
	int other;

	for (f = link->objs[OBJ_FILTER]; f; f = next) {
		next = f->next;
		f->next = NULL;
		other = !u32_is_table(f);
		if (last[other])
			last[other]->next = f;
		else
			first[other] = f;
		last[other] = f;
	}
	if (last[0])
		last[0]->next = first[1];
	link->objs[OBJ_FILTER] = first[0] ? first[0] : first[1];
	link->last[OBJ_FILTER] = last[1] ? last[1] : last[0];
}

/* What a filter has of such a table its options do not hold. */
static void mark_in_tables(struct tree_link *link)
{
	struct obj *t, *f;

	for (t = link->objs[OBJ_FILTER]; t && u32_is_table(t); t = t->next)
		for (f = t->next; f; f = f->next)
			if (u32_is_in_table(f, t))
				f->opaque = true;
}

int dump_u32_settle(struct ctx *ctx, struct netlink *nl, struct tree_link *link)
{
	int err = take_out_other_hooks(ctx, nl, link);

	put_tables_first(link);
	mark_in_tables(link);
	return err;
}
