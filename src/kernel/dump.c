// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/dump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "kernel/decode.h"
#include "kernel/dump_bpf.h"
#include "kernel/dump_u32.h"
#include "kernel/xdp.h"

enum { ATTEMPTS = 9 };		/* the first and eight more */

/* One attempt. */
struct dumper {
	struct ctx *ctx;
	struct netlink *nl;
	struct tree *tree;
	struct tree_link **wanted;	/* in the tree's arena */
	unsigned int n_wanted;
	struct tree_link *link;		/* whose messages come at the moment */
	uint32_t parent;		/* the filters' parent that was asked for */
	bool disturbed;
};

/* ---- requests ---- */

static struct nl_msg *tc_request(int type, const struct tcmsg *tcm)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, 0);

	if (msg && nlmsg_append(msg, (void *)tcm, sizeof(*tcm), NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

static int dump_tc(struct dumper *d, int type, int ifindex, uint32_t parent, const char *what,
		   int (*each)(const struct nlmsghdr *nlh, void *arg))
{
	struct tcmsg tcm = {
		.tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex, .tcm_parent = parent,
	};
	struct nl_msg *msg = tc_request(type, &tcm);
	int err;

	if (!msg)
		return oom(d->ctx);
	err = netlink_dump(d->ctx, d->nl, msg, what, each, d);
	nlmsg_free(msg);
	return err;
}

/* ---- links ---- */

static int each_link(const struct nlmsghdr *nlh, void *arg)
{
	struct dumper *d = arg;

	return nlh->nlmsg_type == RTM_NEWLINK ? decode_link(d->ctx, d->tree, nlh) : 0;
}

static int dump_links(struct dumper *d)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETLINK, 0);
	int err = 0;

	if (!msg || nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) ||
	    nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS))
		err = oom(d->ctx);
	if (!err)
		err = netlink_dump(d->ctx, d->nl, msg, "links", each_link, d);
	nlmsg_free(msg);
	return err;
}

static int choose_links(struct dumper *d, bool (*wants)(const struct tree_link *link, void *arg),
			void *arg)
{
	struct tree_link *link;
	unsigned int n = 0;

	for (link = d->tree->links; link; link = link->next)
		n++;
	d->wanted = arena_alloc(&d->tree->arena, (n + 1) * sizeof(*d->wanted));
	if (!d->wanted)
		return oom(d->ctx);
	for (link = d->tree->links; link; link = link->next)
		if (!wants || wants(link, arg))
			d->wanted[d->n_wanted++] = link;
	return 0;
}

/* Messages of one device come in a row. */
static struct tree_link *wanted_link(struct dumper *d, int ifindex)
{
	unsigned int i;

	if (d->link && d->link->ifindex == ifindex)
		return d->link;
	for (i = 0; i < d->n_wanted; i++)
		if (d->wanted[i]->ifindex == ifindex)
			return d->link = d->wanted[i];
	return NULL;
}

/* ---- qdiscs and classes ---- */

static int each_obj(const struct nlmsghdr *nlh, void *arg)
{
	const struct tcmsg *tcm = nlmsg_data(nlh);
	struct dumper *d = arg;
	struct tree_link *link;

	if (!nlmsg_valid_hdr(nlh, sizeof(*tcm)) ||
	    (nlh->nlmsg_type != RTM_NEWQDISC && nlh->nlmsg_type != RTM_NEWTCLASS))
		return 0;
	link = wanted_link(d, tcm->tcm_ifindex);
	return link ? decode_obj(d->ctx, d->tree, link, nlh) : 0;
}

static int dump_qdiscs(struct dumper *d)
{
	return dump_tc(d, RTM_GETQDISC, 0, 0, "qdiscs", each_obj);
}

/* Qdisc by qdisc: asked for all at once, the kernel goes through every qdisc of the device again
 * for each buffer that it fills (net/sched/sch_api.c, 6.12). */
static int dump_classes(struct dumper *d, struct tree_link *link)
{
	const struct obj *q;
	int err = 0;

	for (q = link->objs[OBJ_QDISC]; q && !err; q = q->next)
		if (q->handle && decode_has_user_classes(q->kind_name))
			err = dump_tc(d, RTM_GETTCLASS, link->ifindex, q->handle, "classes",
				      each_obj);
	return err;
}

/* ---- filters ---- */

/* Filters of a block that devices share carry the block's number instead of device and parent. */
static int each_filter(const struct nlmsghdr *nlh, void *arg)
{
	const struct tcmsg *tcm = nlmsg_data(nlh);
	struct dumper *d = arg;
	struct obj *before = d->link->last[OBJ_FILTER], *obj;
	int err;

	if (!nlmsg_valid_hdr(nlh, sizeof(*tcm)) || nlh->nlmsg_type != RTM_NEWTFILTER)
		return 0;
	err = decode_obj(d->ctx, d->tree, d->link, nlh);
	obj = d->link->last[OBJ_FILTER];
	if (err || obj == before)
		return err;
	if (tcm->tcm_ifindex != d->link->ifindex) {
		obj->parent = d->parent;
		obj->opaque = true;
	}
	return 0;
}

static int dump_filters_of(struct dumper *d, struct tree_link *link, uint32_t parent)
{
	d->link = link;
	d->parent = parent;
	return dump_tc(d, RTM_GETTFILTER, link->ifindex, parent, "filters", each_filter);
}

/* Filters hang on the two hooks, on the root, and on the qdiscs below it that have classes. */
static int dump_filters(struct dumper *d, struct tree_link *link)
{
	const struct obj *q;
	int err = 0;

	for (q = link->objs[OBJ_QDISC]; q && !err; q = q->next) {
		if (q->parent == HANDLE_CLSACT) {
			err = dump_filters_of(d, link, HANDLE_INGRESS);
			if (!err && strcmp(q->kind_name, "ingress"))
				err = dump_filters_of(d, link, HANDLE_EGRESS);
		} else if (q->handle && (q->parent == HANDLE_ROOT ||
					 decode_has_user_classes(q->kind_name))) {
			err = dump_filters_of(d, link, q->handle);
		}
	}
	return err;
}

/* ---- undisturbed ---- */

static int each_event(const struct nlmsghdr *nlh, void *arg)
{
	struct dumper *d = arg;
	int ifindex;

	d->link = NULL;
	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		ifindex = ((const struct ifinfomsg *)nlmsg_data(nlh))->ifi_index;
		break;
	case RTM_NEWQDISC:
	case RTM_DELQDISC:
	case RTM_NEWTCLASS:
	case RTM_DELTCLASS:
	case RTM_NEWTFILTER:
	case RTM_DELTFILTER:
		ifindex = ((const struct tcmsg *)nlmsg_data(nlh))->tcm_ifindex;
		break;
	default:
		return 0;
	}
	/* filters of shared blocks belong to no device: they may concern any */
	if (wanted_link(d, ifindex) || ifindex == (int)TCM_IFINDEX_MAGIC_BLOCK)
		d->disturbed = true;
	return 0;
}

static int dump_link(struct dumper *d, struct tree_link *link)
{
	int err = dump_classes(d, link);

	if (!err)
		err = dump_filters(d, link);
	if (err)
		return err;
	err = dump_u32_settle(d->ctx, d->nl, link);
	if (!err)
		err = dump_bpf_settle(d->ctx, d->tree, link);
	if (!err)
		err = xdp_settle(d->ctx, d->tree, link);
	if (err)
		return err;
	return tree_sort(link) ? oom(d->ctx) : 0;
}

static int dump_once(struct dumper *d, bool (*wants)(const struct tree_link *link, void *arg),
		     void *arg, struct netlink *events)
{
	unsigned int i;
	int err;

	err = dump_links(d);
	if (!err)
		err = choose_links(d, wants, arg);
	if (!err)
		err = dump_qdiscs(d);
	for (i = 0; i < d->n_wanted && !err; i++)
		err = dump_link(d, d->wanted[i]);
	if (err && err != -EINTR)
		return err;
	d->disturbed = err == -EINTR;
	err = netlink_events(d->ctx, events, each_event, d);
	if (err == -ENOBUFS)
		d->disturbed = true;
	return err == -ENOBUFS ? 0 : err;
}

int kernel_dump(struct ctx *ctx, struct netlink *nl,
		bool (*wants)(const struct tree_link *link, void *arg), void *arg,
		struct tree **tree)
{
	struct netlink *events;
	unsigned int i;
	int err;

	err = netlink_listen(ctx, &events);
	if (err)
		return err;
	for (i = 0; i < ATTEMPTS; i++) {
		struct dumper d = { .ctx = ctx, .nl = nl, .tree = tree_new() };

		err = d.tree ? dump_once(&d, wants, arg, events) : oom(ctx);
		if (!err && !d.disturbed) {
			*tree = d.tree;
			break;
		}
		tree_free(d.tree);
		if (err)
			break;
	}
	netlink_close(events);
	if (i == ATTEMPTS)
		return fail(ctx, EBUSY, "somebody else keeps changing the traffic control of these "
			    "links");
	return err;
}
