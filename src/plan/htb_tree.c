// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/htb_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "qdisc/htb.h"

enum {
	ATM_CELL_BYTES = 53, ATM_PAYLOAD_BYTES = 48,
	QUANTUM_MAX_BYTES = 200000,	/* beyond it the kernel warns (sch_htb.c, 6.12) */
	QUANTUM_DIVISOR = 10,		/* HTB's own r2q default */
	PFIFO_TIME_MS = 100,		/* what a pfifo leaf may hold, in time at its ceil */
	HASHED_LAST = 0xfff0,		/* minors that a path may lead to, usable or not */
	PFIFO_MIN_PACKETS = 32, PFIFO_MAX_PACKETS = 1000,
};

uint64_t framing_wire_bytes(const struct framing *framing, uint32_t frame_bytes)
{
	int64_t bytes = (int64_t)frame_bytes + framing->overhead_bytes;

	if (bytes < (int64_t)framing->mpu_bytes)
		bytes = framing->mpu_bytes;
	if (framing->linklayer == LINKLAYER_ATM)
		bytes = (bytes + ATM_PAYLOAD_BYTES - 1) / ATM_PAYLOAD_BYTES * ATM_CELL_BYTES;
	return (uint64_t)bytes;
}

uint64_t framing_rate(const struct framing *framing, uint64_t rate_bit)
{
	if (framing->linklayer != LINKLAYER_PTM)
		return rate_bit;
	return (uint64_t)((unsigned __int128)rate_bit * 64 / 65);
}

uint64_t default_burst(const struct htb_env *env, uint64_t rate_bit)
{
	uint64_t frames = 2 * framing_wire_bytes(env->framing, env->frame_bytes);
	uint64_t ms = rate_bit / 8 / 1000;

	return frames > ms ? frames : ms;
}

/* ---- classids ---- */

static unsigned int count_classes(const struct class *c)
{
	unsigned int n = 1;

	for (c = c->children; c; c = c->next)
		n += count_classes(c);
	return n;
}

/* FNV-1a, 32 bits. */
static uint32_t hash_path(const char *path)
{
	uint32_t h = 2166136261u;

	for (; *path; path++)
		h = (h ^ (uint8_t)*path) * 16777619u;
	return h;
}

/* Minors are also the majors of the leaf qdiscs, and 7700-77ff are kept for roots. From f000 on they are
 * limits'. */
static bool minor_usable(uint32_t minor)
{
	return minor >= WEIR_MINOR_FIRST && minor <= WEIR_MINOR_LAST && minor >> 8 != 0x77;
}

static uint32_t take_minor(const char *path, uint8_t *taken)
{
	uint32_t span = HASHED_LAST - WEIR_MINOR_FIRST + 1;
	uint32_t start = hash_path(path) % span, i, minor;

	for (i = 0; i < span; i++) {
		minor = WEIR_MINOR_FIRST + (start + i) % span;
		if (minor_usable(minor) && !(taken[minor >> 3] >> (minor & 7) & 1)) {
			taken[minor >> 3] |= (uint8_t)(1u << (minor & 7));
			return minor;
		}
	}
	return 0;
}

static uint32_t class_minor(const struct class *c, uint8_t *taken)
{
	if (!c->parent)
		return WEIR_MINOR_ROOT;
	if (c->is_default && !c->parent->parent)
		return WEIR_MINOR_DEFAULT;
	return take_minor(c->path, taken);
}

static uint64_t largest_rate(const struct class *c)
{
	uint64_t largest = 0;

	for (; c; c = c->next)
		if (c->rate_bit > largest)
			largest = c->rate_bit;
	return largest;
}

static int place(struct ctx *ctx, const struct class *c, const struct placed_class *from,
		 uint8_t *taken, struct placed_class *placed, unsigned int *n)
{
	uint32_t minor = class_minor(c, taken), classid = HANDLE(WEIR_MAJOR, minor);
	struct placed_class inside = { NULL, classid, 0, largest_rate(c->children), false };
	const struct class *child;
	int err;

	if (!minor)
		return fail(ctx, ENOSPC, "class %s: no classid is left for it", c->path);
	placed[(*n)++] = (struct placed_class){
		c, classid, from->classid, from->largest_bit, !c->children,
	};
	for (child = c->children; child; child = child->next) {
		err = place(ctx, child, &inside, taken, placed, n);
		if (err)
			return err;
	}
	return 0;
}

int htb_place(struct ctx *ctx, struct arena *arena, const struct class *root,
	      struct placed_class **placed, unsigned int *n)
{
	struct placed_class qdisc = { NULL, HANDLE(WEIR_MAJOR, 0), 0, root->rate_bit, false };
	uint8_t *taken = arena_alloc(arena, 0x10000 / 8);

	*placed = arena_alloc(arena, count_classes(root) * sizeof(**placed));
	*n = 0;
	if (!taken || !*placed)
		return oom(ctx);
	return place(ctx, root, &qdisc, taken, *placed, n);
}

/* ---- objects ---- */

/* Shares of what is borrowed follow the quanta, so they are in the proportion of the rates: a tenth
 * of the rate, but scaled down together where the largest sibling would pass the kernel's maximum. */
static uint64_t quantum_of(const struct htb_env *env, const struct placed_class *p)
{
	uint64_t quantum, bytes = p->class->rate_bit / 8, largest = p->largest_bit;

	if (p->class->set & CLASS_QUANTUM)
		return p->class->quantum_bytes;
	if (largest / 8 / QUANTUM_DIVISOR <= QUANTUM_MAX_BYTES)
		quantum = bytes / QUANTUM_DIVISOR;
	else
		quantum = (uint64_t)((unsigned __int128)bytes * QUANTUM_MAX_BYTES / (largest / 8));
	return quantum < env->frame_bytes ? env->frame_bytes : quantum;
}

static uint16_t clamp_u16(int64_t v)
{
	return v < 0 ? 0 : v > UINT16_MAX ? UINT16_MAX : (uint16_t)v;
}

/* Where the file says nothing these are defaults: enforced, but not worth showing. */
static void put_framing(struct opts *o, const struct framing *framing)
{
	opts_put(o, HTB_OVERHEAD, clamp_u16(framing->overhead_bytes));
	opts_put(o, HTB_MPU, clamp_u16(framing->mpu_bytes));
	opts_put(o, HTB_LINKLAYER,
		 framing->linklayer == LINKLAYER_ATM ? TC_LL_ATM : TC_LL_ETHERNET);
	if (!framing->set) {
		o->filled |= 1u << HTB_OVERHEAD | 1u << HTB_MPU | 1u << HTB_LINKLAYER;
		o->set &= ~o->filled;
	}
}

static uint64_t whole_bytes(uint64_t rate_bit)
{
	return rate_bit < 8 ? 8 : rate_bit & ~UINT64_C(7);
}

static int build_class(struct ctx *ctx, const struct htb_env *env, const struct placed_class *p,
		       struct tree *tree, struct tree_link *link)
{
	const struct kind *kind = kind_find(KIND_CLASS, "htb");
	struct obj *obj = tree_obj_add(tree, link, OBJ_CLASS);
	const struct class *c = p->class;
	uint64_t rate_bit = whole_bytes(framing_rate(env->framing, c->rate_bit));
	uint64_t ceil_bit = whole_bytes(framing_rate(env->framing, c->ceil_bit));
	struct opts *o = opts_new(&tree->arena, kind);

	if (!obj || !o)
		return oom(ctx);
	obj->handle = p->classid;
	obj->parent = p->parent;
	obj->kind = kind;
	obj->kind_name = kind->name;
	obj->name = arena_strdup(&tree->arena, c->path);
	obj->opts = o;
	opts_put(o, HTB_RATE, rate_bit);
	opts_put(o, HTB_CEIL, ceil_bit);
	opts_put(o, HTB_BURST, c->set & CLASS_BURST ? c->burst_bytes : default_burst(env, rate_bit));
	opts_put(o, HTB_CBURST, c->set & CLASS_CBURST ? c->cburst_bytes : default_burst(env, ceil_bit));
	if (p->leaf) {	/* the kernel keeps these for leaves only, and ignores changes elsewhere */
		opts_put(o, HTB_PRIO, c->prio);
		opts_put(o, HTB_QUANTUM, quantum_of(env, p));
	}
	put_framing(o, env->framing);
	kind->canon(o);
	return 0;
}

/* A queue in packets that is a queue in time: what the ceil sends in PFIFO_TIME_MS. */
static uint64_t pfifo_limit(const struct htb_env *env, uint64_t ceil_bit)
{
	uint64_t n = ceil_bit / 8 * PFIFO_TIME_MS / 1000 / env->frame_bytes;

	return n < PFIFO_MIN_PACKETS ? PFIFO_MIN_PACKETS : n > PFIFO_MAX_PACKETS ? PFIFO_MAX_PACKETS : n;
}

/* The kernel's own default is the device's txqueuelen at the time: 1000 packets here, 32 on an IFB, and
 * what was there before when the queue is changed in place. */
static void fill_fifo_limit(const struct htb_env *env, const struct class *c, const struct kind *kind,
			    struct opts *o)
{
	static const char *const fifos[] = { "pfifo", "pfifo_head_drop", "bfifo" };
	uint64_t packets = pfifo_limit(env, c->ceil_bit);
	int row = opts_row(kind, "limit");
	unsigned int i;

	for (i = 0; i < sizeof(fifos) / sizeof(fifos[0]); i++)
		if (!strcmp(kind->name, fifos[i]) && row >= 0 && !opts_has(o, (unsigned int)row))
			opts_put(o, (unsigned int)row,
				 *kind->name == 'b' ? packets * env->frame_bytes : packets);
}

static struct opts *default_queue(const struct htb_env *env, struct arena *arena,
				  const struct kind **kind)
{
	*kind = kind_find(KIND_QDISC, "fq_codel");
	if (!*kind || !probe_has(env->probe, *kind))
		*kind = kind_find(KIND_QDISC, "pfifo");
	return opts_new(arena, *kind);
}

static int build_leaf(struct ctx *ctx, const struct htb_env *env, const struct placed_class *p,
		      struct tree *tree, struct tree_link *link)
{
	struct obj *obj = tree_obj_add(tree, link, OBJ_QDISC);
	const struct class *c = p->class;

	if (!obj)
		return oom(ctx);
	obj->handle = HANDLE(HANDLE_MINOR(p->classid), 0);
	obj->parent = p->classid;
	obj->name = arena_strdup(&tree->arena, c->path);
	if (c->set & CLASS_QUEUE) {
		obj->kind = c->queue;
		obj->opts = opts_dup(&tree->arena, c->queue, c->queue_opts);
	} else {
		obj->opts = default_queue(env, &tree->arena, &obj->kind);
	}
	if (!obj->opts || !obj->name)
		return oom(ctx);
	obj->kind_name = obj->kind->name;
	fill_fifo_limit(env, c, obj->kind, obj->opts);
	opts_fill(obj->kind, obj->opts, env->frame_bytes);
	return 0;
}

static int build_root(struct ctx *ctx, struct tree *tree, struct tree_link *link)
{
	struct obj *obj = tree_obj_add(tree, link, OBJ_QDISC);

	if (!obj)
		return oom(ctx);
	obj->handle = HANDLE(WEIR_MAJOR, 0);
	obj->parent = HANDLE_ROOT;
	obj->kind = kind_find(KIND_QDISC, "htb");
	obj->kind_name = obj->kind->name;
	obj->opts = opts_new(&tree->arena, obj->kind);
	if (!obj->opts)
		return oom(ctx);
	opts_put(obj->opts, HTB_DEFAULT, WEIR_MINOR_DEFAULT);
	return 0;
}

static int build_one(struct ctx *ctx, const struct htb_env *env, const struct placed_class *p,
		     struct tree *tree, struct tree_link *link)
{
	int err = build_class(ctx, env, p, tree, link);

	if (!err && p->leaf)
		err = build_leaf(ctx, env, p, tree, link);
	return err;
}

/* The default class comes right behind the root's: from then on everything is shaped. */
int htb_build(struct ctx *ctx, const struct htb_env *env, const struct placed_class *placed,
	      unsigned int n, struct tree *tree, struct tree_link *link)
{
	unsigned int i, last = 0;
	int err = build_root(ctx, tree, link);

	for (i = 1; i < n; i++)
		if (HANDLE_MINOR(placed[i].classid) == WEIR_MINOR_DEFAULT)
			last = i;
	if (!err)
		err = build_one(ctx, env, &placed[0], tree, link);
	if (!err && last)
		err = build_one(ctx, env, &placed[last], tree, link);
	for (i = 1; i < n && !err; i++)
		if (i != last)
			err = build_one(ctx, env, &placed[i], tree, link);
	return err;
}
