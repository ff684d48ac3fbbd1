// SPDX-License-Identifier: GPL-2.0-or-later
/* matchall: the filter that every packet matches (net/sched/cls_matchall.c, 6.12). */
#include "qdisc/filter.h"

#include <linux/pkt_cls.h>
#include <netlink/attr.h>

#include "qdisc/kind.h"

static const struct opt rows[] = {
	[MATCHALL_CLASSID] = { "classid", NULL, OPT_CLASSID, WIRE_U32, TCA_MATCHALL_CLASSID,
	  OPT_NO_MAN, .help = "class that packets go to" },
};

static int read_matchall(const struct nlattr *attr, const struct kind *kind, struct opts *o,
			 const struct wire *wire)
{
	static const uint16_t passed_over[] = {
		TCA_MATCHALL_FLAGS, TCA_MATCHALL_PCNT, TCA_MATCHALL_PAD, 0
	};
	int err = filter_known_attrs(attr, kind, passed_over);

	if (!err)
		err = filter_plain_flags(attr, TCA_MATCHALL_FLAGS);
	return err ? err : opts_read_rows(nla_data(attr), nla_len(attr), kind, o, wire);
}

const struct kind filter_matchall = {
	.type = KIND_FILTER, .name = "matchall", .module = "cls_matchall",
	.help = "every packet", ROWS(rows), .actions_attr = TCA_MATCHALL_ACT, .read = read_matchall,
};
