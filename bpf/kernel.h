/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel.h - the few types of the running kernel that weir's BPF programs read, as far as they read
 * them. Where a member lies is found when a program is loaded (CO-RE), so that one object serves every
 * kernel that has these members. Not a dump of any kernel's types: names and members only.
 */
#ifndef WEIR_BPF_KERNEL_H
#define WEIR_BPF_KERNEL_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* include/linux/kernfs.h, 6.1: the id of a cgroup's node is what userspace sees as its inode. */
struct kernfs_node {
	__u64 id;
};

/* include/linux/cgroup-defs.h, 6.1 */
struct cgroup {
	struct kernfs_node *kn;
	int level;			/* 0: the root */
	struct cgroup *ancestors[];	/* by level, itself the last; since 6.1 */
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
	__u32 classid;			/* net_cls, cgroup v1 */
};

typedef struct {
	__u32 val;
} kuid_t;

/* include/net/net_namespace.h, 6.1 */
struct net {
	__u64 net_cookie;		/* what SO_NETNS_COOKIE tells */
};

typedef struct {
	struct net *net;
} possible_net_t;

/* include/net/sock.h, 6.1 */
struct in6_addr {
	__u32 word[4];
};

struct sock;

struct sock_common {
	unsigned short skc_family;
	unsigned char skc_state;
	__u32 skc_daddr;
	struct in6_addr skc_v6_daddr;
	possible_net_t skc_net;
	struct sock *skc_listener;	/* of a request, TCP_NEW_SYN_RECV */
};

struct sock {
	struct sock_common __sk_common;
	struct sock_cgroup_data sk_cgrp_data;
	kuid_t sk_uid;
	unsigned long sk_max_pacing_rate;	/* bytes/s; ~0: none */
	int sk_wmem_queued;
};

/* include/linux/tcp.h, 6.1 */
struct tcp_sock {
	__u32 srtt_us;			/* eighths */
	__u32 mss_cache;
	__u8 bpf_sock_ops_cb_flags;
};

/* include/linux/net.h, 6.1 */
struct socket {
	struct sock *sk;
};

typedef struct {
	int counter;
} atomic_t;

/* include/linux/sched/signal.h, 6.1 */
struct signal_struct {
	atomic_t live;			/* threads that have not exited */
};

/* include/linux/sched.h, 6.1 */
struct task_struct {
	int pid, tgid;			/* of the thread, of the process */
	__u64 start_boottime;		/* ns */
	struct signal_struct *signal;
	struct task_struct *group_leader;
};

/* kernel/bpf/task_iter.c, 6.1 */
struct file;
struct bpf_iter__task_file {
	struct task_struct *task;
	struct file *file;
};

/* kernel/bpf/bpf_iter.c, net/ipv4/tcp_ipv4.c, 6.1 */
struct bpf_iter_meta {
	__u64 session_id;		/* of this run over all of them */
};

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
};

#pragma clang attribute pop

#endif
