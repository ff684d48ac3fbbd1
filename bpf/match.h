/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * match.h - which rule the fields of a packet belong to; the algorithm is described in classify.h.
 *
 * Compiles for BPF and natively: who includes this has defined before
 *
 *	struct match_maps		what the maps and the constants are found through
 *	MATCH_CONFIG(maps)		the constants
 *	MATCH_LOOKUP(maps, map, key)	the value in the map of that name, or NULL
 *	MATCH_STEP			how match_general() is linked: for BPF not inline, so that its stack
 *					is not that of parsing
 */
#ifndef WEIR_BPF_MATCH_H
#define WEIR_BPF_MATCH_H

#include "bpf/classify.h"
#include "bpf/parse.h"

/* What is known of the socket that a packet is sent by, or will reach. */
struct owner {
	bool known;
	__u32 uid;
	__u32 net_cls;
	__u64 cgroup[CLASSIFY_CGROUP_LEVELS];	/* ancestor at classify_config.cgroup_level; 0: none */
};

/* The vectors that a packet's fields lead to; those of unused fields are not looked at. */
struct vectors {
	const __u64 *from, *to, *sport, *dport, *proto, *dscp, *vlan, *smac, *dmac, *net_cls, *uid;
	const __u64 *mark[CLASSIFY_MARK_MASKS], *cgroup[CLASSIFY_CGROUP_LEVELS];
};

/* What addresses lead to: vectors, and the best direct rule so far. */
struct direct {
	__u32 from_row, to_row;
	__u32 rule, classid, marking;
};

/* Key of an array, as large as a slot of BPF's stack: what shares a slot with a constant makes the
 * verifier forget the constant. */
struct match_index {
	__u32 i, pad;
};

/* Looks a row up by a key; yields `none` where the map does not have it. */
#define MATCH_ROW(maps, map, key, none) ({ \
	const __u32 *row_ = MATCH_LOOKUP(maps, map, key); \
	row_ ? *row_ : (none); \
})

PARSE_INLINE const __u64 *match_vector(struct match_maps *maps, __u32 row)
{
	struct match_index key = { .i = row };

	(void)maps;
	return MATCH_LOOKUP(maps, weir_vectors, &key);
}

/* ---- addresses ---- */

/* Takes over what a prefix map says. Whether no other rule can win any more. */
PARSE_INLINE bool match_prefix(const struct classify_prefix *prefix, __u32 *row, struct direct *best)
{
	if (!prefix)
		return false;
	*row = prefix->row;
	if (prefix->rule >= best->rule)
		return false;
	best->rule = prefix->rule;
	best->classid = prefix->classid;
	best->marking = prefix->marking & ~CLASSIFY_FINAL;
	return prefix->marking & CLASSIFY_FINAL;
}

/* The address under each of the map's lengths, the longest first. */
#define MATCH_HASHED(maps, map, lengths, words, address) ({ \
	const struct classify_prefix *found_ = NULL; \
	struct classify_address key_; \
	__u32 l_, w_; \
	_Pragma("GCC unroll 2") \
	for (l_ = 0; l_ < CLASSIFY_LENGTHS; l_++) { \
		if (found_ || l_ >= MATCH_CONFIG(maps)->lengths.n) \
			break; \
		key_.bits = MATCH_CONFIG(maps)->lengths.length[l_].bits; \
		_Pragma("GCC unroll 4") \
		for (w_ = 0; w_ < (words); w_++) \
			key_.word[w_] = (address)->word[w_] & \
				MATCH_CONFIG(maps)->lengths.length[l_].mask[w_]; \
		found_ = MATCH_LOOKUP(maps, map, &key_); \
	} \
	found_; \
})

/* The entry of an address. words: 1 for IPv4, 4 for IPv6. */
#define MATCH_ADDRESS(maps, map, lengths, words, address) \
	(MATCH_CONFIG(maps)->lengths.n ? MATCH_HASHED(maps, map, lengths, words, address) : \
					 MATCH_LOOKUP(maps, map, address))

PARSE_INLINE bool match_from(struct match_maps *maps, __u32 use, const struct fields *f,
			     struct direct *best)
{
	(void)maps;
	best->from_row = MATCH_CONFIG(maps)->from_none;
	if (use & CLASSIFY_FROM4 && f->family == 4)
		return match_prefix(MATCH_ADDRESS(maps, weir_from4, from4, 1, &f->from),
				    &best->from_row, best);
	if (use & CLASSIFY_FROM6 && f->family == 6)
		return match_prefix(MATCH_ADDRESS(maps, weir_from6, from6, 4, &f->from),
				    &best->from_row, best);
	return false;
}

PARSE_INLINE bool match_to(struct match_maps *maps, __u32 use, const struct fields *f,
			   struct direct *best)
{
	(void)maps;
	best->to_row = MATCH_CONFIG(maps)->to_none;
	if (use & CLASSIFY_TO4 && f->family == 4)
		return match_prefix(MATCH_ADDRESS(maps, weir_to4, to4, 1, &f->to),
				    &best->to_row, best);
	if (use & CLASSIFY_TO6 && f->family == 6)
		return match_prefix(MATCH_ADDRESS(maps, weir_to6, to6, 4, &f->to),
				    &best->to_row, best);
	return false;
}

/* ---- the other fields: each returns a row ---- */

/* An index that is in bounds, masked so that the verifier knows it as well as the compiler does. */
PARSE_INLINE __u32 match_bound(__u32 i, __u32 mask)
{
	asm volatile("" : "+r"(i));
	return i & mask;
}

PARSE_INLINE __u32 match_port(const struct classify_ports *ports, bool known, __u16 port, __u32 none)
{
	return ports && known ? ports->row[port] : none;
}

PARSE_INLINE __u32 match_vlan(struct match_maps *maps, const struct fields *f)
{
	const struct classify_vlans *vlans;
	struct match_index zero = {};

	(void)maps;
	vlans = MATCH_LOOKUP(maps, weir_vlans, &zero);
	return vlans && f->tagged ? vlans->row[match_bound(f->vlan, CLASSIFY_VLANS - 1)] :
				    MATCH_CONFIG(maps)->vlan_none;
}

PARSE_INLINE __u32 match_proto(struct match_maps *maps, __u32 use, const struct fields *f)
{
	__u32 i;

	(void)maps;
	if (!f->family)
		return MATCH_CONFIG(maps)->not_ip;
	i = classify_proto_index(f->family == 6, use & CLASSIFY_ACK && f->ack, f->proto);
	return MATCH_CONFIG(maps)->proto[match_bound(i, CLASSIFY_PROTOS - 1)];
}

PARSE_INLINE __u32 match_dscp(struct match_maps *maps, const struct fields *f)
{
	(void)maps;
	return f->family ? MATCH_CONFIG(maps)->dscp[match_bound(f->dscp, 63)] : MATCH_CONFIG(maps)->dscp_none;
}

PARSE_INLINE __u32 match_mark(struct match_maps *maps, __u32 i, __u32 mark)
{
	struct classify_mark key = { .mask = MATCH_CONFIG(maps)->mark_mask[i] };

	(void)maps;
	key.mark = mark & key.mask;
	return MATCH_ROW(maps, weir_marks, &key, MATCH_CONFIG(maps)->mark_none[i]);
}

PARSE_INLINE __u32 match_cgroup(struct match_maps *maps, const struct owner *owner, __u32 i)
{
	__u64 id = owner->cgroup[i];

	(void)maps;
	if (!owner->known || !id)
		return MATCH_CONFIG(maps)->cgroup_none;
	return MATCH_ROW(maps, weir_cgroups, &id, MATCH_CONFIG(maps)->cgroup_none);
}

PARSE_INLINE __u32 match_net_cls(struct match_maps *maps, const struct owner *owner)
{
	(void)maps;
	if (!owner->known)
		return MATCH_CONFIG(maps)->net_cls_none;
	return MATCH_ROW(maps, weir_net_cls, &owner->net_cls, MATCH_CONFIG(maps)->net_cls_none);
}

PARSE_INLINE __u32 match_uid(struct match_maps *maps, const struct owner *owner)
{
	(void)maps;
	if (!owner->known)
		return MATCH_CONFIG(maps)->uid_none;
	return MATCH_ROW(maps, weir_uids, &owner->uid, MATCH_CONFIG(maps)->uid_none);
}

/* ---- vectors ---- */

#define MATCH_FETCH(field, row) do { \
	v->field = match_vector(maps, row); \
	if (!v->field) \
		return false; \
} while (0)

PARSE_INLINE bool match_fetch_ports(struct match_maps *maps, __u32 use, const struct fields *f,
				    struct vectors *v)
{
	struct match_index zero = {};

	if (use & CLASSIFY_SPORT)
		MATCH_FETCH(sport, match_port(MATCH_LOOKUP(maps, weir_sports, &zero), f->ports, f->sport,
					      MATCH_CONFIG(maps)->sport_none));
	if (use & CLASSIFY_DPORT)
		MATCH_FETCH(dport, match_port(MATCH_LOOKUP(maps, weir_dports, &zero), f->ports, f->dport,
					      MATCH_CONFIG(maps)->dport_none));
	return true;
}

PARSE_INLINE bool match_fetch_link(struct match_maps *maps, __u32 use, const struct fields *f,
				   struct vectors *v)
{
	if (use & CLASSIFY_VLAN)
		MATCH_FETCH(vlan, match_vlan(maps, f));
	if (use & CLASSIFY_MAC) {
		MATCH_FETCH(smac, MATCH_ROW(maps, weir_macs, &f->smac, MATCH_CONFIG(maps)->mac_none));
		MATCH_FETCH(dmac, MATCH_ROW(maps, weir_macs, &f->dmac, MATCH_CONFIG(maps)->mac_none));
	}
	return true;
}

PARSE_INLINE bool match_fetch_owner(struct match_maps *maps, __u32 use, const struct owner *owner,
				    struct vectors *v)
{
	__u32 i;

	if (use & CLASSIFY_CGROUP) {
#pragma GCC unroll 4
		for (i = 0; i < CLASSIFY_CGROUP_LEVELS; i++)
			if (i < MATCH_CONFIG(maps)->cgroup_levels)
				MATCH_FETCH(cgroup[i], match_cgroup(maps, owner, i));
	}
	if (use & CLASSIFY_NET_CLS)
		MATCH_FETCH(net_cls, match_net_cls(maps, owner));
	if (use & CLASSIFY_UID)
		MATCH_FETCH(uid, match_uid(maps, owner));
	return true;
}

PARSE_INLINE bool match_fetch(struct match_maps *maps, __u32 use, const struct fields *f,
			      const struct owner *owner, struct vectors *v)
{
	__u32 i;

	if (use & CLASSIFY_PROTO)
		MATCH_FETCH(proto, match_proto(maps, use, f));
	if (use & CLASSIFY_DSCP)
		MATCH_FETCH(dscp, match_dscp(maps, f));
	if (use & CLASSIFY_MARK) {
#pragma GCC unroll 4
		for (i = 0; i < CLASSIFY_MARK_MASKS; i++)
			if (i < MATCH_CONFIG(maps)->mark_masks)
				MATCH_FETCH(mark[i], match_mark(maps, i, f->mark));
	}
	return match_fetch_ports(maps, use, f, v) && match_fetch_link(maps, use, f, v) &&
	       match_fetch_owner(maps, use, owner, v);
}

/* Word w of all vectors, ANDed. A packet has two MAC addresses and several cgroups; either will do. */
PARSE_INLINE __u64 match_word(struct match_maps *maps, __u32 use, const struct vectors *v, __u32 w)
{
	__u64 all = ~0ull, any = 0;
	__u32 i;

	(void)maps;
	/* asked bit by bit here: a dozen answers have no room in registers */
	asm volatile("" : "+r"(use));
	if (use & CLASSIFY_FROM)
		all &= v->from[w];
	if (use & CLASSIFY_TO)
		all &= v->to[w];
	if (use & CLASSIFY_SPORT)
		all &= v->sport[w];
	if (use & CLASSIFY_DPORT)
		all &= v->dport[w];
	if (!all)	/* most often */
		return 0;
	if (use & CLASSIFY_PROTO)
		all &= v->proto[w];
	if (use & CLASSIFY_DSCP)
		all &= v->dscp[w];
	if (use & CLASSIFY_VLAN)
		all &= v->vlan[w];
	if (use & CLASSIFY_MAC)
		all &= v->smac[w] | v->dmac[w];
	if (use & CLASSIFY_NET_CLS)
		all &= v->net_cls[w];
	if (use & CLASSIFY_UID)
		all &= v->uid[w];
	if (use & CLASSIFY_MARK) {
#pragma GCC unroll 4
		for (i = 0; i < CLASSIFY_MARK_MASKS; i++)
			if (i < MATCH_CONFIG(maps)->mark_masks)
				all &= v->mark[i][w];
	}
	if (use & CLASSIFY_CGROUP) {
#pragma GCC unroll 4
		for (i = 0; i < CLASSIFY_CGROUP_LEVELS; i++)
			if (i < MATCH_CONFIG(maps)->cgroup_levels)
				any |= v->cgroup[i][w];
		all &= any;
	}
	return all;
}

/* Number of the lowest bit, of which there is one. clang 14 has no ctz for BPF. The multiplier is a de
 * Bruijn sequence: its 64 windows of 6 bits are all different. */
static const __u8 match_bits[64] = {
	0, 1, 2, 53, 3, 7, 54, 27, 4, 38, 41, 8, 34, 55, 48, 28,
	62, 5, 39, 46, 44, 42, 22, 9, 24, 35, 59, 56, 49, 18, 29, 11,
	63, 52, 6, 26, 37, 40, 33, 47, 61, 45, 43, 21, 23, 58, 17, 10,
	51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12,
};

PARSE_INLINE __u32 match_lowest(__u64 word)
{
	return match_bits[((word & -word) * 0x022fdd63cc95386dull) >> 58];
}

/* The first general rule that all vectors have, or CLASSIFY_NO_RULE. */
PARSE_INLINE __u32 match_first(struct match_maps *maps, __u32 use, const struct vectors *v)
{
	__u32 words = MATCH_CONFIG(maps)->words, w;
	__u64 left = match_word(maps, use, v, 0), word;

	(void)maps;
	for (w = 1; w <= words && w <= CLASSIFY_WORDS; w++, left >>= 1) {
		if (!left)
			break;
		if (!(left & 1))
			continue;
		word = match_word(maps, use, v, w);
		if (word)
			return 64 * (w - 1) + match_lowest(word);
	}
	return CLASSIFY_NO_RULE;
}

/* The general rule that the packet belongs to, or NULL. */
MATCH_STEP const struct classify_result *
match_general(struct match_maps *maps, __u32 use, const struct fields *f, const struct owner *owner,
	      const struct direct *best)
{
	struct vectors vectors, *v = &vectors;
	struct match_index first = {};

	if (use & CLASSIFY_FROM) {
		v->from = match_vector(maps, best->from_row);
		if (!v->from)
			return NULL;
	}
	if (use & CLASSIFY_TO) {
		v->to = match_vector(maps, best->to_row);
		if (!v->to)
			return NULL;
	}
	if (!match_fetch(maps, use, f, owner, v))
		return NULL;
	first.i = match_first(maps, use, v);
	return first.i == CLASSIFY_NO_RULE ? NULL : MATCH_LOOKUP(maps, weir_results, &first);
}

/* What becomes of a packet that the direct rule takes. */
PARSE_INLINE void match_take(struct match_maps *maps, __u32 use, const struct direct *best,
			     struct classify_result *result)
{
	const struct classify_marking *marking;

	(void)maps;
	result->rule = best->rule;
	result->classid = best->classid;
	result->mark = result->mark_mask = 0;
	if (!(use & CLASSIFY_MARKING))
		return;
	marking = MATCH_LOOKUP(maps, weir_markings, &best->marking);
	if (marking) {
		result->mark = marking->mark;
		result->mark_mask = marking->mark_mask;
	}
}

/* What becomes of a packet; result is left as it is where no rule matches. */
PARSE_INLINE void match(struct match_maps *maps, __u32 use, const struct fields *f,
			const struct owner *owner, struct classify_result *result)
{
	struct direct best = { .rule = CLASSIFY_NO_RULE };
	const struct classify_result *general = NULL;
	bool final = match_from(maps, use, f, &best) || match_to(maps, use, f, &best);

	if (!final && MATCH_CONFIG(maps)->words)
		general = match_general(maps, use, f, owner, &best);
	if (general && general->rule < best.rule)
		*result = *general;
	else if (best.rule != CLASSIFY_NO_RULE)
		match_take(maps, use, &best, result);
}

#endif
