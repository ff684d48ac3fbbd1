// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/dump_bpf.h"

#include <errno.h>
#include <string.h>

#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>

#include "kernel/bpf.h"
#include "kernel/process.h"

uint32_t dump_bpf_id(const struct obj *filter)
{
	const struct nlattr *options, *id;

	if (strcmp(filter->kind_name, "bpf") || !filter->raw)
		return 0;
	options = nla_find((struct nlattr *)filter->raw, (int)filter->raw_len, TCA_OPTIONS);
	id = options ? nla_find(nla_data(options), nla_len(options), TCA_BPF_ID) : NULL;
	return id && nla_len(id) >= (int)sizeof(uint32_t) ? nla_get_u32(id) : 0;
}

int dump_bpf_settle(struct ctx *ctx, struct tree *tree, struct tree_link *link)
{
	uint32_t id;
	struct obj *f;
	int fd;

	for (f = link->objs[OBJ_FILTER]; f; f = f->next) {
		id = dump_bpf_id(f);
		fd = id ? program_open_id(id) : -ENOENT;
		if (fd < 0 && fd != -EINTR && process_is_short(fd))
			return fail(ctx, fd, "%s: looking at its programs: %s", link->name, strerror(-fd));
		if (fd < 0)
			continue;
		if (tree_hold(tree, fd))
			return oom(ctx);
		f->prog_fd = fd;
	}
	return 0;
}
