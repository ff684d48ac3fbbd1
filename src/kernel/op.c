// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/op.h"

#include <errno.h>
#include <stdio.h>

const struct tree_link op_no_link = { .kind = "", .alias = "" };

int op_append(struct ops *ops, const struct op *like)
{
	struct op *op = arena_memdup(&ops->arena, like, sizeof(*like)), **at = &ops->first;
	unsigned int p;

	if (!op)
		return -ENOMEM;
	for (p = op->phase + 1; p-- > 0;)
		if (ops->last[p]) {
			at = &ops->last[p]->next;
			break;
		}
	op->next = *at;
	*at = op;
	ops->last[op->phase] = op;
	ops->count++;
	return 0;
}

static void handle_text(uint32_t handle, char *buf, size_t size)
{
	if (handle == HANDLE_INGRESS)
		snprintf(buf, size, "ingress");
	else if (handle == HANDLE_EGRESS)
		snprintf(buf, size, "egress");
	else if (!HANDLE_MINOR(handle))
		snprintf(buf, size, "%x:", HANDLE_MAJOR(handle));
	else
		snprintf(buf, size, "%x:%x", HANDLE_MAJOR(handle), HANDLE_MINOR(handle));
}

static void qdisc_text(const struct obj *q, const char *link, char *buf, size_t size)
{
	char parent[24];

	handle_text(q->parent, parent, sizeof(parent));
	if (q->parent == HANDLE_ROOT || q->parent == HANDLE_CLSACT)
		snprintf(buf, size, "%s: qdisc %s", link, q->kind_name);
	else if (q->name && *q->name)
		snprintf(buf, size, "%s: qdisc %s of class %s (%s)", link, q->kind_name, q->name,
			 parent);
	else
		snprintf(buf, size, "%s: qdisc %s of class %s", link, q->kind_name, parent);
}

char *op_object_text(const struct op *op, char *buf, size_t size)
{
	const struct obj *obj = op->obj ? op->obj : op->old;
	const char *link = op->link->name;
	char text[24];

	if (op->verb == OP_CGROUP) {
		snprintf(buf, size, "net_cls.classid of cgroup %s", op->cgroup->path);
		return buf;
	}
	if (op->verb == OP_XDP) {
		snprintf(buf, size, "%s: XDP program", link);
		return buf;
	}
	if (!obj) {
		snprintf(buf, size, "%s: interface", link);
		return buf;
	}
	switch (obj->type) {
	case OBJ_QDISC:
		qdisc_text(obj, link, buf, size);
		break;
	case OBJ_CLASS:
		handle_text(obj->handle, text, sizeof(text));
		if (obj->name && *obj->name)
			snprintf(buf, size, "%s: class %s (%s)", link, obj->name, text);
		else
			snprintf(buf, size, "%s: class %s", link, text);
		break;
	default:
		handle_text(obj->parent, text, sizeof(text));
		snprintf(buf, size, "%s: filter %s of %s, prio %u", link, obj->kind_name, text,
			 obj->prio);
	}
	return buf;
}
