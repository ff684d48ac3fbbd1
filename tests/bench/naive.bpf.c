// SPDX-License-Identifier: GPL-2.0-or-later
/* A token bucket as it is often written: naive.h. */
#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "tests/bench/naive.h"

#define SECOND_NS 1000000000ULL

const volatile bool in_place = false;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NAIVE_ENTRIES);
	__type(key, __u64);
	__type(value, struct naive_limit);
} naive_limits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NAIVE_ENTRIES);
	__type(key, struct naive_key);
	__type(value, struct naive_state);
} naive_states SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NAIVE_WAYS);
	__type(key, __u32);
	__type(value, struct naive_count);
} naive_counts SEC(".maps");

/* Whether the packet passes; changes the state. */
static __always_inline bool take(struct naive_state *s, __u64 rate, __u64 burst, __u64 bytes)
{
	__u64 now = bpf_ktime_get_ns();

	s->tokens += (now - s->last_ns) * rate / SECOND_NS;
	s->last_ns = now;
	if (s->tokens > burst)
		s->tokens = burst;
	if (s->tokens < bytes)
		return false;
	s->tokens -= bytes;
	return true;
}

static __always_inline int naive(struct __sk_buff *skb, __u32 way)
{
	struct naive_key key = { .cgroup = bpf_skb_cgroup_id(skb), .way = way };
	struct naive_limit *limit = bpf_map_lookup_elem(&naive_limits, &key.cgroup);
	struct naive_state *there, copy;
	struct naive_count *count;
	bool passes;

	if (!limit || !limit->rate_bytes[way])
		return 1;
	there = bpf_map_lookup_elem(&naive_states, &key);
	if (!there)
		return 1;
	copy = *there;
	passes = take(&copy, limit->rate_bytes[way], limit->burst_bytes[way], skb->len);
	if (in_place)
		*there = copy;
	else
		bpf_map_update_elem(&naive_states, &key, &copy, BPF_EXIST);
	count = passes ? bpf_map_lookup_elem(&naive_counts, &way) : NULL;
	if (count)
		count->passed_bytes += skb->len;
	return passes;
}

SEC("cgroup_skb/egress")
int naive_out(struct __sk_buff *skb)
{
	return naive(skb, NAIVE_EGRESS);
}

SEC("cgroup_skb/ingress")
int naive_in(struct __sk_buff *skb)
{
	return naive(skb, NAIVE_INGRESS);
}

char LICENSE[] SEC("license") = "GPL";
