// SPDX-License-Identifier: GPL-2.0-or-later
/* pie: one queue, kept near a target delay by random drops (net/sched/sch_pie.c, 6.12). */
#include <linux/pkt_sched.h>

#include "qdisc/kind.h"
#include "qdisc/xstats.h"

/* The kernel reports target as 32 bits of nanoseconds. */
#define TARGET_MAX_NS UINT64_C(4294960000)

static const struct opt rows[] = {
	{ "limit", NULL, OPT_NUM, WIRE_U32, TCA_PIE_LIMIT, OPT_HAS_DEF, .min = 1, .def = 1000,
	  .help = "packets that may wait" },
	{ "target", NULL, OPT_TICK_TIME, WIRE_U32, TCA_PIE_TARGET, OPT_HAS_DEF,
	  .max = TARGET_MAX_NS,
	  .def = 15000000, .help = "delay aimed at" },
	{ "tupdate", NULL, OPT_JIFFY_TIME, WIRE_U32, TCA_PIE_TUPDATE, OPT_HAS_DEF, .min = 1000,
	  .max = UINT64_C(3600000000000), .def = 15000000,
	  .help = "time between two computations of the drop probability" },
	{ "alpha", NULL, OPT_NUM, WIRE_U32, TCA_PIE_ALPHA, OPT_HAS_DEF, .max = 32, .def = 2,
	  .help = "weight of the delay's distance from the target, in sixteenths" },
	{ "beta", NULL, OPT_NUM, WIRE_U32, TCA_PIE_BETA, OPT_HAS_DEF, .max = 32, .def = 20,
	  .help = "weight of the delay's growth, in sixteenths" },
	{ "ecn", "noecn", OPT_FLAG, WIRE_U32, TCA_PIE_ECN, OPT_HAS_DEF, .def = 0,
	  .help = "mark ECN packets instead of dropping them, up to 10 % probability" },
	{ "bytemode", "nobytemode", OPT_FLAG, WIRE_U32, TCA_PIE_BYTEMODE, OPT_HAS_DEF, .def = 0,
	  .help = "drop large packets more often than small ones" },
	{ "dq_rate_estimator", "no_dq_rate_estimator", OPT_FLAG, WIRE_U32,
	  TCA_PIE_DQ_RATE_ESTIMATOR,
	  OPT_HAS_DEF, .def = 0,
	  .help = "compute the delay from the dequeue rate, not from timestamps" },
};

#define FIELD(name, member, type) { name, offsetof(struct tc_pie_xstats, member), type }
static const struct xstat xstats[] = {
	FIELD("prob", prob, XSTAT_U64), FIELD("delay_us", delay, XSTAT_U32),
	FIELD("avg_dq_rate", avg_dq_rate, XSTAT_U32),
	FIELD("dq_rate_estimating", dq_rate_estimating, XSTAT_BOOL32),
	FIELD("packets_in", packets_in, XSTAT_U32), FIELD("dropped", dropped, XSTAT_U32),
	FIELD("overlimit", overlimit, XSTAT_U32), FIELD("maxq", maxq, XSTAT_U32),
	FIELD("ecn_mark", ecn_mark, XSTAT_U32), { NULL, 0, 0 },
};

static json_t *stats(const void *data, size_t len)
{
	return xstats_json(xstats, data, len);
}

const struct kind qdisc_pie = {
	.type = KIND_QDISC, .name = "pie", .module = "sch_pie", .flags = KIND_LEAF,
	.help = "one queue, kept near a target delay by random drops", ROWS(rows), .stats = stats,
};
