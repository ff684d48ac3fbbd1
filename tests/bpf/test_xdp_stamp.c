// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The program at XDP on literal frames: what it stamps, what it leaves to the classifier, and that both
 * decide alike.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "bpf/stamp.h"
#include "kernel/xdp.h"
#include "plan/xdp.h"
#include "tests/bpf/frames.h"
#include "tests/kernel/kt.h"

enum { NONE = -1, UNDECIDED = -2, NOT_IP = -3 };

/* A classifier for match lines, and the program at XDP that shares its maps. */
struct pair {
	struct arena arena;
	struct policy *policy;
	struct rule rules[16];
	struct program *program;
	struct loaded *classifier, *stamps;
	struct tree_xdp xdp;
};

static void pair_load(struct pair *p, const char *const *lines, unsigned int n, uint32_t mark)
{
	struct ruleset_hook hook = {
		.what = "test", .ingress = true, .ethernet = true, .stamps = true, .classid = LINE_DEFAULT,
		.source_hash = program_source_hash("classify"),
	};

	memset(p, 0, sizeof(*p));
	p->policy = lines_parse(lines, n, p->rules);
	p->rules[0].mark = mark;
	p->rules[0].mark_mask = mark ? 0xff : 0;
	p->classifier = lines_load(&hook, p->rules, n, &p->arena, &p->program);
	MUST(!xdp_program(&kt_ctx, &p->arena, p->program, &p->xdp));
	MUST(!program_load_sharing(&kt_ctx, p->xdp.program, "test", program_fd(p->classifier), &p->stamps));
}

static void pair_free(struct pair *p)
{
	program_unload(p->stamps);
	program_unload(p->classifier);
	policy_free(p->policy);
	arena_free(&p->arena);
}

static uint64_t count_of(const struct pair *p, enum xdp_stamp_counts which)
{
	uint64_t counts[XDP_STAMP_COUNTS];

	MUST(!xdp_counts(program_fd(p->stamps), counts));
	return counts[which];
}

/* Runs the program on a frame that has `room` bytes of metadata already. Returns the bytes that come out
 * in out, metadata in front; or -errno. */
static int stamp_run(const struct pair *p, const uint8_t *frame, unsigned int n, unsigned int room,
		     uint8_t *out)
{
	uint8_t in[FRAME_ROOM + 256] = { 0 };
	struct xdp_md md = { .data = room, .data_end = room + n };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = room + n, .data_out = out,
		    .data_size_out = FRAME_ROOM + 512, .repeat = 1);

	memcpy(in + room, frame, n);
	if (room) {
		opts.ctx_in = &md;
		opts.ctx_size_in = sizeof(md);
	}
	if (bpf_prog_test_run_opts(program_fd(p->stamps), &opts))
		return -errno;
	CHECK_INT(opts.retval, XDP_PASS);
	return (int)opts.data_size_out;
}

struct a_case {
	const char *what;
	struct frame frame;
	int rule;
};

static void check_stamp(const struct pair *p, const struct a_case *c, const uint8_t *out)
{
	struct stamp s;

	memcpy(&s, out, sizeof(s));
	CHECK_INT(s.magic, STAMP_MAGIC);
	CHECK_INT(s.generation, p->xdp.generation);
	if (s.classid != (c->rule == NONE ? LINE_DEFAULT : LINE_CLASS(c->rule)))
		kt_fail(__FILE__, __LINE__, "%s: class %x", c->what, s.classid);
	CHECK_INT((int)s.rule, c->rule);
	CHECK_INT(s.mark, c->rule ? 0 : p->rules[0].mark);
	CHECK_INT(s.mark_mask, c->rule ? 0 : p->rules[0].mark_mask);
}

static void check_case(const struct pair *p, const struct a_case *c)
{
	enum xdp_stamp_counts which = c->rule == UNDECIDED ? XDP_STAMP_PASSED :
				      c->rule == NOT_IP ? XDP_STAMP_NOT_IP : XDP_STAMP_STAMPED;
	unsigned int extra = which == XDP_STAMP_STAMPED ? sizeof(struct stamp) : 0, n;
	uint8_t frame[FRAME_ROOM], out[FRAME_ROOM + 512];
	uint64_t before = count_of(p, which);
	int len;

	n = frame_build(&c->frame, frame);
	len = stamp_run(p, frame, n, 0, out);
	if (len != (int)(n + extra)) {
		kt_fail(__FILE__, __LINE__, "%s: %d bytes, not %u", c->what, len, n + extra);
		return;
	}
	if (extra)
		check_stamp(p, c, out);
	CHECK(!memcmp(out + extra, frame, n));
	CHECK_INT(count_of(p, which) - before, 1);
}

static void check_cases(const struct pair *p, const struct a_case *cases, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		check_case(p, &cases[i]);
}

#define CHECK_CASES(p, cases) check_cases(p, cases, sizeof(cases) / sizeof((cases)[0]))

/* Where rules are nothing but prefixes, every IP packet is decided, that of no rule too. */
static void test_prefixes(void)
{
	static const char *const lines[] = { "from 10.1.0.0/16", "from 2001:db8:1::/48", "to 192.0.2.7" };
	static const struct a_case cases[] = {
		{ "IPv4", { .src = "10.1.2.3", .dst = "10.9.0.1", .proto = 17 }, 0 },
		{ "IPv6", { .src = "2001:db8:1::5", .dst = "::1", .proto = 6 }, 1 },
		{ "to", { .src = "10.9.0.1", .dst = "192.0.2.7", .proto = 6 }, 2 },
		{ "both", { .src = "10.1.0.1", .dst = "192.0.2.7", .proto = 6 }, 0 },
		{ "a tag", { .tag = { { 0x8100, 7 } }, .src = "10.1.2.3", .dst = "1.1.1.1", .proto = 6 }, 0 },
		{ "a tag, IPv6", { .tag = { { 0x8100, 7 } }, .src = "2001:db8:1::5", .dst = "::1", .proto = 6 }, 1 },
		{ "QinQ", { .tag = { { 0x88a8, 7 }, { 0x8100, 9 } }, .src = "10.1.2.3", .dst = "1.1.1.1",
			    .proto = 6 }, 0 },
		{ "PPPoE", { .pppoe = true, .src = "10.1.2.3", .dst = "1.1.1.1", .proto = 6 }, 0 },
		{ "no rule", { .src = "10.9.0.1", .dst = "1.1.1.1", .proto = 6 }, NONE },
		{ "no rule, IPv6", { .src = "::1", .dst = "::1", .proto = 6 }, NONE },
		{ "later fragment", { .src = "10.1.2.3", .dst = "1.1.1.1", .proto = 6, .fragment = 5 }, 0 },
		{ "ARP", { .type = 0x0806 }, NOT_IP },
		{ "five tags", { .tag = { { 0x8100, 1 }, { 0x8100, 2 }, { 0x8100, 3 }, { 0x8100, 4 }, { 0x8100, 5 } },
				 .src = "10.1.2.3", .dst = "1.1.1.1", .proto = 6 }, NOT_IP },
	};
	struct pair p;

	pair_load(&p, lines, 3, 0x20);
	CHECK_CASES(&p, cases);
	pair_free(&p);
}

/* What an earlier rule might take by something else is left to the classifier. */
static void test_undecided(void)
{
	static const char *const lines[] = {
		"from 10.1.0.0/16", "udp dport 53", "from 10.2.0.0/16", "from 2001:db8:1::/48",
	};
	static const struct a_case cases[] = {
		{ "before", { .src = "10.1.2.3", .dst = "1.1.1.1", .proto = 17, .dport = 53 }, 0 },
		{ "behind", { .src = "10.2.2.3", .dst = "1.1.1.1", .proto = 17, .dport = 53 }, UNDECIDED },
		{ "behind, another port", { .src = "10.2.2.3", .dst = "1.1.1.1", .proto = 17 }, UNDECIDED },
		{ "behind, IPv6", { .src = "2001:db8:1::1", .dst = "::1", .proto = 17 }, UNDECIDED },
		{ "no rule", { .src = "10.9.2.3", .dst = "1.1.1.1", .proto = 17 }, UNDECIDED },
	};
	struct pair p;

	pair_load(&p, lines, 4, 0);
	CHECK_CASES(&p, cases);
	pair_free(&p);
}

static void test_no_prefix(void)
{
	static const char *const lines[] = { "udp dport 53" };
	static const struct a_case cases[] = {
		{ "IPv4", { .src = "10.1.2.3", .dst = "1.1.1.1", .proto = 17, .dport = 53 }, UNDECIDED },
		{ "IPv6", { .src = "::1", .dst = "::1", .proto = 17 }, UNDECIDED },
	};
	struct pair p;

	pair_load(&p, lines, 1, 0);
	CHECK_CASES(&p, cases);
	pair_free(&p);
}

/* Frames that end too early: as much as there is goes on as it is. */
static void test_truncated(void)
{
	static const char *const lines[] = { "from 10.1.0.0/16", "udp dport 53" };
	static const struct frame frame = {
		.tag = { { 0x8100, 7 } }, .src = "10.1.2.3", .dst = "1.1.1.1", .proto = 17,
	};
	uint8_t buf[FRAME_ROOM], out[FRAME_ROOM + 512];
	unsigned int n = frame_build(&frame, buf), i;
	struct pair p;

	pair_load(&p, lines, 2, 0);
	for (i = 14; i < 18 + 20 + 4; i++)
		CHECK_INT(stamp_run(&p, buf, i, 0, out), i);
	CHECK_INT(count_of(&p, XDP_STAMP_NOT_IP), 18 + 20 + 4 - 14);
	CHECK_INT(stamp_run(&p, buf, n, 0, out), n + sizeof(struct stamp));
	pair_free(&p);
}

/* A driver without room for metadata, and a packet that has as much as it may have already, look the
 * same to the program: the kernel allows 32 bytes, later ones as many as are in front of the packet. */
static void test_aborted(void)
{
	static const char *const lines[] = { "from 10.1.0.0/16" };
	static const struct frame frame = { .src = "10.1.2.3", .dst = "1.1.1.1", .proto = 17 };
	uint8_t buf[FRAME_ROOM], out[FRAME_ROOM + 512];
	unsigned int n = frame_build(&frame, buf), room = 208;
	struct pair p;
	int len;

	pair_load(&p, lines, 1, 0);
	len = stamp_run(&p, buf, n, room, out);
	if (len == -EINVAL) {
		room = 24;
		len = stamp_run(&p, buf, n, room, out);
	}
	CHECK_INT(len, n + room);
	CHECK(len < 0 || !memcmp(out + room, buf, n));
	CHECK_INT(count_of(&p, XDP_STAMP_ABORTED), 1);
	CHECK_INT(count_of(&p, XDP_STAMP_STAMPED), 0);
	pair_free(&p);
}

/* ---- random frames ---- */

static void random_address(bool ip6, char text[64])
{
	if (ip6)
		snprintf(text, 64, "2001:db8:%x::%x", rand() % 4, rand() % 3);
	else
		snprintf(text, 64, "10.%d.%d.%d", rand() % 4, rand() % 3, rand() % 3);
}

/* Wherever it stamps, it stamps what the classifier would say. */
static void check_random(const struct pair *p, unsigned int *stamped)
{
	bool ip6 = rand() % 2;
	char src[64], dst[64];
	struct frame frame = {
		.src = src, .dst = dst, .proto = rand() % 2 ? 17 : 6, .dport = rand() % 2 ? 53 : 80,
		.fragment = rand() % 8 ? 0 : 3, .payload = (unsigned int)(rand() % 100),
	};
	uint8_t buf[FRAME_ROOM], out[FRAME_ROOM + 512];
	struct run run = { 0 };
	struct stamp s;
	unsigned int n;
	int len;

	random_address(ip6, src);
	random_address(ip6, dst);
	if (rand() % 2)
		frame.tag[0][0] = 0x8100;
	n = frame_build(&frame, buf);
	len = stamp_run(p, buf, n, 0, out);
	MUST(!frame_run(program_fd(p->classifier), buf, n, &run));
	if (len != (int)(n + sizeof(s)))
		return;
	(*stamped)++;
	memcpy(&s, out, sizeof(s));
	if (s.classid != run.priority)
		kt_fail(__FILE__, __LINE__, "from %s to %s: %x, not %x", src, dst, s.classid, run.priority);
}

static void test_random(void)
{
	static const char *const lines[][6] = {
		{ "from 10.1.0.0/16", "to 10.2.0.0/16", "from 10.0.0.0/8", "to 2001:db8:1::/48", "from 2001:db8::/32" },
		{ "from 10.1.1.0/24", "udp dport 53", "to 10.1.0.0/16", "from 2001:db8:1::/48", "from 10.1.0.0/16" },
		{ "to 10.1.1.1", "from 10.1.1.0/24", "to 2001:db8:1::1", "to 10.1.0.0/16 tcp", "from 10.0.0.0/8" },
		{ "from 10.1.1.1 to 10.2.0.0/16", "from 10.1.0.0/16", "to 10.2.1.0/24", "to 10.2.0.0/16", "ip6 udp" },
	};
	unsigned int i, j, stamped = 0;
	struct pair p;

	for (i = 0; i < 4; i++) {
		srand(i + 1);
		pair_load(&p, lines[i], 5, 0);
		for (j = 0; j < 2000; j++)
			check_random(&p, &stamped);
		pair_free(&p);
	}
	CHECK(stamped > 2000);
}

static const struct kt_test tests[] = {
	{ "prefixes", test_prefixes }, { "undecided", test_undecided }, { "no_prefix", test_no_prefix },
	{ "truncated", test_truncated }, { "aborted", test_aborted }, { "random", test_random },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
