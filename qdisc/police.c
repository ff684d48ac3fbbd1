// SPDX-License-Identifier: GPL-2.0-or-later
/* police: a token bucket that drops or marks off what exceeds it (net/sched/act_police.c, 6.12). */
#include "qdisc/filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/pkt_cls.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "qdisc/htb.h"
#include "qdisc/kind.h"
#include "qdisc/ratespec.h"

enum {
	/* The kernel refuses a rate without a rate table and a cell_log (qdisc_get_rtab(),
	 * net/sched/sch_api.c, 6.12), but reads neither when the link layer is known and mtu is set. */
	RATE_TABLE_BYTES = 1024,
	CELL_LOG = 3,
};

static const char *const linklayers[] = { "unaware", "ethernet", "atm", NULL };
static const char *const verdicts[] = { "continue", "drop", "ok", "pipe", "reclassify", NULL };

static const int verdict_wire[] = {
	[POLICE_CONTINUE] = TC_ACT_UNSPEC, [POLICE_DROP] = TC_ACT_SHOT, [POLICE_OK] = TC_ACT_OK,
	[POLICE_PIPE] = TC_ACT_PIPE, [POLICE_RECLASSIFY] = TC_ACT_RECLASSIFY,
};

static const struct opt rows[] = {
	[POLICE_RATE] = { "rate", NULL, OPT_RATE, WIRE_NONE, 0, OPT_REQUIRED, .min = 8,
	  .help = "rate up to which packets conform" },
	[POLICE_BURST] = { "burst", NULL, OPT_SIZE, WIRE_NONE, 0, OPT_REQUIRED, .min = 1,
	  .help = "bytes that conform at once; a larger packet never does" },
	[POLICE_MTU] = { "mtu", NULL, OPT_SIZE, WIRE_NONE, 0, OPT_HAS_DEF, .min = 1, .max = UINT32_MAX,
	  .def = UINT32_MAX, .help = "size above which a packet always exceeds" },
	[POLICE_PEAKRATE] = { "peakrate", NULL, OPT_RATE, WIRE_NONE, 0, 0, .min = 8,
	  .help = "rate at which a burst may be used up; needs mtu" },
	[POLICE_OVERHEAD] = { "overhead", NULL, OPT_NUM, WIRE_NONE, 0, 0, .max = UINT16_MAX,
	  .help = "bytes added to each packet" },
	[POLICE_LINKLAYER] = { "linklayer", NULL, OPT_ENUM, WIRE_NONE, 0, 0, .names = linklayers,
	  .help = "what carries the packets: ethernet, or atm cells" },
	[POLICE_CONFORM] = { "conform", NULL, OPT_ENUM, WIRE_NONE, 0, 0, .names = verdicts,
	  .help = "what becomes of packets within the rate" },
	[POLICE_EXCEED] = { "exceed", NULL, OPT_ENUM, WIRE_NONE, 0, 0, .names = verdicts,
	  .help = "what becomes of packets above the rate" },
	[POLICE_MPU] = { "mpu", NULL, OPT_NUM, WIRE_NONE, 0, 0, .max = UINT16_MAX,
	  .help = "size that the smallest packets are counted as" },
	[POLICE_INDEX] = { "index", NULL, OPT_NUM, WIRE_NONE, 0, OPT_NO_MAN, .min = 1, .max = UINT32_MAX,
	  .help = "number of the bucket: filters with the same one share it" },
};

static int check_police(const struct opts *o, struct opt_error *error)
{
	if (!opts_has(o, POLICE_PEAKRATE) || opts_get(o, POLICE_MTU, UINT32_MAX) < UINT32_MAX)
		return 0;
	snprintf(error->text, sizeof(error->text), "'peakrate' needs 'mtu'");
	return -EINVAL;
}

static void canon_police(struct opts *o)
{
	o->v[POLICE_BURST].u = burst_canon(o->v[POLICE_BURST].u, opts_get(o, POLICE_RATE, 0));
}

static void fill_rate(struct tc_ratespec *spec, const struct opts *o, unsigned int row)
{
	if (!opts_has(o, row))
		return;
	ratespec_fill(spec, o->v[row].u, (uint16_t)opts_get(o, POLICE_OVERHEAD, 0),
		      (uint16_t)opts_get(o, POLICE_MPU, 0),
		      (uint8_t)opts_get(o, POLICE_LINKLAYER, TC_LL_ETHERNET));
	spec->cell_log = CELL_LOG;
}

/* The table that the kernel insists on and the 64-bit rate. */
static int put_rate(struct nl_msg *msg, const struct opts *o, unsigned int row, int table, int wide)
{
	static const uint8_t empty[RATE_TABLE_BYTES];

	if (!opts_has(o, row))
		return 0;
	if (nla_put(msg, table, sizeof(empty), empty))
		return -EMSGSIZE;
	if (ratespec_needs_64(o->v[row].u) && nla_put_u64(msg, wide, o->v[row].u / 8))
		return -EMSGSIZE;
	return 0;
}

static int emit_police(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
		       const struct wire *wire)
{
	uint64_t conform = opts_get(o, POLICE_CONFORM, POLICE_OK);
	uint64_t exceed = opts_get(o, POLICE_EXCEED, POLICE_DROP);
	struct tc_police tbf = {
		.index = (uint32_t)opts_get(o, POLICE_INDEX, 0),
		.action = verdict_wire[exceed],
		.burst = burst_to_ticks(opts_get(o, POLICE_BURST, 0), opts_get(o, POLICE_RATE, 0)),
		.mtu = (uint32_t)opts_get(o, POLICE_MTU, UINT32_MAX),
	};
	struct nlattr *nest = nla_nest_start(msg, attr);

	(void)kind;
	(void)wire;
	fill_rate(&tbf.rate, o, POLICE_RATE);
	fill_rate(&tbf.peakrate, o, POLICE_PEAKRATE);
	if (!nest || nla_put(msg, TCA_POLICE_TBF, sizeof(tbf), &tbf) ||
	    put_rate(msg, o, POLICE_RATE, TCA_POLICE_RATE, TCA_POLICE_RATE64) ||
	    put_rate(msg, o, POLICE_PEAKRATE, TCA_POLICE_PEAKRATE, TCA_POLICE_PEAKRATE64) ||
	    nla_put_u32(msg, TCA_POLICE_RESULT, (uint32_t)verdict_wire[conform]))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int read_verdict(struct opts *o, unsigned int row, int action)
{
	unsigned int i;

	for (i = 0; i < sizeof(verdict_wire) / sizeof(verdict_wire[0]); i++)
		if (verdict_wire[i] == action) {
			opts_put(o, row, i);
			return 0;
		}
	return -EINVAL;
}

static int read_rate(const struct nlattr *attr, int wide, const struct tc_ratespec *spec,
		     struct opts *o, unsigned int row)
{
	const struct nlattr *rate64 = nla_find(nla_data(attr), nla_len(attr), wide);
	uint64_t rate_bytes = rate64 && nla_len(rate64) >= 8 ? nla_get_u64(rate64) : spec->rate;

	if (rate_bytes > UINT64_MAX / 8 || spec->linklayer > TC_LL_ATM)
		return -EINVAL;
	opts_put(o, row, rate_bytes * 8);
	return 0;
}

static int read_tbf(const struct nlattr *attr, const struct tc_police *tbf, struct opts *o)
{
	if (!tbf->rate.rate || read_rate(attr, TCA_POLICE_RATE64, &tbf->rate, o, POLICE_RATE))
		return -EINVAL;
	if (tbf->peakrate.rate &&
	    (read_rate(attr, TCA_POLICE_PEAKRATE64, &tbf->peakrate, o, POLICE_PEAKRATE) ||
	     tbf->peakrate.overhead != tbf->rate.overhead || tbf->peakrate.mpu != tbf->rate.mpu ||
	     tbf->peakrate.linklayer != tbf->rate.linklayer))
		return -EINVAL;
	opts_put(o, POLICE_BURST, burst_from_ticks(tbf->burst, o->v[POLICE_RATE].u));
	opts_put(o, POLICE_MTU, tbf->mtu);
	opts_put(o, POLICE_OVERHEAD, tbf->rate.overhead);
	opts_put(o, POLICE_MPU, tbf->rate.mpu);
	opts_put(o, POLICE_LINKLAYER, tbf->rate.linklayer);
	opts_put(o, POLICE_INDEX, tbf->index);
	return read_verdict(o, POLICE_EXCEED, tbf->action);
}

static int read_police(const struct nlattr *attr, const struct kind *kind, struct opts *o,
		       const struct wire *wire)
{
	static const uint16_t passed_over[] = {
		TCA_POLICE_TBF, TCA_POLICE_RATE, TCA_POLICE_PEAKRATE, TCA_POLICE_RATE64,
		TCA_POLICE_PEAKRATE64, TCA_POLICE_RESULT, TCA_POLICE_TM, TCA_POLICE_PAD, 0
	};
	const struct nlattr *nla = nla_find(nla_data(attr), nla_len(attr), TCA_POLICE_TBF);
	const struct nlattr *result = nla_find(nla_data(attr), nla_len(attr), TCA_POLICE_RESULT);
	struct tc_police tbf;

	(void)wire;
	if (!nla || nla_len(nla) < (int)sizeof(tbf) || filter_known_attrs(attr, kind, passed_over) ||
	    (result && nla_len(result) < 4))
		return -EINVAL;
	memcpy(&tbf, nla_data(nla), sizeof(tbf));
	/* the kernel tells the verdict on what conforms unless it is TC_ACT_OK, 0 */
	if (read_verdict(o, POLICE_CONFORM, result ? (int)nla_get_u32(result) : TC_ACT_OK))
		return -EINVAL;
	return read_tbf(attr, &tbf, o);
}

const struct kind action_police = {
	.type = KIND_ACTION, .name = "police", .module = "act_police",
	.help = "drops what exceeds a rate, without queueing it", ROWS(rows),
	.check = check_police, .canon = canon_police, .emit = emit_police, .read = read_police,
};
