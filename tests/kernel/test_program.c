// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The classifier's programs in the kernel: loaded before anything changes, replaced under traffic
 * without a packet that no rule set saw, gone when they are not attached any more. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>

#include "conf/policy.h"
#include "kernel/bpf.h"
#include "kernel/probe.h"
#include "plan/compile.h"
#include "plan/diff.h"
#include "qdisc/filter.h"
#include "tests/kernel/kt.h"

enum {
	CHANGES = 120, BURST = 16, PAUSE_US = 300, PORT_A = 7000, PORT_B = 7100,
	PORTS = 100,	/* of each */
};

static bool made_clsact(void *arg, const char *link)
{
	(void)arg, (void)link;
	return true;
}

static const struct diff_scope scope = { .made_clsact = made_clsact };

static struct probe *the_probe(void)
{
	static struct probe probe;

	if (!probe.done)
		MUST(!kernel_probe(&kt_ctx, &probe));
	return &probe;
}

static struct tree *compile(const char *text, const struct tree *present)
{
	struct policy *policy = NULL;
	struct tree *wanted = NULL;

	MUST(!conf_parse(&kt_ctx, "t", text, strlen(text), &policy));
	if (plan_compile(&kt_ctx, policy, present, the_probe(), NULL, 0, &wanted))
		wanted = NULL;
	policy_free(policy);
	return wanted ? kt_keep(wanted) : NULL;
}

/* Plans and carries out; returns how many operations it took, or -errno. */
static int reach(const char *text)
{
	struct tree *present = kt_keep(kt_dump()), *wanted = compile(text, present);
	struct ops ops;
	int err;

	MUST(wanted);
	err = plan_diff(&kt_ctx, present, wanted, &scope, &ops);
	if (!err)
		err = kernel_apply(&kt_ctx, kt_nl, &ops);
	if (!err)
		err = (int)ops.count;
	arena_free(&ops.arena);
	return err;
}

static void need_bpf(void)
{
	kt_need(KIND_FILTER, "bpf");
	if (*the_probe()->no_bpf)
		kt_stop(__FILE__, __LINE__, the_probe()->no_bpf);
}

/* ---- programs and maps that the kernel has ---- */

/* Ids of the programs that run on v0, and of their maps. */
struct ids {
	uint32_t prog[8], map[64];
	unsigned int progs, maps;
};

static void collect_ids(struct ids *ids)
{
	const struct tree_link *v0 = tree_link_find(kt_keep(kt_dump()), "v0");
	struct bpf_prog_info info;
	const struct obj *f;
	uint32_t len;

	memset(ids, 0, sizeof(*ids));
	for (f = v0->objs[OBJ_FILTER]; f; f = f->next) {
		if (!f->prog_fd)
			continue;
		info = (struct bpf_prog_info){
			.nr_map_ids = 32, .map_ids = (uintptr_t)(ids->map + ids->maps),
		};
		len = sizeof(info);
		MUST(!bpf_obj_get_info_by_fd(f->prog_fd, &info, &len));
		ids->prog[ids->progs++] = info.id;
		ids->maps += info.nr_map_ids;
	}
}

/* The kernel takes its time with what is not used any more. */
static bool is_gone(int (*open)(uint32_t id), uint32_t id)
{
	int fd, tries;

	for (tries = 0; tries < 500; tries++) {
		fd = open(id);
		if (fd < 0)
			return errno == ENOENT;
		close(fd);
		usleep(10000);
	}
	return false;
}

static void check_gone(const struct ids *ids)
{
	unsigned int i;

	for (i = 0; i < ids->progs; i++)
		CHECK(is_gone(bpf_prog_get_fd_by_id, ids->prog[i]));
	for (i = 0; i < ids->maps; i++)
		CHECK(is_gone(bpf_map_get_fd_by_id, ids->map[i]));
}

/* Runs work in a process of its own, since trees of this one hold what they saw. */
static void apart(void (*work)(int out), void *answer, size_t size)
{
	int fds[2], status;
	pid_t pid;

	MUST(!pipe(fds));
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		work(fds[1]);
		_exit(0);
	}
	close(fds[1]);
	MUST(!size || read(fds[0], answer, size) == (ssize_t)size);
	close(fds[0]);
	MUST(waitpid(pid, &status, 0) == pid && !status);
}

/* ---- one set after the other ---- */

static const char one_rule[] =
	"link v0 { classifier bpf; egress rate 1gbit { class a rate 1mbit { match udp dport 9 } }\n"
	"ingress rate 1gbit }";
static const char other_rule[] =
	"link v0 { classifier bpf; egress rate 1gbit { class a rate 1mbit { match udp dport 10 } }\n"
	"ingress rate 1gbit }";

static void apply_and_tell(int out)
{
	struct ids ids;

	MUST(reach(one_rule) > 0);
	collect_ids(&ids);
	MUST(write(out, &ids, sizeof(ids)) == sizeof(ids));
}

static void test_replace(void)
{
	struct ids one;
	char *show;

	need_bpf();
	kt_links();
	apart(apply_and_tell, &one, sizeof(one));
	CHECK_INT(one.progs, 2);
	CHECK_INT(reach(one_rule), 0);
	CHECK_INT(reach(other_rule), 1);
	CHECK_INT(reach(other_rule), 0);
	show = kt_sh("tc filter show dev v0 egress");
	CHECK_HAS(show, "pref 30688 bpf chain 0 handle 0x1 weir_classify:");
	CHECK_HAS(show, "direct-action");
	CHECK_LACKS(strstr(show, "weir_classify:") + 1, "weir_classify:");
	CHECK_INT(reach(""), 5);
	CHECK_LACKS(kt_sh("tc qdisc show"), "clsact");
}

static void take_down(int out)
{
	(void)out;
	MUST(reach("") > 0);
}

static void test_nothing_is_left(void)
{
	struct ids one;

	need_bpf();
	kt_links();
	apart(apply_and_tell, &one, sizeof(one));
	CHECK(one.progs == 2 && one.maps >= 4);
	apart(take_down, NULL, 0);
	check_gone(&one);
}

/* The IFB is made anew, with another index: the program follows. */
static void test_interface_made_anew(void)
{
	need_bpf();
	kt_links();
	MUST(reach(one_rule) > 0);
	kt_sh("ip link del ifb-v0 && ip link add x0 type dummy 2>/dev/null; true");
	CHECK(reach(one_rule) > 0);
	CHECK_INT(reach(one_rule), 0);
	kt_send_frames("v1", 3);
	CHECK_HAS(kt_sh("tc -s class show dev ifb-v0"), "bytes 3 pkt");
}

/* ---- what goes wrong ---- */

static struct op *classifier_op(struct ops *ops)
{
	struct op *op;

	for (op = ops->first; op; op = op->next)
		if (op->obj && op->obj->program && op->obj->parent == HANDLE_EGRESS)
			return op;
	kt_stop(__FILE__, __LINE__, "no program");
}

/* A refused program changes nothing, and what refused it is told. */
static void test_refused(void)
{
	struct tree *present, *wanted;
	struct program *program;
	struct nl_msg *msg;
	struct ops ops;
	char *before;

	need_bpf();
	kt_links();
	before = kt_sh("ip link; tc qdisc; tc class show dev v0");
	present = kt_keep(kt_dump());
	wanted = compile(one_rule, present);
	MUST(wanted && !plan_diff(&kt_ctx, present, wanted, &scope, &ops));
	CHECK_INT(op_compose(&kt_ctx, classifier_op(&ops), &msg), -ESTALE);
	CHECK_HAS(kt_ctx.error, "its program is not at hand");
	ctx_clear(&kt_ctx);
	program = (struct program *)classifier_op(&ops)->obj->program;
	program->n_maps = 0;		/* which it does look into */
	CHECK(kernel_apply(&kt_ctx, kt_nl, &ops) < 0);
	CHECK_HAS(kt_ctx.error, "v0: egress classifier: the verifier of Linux ");
	CHECK_LACKS(kt_ctx.error, "processed ");
	CHECK_STR(kt_sh("ip link; tc qdisc; tc class show dev v0"), before);
	ctx_clear(&kt_ctx);
	arena_free(&ops.arena);
}

/* ---- somebody else's ---- */

static int foreign_program(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "foreign", "GPL", insns, 2, NULL);

	MUST(fd >= 0);
	return fd;
}

static void attach_foreign(uint32_t prio, int fd)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex("v0"), .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 7, .priority = prio, .prog_fd = fd);

	bpf_tc_hook_create(&hook);
	MUST(!bpf_tc_attach(&hook, &opts));
}

static void test_foreign_in_the_place(void)
{
	struct tree *present, *wanted;
	struct ops ops;
	char *before;

	need_bpf();
	kt_links();
	attach_foreign(WEIR_PRIO, foreign_program());
	before = kt_sh("tc filter show dev v0 egress");
	present = kt_keep(kt_dump());
	wanted = compile(one_rule, present);
	CHECK_INT(plan_diff(&kt_ctx, present, wanted, &scope, &ops), -EEXIST);
	CHECK_HAS(kt_ctx.error, "v0: filter bpf of egress, prio 30688, is not weir's");
	ctx_clear(&kt_ctx);
	CHECK(reach("") == 0);
	CHECK_STR(kt_sh("tc filter show dev v0 egress"), before);
}

/* As after an error: a foreign program that went, and one of weir's that was replaced, come back as they
 * were, counters and all. */
static void test_put_back(void)
{
	struct diff_scope back = { .take_over = true };
	struct tree *before, *now;
	char *was;
	struct ops ops;

	need_bpf();
	kt_links();
	MUST(reach(one_rule) > 0);
	attach_foreign(5, foreign_program());
	was = kt_sh("tc filter show dev v0 egress");
	before = kt_keep(kt_dump());
	MUST(reach(other_rule) == 1);
	CHECK(strcmp(kt_sh("tc filter show dev v0 egress"), was));
	now = kt_keep(kt_dump());
	MUST(!plan_diff(&kt_ctx, now, before, &back, &ops));
	CHECK_INT(ops.count, 1);
	CHECK_INT(kernel_apply(&kt_ctx, kt_nl, &ops), 0);
	arena_free(&ops.arena);
	CHECK_STR(kt_sh("tc filter show dev v0 egress"), was);
}

/* ---- live ---- */

/* UDP to one port after the other of both ranges, numbered, until it is told to stop. */
static void send_until(int stop, const char *dev, uint32_t *sent)
{
	unsigned char frame[60] = {
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, ETH_P_IP >> 8, ETH_P_IP & 255,
		0x45, 0, 0, 46, 0, 0, 0, 0, 64, IPPROTO_UDP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
		0x10, 0, 0, 0, 0, 26,
	};
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_halen = ETH_ALEN,
		.sll_ifindex = (int)if_nametoindex(dev),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	uint16_t port;
	char byte;

	MUST(fd >= 0);
	for (*sent = 0; recv(stop, &byte, 1, MSG_DONTWAIT) < 0; ) {
		port = htons((uint16_t)(PORT_A + *sent % (2 * PORTS)));
		memcpy(frame + 36, &port, 2);
		memcpy(frame + 42, sent, 4);
		if (sendto(fd, frame, sizeof(frame), 0, (void *)&to, sizeof(to)) == sizeof(frame))
			++*sent;
		if (*sent % BURST == 0)
			usleep(PAUSE_US);
	}
}

struct sender {
	pid_t pid;
	int fd;
};

static struct sender start_sender(const char *dev)
{
	struct sender s;
	uint32_t sent;
	int fds[2];

	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	s.pid = fork();
	MUST(s.pid >= 0);
	if (!s.pid) {
		send_until(fds[1], dev, &sent);
		_exit(write(fds[1], &sent, sizeof(sent)) != sizeof(sent));
	}
	s.fd = fds[0];
	close(fds[1]);
	return s;
}

static uint32_t stop_sender(struct sender *s)
{
	uint32_t sent = 0;
	int status;

	MUST(write(s->fd, "", 1) == 1);
	MUST(read(s->fd, &sent, sizeof(sent)) == sizeof(sent));
	MUST(waitpid(s->pid, &status, 0) == s->pid && !status);
	close(s->fd);
	return sent;
}

/* Both ranges go to the classes a and b, one way round or the other; every packet is of one of them. */
static void live_policy(char *buf, size_t size, const char *direction, const char *classifier,
			unsigned int turn)
{
	unsigned int a = turn & 1 ? PORT_B : PORT_A, b = turn & 1 ? PORT_A : PORT_B;

	snprintf(buf, size, "link v0 { classifier %s; %s rate 10gbit {\n"
		 "class a rate 1gbit ceil 100%% queue pfifo limit 10000 { match udp dport %u-%u }\n"
		 "class b rate 1gbit ceil 100%% queue pfifo limit 10000 { match udp dport %u-%u; match tcp dport %u }\n"
		 "} }", classifier, direction, a, a + PORTS - 1, b, b + PORTS - 1, turn + 1);
}

static uint64_t class_packets(const char *dev, const char *name, const struct tree *named)
{
	const struct tree_link *link = tree_link_find(kt_keep(kt_dump()), dev), *w = tree_link_find(named, dev);
	const struct obj *c, *is;

	MUST(link && w);
	for (c = w->objs[OBJ_CLASS]; c && strcmp(c->name, name); c = c->next)
		;
	is = c ? tree_class(link, c->handle) : NULL;
	MUST(is);
	return is->stats.packets;
}

/* order: the classifiers in turn. */
static void run_live(const char *direction, const char *dev, const char *from, const char *const *order)
{
	uint64_t a, b, other, sent;
	bool guest = getenv("PLACE") && !strncmp(getenv("PLACE"), "vm-", 3);	/* which is slow */
	unsigned int i, n, changes = guest ? CHANGES / 4 : CHANGES;
	struct tree *named;
	struct sender sender;
	char text[600];

	need_bpf();
	kt_links();
	for (n = 0; order[n]; n++)
		;
	live_policy(text, sizeof(text), direction, order[0], 0);
	MUST(reach(text) > 0);
	named = compile(text, kt_keep(kt_dump()));
	sender = start_sender(from);
	for (i = 1; i <= changes; i++) {
		live_policy(text, sizeof(text), direction, order[i % n], i);
		if (reach(text) <= 0)
			kt_fail(__FILE__, __LINE__, "change %u: %s", i, kt_ctx.error ? kt_ctx.error : "none");
	}
	sent = stop_sender(&sender);
	usleep(200000);
	a = class_packets(dev, "a", named);
	b = class_packets(dev, "b", named);
	other = class_packets(dev, "default", named);
	CHECK_INT(other, 0);
	CHECK_INT(a + b, sent);
	CHECK(sent > changes && a > sent / 10 && b > sent / 10);
}

static const char *const bpf_alone[] = { "bpf", NULL };
static const char *const in_turn[] = { "bpf", "kernel", "kernel", "bpf", NULL };

static void test_live_egress(void)
{
	run_live("egress", "v0", "v0", bpf_alone);
}

static void test_live_ingress(void)
{
	run_live("ingress", "ifb-v0", "v1", bpf_alone);
}

static void test_live_classifiers_egress(void)
{
	run_live("egress", "v0", "v0", in_turn);
}

static void test_live_classifiers_ingress(void)
{
	run_live("ingress", "ifb-v0", "v1", in_turn);
}

int main(int argc, char **argv)
{
	static const struct kt_test tests[] = {
		{ "replace", test_replace },
		{ "nothing_is_left", test_nothing_is_left },
		{ "interface_made_anew", test_interface_made_anew },
		{ "refused", test_refused },
		{ "foreign_in_the_place", test_foreign_in_the_place },
		{ "put_back", test_put_back },
		{ "live_egress", test_live_egress },
		{ "live_ingress", test_live_ingress },
		{ "live_classifiers_egress", test_live_classifiers_egress },
		{ "live_classifiers_ingress", test_live_classifiers_ingress },
	};

	return kt_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
