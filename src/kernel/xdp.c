// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/xdp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "kernel/bpf.h"
#include "kernel/process.h"

enum { MESSAGE_BYTES = 512 };

const char *xdp_mode_name(enum tree_xdp_mode mode)
{
	static const char *const names[] = {
		[TREE_XDP_AUTO] = "on", [TREE_XDP_NATIVE] = "native", [TREE_XDP_GENERIC] = "generic",
		[TREE_XDP_OTHER] = "other",
	};

	return names[mode];
}

/* ---- what is there ---- */

int xdp_decode(struct ctx *ctx, struct tree *tree, struct tree_link *link, const struct nlattr *attr)
{
	static const enum tree_xdp_mode modes[] = {
		[XDP_ATTACHED_DRV] = TREE_XDP_NATIVE, [XDP_ATTACHED_SKB] = TREE_XDP_GENERIC,
	};
	struct nlattr *tb[IFLA_XDP_MAX + 1];
	uint8_t attached;

	if (!attr || nla_parse_nested(tb, IFLA_XDP_MAX, (struct nlattr *)attr, NULL) ||
	    !tb[IFLA_XDP_ATTACHED])
		return 0;
	attached = nla_get_u8(tb[IFLA_XDP_ATTACHED]);
	if (attached == XDP_ATTACHED_NONE)
		return 0;
	link->xdp = arena_alloc(&tree->arena, sizeof(*link->xdp));
	if (!link->xdp)
		return oom(ctx);
	*link->xdp = (struct tree_xdp){
		.mode = attached < sizeof(modes) / sizeof(modes[0]) ? modes[attached] : TREE_XDP_OTHER,
		.prog_id = tb[IFLA_XDP_PROG_ID] ? nla_get_u32(tb[IFLA_XDP_PROG_ID]) : 0,
		.name = "?",
	};
	/* weir puts none into a device, nor beside another one */
	link->xdp->known = link->xdp->mode == TREE_XDP_OTHER;
	return 0;
}

/* The read-only data of a running program: *section is the caller's. 0, -ENOENT: it has none; -errno. */
static int read_section(int prog_fd, struct bpf_map_info *info, char **section)
{
	uint32_t len = sizeof(*info), key = 0;
	int fd = program_open_map(prog_fd, ".rodata"), err;

	if (fd < 0)
		return fd;
	memset(info, 0, sizeof(*info));
	err = bpf_obj_get_info_by_fd(fd, info, &len) ? -errno : 0;
	*section = err ? NULL : malloc(info->value_size);
	if (!err && !*section)
		err = -ENOMEM;
	if (!err && bpf_map_lookup_elem(fd, &key, *section))
		err = -errno;
	if (err)
		free(*section);
	close(fd);
	return err;
}

/* Where `config` of this size is in the values of a section; -ENOENT. */
static int find_config(const struct bpf_map_info *info, size_t size)
{
	struct btf *btf = btf__load_from_kernel_by_id(info->btf_id);
	const struct btf_type *type = btf ? btf__type_by_id(btf, info->btf_value_type_id) : NULL;
	const struct btf_var_secinfo *var = type && btf_is_datasec(type) ? btf_var_secinfos(type) : NULL;
	int i, at = -ENOENT;

	for (i = var ? btf_vlen(type) : 0; i-- > 0; var++)
		if (var->size == size && var->offset + size <= info->value_size &&
		    !strcmp(btf__name_by_offset(btf, btf__type_by_id(btf, var->type)->name_off), "config"))
			at = (int)var->offset;
	btf__free(btf);
	return at;
}

int xdp_constants(int prog_fd, void *config, size_t size)
{
	struct bpf_map_info info;
	char *section;
	int at = read_section(prog_fd, &info, &section);

	if (at)
		return at;
	at = find_config(&info, size);
	if (at >= 0)
		memcpy(config, section + at, size);
	free(section);
	return at < 0 ? at : 0;
}

/* Wherever it is: neither another version of weir's nor a lack of type information is in the way. */
static int has_mark(int prog_fd, bool *marked)
{
	const uint64_t mark = XDP_STAMP_MARK;
	struct bpf_map_info info;
	char *section;
	size_t at;
	int err = read_section(prog_fd, &info, &section);

	*marked = false;
	if (err)
		return err == -ENOENT ? 0 : err;
	for (at = 0; at + sizeof(mark) <= info.value_size && !*marked; at += sizeof(mark))
		*marked = !memcmp(section + at, &mark, sizeof(mark));
	free(section);
	return 0;
}

/* 0, or -errno: it cannot be told. */
static int settle_own(struct tree_xdp *xdp)
{
	struct xdp_stamp_config config;
	int err;

	if (xdp->mode == TREE_XDP_OTHER || strcmp(xdp->name, XDP_STAMP_PROGRAM))
		return 0;
	err = has_mark(xdp->prog_fd, &xdp->ours);
	if (err || !xdp->ours || xdp_constants(xdp->prog_fd, &config, sizeof(config)))
		return err;
	xdp->generation = config.rules.generation;
	xdp->source = config.source;
	return 0;
}

static int fail_look(struct ctx *ctx, const struct tree_link *link, int err)
{
	return fail(ctx, err, "%s: looking at the program at XDP: %s", link->name, strerror(-err));
}

int xdp_settle(struct ctx *ctx, struct tree *tree, struct tree_link *link)
{
	struct bpf_prog_info info = { 0 };
	struct tree_xdp *xdp = link->xdp;
	uint32_t len = sizeof(info);
	int fd, err;

	if (!xdp || !xdp->prog_id)
		return 0;
	fd = program_open_id(xdp->prog_id);
	if (fd < 0 && fd != -EINTR && process_is_short(fd))
		return fail_look(ctx, link, fd);
	if (fd < 0)
		return 0;
	if (tree_hold(tree, fd))
		return oom(ctx);
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return 0;
	xdp->prog_fd = fd;
	xdp->known = true;
	memcpy(xdp->name, info.name, sizeof(xdp->name));
	xdp->name[sizeof(xdp->name) - 1] = 0;
	err = settle_own(xdp);
	return err ? fail_look(ctx, link, err) : 0;
}

int xdp_counts(int prog_fd, uint64_t counts[XDP_STAMP_COUNTS])
{
	int fd = program_open_map(prog_fd, "xdp_stamp_counts"), err;

	if (fd < 0)
		return fd;
	err = program_sums(fd, XDP_STAMP_COUNTS, 1, counts);
	close(fd);
	return err;
}

/* ---- putting and taking away ---- */

/* What the kernel is to find there (dev_xdp_attach(), net/core/dev.c, 6.1 to 6.18). */
struct request {
	int fd;				/* -1: none */
	enum tree_xdp_mode mode;
	int expected_fd;		/* 0: nothing may be there */
};

static int compose(struct nl_msg *msg, int ifindex, const struct request *r)
{
	uint32_t flags = r->mode == TREE_XDP_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	struct nlattr *nest;

	flags |= r->expected_fd ? XDP_FLAGS_REPLACE : XDP_FLAGS_UPDATE_IF_NOEXIST;
	if (!nlmsg_put(msg, 0, 0, RTM_SETLINK, 0, 0) ||
	    nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO))
		return -EMSGSIZE;
	nest = nla_nest_start(msg, IFLA_XDP);
	if (!nest || nla_put_s32(msg, IFLA_XDP_FD, r->fd) || nla_put_u32(msg, IFLA_XDP_FLAGS, flags) ||
	    (r->expected_fd && nla_put_s32(msg, IFLA_XDP_EXPECTED_FD, r->expected_fd)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/* 0, or -errno with the kernel's words in ack. */
static int send_request(struct ctx *ctx, struct netlink *nl, int ifindex, const struct request *r,
			struct netlink_ack *ack)
{
	struct nl_msg *msg = nlmsg_alloc_size(MESSAGE_BYTES);
	int err = msg ? compose(msg, ifindex, r) : -ENOMEM;

	memset(ack, 0, sizeof(*ack));
	if (!err)
		err = netlink_send(ctx, nl, &msg, 1, ack);
	nlmsg_free(msg);
	return err;
}

static int attach(struct ctx *ctx, struct netlink *nl, int ifindex, enum tree_xdp_mode mode, int fd,
		  struct netlink_ack *ack)
{
	struct request r = { fd, mode, 0 };
	int err;

	if (mode != TREE_XDP_AUTO)
		return send_request(ctx, nl, ifindex, &r, ack);
	r.mode = TREE_XDP_NATIVE;
	err = send_request(ctx, nl, ifindex, &r, ack);
	if (!err || err == -EPERM || ctx->error)
		return err;
	r.mode = TREE_XDP_GENERIC;
	return send_request(ctx, nl, ifindex, &r, ack);
}

static const char *reason(int err, const struct op *op, const struct netlink_ack *ack)
{
	if (err == -EPERM)
		return "changing it needs CAP_NET_ADMIN and CAP_BPF";
	if (err == -EBUSY || err == -EEXIST)
		return *ack->text ? ack->text : "somebody else has put a program there";
	if (err == -EOPNOTSUPP && op->xdp && op->xdp->mode == TREE_XDP_NATIVE)
		return "the driver cannot do native XDP; 'xdp generic' does without it";
	return *ack->text ? ack->text : strerror(-err);
}

/* Where the file leaves the choice, the link is shaped without. */
static int refused(struct ctx *ctx, const struct op *op, int err, const struct netlink_ack *ack)
{
	char text[64];

	op_object_text(op, text, sizeof(text));
	if (!op->xdp || op->xdp->mode != TREE_XDP_AUTO || err == -EPERM || ctx->error)
		return fail(ctx, err, "%s: %s", text, reason(err, op, ack));
	warn(ctx, "%s: %s; nothing is stamped there, clsact classifies", text, reason(err, op, ack));
	op->xdp->given_up = true;
	return 0;
}

int xdp_run(struct ctx *ctx, struct netlink *nl, const struct op *op, int fd)
{
	const struct tree_xdp *old = op->xdp_old, *new = op->xdp;
	bool in_place = old && new && (new->mode == TREE_XDP_AUTO || new->mode == old->mode);
	struct request r = { .fd = in_place ? fd : -1 };
	int ifindex = op->link->ifindex ? op->link->ifindex : netlink_ifindex(op->link->name);
	struct netlink_ack ack;
	int err = 0;

	if (ifindex == -ENODEV)
		return fail(ctx, ENODEV, "%s: the interface has disappeared", op->link->name);
	if (ifindex < 0)
		return fail(ctx, ifindex, "%s: looking up its index: %s", op->link->name, strerror(-ifindex));
	if (old) {
		r.mode = old->mode;
		r.expected_fd = old->prog_fd;
		err = send_request(ctx, nl, ifindex, &r, &ack);
	}
	if (!err && new && !in_place)
		err = attach(ctx, nl, ifindex, new->mode, fd, &ack);
	return err ? refused(ctx, op, err, &ack) : 0;
}
