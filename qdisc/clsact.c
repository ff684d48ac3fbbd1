// SPDX-License-Identifier: GPL-2.0-or-later
/* clsact: no queue, only the two places where filters see a device's packets
 * (net/sched/sch_ingress.c, 6.12). Shared with other programs. */
#include "qdisc/kind.h"

#include <netlink/msg.h>

/* The kernel takes no options, not even an empty attribute's worth of them. */
static int emit(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
		const struct wire *wire)
{
	(void)msg, (void)attr, (void)kind, (void)o, (void)wire;
	return 0;
}

static int read_nothing(const struct nlattr *attr, const struct kind *kind, struct opts *o,
			const struct wire *wire)
{
	(void)attr, (void)kind, (void)o, (void)wire;
	return 0;
}

const struct kind qdisc_clsact = {
	.type = KIND_QDISC, .name = "clsact", .module = "sch_ingress",
	.help = "the hooks for filters at ingress and egress", .emit = emit, .read = read_nothing,
};
