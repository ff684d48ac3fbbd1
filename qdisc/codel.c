// SPDX-License-Identifier: GPL-2.0-or-later
/* codel: one queue, kept short (net/sched/sch_codel.c, 6.12). */
#include <linux/pkt_sched.h>

#include "qdisc/kind.h"
#include "qdisc/xstats.h"

static const struct opt rows[] = {
	{ "limit", NULL, OPT_NUM, WIRE_U32, TCA_CODEL_LIMIT, OPT_HAS_DEF, .min = 1, .def = 1000,
	  .help = "packets that may wait" },
	{ "target", NULL, OPT_CODEL_TIME, WIRE_U32, TCA_CODEL_TARGET, OPT_HAS_DEF, .def = 5000000,
	  .help = "acceptable standing delay" },
	{ "interval", NULL, OPT_CODEL_TIME, WIRE_U32, TCA_CODEL_INTERVAL, OPT_HAS_DEF,
	  .def = 100000000, .help = "time the delay may exceed the target before a drop" },
	{ "ecn", "noecn", OPT_FLAG, WIRE_U32, TCA_CODEL_ECN, OPT_HAS_DEF, .def = 0,
	  .help = "mark ECN packets instead of dropping them" },
	{ "ce_threshold", NULL, OPT_CODEL_TIME, WIRE_U32, TCA_CODEL_CE_THRESHOLD,
	  OPT_HAS_DEF | OPT_DEF_OFF, .def = OPT_CODEL_OFF_NS,
	  .help = "delay above which ECN packets are marked" },
};

#define FIELD(name, member, type) { name, offsetof(struct tc_codel_xstats, member), type }
static const struct xstat xstats[] = {
	FIELD("maxpacket", maxpacket, XSTAT_U32), FIELD("count", count, XSTAT_U32),
	FIELD("lastcount", lastcount, XSTAT_U32), FIELD("ldelay_us", ldelay, XSTAT_U32),
	FIELD("drop_next_us", drop_next, XSTAT_S32), FIELD("drop_overlimit", drop_overlimit,
	XSTAT_U32),
	FIELD("ecn_mark", ecn_mark, XSTAT_U32), FIELD("dropping", dropping, XSTAT_BOOL32),
	FIELD("ce_mark", ce_mark, XSTAT_U32), { NULL, 0, 0 },
};

static json_t *stats(const void *data, size_t len)
{
	return xstats_json(xstats, data, len);
}

const struct kind qdisc_codel = {
	.type = KIND_QDISC, .name = "codel", .module = "sch_codel", .flags = KIND_LEAF,
	.help = "one queue, kept short by CoDel", ROWS(rows), .stats = stats,
};
