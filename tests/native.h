/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * native.h - the BPF classifier's own algorithm (bpf/parse.h, bpf/match.h), compiled for this machine
 * and run on the maps of a struct program as they are.
 */
#ifndef WEIR_TESTS_NATIVE_H
#define WEIR_TESTS_NATIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/classify.h"
#include "kernel/program.h"

struct native_packet {
	const uint8_t *data;
	uint32_t bytes;
	uint32_t mark;
	bool tagged;		/* in its metadata, with vlan */
	uint16_t vlan;
	bool owned;		/* by a socket of uid, net_cls, cgroup */
	uint32_t uid, net_cls;
	uint64_t cgroup[256];	/* ids by level, 0: none */
};

/* 0, or -1 where the packet is truncated: the result is the default's then. */
int native_classify(const struct program *program, const struct native_packet *packet,
		    struct classify_result *result);

/* The map of that name, or NULL. */
const struct program_map *native_map(const struct program *program, const char *name);

#endif
