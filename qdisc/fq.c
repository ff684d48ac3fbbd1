// SPDX-License-Identifier: GPL-2.0-or-later
/* fq: a queue a flow, paced at the rate that the sender asks for (net/sched/sch_fq.c, 6.18). */
#include <errno.h>
#include <string.h>

#include <linux/pkt_sched.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "qdisc/kind.h"
#include "qdisc/xstats.h"

/* Newer than the uapi headers of 6.1. */
enum {
	FQ_PRIOMAP = 16,		/* TCA_FQ_PRIOMAP, struct tc_prio_qopt, 6.7 */
	FQ_WEIGHTS = 17,		/* TCA_FQ_WEIGHTS, three s32, 6.7 */
	FQ_OFFLOAD_HORIZON = 18,	/* TCA_FQ_OFFLOAD_HORIZON, u32 us, 6.13 */
	BANDS_MAX = 3,			/* FQ_BANDS */
	MIN_WEIGHT = 16384,		/* FQ_MIN_WEIGHT */
};

enum {
	LIMIT, FLOW_LIMIT, QUANTUM, INITIAL_QUANTUM, MAXRATE, BUCKETS, PACING, REFILL_DELAY, BANDS,
	PRIOMAP, WEIGHTS, LOW_RATE_THRESHOLD, ORPHAN_MASK, TIMER_SLACK, CE_THRESHOLD, HORIZON,
	HORIZON_DROP, OFFLOAD_HORIZON,
};

/* sch_default_prio2band (net/sched/sch_generic.c) and fq_init(). */
static const union optval default_priomap = {
	.b = { 1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1 },
};
static const union optval default_weights = { .w = { 9 << 16, 3 << 16, 1 << 16 } };

static const struct opt rows[] = {
	[LIMIT] = { "limit", NULL, OPT_NUM, WIRE_U32, TCA_FQ_PLIMIT, OPT_HAS_DEF, .min = 1,
	  .def = 10000, .help = "packets that may wait in all queues together" },
	[FLOW_LIMIT] = { "flow_limit", NULL, OPT_NUM, WIRE_U32, TCA_FQ_FLOW_PLIMIT, OPT_HAS_DEF,
	  .min = 1, .def = 100, .help = "packets of one flow that may wait" },
	[QUANTUM] = { "quantum", NULL, OPT_SIZE, WIRE_U32, TCA_FQ_QUANTUM,
	  OPT_HAS_DEF | OPT_DEF_FRAMES | OPT_PLAIN, .min = 256, .max = 1 << 20, .def = 2,
	  .help = "bytes a flow may send in its turn" },
	[INITIAL_QUANTUM] = { "initial_quantum", NULL, OPT_SIZE, WIRE_U32, TCA_FQ_INITIAL_QUANTUM,
	  OPT_HAS_DEF | OPT_DEF_FRAMES | OPT_PLAIN, .max = 1 << 20, .def = 10,	/* iq_range, 6.12.117 */
	  .help = "bytes a new flow may send in its first turn" },
	[MAXRATE] = { "maxrate", NULL, OPT_RATE, WIRE_U32, TCA_FQ_FLOW_MAX_RATE,
	  OPT_HAS_DEF | OPT_DEF_OFF, .min = 8, .max = UINT32_MAX * UINT64_C(8),
	  .def = UINT32_MAX * UINT64_C(8), .help = "rate of a flow at the most" },
	[BUCKETS] = { "buckets", NULL, OPT_NUM, WIRE_NONE, 0, OPT_HAS_DEF, .min = 2, .max = 1 << 18,
	  .def = 1024, .help = "size of the table of flows, rounded up to a power of 2" },
	[PACING] = { "pacing", "nopacing", OPT_FLAG, WIRE_U32, TCA_FQ_RATE_ENABLE, OPT_HAS_DEF,
	  .def = 1, .help = "pace flows" },
	[REFILL_DELAY] = { "refill_delay", NULL, OPT_JIFFY_TIME, WIRE_U32, TCA_FQ_FLOW_REFILL_DELAY,
	  OPT_HAS_DEF, .max = UINT64_C(3600000000000), .def = 40000000,
	  .help = "idle time after which a flow gets new credit" },
	[BANDS] = { "bands", NULL, OPT_NUM, WIRE_NONE, 0, 0, .min = BANDS_MAX,
	  .max = BANDS_MAX, .help = "always 3; may stand before priomap" },
	[PRIOMAP] = { "priomap", NULL, OPT_BYTES, WIRE_NONE, 0, OPT_HAS_DEF | OPT_DEF_OFF,
	  .max = 16,
	  .defv = &default_priomap, .help = "band (0 to 2) of each of the 16 packet priorities" },
	[WEIGHTS] = { "weights", NULL, OPT_WORDS, WIRE_NONE, 0, OPT_HAS_DEF | OPT_DEF_OFF, .max = 3,
	  .defv = &default_weights,
	  .help = "bytes that each of the three bands sends in its turn" },
	[LOW_RATE_THRESHOLD] = { "low_rate_threshold", NULL, OPT_RATE, WIRE_U32,
	  TCA_FQ_LOW_RATE_THRESHOLD, OPT_HAS_DEF, .def = 550000,
	  .help = "paced rate below which packets leave singly" },
	[ORPHAN_MASK] = { "orphan_mask", NULL, OPT_NUM, WIRE_U32, TCA_FQ_ORPHAN_MASK, OPT_HAS_DEF,
	  .def = 1023, .help = "mask of the hash for packets without a socket" },
	[TIMER_SLACK] = { "timer_slack", NULL, OPT_TIME, WIRE_U32, TCA_FQ_TIMER_SLACK, OPT_HAS_DEF,
	  .unit_ns = 1, .def = 10000, .help = "how late a paced packet may leave" },
	[CE_THRESHOLD] = { "ce_threshold", NULL, OPT_TIME, WIRE_U32, TCA_FQ_CE_THRESHOLD,
	  OPT_HAS_DEF | OPT_DEF_OFF, .def = UINT32_MAX * UINT64_C(1000),
	  .help = "delay above which ECN packets are marked" },
	[HORIZON] = { "horizon", NULL, OPT_TIME, WIRE_U32, TCA_FQ_HORIZON, OPT_HAS_DEF,
	  .def = UINT64_C(10000000000), .help = "how far ahead a packet's departure time may lie" },
	[HORIZON_DROP] = { "horizon_drop", "horizon_cap", OPT_FLAG, WIRE_U8, TCA_FQ_HORIZON_DROP,
	  OPT_HAS_DEF, .def = 1, .help = "drop packets beyond the horizon, or send them at it" },
	[OFFLOAD_HORIZON] = { "offload_horizon", NULL, OPT_TIME, WIRE_U32, FQ_OFFLOAD_HORIZON,
	  OPT_HAS_DEF | OPT_DEF_OFF,
	  .help = "how far ahead packets are handed to a device that paces" },
};

static int check(const struct opts *o, struct opt_error *error)
{
	int i;

	if (opts_has(o, BANDS) && !opts_has(o, PRIOMAP)) {
		strcpy(error->text, "'bands' goes with 'priomap' only");
		return -EINVAL;
	}
	for (i = 0; opts_has(o, PRIOMAP) && i < 16; i++)
		if (o->v[PRIOMAP].b[i] >= BANDS_MAX) {
			snprintf(error->text, sizeof(error->text), "'priomap' has band %d: 0 to 2 are there",
				 o->v[PRIOMAP].b[i]);
			return -EINVAL;
		}
	for (i = 0; opts_has(o, WEIGHTS) && i < BANDS_MAX; i++)
		if (o->v[WEIGHTS].w[i] < MIN_WEIGHT) {
			snprintf(error->text, sizeof(error->text), "'weights' has %d: at least %d each",
				 o->v[WEIGHTS].w[i], MIN_WEIGHT);
			return -EINVAL;
		}
	return 0;
}

static unsigned int log2_up(uint64_t n)
{
	unsigned int log = 0;

	while (UINT64_C(1) << log < n)
		log++;
	return log;
}

/* "bands 3" has to stand before a priomap that is worth saying, and nowhere else. */
static void canon_bands(struct opts *o)
{
	const uint64_t bands = UINT64_C(1) << BANDS;

	o->set &= ~bands;
	o->filled &= ~bands;
	if (opts_has(o, PRIOMAP) &&
	    memcmp(o->v[PRIOMAP].b, default_priomap.b, sizeof(default_priomap.b)))
		opts_put(o, BANDS, BANDS_MAX);
}

static void canon(struct opts *o)
{
	canon_bands(o);
	if (opts_has(o, BUCKETS))
		o->v[BUCKETS].u = UINT64_C(1) << log2_up(o->v[BUCKETS].u);
}

static int emit(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
		const struct wire *wire)
{
	struct nlattr *nest = nla_nest_start(msg, attr);
	struct tc_prio_qopt prio = { .bands = BANDS_MAX };
	int err;

	if (!nest)
		return -EMSGSIZE;
	err = opts_put_rows(msg, kind, o, wire);
	if (err)
		return err;
	memcpy(prio.priomap, o->v[PRIOMAP].b, sizeof(prio.priomap));
	if ((opts_has(o, BUCKETS) &&
	     nla_put_u32(msg, TCA_FQ_BUCKETS_LOG, log2_up(o->v[BUCKETS].u))) ||
	    (opts_has(o, PRIOMAP) && nla_put(msg, FQ_PRIOMAP, sizeof(prio), &prio)) ||
	    (opts_has(o, WEIGHTS) &&
	     nla_put(msg, FQ_WEIGHTS, BANDS_MAX * sizeof(int32_t), o->v[WEIGHTS].w)))
		return -EMSGSIZE;
	nla_nest_end_keep_empty(msg, nest);
	return 0;
}

static void read_lists(const struct nlattr *attr, struct opts *o)
{
	const struct nlattr *map = nla_find(nla_data(attr), nla_len(attr), FQ_PRIOMAP);
	const struct nlattr *weights = nla_find(nla_data(attr), nla_len(attr), FQ_WEIGHTS);
	struct tc_prio_qopt prio;

	if (map && nla_len(map) >= (int)sizeof(prio)) {
		memcpy(&prio, nla_data(map), sizeof(prio));
		opts_put(o, PRIOMAP, 0);
		memcpy(o->v[PRIOMAP].b, prio.priomap, sizeof(prio.priomap));
	}
	if (weights && nla_len(weights) >= BANDS_MAX * (int)sizeof(int32_t)) {
		opts_put(o, WEIGHTS, 0);
		memcpy(o->v[WEIGHTS].w, nla_data(weights), BANDS_MAX * sizeof(int32_t));
	}
}

static int read_options(const struct nlattr *attr, const struct kind *kind, struct opts *o,
			const struct wire *wire)
{
	const struct nlattr *log = nla_find(nla_data(attr), nla_len(attr), TCA_FQ_BUCKETS_LOG);

	if (log && nla_len(log) >= 4 && nla_get_u32(log) < 32)
		opts_put(o, BUCKETS, UINT64_C(1) << nla_get_u32(log));
	read_lists(attr, o);
	return opts_read_rows(nla_data(attr), nla_len(attr), kind, o, wire);
}

/* struct tc_fq_qd_stats; what 6.7 added behind horizon_caps is given by its offset. */
#define FIELD(name, member, type) { name, offsetof(struct tc_fq_qd_stats, member), type }
#define TAIL(n) (offsetof(struct tc_fq_qd_stats, horizon_caps) + 8 + (n))
static const struct xstat xstats[] = {
	FIELD("flows", flows, XSTAT_U32), FIELD("inactive_flows", inactive_flows, XSTAT_U32),
	FIELD("throttled_flows", throttled_flows, XSTAT_U32), FIELD("gc_flows", gc_flows,
	XSTAT_U64),
	FIELD("highprio_packets", highprio_packets, XSTAT_U64),
	FIELD("throttled", throttled, XSTAT_U64), FIELD("flows_plimit", flows_plimit, XSTAT_U64),
	FIELD("pkts_too_long", pkts_too_long, XSTAT_U64),
	FIELD("allocation_errors", allocation_errors, XSTAT_U64),
	FIELD("unthrottle_latency_ns", unthrottle_latency_ns, XSTAT_U32),
	FIELD("ce_mark", ce_mark, XSTAT_U64), FIELD("horizon_drops", horizon_drops, XSTAT_U64),
	FIELD("horizon_caps", horizon_caps, XSTAT_U64), { "fastpath_packets", TAIL(0), XSTAT_U64 },
	{ "band0_drops", TAIL(8), XSTAT_U64 }, { "band1_drops", TAIL(16), XSTAT_U64 },
	{ "band2_drops", TAIL(24), XSTAT_U64 }, { "band0_pkts", TAIL(32), XSTAT_U32 },
	{ "band1_pkts", TAIL(36), XSTAT_U32 }, { "band2_pkts", TAIL(40), XSTAT_U32 }, { NULL, 0,
	  0 },
};

static json_t *stats(const void *data, size_t len)
{
	return xstats_json(xstats, data, len);
}

const struct kind qdisc_fq = {
	.type = KIND_QDISC, .name = "fq", .module = "sch_fq", .flags = KIND_LEAF,
	.help = "a queue a flow, paced at the rate that the sender asks for", ROWS(rows),
	.check = check, .canon = canon, .emit = emit, .read = read_options, .stats = stats,
};
