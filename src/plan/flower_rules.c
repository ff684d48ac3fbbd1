// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/filter_rules.h"

#include <string.h>

#include "qdisc/filter.h"

enum {
	ETHERTYPE_IP = 0x0800, ETHERTYPE_IP6 = 0x86dd, ETHERTYPE_VLAN = 0x8100,
	IS_FRAGMENT = 1,	/* TCA_FLOWER_KEY_FLAGS_IS_FRAGMENT (linux/pkt_cls.h) */
};

static void put_bytes(struct opts *o, unsigned int row, const uint8_t *bytes, size_t n)
{
	memcpy(o->v[row].b, bytes, n);
	o->set |= UINT64_C(1) << row;
}

/* Without a VLAN the ethertype is what the kernel finds behind any tags. */
static void put_ether(struct opts *o, const struct match *m, unsigned int family)
{
	uint16_t type = family == 6 ? ETHERTYPE_IP6 : ETHERTYPE_IP;

	if (m && m->set & MATCH_VLAN) {
		opts_put(o, FLOWER_ETH_TYPE, ETHERTYPE_VLAN);
		opts_put(o, FLOWER_VLAN_ID, m->vlan);
		if (family)
			opts_put(o, FLOWER_VLAN_ETH_TYPE, type);
	} else if (family) {
		opts_put(o, FLOWER_ETH_TYPE, type);
	}
}

static void put_mac(struct opts *o, enum alt_mac which, const uint8_t mac[6])
{
	static const uint8_t ones[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	unsigned int row = which == ALT_MAC_SOURCE ? FLOWER_SRC_MAC : FLOWER_DST_MAC;

	put_bytes(o, row, mac, 6);
	put_bytes(o, row + 1, ones, 6);
}

/* row is that of the IPv4 address; its mask is next, the IPv6 pairs are as far apart for both. */
static void put_prefix(struct opts *o, unsigned int row, const struct prefix *p)
{
	unsigned int size = p && p->ip6 ? 16 : 4, i;
	uint8_t mask[16] = { 0 };

	if (!p || !p->bits)
		return;
	if (p->ip6)
		row += FLOWER_SRC6 - FLOWER_SRC4;
	for (i = 0; i < p->bits; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
	put_bytes(o, row, p->addr, size);
	put_bytes(o, row + 1, mask, size);
}

static bool is_block(const struct range *r)
{
	uint32_t size = (uint32_t)r->hi - r->lo + 1;

	return !(size & (size - 1)) && !(r->lo & (size - 1));
}

/*
 * A block is said by value and mask, which also hardware can do, another range by its ends. In a
 * fragment the kernel finds no ports and leaves them 0: where 0 is in the range, fragments have to
 * be kept out.
 */
static void put_ports(struct opts *o, unsigned int row, unsigned int min_row, const struct range *r)
{
	if (!r)
		return;
	if (!is_block(r)) {
		opts_put(o, min_row, r->lo);
		opts_put(o, min_row + 1, r->hi);
	} else if (block_mask(r)) {
		opts_put(o, row, r->lo);
		opts_put(o, row + 1, block_mask(r));
	}
	if (!r->lo) {
		opts_put(o, FLOWER_FLAGS, 0);
		opts_put(o, FLOWER_FLAGS_MASK, IS_FRAGMENT);
	}
}

void flower_fill(struct opts *o, const struct hook *hook, const struct match *m,
		 const struct alt *alt)
{
	(void)hook;
	put_ether(o, m, alt->family);
	if (m && m->set & MATCH_MAC)
		put_mac(o, alt->mac, m->mac);
	if (alt->proto >= 0)
		opts_put(o, FLOWER_IP_PROTO, (uint64_t)alt->proto);
	if (alt->dscp && block_mask(alt->dscp) & 0x3f) {
		opts_put(o, FLOWER_IP_TOS, (uint64_t)alt->dscp->lo << 2);
		opts_put(o, FLOWER_IP_TOS_MASK, (block_mask(alt->dscp) & 0x3fu) << 2);
	}
	put_prefix(o, FLOWER_SRC4, alt->from);
	put_prefix(o, FLOWER_DST4, alt->to);
	put_ports(o, FLOWER_SPORT, FLOWER_SPORT_MIN, alt->sport);
	put_ports(o, FLOWER_DPORT, FLOWER_DPORT_MIN, alt->dport);
}
