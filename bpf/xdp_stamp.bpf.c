// SPDX-License-Identifier: GPL-2.0-or-later
/* Stamps packets at XDP where their addresses decide: bpf/xdp_stamp.h. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bpf/stamp.h"
#include "bpf/xdp_stamp.h"

const volatile struct xdp_stamp_config config = {};

/* The classifier's maps stand in for these. */
#define PREFIX_MAP(map, bytes) \
	struct { \
		__uint(type, BPF_MAP_TYPE_LPM_TRIE); \
		__uint(map_flags, BPF_F_NO_PREALLOC); \
		__uint(max_entries, 1); \
		__uint(key_size, bytes); \
		__uint(value_size, sizeof(struct classify_prefix)); \
	} map SEC(".maps")

PREFIX_MAP(weir_from4, CLASSIFY_KEY4_BYTES);
PREFIX_MAP(weir_from6, CLASSIFY_KEY6_BYTES);
PREFIX_MAP(weir_to4, CLASSIFY_KEY4_BYTES);
PREFIX_MAP(weir_to6, CLASSIFY_KEY6_BYTES);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct classify_marking);
} weir_markings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XDP_STAMP_COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} xdp_stamp_counts SEC(".maps");

/* ---- what bpf/parse.h and bpf/match.h ask for ---- */

struct match_maps {
	char none;
};

/* Maps of fields that never decide here: nothing below asks for them. */
extern char weir_sports, weir_dports, weir_vlans, weir_marks, weir_macs, weir_cgroups, weir_net_cls,
	weir_uids, weir_vectors, weir_results;

#define MATCH_STEP static inline
#define MATCH_CONFIG(maps) (&config.rules)
#define MATCH_LOOKUP(maps, map, key) bpf_map_lookup_elem(&map, key)

#include "bpf/parse.h"
#include "bpf/match.h"

struct packet {
	struct xdp_md *ctx;
};

static inline __attribute__((always_inline)) const void *
packet_at(struct packet *p, __u32 at, __u32 bytes)
{
	void *data = (void *)(long)p->ctx->data, *end = (void *)(long)p->ctx->data_end;

	return at < PARSE_REACH && data + at + bytes <= end ? data + at : NULL;
}

/* ---- the decision ---- */

/* Whether addresses alone say which rule comes first, and then what becomes of the packet. */
static inline __attribute__((always_inline)) bool decide(const struct fields *f, struct classify_result *r)
{
	struct direct best = { .rule = CLASSIFY_NO_RULE };
	const struct classify_marking *marking;
	struct match_maps maps;
	__u32 use = config.rules.use;

	if (!match_from(&maps, use, f, &best) && !match_to(&maps, use, f, &best) && config.rules.words)
		return false;
	if (best.rule == CLASSIFY_NO_RULE)
		return true;
	r->rule = best.rule;
	r->classid = best.classid;
	r->mark = r->mark_mask = 0;
	if (!(use & CLASSIFY_MARKING))
		return true;
	marking = bpf_map_lookup_elem(&weir_markings, &best.marking);
	if (marking) {
		r->mark = marking->mark;
		r->mark_mask = marking->mark_mask;
	}
	return true;
}

/* Whether there was room for it. */
static inline __attribute__((always_inline)) bool stamp(struct xdp_md *ctx, const struct classify_result *r)
{
	struct stamp *s;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*s)))
		return false;
	s = (void *)(long)ctx->data_meta;
	if ((void *)(s + 1) > (void *)(long)ctx->data)
		return false;
	*s = (struct stamp){
		.magic = STAMP_MAGIC, .generation = config.rules.generation, .classid = r->classid,
		.rule = r->rule, .mark = r->mark, .mark_mask = r->mark_mask,
	};
	return true;
}

static inline __attribute__((always_inline)) __u32 handle(struct xdp_md *ctx)
{
	struct packet packet = { .ctx = ctx };
	struct classify_result result = {
		.rule = config.rules.otherwise.rule, .classid = config.rules.otherwise.classid,
		.mark = config.rules.otherwise.mark, .mark_mask = config.rules.otherwise.mark_mask,
	};
	struct fields fields = {};

	if (parse(&packet, config.rules.use, &fields) || !fields.family)
		return XDP_STAMP_NOT_IP;
	if (!decide(&fields, &result))
		return XDP_STAMP_PASSED;
	return stamp(ctx, &result) ? XDP_STAMP_STAMPED : XDP_STAMP_ABORTED;
}

/* Not "xdp.frags": of a packet for such a program, generic XDP makes a copy without mac_len, so that
 * clsact then sees it without its Ethernet header (skb_pp_cow_data(), net/core/skbuff.c; seen on 6.18).
 * Drivers refuse this one where the MTU asks for several buffers a packet. */
SEC("xdp")
int weir_stamp(struct xdp_md *ctx)
{
	__u32 what = handle(ctx);
	__u64 *count = bpf_map_lookup_elem(&xdp_stamp_counts, &what);

	if (count)
		(*count)++;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
