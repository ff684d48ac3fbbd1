// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/compose.h"

#include <errno.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "kernel/apply.h"
#include "kernel/netlink.h"
#include "kernel/programs.h"
#include "kernel/raw.h"

enum {
	SIZE_BASE = 4096,		/* header and options of any kind */
	SIZE_ACTION = 4096,		/* police brings two tables of 1 KiB */
	SIZE_STAB = 64 * 1024,		/* what a size table may grow to */
};

unsigned int compose_parts(const struct op *op)
{
	return op->verb == OP_LINK_ADD ? 2 : 1;
}

size_t compose_size(const struct op *op)
{
	const struct action *a;
	size_t size = SIZE_BASE;

	if (!op->obj)
		return size;
	if (raw_is_used(op->link, op->obj))
		size += op->obj->raw_len + SIZE_STAB;
	for (a = op->obj->actions; a; a = a->next)
		size += SIZE_ACTION;
	return size;
}

/* ---- names and indices ---- */

static int index_of(void *arg, const char *dev)
{
	int index = netlink_ifindex(dev);

	(void)arg;
	return index < 0 ? 0 : index;
}

/* -errno when it cannot be had. */
static int link_index(struct compose *c, const struct tree_link *link)
{
	if (link->ifindex)
		return link->ifindex;
	if (c->link != link) {
		c->link = link;
		c->ifindex = netlink_ifindex(link->name);
	}
	return c->ifindex;
}

static int no_index(struct compose *c, const struct tree_link *link, int err)
{
	if (err == -ENODEV)
		return fail(c->ctx, err, "%s: the interface has disappeared", link->name);
	return fail(c->ctx, err, "%s: looking up its index: %s", link->name, strerror(-err));
}

static int too_long(struct compose *c, const struct op *op)
{
	char text[160];

	return fail(c->ctx, EMSGSIZE, "%s: too long for a message",
		    op_object_text(op, text, sizeof(text)));
}

/* The message is used again and again: empty it, keep its memory. */
static int begin(struct nl_msg *msg, int type, int flags, const void *header, size_t size)
{
	nlmsg_hdr(msg)->nlmsg_len = NLMSG_HDRLEN;
	if (!nlmsg_put(msg, 0, 0, type, 0, flags))
		return -EMSGSIZE;
	return nlmsg_append(msg, (void *)header, size, NLMSG_ALIGNTO) ? -EMSGSIZE : 0;
}

/* ---- links ---- */

static int put_ifb(struct nl_msg *msg, const char *name)
{
	struct nlattr *info;

	if (nla_put_string(msg, IFLA_IFNAME, name) || nla_put_u32(msg, IFLA_GROUP, WEIR_GROUP))
		return -EMSGSIZE;
	info = nla_nest_start(msg, IFLA_LINKINFO);
	if (!info || nla_put_string(msg, IFLA_INFO_KIND, "ifb"))
		return -EMSGSIZE;
	nla_nest_end(msg, info);
	return 0;
}

/*
 * An interface is made, then marked as weir's and set up: the kernel takes no alias from the
 * message that makes it (rtnl_create_link(), net/core/rtnetlink.c, 6.12).
 */
static int compose_link_add(const struct tree_link *link, unsigned int part, struct nl_msg *msg)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	int err;

	if (part == 0) {
		err = begin(msg, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
		return err ? err : put_ifb(msg, link->name);
	}
	info.ifi_flags = info.ifi_change = IFF_UP;
	err = begin(msg, RTM_NEWLINK, 0, &info, sizeof(info));
	if (!err)
		err = nla_put_string(msg, IFLA_IFNAME, link->name);
	if (!err)
		err = nla_put_string(msg, IFLA_IFALIAS, link->alias);
	return err;
}

int compose_link_del(struct compose *c, const char *name, struct nl_msg *msg)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };

	if (begin(msg, RTM_DELLINK, 0, &info, sizeof(info)) ||
	    nla_put_string(msg, IFLA_IFNAME, name))
		return oom(c->ctx);
	return 0;
}

static int compose_link(struct compose *c, const struct op *op, unsigned int part,
			struct nl_msg *msg)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	int err;

	if (op->verb == OP_LINK_ADD)
		return compose_link_add(op->link, part, msg);
	info.ifi_index = link_index(c, op->link);
	if (info.ifi_index < 0)
		return no_index(c, op->link, info.ifi_index);
	if (op->verb == OP_LINK_UP)
		info.ifi_flags = info.ifi_change = IFF_UP;
	err = begin(msg, op->verb == OP_LINK_DEL ? RTM_DELLINK : RTM_NEWLINK, 0, &info,
		    sizeof(info));
	if (!err && op->verb == OP_LINK_ALIAS)
		err = nla_put_string(msg, IFLA_IFALIAS, op->link->alias);
	return err;
}

/* ---- options and actions ---- */

static int put_action(struct nl_msg *msg, int number, const struct action *action,
		      const struct wire *wire)
{
	struct nlattr *nest = nla_nest_start(msg, number);
	int err;

	if (!nest || nla_put_string(msg, TCA_ACT_KIND, action->kind->name))
		return -EMSGSIZE;
	err = kind_emit(msg, TCA_ACT_OPTIONS, action->kind, action->opts, wire);
	nla_nest_end(msg, nest);
	return err;
}

/* Actions lie inside the options, which the kind has closed already: as the last attribute of the
 * message they can grow. */
static int put_actions(struct nl_msg *msg, struct nlattr *options, const struct obj *obj,
		       const struct wire *wire)
{
	const struct action *a;
	struct nlattr *list;
	int n = 0, err = 0;

	if (!obj->actions)
		return 0;
	if (!obj->kind->actions_attr)
		return -EOPNOTSUPP;
	list = nla_nest_start(msg, obj->kind->actions_attr);
	if (!list)
		return -EMSGSIZE;
	for (a = obj->actions; a && !err; a = a->next)
		err = put_action(msg, ++n, a, wire);
	nla_nest_end(msg, list);
	options->nla_len = (uint16_t)((char *)nlmsg_tail(nlmsg_hdr(msg)) - (char *)options);
	return err;
}

/* The program of a filter lies in the options, too. */
static int put_program(struct compose *c, struct nl_msg *msg, struct nlattr *options,
		       const struct obj *obj)
{
	int fd = programs_fd(c->programs, obj);

	if (fd <= 0)
		return fd ? fd : -ESTALE;
	if (nla_put_u32(msg, TCA_BPF_FD, (uint32_t)fd))
		return -EMSGSIZE;
	options->nla_len = (uint16_t)((char *)nlmsg_tail(nlmsg_hdr(msg)) - (char *)options);
	return 0;
}

static bool is_program(const struct obj *obj)
{
	return obj->type == OBJ_FILTER && !strcmp(obj->kind_name, "bpf");
}

static int put_body(struct compose *c, struct nl_msg *msg, const struct op *op)
{
	const struct wire wire = { .change = op->verb == OP_CHANGE, .index_of = index_of };
	const struct obj *obj = op->obj;
	struct nlattr *options;
	int err;

	if (raw_is_used(op->link, obj))
		return raw_put(msg, op->link, obj);
	if (nla_put_string(msg, TCA_KIND, obj->kind_name) ||
	    (obj->type == OBJ_FILTER && obj->chain && nla_put_u32(msg, TCA_CHAIN, obj->chain)))
		return -EMSGSIZE;
	if (!obj->opts)
		return 0;
	options = nlmsg_tail(nlmsg_hdr(msg));
	err = kind_emit(msg, TCA_OPTIONS, obj->kind, obj->opts, &wire);
	if (!err && is_program(obj))
		err = put_program(c, msg, options, obj);
	return err ? err : put_actions(msg, options, obj, &wire);
}

/* ---- objects ---- */

static const int message_types[][2] = {
	[OBJ_QDISC] = { RTM_NEWQDISC, RTM_DELQDISC },
	[OBJ_CLASS] = { RTM_NEWTCLASS, RTM_DELTCLASS },
	[OBJ_FILTER] = { RTM_NEWTFILTER, RTM_DELTFILTER },
};

/*
 * How the kernel reads the flags (tc_modify_qdisc(), net/sched/sch_api.c, 6.12): a qdisc that has
 * the handle of the message is changed, another is made with CREATE; one that is in its place is in
 * the way without REPLACE, provided that the message has a handle. Without a handle CREATE, REPLACE
 * and EXCL together make a new one.
 */
static int verb_flags(const struct op *op, const struct tcmsg *tcm)
{
	switch (op->verb) {
	case OP_ADD:
		return NLM_F_CREATE | NLM_F_EXCL;
	case OP_REPLACE:
		return NLM_F_CREATE | NLM_F_REPLACE |
		       (op->obj->type == OBJ_QDISC && !tcm->tcm_handle ? NLM_F_EXCL : 0);
	default:
		return 0;
	}
}

/* A qdisc in the place of one with the same handle gets a handle from the kernel: see above. */
static uint32_t message_handle(const struct op *op, const struct obj *obj)
{
	if (op->verb == OP_ADD)
		return raw_new_handle(op->link, obj);
	if (op->verb == OP_REPLACE && obj->type == OBJ_QDISC && op->old &&
	    obj->parent != HANDLE_ROOT && op->old->handle == obj->handle)
		return 0;
	if (obj->type != OBJ_FILTER)
		return obj->handle;
	if (op->verb == OP_DEL)	/* 0: the whole prio, but programs may have neighbours there */
		return is_program(obj) ? obj->handle : 0;
	return op->old ? op->old->handle : obj->handle;
}

static struct tcmsg header_of(const struct op *op, const struct obj *obj, int ifindex)
{
	struct tcmsg tcm = {
		.tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex, .tcm_parent = obj->parent,
		.tcm_handle = message_handle(op, obj),
	};

	if (obj->type == OBJ_FILTER)
		tcm.tcm_info = (uint32_t)obj->prio << 16 | htons(obj->protocol);
	return tcm;
}

static int compose_del(const struct op *op, const struct tcmsg *tcm, struct nl_msg *msg)
{
	const struct obj *old = op->old;
	int err = begin(msg, message_types[old->type][1], 0, tcm, sizeof(*tcm));

	if (err || old->type != OBJ_FILTER)
		return err;
	if (nla_put_string(msg, TCA_KIND, old->kind_name) ||
	    (old->chain && nla_put_u32(msg, TCA_CHAIN, old->chain)))
		return -EMSGSIZE;
	return 0;
}

static int compose_obj(struct compose *c, const struct op *op, struct nl_msg *msg)
{
	const struct obj *obj = op->verb == OP_DEL ? op->old : op->obj;
	int ifindex = link_index(c, op->link), err;
	struct tcmsg tcm;

	if (ifindex < 0)
		return no_index(c, op->link, ifindex);
	tcm = header_of(op, obj, ifindex);
	if (op->verb == OP_DEL)
		return compose_del(op, &tcm, msg);
	err = begin(msg, message_types[obj->type][0], verb_flags(op, &tcm), &tcm, sizeof(tcm));
	return err ? err : put_body(c, msg, op);
}

/* The interface of an action that has no index, and why in *err; NULL: all have one. */
static const char *missing_dev(const struct obj *obj, int *err)
{
	const struct action *a;
	unsigned int r;

	for (a = obj ? obj->actions : NULL; a; a = a->next)
		for (r = 0; r < a->kind->n_opts; r++)
			if (a->kind->opts[r].type == OPT_DEV && opts_has(a->opts, r)) {
				*err = netlink_ifindex(a->opts->v[r].name);
				if (*err < 0)
					return a->opts->v[r].name;
			}
	return NULL;
}

int compose_part(struct compose *c, const struct op *op, unsigned int part, struct nl_msg *msg)
{
	char text[160];
	const char *dev;
	int err;

	if (op->verb <= OP_LINK_DEL)
		err = compose_link(c, op, part, msg);
	else
		err = compose_obj(c, op, msg);
	if (err == -ENODEV) {
		dev = missing_dev(op->obj, &err);
		if (dev && err != -ENODEV)
			return fail(c->ctx, err, "%s: looking up its index: %s", dev, strerror(-err));
		err = -ENODEV;
		return fail(c->ctx, err, "%s: there is no interface %s",
			    op_object_text(op, text, sizeof(text)), dev ? dev : "of that name");
	}
	if (err == -ESTALE)
		return fail(c->ctx, err, "%s: its program is not at hand",
			    op_object_text(op, text, sizeof(text)));
	if (err == -EOPNOTSUPP)
		return fail(c->ctx, err, "%s: filter %s takes no actions",
			    op_object_text(op, text, sizeof(text)), op->obj->kind_name);
	return err ? too_long(c, op) : 0;
}
