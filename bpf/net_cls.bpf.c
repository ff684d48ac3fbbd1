// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * net_cls.bpf.c - what cls_cgroup does, for kernels without it: at an HTB, the class is the
 * net_cls.classid (cgroup v1) of the socket's cgroup. 0: no match.
 *
 * Without direct action what it returns is the classid (cls_bpf_classify(), net/sched/cls_bpf.c, 6.1); one that
 * the HTB does not have is as if there were no filter (htb_classify(), net/sched/sch_htb.c, 6.1).
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int weir_net_cls(struct __sk_buff *skb)
{
	return (int)bpf_skb_cgroup_classid(skb);
}

char LICENSE[] SEC("license") = "GPL";
