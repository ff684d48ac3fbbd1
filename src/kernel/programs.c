// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/programs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/process.h"

static bool attaches(const struct op *op)
{
	return op->obj && op->obj->program;
}

static bool attaches_xdp(const struct op *op)
{
	return op->verb == OP_XDP && op->xdp && op->xdp->program;
}

static const struct programs_slot *find(const struct programs *p, const struct program *program)
{
	unsigned int i;

	for (i = 0; p && i < p->n; i++)
		if (p->slot[i].program == program)
			return &p->slot[i];
	return NULL;
}

/* The classifier at the link's ingress, which a program at XDP shares its maps with: the one that is
 * about to be attached, else the one that is. -ENOENT: there is none; -EPERM: no descriptor of it can be had. */
static int classifier_fd(const struct programs *p, const struct op *op)
{
	const struct programs_slot *slot = NULL;
	const struct obj *f;

	for (f = op->link->objs[OBJ_FILTER]; f && !slot; f = f->next)
		if (f->parent == HANDLE_INGRESS && f->program && tree_in_hook_place(f))
			slot = find(p, f->program);
	if (slot)
		return program_fd(slot->loaded);
	for (f = op->xdp_was ? op->xdp_was->objs[OBJ_FILTER] : NULL; f; f = f->next)
		if (f->parent == HANDLE_INGRESS && !strcmp(f->kind_name, "bpf") && tree_in_hook_place(f) &&
		    tree_hook_is_weirs(f))
			return f->prog_fd ? f->prog_fd : -EPERM;
	return -ENOENT;
}

static int load_xdp(struct ctx *ctx, const struct op *op, struct programs *p)
{
	int fd = classifier_fd(p, op), err;
	char what[64];

	op_object_text(op, what, sizeof(what));
	if (fd == -EPERM)
		err = fail(ctx, fd, "%s: sharing the prefixes takes CAP_SYS_ADMIN", what);
	else if (fd < 0)
		return fail(ctx, fd, "%s: there is no classifier at ingress to work for", what);
	else
		err = program_load_sharing(ctx, op->xdp->program, what, fd, &p->slot[p->n].loaded);
	if (!err) {
		p->slot[p->n++].program = op->xdp->program;
		return 0;
	}
	if (op->xdp->mode != TREE_XDP_AUTO || process_is_short(err))
		return err;
	warn(ctx, "%s; nothing is stamped there, clsact classifies", ctx->error ? ctx->error : what);
	ctx_clear(ctx);
	op->xdp->given_up = true;
	return 0;
}

static void what_text(const struct op *op, char *buf, size_t size)
{
	if (tree_in_hook_place(op->obj))
		snprintf(buf, size, "%s: %s classifier", op->link->name,
			 op->obj->parent == HANDLE_INGRESS ? "ingress" : "egress");
	else
		op_object_text(op, buf, size);
}

int programs_load(struct ctx *ctx, const struct ops *ops, struct programs *programs)
{
	const struct op *op;
	unsigned int n = 0;
	char what[160];
	int err = 0;

	memset(programs, 0, sizeof(*programs));
	for (op = ops->first; op; op = op->next)
		n += attaches(op) || attaches_xdp(op);
	programs->slot = n ? calloc(n, sizeof(*programs->slot)) : NULL;
	if (n && !programs->slot)
		return oom(ctx);
	for (op = n ? ops->first : NULL; op && !err; op = op->next) {
		if (!attaches(op) || find(programs, op->obj->program))
			continue;
		what_text(op, what, sizeof(what));
		err = program_load(ctx, op->obj->program, what, &programs->slot[programs->n].loaded);
		if (!err)
			programs->slot[programs->n++].program = op->obj->program;
	}
	for (op = n ? ops->first : NULL; op && !err; op = op->next)
		if (attaches_xdp(op))
			err = load_xdp(ctx, op, programs);
	return err;
}

void programs_unload(struct programs *programs)
{
	while (programs->n)
		program_unload(programs->slot[--programs->n].loaded);
	free(programs->slot);
	programs->slot = NULL;
}

int programs_fd(const struct programs *programs, const struct obj *filter)
{
	const struct programs_slot *slot;

	if (!filter->program)
		return filter->prog_fd;
	slot = find(programs, filter->program);
	return slot ? program_fd(slot->loaded) : -ESTALE;
}

int programs_xdp_fd(const struct programs *programs, const struct tree_xdp *xdp)
{
	const struct programs_slot *slot;

	if (!xdp)
		return 0;
	if (!xdp->program)
		return xdp->prog_fd ? xdp->prog_fd : -ESTALE;
	slot = find(programs, xdp->program);
	return slot ? program_fd(slot->loaded) : -ESTALE;
}
