// SPDX-License-Identifier: GPL-2.0-or-later
/* HTB: the qdisc and its classes (net/sched/sch_htb.c, 6.12). */
#include "qdisc/htb.h"

#include <errno.h>
#include <string.h>

#include <linux/pkt_sched.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "qdisc/kind.h"
#include "qdisc/ratespec.h"

enum { HTB_VERSION = 3 };

/* HTB has no change operation: every row of the qdisc is fixed at creation. */
static const struct opt qdisc_rows[] = {
	[HTB_DEFAULT] = { "default", NULL, OPT_HEX, WIRE_NONE, 0, OPT_INIT, .max = 0xffff,
	  .help = "minor of the class for packets that no filter matches" },
	[HTB_R2Q] = { "r2q", NULL, OPT_NUM, WIRE_NONE, 0, OPT_INIT, .min = 1, .max = UINT32_MAX,
	  .help = "divisor that makes a quantum of a rate where a class has none" },
	[HTB_DIRECT_QLEN] = { "direct_qlen", NULL, OPT_NUM, WIRE_U32, TCA_HTB_DIRECT_QLEN, OPT_INIT,
	  .help = "packets that may wait unclassified" },
};

static int emit_qdisc(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
		      const struct wire *wire)
{
	struct tc_htb_glob glob = {
		.version = HTB_VERSION,
		.rate2quantum = (uint32_t)opts_get(o, HTB_R2Q, 10),
		.defcls = (uint32_t)opts_get(o, HTB_DEFAULT, 0),
	};
	struct nlattr *nest = nla_nest_start(msg, attr);
	int err;

	if (!nest || nla_put(msg, TCA_HTB_INIT, sizeof(glob), &glob))
		return -EMSGSIZE;
	err = opts_put_rows(msg, kind, o, wire);
	nla_nest_end(msg, nest);
	return err;
}

static int read_qdisc(const struct nlattr *attr, const struct kind *kind, struct opts *o,
		      const struct wire *wire)
{
	const struct nlattr *init = nla_find(nla_data(attr), nla_len(attr), TCA_HTB_INIT);
	struct tc_htb_glob glob;

	if (!init || nla_len(init) < (int)sizeof(glob))
		return -EINVAL;
	memcpy(&glob, nla_data(init), sizeof(glob));
	opts_put(o, HTB_DEFAULT, glob.defcls);
	opts_put(o, HTB_R2Q, glob.rate2quantum);
	return opts_read_rows(nla_data(attr), nla_len(attr), kind, o, wire);
}

static const char *const linklayers[] = { "unaware", "ethernet", "atm", NULL };

static const struct opt class_rows[] = {
	[HTB_RATE] = { "rate", NULL, OPT_RATE, WIRE_NONE, 0, OPT_REQUIRED, .min = 8,
	  .help = "rate that the class is sure of" },
	[HTB_CEIL] = { "ceil", NULL, OPT_RATE, WIRE_NONE, 0, 0, .min = 8,
	  .help = "rate up to which it may borrow from its parent" },
	[HTB_BURST] = { "burst", NULL, OPT_SIZE, WIRE_NONE, 0, 0,
	  .help = "bytes that it may send at once at its rate" },
	[HTB_CBURST] = { "cburst", NULL, OPT_SIZE, WIRE_NONE, 0, 0,
	  .help = "bytes that it may send at once at its ceil" },
	[HTB_PRIO] = { "prio", NULL, OPT_NUM, WIRE_NONE, 0, 0, .max = 7,
	  .help = "order in which classes are offered what is left, 0 first" },
	[HTB_QUANTUM] = { "quantum", NULL, OPT_SIZE, WIRE_NONE, 0, 0, .min = 1, .max = INT32_MAX,
	  .help = "bytes that it sends in its turn among classes that borrow" },
	[HTB_OVERHEAD] = { "overhead", NULL, OPT_NUM, WIRE_NONE, 0, 0, .max = UINT16_MAX,
	  .help = "bytes added to each packet" },
	[HTB_MPU] = { "mpu", NULL, OPT_NUM, WIRE_NONE, 0, 0, .max = UINT16_MAX,
	  .help = "size that the smallest packets are counted as" },
	[HTB_LINKLAYER] = { "linklayer", NULL, OPT_ENUM, WIRE_NONE, 0, 0, .names = linklayers,
	  .help = "what carries the packets: ethernet, or atm cells" },
};

static void canon_class(struct opts *o)
{
	uint64_t rate_bit = opts_get(o, HTB_RATE, 0);
	uint64_t ceil_bit = opts_get(o, HTB_CEIL, rate_bit);

	o->v[HTB_BURST].u = burst_canon(o->v[HTB_BURST].u, rate_bit);
	o->v[HTB_CBURST].u = burst_canon(o->v[HTB_CBURST].u, ceil_bit);
}

static void fill_ratespec(struct tc_ratespec *spec, uint64_t rate_bit, const struct opts *o)
{
	ratespec_fill(spec, rate_bit, (uint16_t)opts_get(o, HTB_OVERHEAD, 0),
		      (uint16_t)opts_get(o, HTB_MPU, 0),
		      (uint8_t)opts_get(o, HTB_LINKLAYER, TC_LL_ETHERNET));
}

/* What an inner class gets: it has no turns of its own, but left at 0 the kernel would make one of
 * the rate and warn where it is not within 1,000 and 200,000. */
uint64_t htb_quiet_quantum(uint64_t rate_bit)
{
	uint64_t quantum = rate_bit / 8 / 10;

	return quantum < 1514 ? 1514 : quantum > 200000 ? 200000 : quantum;
}

/* Rate tables are left out: the kernel computes from the ratespec (kernel 3.8 and later). */
static int emit_class(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
		      const struct wire *wire)
{
	uint64_t rate_bit = opts_get(o, HTB_RATE, 0);
	uint64_t ceil_bit = opts_get(o, HTB_CEIL, rate_bit);
	struct tc_htb_opt opt = {
		.buffer = burst_to_ticks(opts_get(o, HTB_BURST, 0), rate_bit),
		.cbuffer = burst_to_ticks(opts_get(o, HTB_CBURST, 0), ceil_bit),
		.quantum = (uint32_t)opts_get(o, HTB_QUANTUM, htb_quiet_quantum(rate_bit)),
		.prio = (uint32_t)opts_get(o, HTB_PRIO, 0),
	};
	struct nlattr *nest = nla_nest_start(msg, attr);

	(void)kind;
	(void)wire;
	fill_ratespec(&opt.rate, rate_bit, o);
	fill_ratespec(&opt.ceil, ceil_bit, o);
	if (!nest || nla_put(msg, TCA_HTB_PARMS, sizeof(opt), &opt) ||
	    (ratespec_needs_64(rate_bit) && nla_put_u64(msg, TCA_HTB_RATE64, rate_bit / 8)) ||
	    (ratespec_needs_64(ceil_bit) && nla_put_u64(msg, TCA_HTB_CEIL64, ceil_bit / 8)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static uint64_t read_rate(const struct nlattr *attr, int attr64, uint32_t rate_bytes)
{
	const struct nlattr *wide = nla_find(nla_data(attr), nla_len(attr), attr64);

	return (wide && nla_len(wide) >= 8 ? nla_get_u64(wide) : rate_bytes) * 8;
}

static int read_class(const struct nlattr *attr, const struct kind *kind, struct opts *o,
		      const struct wire *wire)
{
	const struct nlattr *parms = nla_find(nla_data(attr), nla_len(attr), TCA_HTB_PARMS);
	struct tc_htb_opt opt;

	(void)kind;
	(void)wire;
	if (!parms || nla_len(parms) < (int)sizeof(opt))
		return -EINVAL;
	memcpy(&opt, nla_data(parms), sizeof(opt));
	opts_put(o, HTB_RATE, read_rate(attr, TCA_HTB_RATE64, opt.rate.rate));
	opts_put(o, HTB_CEIL, read_rate(attr, TCA_HTB_CEIL64, opt.ceil.rate));
	opts_put(o, HTB_BURST, burst_from_ticks(opt.buffer, o->v[HTB_RATE].u));
	opts_put(o, HTB_CBURST, burst_from_ticks(opt.cbuffer, o->v[HTB_CEIL].u));
	opts_put(o, HTB_PRIO, opt.prio);
	opts_put(o, HTB_QUANTUM, opt.quantum);
	opts_put(o, HTB_OVERHEAD, opt.rate.overhead);
	opts_put(o, HTB_MPU, opt.rate.mpu);
	opts_put(o, HTB_LINKLAYER, opt.rate.linklayer > TC_LL_ATM ? TC_LL_UNAWARE : opt.rate.linklayer);
	return 0;
}

const struct kind qdisc_htb = {
	.type = KIND_QDISC, .name = "htb", .module = "sch_htb",
	.help = "hierarchical token buckets: the trees that weir builds", ROWS(qdisc_rows),
	.emit = emit_qdisc, .read = read_qdisc,
};

const struct kind class_htb = {
	.type = KIND_CLASS, .name = "htb", .module = "sch_htb",
	.help = "a class of such a tree", ROWS(class_rows),
	.canon = canon_class, .emit = emit_class, .read = read_class,
};
