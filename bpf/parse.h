/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parse.h - from the bytes of a packet to the fields that rules ask for.
 *
 * Ethernet with up to four VLAN tags, a PPPoE session, IPv4 with options, IPv6 with up to eight
 * extension headers; or IP at once. What is inside of GRE, IPIP and the like is not looked at.
 * Compiles for BPF and natively: who includes this defines
 *
 *	struct packet
 *	static const void *packet_at(struct packet *p, __u32 at, __u32 bytes)
 *
 * packet_at() returns where bytes number `at` and on lie, or a copy of them that the next call may
 * overwrite (as large as union parse_header), or NULL where the packet ends before and from
 * PARSE_REACH on.
 */
#ifndef WEIR_BPF_PARSE_H
#define WEIR_BPF_PARSE_H

#include <stdbool.h>

#include <linux/types.h>

#include "bpf/classify.h"

#define PARSE_INLINE static inline __attribute__((always_inline))

enum {
	PARSE_REACH = 0x3fff,
	PARSE_TAGS = 4,
	PARSE_EXTENSIONS = 8,

	ETHER_IP4 = 0x0800, ETHER_IP6 = 0x86dd, ETHER_PPPOE = 0x8864,
	ETHER_8021Q = 0x8100, ETHER_8021AD = 0x88a8, ETHER_QINQ = 0x9100,
	PPP_IP4 = 0x0021, PPP_IP6 = 0x0057,

	PROTO_TCP = 6, PROTO_UDP = 17, PROTO_DCCP = 33, PROTO_SCTP = 132, PROTO_UDPLITE = 136,
	EXT_HOP = 0, EXT_ROUTING = 43, EXT_FRAGMENT = 44, EXT_OPTIONS = 60,
};

/* What packet_at() is asked for; members are as large as they are aligned, so that each is one load. */
struct ether_header {
	__u16 dst[3], src[3], type;
};

struct vlan_tag {		/* with the type that follows it */
	__u16 tci, type;
};

struct pppoe_header {		/* with the protocol of PPP (RFC 2516) */
	__u16 version_code, session, length, protocol;
};

struct ip4_header {
	__u8 version_words, tos;
	__u16 length, id, fragment;
	__u8 ttl, proto;
	__u16 checksum;
	__u32 src, dst;
};

struct ip6_header {
	__u16 version_class, flow;
	__u16 payload;
	__u8 next, hops;
	__u32 src[4], dst[4];
};

struct ip6_extension {
	__u8 next, words;		/* words of 8 bytes behind the first */
	__u16 fragment;
};

struct port_pair {
	__u16 src, dst;
};

union parse_header {
	struct ether_header ether;
	struct vlan_tag tag;
	struct pppoe_header pppoe;
	struct ip4_header ip4;
	struct ip6_header ip6;
	struct ip6_extension extension;
	struct port_pair ports;
	__u8 byte;
};

struct packet;
static const void *packet_at(struct packet *p, __u32 at, __u32 bytes);

struct fields {
	struct classify_address from, to;
	__u64 smac, dmac;		/* classify_mac_key() */
	__u32 mark;			/* the caller's to fill in */
	__u32 network;			/* where the network header is */
	__u16 sport, dport;
	__u16 vlan;			/* outermost tag */
	__u8 family;			/* 4, 6, or 0: neither */
	__u8 proto;			/* behind extension headers */
	__u8 dscp;
	bool tagged, ports, ack;	/* vlan, sport and dport are valid; `ack` holds */
	bool fragment;			/* not the first: no ports */
};

#define PARSE_BIG(v) ((__u16)((__u16)(v) << 8 | (__u16)(v) >> 8))
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define PARSE_HOST(v) PARSE_BIG(v)
#else
#define PARSE_HOST(v) ((__u16)(v))
#endif

PARSE_INLINE __u64 parse_mac(const __u16 mac[3])
{
	return (__u64)PARSE_HOST(mac[0]) << 32 | (__u64)PARSE_HOST(mac[1]) << 16 | PARSE_HOST(mac[2]);
}

/* Ethernet and what stands between it and the network header. Sets network and returns the
 * network header's ethertype, or a negative number: truncated. Tags in the packet's metadata are
 * the caller's: where f->tagged is set already, those in the header are inner ones. */
PARSE_INLINE int parse_link(struct packet *p, __u32 use, struct fields *f)
{
	const struct ether_header *ether = packet_at(p, 0, sizeof(*ether));
	const struct vlan_tag *tag;
	const struct pppoe_header *pppoe;
	__u32 at = sizeof(*ether), i;
	__u16 type;

	if (!ether)
		return -1;
	if (use & CLASSIFY_MAC) {
		f->smac = parse_mac(ether->src);
		f->dmac = parse_mac(ether->dst);
	}
	type = PARSE_HOST(ether->type);
	for (i = 0; i < PARSE_TAGS; i++) {
		if (type != ETHER_8021Q && type != ETHER_8021AD && type != ETHER_QINQ)
			break;
		tag = packet_at(p, at, sizeof(*tag));
		if (!tag)
			return -1;
		if (!f->tagged) {
			f->tagged = true;
			f->vlan = PARSE_HOST(tag->tci) & (CLASSIFY_VLANS - 1);
		}
		type = PARSE_HOST(tag->type);
		at += sizeof(*tag);
	}
	if (type == ETHER_PPPOE) {
		pppoe = packet_at(p, at, sizeof(*pppoe));
		if (!pppoe)
			return -1;
		type = PARSE_HOST(pppoe->protocol);
		type = type == PPP_IP4 ? ETHER_IP4 : type == PPP_IP6 ? ETHER_IP6 : 0;
		at += sizeof(*pppoe);
	}
	f->network = at;
	return type;
}

/* Without Ethernet header: what the version says. */
PARSE_INLINE int parse_version(struct packet *p, struct fields *f)
{
	const __u8 *first = packet_at(p, 0, 1);

	f->network = 0;
	if (!first)
		return -1;
	return *first >> 4 == 4 ? ETHER_IP4 : *first >> 4 == 6 ? ETHER_IP6 : 0;
}

PARSE_INLINE bool parse_has_ports(__u8 proto)
{
	return proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_SCTP ||
	       proto == PROTO_UDPLITE || proto == PROTO_DCCP;
}

/* ip_bytes: of the whole IP packet, 0 where the header does not say (BIG TCP). */
PARSE_INLINE int parse_transport(struct packet *p, __u32 use, struct fields *f, __u32 at,
				 __u32 ip_bytes)
{
	const struct port_pair *ports;
	const __u8 *flags;

	if (f->fragment || !parse_has_ports(f->proto))
		return 0;
	ports = packet_at(p, at, sizeof(*ports));
	if (!ports)
		return -1;
	f->sport = PARSE_HOST(ports->src);
	f->dport = PARSE_HOST(ports->dst);
	f->ports = true;
	if (!(use & CLASSIFY_ACK) || f->proto != PROTO_TCP || !ip_bytes || ip_bytes >= 128)
		return 0;
	flags = packet_at(p, at + 13, 1);
	f->ack = flags && (*flags & 0x1f) == 0x10;	/* of ACK PSH RST SYN FIN only ACK */
	return 0;
}

PARSE_INLINE bool parse_wants_ports(__u32 use)
{
	return use & (CLASSIFY_SPORT | CLASSIFY_DPORT | CLASSIFY_ACK) ||
	       (use & CLASSIFY_INGRESS && use & CLASSIFY_SOCKETS);
}

PARSE_INLINE int parse_ip4(struct packet *p, __u32 use, struct fields *f)
{
	const struct ip4_header *ip = packet_at(p, f->network, sizeof(*ip));
	__u32 words;

	if (!ip)
		return -1;
	words = ip->version_words & 0xf;
	if (words < 5)
		return -1;
	f->family = 4;
	f->from.bits = f->to.bits = 32;
	f->from.word[0] = ip->src;
	f->to.word[0] = ip->dst;
	f->dscp = ip->tos >> 2;
	f->proto = ip->proto;
	f->fragment = PARSE_HOST(ip->fragment) & 0x1fff;
	if (!parse_wants_ports(use))
		return 0;
	return parse_transport(p, use, f, f->network + 4 * words, PARSE_HOST(ip->length));
}

/* Passes over extension headers; sets proto and fragment. Returns where what follows starts, 0 where
 * it is too deep to say, or a negative number: truncated. */
PARSE_INLINE int parse_extensions(struct packet *p, struct fields *f)
{
	__u32 at = f->network + sizeof(struct ip6_header), i;
	const struct ip6_extension *extension;
	__u8 next = f->proto;

	for (i = 0; i < PARSE_EXTENSIONS; i++) {
		if (next != EXT_HOP && next != EXT_ROUTING && next != EXT_OPTIONS && next != EXT_FRAGMENT)
			break;
		extension = packet_at(p, at, sizeof(*extension));
		if (!extension)
			return -1;
		at += 8;
		if (next != EXT_FRAGMENT) {
			at += 8 * extension->words;
		} else if (PARSE_HOST(extension->fragment) & 0xfff8) {
			f->proto = extension->next;
			f->fragment = true;
			return 0;
		}
		next = extension->next;
	}
	f->proto = next;
	return i < PARSE_EXTENSIONS ? (int)at : 0;
}

PARSE_INLINE int parse_ip6(struct packet *p, __u32 use, struct fields *f)
{
	const struct ip6_header *ip = packet_at(p, f->network, sizeof(*ip));
	__u32 *from = f->from.word, *to = f->to.word, bytes;
	int at;

	if (!ip)
		return -1;
	f->family = 6;
	f->from.bits = f->to.bits = 128;
	from[0] = ip->src[0];
	from[1] = ip->src[1];
	from[2] = ip->src[2];
	from[3] = ip->src[3];
	to[0] = ip->dst[0];
	to[1] = ip->dst[1];
	to[2] = ip->dst[2];
	to[3] = ip->dst[3];
	f->dscp = PARSE_HOST(ip->version_class) >> 6 & 0x3f;
	f->proto = ip->next;
	bytes = PARSE_HOST(ip->payload);
	if (!parse_wants_ports(use) && !(use & CLASSIFY_PROTO))
		return 0;
	at = parse_extensions(p, f);
	if (at <= 0 || !parse_wants_ports(use))
		return at;
	return parse_transport(p, use, f, (__u32)at, bytes ? bytes + sizeof(*ip) : 0);
}

/* Fills in what `use` (enum classify_use) asks for. f is zeroed but for the mark and a tag from
 * the packet's metadata. Returns 0, or a negative number where the headers end before they should. */
PARSE_INLINE int parse(struct packet *p, __u32 use, struct fields *f)
{
	int type = use & CLASSIFY_ETHERNET ? parse_link(p, use, f) : parse_version(p, f);

	if (type == ETHER_IP4)
		return parse_ip4(p, use, f);
	if (type == ETHER_IP6)
		return parse_ip6(p, use, f);
	return type < 0 ? -1 : 0;
}

#endif
