// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * red: one queue, which marks or drops the more, the longer its average is
 * (net/sched/sch_red.c, 6.12). Binding a qevent to a block is not part of it.
 */
#include <errno.h>
#include <string.h>

#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "qdisc/kind.h"
#include "qdisc/redcalc.h"
#include "qdisc/xstats.h"

enum {
	LIMIT, MIN, MAX, AVPKT, BURST, PROBABILITY, BANDWIDTH, ECN, HARDDROP, NODROP, ADAPTIVE,
	WLOG, PLOG, SCELL,
};

#define BIT(row) (UINT64_C(1) << (row))

static const struct opt rows[] = {
	[LIMIT] = { "limit", NULL, OPT_SIZE, WIRE_NONE, 0, OPT_REQUIRED, .min = 1,
	  .max = UINT32_MAX,
	  .help = "bytes that may wait" },
	[MIN] = { "min", NULL, OPT_SIZE, WIRE_NONE, 0, 0, .min = 1, .max = INT32_MAX,
	  .help = "average queue from which packets are marked; a third of max" },
	[MAX] = { "max", NULL, OPT_SIZE, WIRE_NONE, 0, 0, .min = 1, .max = INT32_MAX,
	  .help = "average queue from which every packet is marked; 3 x min, or a quarter of limit" },
	[AVPKT] = { "avpkt", NULL, OPT_SIZE, WIRE_NONE, 0, OPT_REQUIRED | OPT_WRITE_ONLY, .min = 1,
	  .max = UINT32_MAX, .help = "average packet size; 1000 is a good value" },
	[BURST] = { "burst", NULL, OPT_NUM, WIRE_NONE, 0, OPT_WRITE_ONLY, .min = 1,
	  .max = UINT32_MAX,
	  .help = "packets that may come at once before the average follows; (2 min + max) / (3 avpkt)" },
	[PROBABILITY] = { "probability", NULL, OPT_FRACTION, WIRE_NONE, 0, OPT_HAS_DEF, .min = 1,
	  .max = OPT_FRACTION_ONE - 1, .def = 20000000, .help = "probability of a mark at max" },
	[BANDWIDTH] = { "bandwidth", NULL, OPT_RATE, WIRE_NONE, 0, OPT_HAS_DEF | OPT_WRITE_ONLY,
	  .min = 8, .def = 10000000, .help = "rate of the link, for the average after idle time" },
	[ECN] = { "ecn", NULL, OPT_FLAG, WIRE_NONE, 0, OPT_HAS_DEF,
	  .help = "mark ECN packets instead of dropping them" },
	[HARDDROP] = { "harddrop", NULL, OPT_FLAG, WIRE_NONE, 0, OPT_HAS_DEF,
	  .help = "drop, do not mark, above max" },
	[NODROP] = { "nodrop", NULL, OPT_FLAG, WIRE_NONE, 0, OPT_HAS_DEF | OPT_INIT,
	  .help = "with ecn: queue, do not drop early, what cannot be marked" },
	[ADAPTIVE] = { "adaptive", NULL, OPT_FLAG, WIRE_NONE, 0, OPT_HAS_DEF,
	  .help = "the kernel moves probability so that the average stays between min and max" },
	[WLOG] = { "ewma", NULL, OPT_NUM, WIRE_NONE, 0, OPT_NO_MAN,
	  .help = "log of the average's filter constant, made from min, burst and avpkt" },
	[PLOG] = { "Plog", NULL, OPT_NUM, WIRE_NONE, 0, OPT_NO_MAN,
	  .help = "log of probability / (max - min)" },
	[SCELL] = { "Scell_log", NULL, OPT_NUM, WIRE_NONE, 0, OPT_NO_MAN,
	  .help = "log of the cell of the table for idle time" },
};

static const struct opt_word words[] = {
	{ .word = "adaptative", .same = "adaptive", .help = "older spelling of adaptive" },
	{ .word = NULL },
};

struct red {
	uint64_t min_bytes, max_bytes, burst, avpkt_bytes;
	int wlog, plog;
};

static uint64_t said(const struct opts *o, unsigned int row, uint64_t otherwise)
{
	return o->set & BIT(row) ? o->v[row].u : otherwise;
}

/* What the kernel wants, defaults worked out from what was said. 0, or -ERANGE. */
static int red_of(const struct opts *o, struct red *red)
{
	red->avpkt_bytes = said(o, AVPKT, 0);
	red->max_bytes = said(o, MAX, red_default_max(said(o, MIN, 0), said(o, LIMIT, 0)));
	red->min_bytes = said(o, MIN, red_default_min(red->max_bytes));
	red->burst = said(o, BURST,
			  red_default_burst(red->min_bytes, red->max_bytes, red->avpkt_bytes));
	red->wlog = red_wlog(red->min_bytes, red->burst, red->avpkt_bytes);
	red->plog = red_plog(red->min_bytes, red->max_bytes, said(o, PROBABILITY, rows[PROBABILITY].def));
	return red->wlog < 0 || red->plog < 0 ? -ERANGE : 0;
}

/* The kernel keeps thresholds shifted left by Wlog, in 31 bits (red_check_params()). */
static bool fits(const struct red *red)
{
	return red->wlog >= 0 && red->max_bytes < UINT64_C(1) << (31 - red->wlog);
}

static int check(const struct opts *o, struct opt_error *error)
{
	struct red red;
	int err = red_of(o, &red);

	if (red.max_bytes > said(o, LIMIT, 0))
		strcpy(error->text, "'max' is larger than 'limit'");
	else if (!red.min_bytes || red.min_bytes >= red.max_bytes)
		strcpy(error->text, "'min' is not smaller than 'max', or 'limit' is too small");
	else if (red.wlog < 0)
		snprintf(error->text, sizeof(error->text),
			 "'burst' of %u packets is too small or too large: at least %u",
			 (unsigned int)red.burst,
			 (unsigned int)red_burst_min(red.min_bytes, red.avpkt_bytes));
	else if (!fits(&red))
		strcpy(error->text, "'burst' and 'max' are too large together");
	else if (err)
		strcpy(error->text, "'probability' is too small for max - min");
	else if (said(o, NODROP, 0) && !said(o, ECN, 0))
		strcpy(error->text, "'nodrop' goes with 'ecn' only");
	else if (said(o, NODROP, 0) && said(o, ADAPTIVE, 0))
		strcpy(error->text, "the kernel does not adapt with 'nodrop': leave out 'adaptive'");
	else
		return 0;
	return -EINVAL;
}

static void fill(struct opts *o, unsigned int row, uint64_t value)
{
	if (o->set & BIT(row))
		return;
	o->v[row].u = value;
	o->filled |= BIT(row);
}

/* What was said, else what the kernel told. */
static double packet_us(const struct opts *o)
{
	if (!(o->set & BIT(AVPKT)) && opts_has(o, SCELL))
		return red_packet_us_of_cell((int)opts_get(o, WLOG, 1) & 31, (int)o->v[SCELL].u & 31);
	return red_packet_us(said(o, AVPKT, 1000), said(o, BANDWIDTH, rows[BANDWIDTH].def));
}

static void canon(struct opts *o)
{
	struct red red;

	if (!(o->set & BIT(AVPKT)) || red_of(o, &red))
		return;
	fill(o, MAX, red.max_bytes);
	fill(o, MIN, red.min_bytes);
	fill(o, WLOG, (uint64_t)red.wlog);
	fill(o, PLOG, (uint64_t)red.plog);
	fill(o, SCELL, (uint64_t)red_idle_table(red.wlog, packet_us(o), NULL));
}

static uint64_t live(const struct opts *wanted)
{
	return opts_get(wanted, ADAPTIVE, 0) ? BIT(PROBABILITY) : 0;
}

static unsigned char flags_of(const struct opts *o)
{
	return (unsigned char)((opts_get(o, ECN, 0) ? TC_RED_ECN : 0) |
			       (opts_get(o, HARDDROP, 0) ? TC_RED_HARDDROP : 0) |
			       (opts_get(o, NODROP, 0) ? TC_RED_NODROP : 0) |
			       (opts_get(o, ADAPTIVE, 0) ? TC_RED_ADAPTATIVE : 0));
}

/* nodrop needs TCA_RED_FLAGS (5.7); the other flags go where the kernel looks for adaptive: it starts
 * adapting by those of struct tc_red_qopt only (__red_change()), and refuses both at once. */
static int put_flags(struct nl_msg *msg, const struct opts *o, struct tc_red_qopt *opt)
{
	struct nla_bitfield32 bits = { .value = flags_of(o),
				       .selector = TC_RED_HISTORIC_FLAGS | TC_RED_NODROP };

	if (bits.value & TC_RED_NODROP)
		return nla_put(msg, TCA_RED_FLAGS, sizeof(bits), &bits);
	opt->flags = (unsigned char)bits.value;
	return 0;
}

static int emit(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
		const struct wire *wire)
{
	struct tc_red_qopt opt = {
		.limit = (uint32_t)opts_get(o, LIMIT, 0),
		.qth_min = (uint32_t)opts_get(o, MIN, 0), .qth_max = (uint32_t)opts_get(o, MAX, 0),
		.Wlog = (unsigned char)opts_get(o, WLOG, 0), .Plog = (unsigned char)opts_get(o, PLOG, 0),
	};
	uint64_t probability = opts_get(o, PROBABILITY, rows[PROBABILITY].def);
	struct nlattr *nest = nla_nest_start(msg, attr);
	uint8_t table[RED_TABLE];

	(void)kind;
	(void)wire;
	opt.Scell_log = (unsigned char)red_idle_table(opt.Wlog, packet_us(o), table);
	if (!nest || put_flags(msg, o, &opt) || nla_put(msg, TCA_RED_PARMS, sizeof(opt), &opt) ||
	    nla_put(msg, TCA_RED_STAB, sizeof(table), table) ||
	    nla_put_u32(msg, TCA_RED_MAX_P, opt_fraction_to_wire(probability)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static void read_flags(const struct nlattr *flags, unsigned char historic, struct opts *o)
{
	struct nla_bitfield32 bits = { .value = historic };

	if (flags && nla_len(flags) >= (int)sizeof(bits))
		memcpy(&bits, nla_data(flags), sizeof(bits));
	opts_put(o, ECN, (bits.value & TC_RED_ECN) != 0);
	opts_put(o, HARDDROP, (bits.value & TC_RED_HARDDROP) != 0);
	opts_put(o, NODROP, (bits.value & TC_RED_NODROP) != 0);
	opts_put(o, ADAPTIVE, (bits.value & TC_RED_ADAPTATIVE) != 0);
}

static int read_options(const struct nlattr *attr, const struct kind *kind, struct opts *o,
			const struct wire *wire)
{
	const struct nlattr *parms = nla_find(nla_data(attr), nla_len(attr), TCA_RED_PARMS);
	const struct nlattr *max_p = nla_find(nla_data(attr), nla_len(attr), TCA_RED_MAX_P);
	struct tc_red_qopt opt;

	(void)kind;
	(void)wire;
	if (!parms || nla_len(parms) < (int)sizeof(opt))
		return -EINVAL;
	memcpy(&opt, nla_data(parms), sizeof(opt));
	opts_put(o, LIMIT, opt.limit);
	opts_put(o, MIN, opt.qth_min);
	opts_put(o, MAX, opt.qth_max);
	opts_put(o, WLOG, opt.Wlog);
	opts_put(o, PLOG, opt.Plog);
	opts_put(o, SCELL, opt.Scell_log);
	if (max_p && nla_len(max_p) >= 4)
		opts_put(o, PROBABILITY, opt_fraction_from_wire(nla_get_u32(max_p)));
	read_flags(nla_find(nla_data(attr), nla_len(attr), TCA_RED_FLAGS), opt.flags, o);
	return 0;
}

#define FIELD(name, member) { name, offsetof(struct tc_red_xstats, member), XSTAT_U32 }
static const struct xstat xstats[] = {
	FIELD("marked", marked), FIELD("early", early), FIELD("pdrop", pdrop), FIELD("other",
	other),
	{ NULL, 0, 0 },
};

static json_t *stats(const void *data, size_t len)
{
	return xstats_json(xstats, data, len);
}

const struct kind qdisc_red = {
	.type = KIND_QDISC, .name = "red", .module = "sch_red",
	.flags = KIND_LEAF | KIND_CHANGE_DROPS,
	.help = "one queue, which marks or drops the more, the longer its average is", ROWS(rows),
	.words = words, .check = check, .canon = canon, .live = live, .emit = emit,
	.read = read_options, .stats = stats,
};
