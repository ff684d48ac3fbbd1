// SPDX-License-Identifier: GPL-2.0-or-later
/* pfifo, bfifo, pfifo_head_drop: plain queues (net/sched/sch_fifo.c, 6.12). */
#include <errno.h>
#include <string.h>

#include <linux/pkt_sched.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "qdisc/kind.h"

enum { LIMIT };

/* The kernel's default is the device's txqueuelen at the time; weir's depends on the class. */
static const struct opt packet_rows[] = {
	[LIMIT] = { "limit", NULL, OPT_NUM, WIRE_NONE, 0, 0, .max = UINT32_MAX,
	  .help = "packets that may wait; those of 100 ms at the class's ceil, 32 to 1000, where not said" },
};

static const struct opt byte_rows[] = {
	[LIMIT] = { "limit", NULL, OPT_SIZE, WIRE_NONE, 0, 0, .max = UINT32_MAX,
	  .help = "bytes that may wait; those of 100 ms at the class's ceil, 32 to 1000 frames, where not said" },
};

/* Without a limit there is no attribute at all: the kernel refuses an empty one. */
static int emit(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
		const struct wire *wire)
{
	struct tc_fifo_qopt opt = { .limit = (uint32_t)opts_get(o, LIMIT, 0) };

	(void)kind;
	(void)wire;
	if (!opts_has(o, LIMIT))
		return 0;
	return nla_put(msg, attr, sizeof(opt), &opt) ? -EMSGSIZE : 0;
}

static int read_options(const struct nlattr *attr, const struct kind *kind, struct opts *o,
			const struct wire *wire)
{
	struct tc_fifo_qopt opt;

	(void)kind;
	(void)wire;
	if (nla_len(attr) < (int)sizeof(opt))
		return -EINVAL;
	memcpy(&opt, nla_data(attr), sizeof(opt));
	opts_put(o, LIMIT, opt.limit);
	return 0;
}

const struct kind qdisc_pfifo = {
	.type = KIND_QDISC, .name = "pfifo", .module = "sch_fifo", .flags = KIND_LEAF,
	.help = "one queue, limited in packets", ROWS(packet_rows),
	.emit = emit, .read = read_options,
};

const struct kind qdisc_bfifo = {
	.type = KIND_QDISC, .name = "bfifo", .module = "sch_fifo", .flags = KIND_LEAF,
	.help = "one queue, limited in bytes", ROWS(byte_rows),
	.emit = emit, .read = read_options,
};

const struct kind qdisc_pfifo_head_drop = {
	.type = KIND_QDISC, .name = "pfifo_head_drop", .module = "sch_fifo", .flags = KIND_LEAF,
	.help = "one queue, limited in packets, which drops the oldest one when it is full",
	ROWS(packet_rows), .emit = emit, .read = read_options,
};
