/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit_place.h - whether a packet that leaves does so where a limit has a class (struct limit_place). Only
 * for BPF.
 */
#ifndef WEIR_BPF_LIMIT_PLACE_H
#define WEIR_BPF_LIMIT_PLACE_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/kernel.h"
#include "bpf/limit_maps.h"
#include "bpf/socket.h"

/* No helper tells it of a packet. */
static __always_inline __u64 limit_netns_of(struct __sk_buff *skb)
{
	struct sock *socket = socket_address(skb->sk);

	return socket ? BPF_CORE_READ(socket, __sk_common.skc_net.net, net_cookie) : 0;
}

static __always_inline bool limit_is_placed(struct __sk_buff *skb, __u32 classid)
{
	struct limit_place place = {
		.netns = limit_netns_of(skb), .ifindex = skb->ifindex, .classid = classid,
	};
	__u32 *flags = bpf_map_lookup_elem(&weir_places, &place);

	return flags && *flags & LIMIT_PLACE_READY;
}

#endif
