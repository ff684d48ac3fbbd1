// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/alternatives.h"

#include <errno.h>
#include <string.h>

enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ICMP6 = 58 };

enum {
	IP_TERMS = MATCH_FAMILY | MATCH_PROTO | MATCH_FROM | MATCH_TO | MATCH_SPORT | MATCH_DPORT |
		MATCH_DSCP | MATCH_ACK,
	PORT_TERMS = MATCH_SPORT | MATCH_DPORT,
};

/* ---- blocks ---- */

/* Splits a range into aligned blocks; out may be NULL. Returns how many. */
static unsigned int split_range(struct range r, struct range *out)
{
	uint32_t lo = r.lo, size;
	unsigned int n = 0;

	for (; lo <= r.hi; lo += size, n++) {
		size = lo ? lo & -lo : UINT32_C(1) << 16;
		while (lo + size - 1 > r.hi)
			size >>= 1;
		if (out)
			out[n] = (struct range){ (uint16_t)lo, (uint16_t)(lo + size - 1) };
	}
	return n;
}

static unsigned int split_ports(const struct range *r, unsigned int n, bool whole, struct range *out)
{
	unsigned int i, k = 0;

	for (i = 0; i < n; i++) {
		if (!whole) {
			k += split_range(r[i], out ? out + k : NULL);
			continue;
		}
		if (out)
			out[k] = r[i];
		k++;
	}
	return k;
}

static unsigned int split_dscp(uint64_t set, struct range *out)
{
	unsigned int n = 0, lo, hi;

	for (lo = 0; lo < 64; lo = hi + 1) {
		hi = lo;
		if (!(set >> lo & 1))
			continue;
		while (hi < 63 && set >> (hi + 1) & 1)
			hi++;
		n += split_range((struct range){ (uint16_t)lo, (uint16_t)hi }, out ? out + n : NULL);
	}
	return n;
}

/*
 * The length field of packets shorter than 128 bytes: IPv4's total length, or IPv6's payload length,
 * which leaves out the header of 40 bytes. Lengths that no TCP packet has are left out at the lower
 * end, since 0 stands for more than 64 KiB there (BIG TCP: net/ipv4/ip_output.c, 6.12).
 */
static struct range short_lengths(unsigned int family)
{
	return family == 4 ? (struct range){ 32, 127 } : (struct range){ 16, 87 };
}

/* ---- prefixes ---- */

static bool holds_prefix(const struct prefix *outer, const struct prefix *inner)
{
	unsigned int bytes = outer->bits / 8, bits = outer->bits % 8;

	if (outer->ip6 != inner->ip6 || outer->bits > inner->bits ||
	    memcmp(outer->addr, inner->addr, bytes))
		return false;
	return !bits || !((outer->addr[bytes] ^ inner->addr[bytes]) >> (8 - bits));
}

/* Whether another prefix holds all of p[i]. Not looked for in lists that are too long for
 * filters in any case. */
static bool is_superfluous(const struct prefix *p, unsigned int n, unsigned int i)
{
	unsigned int j;

	for (j = 0; j < n && n <= 2 * MAX_ALTERNATIVES; j++)
		if (j != i && holds_prefix(&p[j], &p[i]) && (p[j].bits < p[i].bits || j < i))
			return true;
	return false;
}

/* Those of one family that are in no other one: overlapping alternatives would be policed twice. */
static unsigned int pick_prefixes(const struct prefix *p, unsigned int n, unsigned int family,
				  const struct prefix **out)
{
	unsigned int i, k = 0;

	for (i = 0; i < n; i++) {
		if (p[i].ip6 != (family == 6) || is_superfluous(p, n, i))
			continue;
		if (out)
			out[k] = &p[i];
		k++;
	}
	return k;
}

/* ---- the terms of one family ---- */

enum { DIM_PROTO, DIM_MAC, DIM_FROM, DIM_TO, DIM_SPORT, DIM_DPORT, DIM_DSCP, DIM_LENGTH, DIMS };

/* What the terms may be in one family. A dimension that the match does not restrict has n 1 and no
 * list. */
struct space {
	unsigned int family;
	unsigned int n[DIMS];
	int16_t proto[2];
	const struct prefix **prefixes[DIMS];
	struct range *ranges[DIMS];
};

/* Returns how many protocols; 0: none can match. */
static unsigned int list_protos(const struct match *m, unsigned int family, int16_t proto[2])
{
	bool tcp = m->set & MATCH_ACK;

	proto[0] = -1;
	if (m->set & MATCH_PROTO)
		proto[0] = !m->proto_icmp ? m->proto : family == 6 ? PROTO_ICMP6 : PROTO_ICMP;
	else if (tcp)
		proto[0] = PROTO_TCP;
	else if (m->set & PORT_TERMS)
		proto[0] = PROTO_TCP, proto[1] = PROTO_UDP;
	if (tcp && proto[0] != PROTO_TCP)
		return 0;
	return m->set & PORT_TERMS && !(m->set & MATCH_PROTO) && !tcp ? 2 : 1;
}

static unsigned int list_ranges(const struct match *m, unsigned int dim, unsigned int family,
				bool port_ranges, struct range *out)
{
	switch (dim) {
	case DIM_SPORT:
		return split_ports(m->sport, m->n_sport, port_ranges, out);
	case DIM_DPORT:
		return split_ports(m->dport, m->n_dport, port_ranges, out);
	case DIM_DSCP:
		return split_dscp(m->dscp, out);
	default:
		return split_range(short_lengths(family), out);
	}
}

static const uint32_t dim_terms[DIMS] = {
	[DIM_PROTO] = MATCH_PROTO, [DIM_MAC] = MATCH_MAC, [DIM_FROM] = MATCH_FROM, [DIM_TO] = MATCH_TO,
	[DIM_SPORT] = MATCH_SPORT, [DIM_DPORT] = MATCH_DPORT, [DIM_DSCP] = MATCH_DSCP,
	[DIM_LENGTH] = MATCH_ACK,
};

static void count_space(const struct match *m, unsigned int family, bool port_ranges,
			struct space *s)
{
	unsigned int d;

	memset(s, 0, sizeof(*s));
	s->family = family;
	for (d = 0; d < DIMS; d++) {
		if (d == DIM_PROTO)
			s->n[d] = list_protos(m, family, s->proto);
		else if (!(m->set & dim_terms[d]))
			s->n[d] = 1;
		else if (d == DIM_MAC)
			s->n[d] = 2;
		else if (d == DIM_FROM)
			s->n[d] = pick_prefixes(m->from, m->n_from, family, NULL);
		else if (d == DIM_TO)
			s->n[d] = pick_prefixes(m->to, m->n_to, family, NULL);
		else
			s->n[d] = list_ranges(m, d, family, port_ranges, NULL);
	}
}

static uint64_t space_size(const struct space *s)
{
	uint64_t size = 1;
	unsigned int d;

	for (d = 0; d < DIMS; d++)
		if (__builtin_mul_overflow(size, s->n[d], &size))
			return UINT64_MAX;
	return size;
}

static int fill_space(struct arena *a, const struct match *m, bool port_ranges, struct space *s)
{
	unsigned int d;

	for (d = DIM_FROM; d < DIMS; d++) {
		if (!(m->set & dim_terms[d]))
			continue;
		if (d == DIM_FROM || d == DIM_TO) {
			s->prefixes[d] = arena_alloc(a, s->n[d] * sizeof(*s->prefixes[d]));
			if (!s->prefixes[d])
				return -ENOMEM;
			pick_prefixes(d == DIM_FROM ? m->from : m->to,
				      d == DIM_FROM ? m->n_from : m->n_to, s->family, s->prefixes[d]);
		} else {
			s->ranges[d] = arena_alloc(a, s->n[d] * sizeof(*s->ranges[d]));
			if (!s->ranges[d])
				return -ENOMEM;
			list_ranges(m, d, s->family, port_ranges, s->ranges[d]);
		}
	}
	return 0;
}

static const struct prefix *prefix_at(const struct space *s, unsigned int dim, const unsigned int *at)
{
	return s->prefixes[dim] ? s->prefixes[dim][at[dim]] : NULL;
}

static const struct range *range_at(const struct space *s, unsigned int dim, const unsigned int *at)
{
	return s->ranges[dim] ? &s->ranges[dim][at[dim]] : NULL;
}

/* Every combination, the last dimension fastest. */
static unsigned int fill_alts(const struct match *m, const struct space *s, struct alt *alts)
{
	unsigned int at[DIMS] = { 0 }, n = 0, total = (unsigned int)space_size(s);
	int d;

	for (; n < total; n++) {
		alts[n] = (struct alt){
			.family = (uint8_t)s->family, .proto = s->proto[at[DIM_PROTO]],
			.from = prefix_at(s, DIM_FROM, at), .to = prefix_at(s, DIM_TO, at),
			.sport = range_at(s, DIM_SPORT, at), .dport = range_at(s, DIM_DPORT, at),
			.dscp = range_at(s, DIM_DSCP, at), .length = range_at(s, DIM_LENGTH, at),
		};
		if (m->set & MATCH_MAC)
			alts[n].mac = at[DIM_MAC] ? ALT_MAC_DESTINATION : ALT_MAC_SOURCE;
		for (d = DIMS - 1; d >= 0 && ++at[d] == s->n[d]; d--)
			at[d] = 0;
	}
	return n;
}

/* ---- families ---- */

/* The families that the match is about: 0 alone, or 4, 6 or both. Returns how many. */
static unsigned int list_families(const struct match *m, unsigned int family[2])
{
	if (!(m->set & IP_TERMS)) {
		family[0] = 0;
		return 1;
	}
	if (m->set & MATCH_FAMILY) {
		family[0] = m->ip6 ? 6 : 4;
		return 1;
	}
	family[0] = 4;
	family[1] = 6;
	return 2;
}

uint64_t alternatives_count(const struct match *m, bool port_ranges)
{
	unsigned int family[2], i, n = list_families(m, family);
	uint64_t total = 0;
	struct space s;

	for (i = 0; i < n; i++) {
		count_space(m, family[i], port_ranges, &s);
		if (__builtin_add_overflow(total, space_size(&s), &total))
			return UINT64_MAX;
	}
	return total;
}

int alternatives_make(struct arena *a, const struct match *m, bool port_ranges, struct alt **alts,
		      unsigned int *n)
{
	uint64_t total = alternatives_count(m, port_ranges);
	unsigned int family[2], i, n_families = list_families(m, family), k = 0;
	struct space s;
	struct alt *list;

	if (total > MAX_ALTERNATIVES)
		return -E2BIG;
	list = arena_alloc(a, (total + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (i = 0; i < n_families; i++) {
		count_space(m, family[i], port_ranges, &s);
		if (!space_size(&s))
			continue;
		if (fill_space(a, m, port_ranges, &s))
			return -ENOMEM;
		k += fill_alts(m, &s, list + k);
	}
	*alts = list;
	*n = k;
	return 0;
}
