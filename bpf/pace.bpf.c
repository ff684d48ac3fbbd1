// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TCP senders under limits (limit.h) are paced: pace.h says how fast. The kernel calls weir_pace when a
 * connection is made and once a round trip; a socket's rate is the least that one of its limits gives it.
 * Sockets that were open before are gone through when limits are set, changed or taken away. Where they
 * cannot be called for (before 6.13 nothing but a program of their own connection asks for that) they keep
 * an equal part of the rate. Packets are not looked at here.
 */
#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/address.h"
#include "bpf/kernel.h"
#include "bpf/limit.h"
#include "bpf/limit_maps.h"

enum {
	LINUX_AF_INET6 = 10, LINUX_SOL_SOCKET = 1, LINUX_SO_MAX_PACING_RATE = 47, LINUX_SOL_TCP = 6,
	LINUX_TCP_CB_FLAGS = 1008,	/* TCP_BPF_SOCK_OPS_CB_FLAGS, since 6.13 */
	STATE_CLOSE = 7, STATE_LISTEN = 10,	/* include/net/tcp_states.h */
	HEADER4 = 20 + 32, HEADER6 = 40 + 32,	/* with the timestamps of TCP */
	USUAL_WINDOW = 10, MAX_CPUS = 4096,
};

/* What was told to a socket; there is none for one that never was under a limit. */
struct paced {
	__u64 own;		/* SO_MAX_PACING_RATE as the application has it; ~0: not at all */
	__u64 told;		/* as it was set last */
	__u32 window;		/* as pace_window() */
	__u32 zero;
};

const volatile __u64 root_id;	/* of the cgroup that weir_pace is attached to */

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct paced);
} weir_paced SEC(".maps");

enum occasion { CONNECTED, CALLED, COUNT, FOUND_OPEN };

struct sender {
	__u64 sk;		/* its address, to read from */
	__u64 rate;		/* the least share of wire bytes; ~0: no limit */
	__u64 session;
	struct limit_key key;
	__u64 passed, dropped;	/* of the limit, so far */
	__u64 tag;		/* limit of processes; 0: none */
	__u32 occasion, rtt_us;
	__u32 only;		/* limit_flags of limits that are not for it; 0: not looked yet */
	__u32 steered;		/* bool: is called for */
};

struct sum {
	struct limit_key key;
	__u64 passed, dropped;
};

/* ---- a limit of a sender ---- */

static long add_cpu(__u32 cpu, void *context)
{
	struct sum *sum = context;
	struct limit_counts *counts = bpf_map_lookup_percpu_elem(&weir_counts, &sum->key, cpu);

	if (!counts)
		return 1;
	sum->passed += counts->side[LIMIT_EGRESS].bytes;
	sum->dropped += counts->side[LIMIT_EGRESS].dropped_bytes;
	return 0;
}

static __always_inline void look(struct pace_bucket *b, const struct limit_side *side)
{
	__u64 ahead_max = side->rate.drop + bucket_cost(side->rate.byte, BUCKET_BYTES) +
			  bucket_time(BUCKET_LATE_NS);

	b->rate = side->rate_bit / 8;
	b->burst = side->rate.drop >> BUCKET_FRACTION;
	b->now = bpf_ktime_get_ns();
	b->queue = bucket_queue(side->tat, bucket_time(b->now), ahead_max) >> BUCKET_FRACTION;
}

/* Not static, so that the verifier looks at each once and not for every way to it. */
int pace_add_up(struct sender *s);
int pace_steer(struct limit_entry *entry, struct sender *s);
int pace_ask_one(struct sender *s, __u32 find);
__u32 pace_sort_of(struct sender *s, __u32 has_prefixes);

__noinline int pace_add_up(struct sender *s)
{
	struct sum sum = { 0 };

	if (!s)
		return 0;
	sum.key = s->key;
	bpf_loop(MAX_CPUS, add_cpu, &sum, 0);
	s->passed = sum.passed;
	s->dropped = sum.dropped;
	return 0;
}

__noinline int pace_steer(struct limit_entry *entry, struct sender *s)
{
	struct pace_bucket b = { 0 };

	if (!entry || !s)
		return 0;
	look(&b, &entry->side[LIMIT_EGRESS]);
	pace_see(&entry->pace, &b, s->rtt_us);
	if (!pace_is_due(&entry->pace, &b))
		return 0;
	pace_add_up(s);
	b.passed = s->passed;
	b.dropped = s->dropped;
	pace_update(&entry->pace, &b);
	return 0;
}

static __always_inline void count(const struct sender *s, struct pace *pace)
{
	if (pace->session != s->session)
		pace->senders = 0;
	pace->session = s->session;
	pace->senders++;
}

/* The part of one that was open before the limit was. */
static __always_inline __u64 part_of(const struct sender *s, struct pace *pace, __u64 rate)
{
	__u64 part = rate / (pace->senders ? pace->senders : 1);

	if (!pace->share)
		PACE_WRITE(pace->share, part);
	if (!s->steered)
		return part ? part : 1;
	return pace_rate(pace, rate);
}

static __always_inline void ask(struct sender *s, struct limit_entry *entry)
{
	__u64 rate = entry->side[LIMIT_EGRESS].rate_bit / 8, own;

	if (s->occasion == COUNT) {
		count(s, &entry->pace);
		return;
	}
	if (s->occasion != FOUND_OPEN)
		pace_steer(entry, s);
	if (s->occasion == CONNECTED)
		pace_join(&entry->pace, rate);
	own = s->occasion == FOUND_OPEN ? part_of(s, &entry->pace, rate) : pace_rate(&entry->pace, rate);
	if (own < s->rate)
		s->rate = own;
}

/* ---- its limits ---- */

/* The limit_flags of limits that are not for it. */
__noinline __u32 pace_sort_of(struct sender *s, __u32 has_prefixes)
{
	struct limit_prefix remote = { .bits = 128 };
	struct sock *sk;
	bool local;

	if (!s)
		return 0;
	sk = (struct sock *)s->sk;
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == LINUX_AF_INET6) {
		bpf_core_read(remote.addr, 16, &sk->__sk_common.skc_v6_daddr);
	} else {
		remote.addr[10] = 0xff;
		remote.addr[11] = 0xff;
		bpf_core_read(remote.addr + 12, 4, &sk->__sk_common.skc_daddr);
	}
	local = address_is_local(remote.addr) ||
		(has_prefixes && bpf_map_lookup_elem(&weir_own, &remote));
	return local ? LIMIT_ONLY_INTERNET : LIMIT_ONLY_LOCAL;
}

/* The id of the cgroup at that level that the socket is in; 0: none. */
static __always_inline __u64 cgroup_of(const struct sender *s, __u32 level)
{
	struct sock *sk = (struct sock *)s->sk;
	struct cgroup *cgroup = BPF_CORE_READ(sk, sk_cgrp_data.cgroup), *ancestor;
	struct cgroup **ancestors = __builtin_preserve_access_index(&cgroup->ancestors[0]);

	if (level > (__u32)BPF_CORE_READ(cgroup, level) ||
	    bpf_probe_read_kernel(&ancestor, sizeof(ancestor), ancestors + level))
		return 0;
	return BPF_CORE_READ(ancestor, kn, id);
}

static __always_inline bool find_key(struct sender *s, __u32 find)
{
	struct sock *sk = (struct sock *)s->sk;

	if (find < LIMIT_LEVELS) {
		s->key.kind = LIMIT_KIND_CGROUP;
		s->key.id = cgroup_of(s, find);
		return s->key.id;
	}
	if (find == LIMIT_FIND_USER) {
		s->key.kind = LIMIT_KIND_USER;
		s->key.id = BPF_CORE_READ(sk, sk_uid.val);
		return true;
	}
	s->key.kind = LIMIT_KIND_PROCESS;
	s->key.id = s->tag;
	return s->tag;
}

static __always_inline bool concerns(struct sender *s, const struct limit_use *use, __u32 flags)
{
	if (!(flags & (LIMIT_ONLY_INTERNET | LIMIT_ONLY_LOCAL)))
		return true;
	if (!s->only)
		s->only = pace_sort_of(s, use->prefixes);
	return !(flags & s->only);
}

__noinline int pace_ask_one(struct sender *s, __u32 find)
{
	const struct limit_use *use = limit_get_use();
	struct limit_entry *entry;
	struct limit_key key;

	if (!s || !use || !find_key(s, find))
		return 0;
	key = s->key;
	entry = bpf_map_lookup_elem(&weir_limits, &key);
	if (entry && entry->side[LIMIT_EGRESS].mode == LIMIT_BUCKET &&
	    entry->side[LIMIT_EGRESS].rate_bit >= 8 && concerns(s, use, entry->flags))
		ask(s, entry);
	return 0;
}

static __always_inline void ask_limits(struct sender *s)
{
	const struct limit_use *use = limit_get_use();
	__u32 find;

	for (find = use && use->levels ? 0 : LIMIT_FIND_USER; use && find < LIMIT_FINDS; find++)
		if (limit_is_used(use, find))
			pace_ask_one(s, find);
}

/* ---- telling a socket ---- */

#define TELL(who, level, option, value) ({ \
	int value_ = (int)(value); \
	bpf_setsockopt(who, level, option, &value_, sizeof(value_)); \
})

static __always_inline __u64 now_told(const struct sender *s)
{
	struct sock *sk = (struct sock *)s->sk;

	return BPF_CORE_READ(sk, sk_max_pacing_rate);
}

/* What the socket is to be told, in its own words: ~0 for no pacing. */
static __always_inline __u64 wanted_of(const struct sender *s, struct paced *paced, __u32 mss)
{
	struct sock *sk = (struct sock *)s->sk;
	bool ip6 = BPF_CORE_READ(sk, __sk_common.skc_family) == LINUX_AF_INET6;
	__u64 now = now_told(s), rate;

	if (now != paced->told)
		paced->own = now;	/* the application has changed it */
	rate = s->rate == ~0ULL ? PACE_NONE : pace_option(s->rate, mss, ip6 ? HEADER6 : HEADER4);
	if (rate == PACE_NONE)
		rate = ~0ULL;
	if (rate > paced->own)
		rate = paced->own;
	return rate > PACE_MAX ? ~0ULL : rate;
}

static __always_inline bool is_much(__u64 was, __u64 is)
{
	return was > is ? was - is > was >> 7 : is - was > was >> 7;
}

/* `who` is what bpf_setsockopt() takes as the socket in this program. */
#define TELL_ALL(who, s, paced, mss) do { \
	__u64 wanted_ = wanted_of(s, paced, mss); \
	__u32 window_ = (s)->rate == ~0ULL ? PACE_WINDOW_ANY : pace_window((s)->rate, (s)->rtt_us, mss); \
	if (is_much((paced)->told, wanted_) || now_told(s) != (paced)->told) { \
		TELL(who, LINUX_SOL_SOCKET, LINUX_SO_MAX_PACING_RATE, wanted_); \
		(paced)->told = now_told(s); \
	} \
	if (window_ != (paced)->window && (window_ == PACE_WINDOW_ANY || \
	    is_much((__u64)(paced)->window << 5, (__u64)window_ << 5))) { \
		TELL(who, LINUX_SOL_TCP, TCP_BPF_SNDCWND_CLAMP, window_); \
		(paced)->window = window_; \
	} \
} while (0)

/* Those that never were under a limit are left alone. */
#define FIND_PACED(sk, s) ({ \
	struct paced new_ = { .own = now_told(s), .told = now_told(s), .window = PACE_WINDOW_ANY }; \
	(s)->rate == ~0ULL ? bpf_sk_storage_get(&weir_paced, sk, NULL, 0) : \
		bpf_sk_storage_get(&weir_paced, sk, &new_, BPF_SK_STORAGE_GET_F_CREATE); \
})

static __always_inline __u64 address_of(void *pointer)
{
	void *slot = pointer;
	__u64 raw = 0;

	bpf_probe_read_kernel(&raw, sizeof(raw), &slot);
	return raw;
}

SEC("sockops")
int weir_pace(struct bpf_sock_ops *ops)
{
	struct sender s = { .rate = ~0ULL, .occasion = CONNECTED, .steered = true };
	struct bpf_sock *sk = ops->sk;
	struct paced *paced;
	__u64 *tag;

	if (ops->op == BPF_SOCK_OPS_RTT_CB)
		s.occasion = CALLED;
	else if (ops->op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB &&
		 ops->op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		return 1;
	if (!sk)
		return 1;
	if (s.occasion == CONNECTED)
		bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_RTT_CB_FLAG);
	tag = bpf_sk_storage_get(&weir_sockets, sk, NULL, 0);
	s.tag = tag ? *tag : 0;
	s.sk = address_of(sk);
	s.rtt_us = ops->srtt_us >> 3;
	ask_limits(&s);
	paced = FIND_PACED(sk, &s);
	if (!paced)
		return 1;
	TELL_ALL(ops, &s, paced, ops->mss_cache);
	if (s.occasion == CONNECTED && paced->window < USUAL_WINDOW)
		TELL(ops, LINUX_SOL_TCP, TCP_BPF_IW, paced->window);
	return 1;
}

/* ---- sockets that are open, gone through by weir ---- */

/* Whether it is a connection, and of a cgroup where weir_pace would be called for it. */
static __always_inline bool is_ours(const struct sender *s)
{
	struct sock *sk = (struct sock *)s->sk;
	__u32 state = BPF_CORE_READ(sk, __sk_common.skc_state), level;

	if (state == STATE_CLOSE || state == STATE_LISTEN)
		return false;
	for (level = 0; level < LIMIT_LEVELS; level++)
		if (cgroup_of(s, level) == root_id)
			return true;
	return false;
}

/* First: how many have something to send. */
SEC("iter/tcp")
int weir_pace_count(struct bpf_iter__tcp *ctx)
{
	struct sender s = { .occasion = COUNT, .rate = ~0ULL };
	struct sock_common *common = ctx->sk_common;
	struct tcp_sock *tp;
	struct sock *sk;
	__u64 *tag;

	tp = common ? bpf_skc_to_tcp_sock(common) : NULL;
	if (!tp)
		return 0;
	s.sk = address_of(tp);
	s.session = ctx->meta->session_id;
	sk = (struct sock *)s.sk;
	if (!is_ours(&s) || BPF_CORE_READ(sk, sk_wmem_queued) <= 0)
		return 0;
	tag = bpf_sk_storage_get(&weir_sockets, tp, NULL, 0);
	s.tag = tag ? *tag : 0;
	ask_limits(&s);
	return 0;
}

static __always_inline __u32 callbacks_of(const struct sender *s)
{
	struct tcp_sock *tp = (struct tcp_sock *)s->sk;

	return BPF_CORE_READ(tp, bpf_sock_ops_cb_flags);
}

/* Then: what each is told. */
SEC("iter/tcp")
int weir_pace_open(struct bpf_iter__tcp *ctx)
{
	struct sender s = { .occasion = FOUND_OPEN, .rate = ~0ULL };
	struct sock_common *common = ctx->sk_common;
	struct paced *paced;
	struct tcp_sock *tp, *raw;
	__u64 *tag;

	tp = common ? bpf_skc_to_tcp_sock(common) : NULL;
	if (!tp)
		return 0;
	s.sk = address_of(tp);
	if (!is_ours(&s))
		return 0;
	if (!(callbacks_of(&s) & BPF_SOCK_OPS_RTT_CB_FLAG))
		TELL(tp, LINUX_SOL_TCP, LINUX_TCP_CB_FLAGS, callbacks_of(&s) | BPF_SOCK_OPS_RTT_CB_FLAG);
	s.steered = callbacks_of(&s) & BPF_SOCK_OPS_RTT_CB_FLAG;
	tag = bpf_sk_storage_get(&weir_sockets, tp, NULL, 0);
	s.tag = tag ? *tag : 0;
	raw = (struct tcp_sock *)s.sk;
	s.rtt_us = BPF_CORE_READ(raw, srtt_us) >> 3;
	ask_limits(&s);
	paced = FIND_PACED(tp, &s);
	if (paced)
		TELL_ALL(tp, &s, paced, BPF_CORE_READ(raw, mss_cache));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
