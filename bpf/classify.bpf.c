// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * classify.bpf.c - the classifier, at clsact's egress or ingress: the class of a packet becomes its
 * priority, where HTB looks for it. The algorithm is described in bpf/classify.h.
 *
 * It returns -1. As a verdict (direct action, at egress) this is TC_ACT_UNSPEC: the filters behind are
 * asked, too. Without direct action it says that the filter matches, and the filter's actions run: at
 * ingress the one that hands the packet to the IFB (cls_bpf_classify(), net/sched/cls_bpf.c, 6.1). With
 * CLASSIFY_FILTER it returns 0 where no rule matches: the filter does not match, and its actions do not run.
 *
 * What a program of limits (bpf/limit.bpf.c) has put into the class of a limit, it leaves there.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/classify.h"
#include "bpf/kernel.h"
#include "bpf/socket.h"
#include "bpf/stamp.h"

const volatile struct classify_config config;

/* ---- maps; sizes that are 1 here are set when they are made ---- */

#define PREFIX_MAP(map, bytes) \
	struct { \
		__uint(type, BPF_MAP_TYPE_LPM_TRIE); \
		__uint(map_flags, BPF_F_NO_PREALLOC); \
		__uint(max_entries, 1); \
		__uint(key_size, bytes); \
		__uint(value_size, sizeof(struct classify_prefix)); \
	} map SEC(".maps")

#define VALUE_MAP(map, kind, key_bytes, value_bytes) \
	struct { \
		__uint(type, kind); \
		__uint(max_entries, 1); \
		__uint(key_size, key_bytes); \
		__uint(value_size, value_bytes); \
	} map SEC(".maps")

PREFIX_MAP(weir_from4, CLASSIFY_KEY4_BYTES);
PREFIX_MAP(weir_from6, CLASSIFY_KEY6_BYTES);
PREFIX_MAP(weir_to4, CLASSIFY_KEY4_BYTES);
PREFIX_MAP(weir_to6, CLASSIFY_KEY6_BYTES);
VALUE_MAP(weir_sports, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct classify_ports));
VALUE_MAP(weir_dports, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct classify_ports));
VALUE_MAP(weir_vlans, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct classify_vlans));
VALUE_MAP(weir_marks, BPF_MAP_TYPE_HASH, sizeof(struct classify_mark), 4);
VALUE_MAP(weir_macs, BPF_MAP_TYPE_HASH, 8, 4);
VALUE_MAP(weir_cgroups, BPF_MAP_TYPE_HASH, 8, 4);
VALUE_MAP(weir_net_cls, BPF_MAP_TYPE_HASH, 4, 4);
VALUE_MAP(weir_uids, BPF_MAP_TYPE_HASH, 4, 4);
VALUE_MAP(weir_vectors, BPF_MAP_TYPE_ARRAY, 4, 8 * (1 + CLASSIFY_WORDS));
VALUE_MAP(weir_results, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct classify_result));
VALUE_MAP(weir_markings, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct classify_marking));
VALUE_MAP(weir_counters, BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct classify_counter));

/* ---- what parse.h and match.h ask for ---- */

#define MATCH_CONFIG(maps) (&config)
#define MATCH_LOOKUP(maps, map, key) bpf_map_lookup_elem(&map, key)
#define MATCH_STEP static __noinline

struct match_maps {
	char unused;
};

#include "bpf/match.h"

struct packet {
	struct __sk_buff *skb;
	union parse_header copy;
};

/* Headers need not be in the linear part of a packet, least of all of one that GRO made. */
static __always_inline const void *packet_at(struct packet *p, __u32 at, __u32 bytes)
{
	const void *start = (const void *)(long)p->skb->data;
	const void *end = (const void *)(long)p->skb->data_end;

	if (at > PARSE_REACH)
		return NULL;
	if (start + at + bytes <= end)
		return start + at;
	return bpf_skb_load_bytes(p->skb, at, &p->copy, bytes) ? NULL : &p->copy;
}

/* ---- counters ---- */

static __always_inline void count(struct __sk_buff *skb, __u32 use, __u32 i)
{
	/* volatile: a choice of where in the context to look is nothing that the verifier takes */
	__u32 len = *(volatile __u32 *)&skb->len, wire_len = *(volatile __u32 *)&skb->wire_len;
	struct match_index key = { .i = i };
	struct classify_counter *c = bpf_map_lookup_elem(&weir_counters, &key);

	if (!c)
		return;
	c->packets += skb->gso_segs ?: 1;
	c->bytes += use & CLASSIFY_INGRESS ? len : wire_len;
}

static __always_inline void count_rule(struct __sk_buff *skb, __u32 use, __u32 rule)
{
	if (rule == CLASSIFY_NO_RULE)
		count(skb, use, CLASSIFY_COUNT_DEFAULT);
	else if (rule < CLASSIFY_COUNTED)
		count(skb, use, CLASSIFY_COUNT_RULE + rule);
	else
		count(skb, use, CLASSIFY_COUNT_REST);
}

/* ---- sockets ---- */

enum { LINUX_AF_INET = 2, LINUX_AF_INET6 = 10 };

/* Also of what a socket sends before it is one: the answer to a SYN. */
static __always_inline void owner_at_egress(struct __sk_buff *skb, __u32 use, struct owner *owner)
{
	struct bpf_sock *sk = skb->sk;
	__u32 i;

	if (!sk)
		return;
	owner->known = true;
	if (use & CLASSIFY_UID)
		owner->uid = socket_uid(sk);
	if (use & CLASSIFY_NET_CLS)
		owner->net_cls = bpf_skb_cgroup_classid(skb);
	if (!(use & CLASSIFY_CGROUP))
		return;
#pragma GCC unroll 4
	for (i = 0; i < CLASSIFY_CGROUP_LEVELS; i++)
		if (i < config.cgroup_levels)
			owner->cgroup[i] = bpf_skb_ancestor_cgroup_id(skb, config.cgroup_level[i]);
}

/* Those of the wanted levels among a cgroup and what it is in. */
static __always_inline void owner_read_cgroups(struct cgroup *cgroup, struct owner *owner)
{
	struct cgroup **ancestors = __builtin_preserve_access_index(&cgroup->ancestors[0]), *ancestor;
	__u32 level = BPF_CORE_READ(cgroup, level), i, wanted;

#pragma GCC unroll 4
	for (i = 0; i < CLASSIFY_CGROUP_LEVELS; i++) {
		if (i >= config.cgroup_levels)
			break;
		wanted = config.cgroup_level[i];
		if (wanted <= level &&
		    !bpf_probe_read_kernel(&ancestor, sizeof(ancestor), ancestors + wanted))
			owner->cgroup[i] = BPF_CORE_READ(ancestor, kn, id);
	}
}

/* The kernel gives a program at ingress no helper that tells a socket's cgroup; its own memory does. */
static __always_inline void owner_read(struct bpf_sock *sk, __u32 use, struct owner *owner)
{
	struct sock *socket = socket_address(sk);

	if (!socket)
		return;
	owner->known = true;
	if (use & CLASSIFY_UID)
		owner->uid = BPF_CORE_READ(socket, sk_uid.val);
	if (use & CLASSIFY_NET_CLS)
		owner->net_cls = BPF_CORE_READ(socket, sk_cgrp_data.classid);
	if (!(use & CLASSIFY_CGROUP))
		return;
	owner_read_cgroups(BPF_CORE_READ(socket, sk_cgrp_data.cgroup), owner);
}

static __always_inline __u16 network_order(__u16 host)
{
	return PARSE_HOST(host);
}

/* Returns the tuple's size, which is how the kernel tells the family. */
static __always_inline __u32 socket_tuple(const struct fields *f, struct bpf_sock_tuple *tuple)
{
	const __u32 *from = f->from.word, *to = f->to.word;

	if (f->family == 4) {
		tuple->ipv4.saddr = from[0];
		tuple->ipv4.daddr = to[0];
		tuple->ipv4.sport = network_order(f->sport);
		tuple->ipv4.dport = network_order(f->dport);
		return sizeof(tuple->ipv4);
	}
	__builtin_memcpy(tuple->ipv6.saddr, from, sizeof(tuple->ipv6.saddr));
	__builtin_memcpy(tuple->ipv6.daddr, to, sizeof(tuple->ipv6.daddr));
	tuple->ipv6.sport = network_order(f->sport);
	tuple->ipv6.dport = network_order(f->dport);
	return sizeof(tuple->ipv6);
}

/* What the host takes without asking its routes (ip_route_input_noref(), net/ipv4/route.c, 6.1). */
static __always_inline bool is_to_many(const struct fields *f)
{
	__u32 first = f->to.word[0];

	if (f->family == 4)
		return first == ~0u || *(const __u8 *)&first >> 4 == 14;
	return *(const __u8 *)&first == 0xff;
}

/* Whether it is routed on, or nowhere. Its own addresses are what a host does not forward to: where it does not
 * forward at all, what is for others ends here anyway. */
static __noinline int is_forwarded(struct __sk_buff *skb, const struct fields *f)
{
	struct bpf_fib_lookup fib = { .ifindex = skb->ifindex, .l4_protocol = f->proto };
	const __u32 *from = f->from.word, *to = f->to.word;
	long ret;

	if (is_to_many(f))
		return 0;
	if (f->family == 4) {
		fib.family = LINUX_AF_INET;
		fib.ipv4_src = from[0];
		fib.ipv4_dst = to[0];
	} else {
		fib.family = LINUX_AF_INET6;
		__builtin_memcpy(fib.ipv6_src, from, sizeof(fib.ipv6_src));
		__builtin_memcpy(fib.ipv6_dst, to, sizeof(fib.ipv6_dst));
	}
	ret = bpf_fib_lookup(skb, &fib, sizeof(fib), 0);
	return ret >= 0 && ret != BPF_FIB_LKUP_RET_NOT_FWDED && ret != BPF_FIB_LKUP_RET_FWD_DISABLED;
}

/* A look-up of a socket does not ask where a packet is going: one that is bound to no address matches what is on
 * its way to others, too. */
static __always_inline bool is_for(const struct bpf_sock *sk, struct __sk_buff *skb, const struct fields *f)
{
	bool bound = f->family == 4 ? sk->src_ip4 :
		     sk->src_ip6[0] | sk->src_ip6[1] | sk->src_ip6[2] | sk->src_ip6[3];

	return bound || !is_forwarded(skb, f);
}

/* Two functions, since the verifier wants what two look-ups return kept apart. */
static __noinline int owner_of_tcp(struct __sk_buff *skb, __u32 use, const struct fields *f,
				   struct owner *owner)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk;

	sk = bpf_sk_lookup_tcp(skb, &tuple, socket_tuple(f, &tuple), BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return 0;
	if (is_for(sk, skb, f))
		owner_read(sk, use, owner);
	bpf_sk_release(sk);
	return 0;
}

static __noinline int owner_of_udp(struct __sk_buff *skb, __u32 use, const struct fields *f,
				   struct owner *owner)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk;

	sk = bpf_sk_lookup_udp(skb, &tuple, socket_tuple(f, &tuple), BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return 0;
	if (is_for(sk, skb, f))
		owner_read(sk, use, owner);
	bpf_sk_release(sk);
	return 0;
}

static __always_inline void owner_at_ingress(struct __sk_buff *skb, __u32 use, const struct fields *f,
					     struct owner *owner)
{
	if (f->ports && f->proto == PROTO_TCP)
		owner_of_tcp(skb, use, f, owner);
	else if (f->ports && f->proto == PROTO_UDP)
		owner_of_udp(skb, use, f, owner);
}

/* ---- the program ---- */

/* Whether XDP has decided, by these rules. */
static __always_inline bool stamped(struct __sk_buff *skb, __u32 use, struct classify_result *result)
{
	const struct stamp *stamp = (const struct stamp *)(long)skb->data_meta;

	if ((const void *)(stamp + 1) > (const void *)(long)skb->data || stamp->magic != STAMP_MAGIC) {
		count(skb, use, CLASSIFY_COUNT_MISSING);
		return false;
	}
	if (stamp->generation != config.generation) {
		count(skb, use, CLASSIFY_COUNT_STALE);
		return false;
	}
	count(skb, use, CLASSIFY_COUNT_STAMPED);
	result->rule = stamp->rule;
	result->classid = stamp->classid;
	result->mark = stamp->mark;
	result->mark_mask = stamp->mark_mask;
	return true;
}

static __noinline int read_packet(struct __sk_buff *skb, __u32 use, struct fields *f)
{
	struct packet packet;

	packet.skb = skb;
	f->mark = skb->mark;
	if (use & CLASSIFY_VLAN && skb->vlan_present) {
		f->tagged = true;
		f->vlan = skb->vlan_tci & (CLASSIFY_VLANS - 1);
	}
	return parse(&packet, use, f);
}

/* Returns whether the packet could be read. */
static __always_inline bool classify(struct __sk_buff *skb, __u32 use, struct classify_result *result)
{
	struct fields fields = {};
	struct owner owner = {};
	struct match_maps maps = {};

	if (read_packet(skb, use, &fields) < 0)
		return false;
	if (parse_wants_ports(use) && fields.fragment)
		count(skb, use, CLASSIFY_COUNT_FRAGMENTS);
	if (!fields.family)
		count(skb, use, CLASSIFY_COUNT_NOT_IP);
	if (use & CLASSIFY_SOCKETS && use & CLASSIFY_INGRESS)
		owner_at_ingress(skb, use, &fields, &owner);
	else if (use & CLASSIFY_SOCKETS)
		owner_at_egress(skb, use, &owner);
	match(&maps, use, &fields, &owner, result);
	return true;
}

/* Only at egress: what comes in bears nothing yet. */
static __always_inline bool is_limited(struct __sk_buff *skb, __u32 use)
{
	return !(use & (CLASSIFY_INGRESS | CLASSIFY_FILTER)) && classes_is_limit(skb->priority);
}

SEC("tc")
int weir_classify(struct __sk_buff *skb)
{
	struct classify_result result = {
		.rule = config.otherwise.rule, .classid = config.otherwise.classid,
		.mark = config.otherwise.mark, .mark_mask = config.otherwise.mark_mask,
	};
	__u32 use = config.use;

	if (is_limited(skb, use)) {
		count(skb, use, CLASSIFY_COUNT_LIMITED);
		return TC_ACT_UNSPEC;
	}
	if (use & CLASSIFY_STAMPS && stamped(skb, use, &result))
		count_rule(skb, use, result.rule);
	else if (classify(skb, use, &result))
		count_rule(skb, use, result.rule);
	else
		count(skb, use, CLASSIFY_COUNT_TRUNCATED);
	if (use & CLASSIFY_FILTER && result.rule == CLASSIFY_NO_RULE)
		return 0;
	if (use & CLASSIFY_FILTER && !(use & CLASSIFY_LIMITS))
		return -1;
	skb->priority = result.classid;
	if (use & CLASSIFY_MARKING)
		skb->mark = (skb->mark & ~result.mark_mask) | result.mark;
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
