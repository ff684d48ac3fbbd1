// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tbf: one queue behind a token bucket (net/sched/sch_tbf.c, 6.12).
 *
 * The kernel keeps a burst as the time that it takes at its rate, framing included, and tells it in
 * ticks of 64 ns. Several bursts look the same to it where 64 ns carry more than a byte: the canonical
 * one is the roundest of them, and the largest is sent, so that no packet is larger than the bucket.
 */
#include <errno.h>
#include <string.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "qdisc/kind.h"
#include "qdisc/ratespec.h"

enum {
	RATE, BURST, LIMIT, LATENCY, PEAKRATE, MTU, MPU, OVERHEAD, LINKLAYER,
};

#define BIT(row) (UINT64_C(1) << (row))
#define NS_PER_S UINT64_C(1000000000)

static const char *const linklayers[] = { "ethernet", "atm", NULL };

static const struct opt rows[] = {
	[RATE] = { "rate", NULL, OPT_RATE, WIRE_NONE, 0, OPT_REQUIRED, .min = 8,
	  .help = "rate of the tokens" },
	[BURST] = { "burst", NULL, OPT_SIZE, WIRE_NONE, 0, OPT_REQUIRED, .min = 1, .max = INT32_MAX,
	  .help = "size of the bucket; larger packets are dropped" },
	[LIMIT] = { "limit", NULL, OPT_SIZE, WIRE_NONE, 0, 0, .max = UINT32_MAX,
	  .help = "bytes that may wait for tokens; this or latency has to be said" },
	[LATENCY] = { "latency", NULL, OPT_TIME, WIRE_NONE, 0, OPT_WRITE_ONLY, .unit_ns = 1,
	  .max = UINT64_C(3600000000000),
	  .help = "limit as the time that a packet waits at the most" },
	[PEAKRATE] = { "peakrate", NULL, OPT_RATE, WIRE_NONE, 0, OPT_HAS_DEF | OPT_DEF_OFF,
	  .min = 8,
	  .help = "rate at which the bucket empties at the most" },
	[MTU] = { "mtu", NULL, OPT_SIZE, WIRE_NONE, 0, OPT_HAS_DEF | OPT_DEF_OFF, .min = 1,
	  .max = INT32_MAX, .help = "size of the peakrate's own bucket" },
	[MPU] = { "mpu", NULL, OPT_NUM, WIRE_NONE, 0, OPT_HAS_DEF | OPT_DEF_OFF, .max = UINT16_MAX,
	  .help = "size that the smallest packets are counted as" },
	[OVERHEAD] = { "overhead", NULL, OPT_NUM, WIRE_NONE, 0, OPT_HAS_DEF | OPT_DEF_OFF,
	  .max = UINT16_MAX, .help = "bytes added to each packet" },
	[LINKLAYER] = { "linklayer", NULL, OPT_ENUM, WIRE_NONE, 0, OPT_HAS_DEF | OPT_DEF_OFF,
	  .names = linklayers, .help = "what carries the packets: ethernet, or atm cells" },
};

static const struct opt_word words[] = {
	{ .word = "buffer", .same = "burst", .help = "the same as burst" },
	{ .word = "maxburst", .same = "burst", .help = "the same as burst" },
	{ .word = "minburst", .same = "mtu", .help = "the same as mtu" },
	{ .word = NULL },
};

/* ---- bytes and ticks, as the kernel computes them ---- */

/* struct psched_ratecfg, filled as psched_ratecfg_precompute() does (net/sched/sch_generic.c). */
struct ratecfg {
	uint64_t mult, overhead, mpu;
	unsigned int shift;
	bool atm;
};

static struct ratecfg ratecfg_of(const struct opts *o, uint64_t rate_bit)
{
	struct ratecfg r = { 1, opts_get(o, OVERHEAD, 0), opts_get(o, MPU, 0), 0,
			     opts_get(o, LINKLAYER, 0) == 1 };
	uint64_t factor = NS_PER_S, rate_bytes = rate_bit / 8;

	while (rate_bytes) {
		r.mult = (uint32_t)(factor / rate_bytes);
		if (r.mult >> 31 || factor >> 63)
			break;
		factor <<= 1;
		r.shift++;
	}
	return r;
}

/* psched_l2t_ns(), in ticks. */
static uint64_t ticks_of(const struct ratecfg *r, uint64_t bytes)
{
	uint64_t len = bytes + r->overhead;

	if (len < r->mpu)
		len = r->mpu;
	if (r->atm)
		len = (len + 47) / 48 * 53;
	return len * r->mult >> r->shift >> 6;
}

/* The largest burst of at most so many ticks. */
static uint64_t bytes_of(const struct ratecfg *r, uint64_t ticks)
{
	uint64_t lo = 0, hi = INT32_MAX, mid;

	while (lo < hi) {
		mid = lo + (hi - lo + 1) / 2;
		if (ticks_of(r, mid) <= ticks)
			lo = mid;
		else
			hi = mid - 1;
	}
	return lo;
}

/* The largest burst that the kernel cannot tell from this one. */
static uint64_t burst_sent(const struct ratecfg *r, uint64_t bytes)
{
	return bytes_of(r, ticks_of(r, bytes));
}

/* The roundest burst of so many ticks: the multiple of the largest power of 2. */
static uint64_t roundest(const struct ratecfg *r, uint64_t ticks)
{
	uint64_t hi = bytes_of(r, ticks), lo = ticks ? bytes_of(r, ticks - 1) : 0;
	unsigned int bit = 0;

	if (lo >= hi)
		return hi;
	while (((hi >> (bit + 1)) << (bit + 1)) > lo)
		bit++;
	return (hi >> bit) << bit;
}

/* ---- options ---- */

static int check(const struct opts *o, struct opt_error *error)
{
	struct ratecfg rate = ratecfg_of(o, opts_get(o, RATE, 0));
	struct ratecfg peak = ratecfg_of(o, opts_get(o, PEAKRATE, 0));

	if (opts_has(o, LIMIT) == opts_has(o, LATENCY))
		strcpy(error->text, "tbf needs 'limit' or 'latency', one of them");
	else if (opts_has(o, PEAKRATE) != opts_has(o, MTU))
		strcpy(error->text, "'peakrate' and 'mtu' go together");
	else if (opts_has(o, PEAKRATE) && opts_get(o, PEAKRATE, 0) <= opts_get(o, RATE, 0))
		strcpy(error->text, "'peakrate' is not higher than 'rate'");
	else if (ticks_of(&rate, opts_get(o, BURST, 0)) > UINT32_MAX)
		strcpy(error->text, "'burst' takes more than 274 seconds at 'rate'");
	else if (opts_has(o, MTU) && ticks_of(&peak, opts_get(o, MTU, 0)) > UINT32_MAX)
		strcpy(error->text, "'mtu' takes more than 274 seconds at 'peakrate'");
	else
		return 0;
	return -EINVAL;
}

/* Bytes that wait for so long, besides a bucket. */
static uint64_t limit_of(uint64_t rate_bit, uint64_t latency_ns, uint64_t bucket_bytes)
{
	unsigned __int128 bytes = (unsigned __int128)rate_bit * latency_ns / 8 / NS_PER_S + bucket_bytes;

	return bytes > UINT32_MAX ? UINT32_MAX : (uint64_t)bytes;
}

static void latency_to_limit(struct opts *o)
{
	uint64_t latency_ns = o->v[LATENCY].u, limit, peak;

	limit = limit_of(opts_get(o, RATE, 0), latency_ns, opts_get(o, BURST, 0));
	peak = limit_of(opts_get(o, PEAKRATE, 0), latency_ns, opts_get(o, MTU, 0));
	if (opts_get(o, PEAKRATE, 0) && peak < limit)
		limit = peak;
	opts_put(o, LIMIT, limit);
	o->set &= ~BIT(LATENCY);
}

static void canon_bucket(struct opts *o, unsigned int row, unsigned int rate_row)
{
	struct ratecfg r = ratecfg_of(o, opts_get(o, rate_row, 0));

	if (opts_get(o, row, 0) && opts_get(o, rate_row, 0))
		o->v[row].u = roundest(&r, ticks_of(&r, o->v[row].u));
}

static void canon(struct opts *o)
{
	if (o->set & BIT(LATENCY))
		latency_to_limit(o);
	canon_bucket(o, BURST, RATE);
	canon_bucket(o, MTU, PEAKRATE);
}

static void fill_ratespec(struct tc_ratespec *spec, const struct opts *o, uint64_t rate_bit)
{
	ratespec_fill(spec, rate_bit, (uint16_t)opts_get(o, OVERHEAD, 0), (uint16_t)opts_get(o, MPU, 0),
		      opts_get(o, LINKLAYER, 0) ? TC_LINKLAYER_ATM : TC_LINKLAYER_ETHERNET);
}

static int put_peak(struct nl_msg *msg, const struct opts *o, struct tc_tbf_qopt *opt)
{
	uint64_t peak_bit = opts_get(o, PEAKRATE, 0), mtu;
	struct ratecfg r = ratecfg_of(o, peak_bit);

	if (!peak_bit)
		return 0;
	mtu = burst_sent(&r, opts_get(o, MTU, 0));
	fill_ratespec(&opt->peakrate, o, peak_bit);
	opt->mtu = (uint32_t)ticks_of(&r, mtu);
	if (ratespec_needs_64(peak_bit) && nla_put_u64(msg, TCA_TBF_PRATE64, peak_bit / 8))
		return -EMSGSIZE;
	return nla_put_u32(msg, TCA_TBF_PBURST, (uint32_t)mtu);
}

/* Rate tables are left out: the kernel computes from the ratespec (3.8 and later). */
static int emit(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
		const struct wire *wire)
{
	uint64_t rate_bit = opts_get(o, RATE, 0), burst;
	struct ratecfg r = ratecfg_of(o, rate_bit);
	struct tc_tbf_qopt opt = { .limit = (uint32_t)opts_get(o, LIMIT, 0) };
	struct nlattr *nest = nla_nest_start(msg, attr);

	(void)kind;
	(void)wire;
	burst = burst_sent(&r, opts_get(o, BURST, 0));
	opt.buffer = (uint32_t)ticks_of(&r, burst);
	fill_ratespec(&opt.rate, o, rate_bit);
	if (!nest || put_peak(msg, o, &opt) || nla_put(msg, TCA_TBF_PARMS, sizeof(opt), &opt) ||
	    (ratespec_needs_64(rate_bit) && nla_put_u64(msg, TCA_TBF_RATE64, rate_bit / 8)) ||
	    nla_put_u32(msg, TCA_TBF_BURST, (uint32_t)burst))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static uint64_t read_rate(const struct nlattr *attr, int attr64, uint32_t rate_bytes)
{
	const struct nlattr *wide = nla_find(nla_data(attr), nla_len(attr), attr64);
	uint64_t bytes = wide && nla_len(wide) >= 8 ? nla_get_u64(wide) : rate_bytes;

	return bytes > UINT64_MAX / 8 ? UINT64_MAX & ~UINT64_C(7) : bytes * 8;
}

static void read_peak(const struct nlattr *attr, const struct tc_tbf_qopt *opt, struct opts *o)
{
	struct ratecfg r;

	opts_put(o, PEAKRATE, read_rate(attr, TCA_TBF_PRATE64, opt->peakrate.rate));
	opts_put(o, MTU, 0);
	if (!o->v[PEAKRATE].u)
		return;
	r = ratecfg_of(o, o->v[PEAKRATE].u);
	opts_put(o, MTU, roundest(&r, opt->mtu));
}

static int read_options(const struct nlattr *attr, const struct kind *kind, struct opts *o,
			const struct wire *wire)
{
	const struct nlattr *parms = nla_find(nla_data(attr), nla_len(attr), TCA_TBF_PARMS);
	struct tc_tbf_qopt opt;
	struct ratecfg r;

	(void)kind;
	(void)wire;
	if (!parms || nla_len(parms) < (int)sizeof(opt))
		return -EINVAL;
	memcpy(&opt, nla_data(parms), sizeof(opt));
	opts_put(o, MPU, opt.rate.mpu);
	opts_put(o, OVERHEAD, opt.rate.overhead);
	opts_put(o, LINKLAYER, (opt.rate.linklayer & TC_LINKLAYER_MASK) == TC_LINKLAYER_ATM);
	opts_put(o, LIMIT, opt.limit);
	opts_put(o, RATE, read_rate(attr, TCA_TBF_RATE64, opt.rate.rate));
	r = ratecfg_of(o, o->v[RATE].u);
	opts_put(o, BURST, roundest(&r, opt.buffer));
	read_peak(attr, &opt, o);
	return 0;
}

const struct kind qdisc_tbf = {
	.type = KIND_QDISC, .name = "tbf", .module = "sch_tbf", .flags = KIND_LEAF,
	.help = "one queue behind a token bucket", ROWS(rows), .words = words,
	.check = check, .canon = canon, .emit = emit, .read = read_options,
};
