// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mirred: hands a packet to the egress of another interface and takes it away from this one
 * (net/sched/act_mirred.c, 6.12). Mirroring and redirection to an ingress are not weir's.
 */
#include "qdisc/filter.h"

#include <errno.h>
#include <string.h>

#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_mirred.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "qdisc/kind.h"

static const struct opt rows[] = {
	[MIRRED_DEV] = { "dev", NULL, OPT_DEV, WIRE_NONE, 0, OPT_REQUIRED,
	  .help = "interface that packets are redirected to" },
};

static int emit_mirred(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
		       const struct wire *wire)
{
	struct tc_mirred parms = { .action = TC_ACT_STOLEN, .eaction = TCA_EGRESS_REDIR };
	int ifindex = opts_has(o, MIRRED_DEV) ? wire->index_of(wire->arg, o->v[MIRRED_DEV].name) : 0;
	struct nlattr *nest;

	(void)kind;
	if (!ifindex)
		return -ENODEV;
	parms.ifindex = (uint32_t)ifindex;
	nest = nla_nest_start(msg, attr);
	if (!nest || nla_put(msg, TCA_MIRRED_PARMS, sizeof(parms), &parms))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int read_mirred(const struct nlattr *attr, const struct kind *kind, struct opts *o,
		       const struct wire *wire)
{
	static const uint16_t passed_over[] = { TCA_MIRRED_TM, TCA_MIRRED_PARMS, TCA_MIRRED_PAD, 0 };
	const struct nlattr *nla = nla_find(nla_data(attr), nla_len(attr), TCA_MIRRED_PARMS);
	struct tc_mirred parms;
	const char *dev;

	if (!nla || nla_len(nla) < (int)sizeof(parms) || filter_known_attrs(attr, kind, passed_over))
		return -EINVAL;
	memcpy(&parms, nla_data(nla), sizeof(parms));
	if (parms.action != TC_ACT_STOLEN || parms.eaction != TCA_EGRESS_REDIR)
		return -EINVAL;
	/* The interface may be gone: the kernel then tells 0, and packets are dropped. "?" differs
	 * from every name that can be wanted. */
	dev = wire->name_of(wire->arg, (int)parms.ifindex);
	memset(o->v[MIRRED_DEV].name, 0, sizeof(o->v[MIRRED_DEV].name));
	strncpy(o->v[MIRRED_DEV].name, dev ? dev : "?", sizeof(o->v[MIRRED_DEV].name) - 1);
	o->set |= UINT64_C(1) << MIRRED_DEV;
	return 0;
}

const struct kind action_mirred = {
	.type = KIND_ACTION, .name = "mirred", .module = "act_mirred",
	.help = "redirects packets to another interface", ROWS(rows),
	.emit = emit_mirred, .read = read_mirred,
};
