/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit.h - the contract of bpf/limit.bpf.c: limits on cgroups, users and processes of a host.
 *
 * One program a direction is attached to the root of cgroup v2; which limits a packet falls under is
 * looked up by what its socket belongs to:
 *
 *	cgroup	its cgroup and the ones around it, by id, to LIMIT_LEVELS - 1 below the root
 *	user	the owner of the socket
 *	process	the tag that the socket got when it was made (or found open): weir_sockets
 *
 * A packet passes when all of its limits let it. TCP senders are held to their limits before packets are
 * (bpf/pace.bpf.c), so that the bucket has little to drop. Forwarded packets and those without a socket run no
 * such program (kernel/bpf/cgroup.c, __cgroup_bpf_run_filter_skb(), 6.1).
 *
 * An entry is changed in place, word by word, by the program weir_limit_change: neither its buckets
 * nor its counters are lost by a change. What ends, ends by itself: a limit on processes is removed when
 * the last of them exits.
 */
#ifndef WEIR_BPF_LIMIT_H
#define WEIR_BPF_LIMIT_H

#include <linux/types.h>

#include "bpf/bucket.h"
#include "bpf/pace.h"

enum {
	LIMIT_VERSION = 3,		/* of all this */
	LIMIT_LEVELS = 9,		/* of cgroups that a limit may be at; 0: the root */
	LIMIT_ENTRIES = 65536,
	LIMIT_MEMBERS = 65536,		/* processes under limits of processes */
	LIMIT_PLACES = 65536,
	LIMIT_PREFIXES = 1024,		/* of the host's own networks */
	LIMIT_TICK_NS = 10000000,	/* of /proc/PID/stat: USER_HZ is 100 on all of Linux */
	LIMIT_PID_BITS = 22,		/* PID_MAX_LIMIT, include/linux/threads.h, 6.1 */
};

enum limit_kind { LIMIT_KIND_CGROUP, LIMIT_KIND_USER, LIMIT_KIND_PROCESS, LIMIT_KINDS };
enum limit_way { LIMIT_EGRESS, LIMIT_INGRESS, LIMIT_WAYS };

struct limit_key {
	__u32 kind;	/* enum limit_kind */
	__u32 zero;
	__u64 id;	/* the cgroup's id; the uid; LIMIT_PROCESS_ID of the first process */
};

/* Names a process once and for all: a pid that is used again has another start. */
#define LIMIT_PROCESS_ID(pid, start_ticks) ((__u64)(start_ticks) << LIMIT_PID_BITS | (pid))
#define LIMIT_PROCESS_PID(id) ((__u32)((id) & ((1u << LIMIT_PID_BITS) - 1)))
#define LIMIT_PROCESS_TICKS(id) ((id) >> LIMIT_PID_BITS)

/* How a direction is limited. */
enum limit_mode {
	LIMIT_OFF,
	LIMIT_BUCKET,
	LIMIT_CLASS,	/* the packet gets the priority; a qdisc of the device does the rest */
	LIMIT_BLOCK,	/* nothing passes */
};

enum limit_flags {
	LIMIT_ONLY_INTERNET = 1 << 0,
	LIMIT_ONLY_LOCAL = 1 << 1,
	LIMIT_NO_CHILDREN = 1 << 2,	/* processes that it starts later, or has, are not covered */
};

/* One direction of a limit. */
struct limit_side {
	__u64 tat;		/* bucket.h */
	struct bucket_rate rate;
	__u32 mode;		/* enum limit_mode */
	__u32 priority;		/* LIMIT_CLASS: for skb->priority */
	__u64 rate_bit;		/* as it was asked for; the program does not look at these */
	__u64 burst_ns;
};

struct limit_entry {
	struct limit_side side[LIMIT_WAYS];
	__u32 flags;		/* enum limit_flags */
	__u32 members;		/* living processes; LIMIT_KIND_PROCESS only */
	__u32 levels;		/* LIMIT_KIND_CGROUP: what it needs of limit_use.levels */
	__u32 zero;
	struct pace pace;	/* of LIMIT_EGRESS, where it is LIMIT_BUCKET */
};

/* What one processor has seen of one direction of a limit. Bytes are those of IP on the wire. */
struct limit_count {
	__u64 packets;		/* passed on */
	__u64 bytes;
	__u64 dropped;
	__u64 dropped_bytes;
	__u64 other;		/* packets under the limit that are not of its sort of traffic */
	__u64 marked;		/* of those passed on: with CE (ECN) .. */
	__u64 notices;		/* .. with a notice to the sender (dropped ones have it as well) .. */
	__u64 classed;		/* .. left to a class */
};

struct limit_counts {
	struct limit_count side[LIMIT_WAYS];
};

/* What there are limits on: what there is none on costs nothing. */
struct limit_use {
	__u32 version;		/* LIMIT_VERSION */
	__u32 levels;		/* bit n: cgroups at level n */
	__u32 users;		/* bool */
	__u32 processes;	/* bool */
	__u32 prefixes;		/* bool: weir_limit_own has entries */
	__u32 zero;
};

/* A process under a limit, in weir_limit_members by its pid. */
struct limit_member {
	__u64 ticks;		/* when it was started */
	__u64 limit;		/* limit_key.id */
	__u32 flags;		/* LIMIT_NO_CHILDREN */
	__u32 zero;
};

/* Where a limit has a class in the HTB of a link that weir shapes (bpf/classes.h): in weir_places. Packets that
 * leave elsewhere, or come in without having waited in it, have the bucket. */
struct limit_place {
	__u64 netns;		/* the namespace's cookie */
	__u32 ifindex;		/* of the link; for what comes in, of its IFB */
	__u32 classid;
};

enum limit_place_flags {
	LIMIT_PLACE_READY = 1 << 0,	/* the class is there */
	LIMIT_PLACE_INGRESS = 1 << 1,
};

/* A network of the host's own; IPv4 as ::ffff:0:0/96 has it. */
struct limit_prefix {
	__u32 bits;
	__u8 addr[16];
};

/* What weir_limit_change is told. */
struct limit_change {
	struct limit_key key;
	struct limit_entry entry;	/* tat, members, levels and pace are not taken over */
};

/* What weir_limit_join is told: a process that is to be under the limit. */
struct limit_join {
	__u32 pid;
	__u32 leave;		/* bool: is not to be under it any more */
	struct limit_member member;
};

_Static_assert(sizeof(struct limit_key) == 16, "contract");
_Static_assert(sizeof(struct limit_side) == 64, "contract");
_Static_assert(sizeof(struct limit_entry) == 224, "contract");
_Static_assert(sizeof(struct limit_counts) == 128, "contract");
_Static_assert(sizeof(struct limit_use) == 24, "contract");
_Static_assert(sizeof(struct limit_member) == 24, "contract");
_Static_assert(sizeof(struct limit_place) == 16, "contract");
_Static_assert(sizeof(struct limit_prefix) == 20, "contract");
_Static_assert(sizeof(struct limit_change) == 240, "contract");
_Static_assert(sizeof(struct limit_join) == 32, "contract");

#endif
