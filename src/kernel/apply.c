// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/msg.h>

#include "kernel/compose.h"
#include "kernel/net_cls.h"
#include "kernel/programs.h"
#include "kernel/xdp.h"

enum { CHUNK = 128 };		/* messages that are composed before they are sent */

/* Messages that are on their way; their memory is used again for the next ones. */
struct chunk {
	struct compose compose;
	struct netlink *nl;
	unsigned int n;
	struct nl_msg *msgs[CHUNK];
	struct {
		const struct op *op;
		unsigned int part;
	} of[CHUNK];
	struct netlink_ack acks[CHUNK];
};

/* ---- the kernel's answers ---- */

/* What the kernel says of a kind that it does not have (net/sched/sch_api.c, cls_api.c and
 * act_api.c, 6.1 and 6.12). */
static bool says_unknown_kind(const struct netlink_ack *ack)
{
	static const char *const words[] = {
		"qdisc kind is unknown", "classifier not found", "Failed to load TC action module",
	};
	size_t i;

	if (ack->err != -ENOENT)
		return false;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(ack->text, words[i]))
			return true;
	return false;
}

static int fail_unknown_kind(struct ctx *ctx, const struct op *op, const struct netlink_ack *ack)
{
	static const char *const types[] = {
		[OBJ_QDISC] = "qdisc", [OBJ_CLASS] = "class", [OBJ_FILTER] = "filter",
	};
	static const char *const prefixes[] = {
		[OBJ_QDISC] = "sch", [OBJ_CLASS] = "sch", [OBJ_FILTER] = "cls",
	};
	const struct obj *obj = op->obj;
	const struct kind *kind = obj->kind;
	const char *type = types[obj->type], *name = obj->kind_name;

	if (strstr(ack->text, "action") && obj->actions) {
		kind = obj->actions->kind;
		type = "action";
		name = kind->name;
	}
	if (kind)
		return fail(ctx, ack->err, "%s: %s %s: this kernel has no %s", op->link->name,
			    type, name, kind->module);
	return fail(ctx, ack->err, "%s: %s %s: this kernel has no %s_%s", op->link->name, type,
		    name, prefixes[obj->type], name);
}

static int fail_op(struct ctx *ctx, const struct op *op, const struct netlink_ack *ack)
{
	char text[160];

	if (op->obj && says_unknown_kind(ack))
		return fail_unknown_kind(ctx, op, ack);
	op_object_text(op, text, sizeof(text));
	if (ack->err == -EPERM)
		return fail(ctx, ack->err, "%s: changing it needs CAP_NET_ADMIN", text);
	if (ack->err == -ENODEV && !*ack->text)
		return fail(ctx, ack->err, "%s: the interface has disappeared", op->link->name);
	if (op->verb == OP_LINK_ADD && ack->err == -EOPNOTSUPP)
		return fail(ctx, ack->err, "%s: this kernel has no ifb", text);
	return fail(ctx, ack->err, "%s: %s", text, *ack->text ? ack->text : strerror(-ack->err));
}

/* The kernel warns through extack, too, and then carries on. */
static void pass_warnings(struct chunk *c)
{
	char text[160];
	unsigned int i;

	for (i = 0; i < c->n; i++)
		if (!c->acks[i].err && *c->acks[i].text)
			warn(c->compose.ctx, "%s: %s",
			     op_object_text(c->of[i].op, text, sizeof(text)), c->acks[i].text);
}

/* ---- sending ---- */

/* An interface that was made but could not be marked as weir's would be nobody's. */
static void take_back_unmarked(struct chunk *c, unsigned int i)
{
	struct netlink_ack ack;

	if (c->of[i].op->verb == OP_LINK_ADD && c->of[i].part == 1 &&
	    !compose_link_del(&c->compose, c->of[i].op->link->name, c->msgs[i]))
		netlink_send(c->compose.ctx, c->nl, &c->msgs[i], 1, &ack);
}

static int send_chunk(struct chunk *c)
{
	struct ctx *ctx = c->compose.ctx;
	unsigned int i;
	int err;

	if (!c->n)
		return 0;
	err = netlink_send(ctx, c->nl, c->msgs, c->n, c->acks);
	pass_warnings(c);
	for (i = 0; i < c->n && err; i++) {
		if (!c->acks[i].err || c->acks[i].err == -EINPROGRESS)
			continue;
		err = fail_op(ctx, c->of[i].op, &c->acks[i]);
		take_back_unmarked(c, i);
		break;
	}
	c->n = 0;
	return err;
}

static int room_for(struct chunk *c, const struct op *op)
{
	struct nl_msg **msg = &c->msgs[c->n];
	size_t size = compose_size(op);

	if (*msg && nlmsg_get_max_size(*msg) >= size)
		return 0;
	nlmsg_free(*msg);
	*msg = nlmsg_alloc_size(size);
	return *msg ? 0 : oom(c->compose.ctx);
}

static int run_xdp(struct chunk *c, const struct op *op)
{
	struct op run = *op;
	char text[64];
	int fd = 0;

	/* it could not be loaded, and the link is to do without */
	if (run.xdp && run.xdp->given_up)
		run.xdp = NULL;
	else
		fd = programs_xdp_fd(c->compose.programs, run.xdp);
	if (fd < 0)
		return fail(c->compose.ctx, fd, "%s: it is not at hand",
			    op_object_text(op, text, sizeof(text)));
	return run.xdp || run.xdp_old ? xdp_run(c->compose.ctx, c->nl, &run, fd) : 0;
}

/* The second message about a new interface must not go out when the first has failed: an interface
 * of that name may be there already, and somebody else's. */
static int add_op(struct chunk *c, const struct op *op)
{
	unsigned int part, parts = compose_parts(op);
	int err = c->n == CHUNK || op->verb >= OP_CGROUP ? send_chunk(c) : 0;

	if (op->verb == OP_CGROUP)
		return err ? err : net_cls_write(c->compose.ctx, op->cgroup, op->classid);
	if (op->verb == OP_XDP)
		return err ? err : run_xdp(c, op);
	for (part = 0; part < parts && !err; part++) {
		err = room_for(c, op);
		if (!err)
			err = compose_part(&c->compose, op, part, c->msgs[c->n]);
		if (err)
			break;
		c->of[c->n].op = op;
		c->of[c->n++].part = part;
		if (parts > 1)
			err = send_chunk(c);
	}
	return err;
}

int kernel_apply(struct ctx *ctx, struct netlink *nl, const struct ops *ops)
{
	struct chunk *c = calloc(1, sizeof(*c));
	struct programs programs;
	const struct op *op;
	unsigned int i;
	int err;

	if (!c)
		return oom(ctx);
	c->compose.ctx = ctx;
	c->compose.programs = &programs;
	c->nl = nl;
	err = programs_load(ctx, ops, &programs);
	for (op = ops->first; op && !err; op = op->next) {
		err = add_op(c, op);
		if (!err && (!op->next || op->next->phase != op->phase))
			err = send_chunk(c);
	}
	for (i = 0; i < CHUNK; i++)
		nlmsg_free(c->msgs[i]);
	free(c);
	programs_unload(&programs);
	return err;
}

int op_compose(struct ctx *ctx, const struct op *op, struct nl_msg **msg)
{
	struct compose c = { .ctx = ctx };
	struct nl_msg *m = nlmsg_alloc_size(compose_size(op));
	int err;

	if (!m)
		return oom(ctx);
	err = compose_part(&c, op, 0, m);
	if (err) {
		nlmsg_free(m);
		return err;
	}
	*msg = m;
	return 0;
}
