// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stamps at XDP on a veth pair: native and generic, what reaches the classifier, new rules, other modes,
 * and programs of somebody else's.
 */
#include "kt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include "bpf/classify.h"
#include "conf/policy.h"
#include "kernel/bpf.h"
#include "kernel/xdp.h"
#include "plan/compile.h"
#include "plan/diff.h"
#include "tests/bpf/frames.h"
#include "tests/feature.h"

/* Class a is decided by addresses, b is not: dns comes before it. */
#define RULES(a, b) \
	"ingress rate 1gbit { class a rate 100mbit { match from " a " } " \
	"class dns rate 10mbit { match udp dport 53 } class b rate 10mbit { match from " b " } } }"
#define CONF(xdp) "link v1 { xdp " xdp "; " RULES("10.1.0.0/16,2001:db8:1::/48", "10.2.0.0/16")
#define CONF_OTHER(xdp) "link v1 { xdp " xdp "; " RULES("10.3.0.0/16", "10.2.0.0/16")

/* ---- applying ---- */

struct change {
	struct policy *policy;
	struct tree *present, *wanted;
	struct ops ops;
};

static bool everything(void *arg, const char *link)
{
	(void)arg, (void)link;
	return true;
}

static bool no_bpf;

/* text NULL: nothing is wanted. */
static int plan(struct change *c, const char *text)
{
	const struct diff_scope scope = { .covers = everything, .made_clsact = everything };
	static const struct policy nothing;
	struct probe probe;
	int err;

	memset(c, 0, sizeof(*c));
	ctx_clear(&kt_ctx);
	MUST(!kernel_probe(&kt_ctx, &probe));
	if (no_bpf)
		snprintf(probe.no_bpf, sizeof(probe.no_bpf), "it is left out");
	MUST(!text || !conf_parse(&kt_ctx, "test.conf", text, strlen(text), &c->policy));
	kt_keep_policy(c->policy);
	c->present = kt_keep(kt_dump());
	err = plan_compile(&kt_ctx, c->policy ? c->policy : &nothing, c->present, &probe, NULL, 0, &c->wanted);
	if (err)
		return err;
	kt_keep(c->wanted);
	err = plan_diff(&kt_ctx, c->present, c->wanted, &scope, &c->ops);
	kt_keep_ops(&c->ops);
	return err;
}

static unsigned int xdp_ops(const struct ops *ops)
{
	const struct op *op;
	unsigned int n = 0;

	for (op = ops->first; op; op = op->next)
		n += op->verb == OP_XDP;
	return n;
}

static int apply(const char *text)
{
	struct change c;
	int err = plan(&c, text);

	if (!err)
		err = kernel_apply(&kt_ctx, kt_nl, &c.ops);
	return err;
}

/* And nothing is left to do. */
static void must_apply(const char *text)
{
	struct change c;

	CHECK_INT(apply(text), 0);
	CHECK_INT(plan(&c, text), 0);
	CHECK_INT(c.ops.count, 0);
}

static const struct tree_link *now(void)
{
	return tree_link_find(kt_keep(kt_dump()), "v1");
}

/* ---- packets and counters ---- */

static void send_frames(const struct frame *f, unsigned int n)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("v0") };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	uint8_t buf[FRAME_ROOM];
	unsigned int len = frame_build(f, buf);

	MUST(fd >= 0);
	while (n--)
		MUST(sendto(fd, buf, len, 0, (void *)&to, sizeof(to)) == (ssize_t)len);
	close(fd);
}

struct counts {
	uint64_t at_xdp[XDP_STAMP_COUNTS];
	uint64_t stamped, missing, stale, rules[3], otherwise;
};

static uint64_t classifier_count(const struct tree_link *link, uint32_t i)
{
	uint64_t sums[2 * (CLASSIFY_COUNT_RULE + 3)];
	const struct obj *f;
	int fd;

	for (f = link->objs[OBJ_FILTER]; f; f = f->next)
		if (f->parent == HANDLE_INGRESS && tree_in_hook_place(f))
			break;
	MUST(f && f->prog_fd);
	fd = program_open_map(f->prog_fd, "weir_counters");
	MUST(fd >= 0 && !program_sums(fd, CLASSIFY_COUNT_RULE + 3, 2, sums));
	close(fd);
	return sums[2 * i];
}

static struct counts counts_now(void)
{
	const struct tree_link *link = now();
	struct counts c = { .stamped = classifier_count(link, CLASSIFY_COUNT_STAMPED) };
	unsigned int i;

	c.missing = classifier_count(link, CLASSIFY_COUNT_MISSING);
	c.stale = classifier_count(link, CLASSIFY_COUNT_STALE);
	c.otherwise = classifier_count(link, CLASSIFY_COUNT_DEFAULT);
	for (i = 0; i < 3; i++)
		c.rules[i] = classifier_count(link, CLASSIFY_COUNT_RULE + i);
	if (link->xdp && link->xdp->ours)
		MUST(!xdp_counts(link->xdp->prog_fd, c.at_xdp));
	return c;
}

/* When n packets have come so far; what is slow is waited for. */
static struct counts counts_at(uint64_t n)
{
	struct counts c = counts_now();
	unsigned int tries;

	for (tries = 0; c.rules[0] + c.rules[1] + c.rules[2] + c.otherwise < n && tries < 300; tries++) {
		usleep(10000);
		c = counts_now();
	}
	return c;
}

#define FROM_A .src = "10.1.2.3", .dst = "192.0.2.1", .proto = 17
#define FROM_B .src = "10.2.2.3", .dst = "192.0.2.1", .proto = 17

static void send_all(void)
{
	static const struct frame v4 = { FROM_A }, v4_dns = { FROM_A, .dport = 53 }, b = { FROM_B },
		b_dns = { FROM_B, .dport = 53 }, arp = { .type = 0x0806 },
		v6 = { .src = "2001:db8:1::3", .dst = "2001:db8::1", .proto = 17 },
		tagged = { .tag = { { 0x8100, 7 } }, FROM_A },
		tagged6 = { .tag = { { 0x8100, 7 } }, .src = "2001:db8:1::3", .dst = "::1", .proto = 6 },
		qinq = { .tag = { { 0x88a8, 7 }, { 0x8100, 9 } }, FROM_A };

	send_frames(&v4, 10);
	send_frames(&v4_dns, 5);
	send_frames(&v6, 7);
	send_frames(&tagged, 6);
	send_frames(&tagged6, 4);
	send_frames(&qinq, 3);		/* 35 decided */
	send_frames(&b, 8);
	send_frames(&b_dns, 2);		/* 10 undecided */
	send_frames(&arp, 1);
}

/* The packets that an IFB gives back pass generic XDP a second time. */
static void check_mode(const char *conf, enum tree_xdp_mode mode)
{
	uint64_t most = mode == TREE_XDP_GENERIC ? 2 : 1;
	const struct tree_link *link;
	struct counts c;

	kt_links();
	must_apply(conf);
	link = now();
	MUST(link->xdp && link->xdp->ours);
	CHECK_INT(link->xdp->mode, mode);
	send_all();
	c = counts_at(46);
	CHECK(c.at_xdp[XDP_STAMP_STAMPED] >= 35 && c.at_xdp[XDP_STAMP_STAMPED] <= 35 * most);
	CHECK(c.at_xdp[XDP_STAMP_PASSED] >= 10 && c.at_xdp[XDP_STAMP_PASSED] <= 10 * most);
	CHECK(c.at_xdp[XDP_STAMP_NOT_IP] >= 1 && c.at_xdp[XDP_STAMP_NOT_IP] <= most);
	CHECK_INT(c.at_xdp[XDP_STAMP_ABORTED], 0);
	CHECK_INT(c.stamped, 35);
	CHECK_INT(c.missing, 11);
	CHECK_INT(c.stale, 0);
	CHECK_INT(c.rules[0], 35);
	CHECK_INT(c.rules[1], 2);
	CHECK_INT(c.rules[2], 8);
	CHECK_INT(c.otherwise, 1);
	must_apply(NULL);
	CHECK(!now()->xdp);
	feature("BPF", mode == TREE_XDP_NATIVE ? "xdp: stamps, native" : "xdp: stamps, generic", true);
}

#define TEST_MODE(function, xdp, mode) static void function(void) { check_mode(CONF(xdp), mode); }

TEST_MODE(test_native, "native", TREE_XDP_NATIVE)
TEST_MODE(test_generic, "generic", TREE_XDP_GENERIC)
TEST_MODE(test_auto, "on", TREE_XDP_NATIVE)

/* ---- new rules ---- */

static void drop_xdp_ops(struct ops *ops)
{
	struct op **at = &ops->first;

	while (*at) {
		if ((*at)->verb == OP_XDP)
			*at = (*at)->next;
		else
			at = &(*at)->next;
	}
}

/* What is stamped between the new classifier and the new program is classified by the new rules; killed
 * there, the next apply goes on from there. */
static void check_new_rules(const char *first, const char *second)
{
	static const struct frame a = { FROM_A }, a3 = { .src = "10.3.0.1", .dst = "192.0.2.1", .proto = 17 };
	uint32_t old_id;
	struct change c;
	struct counts n;

	must_apply(first);
	old_id = now()->xdp->prog_id;
	CHECK_INT(plan(&c, second), 0);
	CHECK_INT(xdp_ops(&c.ops), 1);
	drop_xdp_ops(&c.ops);
	CHECK_INT(kernel_apply(&kt_ctx, kt_nl, &c.ops), 0);
	CHECK_INT(now()->xdp->prog_id, old_id);
	send_frames(&a, 5);
	n = counts_at(5);
	CHECK_INT(n.stale, 5);
	CHECK_INT(n.otherwise, 5);
	CHECK_INT(n.rules[0], 0);

	CHECK_INT(plan(&c, second), 0);
	CHECK_INT(c.ops.count, 1);
	CHECK_INT(xdp_ops(&c.ops), 1);
	must_apply(second);
	CHECK(now()->xdp->prog_id != old_id);
	send_frames(&a3, 4);
	n = counts_at(9);
	CHECK_INT(n.stamped, 4);
	CHECK_INT(n.rules[0], 4);
	CHECK_INT(n.stale, 5);
}

static void test_new_rules(void)
{
	kt_links();
	check_new_rules(CONF("native"), CONF_OTHER("native"));
	must_apply(NULL);
	check_new_rules(CONF("generic"), CONF_OTHER("generic"));
}

/* Of two modes there can be but one at a time. */
static void test_other_mode(void)
{
	kt_links();
	must_apply(CONF("native"));
	must_apply(CONF("generic"));
	CHECK_INT(now()->xdp->mode, TREE_XDP_GENERIC);
	must_apply(CONF("on"));		/* is content with either */
	CHECK_INT(now()->xdp->mode, TREE_XDP_GENERIC);
	must_apply(CONF_OTHER("native"));
	CHECK_INT(now()->xdp->mode, TREE_XDP_NATIVE);
	must_apply(CONF("off"));
	CHECK(!now()->xdp);
}

/* Putting back what was there before: the very program, from the dump. */
static void test_put_back(void)
{
	const struct diff_scope scope = { .covers = everything, .made_clsact = everything };
	struct tree *before, *present;
	struct ops ops;
	uint32_t id;

	kt_links();
	must_apply(CONF("native"));
	before = kt_keep(kt_dump());
	id = tree_link_find(before, "v1")->xdp->prog_id;
	must_apply(CONF_OTHER("generic"));
	present = kt_keep(kt_dump());
	MUST(!plan_diff(&kt_ctx, present, before, &scope, &ops));
	kt_keep_ops(&ops);
	CHECK_INT(kernel_apply(&kt_ctx, kt_nl, &ops), 0);
	CHECK_INT(now()->xdp->prog_id, id);
	CHECK_INT(now()->xdp->mode, TREE_XDP_NATIVE);
	present = kt_keep(kt_dump());
	MUST(!plan_diff(&kt_ctx, present, before, &scope, &ops));
	kt_keep_ops(&ops);
	CHECK_INT(ops.count, 0);
}

/* ---- somebody else's ---- */

static int other_program(void)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "other", "GPL", insns, 2, NULL);

	MUST(fd >= 0);
	return fd;
}

static void attach_other(int fd, uint32_t flags)
{
	MUST(!bpf_xdp_attach((int)if_nametoindex("v1"), fd, flags, NULL));
}

static void check_other_stays(void)
{
	const struct tree_link *link = now();

	MUST(link->xdp);
	CHECK_STR(link->xdp->name, "other");
	CHECK(!link->xdp->ours);
}

static unsigned int warnings(const char *text)
{
	unsigned int before = kt_ctx.warnings;

	must_apply(text);
	return kt_ctx.warnings - before;
}

/* Putting back leaves it out of account, too. */
static void check_put_back(struct tree *before)
{
	const struct diff_scope scope = { .covers = everything, .made_clsact = everything };
	struct ops ops;

	ctx_clear(&kt_ctx);
	CHECK_INT(plan_diff(&kt_ctx, kt_keep(kt_dump()), before, &scope, &ops), 0);
	kt_keep_ops(&ops);
	CHECK_INT(kernel_apply(&kt_ctx, kt_nl, &ops), 0);
	check_other_stays();
	CHECK(!now()->objs[OBJ_FILTER]);
}

static void check_foreign(uint32_t flags)
{
	struct tree *before;

	attach_other(other_program(), flags);
	before = kt_keep(kt_dump());
	CHECK_INT(apply(CONF("native")), -EEXIST);
	CHECK_HAS(kt_ctx.error, "v1: xdp: the program other (id ");
	CHECK_INT(apply(CONF("generic")), -EEXIST);
	CHECK(!now()->objs[OBJ_FILTER]);
	CHECK(warnings(CONF("on")) > 0);
	check_other_stays();
	send_all();
	CHECK_INT(counts_at(46).rules[0], 35);
	CHECK_INT(counts_now().missing, 0);	/* nobody asks */
	check_put_back(before);
	must_apply(CONF("on"));
	must_apply(NULL);
	check_other_stays();
	attach_other(-1, flags);
}

static void test_foreign(void)
{
	kt_links();
	check_foreign(XDP_FLAGS_SKB_MODE);
	check_foreign(XDP_FLAGS_DRV_MODE);
}

/* Somebody else is quicker. */
static void test_foreign_meanwhile(void)
{
	struct change c;

	kt_links();
	CHECK_INT(plan(&c, CONF("generic")), 0);
	attach_other(other_program(), XDP_FLAGS_DRV_MODE);
	CHECK(kernel_apply(&kt_ctx, kt_nl, &c.ops) < 0);
	CHECK_HAS(kt_ctx.error, "v1: XDP program: ");
	CHECK(!now()->objs[OBJ_FILTER]);
	CHECK(!tree_link_find(kt_keep(kt_dump()), "ifb-v1"));
	check_other_stays();
	attach_other(-1, XDP_FLAGS_DRV_MODE);

	CHECK_INT(plan(&c, CONF("on")), 0);
	attach_other(other_program(), XDP_FLAGS_SKB_MODE);
	ctx_clear(&kt_ctx);
	CHECK_INT(kernel_apply(&kt_ctx, kt_nl, &c.ops), 0);
	check_other_stays();
	CHECK(c.wanted->links->xdp->given_up);
	CHECK(now()->objs[OBJ_FILTER]);
}

/* In the place of weir's own, after it was seen. */
static void test_replaced_meanwhile(void)
{
	struct change c;

	kt_links();
	must_apply(CONF("generic"));
	CHECK_INT(plan(&c, CONF_OTHER("generic")), 0);
	attach_other(other_program(), XDP_FLAGS_SKB_MODE);
	CHECK(kernel_apply(&kt_ctx, kt_nl, &c.ops) < 0);
	check_other_stays();
	attach_other(-1, XDP_FLAGS_SKB_MODE);

	must_apply(CONF("generic"));
	CHECK_INT(plan(&c, NULL), 0);
	attach_other(other_program(), XDP_FLAGS_SKB_MODE);
	ctx_clear(&kt_ctx);
	CHECK(kernel_apply(&kt_ctx, kt_nl, &c.ops) < 0);
	check_other_stays();
}

/* IFBs have no native XDP: what `on` and `native` come to where the driver has none. */
static void test_driver_without(void)
{
	static const char conf[] = "link w9 { xdp %s; ingress rate 1gbit { class a rate 1mbit { match from 10.0.0.0/8 } } }";
	char text[200];

	kt_sh("ip link add w9 type ifb && ip link set w9 up");
	snprintf(text, sizeof(text), conf, "native");
	CHECK(apply(text) < 0);
	CHECK_HAS(kt_ctx.error, "w9: XDP program: ");
	CHECK(!tree_link_find(kt_keep(kt_dump()), "ifb-w9"));
	snprintf(text, sizeof(text), conf, "on");
	must_apply(text);
	CHECK_INT(tree_link_find(kt_keep(kt_dump()), "w9")->xdp->mode, TREE_XDP_GENERIC);
}

/* Where the BPF classifier cannot be, XDP has nobody to work for. */
static void test_no_classifier(void)
{
	kt_links();
	no_bpf = true;
	CHECK_INT(apply(CONF("native")), -EOPNOTSUPP);
	CHECK_HAS(kt_ctx.error, "v1: xdp: what classifies its ingress is not the BPF classifier");
	CHECK(warnings(CONF("on")) > 0);
	CHECK(!now()->xdp && now()->objs[OBJ_FILTER]);
}

static const struct kt_test tests[] = {
	{ "native", test_native }, { "generic", test_generic }, { "auto", test_auto },
	{ "new_rules", test_new_rules }, { "other_mode", test_other_mode }, { "put_back", test_put_back },
	{ "foreign", test_foreign }, { "foreign_meanwhile", test_foreign_meanwhile },
	{ "replaced_meanwhile", test_replaced_meanwhile }, { "driver_without", test_driver_without },
	{ "no_classifier", test_no_classifier },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
