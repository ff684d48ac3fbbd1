/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit_pins.h - the programs and maps of bpf/limit.bpf.c as they live in the kernel, between one run of
 * weir and the next. Inside of src/host.
 *
 * They are pinned in LIMIT_PINS, a folder 0700: limits are the host's, so it is not a namespace's.
 * It is made under another name and renamed when it is whole, and renamed before it is
 * taken apart: what a run that was killed left half done is found by its name and taken away. A lock of
 * the host's keeps two runs apart.
 */
#ifndef WEIR_HOST_LIMIT_PINS_H
#define WEIR_HOST_LIMIT_PINS_H

#include <stdbool.h>

#include "bpf/limit.h"
#include "lib/ctx.h"

#define LIMIT_BPFFS "/sys/fs/bpf"
#define LIMIT_PINS LIMIT_BPFFS "/weir/limits"

enum limit_map {
	LIMIT_MAP_LIMITS, LIMIT_MAP_COUNTS, LIMIT_MAP_USE, LIMIT_MAP_CALLS, LIMIT_MAP_MEMBERS,
	LIMIT_MAP_OWN, LIMIT_MAP_PLACES, LIMIT_MAP_SOCKETS, LIMIT_MAPS
};

enum limit_program { LIMIT_PROG_CHANGE, LIMIT_PROG_JOIN, LIMIT_PROG_TAG, LIMIT_PROGS };

/* Open descriptors, and the lock, until limit_pins_close(). */
struct limit_pins {
	int lock;
	int map[LIMIT_MAPS];
	int prog[LIMIT_PROGS];
	bool fresh;		/* made just now */
};

/* Opens what is there. -ENOENT without a recorded fault: there is nothing, and not `make`; with it, it is
 * made, and attached to the root of cgroup v2. -EEXIST: something else has that name; -EPROTO: another
 * version of weir made it; -EOPNOTSUPP: the kernel lacks something, which the fault names; -EBUSY: another run
 * had the lock for too long. */
int limit_pins_open(struct ctx *ctx, bool make, struct limit_pins *pins);
void limit_pins_close(struct limit_pins *pins);

/* Detaches and removes everything, and the folder. */
int limit_pins_remove(struct ctx *ctx, const struct limit_pins *pins);

const char *limit_map_name(enum limit_map map);

/* Whether it all could be made here, without leaving anything; -errno with the reason in why. */
int limit_pins_try(char *why, size_t size);

#endif
