// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/lookup.h"

#include <errno.h>

enum key_type { CLASS_BY_ID, QDISC_BY_PARENT, CLASS_BY_PARENT };

struct lookup_slot {
	struct obj *obj;
	uint32_t key;
	enum key_type type;
};

static struct lookup_slot *find_slot(const struct lookup *lookup, enum key_type type, uint32_t key)
{
	uint32_t s = (key * 0x9e3779b1u + (uint32_t)type * 0x85ebca6bu) >> 5 & lookup->mask;

	while (lookup->slots[s].obj && (lookup->slots[s].key != key || lookup->slots[s].type != type))
		s = (s + 1) & lookup->mask;
	return &lookup->slots[s];
}

/* The first of several objects with one key stays. */
static void put(struct lookup *lookup, enum key_type type, uint32_t key, struct obj *obj)
{
	struct lookup_slot *slot = find_slot(lookup, type, key);

	if (!slot->obj)
		*slot = (struct lookup_slot){ obj, key, type };
}

int lookup_init(struct lookup *lookup, struct arena *arena, const struct tree_link *link)
{
	uint32_t n = 0, size = 8;
	struct obj *obj;

	for (obj = link ? link->objs[OBJ_CLASS] : NULL; obj; obj = obj->next)
		n += 2;
	for (obj = link ? link->objs[OBJ_QDISC] : NULL; obj; obj = obj->next)
		n++;
	while (size < 2 * n)
		size *= 2;
	lookup->mask = size - 1;
	lookup->slots = arena_alloc(arena, size * sizeof(*lookup->slots));
	if (!lookup->slots)
		return -ENOMEM;
	for (obj = link ? link->objs[OBJ_CLASS] : NULL; obj; obj = obj->next) {
		put(lookup, CLASS_BY_ID, obj->handle, obj);
		put(lookup, CLASS_BY_PARENT, obj->parent, obj);
	}
	for (obj = link ? link->objs[OBJ_QDISC] : NULL; obj; obj = obj->next)
		put(lookup, QDISC_BY_PARENT, obj->parent, obj);
	return 0;
}

struct obj *lookup_class(const struct lookup *lookup, uint32_t classid)
{
	return find_slot(lookup, CLASS_BY_ID, classid)->obj;
}

struct obj *lookup_qdisc_at(const struct lookup *lookup, uint32_t parent)
{
	return find_slot(lookup, QDISC_BY_PARENT, parent)->obj;
}

struct obj *lookup_child(const struct lookup *lookup, uint32_t classid)
{
	return find_slot(lookup, CLASS_BY_PARENT, classid)->obj;
}
