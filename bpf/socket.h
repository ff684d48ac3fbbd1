/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * socket.h - what a socket's own memory tells where no helper does. Only for BPF.
 */
#ifndef WEIR_BPF_SOCKET_H
#define WEIR_BPF_SOCKET_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/kernel.h"

#define SOCKET_NO_UID (~0u)	/* no user has it */

enum { SOCKET_TIME_WAIT = 6, SOCKET_NEW_SYN_RECV = 12 };	/* include/net/tcp_states.h, 6.1 */

/* A copy of the pointer, taken as a number, is what the reads start from. NULL: no socket. */
static __always_inline struct sock *socket_address(struct bpf_sock *sk)
{
	struct bpf_sock *slot = sk;
	__u64 raw = 0;

	if (!slot || bpf_probe_read_kernel(&raw, sizeof(raw), &slot))
		return NULL;
	return (struct sock *)raw;
}

/*
 * The owner, as the host numbers users; of what is not a socket yet, its listener's. Or
 * SOCKET_NO_UID. bpf_get_socket_uid() tells it as the user namespace that the socket's network namespace
 * belongs to does (net/core/filter.c, 6.1): the root of a container would be the host's.
 */
static __always_inline __u32 socket_uid(struct bpf_sock *sk)
{
	struct sock *socket = socket_address(sk);
	__u32 state;

	if (!socket)
		return SOCKET_NO_UID;
	state = BPF_CORE_READ(socket, __sk_common.skc_state);
	if (state == SOCKET_TIME_WAIT)
		return SOCKET_NO_UID;
	if (state == SOCKET_NEW_SYN_RECV)
		socket = BPF_CORE_READ(socket, __sk_common.skc_listener);
	return socket ? BPF_CORE_READ(socket, sk_uid.val) : SOCKET_NO_UID;
}

#endif
