/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit_maps.h - the maps of bpf/limit.bpf.c, which limit.h says what is in, and what there is to look for
 * in them. Only for BPF.
 */
#ifndef WEIR_BPF_LIMIT_MAPS_H
#define WEIR_BPF_LIMIT_MAPS_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bpf/limit.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LIMIT_ENTRIES);
	__type(key, struct limit_key);
	__type(value, struct limit_entry);
} weir_limits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LIMIT_ENTRIES);
	__type(key, struct limit_key);
	__type(value, struct limit_counts);
} weir_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct limit_use);
} weir_use SEC(".maps");

/* Calls of the program, by direction. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LIMIT_WAYS);
	__type(key, __u32);
	__type(value, __u64);
} weir_calls SEC(".maps");

/* Which limit of processes a socket is under: limit_key.id. Accepted ones inherit it. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, __u64);
} weir_sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LIMIT_MEMBERS);
	__type(key, __u32);
	__type(value, struct limit_member);
} weir_members SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LIMIT_PLACES);
	__type(key, struct limit_place);
	__type(value, __u32);		/* enum limit_place_flags */
} weir_places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LIMIT_PREFIXES);
	__type(key, struct limit_prefix);
	__type(value, __u8);
} weir_own SEC(".maps");

/* What a limit is found by, in this order: cgroups from the root on, user, process. */
enum { LIMIT_FIND_USER = LIMIT_LEVELS, LIMIT_FIND_PROCESS, LIMIT_FINDS };

static __always_inline const struct limit_use *limit_get_use(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&weir_use, &zero);
}

/* Whether there are limits to be found by this at all. */
static __always_inline bool limit_is_used(const struct limit_use *use, __u32 find)
{
	return find < LIMIT_LEVELS ? use->levels & 1u << find :
	       find == LIMIT_FIND_USER ? use->users : use->processes;
}

#endif
