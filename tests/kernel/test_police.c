// SPDX-License-Identifier: GPL-2.0-or-later
/* Police rules at clsact's ingress in the real kernel: one bucket a rule, verdicts, nothing left over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>

#include "kernel/probe.h"
#include "plan/classifier.h"
#include "qdisc/filter.h"
#include "qdisc/htb.h"
#include "tests/kernel/kt.h"

enum {
	FRAME_BYTES = 1014,	/* 1000 without the Ethernet header, which ingress does not count */
	BURST_PACKETS = 5,
	SENT = 30,
	SLACK = 4,		/* packets that the rate may add while the test runs */
};

static struct probe probe;
static struct tree *base;	/* where actions live */

/* ---- the place: v1 sends, v0 polices and hands what is left to `sink` ---- */

static struct action *redirect_action(void)
{
	struct action *a = kt_action(base, &(struct obj){ 0 }, "mirred");

	strcpy(a->opts->v[MIRRED_DEV].name, "sink");
	a->opts->set = 1 << MIRRED_DEV;
	return a;
}

static struct action *police_action(enum police_verdict conform, enum police_verdict exceed)
{
	struct action *a = kt_action(base, &(struct obj){ 0 }, "police");

	opts_put(a->opts, POLICE_RATE, 8000);	/* a packet a second */
	opts_put(a->opts, POLICE_BURST, BURST_PACKETS * 1000 + 500);
	opts_put(a->opts, POLICE_CONFORM, conform);
	opts_put(a->opts, POLICE_EXCEED, exceed);
	a->kind->canon(a->opts);
	return a;
}

static void begin(void)
{
	struct tree_link *link;
	struct ops ops = { 0 };

	kt_need(KIND_ACTION, "police");
	kt_need(KIND_ACTION, "mirred");
	MUST(!kernel_probe(&kt_ctx, &probe));
	base = tree_new();
	kt_sh("ip link add v0 type veth peer name v1 && ip link set v0 addrgenmode none && "
	      "ip link set v1 addrgenmode none && ip link set v0 up && ip link set v1 up && "
	      "ip link add sink type ifb && ip link set sink addrgenmode none && "
	      "ip link set sink up");
	link = kt_link(base, "v0");
	kt_qdisc(base, link, "clsact", HANDLE(0xffff, 0), HANDLE_CLSACT);
	kt_add_all(&ops, link);
	MUST(!kt_apply(&ops));
}

/* Rules at their prios, and the redirect behind them: as plan/compile makes them. */
static struct tree *apply_rules(const struct rule *rules, unsigned int n)
{
	struct rule rest = { .actions = redirect_action(), .what = "ingress" };
	struct hook hook = { .parent = HANDLE_INGRESS, .prio_first = WEIR_PRIO_FIRST,
			     .prio_last = WEIR_PRIO - 1, .ethernet = true };
	struct hook last = { .parent = HANDLE_INGRESS, .prio_first = WEIR_PRIO, .prio_last = WEIR_PRIO,
			     .ethernet = true };
	struct tree *tree = tree_new();
	struct tree_link *link = kt_link(tree, "v0");
	struct ops ops = { 0 };

	MUST(!classifier_find("kernel")->compile(&kt_ctx, &probe, &hook, rules, n, tree, link));
	MUST(!classifier_find("kernel")->compile(&kt_ctx, &probe, &last, &rest, 1, tree, link));
	kt_add_all(&ops, link);
	CHECK_INT(kt_apply(&ops), 0);
	return tree;
}

static void remove_rules(struct tree *tree)
{
	struct tree_link *link = tree_link_find(tree, "v0");
	struct ops ops = { 0 };
	const struct obj *f;
	uint16_t prio = 0;

	for (f = link->objs[OBJ_FILTER]; f; prio = f->prio, f = f->next)
		if (f->prio != prio)
			kt_op(&ops, OP_DEL, PHASE_UNHOOK, link, f, NULL);
	CHECK_INT(kt_apply(&ops), 0);
	tree_free(tree);
}

/* The kernel frees what a filter had some time after the filter is gone. */
static void check_actions_gone(void)
{
	unsigned int tries = 100;

	while (--tries && strstr(kt_sh("tc actions ls action police"), "index"))
		usleep(50000);
	CHECK(tries);
}

/* UDP to one of the ports in turn. */
static void send_udp(const uint16_t *ports, unsigned int n_ports, unsigned int n)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("v1") };
	uint8_t frame[FRAME_BYTES] = {
		2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, 8, 0,
		0x45, 0, 1000 >> 8, 1000 & 0xff, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 9, 0, 2, 10, 9, 0, 1,
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	unsigned int i;

	MUST(fd >= 0 && !bind(fd, (struct sockaddr *)&to, sizeof(to)));
	for (i = 0; i < n; i++) {
		frame[36] = (uint8_t)(ports[i % n_ports] >> 8);
		frame[37] = (uint8_t)ports[i % n_ports];
		MUST(send(fd, frame, sizeof(frame), 0) == sizeof(frame));
	}
	close(fd);
}

/* Packets that came as far as the interface behind everything. */
static unsigned int count_sink(void)
{
	char *text = kt_sh("cat /proc/self/net/dev | sed -n 's/^ *sink: *[0-9]* *\\([0-9]*\\).*/\\1/p'");

	return (unsigned int)atoi(text);
}

static unsigned int sink_after_sending(const uint16_t *ports, unsigned int n_ports)
{
	unsigned int before = count_sink();

	send_udp(ports, n_ports, SENT);
	usleep(300000);
	return count_sink() - before;
}

static struct match *port_match(struct match *m, const struct range *ports, unsigned int n)
{
	*m = (struct match){ .set = MATCH_PROTO | MATCH_DPORT, .proto = 17,
			     .dport = (struct range *)ports, .n_dport = n };
	return m;
}

static const uint16_t sent_ports[] = { 1000, 2000, 4000 };
static const struct range matched_ports[] = { { 1000, 1000 }, { 2000, 2000 }, { 4000, 4000 } };

/* ---- tests ---- */

/* A rule of several filters has one bucket, and what conforms goes on to the redirect. */
static void one_bucket(void)
{
	struct rule rule = { .what = "police" };
	struct match m;
	struct tree *tree;
	unsigned int passed;
	char *actions;

	begin();
	rule.match = port_match(&m, matched_ports, 3);
	rule.actions = police_action(POLICE_CONTINUE, POLICE_DROP);
	tree = apply_rules(&rule, 1);
	actions = kt_sh("tc actions ls action police");
	CHECK_HAS(actions, "total acts 1");
	passed = sink_after_sending(sent_ports, 3);
	CHECK(passed >= BURST_PACKETS && passed <= BURST_PACKETS + SLACK);
	remove_rules(tree);
	check_actions_gone();
}

/* Several match lines of one police, too. */
static void one_bucket_for_lines(void)
{
	struct match m[3];
	struct rule rules[3];
	struct tree *tree;
	unsigned int passed, i;

	begin();
	for (i = 0; i < 3; i++)
		rules[i] = (struct rule){ .match = port_match(&m[i], &matched_ports[i], 1),
			.actions = i ? rules[0].actions : police_action(POLICE_CONTINUE, POLICE_DROP),
			.what = "police" };
	tree = apply_rules(rules, 3);
	CHECK_HAS(kt_sh("tc actions ls action police"), "total acts 1");
	passed = sink_after_sending(sent_ports, 3);
	CHECK(passed >= BURST_PACKETS && passed <= BURST_PACKETS + SLACK);
	remove_rules(tree);
	check_actions_gone();
}

/* Two police rules with the same parameters are two buckets. */
static void two_rules(void)
{
	struct match m[2];
	struct rule rules[2];
	struct tree *tree;
	unsigned int passed, i;

	begin();
	for (i = 0; i < 2; i++)
		rules[i] = (struct rule){ .match = port_match(&m[i], &matched_ports[i], 1),
			.actions = police_action(POLICE_CONTINUE, POLICE_DROP), .what = "police" };
	tree = apply_rules(rules, 2);
	CHECK_HAS(kt_sh("tc actions ls action police"), "total acts 2");
	passed = sink_after_sending(sent_ports, 2);
	CHECK(passed >= 2 * BURST_PACKETS && passed <= 2 * (BURST_PACKETS + SLACK));
	remove_rules(tree);
	check_actions_gone();
}

/* What no match takes is not policed. */
static void others_pass(void)
{
	static const uint16_t other[] = { 7 };
	struct rule rule = { .what = "police" };
	struct match m;
	struct tree *tree;

	begin();
	rule.match = port_match(&m, matched_ports, 3);
	rule.actions = police_action(POLICE_CONTINUE, POLICE_DROP);
	tree = apply_rules(&rule, 1);
	CHECK_INT(sink_after_sending(other, 1), SENT);
	remove_rules(tree);
}

/* What each verdict does to what conforms and to what exceeds, as seen behind the redirect. */
static void verdicts(void)
{
	static const struct {
		enum police_verdict conform, exceed;
		unsigned int low, high;
	} cases[] = {
		{ POLICE_CONTINUE, POLICE_CONTINUE, SENT, SENT },
		{ POLICE_CONTINUE, POLICE_DROP, BURST_PACKETS, BURST_PACKETS + SLACK },
		{ POLICE_CONTINUE, POLICE_OK, BURST_PACKETS, BURST_PACKETS + SLACK },
		{ POLICE_OK, POLICE_DROP, 0, 0 },
		{ POLICE_DROP, POLICE_CONTINUE, SENT - BURST_PACKETS - SLACK, SENT - BURST_PACKETS },
		/* reclassify starts over at the first filter, exceeds again, and is dropped in the end:
		 * net/sched/cls_api.c, 6.12, max_reclassify_loop */
		{ POLICE_CONTINUE, POLICE_RECLASSIFY, BURST_PACKETS, BURST_PACKETS + SLACK },
	};
	unsigned int i, passed;
	struct match m;

	begin();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule rule = { .match = port_match(&m, matched_ports, 3), .what = "police",
				     .actions = police_action(cases[i].conform, cases[i].exceed) };
		struct tree *tree = apply_rules(&rule, 1);

		passed = sink_after_sending(sent_ports, 3);
		if (passed < cases[i].low || passed > cases[i].high)
			kt_fail(__FILE__, __LINE__, "conform %d exceed %d: %u passed, not %u to %u",
				cases[i].conform, cases[i].exceed, passed, cases[i].low, cases[i].high);
		remove_rules(tree);
		check_actions_gone();
	}
}

/* A conforming packet that goes on by `pipe` meets the next action of the same filter. */
static void pipe_to_redirect(void)
{
	struct action *police, *redirect;
	struct rule rule = { .what = "police" };
	struct match m;
	struct tree *tree;
	unsigned int passed;

	begin();
	police = police_action(POLICE_PIPE, POLICE_DROP);
	redirect = redirect_action();
	police->next = redirect;
	rule.match = port_match(&m, matched_ports, 3);
	rule.actions = police;
	tree = apply_rules(&rule, 1);
	passed = sink_after_sending(sent_ports, 3);
	CHECK(passed >= BURST_PACKETS && passed <= BURST_PACKETS + SLACK);
	remove_rules(tree);
	check_actions_gone();
}

/* Other parameters take effect although the kernel binds to an index without looking at them. */
static void changed_rate(void)
{
	struct rule rule = { .what = "police" };
	struct match m;
	struct tree *first, *second;

	begin();
	rule.match = port_match(&m, matched_ports, 3);
	rule.actions = police_action(POLICE_CONTINUE, POLICE_DROP);
	first = apply_rules(&rule, 1);
	rule.actions = police_action(POLICE_CONTINUE, POLICE_DROP);
	opts_put(rule.actions->opts, POLICE_RATE, 16000);
	remove_rules(first);
	second = apply_rules(&rule, 1);
	CHECK_HAS(kt_sh("tc filter show dev v0 ingress"), "rate 16Kbit");
	remove_rules(second);
	check_actions_gone();
}

/* ---- by programs ---- */

static void need_bpf(void)
{
	kt_need(KIND_FILTER, "bpf");
	if (*probe.no_bpf)
		kt_stop(__FILE__, __LINE__, probe.no_bpf);
}

/* As apply_rules(), carried by the BPF classifier. */
static struct tree *apply_programs(const struct rule *rules, unsigned int n)
{
	struct hook hook = { .parent = HANDLE_INGRESS, .prio_first = WEIR_PRIO_FIRST,
			     .prio_last = WEIR_PRIO - 1, .ethernet = true };
	struct rule rest = { .actions = redirect_action(), .what = "ingress" };
	struct hook last = { .parent = HANDLE_INGRESS, .prio_first = WEIR_PRIO, .prio_last = WEIR_PRIO,
			     .ethernet = true };
	struct tree *tree = tree_new();
	struct tree_link *link = kt_link(tree, "v0");
	struct ops ops = { 0 };

	MUST(!classifier_find("bpf")->compile(&kt_ctx, &probe, &hook, rules, n, tree, link));
	MUST(!classifier_find("kernel")->compile(&kt_ctx, &probe, &last, &rest, 1, tree, link));
	kt_add_all(&ops, link);
	CHECK_INT(kt_apply(&ops), 0);
	return tree;
}

/* Lines of one rule are one filter; a packet that two of them match is charged once. */
static void program_charges_once(void)
{
	static const struct range all_ports[] = { { 1, 65535 } };
	struct match m[2];
	struct rule rules[2];
	struct tree *tree;
	unsigned int passed, i;

	begin();
	need_bpf();
	for (i = 0; i < 2; i++)
		rules[i] = (struct rule){ .match = port_match(&m[i], i ? all_ports : matched_ports, i ? 1 : 3),
			.actions = i ? rules[0].actions : police_action(POLICE_CONTINUE, POLICE_DROP),
			.what = "police" };
	tree = apply_programs(rules, 2);
	CHECK_HAS(kt_sh("tc actions ls action police"), "total acts 1");
	CHECK_LACKS(kt_sh("tc filter show dev v0 ingress"), "direct-action");
	passed = sink_after_sending(sent_ports, 3);
	CHECK(passed >= BURST_PACKETS && passed <= BURST_PACKETS + SLACK);
	remove_rules(tree);
	check_actions_gone();
}

/* Each rule has its bucket; what no rule matches is not policed. */
static void program_rules(void)
{
	static const uint16_t other[] = { 7 };
	struct match m[2];
	struct rule rules[2];
	struct tree *tree;
	unsigned int passed, i;

	begin();
	need_bpf();
	for (i = 0; i < 2; i++)
		rules[i] = (struct rule){ .match = port_match(&m[i], &matched_ports[i], 1),
			.actions = police_action(POLICE_CONTINUE, POLICE_DROP), .what = "police" };
	tree = apply_programs(rules, 2);
	CHECK_HAS(kt_sh("tc actions ls action police"), "total acts 2");
	passed = sink_after_sending(sent_ports, 2);
	CHECK(passed >= 2 * BURST_PACKETS && passed <= 2 * (BURST_PACKETS + SLACK));
	CHECK_INT(sink_after_sending(other, 1), SENT);
	remove_rules(tree);
	check_actions_gone();
}

/* A rule without lines takes all that comes. */
static void program_for_all(void)
{
	struct rule rule = { .what = "police" };
	struct tree *tree;
	unsigned int passed;

	begin();
	need_bpf();
	rule.actions = police_action(POLICE_CONTINUE, POLICE_DROP);
	tree = apply_programs(&rule, 1);
	passed = sink_after_sending(sent_ports, 3);
	CHECK(passed >= BURST_PACKETS && passed <= BURST_PACKETS + SLACK);
	remove_rules(tree);
	check_actions_gone();
}

/* ---- reading back ---- */

static void random_values(struct opts *o)
{
	static const uint64_t rates[] = {
		8, 64000, 1000000, 999999992, 10000000000, 34359738360, 34359738368, 400000000000,
	};
	uint64_t rate_bit = rates[rand() % 8], most = rate_bit / 8 * 200;

	opts_put(o, POLICE_RATE, rate_bit);
	opts_put(o, POLICE_BURST, 1 + (uint64_t)rand() % (most < 100000000 ? most : 100000000));
	if (rand() % 2)
		opts_put(o, POLICE_MTU, 1500 + (uint64_t)rand() % 9000);
	if (rand() % 2 && opts_has(o, POLICE_MTU))
		opts_put(o, POLICE_PEAKRATE, rates[rand() % 8]);
	if (rand() % 2)
		opts_put(o, POLICE_OVERHEAD, (uint64_t)rand() % 100);
	if (rand() % 2)
		opts_put(o, POLICE_MPU, (uint64_t)rand() % 100);
	opts_put(o, POLICE_LINKLAYER, rand() % 2 ? TC_LL_ETHERNET : TC_LL_ATM);
	opts_put(o, POLICE_CONFORM, (uint64_t)rand() % 5);
	opts_put(o, POLICE_EXCEED, (uint64_t)rand() % 5);
}

static void check_police_holds(const struct tree_link *wanted, const struct tree_link *present)
{
	const struct obj *f = wanted->objs[OBJ_FILTER], *p = present->objs[OBJ_FILTER];

	for (; f && p; f = f->next, p = p->next) {
		CHECK(!p->opaque && p->prio == f->prio && p->actions && !p->actions->next);
		CHECK(p->actions && opts_hold(f->actions->kind, f->actions->opts, p->actions->opts));
	}
	CHECK(!f && !p);
}

static void reads_back(void)
{
	struct tree *tree = tree_new(), *present;
	struct tree_link *link;
	struct ops ops = { 0 };
	unsigned int i;

	begin();
	srand(11);
	link = kt_link(tree, "v0");
	for (i = 0; i < 100; i++) {
		struct obj *f = kt_filter(tree, link, "u32", HANDLE_INGRESS, (uint16_t)(1 + i), 1);
		struct action *a = kt_action(tree, f, "police");

		random_values(a->opts);
		opts_put(a->opts, POLICE_INDEX, 0x77000001 + i);
		a->kind->canon(a->opts);
	}
	kt_add_all(&ops, link);
	CHECK_INT(kt_apply(&ops), 0);
	present = kt_dump();
	check_police_holds(link, tree_link_find(present, "v0"));
	tree_free(present);
	tree_free(tree);
}

static const struct kt_test tests[] = {
	{ "one_bucket", one_bucket },
	{ "one_bucket_for_lines", one_bucket_for_lines },
	{ "two_rules", two_rules },
	{ "others_pass", others_pass },
	{ "verdicts", verdicts },
	{ "pipe_to_redirect", pipe_to_redirect },
	{ "changed_rate", changed_rate },
	{ "program_charges_once", program_charges_once },
	{ "program_rules", program_rules },
	{ "program_for_all", program_for_all },
	{ "reads_back", reads_back },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
