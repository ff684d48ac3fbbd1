// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "bpf/classify.h"
#include "kernel/apply.h"
#include "kernel/bpf.h"
#include "kernel/dump.h"
#include "kernel/netlink.h"
#include "kernel/process.h"
#include "qdisc/filter.h"

enum {
	LO = 1,			/* the loopback device's index in a new namespace */
	MAX_KINDS = 64,		/* bits of probe->have */
	FEATURE_PRIO = 0x1000,	/* above those that the kinds are tried with */
};

/* ---- trying a kind ---- */

/* Without options: what is there complains of them, or does without. Each qdisc takes the place of
 * the one before. */
static int put_qdisc(struct nl_msg *msg, const struct kind *kind, unsigned int i)
{
	bool hook = !strcmp(kind->name, "clsact");
	struct tcmsg tcm = {
		.tcm_ifindex = LO, .tcm_parent = hook ? HANDLE_CLSACT : HANDLE_ROOT,
		.tcm_handle = hook ? HANDLE(0xffff, 0) : HANDLE(i + 1, 0),
	};

	if (!nlmsg_put(msg, 0, 0, RTM_NEWQDISC, 0,
		       NLM_F_CREATE | (hook ? NLM_F_EXCL : NLM_F_REPLACE)) ||
	    nlmsg_append(msg, &tcm, sizeof(tcm), NLMSG_ALIGNTO))
		return -EMSGSIZE;
	return nla_put_string(msg, TCA_KIND, kind->name) ? -EMSGSIZE : 0;
}

static int put_filter(struct nl_msg *msg, const struct kind *kind, unsigned int i)
{
	struct tcmsg tcm = {
		.tcm_ifindex = LO, .tcm_parent = HANDLE_INGRESS,
		.tcm_info = (i + 1) << 16 | htons(ETH_P_ALL),
	};

	if (!nlmsg_put(msg, 0, 0, RTM_NEWTFILTER, 0, NLM_F_CREATE | NLM_F_EXCL) ||
	    nlmsg_append(msg, &tcm, sizeof(tcm), NLMSG_ALIGNTO))
		return -EMSGSIZE;
	return nla_put_string(msg, TCA_KIND, kind->name) ? -EMSGSIZE : 0;
}

static int put_action(struct nl_msg *msg, const struct kind *kind)
{
	struct tcamsg tca = { .tca_family = AF_UNSPEC };
	struct nlattr *table, *first;

	if (!nlmsg_put(msg, 0, 0, RTM_NEWACTION, 0, NLM_F_CREATE | NLM_F_EXCL) ||
	    nlmsg_append(msg, &tca, sizeof(tca), NLMSG_ALIGNTO))
		return -EMSGSIZE;
	table = nla_nest_start(msg, TCA_ACT_TAB);
	first = table ? nla_nest_start(msg, 1) : NULL;
	if (!first || nla_put_string(msg, TCA_ACT_KIND, kind->name))
		return -EMSGSIZE;
	nla_nest_end(msg, first);
	nla_nest_end(msg, table);
	return 0;
}

/* A class is there when its qdisc is: NULL for it, and when there is no memory. */
static struct nl_msg *try_message(unsigned int i)
{
	struct nl_msg *msg = kinds[i]->type == KIND_CLASS ? NULL : nlmsg_alloc_size(512);
	int err;

	if (!msg)
		return NULL;
	switch (kinds[i]->type) {
	case KIND_QDISC:
		err = put_qdisc(msg, kinds[i], i);
		break;
	case KIND_FILTER:
		err = put_filter(msg, kinds[i], i);
		break;
	default:
		err = put_action(msg, kinds[i]);
	}
	if (!err)
		return msg;
	nlmsg_free(msg);
	return NULL;
}

/* Nothing is known of what the kernel did not answer, or refused for want of a privilege: such a
 * kind counts as there, and applying tells. */
static bool answer_says_there(const struct kind *kind, int err)
{
	if (err == -EOPNOTSUPP)		/* no filters or actions at all; for a qdisc: not on lo */
		return kind->type == KIND_QDISC;
	return err != -ENOENT;
}

static bool has_qdisc(uint64_t have, const char *name)
{
	unsigned int i;

	for (i = 0; kinds[i] && i < MAX_KINDS; i++)
		if (kinds[i]->type == KIND_QDISC && !strcmp(kinds[i]->name, name))
			return have >> i & 1;
	return false;
}

/* All in one send: filters come after the clsact that they hang on, as kinds[] has them. Returns
 * false when it takes a privilege to find out. */
static bool try_kinds(struct ctx *ctx, struct netlink *nl, struct probe *probe)
{
	struct netlink_ack acks[MAX_KINDS];
	struct nl_msg *msgs[MAX_KINDS] = { 0 };
	unsigned int of[MAX_KINDS], i, n = 0;
	bool allowed = true;

	for (i = 0; kinds[i] && i < MAX_KINDS; i++) {
		probe->have |= UINT64_C(1) << i;
		msgs[n] = try_message(i);
		if (msgs[n])
			of[n++] = i;
	}
	netlink_send(ctx, nl, msgs, n, acks);
	for (i = 0; i < n; i++) {
		if (!answer_says_there(kinds[of[i]], acks[i].err))
			probe->have &= ~(UINT64_C(1) << of[i]);
		if (kinds[of[i]]->type == KIND_QDISC && acks[i].err == -EPERM)
			allowed = false;
		nlmsg_free(msgs[i]);
	}
	for (i = 0; kinds[i] && i < MAX_KINDS; i++)
		if (kinds[i]->type == KIND_CLASS && !has_qdisc(probe->have, kinds[i]->name))
			probe->have &= ~(UINT64_C(1) << i);
	return allowed;
}

/* ---- trying a feature ---- */

struct row_value {
	unsigned int row;
	uint64_t value;
};

/* A filter that uses the feature: some kernels accept it and forget the part in question. */
static const struct {
	const char *kind;
	uint16_t protocol;
	unsigned int n;
	struct row_value rows[4];
} features[FEATURES] = {
	[FEATURE_U32_MARK] = { "u32", ETH_P_ALL, 2, {
		{ U32_CLASSID, HANDLE(1, 1) }, { U32_MARK, UINT64_C(0xff) << 32 | 1 } } },
	[FEATURE_FLOWER_PORT_RANGE] = { "flower", ETH_P_IP, 4, {
		{ FLOWER_ETH_TYPE, ETH_P_IP }, { FLOWER_IP_PROTO, IPPROTO_UDP },
		{ FLOWER_DPORT_MIN, 1000 }, { FLOWER_DPORT_MAX, 2000 } } },
};

static struct obj *feature_filter(struct tree *tree, struct tree_link *lo, unsigned int f)
{
	const struct kind *kind = kind_find(KIND_FILTER, features[f].kind);
	struct obj *obj = kind ? tree_obj_add(tree, lo, OBJ_FILTER) : NULL;
	unsigned int i;

	if (!obj)
		return NULL;
	obj->kind = kind;
	obj->kind_name = kind->name;
	obj->parent = HANDLE_INGRESS;
	obj->prio = (uint16_t)(FEATURE_PRIO + f);
	obj->protocol = features[f].protocol;
	obj->opts = opts_new(&tree->arena, kind);
	for (i = 0; obj->opts && i < features[f].n; i++)
		opts_put(obj->opts, features[f].rows[i].row, features[f].rows[i].value);
	return obj->opts ? obj : NULL;
}

static void add_filter(struct ctx *ctx, struct netlink *nl, const struct tree_link *lo,
		       const struct obj *filter)
{
	struct op op = { .verb = OP_ADD, .link = lo, .obj = filter };
	struct netlink_ack ack;
	struct nl_msg *msg;

	if (op_compose(ctx, &op, &msg))
		return;
	netlink_send(ctx, nl, &msg, 1, &ack);
	nlmsg_free(msg);
}

static bool is_held(const struct tree *present, const struct obj *wanted)
{
	const struct tree_link *lo = tree_link_by_index(present, LO);
	const struct obj *f;

	for (f = lo ? lo->objs[OBJ_FILTER] : NULL; f; f = f->next)
		if (f->prio == wanted->prio && f->kind == wanted->kind)
			return opts_hold(f->kind, wanted->opts, f->opts);
	return false;
}

static void try_features(struct ctx *ctx, struct netlink *nl, struct probe *probe)
{
	struct tree *tree = tree_new(), *present = NULL;
	struct tree_link *lo = tree ? tree_link_add(tree, "lo") : NULL;
	struct obj *filters[FEATURES] = { 0 };
	unsigned int f;

	if (!lo)
		goto out;
	lo->ifindex = LO;
	for (f = 0; f < FEATURES; f++) {
		filters[f] = feature_filter(tree, lo, f);
		if (filters[f])
			add_filter(ctx, nl, lo, filters[f]);
	}
	if (kernel_dump(ctx, nl, NULL, NULL, &present))
		goto out;
	for (f = 0; f < FEATURES; f++)
		if (filters[f] && is_held(present, filters[f]))
			probe->features |= 1u << f;
out:
	tree_free(present);
	tree_free(tree);
}

/* ---- IFB interfaces ---- */

static bool lacks_ifb(struct ctx *ctx, struct netlink *nl)
{
	const struct tree_link ifb = { .name = "ifb-probe", .kind = "ifb", .alias = "" };
	const struct op op = { .verb = OP_LINK_ADD, .link = &ifb };
	struct netlink_ack ack = { .err = 0 };
	struct nl_msg *msg;

	if (op_compose(ctx, &op, &msg))
		return false;
	netlink_send(ctx, nl, &msg, 1, &ack);
	nlmsg_free(msg);
	return ack.err == -EOPNOTSUPP;
}

/* ---- the classifier's program ---- */

/* Before any namespace is made: in a user namespace of one's own it is never permitted. Who may not
 * change anything does not learn what somebody who may could do. */
static void try_classifier(struct probe *probe)
{
	static const struct classify_config without_rules = { .counters = CLASSIFY_COUNT_RULE };
	static const struct program program = {
		.source = "classify", .constants = &without_rules,
		.constants_bytes = sizeof(without_rules), .n_maps = 1, .no_kernel_types = true,
		.maps = { { .name = "weir_counters", .max_entries = CLASSIFY_COUNT_RULE } },
	};

	int err = program_try(&program, probe->no_bpf, sizeof(probe->no_bpf));

	probe->bpf_shortage = process_is_short(err) ? err : 0;
	probe->bpf_tried = err != -EPERM || process_may(CAP_NET_ADMIN);
	if (!probe->bpf_tried)
		*probe->no_bpf = 0;
}

/* ---- the child ---- */

/* In the namespace that the child is in. */
static void probe_here(struct probe *probe, bool with_ifb)
{
	struct netlink *nl;
	struct ctx ctx;

	ctx_init(&ctx);
	if (!netlink_open(&ctx, &nl)) {
		probe->done = try_kinds(&ctx, nl, probe);
		if (probe->done)
			try_features(&ctx, nl, probe);
		if (probe->done && with_ifb)
			probe->no_ifb = lacks_ifb(&ctx, nl);
		netlink_close(nl);
	}
	ctx_fini(&ctx);
}

/* A namespace needs CAP_SYS_ADMIN and its use CAP_NET_ADMIN, or a user namespace around it, where
 * the system permits that. */
static void probe_somewhere(struct probe *probe, bool with_ifb)
{
	if (!unshare(CLONE_NEWNET))
		probe_here(probe, with_ifb);
	if (!probe->done && !unshare(CLONE_NEWUSER | CLONE_NEWNET))
		probe_here(probe, with_ifb);
}

static _Noreturn void child(int out, pid_t parent, bool with_ifb)
{
	struct probe probe = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent) {
		try_classifier(&probe);
		probe_somewhere(&probe, with_ifb);
	}
	_exit(write(out, &probe, sizeof(probe)) != sizeof(probe));
}

static int read_probe(int in, struct probe *probe)
{
	struct probe p;
	ssize_t len;

	do
		len = read(in, &p, sizeof(p));
	while (len < 0 && errno == EINTR);
	if (len != sizeof(p))
		return -EIO;
	*probe = p;
	return 0;
}

static int probe_in_child(struct ctx *ctx, struct probe *probe, bool with_ifb)
{
	pid_t pid, parent = getpid();
	int fds[2], err;

	memset(probe, 0, sizeof(*probe));
	if (pipe2(fds, O_CLOEXEC))
		return fail(ctx, errno, "pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0)
		child(fds[1], parent, with_ifb);
	err = pid < 0 ? -errno : 0;
	close(fds[1]);
	if (!err)
		err = read_probe(fds[0], probe);
	close(fds[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (!err)
		err = probe->bpf_shortage;
	return err ? fail(ctx, err, "finding out what the kernel offers: %s", strerror(-err)) : 0;
}

int kernel_probe(struct ctx *ctx, struct probe *probe)
{
	return probe_in_child(ctx, probe, false);
}

int kernel_probe_with_ifb(struct ctx *ctx, struct probe *probe)
{
	return probe_in_child(ctx, probe, true);
}

/* ---- answers ---- */

bool probe_has(const struct probe *probe, const struct kind *kind)
{
	unsigned int i;

	if (!probe->done)
		return true;
	for (i = 0; kinds[i] && i < MAX_KINDS; i++)
		if (kinds[i] == kind)
			return probe->have >> i & 1;
	return true;
}

bool probe_can(const struct probe *probe, enum feature feature)
{
	return !probe->done || probe->features >> feature & 1;
}
