// SPDX-License-Identifier: GPL-2.0-or-later
#include "conf/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint64_t index_hash(uint64_t seed, const void *data, size_t size)
{
	const unsigned char *p = data;

	for (; size; size--)
		seed = (seed ^ *p++) * UINT64_C(0x100000001b3);
	return seed;
}

/* FNV's low bits are weak for short keys; the slot is taken from mixed ones. */
static size_t first_slot(const struct index *x, uint64_t hash)
{
	return (size_t)((hash ^ hash >> 29) * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (x->room - 1);
}

void *index_find(const struct index *x, uint64_t hash,
		 bool (*same)(const void *item, const void *key), const void *key)
{
	size_t i;

	if (!x->room)
		return NULL;
	for (i = first_slot(x, hash); x->slots[i].item; i = (i + 1) & (x->room - 1))
		if (x->slots[i].hash == hash && same(x->slots[i].item, key))
			return x->slots[i].item;
	return NULL;
}

static void put(struct index *x, uint64_t hash, void *item)
{
	size_t i = first_slot(x, hash);

	while (x->slots[i].item)
		i = (i + 1) & (x->room - 1);
	x->slots[i].hash = hash;
	x->slots[i].item = item;
}

static int grow(struct index *x)
{
	struct index bigger = { .room = x->room ? x->room * 2 : 64, .used = x->used };
	size_t i;

	bigger.slots = calloc(bigger.room, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (i = 0; i < x->room; i++)
		if (x->slots[i].item)
			put(&bigger, x->slots[i].hash, x->slots[i].item);
	free(x->slots);
	*x = bigger;
	return 0;
}

int index_add(struct index *x, uint64_t hash, void *item)
{
	int err = x->used * 2 >= x->room ? grow(x) : 0;

	if (err)
		return err;
	put(x, hash, item);
	x->used++;
	return 0;
}

void index_free(struct index *x)
{
	free(x->slots);
	memset(x, 0, sizeof(*x));
}
