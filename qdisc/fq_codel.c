// SPDX-License-Identifier: GPL-2.0-or-later
/* fq_codel: flow queueing with CoDel on each queue (net/sched/sch_fq_codel.c, 6.12). */
#include <errno.h>
#include <string.h>

#include <linux/pkt_sched.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "qdisc/kind.h"
#include "qdisc/xstats.h"

enum { LIMIT, MEMORY_LIMIT, FLOWS, TARGET, INTERVAL, QUANTUM, CE_THRESHOLD, SELECTOR, ECN, DROP_BATCH };

static const struct opt rows[] = {
	[LIMIT] = { "limit", NULL, OPT_NUM, WIRE_U32, TCA_FQ_CODEL_LIMIT, OPT_HAS_DEF, .min = 1,
	  .def = 10240, .help = "packets that may wait in all queues together" },
	[MEMORY_LIMIT] = { "memory_limit", NULL, OPT_SIZE, WIRE_U32, TCA_FQ_CODEL_MEMORY_LIMIT,
	  OPT_HAS_DEF, .max = UINT32_C(1) << 31, .def = 32 << 20,
	  .help = "memory that waiting packets may hold" },
	[FLOWS] = { "flows", NULL, OPT_NUM, WIRE_U32, TCA_FQ_CODEL_FLOWS, OPT_HAS_DEF | OPT_INIT,
	  .min = 1, .max = 65536, .def = 1024, .help = "queues that flows are hashed to" },
	[TARGET] = { "target", NULL, OPT_CODEL_TIME, WIRE_U32, TCA_FQ_CODEL_TARGET, OPT_HAS_DEF,
	  .def = 5000000, .help = "acceptable standing delay" },
	[INTERVAL] = { "interval", NULL, OPT_CODEL_TIME, WIRE_U32, TCA_FQ_CODEL_INTERVAL,
	  OPT_HAS_DEF,
	  .def = 100000000, .help = "time the delay may exceed the target before a drop" },
	[QUANTUM] = { "quantum", NULL, OPT_SIZE, WIRE_U32, TCA_FQ_CODEL_QUANTUM,
	  OPT_HAS_DEF | OPT_DEF_FRAMES | OPT_PLAIN, .min = 256, .max = 1 << 20, .def = 1,
	  .help = "bytes a queue may send in its turn" },
	[CE_THRESHOLD] = { "ce_threshold", NULL, OPT_CODEL_TIME, WIRE_U32,
	  TCA_FQ_CODEL_CE_THRESHOLD,
	  OPT_HAS_DEF | OPT_DEF_OFF, .def = OPT_CODEL_OFF_NS,
	  .help = "delay above which ECN packets are marked" },
	[SELECTOR] = { "ce_threshold_selector", NULL, OPT_MASKED, WIRE_NONE, 0,
	  OPT_HAS_DEF | OPT_DEF_OFF, .max = UINT8_MAX,
	  .help = "mark above ce_threshold only where the DS field, masked, has this value" },
	[ECN] = { "ecn", "noecn", OPT_FLAG, WIRE_U32, TCA_FQ_CODEL_ECN, OPT_HAS_DEF, .def = 1,
	  .help = "mark ECN packets instead of dropping them" },
	[DROP_BATCH] = { "drop_batch", NULL, OPT_NUM, WIRE_U32, TCA_FQ_CODEL_DROP_BATCH_SIZE,
	  OPT_HAS_DEF, .min = 1, .def = 64,
	  .help = "packets dropped at once when the limit is passed" },
};

static int check(const struct opts *o, struct opt_error *error)
{
	if (opts_has(o, SELECTOR) && !opts_has(o, CE_THRESHOLD)) {
		strcpy(error->text, "'ce_threshold_selector' goes with 'ce_threshold' only");
		return -EINVAL;
	}
	return 0;
}

static int emit(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
		const struct wire *wire)
{
	struct nlattr *nest = nla_nest_start(msg, attr);
	uint64_t selector = opts_get(o, SELECTOR, 0);
	int err;

	if (!nest)
		return -EMSGSIZE;
	err = opts_put_rows(msg, kind, o, wire);
	if (err)
		return err;
	if (opts_has(o, SELECTOR) &&
	    (nla_put_u8(msg, TCA_FQ_CODEL_CE_THRESHOLD_SELECTOR, (uint8_t)selector) ||
	     nla_put_u8(msg, TCA_FQ_CODEL_CE_THRESHOLD_MASK, (uint8_t)(selector >> 32))))
		return -EMSGSIZE;
	nla_nest_end_keep_empty(msg, nest);
	return 0;
}

static int read_options(const struct nlattr *attr, const struct kind *kind, struct opts *o,
			const struct wire *wire)
{
	const struct nlattr *value, *mask;

	value = nla_find(nla_data(attr), nla_len(attr), TCA_FQ_CODEL_CE_THRESHOLD_SELECTOR);
	mask = nla_find(nla_data(attr), nla_len(attr), TCA_FQ_CODEL_CE_THRESHOLD_MASK);
	if (value && mask && nla_len(value) >= 1 && nla_len(mask) >= 1)
		opts_put(o, SELECTOR, (uint64_t)nla_get_u8(mask) << 32 | nla_get_u8(value));
	return opts_read_rows(nla_data(attr), nla_len(attr), kind, o, wire);
}

#define FIELD(name, member) \
	{ name, offsetof(struct tc_fq_codel_xstats, qdisc_stats.member), XSTAT_U32 }
static const struct xstat xstats[] = {
	FIELD("maxpacket", maxpacket), FIELD("drop_overlimit", drop_overlimit),
	FIELD("ecn_mark", ecn_mark), FIELD("new_flow_count", new_flow_count),
	FIELD("new_flows_len", new_flows_len), FIELD("old_flows_len", old_flows_len),
	FIELD("ce_mark", ce_mark), FIELD("memory_used", memory_usage),
	FIELD("drop_overmemory", drop_overmemory), { NULL, 0, 0 },
};

static json_t *stats(const void *data, size_t len)
{
	uint32_t type;

	if (len < sizeof(type))
		return NULL;
	memcpy(&type, data, sizeof(type));
	return type == TCA_FQ_CODEL_XSTATS_QDISC ? xstats_json(xstats, data, len) : NULL;
}

const struct kind qdisc_fq_codel = {
	.type = KIND_QDISC, .name = "fq_codel", .module = "sch_fq_codel", .flags = KIND_LEAF,
	.help = "fair queues, each kept short by CoDel", ROWS(rows),
	.check = check, .emit = emit, .read = read_options, .stats = stats,
};
