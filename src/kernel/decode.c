// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/decode.h"

#include <errno.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/gen_stats.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "kernel/u32_tables.h"
#include "kernel/xdp.h"

/* <net/if.h> and <linux/if.h> exclude each other. */
char *if_indextoname(unsigned int index, char *name);

enum {
	/* ids of tables from here on are the kernel's choice (net/sched/cls_u32.c, 6.12) */
	U32_AUTO_TABLE = 0x800,
};

/* ---- links ---- */

static const char *dup_attr(struct tree *tree, const struct nlattr *nla)
{
	if (!nla)
		return "";
	return arena_strndup(&tree->arena, nla_data(nla),
			     strnlen(nla_data(nla), (size_t)nla_len(nla)));
}

static const struct nlattr *link_kind(const struct nlattr *linkinfo)
{
	return linkinfo ? nla_find(nla_data(linkinfo), nla_len(linkinfo), IFLA_INFO_KIND) : NULL;
}

int decode_link(struct ctx *ctx, struct tree *tree, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *info = nlmsg_data(nlh);
	struct nlattr *tb[IFLA_MAX + 1];
	struct tree_link *link;

	if (nlmsg_parse((struct nlmsghdr *)nlh, sizeof(*info), tb, IFLA_MAX, NULL) ||
	    !tb[IFLA_IFNAME])
		return 0;
	link = tree_link_add(tree, nla_get_string(tb[IFLA_IFNAME]));
	if (!link)
		return oom(ctx);
	link->ifindex = info->ifi_index;
	link->arphrd = info->ifi_type;
	link->up = info->ifi_flags & IFF_UP;
	link->mtu_bytes = tb[IFLA_MTU] ? nla_get_u32(tb[IFLA_MTU]) : 0;
	link->kind = dup_attr(tree, link_kind(tb[IFLA_LINKINFO]));
	link->alias = dup_attr(tree, tb[IFLA_IFALIAS]);
	if (!link->kind || !link->alias)
		return oom(ctx);
	link->ours = !strcmp(link->kind, "ifb") &&
		     (!strncmp(link->alias, "weir:", 5) ||
		      (!*link->alias && tb[IFLA_GROUP] &&
		       nla_get_u32(tb[IFLA_GROUP]) == WEIR_GROUP));
	return xdp_decode(ctx, tree, link, tb[IFLA_XDP]);
}

/* ---- counters ---- */

/* A nest of TCA_STATS_*: TCA_STATS2 of an object, TCA_ACT_STATS of an action. */
static void read_stats2(struct obj *obj, struct tree *tree, const struct nlattr *nest)
{
	struct nlattr *tb[TCA_STATS_MAX + 1];
	struct gnet_stats_basic basic = { 0 };
	struct gnet_stats_queue queue = { 0 };
	struct stats *s = &obj->stats;

	if (nla_parse_nested(tb, TCA_STATS_MAX, (struct nlattr *)nest, NULL) ||
	    !tb[TCA_STATS_BASIC])
		return;
	nla_memcpy(&basic, tb[TCA_STATS_BASIC], sizeof(basic));
	if (tb[TCA_STATS_QUEUE])
		nla_memcpy(&queue, tb[TCA_STATS_QUEUE], sizeof(queue));
	*s = (struct stats){
		.have = true, .bytes = basic.bytes, .packets = basic.packets, .drops = queue.drops,
		.overlimits = queue.overlimits, .requeues = queue.requeues,
		.backlog_bytes = queue.backlog, .qlen = queue.qlen,
	};
	if (tb[TCA_STATS_PKT64])
		s->packets = nla_get_u64(tb[TCA_STATS_PKT64]);
	if (!tb[TCA_STATS_APP])
		return;
	obj->xstats = arena_memdup(&tree->arena, nla_data(tb[TCA_STATS_APP]),
				   (size_t)nla_len(tb[TCA_STATS_APP]));
	obj->xstats_len = obj->xstats ? (uint32_t)nla_len(tb[TCA_STATS_APP]) : 0;
}

/* The older form of the same. */
static void read_stats1(struct obj *obj, const struct nlattr *nla)
{
	struct tc_stats old = { 0 };

	nla_memcpy(&old, nla, sizeof(old));
	obj->stats = (struct stats){
		.have = true, .bytes = old.bytes, .packets = old.packets, .drops = old.drops,
		.overlimits = old.overlimits, .backlog_bytes = old.backlog, .qlen = old.qlen,
	};
}

static void read_stats(struct obj *obj, struct tree *tree, struct nlattr **tb)
{
	if (tb[TCA_STATS2])
		read_stats2(obj, tree, tb[TCA_STATS2]);
	else if (tb[TCA_STATS])
		read_stats1(obj, tb[TCA_STATS]);
}

/* ---- options and actions ---- */

/* A tree that was not dumped lacks most links. */
static const char *name_of(void *arg, int ifindex)
{
	struct tree *tree = arg;
	const struct tree_link *link = tree_link_by_index(tree, ifindex);
	char name[TREE_NAME];

	if (link || ifindex <= 0)
		return link ? link->name : NULL;
	return if_indextoname((unsigned int)ifindex, name) ?
		arena_strdup(&tree->arena, name) : NULL;
}

/* *opts stays NULL when the options are not understood. */
static int read_options(struct ctx *ctx, struct tree *tree, const struct kind *kind,
			const struct nlattr *attr, struct opts **opts)
{
	const struct wire wire = { .name_of = name_of, .arg = tree };
	struct opts *o = opts_new(&tree->arena, kind);

	if (!o)
		return oom(ctx);
	if (!attr || !kind_read(attr, kind, o, &wire))
		*opts = o;
	return 0;
}

/* Each action's own counters stand in for those that a filter does not have: the first one's. */
static int read_action(struct ctx *ctx, struct tree *tree, struct obj *obj,
		       const struct nlattr *nest, struct action ***tail)
{
	struct nlattr *tb[TCA_ACT_MAX + 1];
	struct action *action;
	int err;

	if (nla_parse_nested(tb, TCA_ACT_MAX, (struct nlattr *)nest, NULL) || !tb[TCA_ACT_KIND]) {
		obj->opaque = true;
		return 0;
	}
	if (tb[TCA_ACT_STATS] && !obj->stats.have)
		read_stats2(obj, tree, tb[TCA_ACT_STATS]);
	action = arena_alloc(&tree->arena, sizeof(*action));
	if (!action)
		return oom(ctx);
	action->kind = kind_find(KIND_ACTION, nla_get_string(tb[TCA_ACT_KIND]));
	if (!action->kind) {
		obj->opaque = true;
		return 0;
	}
	err = read_options(ctx, tree, action->kind, tb[TCA_ACT_OPTIONS], &action->opts);
	if (err)
		return err;
	if (!action->opts) {
		obj->opaque = true;
		return 0;
	}
	**tail = action;
	*tail = &action->next;
	return 0;
}

static int read_actions(struct ctx *ctx, struct tree *tree, struct obj *obj,
			const struct nlattr *options)
{
	struct action **tail = &obj->actions;
	const struct nlattr *list, *nla;
	int rest, err;

	if (!options || !obj->kind->actions_attr)
		return 0;
	list = nla_find(nla_data(options), nla_len(options), obj->kind->actions_attr);
	if (!list)
		return 0;
	nla_for_each_nested(nla, (struct nlattr *)list, rest) {
		err = read_action(ctx, tree, obj, nla, &tail);
		if (err)
			return err;
	}
	return 0;
}

/* ---- objects ---- */

/* Attributes that tell of the moment, not of what the object is. */
static bool is_momentary(int type)
{
	switch (type) {
	case TCA_STATS:
	case TCA_XSTATS:
	case TCA_RATE:
	case TCA_FCNT:
	case TCA_STATS2:
	case TCA_PAD:
	case TCA_DUMP_INVISIBLE:
	case TCA_HW_OFFLOAD:
	case TCA_DUMP_FLAGS:
		return true;
	default:
		return type > TCA_DUMP_FLAGS;	/* later kernels tell more (TCA_EXT_WARN_MSG) */
	}
}

static const struct nlattr *tc_attrs(const struct nlmsghdr *nlh)
{
	return nlmsg_attrdata((struct nlmsghdr *)nlh, sizeof(struct tcmsg));
}

static int tc_attrs_len(const struct nlmsghdr *nlh)
{
	return nlmsg_attrlen((struct nlmsghdr *)nlh, sizeof(struct tcmsg));
}

static int keep_raw(struct ctx *ctx, struct tree *tree, struct obj *obj, const struct nlmsghdr *nlh)
{
	const struct nlattr *nla;
	unsigned char *raw;
	size_t len = 0;
	int rest;

	nla_for_each_attr(nla, (struct nlattr *)tc_attrs(nlh), tc_attrs_len(nlh), rest)
		len += is_momentary(nla_type(nla)) ? 0 : (size_t)nla_total_size(nla_len(nla));
	raw = arena_alloc(&tree->arena, len);
	if (!raw)
		return oom(ctx);
	obj->raw = raw;
	obj->raw_len = (uint32_t)len;
	nla_for_each_attr(nla, (struct nlattr *)tc_attrs(nlh), tc_attrs_len(nlh), rest) {
		if (is_momentary(nla_type(nla)))
			continue;
		memcpy(raw, nla, (size_t)nla_attr_size(nla_len(nla)));
		raw += nla_total_size(nla_len(nla));
	}
	return 0;
}

static bool has_unheld_attrs(const struct obj *obj)
{
	const struct nlattr *nla;
	int rest;

	nla_for_each_attr(nla, (struct nlattr *)obj->raw, (int)obj->raw_len, rest)
		if (nla_type(nla) != TCA_KIND && nla_type(nla) != TCA_OPTIONS &&
		    nla_type(nla) != TCA_CHAIN)
			return true;
	return false;
}

int decode_raw(struct ctx *ctx, struct tree *tree, struct obj *obj)
{
	static const enum kind_type types[] = {
		[OBJ_QDISC] = KIND_QDISC, [OBJ_CLASS] = KIND_CLASS, [OBJ_FILTER] = KIND_FILTER,
	};
	struct nlattr *tb[TCA_MAX + 1];
	int err = 0;

	if (nla_parse(tb, TCA_MAX, (struct nlattr *)obj->raw, (int)obj->raw_len, NULL) < 0)
		memset(tb, 0, sizeof(tb));
	obj->kind_name = dup_attr(tree, tb[TCA_KIND]);
	if (!obj->kind_name)
		return oom(ctx);
	obj->chain = tb[TCA_CHAIN] ? nla_get_u32(tb[TCA_CHAIN]) : 0;
	obj->opaque = has_unheld_attrs(obj) || u32_is_table(obj);
	obj->actions = NULL;
	obj->opts = NULL;
	obj->kind = kind_find(types[obj->type], obj->kind_name);
	if (obj->kind)
		err = read_options(ctx, tree, obj->kind, tb[TCA_OPTIONS], &obj->opts);
	if (!err && obj->opts && obj->type == OBJ_FILTER)
		err = read_actions(ctx, tree, obj, tb[TCA_OPTIONS]);
	if (!obj->opts) {
		obj->kind = NULL;
		obj->opaque = true;
	}
	return err;
}

bool decode_has_user_classes(const char *qdisc_kind)
{
	static const char *const names[] = { "htb", "hfsc", "drr", "qfq", "cbq" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], qdisc_kind))
			return true;
	return false;
}

/* The table that each u32 has from the start. */
static bool is_u32_root(const struct tcmsg *tcm, struct nlattr **tb)
{
	const struct nlattr *divisor;

	if (strcmp(nla_get_string(tb[TCA_KIND]), "u32") || TC_U32_KEY(tcm->tcm_handle) ||
	    TC_U32_USERHTID(tcm->tcm_handle) < U32_AUTO_TABLE)
		return false;
	divisor = nla_find(nla_data(tb[TCA_OPTIONS]), nla_len(tb[TCA_OPTIONS]), TCA_U32_DIVISOR);
	return divisor && nla_get_u32(divisor) == 1;
}

static bool is_the_kernels(enum obj_type type, const struct tcmsg *tcm, struct nlattr **tb)
{
	switch (type) {
	case OBJ_CLASS:
		return !TC_H_MIN(tcm->tcm_handle) ||
		       !decode_has_user_classes(nla_get_string(tb[TCA_KIND]));
	case OBJ_FILTER:
		return !tb[TCA_OPTIONS] || !tcm->tcm_handle || is_u32_root(tcm, tb);
	default:
		return false;
	}
}

static void read_header(struct obj *obj, const struct tcmsg *tcm)
{
	obj->handle = tcm->tcm_handle;
	obj->parent = tcm->tcm_parent;
	if (obj->type == OBJ_CLASS && obj->parent == HANDLE_ROOT)
		obj->parent = HANDLE(HANDLE_MAJOR(obj->handle), 0);
	if (obj->type == OBJ_FILTER) {
		obj->prio = (uint16_t)(tcm->tcm_info >> 16);
		obj->protocol = ntohs((uint16_t)tcm->tcm_info);
	}
}

int decode_obj(struct ctx *ctx, struct tree *tree, struct tree_link *link,
	       const struct nlmsghdr *nlh)
{
	enum obj_type type = nlh->nlmsg_type == RTM_NEWQDISC ? OBJ_QDISC :
			     nlh->nlmsg_type == RTM_NEWTCLASS ? OBJ_CLASS : OBJ_FILTER;
	const struct tcmsg *tcm = nlmsg_data(nlh);
	struct nlattr *tb[TCA_MAX + 1];
	struct obj *obj;
	int err;

	if (nlmsg_parse((struct nlmsghdr *)nlh, sizeof(*tcm), tb, TCA_MAX, NULL) || !tb[TCA_KIND] ||
	    is_the_kernels(type, tcm, tb))
		return 0;
	obj = tree_obj_add(tree, link, type);
	if (!obj)
		return oom(ctx);
	read_header(obj, tcm);
	read_stats(obj, tree, tb);
	err = keep_raw(ctx, tree, obj, nlh);
	return err ? err : decode_raw(ctx, tree, obj);
}
