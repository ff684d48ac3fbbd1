// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/raw_filter.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "kernel/dump_bpf.h"
#include "kernel/u32_tables.h"
#include "qdisc/filter.h"

/* ---- u32 tables ---- */

/* A filter is in its u32's own root table unless its table is an object: root tables are none. */
static bool in_u32_root(const struct tree_link *link, const struct obj *filter)
{
	const struct obj *t;

	if (strcmp(filter->kind_name, "u32") || !TC_U32_KEY(filter->handle))
		return false;
	if (!TC_U32_HTID(filter->handle))	/* not from a dump */
		return true;
	for (t = link->objs[OBJ_FILTER]; t; t = t->next)
		if (u32_is_table(t) && u32_is_in_table(filter, t))
			return false;
	return true;
}

bool raw_filter_in_table(const struct tree_link *link, const struct obj *filter)
{
	return !strcmp(filter->kind_name, "u32") && TC_U32_KEY(filter->handle) &&
	       !in_u32_root(link, filter);
}

uint32_t raw_filter_handle(const struct tree_link *link, const struct obj *filter)
{
	return in_u32_root(link, filter) ? TC_U32_NODE(filter->handle) : filter->handle;
}

/* ---- actions ---- */

/* Where an action's number of users lies in its parameters (struct tc_gen and struct tc_police,
 * linux/pkt_cls.h); its own number comes first. */
static const struct action_layout {
	const char *kind;
	int attr;		/* of the parameters */
	size_t bindcnt;		/* offset in them */
} layouts[] = {
#define GEN_BINDCNT (4 * sizeof(uint32_t))
	{ "police", TCA_POLICE_TBF, offsetof(struct tc_police, bindcnt) },
	{ "gact", 2, GEN_BINDCNT }, { "mirred", 2, GEN_BINDCNT }, { "skbedit", 2, GEN_BINDCNT },
	{ "vlan", 2, GEN_BINDCNT }, { "pedit", 2, GEN_BINDCNT }, { "tunnel_key", 2, GEN_BINDCNT },
	{ "skbmod", 2, GEN_BINDCNT }, { "bpf", 2, GEN_BINDCNT }, { "mpls", 2, GEN_BINDCNT },
	{ "sample", 2, GEN_BINDCNT }, { "csum", 1, GEN_BINDCNT }, { "nat", 1, GEN_BINDCNT },
	{ "connmark", 1, GEN_BINDCNT }, { "ife", 1, GEN_BINDCNT }, { "ct", 1, GEN_BINDCNT },
#undef GEN_BINDCNT
};

/* The parameters, when only one filter uses the action; else NULL. */
static unsigned char *unshared_parms(const char *kind, struct nlattr *options)
{
	struct nlattr *parms;
	uint32_t bindcnt;
	size_t i;

	for (i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		if (strcmp(kind, layouts[i].kind))
			continue;
		parms = nla_find(nla_data(options), nla_len(options), layouts[i].attr);
		if (!parms || nla_len(parms) < (int)(layouts[i].bindcnt + sizeof(bindcnt)))
			return NULL;
		memcpy(&bindcnt, (char *)nla_data(parms) + layouts[i].bindcnt, sizeof(bindcnt));
		return bindcnt <= 1 ? nla_data(parms) : NULL;
	}
	return NULL;
}

/* A dump leaves out the tables without which the kernel takes no police action (tcf_police_init(),
 * net/sched/act_police.c, 6.12). -ENOENT when weir does not understand it. */
static int put_police(struct nl_msg *msg, int attr, struct nlattr *options)
{
	const struct kind *kind = kind_find(KIND_ACTION, "police");
	const struct wire wire = { .change = false };
	struct arena scratch = { NULL };
	struct opts *o = kind ? opts_new(&scratch, kind) : NULL;
	int err = -ENOENT;

	if (o && !kind_read(options, kind, o, &wire)) {
		if (unshared_parms("police", options))
			o->set &= ~(UINT64_C(1) << POLICE_INDEX);
		err = kind_emit(msg, attr, kind, o, &wire);
	}
	arena_free(&scratch);
	return err;
}

static int copy_attr(struct nl_msg *msg, const struct nlattr *nla)
{
	return nla_put(msg, nla->nla_type, nla_len(nla), nla_data(nla)) ? -EMSGSIZE : 0;
}

/* An action that one filter uses gets a new number: its old one may be another's by now, and the
 * filter would be bound to that. One that filters share keeps it, since that is how they do. */
static int put_action_options(struct nl_msg *msg, const char *kind, struct nlattr *options)
{
	struct nlattr *copy = nlmsg_tail(nlmsg_hdr(msg));
	unsigned char *parms;
	int err = strcmp(kind, "police") ? -ENOENT : put_police(msg, TCA_ACT_OPTIONS, options);

	if (err != -ENOENT)
		return err;
	err = copy_attr(msg, options);
	parms = err ? NULL : unshared_parms(kind, copy);
	if (parms)
		memset(parms, 0, sizeof(uint32_t));
	return err;
}

static int put_action(struct nl_msg *msg, struct nlattr *action)
{
	struct nlattr *tb[TCA_ACT_MAX + 1], *nest;
	int err = 0;

	if (nla_parse_nested(tb, TCA_ACT_MAX, action, NULL) || !tb[TCA_ACT_KIND])
		return copy_attr(msg, action);
	nest = nla_nest_start(msg, nla_type(action));
	if (!nest || copy_attr(msg, tb[TCA_ACT_KIND]))
		return -EMSGSIZE;
	if (tb[TCA_ACT_OPTIONS])
		err = put_action_options(msg, nla_get_string(tb[TCA_ACT_KIND]),
					 tb[TCA_ACT_OPTIONS]);
	if (!err && tb[TCA_ACT_COOKIE])
		err = copy_attr(msg, tb[TCA_ACT_COOKIE]);
	if (!err && tb[TCA_ACT_FLAGS])
		err = copy_attr(msg, tb[TCA_ACT_FLAGS]);
	nla_nest_end(msg, nest);
	return err;
}

static int put_actions(struct nl_msg *msg, struct nlattr *list)
{
	struct nlattr *nest = nla_nest_start(msg, nla_type(list)), *action;
	int rest, err = nest ? 0 : -EMSGSIZE;

	nla_for_each_nested(action, list, rest)
		if (!err)
			err = put_action(msg, action);
	if (!err)
		nla_nest_end(msg, nest);
	return err;
}

/* ---- options ---- */

/* Attributes in a filter's options that cannot go back as they came; 0: it has none such. */
static const struct filter_layout {
	const char *kind;
	int flags, actions, police;
	bool program;
} filters[] = {
	{ "u32", TCA_U32_FLAGS, TCA_U32_ACT, TCA_U32_POLICE, false },
	{ "flower", TCA_FLOWER_FLAGS, TCA_FLOWER_ACT, 0, false },
	{ "matchall", TCA_MATCHALL_FLAGS, TCA_MATCHALL_ACT, 0, false },
	{ "bpf", TCA_BPF_FLAGS_GEN, TCA_BPF_ACT, TCA_BPF_POLICE, true },
	{ "basic", 0, TCA_BASIC_ACT, TCA_BASIC_POLICE, false },
	{ "fw", 0, TCA_FW_ACT, TCA_FW_POLICE, false },
	{ "route", 0, TCA_ROUTE4_ACT, TCA_ROUTE4_POLICE, false },
	{ "flow", 0, TCA_FLOW_ACT, TCA_FLOW_POLICE, false },
	{ "cgroup", 0, TCA_CGROUP_ACT, TCA_CGROUP_POLICE, false },
	{ NULL, 0, 0, 0, false }
};

static const struct filter_layout *layout_of(const char *kind)
{
	const struct filter_layout *l = filters;

	while (l->kind && strcmp(l->kind, kind))
		l++;
	return l;
}

/* Where a filter is in hardware or is not is the kernel's to say (tc_flags_valid(),
 * include/net/pkt_cls.h, 6.12). */
static int put_flags(struct nl_msg *msg, struct nlattr *nla)
{
	uint32_t flags = nla_len(nla) >= (int)sizeof(flags) ? nla_get_u32(nla) : 0;

	flags &= TCA_CLS_FLAGS_SKIP_HW | TCA_CLS_FLAGS_SKIP_SW | TCA_CLS_FLAGS_VERBOSE;
	return nla_put_u32(msg, nla_type(nla), flags) ? -EMSGSIZE : 0;
}

static int put_option(struct nl_msg *msg, const struct filter_layout *layout, bool root_table,
		      struct nlattr *nla)
{
	int type = nla_type(nla), err;

	if (type == layout->flags)
		return put_flags(msg, nla);
	if (layout->program && (type == TCA_BPF_ID || type == TCA_BPF_TAG || type == TCA_BPF_FD))
		return 0;	/* of the program: see put_program() */
	if (type == layout->actions)
		return put_actions(msg, nla);
	if (type == layout->police) {
		err = put_police(msg, type, nla);
		return err == -ENOENT ? copy_attr(msg, nla) : err;
	}
	if (root_table && type == TCA_U32_HASH)
		return nla_put_u32(msg, type, TC_U32_ROOT) ? -EMSGSIZE : 0;
	return copy_attr(msg, nla);
}

/* A program of which only the id is known has gone with the process that saw it; classic BPF comes as
 * its instructions. */
static int put_program(struct nl_msg *msg, const struct obj *filter)
{
	if (filter->prog_fd)
		return nla_put_u32(msg, TCA_BPF_FD, (uint32_t)filter->prog_fd) ? -EMSGSIZE : 0;
	return dump_bpf_id(filter) ? -ESTALE : 0;
}

int raw_filter_options(struct nl_msg *msg, const struct tree_link *link, const struct obj *filter,
		       const struct nlattr *dumped)
{
	const struct filter_layout *layout = layout_of(filter->kind_name);
	bool root_table = in_u32_root(link, filter);
	struct nlattr *nest, *nla;
	int rest, err = 0;

	if (!layout->kind)	/* not all options are nests */
		return copy_attr(msg, dumped);
	nest = nla_nest_start(msg, TCA_OPTIONS);
	if (!nest)
		return -EMSGSIZE;
	nla_for_each_nested(nla, (struct nlattr *)dumped, rest)
		if (!err)
			err = put_option(msg, layout, root_table, nla);
	if (!err && layout->program)
		err = put_program(msg, filter);
	nla_nest_end_keep_empty(msg, nest);
	return err;
}
