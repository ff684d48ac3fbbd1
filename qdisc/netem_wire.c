// SPDX-License-Identifier: GPL-2.0-or-later
/* netem's options as netem_change() and netem_dump() have them (net/sched/sch_netem.c, 6.12). */
#include <errno.h>
#include <string.h>

#include <linux/pkt_sched.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "qdisc/netem.h"
#include "qdisc/netem_dist.h"
#include "qdisc/xstats.h"

enum {
	NETEM_ATTR_SEED = 14,	/* TCA_NETEM_PRNG_SEED, u64, 6.6; newer than the uapi headers of 6.1 */
	MESSAGE_BYTES = 24 * 1024, /* two tables and the rest */
};

static uint32_t prob(const struct opts *o, unsigned int row)
{
	return opt_prob_to_wire(opts_get(o, row, 0));
}

static void put_prob(struct opts *o, unsigned int row, uint32_t value)
{
	opts_put(o, row, opt_prob_from_wire(value));
}

/* ---- values -> message ---- */

static int put_shares(struct nl_msg *msg, const struct opts *o)
{
	struct tc_netem_corr corr = { prob(o, NETEM_DELAY_CORR), prob(o, NETEM_LOSS_CORR),
				      prob(o, NETEM_DUP_CORR) };
	struct tc_netem_reorder reorder = { prob(o, NETEM_REORDER), prob(o, NETEM_REORDER_CORR) };
	struct tc_netem_corrupt corrupt = { prob(o, NETEM_CORRUPT), prob(o, NETEM_CORRUPT_CORR) };

	return nla_put(msg, TCA_NETEM_CORR, sizeof(corr), &corr) ||
	       nla_put(msg, TCA_NETEM_REORDER, sizeof(reorder), &reorder) ||
	       nla_put(msg, TCA_NETEM_CORRUPT, sizeof(corrupt), &corrupt);
}

static int put_loss(struct nl_msg *msg, const struct opts *o)
{
	uint64_t model = opts_get(o, NETEM_MODEL, MODEL_RANDOM);
	struct tc_netem_gimodel gi = {
		.p13 = prob(o, NETEM_P13), .p31 = prob(o, NETEM_P31), .p32 = prob(o, NETEM_P32),
		.p14 = prob(o, NETEM_P14), .p23 = prob(o, NETEM_P23),
	};
	struct tc_netem_gemodel ge = {
		.p = prob(o, NETEM_P), .r = prob(o, NETEM_R), .h = UINT32_MAX - prob(o, NETEM_1H),
		.k1 = prob(o, NETEM_1K),
	};
	struct nlattr *nest;

	if (model == MODEL_RANDOM)
		return 0;
	nest = nla_nest_start(msg, TCA_NETEM_LOSS);
	if (!nest || (model == MODEL_STATE ? nla_put(msg, NETEM_LOSS_GI, sizeof(gi), &gi) :
					     nla_put(msg, NETEM_LOSS_GE, sizeof(ge), &ge)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int put_rate(struct nl_msg *msg, const struct opts *o)
{
	uint64_t rate_bytes = opts_get(o, NETEM_RATE, 0) / 8;
	struct tc_netem_rate rate = {
		.rate = rate_bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)rate_bytes,
		.packet_overhead = (int32_t)opts_get(o, NETEM_RATE_OVERHEAD, 0),
		.cell_size = (uint32_t)opts_get(o, NETEM_RATE_CELL, 0),
		.cell_overhead = (int32_t)opts_get(o, NETEM_RATE_CELL_OVERHEAD, 0),
	};

	return (rate_bytes > UINT32_MAX && nla_put_u64(msg, TCA_NETEM_RATE64, rate_bytes)) ||
	       nla_put(msg, TCA_NETEM_RATE, sizeof(rate), &rate);
}

static int put_slot(struct nl_msg *msg, const struct opts *o)
{
	struct tc_netem_slot slot = {
		.min_delay = (int64_t)opts_get(o, NETEM_SLOT, 0),
		.max_delay = (int64_t)opts_get(o, NETEM_SLOT_MAX, 0),
		.max_packets = (int32_t)opts_get(o, NETEM_SLOT_PACKETS, 0),
		.max_bytes = (int32_t)opts_get(o, NETEM_SLOT_BYTES, 0),
		.dist_delay = (int64_t)opts_get(o, NETEM_SLOT_DELAY, 0),
		.dist_jitter = (int64_t)opts_get(o, NETEM_SLOT_JITTER, 0),
	};

	return nla_put(msg, TCA_NETEM_SLOT, sizeof(slot), &slot);
}

/* The table for a jitter, or -1 for none: a netem without one is uniform, and one that has a table
 * loses it to another table only. */
static int table_of(const struct opts *o, unsigned int jitter_row, unsigned int dist_row, bool change)
{
	uint64_t dist = opts_get(o, dist_row, DIST_UNKNOWN);

	if (!opts_get(o, jitter_row, 0) || dist >= DIST_UNKNOWN || (dist == DIST_UNIFORM && !change))
		return -1;
	return (int)dist;
}

static int put_table(struct nl_msg *msg, int attr, int dist)
{
	int16_t table[NETEM_TABLE];

	if (dist < 0)
		return 0;
	netem_table((enum netem_dist)dist, table);
	return nla_put(msg, attr, sizeof(table), table);
}

static int put_attributes(struct nl_msg *msg, const struct opts *o)
{
	return nla_put_u64(msg, TCA_NETEM_LATENCY64, opts_get(o, NETEM_DELAY, 0)) ||
	       nla_put_u64(msg, TCA_NETEM_JITTER64, opts_get(o, NETEM_JITTER, 0)) ||
	       put_shares(msg, o) || put_loss(msg, o) || put_rate(msg, o) || put_slot(msg, o) ||
	       nla_put_u32(msg, TCA_NETEM_ECN, (uint32_t)opts_get(o, NETEM_ECN, 0)) ||
	       (opts_has(o, NETEM_SEED) && nla_put_u64(msg, NETEM_ATTR_SEED, o->v[NETEM_SEED].u));
}

int netem_emit(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
	       const struct wire *wire)
{
	struct tc_netem_qopt opt = {
		.limit = (uint32_t)opts_get(o, NETEM_LIMIT, 1000),
		.loss = prob(o, NETEM_LOSS),
		.gap = (uint32_t)opts_get(o, NETEM_GAP, 0),
		.duplicate = prob(o, NETEM_DUPLICATE),
	};
	int table = table_of(o, NETEM_JITTER, NETEM_DISTRIBUTION, wire->change);
	int slot_table = table_of(o, NETEM_SLOT_JITTER, NETEM_SLOT_DIST, wire->change);
	struct nlattr *nest;

	(void)kind;
	if ((table >= 0 || slot_table >= 0) && nlmsg_get_max_size(msg) < MESSAGE_BYTES &&
	    nlmsg_expand(msg, MESSAGE_BYTES))
		return -EMSGSIZE;
	nest = nla_nest_start(msg, attr);
	if (!nest || nlmsg_append(msg, &opt, sizeof(opt), NLMSG_ALIGNTO) ||
	    put_attributes(msg, o) || put_table(msg, TCA_NETEM_DELAY_DIST, table) ||
	    put_table(msg, TCA_NETEM_SLOT_DIST, slot_table))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/* ---- message -> values ---- */

/* The attribute, of at least this size, or NULL. */
static const void *find(const struct nlattr *attr, size_t header, int type, size_t size)
{
	const char *payload = nla_data(attr);
	const struct nlattr *a;

	a = nla_find((const struct nlattr *)(payload + header), nla_len(attr) - (int)header, type);
	return a && nla_len(a) >= (int)size ? nla_data(a) : NULL;
}

#define FIND(attr, type, var) find(attr, sizeof(struct tc_netem_qopt), type, sizeof(*(var)))

static uint64_t find_u64(const struct nlattr *attr, int type, uint64_t otherwise)
{
	uint64_t value = otherwise;
	const void *p = FIND(attr, type, &value);

	if (p)
		memcpy(&value, p, sizeof(value));
	return value;
}

static void read_shares(const struct nlattr *attr, struct opts *o)
{
	const struct tc_netem_corr *corr = FIND(attr, TCA_NETEM_CORR, corr);
	const struct tc_netem_reorder *reorder = FIND(attr, TCA_NETEM_REORDER, reorder);
	const struct tc_netem_corrupt *corrupt = FIND(attr, TCA_NETEM_CORRUPT, corrupt);

	if (corr) {
		put_prob(o, NETEM_DELAY_CORR, corr->delay_corr);
		put_prob(o, NETEM_LOSS_CORR, corr->loss_corr);
		put_prob(o, NETEM_DUP_CORR, corr->dup_corr);
	}
	if (reorder) {
		put_prob(o, NETEM_REORDER, reorder->probability);
		put_prob(o, NETEM_REORDER_CORR, reorder->correlation);
	}
	if (corrupt) {
		put_prob(o, NETEM_CORRUPT, corrupt->probability);
		put_prob(o, NETEM_CORRUPT_CORR, corrupt->correlation);
	}
}

static void read_loss(const struct nlattr *attr, struct opts *o)
{
	const struct nlattr *nest = nla_find((const struct nlattr *)((const char *)nla_data(attr) +
		sizeof(struct tc_netem_qopt)), nla_len(attr) - (int)sizeof(struct tc_netem_qopt),
		TCA_NETEM_LOSS);
	const struct tc_netem_gimodel *gi = nest ? find(nest, 0, NETEM_LOSS_GI, sizeof(*gi)) : NULL;
	const struct tc_netem_gemodel *ge = nest ? find(nest, 0, NETEM_LOSS_GE, sizeof(*ge)) : NULL;

	opts_put(o, NETEM_MODEL, gi ? MODEL_STATE : ge ? MODEL_GEMODEL : MODEL_RANDOM);
	if (gi) {
		put_prob(o, NETEM_P13, gi->p13);
		put_prob(o, NETEM_P31, gi->p31);
		put_prob(o, NETEM_P32, gi->p32);
		put_prob(o, NETEM_P23, gi->p23);
		put_prob(o, NETEM_P14, gi->p14);
	} else if (ge) {
		put_prob(o, NETEM_P, ge->p);
		put_prob(o, NETEM_R, ge->r);
		put_prob(o, NETEM_1H, UINT32_MAX - ge->h);
		put_prob(o, NETEM_1K, ge->k1);
	}
}

static void read_rate(const struct nlattr *attr, struct opts *o)
{
	const struct tc_netem_rate *rate = FIND(attr, TCA_NETEM_RATE, rate);
	uint64_t rate_bytes;

	if (!rate)
		return;
	rate_bytes = find_u64(attr, TCA_NETEM_RATE64, rate->rate);
	opts_put(o, NETEM_RATE, rate_bytes > UINT64_MAX / 8 ? UINT64_MAX & ~UINT64_C(7) : rate_bytes * 8);
	opts_put(o, NETEM_RATE_OVERHEAD, (uint64_t)(int64_t)rate->packet_overhead);
	opts_put(o, NETEM_RATE_CELL, rate->cell_size);
	opts_put(o, NETEM_RATE_CELL_OVERHEAD, (uint64_t)(int64_t)rate->cell_overhead);
}

/* Absent where it is off. */
static void read_slot(const struct nlattr *attr, struct opts *o)
{
	struct tc_netem_slot slot = { 0 };
	const void *p = FIND(attr, TCA_NETEM_SLOT, &slot);

	if (p)
		memcpy(&slot, p, sizeof(slot));
	if (slot.dist_jitter)
		opts_put(o, NETEM_SLOT_DIST, DIST_UNKNOWN);
	opts_put(o, NETEM_SLOT, (uint64_t)slot.min_delay);
	opts_put(o, NETEM_SLOT_MAX, (uint64_t)slot.max_delay);
	opts_put(o, NETEM_SLOT_DELAY, (uint64_t)slot.dist_delay);
	opts_put(o, NETEM_SLOT_JITTER, (uint64_t)slot.dist_jitter);
	opts_put(o, NETEM_SLOT_PACKETS, (uint64_t)slot.max_packets);
	opts_put(o, NETEM_SLOT_BYTES, (uint64_t)slot.max_bytes);
}

int netem_read(const struct nlattr *attr, const struct kind *kind, struct opts *o,
	       const struct wire *wire)
{
	const uint32_t *ecn;
	const void *seed;
	struct tc_netem_qopt opt;

	(void)kind;
	(void)wire;
	if (nla_len(attr) < (int)sizeof(opt))
		return -EINVAL;
	memcpy(&opt, nla_data(attr), sizeof(opt));
	opts_put(o, NETEM_LIMIT, opt.limit);
	put_prob(o, NETEM_LOSS, opt.loss);
	opts_put(o, NETEM_GAP, opt.gap);
	put_prob(o, NETEM_DUPLICATE, opt.duplicate);
	opts_put(o, NETEM_DELAY, find_u64(attr, TCA_NETEM_LATENCY64, 0));
	opts_put(o, NETEM_JITTER, find_u64(attr, TCA_NETEM_JITTER64, 0));
	ecn = FIND(attr, TCA_NETEM_ECN, ecn);
	opts_put(o, NETEM_ECN, ecn && *ecn);
	seed = find(attr, sizeof(opt), NETEM_ATTR_SEED, sizeof(uint64_t));
	if (seed)
		opts_put(o, NETEM_SEED, find_u64(attr, NETEM_ATTR_SEED, 0));
	read_shares(attr, o);
	read_loss(attr, o);
	read_rate(attr, o);
	read_slot(attr, o);
	return 0;
}

/* struct tc_netem_xstats, newer than 6.18. */
static const struct xstat xstats[] = {
	{ "delayed", 0, XSTAT_U64 }, { "dropped", 8, XSTAT_U64 }, { "corrupted", 16, XSTAT_U64 },
	{ "duplicated", 24, XSTAT_U64 }, { "reordered", 32, XSTAT_U64 }, { "ecn_marked", 40, XSTAT_U64 },
	{ "allocation_errors", 48, XSTAT_U64 }, { NULL, 0, 0 },
};

json_t *netem_stats(const void *data, size_t len)
{
	return len ? xstats_json(xstats, data, len) : NULL;
}
