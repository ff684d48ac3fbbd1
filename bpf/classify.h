/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * classify.h - the contract of bpf/classify.bpf.c: its constants, what is in its maps, its counters.
 *
 * The rules of one hook are tried in order, the first that matches wins. They are of two sorts:
 *
 * - A general rule is a bit. Each field of a packet (source prefix, destination port, DSCP ..) leads
 *   to a vector of the general rules that it agrees with; the vectors are ANDed, the first bit that
 *   is left is the rule. So the cost is that of the fields, not of the number of rules.
 * - A direct rule is one list of source or of destination prefixes and nothing else: it stands in
 *   the prefix map itself, as the lowest direct rule of all prefixes that cover the entry. There may
 *   be a million.
 *
 * The winner is the lower of the two. Of a set of rules the program uses only the maps and does only
 * the steps that its constants call for; the others are not made, and the kernel's verifier
 * takes the code away.
 *
 * Numbers are in host order, addresses and MAC addresses as in the packet. All structures are as
 * they lie in memory on both sides.
 */
#ifndef WEIR_BPF_CLASSIFY_H
#define WEIR_BPF_CLASSIFY_H

#include <linux/types.h>

#include "bpf/classes.h"

enum {
	CLASSIFY_RULES = 1024,		/* general rules, at most */
	CLASSIFY_WORDS = CLASSIFY_RULES / 64,
	CLASSIFY_PREFIXES = 1000000,	/* entries of one prefix map, at most */
	CLASSIFY_MARK_MASKS = 4,	/* different masks of `match mark` */
	CLASSIFY_CGROUP_LEVELS = 4,	/* different depths of `match cgroup` (v2) */
	CLASSIFY_COUNTED = 65536,	/* rules with a counter of their own; the others share one */
	CLASSIFY_PROTOS = 1024,
	CLASSIFY_VLANS = 4096,
	CLASSIFY_PORTS = 65536,
};

#define CLASSIFY_NO_RULE 0xffffffffu

/*
 * classify_config.use. What a set of rules does not need costs nothing.
 *
 * A prefix map is only looked up where its bit is set; the other bits of fields say that general
 * rules have the term.
 */
enum classify_use {
	CLASSIFY_FROM4 = 1 << 0, CLASSIFY_FROM6 = 1 << 1,
	CLASSIFY_TO4 = 1 << 2, CLASSIFY_TO6 = 1 << 3,
	CLASSIFY_FROM = 1 << 4, CLASSIFY_TO = 1 << 5,	/* vectors of addresses: any family's */
	CLASSIFY_SPORT = 1 << 6, CLASSIFY_DPORT = 1 << 7,
	CLASSIFY_PROTO = 1 << 8,			/* family, protocol, ack */
	CLASSIFY_DSCP = 1 << 9,
	CLASSIFY_MARK = 1 << 10,
	CLASSIFY_VLAN = 1 << 11,
	CLASSIFY_MAC = 1 << 12,
	CLASSIFY_CGROUP = 1 << 13,			/* v2 */
	CLASSIFY_NET_CLS = 1 << 14,			/* v1 */
	CLASSIFY_UID = 1 << 15,
	CLASSIFY_ACK = 1 << 16,				/* the ack half of the protocol rows */

	CLASSIFY_INGRESS = 1 << 20,	/* sockets are looked up, not at hand: needs the kernel's BTF */
	CLASSIFY_ETHERNET = 1 << 21,	/* packets start with an Ethernet header, else with IP */
	CLASSIFY_FILTER = 1 << 22,	/* only tells whether a rule matches: nothing is stamped */
	CLASSIFY_STAMPS = 1 << 23,	/* XDP may have decided: bpf/stamp.h */
	CLASSIFY_MARKING = 1 << 24,	/* some outcome changes the mark */
	CLASSIFY_LIMITS = 1 << 25,	/* with CLASSIFY_FILTER: what a rule matches is stamped */
};

#define CLASSIFY_SOCKETS (CLASSIFY_CGROUP | CLASSIFY_NET_CLS | CLASSIFY_UID)

/*
 * Where all prefixes of a map have one of few lengths, as subscribers have, the map is a hash, which is
 * asked for each length, the longest first: it does not get slower with the number of prefixes.
 */
enum { CLASSIFY_LENGTHS = 2 };

struct classify_length {
	__u32 bits;
	__u32 mask[4];		/* as in the packet */
};

struct classify_lengths {
	__u32 n;		/* of length; 0: the map is an LPM trie */
	struct classify_length length[CLASSIFY_LENGTHS];
};

/* What becomes of the packets of a rule. */
struct classify_result {
	__u32 rule;		/* its index in the list of rules, or CLASSIFY_NO_RULE: the default */
	__u32 classid;
	__u32 mark, mark_mask;	/* skb->mark = (skb->mark & ~mark_mask) | mark; 0, 0: as it was */
};

/*
 * A "row" is the index of a vector in weir_vectors. For each field there is a row for packets that
 * have no such thing, or a value that no rule names: the vector of all rules that do not ask.
 */
struct classify_config {
	__u32 use;			/* enum classify_use */
	__u32 words;			/* words of 64 rules in a vector; 0: no general rules */
	__u32 counters;			/* entries of weir_counters */
	__u32 generation;		/* of these rules: their hash; never 0 */
	struct classify_result otherwise;	/* of packets that no rule matches */

	__u32 from_none, to_none;
	__u32 sport_none, dport_none;
	__u32 not_ip;			/* of the protocol rows */
	__u32 dscp_none;
	__u32 vlan_none, mac_none;
	__u32 cgroup_none, net_cls_none, uid_none;
	__u32 mark_masks;		/* of mark_mask */
	__u32 mark_mask[CLASSIFY_MARK_MASKS];
	__u32 mark_none[CLASSIFY_MARK_MASKS];
	__u32 cgroup_levels;		/* of cgroup_level */
	__u32 cgroup_level[CLASSIFY_CGROUP_LEVELS];
	__u32 pad;
	struct classify_lengths from4, from6, to4, to6;

	__u16 proto[CLASSIFY_PROTOS];	/* rows, by classify_proto_index() */
	__u16 dscp[64];			/* rows, by code point */
};

/* Index of the protocol rows: ack is what the term `ack` says of the packet. */
static inline __u32 classify_proto_index(_Bool ip6, _Bool ack, __u8 proto)
{
	return (__u32)ip6 << 9 | (__u32)ack << 8 | proto;
}

/* ---- maps ----
 *
 * name           type      key                      value
 * weir_from4/6   LPM trie  classify_address         classify_prefix   source addresses
 * weir_to4/6     or hash   classify_address         classify_prefix   destination addresses
 * weir_sports    array 1   0                        classify_ports
 * weir_dports    array 1   0                        classify_ports
 * weir_vlans     array 1   0                        classify_vlans
 * weir_marks     hash      classify_mark            u32 row
 * weir_macs      hash      u64: classify_mac_key()  u32 row
 * weir_cgroups   hash      u64 id                   u32 row
 * weir_net_cls   hash      u32 classid              u32 row
 * weir_uids      hash      u32 uid                  u32 row
 * weir_vectors   array     row                      u64[1 + words]: bit w of the first says whether
 *                                                   word w is not 0; then the words
 * weir_results   array     general rule             classify_result
 * weir_markings  array     classify_prefix.marking  classify_marking
 * weir_counters  per-CPU   enum classify_counts     classify_counter
 *                array
 *
 * Sizes of maps and of vectors are set when they are made (kernel/program.h). The keys of the maps
 * for IPv4 have 8 bytes, for IPv6 20.
 */

struct classify_address {
	__u32 bits;		/* of the prefix; in a look-up of an LPM trie all of them */
	union {
		__u8 addr[16];	/* IPv4: the first 4 */
		__u32 word[4];
	};
};

enum { CLASSIFY_KEY4_BYTES = 8, CLASSIFY_KEY6_BYTES = 20 };

#define CLASSIFY_FINAL (1u << 31)	/* classify_prefix.marking: no other rule can come before rule */

struct classify_prefix {
	__u32 rule;		/* the first direct rule that matches, or CLASSIFY_NO_RULE */
	__u32 classid;		/* its */
	__u32 row;		/* general rules that the address agrees with; 0 where there are none */
	__u32 marking;		/* index in weir_markings, and CLASSIFY_FINAL */
};

struct classify_marking {
	__u32 mark, mark_mask;
};

struct classify_ports {
	__u16 row[CLASSIFY_PORTS];
};

struct classify_vlans {
	__u16 row[CLASSIFY_VLANS];
};

struct classify_mark {
	__u32 mark;		/* under the mask */
	__u32 mask;
};

static inline __u64 classify_mac_key(const __u8 *mac)
{
	return (__u64)mac[0] << 40 | (__u64)mac[1] << 32 | (__u64)mac[2] << 24 | (__u64)mac[3] << 16 |
	       (__u64)mac[4] << 8 | mac[5];
}

/*
 * weir_counters. A packet that is still to be segmented counts as its segments. Bytes are the
 * kernel's: at egress what a qdisc is charged, at ingress skb->len.
 */
enum classify_counts {
	CLASSIFY_COUNT_DEFAULT,		/* no rule matched */
	CLASSIFY_COUNT_REST,		/* rules from CLASSIFY_COUNTED on */
	CLASSIFY_COUNT_TRUNCATED,	/* headers end before they should: to the default; not among
					 * CLASSIFY_COUNT_DEFAULT */
	CLASSIFY_COUNT_FRAGMENTS,	/* of the others: later fragments, whose ports are unknown;
					 * counted where rules ask for ports, ack or sockets */
	CLASSIFY_COUNT_NOT_IP,		/* of the others: neither IPv4 nor IPv6; counted where
					 * something of IP is asked for */
	CLASSIFY_COUNT_STAMPED,		/* of the others: XDP had decided */
	CLASSIFY_COUNT_MISSING,		/* XDP had not; classified here */
	CLASSIFY_COUNT_STALE,		/* XDP had, by other rules; classified here */
	CLASSIFY_COUNT_LIMITED,		/* of no other: a limit has put them into its class */
	CLASSIFY_COUNT_RULE,		/* this and rule i: packets of rule i */
};

struct classify_counter {
	__u64 packets;
	__u64 bytes;
};

_Static_assert(sizeof(struct classify_result) == 16, "classify_result");
_Static_assert(sizeof(struct classify_config) == 312 + 2 * (CLASSIFY_PROTOS + 64), "classify_config");
_Static_assert(sizeof(struct classify_lengths) == 44, "classify_lengths");
_Static_assert(sizeof(struct classify_address) == CLASSIFY_KEY6_BYTES, "classify_address");
_Static_assert(sizeof(struct classify_prefix) == 16, "classify_prefix");
_Static_assert(sizeof(struct classify_marking) == 8, "classify_marking");
_Static_assert(sizeof(struct classify_ports) == 131072, "classify_ports");
_Static_assert(sizeof(struct classify_vlans) == 8192, "classify_vlans");
_Static_assert(sizeof(struct classify_mark) == 8, "classify_mark");
_Static_assert(sizeof(struct classify_counter) == 16, "classify_counter");

#endif
