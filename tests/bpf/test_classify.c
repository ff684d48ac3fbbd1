// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The classifier in the real kernel, on literal frames: what parses to what, what it does to the
 * packet, what it counts; and random rules on random packets.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/pkt_cls.h>

#include "bpf/classify.h"
#include "tests/bpf/frames.h"
#include "tests/feature.h"
#include "tests/kernel/kt.h"
#include "tests/native.h"
#include "tests/packet.h"

enum { NONE = -1, ACK = 0x10, SYN = 0x02 };

static struct ruleset_hook hook_of(bool ingress)
{
	return (struct ruleset_hook){
		.what = "test", .ingress = ingress, .ethernet = true, .classid = LINE_DEFAULT,
		.source_hash = program_source_hash("classify"),
	};
}

/* ---- frames ---- */

static const char *const lines[] = {
	"ip tcp dport 80",			/* 0 */
	"ip6 tcp dport 80",
	"from 10.1.0.0/16",			/* 2 */
	"from 2001:db8:1::/48",
	"udp sport 53 dport 1000-2000",		/* 4 */
	"to 192.0.2.0/24 dscp ef",
	"vlan 7",				/* 6 */
	"mark 0x20/0xff",
	"mac 02:00:00:00:00:aa",		/* 8 */
	"ack",
	"proto 47",				/* 10 */
	"to 2001:db8:2::/48 dport 443",
	"icmp",					/* 12 */
	"dscp cs1",
};

enum { LINES = sizeof(lines) / sizeof(lines[0]) };

#define V4 .src = "10.9.0.1", .dst = "10.9.0.2"
#define V6 .src = "2001:db8:9::1", .dst = "2001:db8:9::2"

struct a_case {
	const char *what;
	struct frame frame;
	uint32_t mark;
	int rule;		/* NONE: the default */
	int also;		/* a special counter, or 0 */
};

static const struct a_case cases[] = {
	{ "TCP", { V4, .proto = 6, .dport = 80 }, 0, 0, 0 },
	{ "TCP, another port", { V4, .proto = 6, .dport = 81 }, 0, NONE, 0 },
	{ "UDP is not TCP", { V4, .proto = 17, .dport = 80 }, 0, NONE, 0 },
	{ "IP options", { V4, .options = 10, .proto = 6, .dport = 80 }, 0, 0, 0 },
	{ "TCP in IPv6", { V6, .proto = 6, .dport = 80 }, 0, 1, 0 },
	{ "extension headers", { V6, .extensions = { 200, 43, 60 }, .extension_words = 3, .proto = 6,
				 .dport = 80 }, 0, 1, 0 },
	{ "eight extension headers", { V6, .extensions = { 200, 60, 60, 60, 60, 60, 60 },
				       .extension_words = 30, .proto = 6, .dport = 80 }, 0, 1, 0 },
	{ "nine extension headers", { V6, .extensions = { 200, 60, 60, 60, 60, 60, 60, 60, 60 },
				      .proto = 6, .dport = 80 }, 0, NONE, 0 },
	{ "a tag", { .tag = { { 0x8100, 9 } }, V4, .proto = 6, .dport = 80 }, 0, 0, 0 },
	{ "a tag that counts", { .tag = { { 0x8100, 0xe007 } }, V4, .proto = 17 }, 0, 6, 0 },
	{ "the outer tag counts", { .tag = { { 0x88a8, 7 }, { 0x8100, 9 } }, V4, .proto = 17 }, 0, 6, 0 },
	{ "the inner tag does not", { .tag = { { 0x88a8, 9 }, { 0x8100, 7 } }, V4, .proto = 17 }, 0, NONE, 0 },
	{ "four tags", { .tag = { { 0x88a8, 1 }, { 0x88a8, 2 }, { 0x9100, 3 }, { 0x8100, 4 } }, V6,
			 .proto = 6, .dport = 80 }, 0, 1, 0 },
	{ "five tags", { .tag = { { 0x88a8, 1 }, { 0x88a8, 2 }, { 0x8100, 3 }, { 0x8100, 4 }, { 0x8100, 5 } },
			 V4, .proto = 6, .dport = 80 }, 0, NONE, CLASSIFY_COUNT_NOT_IP },
	{ "a tag on what is not IP", { .tag = { { 0x8100, 7 } }, .type = 0x0806 }, 0, 6, CLASSIFY_COUNT_NOT_IP },
	{ "PPPoE", { .pppoe = true, V4, .proto = 6, .dport = 80 }, 0, 0, 0 },
	{ "PPPoE, IPv6, tag", { .tag = { { 0x8100, 5 } }, .pppoe = true, V6, .proto = 6, .dport = 80 }, 0, 1, 0 },
	{ "PPPoE, LCP", { .pppoe = true, .type = 0xc021 }, 0, NONE, CLASSIFY_COUNT_NOT_IP },
	{ "ARP", { .type = 0x0806 }, 0, NONE, CLASSIFY_COUNT_NOT_IP },
	{ "source prefix", { .src = "10.1.255.1", .dst = "10.9.0.2", .proto = 47 }, 0, 2, 0 },
	{ "source prefix, but an earlier rule", { .src = "10.1.255.1", .dst = "1.1.1.1", .proto = 6,
						  .dport = 80 }, 0, 0, 0 },
	{ "source prefix of IPv6", { .src = "2001:db8:1:f::1", .dst = "::1", .proto = 58 }, 0, 3, 0 },
	{ "two ports", { V4, .proto = 17, .sport = 53, .dport = 2000 }, 0, 4, 0 },
	{ "two ports, one is not", { V4, .proto = 17, .sport = 54, .dport = 2000 }, 0, NONE, 0 },
	{ "DSCP", { .src = "10.9.0.1", .dst = "192.0.2.1", .dscp = 46, .proto = 17 }, 0, 5, 0 },
	{ "DSCP of IPv6", { V6, .dscp = 8, .proto = 17 }, 0, 13, 0 },
	{ "mark", { V4, .proto = 17 }, 0x1120, 7, 0 },
	{ "mark of what is not IP", { .type = 0x0806 }, 0x20, 7, CLASSIFY_COUNT_NOT_IP },
	{ "ack", { V4, .proto = 6, .flags = ACK }, 0, 9, 0 },
	{ "ack behind options", { V4, .options = 3, .proto = 6, .flags = ACK | 0xe0 }, 0, 9, 0 },
	{ "ack with SYN", { V4, .proto = 6, .flags = ACK | SYN }, 0, NONE, 0 },
	{ "ack with data", { V4, .proto = 6, .flags = ACK, .payload = 88 }, 0, NONE, 0 },
	{ "ack with less data", { V4, .proto = 6, .flags = ACK, .payload = 87 }, 0, 9, 0 },
	{ "GRE", { V4, .proto = 47 }, 0, 10, 0 },
	{ "ports without protocol", { .src = "::1", .dst = "2001:db8:2::1", .proto = 17, .dport = 443 }, 0, 11, 0 },
	{ "ports of another protocol", { .src = "::1", .dst = "2001:db8:2::1", .proto = 132, .dport = 443 }, 0,
	  NONE, 0 },
	{ "ICMP", { V4, .proto = 1 }, 0, 12, 0 },
	{ "ICMPv6", { V6, .proto = 58 }, 0, 12, 0 },
	{ "ICMPv6 in IPv4", { V4, .proto = 58 }, 0, NONE, 0 },
	{ "first fragment", { V4, .proto = 6, .fragment = 0x2000, .dport = 80 }, 0, 0, 0 },
	{ "later fragment", { V4, .proto = 6, .fragment = 0x2001, .dport = 80 }, 0, NONE,
	  CLASSIFY_COUNT_FRAGMENTS },
	{ "later fragment, prefix", { .src = "10.1.0.1", .dst = "1.1.1.1", .proto = 6, .fragment = 5,
				      .dport = 80 }, 0, 2, CLASSIFY_COUNT_FRAGMENTS },
	{ "first fragment of IPv6", { V6, .extensions = { 44 }, .proto = 6, .dport = 80 }, 0, 1, 0 },
	{ "later fragment of IPv6", { V6, .extensions = { 60, 44 }, .proto = 6, .fragment = 1, .dport = 80 },
	  0, NONE, CLASSIFY_COUNT_FRAGMENTS },
	{ "later fragment of ICMPv6", { V6, .extensions = { 44 }, .proto = 58, .fragment = 9 }, 0, 12,
	  CLASSIFY_COUNT_FRAGMENTS },
};

static uint32_t class_of(int rule)
{
	return rule == NONE ? LINE_DEFAULT : LINE_CLASS(rule);
}

static void check_case(const struct loaded *loaded, const struct a_case *c)
{
	uint32_t own = c->rule == NONE ? CLASSIFY_COUNT_DEFAULT : CLASSIFY_COUNT_RULE + (uint32_t)c->rule;
	struct run run = { .mark = c->mark };
	uint8_t buf[FRAME_ROOM];
	unsigned int n = frame_build(&c->frame, buf);
	struct counted before = counter_of(loaded, own), after;
	uint64_t also = counter_of(loaded, (uint32_t)c->also).packets;

	CHECK_INT(frame_run(program_fd(loaded), buf, n, &run), 0);
	if (run.priority != class_of(c->rule))
		kt_fail(__FILE__, __LINE__, "%s: 0x%x, not 0x%x", c->what, run.priority, class_of(c->rule));
	CHECK_INT(run.verdict, TC_ACT_UNSPEC);
	CHECK_INT(run.mark_after, c->mark);
	after = counter_of(loaded, own);
	if (after.packets != before.packets + 1 || after.bytes != before.bytes + n)
		kt_fail(__FILE__, __LINE__, "%s: counted %d packets, %d bytes", c->what,
			(int)(after.packets - before.packets), (int)(after.bytes - before.bytes));
	if (c->also && counter_of(loaded, (uint32_t)c->also).packets != also + 1)
		kt_fail(__FILE__, __LINE__, "%s: special counter %d", c->what, c->also);
}

static void frames_egress(void)
{
	struct ruleset_hook hook = hook_of(false);
	struct arena arena = { 0 };
	struct rule rules[LINES];
	struct policy *policy = lines_parse(lines, LINES, rules);
	struct program *program;
	struct loaded *loaded = lines_load(&hook, rules, LINES, &arena, &program);
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_case(loaded, &cases[i]);
	program_unload(loaded);
	arena_free(&arena);
	policy_free(policy);
}

/* All is classified the same where only one line of the table is there: other code is left over. */
static void frames_line_by_line(void)
{
	struct ruleset_hook hook = hook_of(false);
	unsigned int line, i, n;
	struct arena arena = { 0 };
	struct rule rules[1];
	struct program *program;
	uint8_t buf[FRAME_ROOM];

	for (line = 0; line < LINES; line++) {
		struct policy *policy = lines_parse(&lines[line], 1, rules);
		struct loaded *loaded = lines_load(&hook, rules, 1, &arena, &program);

		for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct native_packet p = { .data = buf, .mark = cases[i].mark };
			struct run run = { .mark = cases[i].mark };
			struct classify_result wanted;

			p.bytes = n = frame_build(&cases[i].frame, buf);
			CHECK_INT(native_classify(program, &p, &wanted), 0);
			CHECK_INT(frame_run(program_fd(loaded), buf, n, &run), 0);
			if (run.priority != wanted.classid)
				kt_fail(__FILE__, __LINE__, "'%s' alone, %s: 0x%x", lines[line],
					cases[i].what, run.priority);
			if (cases[i].rule == (int)line)
				CHECK_INT(run.priority, LINE_CLASS(0));
		}
		program_unload(loaded);
		policy_free(policy);
	}
	arena_free(&arena);
}

/* ---- truncated ---- */

static void truncated(void)
{
	static const struct frame whole[] = {
		{ .tag = { { 0x88a8, 9 }, { 0x8100, 3 } }, V6, .extensions = { 200, 43, 44 },
		  .extension_words = 1, .proto = 6, .dport = 80 },
		{ .tag = { { 0x8100, 9 } }, .pppoe = true, V4, .options = 4, .proto = 6, .dport = 80 },
		{ V4, .proto = 17, .sport = 53, .dport = 1000 },
	};
	static const int rules_of[] = { 1, 0, 4 };
	static const unsigned int needs[] = { 14 + 8 + 40 + 16 + 16 + 8 + 4, 14 + 4 + 8 + 36 + 4, 14 + 20 + 4 };
	struct ruleset_hook hook = hook_of(false);
	struct arena arena = { 0 };
	struct rule rules[LINES];
	struct policy *policy = lines_parse(lines, LINES, rules);
	struct program *program;
	struct loaded *loaded = lines_load(&hook, rules, LINES, &arena, &program);
	uint8_t buf[FRAME_ROOM], *exact;
	unsigned int i, n;

	for (i = 0; i < 3; i++) {
		frame_build(&whole[i], buf);
		/* the kernel (6.18) runs no program on an untagged frame that ends within the IP header */
		for (n = whole[i].tag[0][0] ? 14 : 34; n < needs[i] + 10; n++) {
			uint64_t before = counter_of(loaded, CLASSIFY_COUNT_TRUNCATED).packets;
			struct run run = { 0 };

			exact = malloc(n);	/* so that a sanitizer sees what is read behind it */
			MUST(exact);
			memcpy(exact, buf, n);
			CHECK_INT(frame_run(program_fd(loaded), exact, n, &run), 0);
			free(exact);
			CHECK_INT(run.priority, n < needs[i] ? LINE_DEFAULT : LINE_CLASS(rules_of[i]));
			CHECK_INT(counter_of(loaded, CLASSIFY_COUNT_TRUNCATED).packets - before, n < needs[i]);
		}
	}
	program_unload(loaded);
	arena_free(&arena);
	policy_free(policy);
}

/* ---- what is done to the packet ---- */

static void marks_and_verdict(void)
{
	static const char *const two[] = { "tcp dport 80", "from 10.9.0.0/24", "udp" };
	struct ruleset_hook hook = hook_of(true);
	struct frame tcp = { V4, .proto = 6, .dport = 80 }, udp = { V4, .proto = 17 },
		     udp6 = { V6, .proto = 17 }, other = { V6, .proto = 47 };
	struct arena arena = { 0 };
	struct rule rules[3];
	struct policy *policy = lines_parse(two, 3, rules);
	struct program *program;
	struct loaded *loaded;
	uint8_t buf[FRAME_ROOM];
	struct run run = { .mark = 0xab0000ff, .gso_segs = 5, .wire_len = 7000 };
	struct { struct frame *frame; int rule; uint32_t mark; } expect[] = {
		{ &tcp, 0, 0xab1200ff }, { &udp, 1, 0xab0034ff }, { &udp6, 2, 0xab0000ff },
		{ &other, NONE, 0xcd0000ff },
	};
	unsigned int i, n;

	rules[0].mark = 0x120000, rules[0].mark_mask = 0xff0000;
	rules[1].mark = 0x3400, rules[1].mark_mask = 0xff00;
	hook.mark = 0xcd000000, hook.mark_mask = 0xff000000;
	hook.stamps = true;
	loaded = lines_load(&hook, rules, 3, &arena, &program);
	for (i = 0; i < 4; i++) {
		n = frame_build(expect[i].frame, buf);
		CHECK_INT(frame_run(program_fd(loaded), buf, n, &run), 0);
		CHECK_INT(run.priority, class_of(expect[i].rule));
		CHECK_INT(run.mark_after, expect[i].mark);
		CHECK_INT(run.verdict, TC_ACT_UNSPEC);
	}
	CHECK_INT(counter_of(loaded, CLASSIFY_COUNT_MISSING).packets, 20);
	CHECK_INT(counter_of(loaded, CLASSIFY_COUNT_RULE).packets, 5);
	CHECK_INT(counter_of(loaded, CLASSIFY_COUNT_RULE).bytes, frame_build(&tcp, buf));
	program_unload(loaded);
	arena_free(&arena);
	policy_free(policy);
}

/* As a filter it says whether any rule matches, direct or general, and leaves the packet as it is. */
static void filter_only(void)
{
	static const char *const three[] = { "tcp dport 80", "from 10.9.0.0/24", "tcp" };
	struct frame tcp = { V4, .proto = 6, .dport = 80 }, tcp6 = { V6, .proto = 6 },
		     udp = { V4, .proto = 17 }, udp6 = { V6, .proto = 17 };
	struct { struct frame *frame; int verdict[2]; } expect[] = {
		{ &tcp, { -1, -1 } }, { &udp, { -1, -1 } }, { &tcp6, { -1, -1 } }, { &udp6, { 0, -1 } },
	};
	struct ruleset_hook hook = hook_of(false);
	struct arena arena = { 0 };
	struct rule rules[4];
	struct policy *policy = lines_parse(three, 3, rules);
	struct program *program;
	struct loaded *loaded;
	uint8_t buf[FRAME_ROOM];
	struct run run = { .mark = 7 };
	unsigned int i, n, all;

	hook.filter = true;
	rules[3] = (struct rule){ .what = "all" };
	for (all = 0; all < 2; all++) {
		loaded = lines_load(&hook, rules, 3 + all, &arena, &program);
		for (i = 0; i < 4; i++) {
			n = frame_build(expect[i].frame, buf);
			CHECK_INT(frame_run(program_fd(loaded), buf, n, &run), 0);
			CHECK_INT((int)run.verdict, expect[i].verdict[all]);
			CHECK_INT(run.priority, 0);
			CHECK_INT(run.mark_after, 7);
		}
		program_unload(loaded);
	}
	arena_free(&arena);
	policy_free(policy);
}

/* A packet that is yet to be segmented counts as its segments, and as what the qdisc is charged. */
static void segments(void)
{
	static const char *const one[] = { "tcp" };
	struct ruleset_hook hook = hook_of(false);
	struct frame tcp = { V4, .proto = 6, .payload = 1000 };
	struct run run = { .gso_segs = 3, .wire_len = 3 * 1514 };
	struct arena arena = { 0 };
	struct rule rules[1];
	struct policy *policy = lines_parse(one, 1, rules);
	struct program *program;
	struct loaded *loaded = lines_load(&hook, rules, 1, &arena, &program);
	uint8_t buf[FRAME_ROOM];

	CHECK_INT(frame_run(program_fd(loaded), buf, frame_build(&tcp, buf), &run), 0);
	CHECK_INT(counter_of(loaded, CLASSIFY_COUNT_RULE).packets, 3);
	CHECK_INT(counter_of(loaded, CLASSIFY_COUNT_RULE).bytes, 3 * 1514);
	program_unload(loaded);
	arena_free(&arena);
	policy_free(policy);
}

/* ---- random rules ---- */

enum { SETS = 30, PACKETS = 400, RANDOM_RULES = 100 };

static uint32_t naive(const struct rule *rules, unsigned int n, const struct packet *p)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (match_holds(rules[i].match, p, sight_everything))
			return rules[i].classid;
	return LINE_DEFAULT;
}

/* hashed: prefixes have one length each family. */
static void random_rules(struct arena *arena, struct rule *rules, unsigned int n, bool hashed)
{
	const uint32_t terms = (1 << 13) - 1 - MATCH_CGROUP - MATCH_USER;
	struct match *m;
	unsigned int i;

	for (i = 0; i < n; i++) {
		m = match_random(arena, terms);
		if (once_in(3))
			m->set = once_in(2) ? MATCH_FROM : MATCH_TO;
		else if (!m->set)
			m->set = MATCH_DSCP;
		if (hashed)
			match_set_lengths(m, 24, 64);
		rules[i] = (struct rule){ .match = m, .classid = LINE_CLASS(i) };
	}
}

static void random_sets(void)
{
	struct ruleset_hook hook = hook_of(false);
	struct rule rules[RANDOM_RULES];
	unsigned int i, k, n, hits = 0;
	struct packet p;

	srand(7);
	for (i = 0; i < SETS; i++) {
		struct arena arena = { 0 };
		struct program *program;
		struct loaded *loaded;

		n = 1 + (unsigned int)rand() % RANDOM_RULES;
		random_rules(&arena, rules, n, i % 2);
		loaded = lines_load(&hook, rules, n, &arena, &program);
		for (k = 0; k < PACKETS; k++) {
			struct run run;

			packet_random(&p, rules[(unsigned int)rand() % n].match, true,
				      1 << UNTAGGED | 1 << TAG_IN_HEADER);
			run = (struct run){ .mark = p.mark };
			CHECK_INT(frame_run(program_fd(loaded), p.buf + p.start, p.end - p.start, &run), 0);
			CHECK_INT(run.priority, naive(rules, n, &p));
			hits += run.priority != LINE_DEFAULT;
		}
		program_unload(loaded);
		arena_free(&arena);
	}
	CHECK(hits > SETS * PACKETS / 4);
	feature("BPF", "classifier bpf", true);
}

static const struct kt_test tests[] = {
	{ "frames_egress", frames_egress },
	{ "frames_line_by_line", frames_line_by_line },
	{ "truncated", truncated },
	{ "marks_and_verdict", marks_and_verdict },
	{ "filter_only", filter_only },
	{ "segments", segments },
	{ "random_sets", random_sets },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
