// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/naive.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "tests/bench/naive.skel.h"
#include "tests/bench/bench.h"

struct naive {
	struct naive_bpf *skel;
	struct bpf_link *links[NAIVE_WAYS];
};

static struct bpf_program *program_of(const struct naive *n, int way)
{
	return way == NAIVE_EGRESS ? n->skel->progs.naive_out : n->skel->progs.naive_in;
}

struct naive *naive_load(bool in_place)
{
	struct naive *n = calloc(1, sizeof(*n));

	n->skel = n ? naive_bpf__open() : NULL;
	if (n && n->skel) {
		n->skel->rodata->in_place = in_place;
		if (!naive_bpf__load(n->skel))
			return n;
		naive_bpf__destroy(n->skel);
	}
	free(n);
	return NULL;
}

void naive_free(struct naive *n)
{
	int way;

	for (way = 0; way < NAIVE_WAYS; way++)
		bpf_link__destroy(n->links[way]);
	naive_bpf__destroy(n->skel);
	free(n);
}

int naive_limit(struct naive *n, __u64 cgroup, const struct naive_limit *limit)
{
	struct naive_key key = { .cgroup = cgroup };
	struct naive_state state = { .last_ns = now_ns() };

	for (key.way = 0; key.way < NAIVE_WAYS; key.way++) {
		state.tokens = limit->burst_bytes[key.way];
		if (bpf_map_update_elem(bpf_map__fd(n->skel->maps.naive_states), &key, &state, BPF_ANY))
			return -errno;
	}
	return bpf_map_update_elem(bpf_map__fd(n->skel->maps.naive_limits), &cgroup, limit, BPF_ANY) ?
	       -errno : 0;
}

int naive_attach(struct naive *n, int cgroup_fd)
{
	int way;

	for (way = 0; way < NAIVE_WAYS; way++) {
		n->links[way] = bpf_program__attach_cgroup(program_of(n, way), cgroup_fd);
		if (!n->links[way])
			return -errno;
	}
	return 0;
}

int naive_program(const struct naive *n, int way)
{
	return bpf_program__fd(program_of(n, way));
}

__u64 naive_passed(const struct naive *n, int way)
{
	int cpus = libbpf_num_possible_cpus(), cpu;
	struct naive_count *counts = cpus > 0 ? calloc((size_t)cpus, sizeof(*counts)) : NULL;
	__u32 key = (__u32)way;
	__u64 sum = 0;

	if (counts && !bpf_map_lookup_elem(bpf_map__fd(n->skel->maps.naive_counts), &key, counts))
		for (cpu = 0; cpu < cpus; cpu++)
			sum += counts[cpu].passed_bytes;
	free(counts);
	return sum;
}
