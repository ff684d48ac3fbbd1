// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/limit_kernel.h"

#include <stdbool.h>
#include <stddef.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

static int has_types(int prog_type, int id)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool has = btf && !libbpf_get_error(btf);

	(void)prog_type, (void)id;
	if (has)
		btf__free(btf);
	return has;
}

static int has_prog(int prog_type, int id)
{
	(void)id;
	return libbpf_probe_bpf_prog_type((enum bpf_prog_type)prog_type, NULL);
}

static int has_map(int prog_type, int id)
{
	(void)prog_type;
	return libbpf_probe_bpf_map_type((enum bpf_map_type)id, NULL);
}

static int has_helper(int prog_type, int id)
{
	return libbpf_probe_bpf_helper((enum bpf_prog_type)prog_type, (enum bpf_func_id)id, NULL);
}

/* In an order in which each needs those before it. */
static const struct part {
	const char *what;
	int (*has)(int prog_type, int id);	/* 1, 0, or -errno: cannot be told */
	int prog_type, id;
} parts[] = {
	{ "BPF (CONFIG_BPF_SYSCALL)", has_prog, BPF_PROG_TYPE_SOCKET_FILTER, 0 },
	{ "BPF programs of cgroups (CONFIG_CGROUP_BPF)", has_prog, BPF_PROG_TYPE_CGROUP_SKB, 0 },
	{ "type information for BPF (CONFIG_DEBUG_INFO_BTF)", has_types, 0, 0 },
	{ "BPF storage of sockets (Linux 5.2)", has_map, 0, BPF_MAP_TYPE_SK_STORAGE },
	{ "BPF map of prefixes (Linux 4.11)", has_map, 0, BPF_MAP_TYPE_LPM_TRIE },
	{ "BPF programs that user space runs (Linux 5.14)", has_prog, BPF_PROG_TYPE_SYSCALL, 0 },
	{ "BPF programs that trace (CONFIG_BPF_EVENTS, Linux 5.5)", has_prog, BPF_PROG_TYPE_TRACING, 0 },
	{ "BPF helper that tells a packet's cgroup (Linux 4.20)", has_helper, BPF_PROG_TYPE_CGROUP_SKB,
	  BPF_FUNC_skb_ancestor_cgroup_id },
};

const char *limit_kernel_lacks(void)
{
	const struct part *p = parts, *end = parts + sizeof(parts) / sizeof(parts[0]);

	for (; p < end; p++)
		if (!p->has(p->prog_type, p->id))
			return p->what;
	return NULL;
}
