// SPDX-License-Identifier: GPL-2.0-or-later
/* Classifies the packets of one hook of clsact. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int weir_classify(struct __sk_buff *skb)
{
	(void)skb;
	return -1;
}

char LICENSE[] SEC("license") = "GPL";
