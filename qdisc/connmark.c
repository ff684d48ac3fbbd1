// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * connmark: gives a packet the mark of its connection (net/sched/act_connmark.c, 6.12). At ingress
 * a packet has no mark of its own yet: this is what lets `match mark` work there.
 */
#include <errno.h>
#include <string.h>

#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_connmark.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "qdisc/kind.h"

static int emit_connmark(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
			 const struct wire *wire)
{
	struct tc_connmark parms = { .action = TC_ACT_PIPE };
	struct nlattr *nest = nla_nest_start(msg, attr);

	(void)kind, (void)o, (void)wire;
	if (!nest || nla_put(msg, TCA_CONNMARK_PARMS, sizeof(parms), &parms))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int read_connmark(const struct nlattr *attr, const struct kind *kind, struct opts *o,
			 const struct wire *wire)
{
	const struct nlattr *nla = nla_find(nla_data(attr), nla_len(attr), TCA_CONNMARK_PARMS);
	struct tc_connmark parms;

	(void)kind, (void)o, (void)wire;
	if (!nla || nla_len(nla) < (int)sizeof(parms))
		return -EINVAL;
	memcpy(&parms, nla_data(nla), sizeof(parms));
	return parms.action == TC_ACT_PIPE && !parms.zone ? 0 : -EINVAL;
}

const struct kind action_connmark = {
	.type = KIND_ACTION, .name = "connmark", .module = "act_connmark",
	.help = "gives packets the mark of their connection",
	.emit = emit_connmark, .read = read_connmark,
};
