// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/police_index.h"

#include <string.h>

#include "qdisc/filter.h"

#define FNV_START UINT64_C(0xcbf29ce484222325)	/* FNV-1a, 64 bits */
#define FNV_PRIME UINT64_C(0x100000001b3)

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len--)
		hash = (hash ^ *p++) * FNV_PRIME;
	return hash;
}

static uint64_t hash_opts(uint64_t hash, const struct kind *kind, const struct opts *o)
{
	unsigned int r;

	hash = hash_bytes(hash, kind->name, strlen(kind->name) + 1);
	for (r = 0; r < kind->n_opts; r++) {
		if (!opts_has(o, r))
			continue;
		hash = hash_bytes(hash, &r, sizeof(r));
		hash = hash_bytes(hash, &o->v[r], sizeof(o->v[r]));
	}
	return hash;
}

static bool is_police(const struct action *a)
{
	return a->kind && !strcmp(a->kind->name, "police");
}

static bool lacks_index(const struct action *list)
{
	for (; list; list = list->next)
		if (is_police(list) && !opts_has(list->opts, POLICE_INDEX))
			return true;
	return false;
}

/* All that makes this bucket what it is: where it is, what it does, and to which packets. */
static uint64_t hash_use(const struct tree_link *link, const struct obj *first,
			 const struct action *list)
{
	uint64_t hash = hash_bytes(FNV_START, link->name, strlen(link->name) + 1);
	const struct action *a;
	const struct obj *obj;

	hash = hash_bytes(hash, &first->parent, sizeof(first->parent));
	for (a = list; a; a = a->next)
		if (a->kind)
			hash = hash_opts(hash, a->kind, a->opts);
	for (obj = first; obj; obj = obj->next)
		if (obj->actions == list)
			hash = hash_opts(hash, obj->kind, obj->opts);
	return hash;
}

static bool has_index(const struct obj *obj, uint32_t index)
{
	const struct action *a;

	for (a = obj->actions; a; a = a->next)
		if (is_police(a) && opts_get(a->opts, POLICE_INDEX, 0) == index)
			return true;
	return false;
}

static bool index_taken(const struct tree *tree, uint32_t index)
{
	const struct tree_link *link;
	const struct obj *obj;

	for (link = tree->links; link; link = link->next)
		for (obj = link->objs[OBJ_FILTER]; obj; obj = obj->next)
			if (has_index(obj, index))
				return true;
	return false;
}

static uint32_t free_index(const struct tree *tree, uint64_t hash)
{
	uint32_t n = (uint32_t)(hash ^ hash >> 32);

	while (index_taken(tree, POLICE_INDEX_BASE | (n & POLICE_INDEX_MASK)))
		n++;
	return POLICE_INDEX_BASE | (n & POLICE_INDEX_MASK);
}

/* A copy of the list whose police actions have an index each; NULL: no memory. */
static struct action *copy_indexed(struct tree *tree, const struct action *list, uint64_t hash)
{
	struct action *head = NULL, **tail = &head, *copy;

	for (; list; list = list->next, tail = &copy->next, hash++) {
		copy = *tail = arena_memdup(&tree->arena, list, sizeof(*list));
		if (!copy)
			return NULL;
		copy->next = NULL;
		if (!is_police(list) || opts_has(list->opts, POLICE_INDEX))
			continue;
		copy->opts = opts_dup(&tree->arena, list->kind, list->opts);
		if (!copy->opts)
			return NULL;
		opts_put(copy->opts, POLICE_INDEX, free_index(tree, hash));
	}
	return head;
}

int police_share(struct ctx *ctx, struct tree *tree, struct tree_link *link, struct obj *first)
{
	struct action *list, *copy;
	struct obj *obj, *other;

	for (obj = first; obj; obj = obj->next) {
		list = obj->actions;
		if (!lacks_index(list))
			continue;
		copy = copy_indexed(tree, list, hash_use(link, obj, list));
		if (!copy)
			return oom(ctx);
		for (other = obj; other; other = other->next)
			if (other->actions == list)
				other->actions = copy;
	}
	return 0;
}
