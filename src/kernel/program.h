/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * program.h - a BPF program as it is wanted: which source, its constants, what is in its maps. Pure
 * data, made by plan/ and loaded by kernel/bpf.c; no BPF header is needed to use it.
 *
 * A program is never changed once it is attached: another set of rules is another program with maps
 * of its own, filled before one netlink message puts it in the place of the old one. So no packet
 * sees half a set, nothing is pinned, and what is not attached goes with the process that loaded it.
 */
#ifndef WEIR_KERNEL_PROGRAM_H
#define WEIR_KERNEL_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PROGRAM_MAPS = 32,
	PROGRAM_NAME = 64,
};

/* What one map of the source is made with. A map of the source that no such row names is not made:
 * the constants must keep the program from using it. */
struct program_map {
	const char *name;	/* in the source */
	bool shared;		/* the map of this name of another program, as it is: the rest is 0 */
	uint32_t key_bytes;	/* 0: as in the source */
	uint32_t value_bytes;	/* 0: as in the source */
	uint32_t max_entries;	/* 0: as in the source */
	bool hash;		/* a hash, whatever kind the source says */
	uint32_t n;		/* entries to fill in */
	const void *keys;	/* n of them; NULL: 0 to n - 1, an array's */
	const void *values;	/* n of them, each value_bytes rounded up to 8 apart for per-CPU maps:
				 * those are not filled */
};

struct program {
	const char *source;		/* bpf/SOURCE.bpf.c */
	char name[PROGRAM_NAME];	/* what tells it from every other: "weir_SOURCE:HASH", HASH of the
					 * object code and of all that follows; TCA_BPF_NAME */
	bool no_kernel_types;		/* it reads none of the kernel's own structures: loads where the
					 * kernel has no BTF, and sooner where it has */
	const void *constants;		/* the source's `config`, of the type in bpf/SOURCE.h */
	uint32_t constants_bytes;
	struct program_map maps[PROGRAM_MAPS];
	unsigned int n_maps;
};

#endif
