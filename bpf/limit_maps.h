/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit_maps.h - the maps of bpf/limit.bpf.c; limit.h says what is in them. Only for BPF.
 */
#ifndef WEIR_BPF_LIMIT_MAPS_H
#define WEIR_BPF_LIMIT_MAPS_H

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

#endif
