/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet.h - random matches, random packets that are near them, and what a match says of a packet,
 * read naively: what the classifiers are tested against.
 */
#ifndef WEIR_TESTS_PACKET_H
#define WEIR_TESTS_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/policy.h"

enum { PACKET_ROOM = 512, PACKET_NETWORK = 64 };

enum tagging { UNTAGGED, TAG_IN_METADATA, TAG_IN_HEADER, SECOND_TAG_IN_HEADER, TAGGINGS };
#define ALL_TAGGINGS ((1u << TAGGINGS) - 1)
enum fragment { WHOLE, FIRST_FRAGMENT, LATER_FRAGMENT };

struct packet {
	uint8_t buf[PACKET_ROOM];	/* network header (or the second tag) at PACKET_NETWORK */
	unsigned int start, end;	/* bytes that the packet has */
	bool ethernet;
	enum tagging tagging;
	uint16_t vlan;
	uint8_t smac[6], dmac[6];
	uint32_t mark;
	bool ip6, ip;			/* neither: some other protocol */
	uint8_t src[16], dst[16], dscp, ecn;
	uint8_t proto;			/* behind extension headers */
	bool extended;			/* IP options, or an extension header */
	uint8_t option_words;		/* of IPv4 */
	enum fragment fragment;
	uint16_t fragment_offset;	/* of a later one, in 8 bytes */
	bool has_ports;
	uint16_t sport, dport;
	uint8_t tcp_flags;
	uint32_t ip_bytes;		/* over 65535: BIG TCP, the length field is 0 */
};

/* One in n times. From rand(). */
bool once_in(unsigned int n);

/* A match with some of the allowed terms, in the arena. */
struct match *match_random(struct arena *a, uint32_t allowed);

/* Gives all its prefixes these lengths. */
void match_set_lengths(struct match *m, uint8_t bits4, uint8_t bits6);

/* A packet, often one that the match is about, with its bytes. taggings: bit n for each enum tagging
 * that may occur; UNTAGGED always may. */
void packet_random(struct packet *p, const struct match *m, bool ethernet, unsigned int taggings);

/* What of a packet a kind of filter can see: filter_rules.h. */
struct sight {
	bool ip, proto, ports, flags, macs;
};

extern const struct sight sight_everything;

struct sight sight_of_u32(const struct match *m, const struct packet *p);
struct sight sight_of_flower(const struct match *m, const struct packet *p);

/* Whether the match holds for the packet, for somebody who sees so much of it. */
bool match_holds(const struct match *m, const struct packet *p, struct sight see);

#endif
