/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy.h - what the user asked for: the types that the language is read into.
 *
 * A policy is complete and valid: shares are resolved to rates, a tree has its default class (made
 * from the remaining rate where the file names none), names are unique among siblings. It holds
 * nothing of the kernel: whether an interface exists is found out later. Rates are bits per second,
 * sizes bytes. Everything lives in the policy's arena; lists are in file order.
 */
#ifndef WEIR_CONF_POLICY_H
#define WEIR_CONF_POLICY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/arena.h"
#include "lib/ctx.h"
#include "qdisc/kind.h"

struct loc {
	const char *file;
	unsigned int line, column;	/* from 1 */
};

enum linklayer { LINKLAYER_ETHERNET, LINKLAYER_ATM, LINKLAYER_PTM };

/* What the wire adds to a packet as the kernel sees it (Ethernet header included there). */
struct framing {
	bool set;
	const char *preset;	/* the preset's name, or NULL for raw figures */
	int32_t overhead_bytes;	/* added to each packet; presets may be negative */
	uint32_t mpu_bytes;	/* smallest packet on the wire */
	enum linklayer linklayer;
};

struct prefix {
	bool ip6;
	uint8_t bits;
	uint8_t addr[16];	/* network order; host bits are zero */
};

struct range {
	uint16_t lo, hi;
};

enum match_terms {
	MATCH_FAMILY = 1 << 0, MATCH_PROTO = 1 << 1, MATCH_FROM = 1 << 2, MATCH_TO = 1 << 3,
	MATCH_SPORT = 1 << 4, MATCH_DPORT = 1 << 5, MATCH_DSCP = 1 << 6, MATCH_MARK = 1 << 7,
	MATCH_CGROUP = 1 << 8, MATCH_USER = 1 << 9, MATCH_VLAN = 1 << 10, MATCH_MAC = 1 << 11,
	MATCH_ACK = 1 << 12,
};

/* One `match` line: all terms in `set` must hold, within a term any of its values. A match without
 * terms ("match all") holds for every packet. */
struct match {
	struct match *next;
	struct loc loc;
	uint32_t set;		/* enum match_terms */
	bool ip6;		/* MATCH_FAMILY: ip6, else ip */
	uint8_t proto;		/* IP protocol; icmp is 1 for ip and 58 for ip6: see proto_icmp */
	bool proto_icmp;	/* the word icmp: the protocol depends on the family */
	struct prefix *from, *to;
	unsigned int n_from, n_to;
	struct range *sport, *dport;	/* sorted, not overlapping, not adjacent */
	unsigned int n_sport, n_dport;
	uint64_t dscp;		/* bit n: DSCP n */
	uint32_t mark, mark_mask;
	uint16_t vlan;		/* 1-4094 */
	uint8_t mac[6];		/* source or destination */
	const char *cgroup, *user;

	/* What they stand for on this host: host/resolve.h and plan/net_cls.h say it. */
	uint32_t uid;
	uint64_t cgroup_id;	/* v2: the inode of its folder; 0: a cgroup of net_cls (v1) */
	uint8_t cgroup_level;	/* v2: folders below the root */
	uint32_t net_cls;	/* v1: net_cls.classid */
	const uint32_t *net_cls_inner;	/* v1: those of cgroups inside it, which the match takes too: */
	unsigned int n_net_cls_inner;	/* classids are not nested as cgroups are */
};

enum class_fields {
	CLASS_RATE = 1 << 0, CLASS_CEIL = 1 << 1, CLASS_PRIO = 1 << 2, CLASS_BURST = 1 << 3,
	CLASS_CBURST = 1 << 4, CLASS_QUANTUM = 1 << 5, CLASS_QUEUE = 1 << 6, CLASS_MARK = 1 << 7,
};

/* A class of a tree. The tree's root is a class too: its rate is the link's, its ceil the same. */
struct class {
	struct class *next, *parent, *children;	/* in file order; the default is last */
	struct loc loc;
	const char *name;	/* "default" for the default; "" for the root */
	const char *path;	/* names from below the root, "lab/a"; "" for the root */
	bool is_default;	/* takes what no match of its parent's subtree takes */
	bool implied;		/* not in the file: made from the remaining rate */
	uint32_t set;		/* enum class_fields: what the file says */
	uint64_t rate_bit, ceil_bit;	/* always valid: resolved shares and defaults */
	uint32_t prio;			/* 0-7, 0 the first served; default 3 */
	uint32_t burst_bytes, cburst_bytes, quantum_bytes;	/* where set */
	uint32_t mark, mark_mask;	/* ingress: what its packets get in these bits of their mark;
					 * mask 0: nothing. A class without takes that of the class
					 * around it */
	const struct kind *queue;	/* where set; leaves only */
	struct opts *queue_opts;
	struct match *matches;
};

enum verdict { VERDICT_DROP, VERDICT_PASS, VERDICT_RECLASSIFY };

struct police {
	struct police *next;
	struct loc loc;
	bool ingress;
	uint64_t rate_bit;
	uint64_t burst_bytes;	/* 0: the default, max(64 KiB, 20 ms of the rate) */
	uint32_t mtu_bytes;	/* 0: the default */
	enum verdict conform, exceed;	/* default pass, drop */
	struct match *matches;	/* NULL: every packet */
};

enum classifier_choice { CLASSIFIER_AUTO, CLASSIFIER_KERNEL, CLASSIFIER_BPF };

/* Whether classids are stamped at XDP already, and in which mode of the driver. */
enum xdp_choice { XDP_OFF, XDP_AUTO, XDP_NATIVE, XDP_GENERIC };

struct link {
	struct link *next;
	struct loc loc;
	const char *name;
	struct framing framing;
	enum classifier_choice classifier;
	enum xdp_choice xdp;
	struct class *egress, *ingress;		/* roots, or NULL */
	struct police *polices;
};

enum limit_subject {
	LIMIT_CGROUP, LIMIT_USER, LIMIT_PID,
	LIMIT_NET_CLS,		/* a cgroup of net_cls (v1): never so in a file, where it is LIMIT_CGROUP */
	LIMIT_SUBJECTS
};
extern const char *const limit_subjects[];	/* "cgroup" ..: their keywords */

/* Which traffic, by the remote address. */
enum limit_only { LIMIT_ALL, LIMIT_INTERNET, LIMIT_LOCAL };

#define LIMIT_RATE_MIN_BIT UINT64_C(8000)
#define LIMIT_RATE_MAX_BIT UINT64_C(1000000000000)
#define LIMIT_BURST_MIN_NS UINT64_C(1000000)
#define LIMIT_BURST_MAX_NS UINT64_C(60000000000)

/* One direction of a limit; all of it 0: it is not limited. */
struct limit_rate {
	bool block;		/* nothing passes */
	uint64_t rate_bit;
	uint64_t burst_ns;	/* 0: the default */
};

struct limit {
	struct limit *next;
	struct loc loc;
	enum limit_subject subject;
	const char *name;	/* path, user name or decimal pid */
	struct limit_rate egress, ingress;
	enum limit_only only;
	const char *backend;	/* NULL: the best */
	bool no_children;
};

struct policy {
	struct arena arena;
	struct link *links;
	struct limit *limits;
};

/* Reads a file ("-" is standard input) and everything it includes. All errors of all files, up to
 * 20, become the one located fault of ctx; warnings are printed through ctx. On success *policy is
 * the caller's, for policy_free(). -EINVAL for errors in the text, else what opening gave. */
int conf_read(struct ctx *ctx, const char *path, struct policy **policy);

/* The same from memory; name stands for the file in messages, includes are relative to it. */
int conf_parse(struct ctx *ctx, const char *name, const char *text, size_t len,
	       struct policy **policy);

/* Text that parses to an equal policy: rates resolved, one statement a line, defaults explicit. */
void conf_print(FILE *f, const struct policy *policy);

/* The same as a string, which is the caller's; NULL: no memory. */
char *conf_text(const struct policy *policy);

/* Parts of it, for messages: one match line without the keyword. */
void conf_print_match(FILE *f, const struct match *match);

void policy_free(struct policy *policy);

#endif
