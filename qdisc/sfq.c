// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sfq: stochastic fair queues, with RED on each where asked for (net/sched/sch_sfq.c, 6.12). The
 * kernel has no change operation for it (.change = NULL): every row is fixed at creation.
 */
#include <errno.h>
#include <string.h>

#include <linux/pkt_sched.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "qdisc/kind.h"
#include "qdisc/redcalc.h"

enum {
	DEPTH_MAX = 127,		/* SFQ_MAX_DEPTH */
	FLOWS_MAX = 0x10000 - DEPTH_MAX - 1, /* SFQ_MAX_FLOWS */
	DEFAULT_DIVISOR = 1024, DEFAULT_FLOWS = 128, DEFAULT_AVPKT = 1000,
	DEFAULT_PROBABILITY = 20000000,	/* 0.02 */
};

enum {
	LIMIT, PERTURB, QUANTUM, DIVISOR, FLOWS, DEPTH, HEADDROP,
	REDFLOWLIMIT, MIN, MAX, AVPKT, BURST, PROBABILITY, ECN, HARDDROP, WLOG, PLOG,
};

#define BIT(row) (UINT64_C(1) << (row))
#define RED_ROWS (BIT(REDFLOWLIMIT) | BIT(MIN) | BIT(MAX) | BIT(AVPKT) | BIT(BURST) | \
		  BIT(PROBABILITY) | BIT(ECN) | BIT(HARDDROP))

static const struct opt rows[] = {
	[LIMIT] = { "limit", NULL, OPT_NUM, WIRE_NONE, 0, OPT_HAS_DEF | OPT_INIT, .min = 2,
	  .max = DEPTH_MAX * FLOWS_MAX, .def = DEPTH_MAX,
	  .help = "packets that may wait, at most depth x flows" },
	[PERTURB] = { "perturb", NULL, OPT_NUM, WIRE_NONE, 0, OPT_HAS_DEF | OPT_INIT | OPT_DEF_OFF,
	  .max = INT32_MAX / 1000, .help = "seconds after which flows are hashed anew" },
	[QUANTUM] = { "quantum", NULL, OPT_SIZE, WIRE_NONE, 0,
	  OPT_HAS_DEF | OPT_INIT | OPT_DEF_FRAMES,
	  .min = 256, .max = 8 * INT16_MAX, .def = 1, .help = "bytes a flow may send in its turn" },
	[DIVISOR] = { "divisor", NULL, OPT_NUM, WIRE_NONE, 0, OPT_HAS_DEF | OPT_INIT, .min = 1,
	  .max = 65536, .def = DEFAULT_DIVISOR, .help = "size of the hash table, a power of 2" },
	[FLOWS] = { "flows", NULL, OPT_NUM, WIRE_NONE, 0, OPT_HAS_DEF | OPT_INIT, .min = 1,
	  .max = FLOWS_MAX, .def = DEFAULT_FLOWS, .help = "queues, at most divisor and limit" },
	[DEPTH] = { "depth", NULL, OPT_NUM, WIRE_NONE, 0, OPT_HAS_DEF | OPT_INIT, .min = 1,
	  .max = DEPTH_MAX, .def = DEPTH_MAX, .help = "packets of one flow that may wait" },
	[HEADDROP] = { "headdrop", NULL, OPT_FLAG, WIRE_NONE, 0, OPT_HAS_DEF | OPT_INIT,
	  .help = "drop a full flow's oldest packet, not its newest" },
	[REDFLOWLIMIT] = { "redflowlimit", NULL, OPT_SIZE, WIRE_NONE, 0,
	  OPT_INIT | OPT_WRITE_ONLY | OPT_PLAIN, .min = 1, .max = UINT32_MAX,
	  .help = "bytes of one flow that may wait; switches RED on, and gives max its default" },
	[MIN] = { "min", NULL, OPT_SIZE, WIRE_NONE, 0,
	  OPT_HAS_DEF | OPT_INIT | OPT_DEF_OFF | OPT_PLAIN, .min = 1, .max = INT32_MAX,
	  .help = "average bytes of a flow from which packets are marked; a third of max" },
	[MAX] = { "max", NULL, OPT_SIZE, WIRE_NONE, 0,
	  OPT_HAS_DEF | OPT_INIT | OPT_DEF_OFF | OPT_PLAIN, .min = 1, .max = INT32_MAX,
	  .help = "average bytes of a flow from which every packet is marked; a quarter of redflowlimit" },
	[AVPKT] = { "avpkt", NULL, OPT_SIZE, WIRE_NONE, 0, OPT_INIT | OPT_WRITE_ONLY, .min = 1,
	  .max = UINT32_MAX, .help = "average packet size, 1000 where not said" },
	[BURST] = { "burst", NULL, OPT_NUM, WIRE_NONE, 0, OPT_INIT | OPT_WRITE_ONLY, .min = 1,
	  .max = UINT32_MAX, .help = "packets that may come at once before the average follows" },
	[PROBABILITY] = { "probability", NULL, OPT_FRACTION, WIRE_NONE, 0, OPT_INIT, .min = 1,
	  .max = OPT_FRACTION_ONE - 1,
	  .help = "probability of a mark at max, 0.02 where not said" },
	[ECN] = { "ecn", NULL, OPT_FLAG, WIRE_NONE, 0, OPT_HAS_DEF | OPT_INIT,
	  .help = "mark ECN packets instead of dropping them" },
	[HARDDROP] = { "harddrop", NULL, OPT_FLAG, WIRE_NONE, 0, OPT_HAS_DEF | OPT_INIT,
	  .help = "drop, do not mark, above max" },
	[WLOG] = { "ewma", NULL, OPT_NUM, WIRE_NONE, 0, OPT_INIT | OPT_NO_MAN,
	  .help = "log of the average's filter constant, made from min, burst and avpkt" },
	[PLOG] = { "Plog", NULL, OPT_NUM, WIRE_NONE, 0, OPT_INIT | OPT_NO_MAN,
	  .help = "log of probability / (max - min)" },
};

struct red {
	uint64_t min_bytes, max_bytes, probability;
	int wlog, plog;
};

static uint64_t said(const struct opts *o, unsigned int row, uint64_t otherwise)
{
	return o->set & BIT(row) ? o->v[row].u : otherwise;
}

/* RED's parameters, defaults worked out. 0, or -ERANGE. */
static int red_of(const struct opts *o, struct red *red)
{
	uint64_t avpkt = said(o, AVPKT, DEFAULT_AVPKT), burst;

	red->max_bytes = said(o, MAX, said(o, REDFLOWLIMIT, 0) / 4);
	red->min_bytes = said(o, MIN, red_default_min(red->max_bytes));
	red->probability = said(o, PROBABILITY, DEFAULT_PROBABILITY);
	burst = said(o, BURST, red_default_burst(red->min_bytes, red->max_bytes, avpkt));
	red->wlog = red_wlog(red->min_bytes, burst, avpkt);
	red->plog = red_plog(red->min_bytes, red->max_bytes, red->probability);
	return red->wlog < 0 || red->plog < 0 ? -ERANGE : 0;
}

static int check_red(const struct opts *o, struct opt_error *error)
{
	uint64_t avpkt = opts_get(o, AVPKT, DEFAULT_AVPKT);
	struct red red;
	int err = red_of(o, &red);

	if (!opts_has(o, REDFLOWLIMIT))
		strcpy(error->text, "sfq's red options need 'redflowlimit'");
	else if (red.max_bytes > opts_get(o, REDFLOWLIMIT, 0))
		strcpy(error->text, "'max' is larger than 'redflowlimit'");
	else if (!red.min_bytes || red.min_bytes >= red.max_bytes)
		strcpy(error->text, "'min' is not smaller than 'max', or 'redflowlimit' is too small");
	else if (red.wlog < 0)
		snprintf(error->text, sizeof(error->text), "'burst' is too small or too large: from %u packets",
			 (unsigned int)red_burst_min(red.min_bytes, avpkt));
	else if (red.max_bytes >> (31 - red.wlog))	/* red_check_params(), 6.12 */
		strcpy(error->text, "'burst' and 'max' are too large together");
	else if (err)
		strcpy(error->text, "'probability' is too small for max - min");
	else
		return 0;
	return -EINVAL;
}

static int check(const struct opts *o, struct opt_error *error)
{
	uint64_t divisor = opts_get(o, DIVISOR, DEFAULT_DIVISOR);
	uint64_t flows = opts_get(o, FLOWS, DEFAULT_FLOWS), room;

	if (flows > divisor)
		flows = divisor;
	room = flows * opts_get(o, DEPTH, DEPTH_MAX);
	if (divisor & (divisor - 1))
		strcpy(error->text, "'divisor' is not a power of 2");
	else if (opts_get(o, LIMIT, 2) > room)
		snprintf(error->text, sizeof(error->text),
			 "'limit' is larger than depth x flows (%u packets): raise 'flows' or 'depth'",
			 (unsigned int)room);
	else if (room < 2)
		strcpy(error->text, "depth x flows is less than 2 packets");
	else
		return o->set & RED_ROWS ? check_red(o, error) : 0;
	return -EINVAL;
}

static void lower(struct opts *o, unsigned int row, uint64_t most)
{
	if (opts_has(o, row) && o->v[row].u > most)
		o->v[row].u = most;
}

static void fill(struct opts *o, unsigned int row, uint64_t value)
{
	if (o->set & BIT(row))
		return;
	o->v[row].u = value;
	o->filled |= BIT(row);
}

/* As sfq_change() bounds them, and the defaults of RED. */
static void canon(struct opts *o)
{
	struct red red;

	lower(o, FLOWS, opts_get(o, DIVISOR, UINT64_MAX));
	if (opts_has(o, FLOWS) && opts_has(o, DEPTH))
		lower(o, LIMIT, o->v[FLOWS].u * o->v[DEPTH].u);
	lower(o, FLOWS, opts_get(o, LIMIT, UINT64_MAX));
	if (!opts_has(o, REDFLOWLIMIT) || red_of(o, &red))
		return;
	fill(o, MAX, red.max_bytes);
	fill(o, MIN, red.min_bytes);
	fill(o, PROBABILITY, red.probability);
	fill(o, WLOG, (uint64_t)red.wlog);
	fill(o, PLOG, (uint64_t)red.plog);
}

static int emit(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
		const struct wire *wire)
{
	struct tc_sfq_qopt_v1 opt = {
		.v0 = {
			.quantum = (uint32_t)opts_get(o, QUANTUM, 0),
			.perturb_period = (int)opts_get(o, PERTURB, 0),
			.limit = (uint32_t)opts_get(o, LIMIT, 0),
			.divisor = (uint32_t)opts_get(o, DIVISOR, 0),
			.flows = (uint32_t)opts_get(o, FLOWS, 0),
		},
		.depth = (uint32_t)opts_get(o, DEPTH, 0),
		.headdrop = (uint32_t)opts_get(o, HEADDROP, 0),
		.limit = (uint32_t)opts_get(o, REDFLOWLIMIT, 0),
		.qth_min = (uint32_t)opts_get(o, MIN, 0),
		.qth_max = (uint32_t)opts_get(o, MAX, 0),
		.Wlog = (unsigned char)opts_get(o, WLOG, 0),
		.Plog = (unsigned char)opts_get(o, PLOG, 0),
		.max_P = opt_fraction_to_wire(opts_get(o, PROBABILITY, 0)),
	};

	(void)kind;
	(void)wire;
	opt.flags = (unsigned char)((opts_get(o, ECN, 0) ? TC_RED_ECN : 0) |
				    (opts_get(o, HARDDROP, 0) ? TC_RED_HARDDROP : 0));
	return nla_put(msg, attr, sizeof(opt), &opt) ? -EMSGSIZE : 0;
}

static void read_red(const struct tc_sfq_qopt_v1 *opt, struct opts *o)
{
	opts_put(o, PROBABILITY, opt_fraction_from_wire(opt->max_P));
	opts_put(o, WLOG, opt->Wlog);
	opts_put(o, PLOG, opt->Plog);
}

static int read_options(const struct nlattr *attr, const struct kind *kind, struct opts *o,
			const struct wire *wire)
{
	struct tc_sfq_qopt_v1 opt;

	(void)kind;
	(void)wire;
	if (nla_len(attr) < (int)sizeof(opt))
		return -EINVAL;
	memcpy(&opt, nla_data(attr), sizeof(opt));
	opts_put(o, QUANTUM, opt.v0.quantum);
	opts_put(o, PERTURB, (uint64_t)opt.v0.perturb_period);
	opts_put(o, LIMIT, opt.v0.limit);
	opts_put(o, DIVISOR, opt.v0.divisor);
	opts_put(o, FLOWS, opt.v0.flows);
	opts_put(o, DEPTH, opt.depth);
	opts_put(o, HEADDROP, opt.headdrop != 0);
	opts_put(o, ECN, (opt.flags & TC_RED_ECN) != 0);
	opts_put(o, HARDDROP, (opt.flags & TC_RED_HARDDROP) != 0);
	opts_put(o, MIN, opt.qth_min);
	opts_put(o, MAX, opt.qth_max);
	if (opt.qth_min)
		read_red(&opt, o);
	return 0;
}

const struct kind qdisc_sfq = {
	.type = KIND_QDISC, .name = "sfq", .module = "sch_sfq", .flags = KIND_LEAF,
	.help = "stochastic fair queues, with RED on each where asked for", ROWS(rows),
	.check = check, .canon = canon, .emit = emit, .read = read_options,
};
