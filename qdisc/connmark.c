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

#include "qdisc/filter.h"
#include "qdisc/kind.h"

static const char *const controls[] = { "pipe", "continue", NULL };

/* Set only where it is not "pipe". */
static const struct opt rows[] = {
	[CONNMARK_CONTROL] = { "control", NULL, OPT_ENUM, WIRE_NONE, 0, OPT_BARE, .names = controls,
	  .help = "what comes next" },
};

static int emit_connmark(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
			 const struct wire *wire)
{
	bool goes_on = opts_get(o, CONNMARK_CONTROL, CONNMARK_PIPE) == CONNMARK_CONTINUE;
	struct tc_connmark parms = { .action = goes_on ? TC_ACT_UNSPEC : TC_ACT_PIPE };
	struct nlattr *nest = nla_nest_start(msg, attr);

	(void)kind, (void)wire;
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

	(void)kind, (void)wire;
	if (!nla || nla_len(nla) < (int)sizeof(parms))
		return -EINVAL;
	memcpy(&parms, nla_data(nla), sizeof(parms));
	if (parms.action == TC_ACT_UNSPEC)
		opts_put(o, CONNMARK_CONTROL, CONNMARK_CONTINUE);
	else if (parms.action != TC_ACT_PIPE)
		return -EINVAL;
	return parms.zone ? -EINVAL : 0;
}

const struct kind action_connmark = {
	.type = KIND_ACTION, .name = "connmark", .module = "act_connmark",
	.help = "gives packets the mark of their connection", ROWS(rows),
	.emit = emit_connmark, .read = read_connmark,
};
