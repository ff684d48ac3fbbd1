// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/filter_rules.h"

#include <arpa/inet.h>

#include "qdisc/filter.h"

enum {
	ETHERTYPE_IP = 0x0800, ETHERTYPE_IP6 = 0x86dd,

	/* words in front of the network header; the Ethernet header has 14 bytes */
	ETHER_DST_START = -16,		/* low half: the first two bytes of the destination */
	ETHER_DST_REST = -12,
	ETHER_SRC_START = -8,
	ETHER_SRC_REST = -4,		/* high half: the last two bytes of the source */
	ETHER_TYPE = -4,		/* low half */

	IP4_START = 0,			/* version 4, ihl 4, tos 8, total length 16 */
	IP4_FRAGMENT = 4,		/* id 16, flags 3, offset 13 */
	IP4_PROTO = 8,			/* ttl 8, protocol 8, checksum 16 */
	IP4_SRC = 12, IP4_DST = 16,
	IP4_PAYLOAD = 20,		/* without options */

	IP6_START = 0,			/* version 4, traffic class 8, flow label 20 */
	IP6_LENGTH = 4,			/* payload length 16, next header 8, hop limit 8 */
	IP6_SRC = 8, IP6_DST = 24,
	IP6_PAYLOAD = 40,

	TCP_FLAGS = 12,			/* data offset 4, 0 4, flags 8, window 16 */
};

#define TCP_FLAGS_MASK 0x001f0000u	/* ACK PSH RST SYN FIN */
#define TCP_FLAGS_ACK  0x00100000u

/* Keys being made: in host order, by offset, a word at most once. */
struct keys {
	unsigned int n;
	struct {
		int off;
		uint32_t mask, value;
	} key[U32_KEYS];
};

/* Words are compared in the order of their offsets, so that what decides whether a later word has
 * a meaning (the ethertype, the header's length) comes first: u32 gives up the whole priority for
 * a packet that is too short for a word. */
static void add_key(struct keys *k, int off, uint32_t mask, uint32_t value)
{
	unsigned int i, j;

	if (!mask)
		return;
	for (i = 0; i < k->n && k->key[i].off < off; i++)
		;
	if (i == k->n || k->key[i].off != off) {
		for (j = k->n++; j > i; j--)
			k->key[j] = k->key[j - 1];
		k->key[i].off = off;
		k->key[i].mask = k->key[i].value = 0;
	}
	k->key[i].mask |= mask;
	k->key[i].value |= value & mask;
}

static void add_block(struct keys *k, int off, unsigned int shift, uint32_t width_mask,
		      const struct range *block)
{
	if (block)
		add_key(k, off, (block_mask(block) & width_mask) << shift,
			(uint32_t)block->lo << shift);
}

static uint32_t word_at(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void add_prefix(struct keys *k, int off, const struct prefix *p)
{
	unsigned int bits = p ? p->bits : 0, i, here;

	for (i = 0; bits; i += 4, bits -= here) {
		here = bits < 32 ? bits : 32;
		add_key(k, off + (int)i, UINT32_MAX << (32 - here), word_at(p->addr + i));
	}
}

static void add_mac(struct keys *k, enum alt_mac which, const uint8_t mac[6])
{
	if (which == ALT_MAC_SOURCE) {
		add_key(k, ETHER_SRC_START, UINT32_MAX, word_at(mac));
		add_key(k, ETHER_SRC_REST, 0xffff0000, (uint32_t)mac[4] << 24 | (uint32_t)mac[5] << 16);
	} else if (which == ALT_MAC_DESTINATION) {
		add_key(k, ETHER_DST_START, 0xffff, (uint32_t)mac[0] << 8 | mac[1]);
		add_key(k, ETHER_DST_REST, UINT32_MAX, word_at(mac + 2));
	}
}

static void add_family(struct keys *k, const struct hook *hook, unsigned int family)
{
	if (hook->ethernet)
		add_key(k, ETHER_TYPE, 0xffff, family == 6 ? ETHERTYPE_IP6 : ETHERTYPE_IP);
	else
		add_key(k, IP4_START, 0xf0000000, family << 28);
}

static bool needs_payload(const struct alt *alt)
{
	return alt->sport || alt->dport || alt->length;
}

/* Ports, and the flags of an `ack`. */
static void add_payload(struct keys *k, int payload, const struct alt *alt)
{
	add_block(k, payload, 16, 0xffff, alt->sport);
	add_block(k, payload, 0, 0xffff, alt->dport);
	if (alt->length)
		add_key(k, payload + TCP_FLAGS, TCP_FLAGS_MASK, TCP_FLAGS_ACK);
}

static void add_ip4(struct keys *k, const struct alt *alt)
{
	add_block(k, IP4_START, 18, 0x3f, alt->dscp);
	add_block(k, IP4_START, 0, 0xffff, alt->length);
	if (alt->proto >= 0)
		add_key(k, IP4_PROTO, 0x00ff0000, (uint32_t)alt->proto << 16);
	add_prefix(k, IP4_SRC, alt->from);
	add_prefix(k, IP4_DST, alt->to);
	if (!needs_payload(alt))
		return;
	add_key(k, IP4_START, 0x0f000000, 0x05000000);
	add_key(k, IP4_FRAGMENT, 0x1fff, 0);
	add_payload(k, IP4_PAYLOAD, alt);
}

static void add_ip6(struct keys *k, const struct alt *alt)
{
	add_block(k, IP6_START, 22, 0x3f, alt->dscp);
	add_block(k, IP6_LENGTH, 16, 0xffff, alt->length);
	if (alt->proto >= 0)
		add_key(k, IP6_LENGTH, 0x0000ff00, (uint32_t)alt->proto << 8);
	add_prefix(k, IP6_SRC, alt->from);
	add_prefix(k, IP6_DST, alt->to);
	if (needs_payload(alt))
		add_payload(k, IP6_PAYLOAD, alt);
}

static void put_keys(struct opts *o, const struct keys *k)
{
	unsigned int i;

	for (i = 0; i < k->n; i++) {
		int32_t *w = o->v[U32_KEY + i].w;

		w[0] = (int32_t)htonl(k->key[i].mask);
		w[1] = (int32_t)htonl(k->key[i].value);
		w[2] = k->key[i].off;
		w[3] = 0;
		o->set |= UINT64_C(1) << (U32_KEY + i);
	}
}

void u32_fill(struct opts *o, const struct hook *hook, const struct match *m, const struct alt *alt)
{
	struct keys k = { 0 };

	if (alt->family)
		add_family(&k, hook, alt->family);
	if (m && m->set & MATCH_MAC)
		add_mac(&k, alt->mac, m->mac);
	if (alt->family == 4)
		add_ip4(&k, alt);
	else if (alt->family == 6)
		add_ip6(&k, alt);
	put_keys(o, &k);
	if (m && m->set & MATCH_MARK)
		opts_put(o, U32_MARK, (uint64_t)m->mark_mask << 32 | (m->mark & m->mark_mask));
}
