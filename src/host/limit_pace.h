/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit_pace.h - the pacing of TCP senders under limits (bpf/pace.bpf.c), as it lives in the kernel.
 * Inside of src/host.
 *
 * Limits work without it, by their buckets alone, where the kernel does not take these programs.
 */
#ifndef WEIR_HOST_LIMIT_PACE_H
#define WEIR_HOST_LIMIT_PACE_H

#include "host/limit_pins.h"
#include "lib/ctx.h"

/* What is pinned beside the programs that limit; the first is a link to the root of cgroup v2. */
#define LIMIT_PACE_LINK "weir_pace"

/* Loads the programs with the maps of the limits (descriptors by enum limit_map, not taken over) and,
 * unless folder is NULL, pins them there, attached to the cgroup root. -errno: they cannot be here; no
 * fault is recorded, and nothing is left. */
int limit_pace_make(const int maps[LIMIT_MAPS], const char *folder, int root);

/*
 * Goes through the open TCP sockets of the host, in all network namespaces that a process is in or that
 * have a name: tells each what the limits there are now give it, or that there is none any more. Does
 * nothing where nothing is paced.
 */
void limit_pace_sockets(void);

/* Whether senders are paced. */
bool limit_pace_is_there(void);

#endif
