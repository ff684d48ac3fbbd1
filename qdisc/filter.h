/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter.h - row numbers of the filter and action kinds, for code that builds filters.
 */
#ifndef WEIR_QDISC_FILTER_H
#define WEIR_QDISC_FILTER_H

#include <stdint.h>

struct kind;
struct nlattr;

/*
 * For the read functions of filters and actions: what weir's rows do not hold must not pass for
 * something that they do. Returns -EINVAL when the options hold an attribute that belongs neither to
 * a row of the kind nor to its actions nor to passed_over[] (0-terminated).
 */
int filter_known_attrs(const struct nlattr *options, const struct kind *kind,
		       const uint16_t *passed_over);

/* -EINVAL when the filter's TCA_*_FLAGS ask for hardware or for software only. What the kernel
 * reports there of its own (in hardware or not) is passed over. */
int filter_plain_flags(const struct nlattr *options, int attr);

enum matchall_row { MATCHALL_CLASSID };

enum {
	U32_KEYS = 24,		/* keys of one filter at the most */
};

/* A key is .w: mask, value (both in network order, as the kernel has them), offset, offmask
 * (struct tc_u32_key, include/uapi/linux/pkt_cls.h, 6.12). Keys are in the order of offsets and
 * fill rows U32_KEY upwards without a gap. U32_MARK is (mask << 32 | value). */
enum u32_row { U32_CLASSID, U32_MARK, U32_KEY, U32_ROWS = U32_KEY + U32_KEYS };

/* A mask row is set with each value row that has one. Ports are those of the protocol in
 * FLOWER_IP_PROTO: TCP, UDP or SCTP; a row pair _MIN, _MAX holds for ports from MIN to MAX, which
 * must differ. FLOWER_FLAGS and its mask are TCA_FLOWER_KEY_FLAGS_*. */
enum flower_row {
	FLOWER_CLASSID, FLOWER_ETH_TYPE, FLOWER_VLAN_ID, FLOWER_VLAN_ETH_TYPE, FLOWER_SRC_MAC,
	FLOWER_SRC_MAC_MASK, FLOWER_DST_MAC, FLOWER_DST_MAC_MASK, FLOWER_IP_PROTO, FLOWER_IP_TOS,
	FLOWER_IP_TOS_MASK, FLOWER_SRC4, FLOWER_SRC4_MASK, FLOWER_DST4, FLOWER_DST4_MASK,
	FLOWER_SRC6, FLOWER_SRC6_MASK, FLOWER_DST6, FLOWER_DST6_MASK,
	FLOWER_SPORT_MIN, FLOWER_SPORT_MAX, FLOWER_DPORT_MIN, FLOWER_DPORT_MAX,
	FLOWER_SPORT, FLOWER_SPORT_MASK, FLOWER_DPORT, FLOWER_DPORT_MASK,
	FLOWER_FLAGS, FLOWER_FLAGS_MASK,
	FLOWER_ROWS,
};

/*
 * bpf: a program of weir's, known by the name "weir_SOURCE:HASH": BPF_PROGRAM is the source, a word of
 * its row. The program itself is no option: kernel/ adds it. Without BPF_DIRECT the filter's actions
 * run when the program returns -1 (net/sched/cls_bpf.c, 6.1), and it does not match when that returns 0.
 */
enum bpf_row { BPF_PROGRAM, BPF_HASH, BPF_DIRECT };

struct opts;

/* Sets BPF_PROGRAM and BPF_HASH from such a name. 0, or -EINVAL: it is not of that form. */
int bpf_set_name(struct opts *o, const char *name);

/* connmark: what comes after it has given a packet the mark: the next action, or the next filter. */
enum connmark_row { CONNMARK_CONTROL };
enum connmark_control { CONNMARK_PIPE, CONNMARK_CONTINUE };

/* mirred: redirects to the egress of a device, TC_ACT_STOLEN. */
enum mirred_row { MIRRED_DEV };

/* police. Verdicts are the kernel's TC_ACT_* or TC_POLICE_*, stored as an OPT_ENUM of words. */
enum police_row {
	POLICE_RATE, POLICE_BURST, POLICE_MTU, POLICE_PEAKRATE,
	POLICE_OVERHEAD, POLICE_LINKLAYER, POLICE_CONFORM, POLICE_EXCEED, POLICE_MPU, POLICE_INDEX,
	POLICE_ROWS,
};

/* What becomes of a packet. CONTINUE goes on with the next filter (TC_ACT_UNSPEC), OK ends the
 * classification and lets it pass, PIPE goes on with the next action of the same filter. */
enum police_verdict { POLICE_CONTINUE, POLICE_DROP, POLICE_OK, POLICE_PIPE, POLICE_RECLASSIFY };

#endif
