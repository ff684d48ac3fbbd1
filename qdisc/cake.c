// SPDX-License-Identifier: GPL-2.0-or-later
/* cake: shaper, fair queues per host and flow, tins and short queues in one (net/sched/sch_cake.c,
 * 6.12). Figures of the framings: tc-cake(8). */
#include <errno.h>

#include <linux/pkt_sched.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "qdisc/kind.h"

enum {
	BANDWIDTH, AUTORATE, DIFFSERV, FLOWMODE, NAT, WASH, INGRESS, ACK_FILTER, SPLIT_GSO, RTT, TARGET,
	RAW, ATM, OVERHEAD, MPU, MEMLIMIT, FWMARK,
};

#define BIT(row) (UINT64_C(1) << (row))
#define US 1000
#define MS 1000000

/* In the order of CAKE_DIFFSERV_*, CAKE_FLOW_*, CAKE_ACK_* and CAKE_ATM_*. */
static const char *const diffserv[] = {
	"diffserv3", "diffserv4", "diffserv8", "besteffort", "precedence", NULL
};
static const char *const flowmodes[] = {
	"flowblind", "srchost", "dsthost", "hosts", "flows", "dual-srchost", "dual-dsthost",
	"triple-isolate", NULL
};
static const char *const ack_filters[] = {
	"no-ack-filter", "ack-filter", "ack-filter-aggressive", NULL
};
static const char *const atm_modes[] = { "noatm", "atm", "ptm", NULL };

static const struct opt rows[] = {
	[BANDWIDTH] = { "bandwidth", "unlimited", OPT_RATE, WIRE_U64, TCA_CAKE_BASE_RATE64,
	  OPT_HAS_DEF,
	  .def = 0, .help = "rate that the shaper holds; unlimited is the default" },
	[AUTORATE] = { "autorate-ingress", NULL, OPT_FLAG, WIRE_U32, TCA_CAKE_AUTORATE, OPT_HAS_DEF,
	  .help = "estimate the bandwidth from the traffic that arrives" },
	[DIFFSERV] = { "diffserv", NULL, OPT_ENUM, WIRE_U32, TCA_CAKE_DIFFSERV_MODE,
	  OPT_HAS_DEF | OPT_BARE, .names = diffserv, .def = CAKE_DIFFSERV_DIFFSERV3,
	  .help = "tins that the DSCP chooses between" },
	[FLOWMODE] = { "flowmode", NULL, OPT_ENUM, WIRE_U32, TCA_CAKE_FLOW_MODE,
	  OPT_HAS_DEF | OPT_BARE, .names = flowmodes, .def = CAKE_FLOW_TRIPLE,
	  .help = "between what the rate is shared fairly" },
	[NAT] = { "nat", "nonat", OPT_FLAG, WIRE_NONE, 0, OPT_HAS_DEF,
	  .help = "look up the hosts behind network address translation" },
	[WASH] = { "wash", "nowash", OPT_FLAG, WIRE_U32, TCA_CAKE_WASH, OPT_HAS_DEF,
	  .help = "clear the DSCP of packets that leave" },
	[INGRESS] = { "ingress", "egress", OPT_FLAG, WIRE_U32, TCA_CAKE_INGRESS, OPT_HAS_DEF,
	  .help = "count dropped packets too: they have used the link already" },
	[ACK_FILTER] = { "ack-filter", NULL, OPT_ENUM, WIRE_U32, TCA_CAKE_ACK_FILTER,
	  OPT_HAS_DEF | OPT_BARE, .names = ack_filters, .def = CAKE_ACK_NONE,
	  .help = "drop acknowledgements that later ones make needless" },
	[SPLIT_GSO] = { "split-gso", "no-split-gso", OPT_FLAG, WIRE_U32, TCA_CAKE_SPLIT_GSO,
	  OPT_HAS_DEF,
	  .def = 1, .help = "take large segments apart into packets" },
	[RTT] = { "rtt", NULL, OPT_TIME, WIRE_U32, TCA_CAKE_RTT, OPT_HAS_DEF, .min = US,
	  .def = 100 * MS,
	  .help = "round trip time to expect; the target delay is a twentieth of it" },
	[TARGET] = { "target", NULL, OPT_TIME, WIRE_U32, TCA_CAKE_TARGET, OPT_NO_MAN,
	  .help = "made from rtt" },
	[RAW] = { "raw", NULL, OPT_FLAG, WIRE_NONE, 0, 0,
	  .help = "count packets as the kernel sizes them; the default without overhead" },
	[ATM] = { "atm", NULL, OPT_ENUM, WIRE_U32, TCA_CAKE_ATM, OPT_HAS_DEF | OPT_BARE,
	  .names = atm_modes, .def = CAKE_ATM_NONE, .help = "cells or 64b/65b coding on the link" },
	[OVERHEAD] = { "overhead", NULL, OPT_INT, WIRE_U32, TCA_CAKE_OVERHEAD, OPT_HAS_DEF,
	  .min = (uint64_t)-64, .max = 256,
	  .help = "bytes added to each packet's network layer size" },
	[MPU] = { "mpu", NULL, OPT_NUM, WIRE_U32, TCA_CAKE_MPU, OPT_HAS_DEF | OPT_DEF_OFF,
	  .max = 256,
	  .help = "size that the smallest packets are counted as" },
	[MEMLIMIT] = { "memlimit", NULL, OPT_SIZE, WIRE_U32, TCA_CAKE_MEMORY,
	  OPT_HAS_DEF | OPT_DEF_OFF,
	  .help = "memory that waiting packets may hold; 4 rtt of the bandwidth where not said" },
	[FWMARK] = { "fwmark", NULL, OPT_HEX, WIRE_U32, TCA_CAKE_FWMARK, OPT_HAS_DEF | OPT_DEF_OFF,
	  .help = "mask of the mark's bits that choose the tin" },
};

#define SET(r, v) { .set = true, .row = (r), .value = (uint64_t)(v) }
#define ADD(n) { .set = true, .add = true, .row = OVERHEAD, .value = (n) }
#define PRESET(name, ns, text) { .word = name, .sets = { SET(RTT, ns) }, .help = text }
#define FRAME(name, mode, n, text) \
	{ .word = name, .sets = { SET(ATM, CAKE_ATM_##mode), ADD(n) }, .help = text }

static const struct opt_word words[] = {
	{ .word = "diffserv", .sets = { SET(DIFFSERV, CAKE_DIFFSERV_DIFFSERV4) },
	  .help = "diffserv4" },
	PRESET("datacentre", 100 * US, "rtt 100us"),
	PRESET("lan", MS, "rtt 1ms"),
	PRESET("metro", 10 * MS, "rtt 10ms"),
	PRESET("regional", 30 * MS, "rtt 30ms"),
	PRESET("internet", 100 * MS, "rtt 100ms"),
	PRESET("oceanic", 300 * MS, "rtt 300ms"),
	PRESET("satellite", UINT64_C(1000) * MS, "rtt 1s"),
	PRESET("interplanetary", UINT64_C(1000000) * MS, "rtt 1000s"),
	FRAME("conservative", ATM, 48, "atm overhead 48, more than any link has"),
	FRAME("ipoa-vcmux", ATM, 8, "atm overhead 8"),
	FRAME("ipoa-llcsnap", ATM, 16, "atm overhead 16"),
	FRAME("bridged-vcmux", ATM, 24, "atm overhead 24"),
	FRAME("bridged-llcsnap", ATM, 32, "atm overhead 32"),
	FRAME("pppoa-vcmux", ATM, 10, "atm overhead 10"),
	FRAME("pppoa-llc", ATM, 14, "atm overhead 14"),
	FRAME("pppoe-vcmux", ATM, 32, "atm overhead 32"),
	FRAME("pppoe-llcsnap", ATM, 40, "atm overhead 40"),
	FRAME("pppoe-ptm", PTM, 30, "ptm overhead 30"),
	FRAME("bridged-ptm", PTM, 22, "ptm overhead 22"),
	{ .word = "ethernet", .sets = { ADD(38), SET(MPU, 84) }, .help = "overhead 38 mpu 84" },
	{ .word = "ether-vlan", .sets = { ADD(4) },
	  .help = "4 more bytes of overhead; may be repeated" },
	{ .word = "docsis", .sets = { SET(ATM, CAKE_ATM_NONE), ADD(18), SET(MPU, 64) },
	  .help = "noatm overhead 18 mpu 64" },
	{ .word = "via-ethernet", .help = "nothing: what it once did, the kernel does by itself" },
	{ .word = NULL },
};

static void canon(struct opts *o)
{
	if (!(o->set & BIT(TARGET)) && opts_has(o, RTT)) {
		o->v[TARGET].u = o->v[RTT].u / 20 / US * US;
		if (!o->v[TARGET].u)
			o->v[TARGET].u = US;
		o->filled |= BIT(TARGET);
	}
	if (!(o->set & BIT(RAW))) {
		o->v[RAW].u = !(o->set & BIT(OVERHEAD));
		o->filled |= BIT(RAW);
	}
}

/* autorate-ingress sets the bandwidth as it goes. */
static uint64_t live(const struct opts *wanted)
{
	return opts_get(wanted, AUTORATE, 0) ? BIT(BANDWIDTH) : 0;
}

/* TCA_CAKE_OVERHEAD switches the kernel's compensation for headers on, TCA_CAKE_RAW off again. A
 * kernel without conntrack refuses even TCA_CAKE_NAT 0, so a new cake does without it. */
static int emit(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
		const struct wire *wire)
{
	struct nlattr *nest = nla_nest_start(msg, attr);
	bool nat = opts_get(o, NAT, 0);
	int err;

	if (!nest)
		return -EMSGSIZE;
	err = opts_put_rows(msg, kind, o, wire);
	if (err)
		return err;
	if ((opts_get(o, RAW, 0) && nla_put_u32(msg, TCA_CAKE_RAW, 0)) ||
	    ((nat || wire->change || o->set & BIT(NAT)) && nla_put_u32(msg, TCA_CAKE_NAT, nat)))
		return -EMSGSIZE;
	nla_nest_end_keep_empty(msg, nest);
	return 0;
}

static int read_options(const struct nlattr *attr, const struct kind *kind, struct opts *o,
			const struct wire *wire)
{
	const struct nlattr *nat = nla_find(nla_data(attr), nla_len(attr), TCA_CAKE_NAT);

	opts_put(o, RAW, nla_find(nla_data(attr), nla_len(attr), TCA_CAKE_RAW) != NULL);
	if (nat && nla_len(nat) >= 4)
		opts_put(o, NAT, nla_get_u32(nat) != 0);
	return opts_read_rows(nla_data(attr), nla_len(attr), kind, o, wire);
}

/* ---- counters: nested attributes, one nest a tin ---- */

struct counter {
	int attr;
	bool wide;
	const char *name;
	unsigned int scale;
};

static const struct counter counters[] = {
	{ TCA_CAKE_STATS_MEMORY_USED, false, "memory_used", 1 },
	{ TCA_CAKE_STATS_MEMORY_LIMIT, false, "memory_limit", 1 },
	{ TCA_CAKE_STATS_CAPACITY_ESTIMATE64, true, "capacity_estimate", 8 },
	{ TCA_CAKE_STATS_AVG_NETOFF, false, "avg_hdr_offset", 1 },
	{ TCA_CAKE_STATS_MIN_NETLEN, false, "min_network_size", 1 },
	{ TCA_CAKE_STATS_MAX_NETLEN, false, "max_network_size", 1 },
	{ TCA_CAKE_STATS_MIN_ADJLEN, false, "min_adj_size", 1 },
	{ TCA_CAKE_STATS_MAX_ADJLEN, false, "max_adj_size", 1 },
	{ 0, false, NULL, 0 },
};

static const struct counter tin_counters[] = {
	{ TCA_CAKE_TIN_STATS_THRESHOLD_RATE64, true, "threshold_rate", 8 },
	{ TCA_CAKE_TIN_STATS_SENT_BYTES64, true, "sent_bytes", 1 },
	{ TCA_CAKE_TIN_STATS_SENT_PACKETS, false, "sent_packets", 1 },
	{ TCA_CAKE_TIN_STATS_BACKLOG_BYTES, false, "backlog_bytes", 1 },
	{ TCA_CAKE_TIN_STATS_TARGET_US, false, "target_us", 1 },
	{ TCA_CAKE_TIN_STATS_INTERVAL_US, false, "interval_us", 1 },
	{ TCA_CAKE_TIN_STATS_PEAK_DELAY_US, false, "peak_delay_us", 1 },
	{ TCA_CAKE_TIN_STATS_AVG_DELAY_US, false, "avg_delay_us", 1 },
	{ TCA_CAKE_TIN_STATS_BASE_DELAY_US, false, "base_delay_us", 1 },
	{ TCA_CAKE_TIN_STATS_DROPPED_PACKETS, false, "drops", 1 },
	{ TCA_CAKE_TIN_STATS_ECN_MARKED_PACKETS, false, "ecn_mark", 1 },
	{ TCA_CAKE_TIN_STATS_ACKS_DROPPED_PACKETS, false, "ack_drops", 1 },
	{ TCA_CAKE_TIN_STATS_SPARSE_FLOWS, false, "sparse_flows", 1 },
	{ TCA_CAKE_TIN_STATS_BULK_FLOWS, false, "bulk_flows", 1 },
	{ TCA_CAKE_TIN_STATS_UNRESPONSIVE_FLOWS, false, "unresponsive_flows", 1 },
	{ TCA_CAKE_TIN_STATS_MAX_SKBLEN, false, "max_pkt_len", 1 },
	{ TCA_CAKE_TIN_STATS_FLOW_QUANTUM, false, "flow_quantum", 1 },
	{ 0, false, NULL, 0 },
};

/* Rates in bits per second. */
static json_t *counters_json(const struct counter *c, const void *data, int len)
{
	json_t *obj = json_object();

	for (; obj && c->name; c++) {
		const struct nlattr *a = nla_find(data, len, c->attr);

		if (!a || nla_len(a) < (c->wide ? 8 : 4))
			continue;
		json_object_set_new(obj, c->name, json_integer((json_int_t)(
			(c->wide ? nla_get_u64(a) : nla_get_u32(a)) * c->scale)));
	}
	return obj;
}

static json_t *stats(const void *data, size_t len)
{
	json_t *obj = counters_json(counters, data, (int)len), *tins;
	const struct nlattr *nest = nla_find(data, (int)len, TCA_CAKE_STATS_TIN_STATS), *tin;
	int i;

	tins = obj && nest ? json_array() : NULL;
	for (i = 1; tins && i <= TC_CAKE_MAX_TINS; i++) {
		tin = nla_find(nla_data(nest), nla_len(nest), i);
		if (tin)
			json_array_append_new(tins, counters_json(tin_counters, nla_data(tin), nla_len(tin)));
	}
	if (tins)
		json_object_set_new(obj, "tins", tins);
	return obj;
}

const struct kind qdisc_cake = {
	.type = KIND_QDISC, .name = "cake", .module = "sch_cake", .flags = KIND_LEAF,
	.help = "shaper, fair queues per host and flow, tins and short queues in one", ROWS(rows),
	.words = words, .canon = canon, .live = live, .emit = emit,
	.read = read_options, .stats = stats,
};
