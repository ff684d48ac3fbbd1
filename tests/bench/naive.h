/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * naive.h - a token bucket as it is often written, for the benchmarks to compare with: tokens are bytes,
 * what came in since the last packet is a division rounded down, and the state is copied out of a map,
 * changed and stored again, whatever another processor did meanwhile.
 *
 * A limit is on the cgroup of a packet's socket. What is over it is dropped.
 */
#ifndef WEIR_TESTS_BENCH_NAIVE_H
#define WEIR_TESTS_BENCH_NAIVE_H

#include <linux/types.h>

enum { NAIVE_ENTRIES = 65536, NAIVE_EGRESS = 0, NAIVE_INGRESS = 1, NAIVE_WAYS = 2 };

/* By the cgroup's id. */
struct naive_limit {
	__u64 rate_bytes[NAIVE_WAYS];	/* a second; 0: none */
	__u64 burst_bytes[NAIVE_WAYS];
};

struct naive_state {
	__u64 tokens;		/* bytes */
	__u64 last_ns;
};

struct naive_key {
	__u64 cgroup;
	__u64 way;
};

struct naive_count {
	__u64 passed_bytes;
};

#ifndef __BPF__

#include <stdbool.h>

/* The programs, loaded. in_place: the state is changed where it is, which is cheaper and no more exact
 * than to store it again. NULL: errno says why. */
struct naive;
struct naive *naive_load(bool in_place);
void naive_free(struct naive *n);

/* -errno. */
int naive_limit(struct naive *n, __u64 cgroup, const struct naive_limit *limit);
int naive_attach(struct naive *n, int cgroup_fd);

int naive_program(const struct naive *n, int way);

/* What all processors have let pass, in bytes; only of what is limited. */
__u64 naive_passed(const struct naive *n, int way);

#endif
#endif
