// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tree *tree_new(void)
{
	return calloc(1, sizeof(struct tree));
}

void tree_free(struct tree *tree)
{
	const struct tree_fd *held;

	if (!tree)
		return;
	for (held = tree->fds; held; held = held->next)
		close(held->fd);
	arena_free(&tree->arena);
	free(tree);
}

int tree_hold(struct tree *tree, int fd)
{
	struct tree_fd *held = arena_alloc(&tree->arena, sizeof(*held));

	if (!held) {
		close(fd);
		return -ENOMEM;
	}
	*held = (struct tree_fd){ tree->fds, fd };
	tree->fds = held;
	return 0;
}

struct tree_link *tree_link_find(const struct tree *tree, const char *name)
{
	struct tree_link *link;

	for (link = tree->links; link; link = link->next)
		if (!strcmp(link->name, name))
			return link;
	return NULL;
}

struct tree_link *tree_link_by_index(const struct tree *tree, int ifindex)
{
	struct tree_link *link;

	for (link = tree->links; link; link = link->next)
		if (link->ifindex == ifindex)
			return link;
	return NULL;
}

struct obj *tree_qdisc_at(const struct tree_link *link, uint32_t parent)
{
	struct obj *obj;

	for (obj = link->objs[OBJ_QDISC]; obj; obj = obj->next)
		if (obj->parent == parent)
			return obj;
	return NULL;
}

struct obj *tree_class(const struct tree_link *link, uint32_t classid)
{
	struct obj *obj;

	for (obj = link->objs[OBJ_CLASS]; obj; obj = obj->next)
		if (obj->handle == classid)
			return obj;
	return NULL;
}

struct tree_link *tree_link_add(struct tree *tree, const char *name)
{
	struct tree_link *link = arena_alloc(&tree->arena, sizeof(*link));

	if (!link)
		return NULL;
	snprintf(link->name, sizeof(link->name), "%s", name);
	link->kind = "";
	link->alias = "";
	if (tree->last)
		tree->last->next = link;
	else
		tree->links = link;
	tree->last = link;
	return link;
}

static void append(struct tree_link *link, struct obj *obj)
{
	obj->next = NULL;
	if (link->last[obj->type])
		link->last[obj->type]->next = obj;
	else
		link->objs[obj->type] = obj;
	link->last[obj->type] = obj;
}

struct obj *tree_obj_add(struct tree *tree, struct tree_link *link, enum obj_type type)
{
	struct obj *obj = arena_alloc(&tree->arena, sizeof(*obj));

	if (!obj)
		return NULL;
	obj->type = type;
	append(link, obj);
	return obj;
}

/* ---- order ---- */

/* A qdisc or class while its place is sought. */
struct node {
	struct obj *obj;
	uint32_t depth;		/* 0: not known yet */
	bool open;		/* its parent is being looked for */
};

struct nodes {
	struct node *v;
	uint32_t *slots;	/* index + 1 into v, by a hash of the handle */
	uint32_t n, mask;
};

static uint32_t slot_of(const struct nodes *nodes, uint32_t handle)
{
	return handle * 0x9e3779b1u >> 7 & nodes->mask;
}

static struct node *node_find(const struct nodes *nodes, uint32_t handle)
{
	uint32_t s;

	for (s = slot_of(nodes, handle); nodes->slots[s]; s = (s + 1) & nodes->mask)
		if (nodes->v[nodes->slots[s] - 1].obj->handle == handle)
			return &nodes->v[nodes->slots[s] - 1];
	return NULL;
}

/* Default qdiscs all have handle 0, and nothing can hang on them. */
static void node_add(struct nodes *nodes, struct obj *obj)
{
	uint32_t s;

	nodes->v[nodes->n++].obj = obj;
	if (!obj->handle)
		return;
	for (s = slot_of(nodes, obj->handle); nodes->slots[s]; s = (s + 1) & nodes->mask)
		;
	nodes->slots[s] = nodes->n;
}

static int nodes_init(struct nodes *nodes, const struct tree_link *link)
{
	uint32_t count = 0, size = 16;
	struct obj *obj;
	int type;

	for (type = OBJ_QDISC; type <= OBJ_CLASS; type++)
		for (obj = link->objs[type]; obj; obj = obj->next)
			count++;
	while (size < 2 * count)
		size *= 2;
	nodes->n = 0;
	nodes->mask = size - 1;
	nodes->v = calloc(count + 1, sizeof(*nodes->v));
	nodes->slots = calloc(size, sizeof(*nodes->slots));
	if (!nodes->v || !nodes->slots)
		return -ENOMEM;
	for (type = OBJ_QDISC; type <= OBJ_CLASS; type++)
		for (obj = link->objs[type]; obj; obj = obj->next)
			node_add(nodes, obj);
	return 0;
}

/* What the object hangs on; of a parent that is not there (multi-queue: major:queue), its qdisc. */
static struct node *node_parent(const struct nodes *nodes, const struct obj *obj)
{
	struct node *parent = node_find(nodes, obj->parent);

	return parent ? parent : node_find(nodes, HANDLE(HANDLE_MAJOR(obj->parent), 0));
}

/* As deep as the tree is; a circle (a damaged dump) ends where it closes. */
static uint32_t node_depth(const struct nodes *nodes, struct node *node)
{
	struct node *parent;

	if (node->depth || node->open)
		return node->depth;
	node->open = true;
	parent = node_parent(nodes, node->obj);
	node->depth = 1 + (parent && parent != node ? node_depth(nodes, parent) : 0);
	return node->depth;
}

int tree_sort(struct tree_link *link)
{
	struct nodes nodes = { 0 };
	uint32_t i, depth, deepest = 0;
	int type, err;

	err = nodes_init(&nodes, link);
	if (err)
		goto out;
	for (i = 0; i < nodes.n; i++) {
		depth = node_depth(&nodes, &nodes.v[i]);
		if (depth > deepest)
			deepest = depth;
	}
	for (type = OBJ_QDISC; type <= OBJ_CLASS; type++)
		link->objs[type] = link->last[type] = NULL;
	for (depth = 1; depth <= deepest; depth++)
		for (i = 0; i < nodes.n; i++)
			if (nodes.v[i].depth == depth)
				append(link, nodes.v[i].obj);
out:
	free(nodes.v);
	free(nodes.slots);
	return err;
}

/* ---- marks ---- */

bool tree_root_is_default(const struct tree_link *link)
{
	const struct obj *root = tree_qdisc_at(link, HANDLE_ROOT);

	return !root || !root->handle;
}

bool tree_root_is_foreign(const struct tree_link *link)
{
	const struct obj *root = tree_qdisc_at(link, HANDLE_ROOT);

	return root && root->handle &&
	       (root->handle != HANDLE(WEIR_MAJOR, 0) || strcmp(root->kind_name, "htb"));
}

/* Majors 7700-77ff. */
static bool major_is_weirs(uint32_t handle)
{
	return (HANDLE_MAJOR(handle) & 0xff00) == (WEIR_MAJOR & 0xff00);
}

static bool on_hook(const struct obj *filter)
{
	return filter->parent == HANDLE_INGRESS || filter->parent == HANDLE_EGRESS;
}

bool tree_in_hook_place(const struct obj *filter)
{
	return on_hook(filter) && !filter->chain && filter->prio >= WEIR_PRIO &&
	       filter->prio <= WEIR_PRIO_LAST;
}

bool tree_hook_is_weirs(const struct obj *filter)
{
	const struct action *a;

	if (!strcmp(filter->kind_name, "bpf"))
		return filter->kind;	/* which reads nothing but programs of weir's */
	for (a = filter->actions; a; a = a->next)
		if (!strcmp(a->kind->name, "mirred"))
			return true;
	return false;
}

/* clsact bears no mark, whoever made it: all have handle ffff:. */
bool tree_obj_is_weirs(const struct tree_link *link, const struct obj *obj)
{
	if (link->ours)
		return true;
	switch (obj->type) {
	case OBJ_QDISC:
		return major_is_weirs(obj->handle) || major_is_weirs(obj->parent);
	case OBJ_CLASS:
		return major_is_weirs(obj->handle);
	case OBJ_FILTER:
		if (major_is_weirs(obj->parent))
			return true;
		if (tree_in_hook_place(obj))
			return tree_hook_is_weirs(obj);
		return on_hook(obj) && obj->prio >= WEIR_PRIO_FIRST && obj->prio < WEIR_PRIO;
	default:
		return false;
	}
}

const char *tree_policy_link(const struct tree_link *link)
{
	static const char mark[] = "weir:";

	return link->ours && !strncmp(link->alias, mark, sizeof(mark) - 1) ?
		link->alias + sizeof(mark) - 1 : link->name;
}

/* FNV-1a, 64 bits: spreads names that differ in one byte only. */
static uint64_t hash_name(const char *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return h;
}

void tree_ifb_name(const char *link, char name[TREE_NAME])
{
	enum { ROOM = TREE_NAME - 1 - 4 };	/* after "ifb-" */

	if (strlen(link) <= ROOM)
		snprintf(name, TREE_NAME, "ifb-%.*s", ROOM, link);
	else
		snprintf(name, TREE_NAME, "ifb-%0*" PRIx64, ROOM,
			 hash_name(link) & ((UINT64_C(1) << 4 * ROOM) - 1));
}

static int path_char(char c)
{
	return c == '/' ? 1 : !c ? 0 : (unsigned char)c + 1;
}

int tree_path_order(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return path_char(*a) - path_char(*b);
}

bool tree_path_within(const char *path, const char *outer)
{
	size_t len = strlen(outer);

	return !len || (!strncmp(path, outer, len) && (!path[len] || path[len] == '/'));
}
