/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * index.h - a hash index of things that others own, for "was this name there before".
 */
#ifndef WEIR_CONF_INDEX_H
#define WEIR_CONF_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_slot {
	uint64_t hash;
	void *item;
};

/* All zero is an empty index. */
struct index {
	struct index_slot *slots;
	size_t room, used;
};

#define INDEX_HASH_SEED UINT64_C(0xcbf29ce484222325)

/* FNV-1a (64 bit) over size bytes, continuing from seed. */
uint64_t index_hash(uint64_t seed, const void *data, size_t size);

/* The first item added with this hash for which same() holds, or NULL. */
void *index_find(const struct index *x, uint64_t hash,
		 bool (*same)(const void *item, const void *key), const void *key);

/* 0 or -ENOMEM. The item stays the caller's. */
int index_add(struct index *x, uint64_t hash, void *item);

void index_free(struct index *x);

#endif
