/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * alternatives.h - a match as a list of alternatives, each of which one kernel filter can hold.
 *
 * A match has lists, and terms that look different in IPv4 and in IPv6. An alternative has at most
 * one value a term and one family. A packet matches when any of the alternatives holds; no two of
 * them hold for the same packet, except where a MAC address is both its source and its destination.
 */
#ifndef WEIR_PLAN_ALTERNATIVES_H
#define WEIR_PLAN_ALTERNATIVES_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/policy.h"
#include "lib/arena.h"

enum { MAX_ALTERNATIVES = 1000 };

enum alt_mac { ALT_MAC_ANY, ALT_MAC_SOURCE, ALT_MAC_DESTINATION };

/* What all alternatives of a match share (mark, vlan, the MAC address) stays in the match. */
struct alt {
	uint8_t family;		/* 4, 6, or 0: the match says nothing about IP */
	int16_t proto;		/* IP protocol, or -1 */
	enum alt_mac mac;
	const struct prefix *from, *to;		/* NULL: any */
	const struct range *sport, *dport;	/* NULL: any */
	const struct range *dscp;		/* a block of code points, or NULL: any */
	const struct range *length;		/* for ack: a block of IPv4's total length or of IPv6's
						 * payload length, or NULL: any */
};

/*
 * How many alternatives a match has, UINT64_MAX for more than that; 0: no packet can match it.
 * Ranges of dscp and length, and of ports unless port_ranges is true, are blocks: powers of two long
 * and aligned to their length, so that a value and a mask can say them.
 */
uint64_t alternatives_count(const struct match *m, bool port_ranges);

/* Makes them, in the arena. -E2BIG: more than MAX_ALTERNATIVES; -ENOMEM. */
int alternatives_make(struct arena *a, const struct match *m, bool port_ranges, struct alt **alts,
		      unsigned int *n);

/* The mask of a block, as wide as a port. */
static inline uint16_t block_mask(const struct range *block)
{
	return (uint16_t)~(block->hi - block->lo);
}

#endif
