// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/packet.h"

#include <stdlib.h>
#include <string.h>

static unsigned int below(unsigned int n)
{
	return (unsigned int)rand() % n;
}

bool once_in(unsigned int n)
{
	return !below(n);
}

/* Few addresses that share leading bits, so that prefixes of any length part them. */
static void random_address(bool ip6, uint8_t addr[16])
{
	static const uint8_t tails[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	unsigned int i, size = ip6 ? 16 : 4;

	memset(addr, 0, 16);
	for (i = 0; i < size; i++)
		addr[i] = once_in(3) ? tails[below(5)] : 0x0a;
}

static uint16_t random_port(void)
{
	static const uint16_t ports[] = { 0, 1, 53, 80, 443, 1023, 1024, 5060, 5061, 32767, 32768, 65535 };

	return once_in(2) ? ports[below(12)] : (uint16_t)below(65536);
}

static void random_mac(uint8_t mac[6])
{
	static const uint8_t macs[3][6] = {
		{ 2, 1, 1, 1, 1, 1 }, { 2, 1, 1, 1, 1, 2 }, { 6, 1, 1, 1, 1, 1 },
	};

	memcpy(mac, macs[below(3)], 6);
}

/* ---- random matches ---- */

static bool in_prefix(const struct prefix *p, bool ip6, const uint8_t *addr)
{
	unsigned int i;

	if (p->ip6 != ip6)
		return false;
	for (i = 0; i < p->bits; i++)
		if ((p->addr[i / 8] ^ addr[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

static struct prefix *random_prefixes(struct arena *a, unsigned int *n, int family)
{
	static const uint8_t lengths[] = { 0, 1, 8, 9, 20, 24, 31, 32, 33, 64, 100, 127, 128 };
	struct prefix *p;
	unsigned int i, bit;

	*n = 1 + below(4);
	p = arena_alloc(a, *n * sizeof(*p));
	for (i = 0; i < *n; i++) {
		p[i].ip6 = family ? family == 6 : once_in(2);
		do
			p[i].bits = lengths[below(13)];
		while (!p[i].ip6 && p[i].bits > 32);
		random_address(p[i].ip6, p[i].addr);
		for (bit = p[i].bits; bit < 128; bit++)
			p[i].addr[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
	}
	return p;
}

static void set_lengths(struct prefix *p, unsigned int n, uint8_t bits4, uint8_t bits6)
{
	unsigned int i, bit;

	for (i = 0; i < n; i++) {
		if (p[i].bits < (p[i].ip6 ? bits6 : bits4))
			random_address(p[i].ip6, p[i].addr);
		p[i].bits = p[i].ip6 ? bits6 : bits4;
		for (bit = p[i].bits; bit < 128; bit++)
			p[i].addr[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
	}
}

void match_set_lengths(struct match *m, uint8_t bits4, uint8_t bits6)
{
	set_lengths(m->from, m->n_from, bits4, bits6);
	set_lengths(m->to, m->n_to, bits4, bits6);
}

static struct range *random_ranges(struct arena *a, unsigned int *n)
{
	struct range *r = arena_alloc(a, 4 * sizeof(*r));
	uint32_t lo = 0;

	for (*n = 0; *n < 3; ++*n, lo += 2) {
		lo += once_in(3) ? below(3) : random_port();
		if (lo > 65535)
			break;
		r[*n].lo = (uint16_t)lo;
		lo += once_in(2) ? 0 : below(3000);
		r[*n].hi = (uint16_t)(lo > 65535 ? 65535 : lo);
	}
	return *n ? r : random_ranges(a, n);
}

static uint64_t random_dscp(void)
{
	uint64_t set = UINT64_C(1) << below(64);

	while (!once_in(3))
		set |= once_in(2) ? UINT64_C(1) << below(64) : UINT64_C(0xff) << 8 * below(8);
	return once_in(20) ? UINT64_MAX : set;
}

static void random_proto(struct match *m)
{
	static const uint8_t protos[] = { 6, 17, 47, 50, 1, 136 };

	m->proto_icmp = once_in(5);
	m->proto = protos[below(6)];
}

struct match *match_random(struct arena *a, uint32_t allowed)
{
	struct match *m = arena_alloc(a, sizeof(*m));
	unsigned int bit;

	for (bit = 0; bit < 13; bit++)
		if (allowed >> bit & 1 && once_in(4))
			m->set |= UINT32_C(1) << bit;
	m->ip6 = once_in(2);
	random_proto(m);
	if (m->set & MATCH_ACK)
		m->proto = 6, m->proto_icmp = false;
	if (m->set & (MATCH_SPORT | MATCH_DPORT) && m->proto != 17 && (m->proto != 136 || m->proto_icmp))
		m->proto = 6, m->proto_icmp = false;
	m->from = random_prefixes(a, &m->n_from, m->set & MATCH_FAMILY ? m->ip6 ? 6 : 4 : 0);
	m->to = random_prefixes(a, &m->n_to, m->from[0].ip6 ? 6 : 4);
	m->sport = random_ranges(a, &m->n_sport);
	m->dport = random_ranges(a, &m->n_dport);
	m->dscp = random_dscp();
	m->mark_mask = once_in(2) ? UINT32_MAX : 0xff;
	m->mark = below(3) & m->mark_mask;
	m->vlan = (uint16_t)(1 + below(3));
	random_mac(m->mac);
	return m;
}

/* ---- random packets, likely to be near the match ---- */

static uint16_t near_range(const struct range *r, unsigned int n)
{
	const struct range *one = &r[below(n)];

	switch (below(4)) {
	case 0:
		return (uint16_t)(one->lo - 1);
	case 1:
		return (uint16_t)(one->hi + 1);
	default:
		return (uint16_t)(one->lo + below(one->hi - one->lo + 1u));
	}
}

static void near_prefix(const struct prefix *p, unsigned int n, bool ip6, uint8_t addr[16])
{
	const struct prefix *one = &p[below(n)];
	unsigned int i;

	random_address(ip6, addr);
	if (one->ip6 != ip6 || once_in(6))
		return;
	for (i = 0; i < one->bits; i++)
		addr[i / 8] = (uint8_t)((addr[i / 8] & ~(0x80 >> i % 8)) |
					(one->addr[i / 8] & 0x80 >> i % 8));
	if (one->bits && once_in(4))
		addr[(one->bits - 1) / 8] ^= (uint8_t)(0x80 >> (one->bits - 1) % 8);
}

static void random_lengths(struct packet *p)
{
	static const uint32_t bytes[] = { 40, 52, 60, 63, 64, 79, 80, 127, 128, 129, 1500, 70000 };
	uint32_t least = p->ip6 ? 60 : 40;

	p->ip_bytes = bytes[below(12)];
	if (p->ip_bytes < least)
		p->ip_bytes = least;
}

static void put16(uint8_t *b, uint32_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static uint8_t *build_ip4(const struct packet *p, uint8_t *b)
{
	unsigned int ihl = 5 + (p->extended ? p->option_words : 0u);

	b[0] = (uint8_t)(0x40 | ihl);
	b[1] = (uint8_t)(p->dscp << 2 | p->ecn);
	put16(b + 2, p->ip_bytes > 65535 ? 0 : p->ip_bytes);
	put16(b + 6, p->fragment ? 0x2000u | p->fragment_offset : 0x4000);
	b[8] = 64;
	b[9] = p->proto;
	memcpy(b + 12, p->src, 4);
	memcpy(b + 16, p->dst, 4);
	memset(b + 20, 1, 40);
	return b + 4 * ihl;
}

static uint8_t *build_ip6(const struct packet *p, uint8_t *b)
{
	uint8_t *next = b + 6, *at = b + 40;

	b[0] = (uint8_t)(0x60 | p->dscp >> 2);
	b[1] = (uint8_t)(p->dscp << 6 | p->ecn << 4 | 0x5);
	put16(b + 4, p->ip_bytes > 65535 ? 0 : p->ip_bytes - 40);
	b[7] = 64;
	memcpy(b + 8, p->src, 16);
	memcpy(b + 24, p->dst, 16);
	if (p->extended) {
		*next = 60;	/* destination options */
		next = at;
		memset(at + 1, 0, 7);
		at += 8;
	}
	if (p->fragment) {
		*next = 44;
		next = at;
		memset(at + 1, 0, 7);
		put16(at + 2, (uint32_t)p->fragment_offset << 3 | 1);
		at += 8;
	}
	*next = p->proto;
	return at;
}

static void build(struct packet *p)
{
	uint8_t *b = p->buf + PACKET_NETWORK, *at;
	unsigned int header = p->tagging == TAG_IN_HEADER ? 18 : 14;
	uint16_t type = !p->ip ? 0x0806 : p->ip6 ? 0x86dd : 0x0800;

	p->start = PACKET_NETWORK - (p->ethernet ? header : 0);
	if (p->ethernet) {
		memcpy(p->buf + p->start, p->dmac, 6);
		memcpy(p->buf + p->start + 6, p->smac, 6);
		put16(p->buf + p->start + 12, 0x8100);
		put16(p->buf + p->start + 14, p->vlan);
		put16(b - 2, p->tagging == SECOND_TAG_IN_HEADER ? 0x8100 : type);
	}
	if (p->tagging == SECOND_TAG_IN_HEADER) {
		put16(b, 77);
		put16(b + 2, type);
		b += 4;
	}
	at = !p->ip ? b : p->ip6 ? build_ip6(p, b) : build_ip4(p, b);
	if (p->fragment == LATER_FRAGMENT)
		memset(at, 0x50, 40);
	put16(at, p->sport);
	put16(at + 2, p->dport);
	if (p->proto == 6)
		at[13] = p->tcp_flags;
	p->end = (unsigned int)(at - p->buf) + (p->proto == 17 ? 8 : 20);
}

void packet_random(struct packet *p, const struct match *m, bool ethernet, unsigned int taggings)
{
	static const uint8_t protos[] = { 6, 6, 6, 17, 17, 1, 58, 47, 50, 132 };
	static const uint8_t with_ports[] = { 6, 17, 33, 132, 136 };
	static const uint8_t flags[] = { 0x10, 0x10, 0x10, 0x18, 0x12, 0x02, 0x11, 0x14, 0x00, 0xd0 };

	memset(p, 0, sizeof(*p));
	p->ethernet = ethernet;
	if (ethernet && once_in(3))
		do
			p->tagging = below(TAGGINGS);
		while (!(taggings >> p->tagging & 1));
	p->vlan = p->tagging ? (uint16_t)(1 + below(3)) : 0;
	random_mac(p->smac);
	random_mac(p->dmac);
	p->mark = below(3) | (once_in(4) ? 0x100 : 0);
	p->ip = !ethernet || !once_in(12);
	p->ip6 = m->set & MATCH_FAMILY && !once_in(6) ? m->ip6 : once_in(2);
	near_prefix(m->from, m->n_from, p->ip6, p->src);
	near_prefix(m->to, m->n_to, p->ip6, p->dst);
	p->dscp = (uint8_t)below(64);
	while (!once_in(4) && !(m->dscp >> p->dscp & 1))
		p->dscp = (uint8_t)below(64);
	p->ecn = (uint8_t)below(4);
	p->proto = m->set & MATCH_PROTO && !once_in(4) ?
		(m->proto_icmp ? (p->ip6 ? 58 : 1) : m->proto) : protos[below(10)];
	p->extended = once_in(8);
	p->option_words = (uint8_t)(1 + below(10));
	p->fragment = once_in(8) ? FIRST_FRAGMENT + below(2) : WHOLE;
	if (p->fragment == LATER_FRAGMENT)
		p->fragment_offset = (uint16_t)(1u << below(13));
	if (once_in(8))
		p->proto ^= (uint8_t)(1u << below(8));
	if (p->ip6 && (p->proto == 0 || p->proto == 43 || p->proto == 44 || p->proto == 60))
		p->proto = 59;	/* those would be extension headers */
	p->has_ports = memchr(with_ports, p->proto, sizeof(with_ports));
	p->sport = once_in(4) ? random_port() : near_range(m->sport, m->n_sport);
	p->dport = once_in(4) ? random_port() : near_range(m->dport, m->n_dport);
	p->tcp_flags = flags[below(10)];
	random_lengths(p);
	build(p);
}

/* ---- the naive reading ---- */

const struct sight sight_everything = { true, true, true, true, true };

struct sight sight_of_u32(const struct match *m, const struct packet *p)
{
	bool plain6 = !p->ip6 || (!p->extended && !p->fragment);
	bool payload = p->ip6 ? plain6 : !p->extended && p->fragment != LATER_FRAGMENT;

	(void)m;
	return (struct sight){
		.ip = p->tagging != SECOND_TAG_IN_HEADER, .proto = plain6, .ports = payload,
		.flags = payload, .macs = p->tagging != TAG_IN_HEADER,
	};
}

struct sight sight_of_flower(const struct match *m, const struct packet *p)
{
	return (struct sight){ .ip = !(m->set & MATCH_VLAN) || p->tagging != SECOND_TAG_IN_HEADER,
			       .proto = true, .ports = !p->fragment, .macs = true };
}

static bool in_ranges(const struct range *r, unsigned int n, uint16_t v)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (v >= r[i].lo && v <= r[i].hi)
			return true;
	return false;
}

static bool in_prefixes(const struct prefix *list, unsigned int n, const struct packet *p,
			const uint8_t *addr)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (in_prefix(&list[i], p->ip6, addr))
			return true;
	return false;
}

/* Ports are where the protocol has them, and a later fragment has none. */
static bool ports_match(const struct match *m, const struct packet *p, struct sight see)
{
	bool known = m->set & (MATCH_PROTO | MATCH_ACK) ? p->has_ports : p->proto == 6 || p->proto == 17;

	if (!(m->set & (MATCH_SPORT | MATCH_DPORT)))
		return true;
	return see.ports && see.proto && known && p->fragment != LATER_FRAGMENT &&
	       (!(m->set & MATCH_SPORT) || in_ranges(m->sport, m->n_sport, p->sport)) &&
	       (!(m->set & MATCH_DPORT) || in_ranges(m->dport, m->n_dport, p->dport));
}

static bool ack_matches(const struct match *m, const struct packet *p, struct sight see)
{
	return !(m->set & MATCH_ACK) ||
	       (see.flags && p->proto == 6 && p->fragment != LATER_FRAGMENT &&
		(p->tcp_flags & 0x1f) == 0x10 && p->ip_bytes < 128);
}

static bool ip_matches(const struct match *m, const struct packet *p, struct sight see)
{
	uint8_t proto = m->proto_icmp ? (p->ip6 ? 58 : 1) : m->proto;

	if (!(m->set & (MATCH_FAMILY | MATCH_PROTO | MATCH_FROM | MATCH_TO | MATCH_SPORT | MATCH_DPORT |
			MATCH_DSCP | MATCH_ACK)))
		return true;
	return p->ip && see.ip && (!(m->set & MATCH_FAMILY) || m->ip6 == p->ip6) &&
	       (!(m->set & MATCH_PROTO) || (see.proto && proto == p->proto)) &&
	       (!(m->set & MATCH_FROM) || in_prefixes(m->from, m->n_from, p, p->src)) &&
	       (!(m->set & MATCH_TO) || in_prefixes(m->to, m->n_to, p, p->dst)) &&
	       (!(m->set & MATCH_DSCP) || m->dscp >> p->dscp & 1) &&
	       ports_match(m, p, see) && ack_matches(m, p, see);
}

bool match_holds(const struct match *m, const struct packet *p, struct sight see)
{
	return ip_matches(m, p, see) &&
	       (!(m->set & MATCH_MARK) || (p->mark & m->mark_mask) == m->mark) &&
	       (!(m->set & MATCH_VLAN) || (p->tagging && p->vlan == m->vlan)) &&
	       (!(m->set & MATCH_MAC) ||
		(see.macs && (!memcmp(m->mac, p->smac, 6) || !memcmp(m->mac, p->dmac, 6))));
}

