// SPDX-License-Identifier: GPL-2.0-or-later
/* kernel/: faults and their texts, batches and acknowledgements, the probe, namespaces. */
#include "kt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <netlink/msg.h>

#include "kernel/netns.h"
#include "kernel/probe.h"
#include "qdisc/filter.h"
#include "qdisc/htb.h"

/* ---- errors ---- */

static struct obj *stray_class(struct tree *tree, struct tree_link *link)
{
	struct obj *class = kt_class(tree, link, HANDLE(0x7701, 5), HANDLE(0x7701, 0), KT_MBIT,
				     KT_MBIT);

	class->name = "voip";
	return class;
}

static void error_texts(void)
{
	struct tree *tree = tree_new();
	struct tree_link *link;
	struct ops ops = { 0 };
	struct obj *obj;

	kt_veth();
	kt_sh("tc qdisc add dev v0 root handle 5: htb");
	link = kt_link(tree, "v0");
	obj = kt_qdisc(tree, link, "htb", KT_ROOT, HANDLE_ROOT);
	kt_op(&ops, OP_ADD, PHASE_BUILD, link, NULL, obj);
	CHECK_INT(kt_apply(&ops), -EEXIST);
	CHECK_STR(kt_ctx.error, "v0: qdisc htb: NLM_F_REPLACE needed to override");
	CHECK_HAS(kt_sh("tc qdisc show dev v0"), "qdisc htb 5: root");

	kt_op(&ops, OP_ADD, PHASE_BUILD, link, NULL, stray_class(tree, link));
	CHECK_INT(kt_apply(&ops), -ENOENT);
	CHECK_HAS(kt_ctx.error, "v0: class voip (7701:5): ");

	obj = tree_obj_add(tree, link, OBJ_QDISC);
	obj->handle = HANDLE(9, 0);
	obj->parent = HANDLE(5, 1);
	obj->kind_name = "nosuch";
	kt_sh("tc class add dev v0 parent 5: classid 5:1 htb rate 1mbit");
	kt_op(&ops, OP_ADD, PHASE_BUILD, link, NULL, obj);
	CHECK_INT(kt_apply(&ops), -ENOENT);
	CHECK_STR(kt_ctx.error, "v0: qdisc nosuch: this kernel has no sch_nosuch");

	obj = tree_obj_add(tree, link, OBJ_FILTER);
	obj->parent = HANDLE(5, 0);
	obj->prio = 3;
	obj->protocol = 3;
	obj->kind_name = "nosuch";
	kt_op(&ops, OP_ADD, PHASE_BUILD, link, NULL, obj);
	CHECK_INT(kt_apply(&ops), -ENOENT);
	CHECK_STR(kt_ctx.error, "v0: filter nosuch: this kernel has no cls_nosuch");
	tree_free(tree);
}

static void missing_interfaces(void)
{
	struct tree *tree = tree_new();
	struct tree_link *link;
	struct ops ops = { 0 };
	struct action *a;
	struct obj *f;
	struct nl_msg *msg;
	struct op op;

	kt_veth();
	link = kt_small_tree(tree, "v0");
	f = kt_filter(tree, link, "u32", KT_ROOT, 1, 1);
	a = kt_action(tree, f, "mirred");
	strcpy(a->opts->v[MIRRED_DEV].name, "nosuch0");
	a->opts->set |= 1u << MIRRED_DEV;
	kt_op(&ops, OP_ADD, PHASE_BUILD, link, NULL, f);
	CHECK_INT(kt_apply(&ops), -ENODEV);
	CHECK_STR(kt_ctx.error, "v0: filter u32 of 77e0:, prio 1: there is no interface nosuch0");

	kt_sh("ip link del v0");
	kt_op(&ops, OP_ADD, PHASE_BUILD, link, NULL, link->objs[OBJ_QDISC]);
	CHECK_INT(kt_apply(&ops), -ENODEV);
	CHECK_STR(kt_ctx.error, "v0: the interface has disappeared");

	ctx_clear(&kt_ctx);
	link->ifindex = 0;
	op = (struct op){ .verb = OP_ADD, .link = link, .obj = link->objs[OBJ_QDISC] };
	CHECK_INT(op_compose(&kt_ctx, &op, &msg), -ENODEV);
	CHECK_STR(kt_ctx.error, "v0: the interface has disappeared");
	tree_free(tree);
}

static void missing_privilege(void)
{
	struct tree *tree = tree_new();
	struct tree_link *link;
	struct ops ops = { 0 };

	kt_veth();
	link = kt_small_tree(tree, "v0");
	kt_add_all(&ops, link);
	MUST(!setresuid(65534, 65534, 65534));
	CHECK_INT(kt_apply(&ops), -EPERM);
	CHECK_STR(kt_ctx.error, "v0: qdisc htb: changing it needs CAP_NET_ADMIN");
	tree_free(tree);
}

/* ---- the transport ---- */

static struct nl_msg *class_message(struct tree *tree, struct tree_link *link, uint32_t classid,
				    uint32_t parent)
{
	struct op op = { .verb = OP_ADD, .link = link };
	struct nl_msg *msg;

	op.obj = kt_class(tree, link, classid, parent, KT_MBIT, KT_MBIT);
	MUST(!op_compose(&kt_ctx, &op, &msg));
	return msg;
}

static unsigned int count_classes(void)
{
	return (unsigned int)atoi(kt_sh("tc class show dev v0 | wc -l"));
}

/* The kernel goes on behind a failed message; nothing more is sent behind its batch. */
static void batch_errors(void)
{
	enum { N = 300, BAD = 5, BAD_TOO = 7, SENT = 128 };
	static struct netlink_ack acks[N];
	struct nl_msg *msgs[N];
	struct tree *tree = tree_new();
	struct tree_link *link;
	unsigned int i;

	kt_veth();
	kt_sh("tc qdisc add dev v0 root handle 77e0: htb");
	link = kt_link(tree, "v0");
	for (i = 0; i < N; i++)
		msgs[i] = class_message(tree, link, KT_CLASS(i + 1),
					i == BAD ? HANDLE(0x7705, 0) : KT_ROOT);
	nlmsg_hdr(msgs[BAD_TOO])->nlmsg_type = 4095;
	CHECK_INT(netlink_send(&kt_ctx, kt_nl, msgs, N, acks), -EINVAL);
	CHECK(!kt_ctx.error);
	for (i = 0; i < N; i++)
		if (i == BAD)
			CHECK_INT(acks[i].err, -EINVAL);
		else if (i == BAD_TOO)
			CHECK_INT(acks[i].err, -EOPNOTSUPP);
		else
			CHECK_INT(acks[i].err, i < SENT ? 0 : -EINPROGRESS);
	CHECK_INT(count_classes(), SENT - 2);
	CHECK_INT(netlink_mutations(kt_nl), SENT);
	for (i = 0; i < N; i++)
		nlmsg_free(msgs[i]);
	tree_free(tree);
}

/* Acknowledgements that find no room are lost: that is said, and the socket goes on working. */
static void lost_acks(void)
{
	enum { N = 100 };
	static struct netlink_ack acks[N];
	struct nl_msg *msgs[N];
	struct tree *tree = tree_new();
	struct tree_link *link;
	unsigned int i, unknown = 0;
	int bytes = 1;

	kt_veth();
	kt_sh("tc qdisc add dev v0 root handle 77e0: htb");
	link = kt_link(tree, "v0");
	for (i = 0; i < N; i++)
		msgs[i] = class_message(tree, link, KT_CLASS(i + 1), KT_ROOT);
	MUST(!setsockopt(netlink_fd(kt_nl), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)));
	CHECK_INT(netlink_send(&kt_ctx, kt_nl, msgs, N, acks), -ENOBUFS);
	CHECK_HAS(kt_ctx.error, "acknowledge");
	for (i = 0; i < N; i++) {
		CHECK(!acks[i].err || acks[i].err == -EINPROGRESS);
		unknown += acks[i].err != 0;
		nlmsg_free(msgs[i]);
	}
	CHECK(unknown > 0);
	CHECK_INT(count_classes(), N);

	bytes = 1 << 20;
	MUST(!setsockopt(netlink_fd(kt_nl), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)));
	ctx_clear(&kt_ctx);
	msgs[0] = class_message(tree, link, KT_CLASS(N + 1), KT_ROOT);
	CHECK_INT(netlink_send(&kt_ctx, kt_nl, msgs, 1, acks), 0);
	nlmsg_free(msgs[0]);
	tree_free(tree);
}

/* A later phase is not begun when one before it failed; within a phase the batch is finished. */
static void apply_stops(void)
{
	struct tree *tree = tree_new();
	struct tree_link *link;
	struct ops ops = { 0 };
	const struct obj *obj;
	char *text;

	kt_veth();
	link = kt_small_tree(tree, "v0");
	obj = link->objs[OBJ_CLASS];
	kt_op(&ops, OP_ADD, PHASE_BUILD, link, NULL, link->objs[OBJ_QDISC]);
	kt_op(&ops, OP_ADD, PHASE_BUILD, link, NULL, stray_class(tree, link));
	kt_op(&ops, OP_ADD, PHASE_BUILD, link, NULL, obj);
	kt_op(&ops, OP_ADD, PHASE_HOOK, link, NULL, obj->next);
	CHECK_INT(kt_apply(&ops), -ENOENT);
	CHECK_HAS(kt_ctx.error, "v0: class voip (7701:5): ");
	text = kt_sh("tc class show dev v0");
	CHECK_HAS(text, "77e0:1 ");
	CHECK_LACKS(text, "77e0:2 ");
	tree_free(tree);
}

/* Many operations: messages are used again, every one arrives. */
static void many_changes(void)
{
	enum { N = 3000 };
	struct tree *tree = tree_new(), *present;
	struct tree_link *link;
	struct ops ops = { 0 };
	struct obj *class;
	unsigned int i, n = 0;

	kt_veth();
	link = kt_link(tree, "v0");
	kt_qdisc(tree, link, "htb", KT_ROOT, HANDLE_ROOT);
	for (i = 1; i <= N; i++)
		kt_class(tree, link, KT_CLASS(i), KT_ROOT, i * 8000, KT_MBIT * 100);
	kt_add_all(&ops, link);
	CHECK_INT(kt_apply(&ops), 0);
	for (class = link->objs[OBJ_CLASS]; class; class = class->next) {
		class->opts->v[HTB_RATE].u += 800;
		class->kind->canon(class->opts);
		kt_op(&ops, OP_CHANGE, PHASE_BUILD, link, class, class);
	}
	CHECK_INT(kt_apply(&ops), 0);
	CHECK_INT(netlink_mutations(kt_nl), 2 * N + 1);
	present = kt_dump();
	class = tree_link_find(present, "v0")->objs[OBJ_CLASS];
	for (; class; class = class->next, n++)
		CHECK_INT(class->opts->v[HTB_RATE].u, HANDLE_MINOR(class->handle) * 8000 + 800);
	CHECK_INT(n, N);
	tree_free(present);
	tree_free(tree);
}

/* ---- probe and namespaces ---- */

static void probe_tells(void)
{
	static const struct kind nosuch = { .type = KIND_QDISC, .name = "nosuch" };
	const struct kind *flower = kind_find(KIND_FILTER, "flower");
	struct probe probe;

	kt_sh("ip link set lo up; tc qdisc show > /run/before");
	CHECK_INT(kernel_probe(&kt_ctx, &probe), 0);
	MUST(probe.done);
	CHECK(probe_has(&probe, kind_find(KIND_QDISC, "htb")));
	CHECK(probe_has(&probe, kind_find(KIND_CLASS, "htb")));
	CHECK(probe_has(&probe, kind_find(KIND_QDISC, "clsact")));
	CHECK(probe_has(&probe, &nosuch));	/* not in the table: nothing is known */
	CHECK_INT(netlink_mutations(kt_nl), 0);
	kt_sh("tc qdisc show | diff /run/before -");

	/* the same questions by ip and tc */
	CHECK(!probe.no_ifb);
	CHECK_INT(kernel_probe_with_ifb(&kt_ctx, &probe), 0);
	CHECK_INT(probe.no_ifb, !!system("ip link add kt-ifb type ifb 2>/dev/null && ip link del kt-ifb"));
	kt_sh("tc qdisc add dev lo clsact");
	if (flower)
		CHECK_INT(probe_has(&probe, flower),
			  !system("tc filter add dev lo ingress flower action pass 2>/dev/null"));
	CHECK_INT(probe_can(&probe, FEATURE_U32_MARK),
		  !system("tc filter add dev lo ingress prio 9 u32 match mark 1 0xff action pass "
			  "2>/dev/null; tc filter show dev lo ingress prio 9 | grep -q mark"));
	probe.done = false;
	probe.have = 0;
	CHECK(probe_has(&probe, kind_find(KIND_QDISC, "htb")));
}

static void namespaces(void)
{
	uint64_t here, there, back;

	CHECK_INT(netns_inode(&kt_ctx, &here), 0);
	kt_sh("ip netns add other");
	CHECK_INT(netns_enter(&kt_ctx, "nosuch"), -ENOENT);
	CHECK_STR(kt_ctx.error, "there is no network namespace 'nosuch'");
	ctx_clear(&kt_ctx);
	CHECK_INT(netns_enter(&kt_ctx, "/proc/self/status"), -EINVAL);
	CHECK_STR(kt_ctx.error, "'/proc/self/status' is not a network namespace");
	ctx_clear(&kt_ctx);
	CHECK_INT(netns_enter(&kt_ctx, "other"), 0);
	CHECK_INT(netns_inode(&kt_ctx, &there), 0);
	CHECK(here != there);
	CHECK_INT(there, atoll(kt_sh("stat -c %%i /run/netns/other")));
	CHECK_INT(netns_enter(&kt_ctx, "/run/netns/other"), 0);
	CHECK_INT(netns_inode(&kt_ctx, &back), 0);
	CHECK_INT(back, there);
}

static void lock_excludes(void)
{
	int fd, second, status;
	pid_t pid;

	CHECK_INT(netns_lock(&kt_ctx, 0, &fd), 0);
	CHECK_STR(kt_sh("stat -c %%a /run/weir /run/weir/*.lock"), "700\n600\n");
	pid = fork();
	if (pid == 0)
		_exit(netns_lock(&kt_ctx, 60, &second) == -EBUSY ? 0 : 1);
	waitpid(pid, &status, 0);
	CHECK_INT(status, 0);
	pid = fork();
	if (pid == 0) {
		close(fd);
		_exit(netns_lock(&kt_ctx, 5000, &second) ? 1 : 0);
	}
	usleep(50000);
	close(fd);
	waitpid(pid, &status, 0);
	CHECK_INT(status, 0);
	kt_sh("chmod 777 /run/weir");
	CHECK_INT(netns_lock(&kt_ctx, 0, &fd), -EPERM);
	ctx_clear(&kt_ctx);
	kt_sh("rm -r /run/weir && ln -s /tmp /run/weir");
	CHECK(netns_lock(&kt_ctx, 0, &fd) < 0);
}

int main(int argc, char **argv)
{
	static const struct kt_test tests[] = {
		{ "error_texts", error_texts },
		{ "missing_interfaces", missing_interfaces },
		{ "missing_privilege", missing_privilege },
		{ "batch_errors", batch_errors },
		{ "lost_acks", lost_acks },
		{ "apply_stops", apply_stops },
		{ "many_changes", many_changes },
		{ "probe_tells", probe_tells },
		{ "namespaces", namespaces },
		{ "lock_excludes", lock_excludes },
	};

	return kt_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
