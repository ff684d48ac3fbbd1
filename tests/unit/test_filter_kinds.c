// SPDX-License-Identifier: GPL-2.0-or-later
/* The kinds of filters and actions on the wire: what is emitted reads back, what is foreign is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_mirred.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "qdisc/filter.h"
#include "qdisc/kind.h"
#include "tests/kind_wire.h"

enum { ROUNDS = 5000 };

/* ---- matchall ---- */

static void test_matchall(void **state)
{
	const struct kind *kind = kind_find(KIND_FILTER, "matchall");
	struct arena a = { 0 };
	struct opts *o = opts_new(&a, kind);

	(void)state;
	assert_int_equal(kind->actions_attr, TCA_MATCHALL_ACT);
	wire_round_trip(&a, kind, o);
	opts_put(o, MATCHALL_CLASSID, 0x77e00010);
	wire_round_trip(&a, kind, o);
	wire_extra_refused(&a, kind, o, 99, 0);
	wire_extra_refused(&a, kind, o, TCA_MATCHALL_FLAGS, TCA_CLS_FLAGS_SKIP_SW);
	arena_free(&a);
}

/* ---- cgroup ---- */

static struct nl_msg *cgroup_options(uint16_t nmatches)
{
	struct tcf_ematch_tree_hdr hdr = { .nmatches = nmatches };
	struct nl_msg *msg = nlmsg_alloc();
	struct nlattr *options = nla_nest_start(msg, WIRE_ATTR), *tree = nla_nest_start(msg, TCA_CGROUP_EMATCHES);

	assert_int_equal(nla_put(msg, TCA_EMATCH_TREE_HDR, sizeof(hdr), &hdr), 0);
	nla_nest_end(msg, tree);
	nla_nest_end(msg, options);
	return msg;
}

/* The kernel dumps a tree without ematches; one with some is somebody else's filter. */
static void test_cgroup(void **state)
{
	const struct kind *kind = kind_find(KIND_FILTER, "cgroup");
	struct arena a = { 0 };
	struct opts *o = opts_new(&a, kind);
	struct nl_msg *msg;
	uint16_t n;

	(void)state;
	assert_int_equal(kind->actions_attr, TCA_CGROUP_ACT);
	wire_round_trip(&a, kind, o);
	wire_extra_refused(&a, kind, o, 99, 0);
	wire_extra_refused(&a, kind, o, TCA_CGROUP_POLICE, 0);
	for (n = 0; n < 2; n++) {
		msg = cgroup_options(n);
		assert_int_equal(kind_read(nlmsg_data(nlmsg_hdr(msg)), kind, o, &wire_test), n ? -EINVAL : 0);
		nlmsg_free(msg);
	}
	arena_free(&a);
}

/* ---- u32 ---- */

static struct opts *random_u32(struct arena *a, const struct kind *kind)
{
	struct opts *o = opts_new(a, kind);
	unsigned int n = (unsigned int)rand() % (U32_KEYS + 1), i;

	if (rand() % 2)
		opts_put(o, U32_CLASSID, wire_any32() | 1);
	if (rand() % 2)
		opts_put(o, U32_MARK, (uint64_t)wire_any32() << 32 | wire_any32());
	for (i = 0; i < n; i++) {
		int32_t *w = o->v[U32_KEY + i].w;

		w[0] = (int32_t)wire_any32();
		w[1] = (int32_t)wire_any32() & w[0];
		w[2] = (int32_t)i * 4 - 16;
		w[3] = rand() % 3 ? 0 : -1;
		o->set |= UINT64_C(1) << (U32_KEY + i);
	}
	return o;
}

static void test_u32_round_trip(void **state)
{
	const struct kind *kind = kind_find(KIND_FILTER, "u32");
	int i;

	(void)state;
	assert_int_equal(kind->actions_attr, TCA_U32_ACT);
	for (i = 0; i < ROUNDS; i++) {
		struct arena a = { 0 };

		wire_round_trip(&a, kind, random_u32(&a, kind));
		arena_free(&a);
	}
}

static void test_u32_wire(void **state)
{
	const struct kind *kind = kind_find(KIND_FILTER, "u32");
	struct arena a = { 0 };
	struct opts *o = opts_new(&a, kind);
	const struct nlattr *attr;
	const struct tc_u32_sel *sel;
	const struct tc_u32_mark *mark;
	struct nl_msg *msg;

	(void)state;
	opts_put(o, U32_MARK, UINT64_C(0xff) << 32 | 0x20);
	o->v[U32_KEY].w[0] = (int32_t)htonl(0xffff);
	o->v[U32_KEY].w[1] = (int32_t)htonl(0x0800);
	o->v[U32_KEY].w[2] = -4;
	o->set |= UINT64_C(1) << U32_KEY;
	msg = wire_emit(kind, o, &attr);
	sel = nla_data(wire_inner(attr, TCA_U32_SEL));
	assert_int_equal(nla_len(wire_inner(attr, TCA_U32_SEL)), sizeof(*sel) + sizeof(sel->keys[0]));
	assert_int_equal(sel->flags, TC_U32_TERMINAL);
	assert_int_equal(sel->nkeys, 1);
	assert_int_equal(sel->keys[0].mask, htonl(0xffff));
	assert_int_equal(sel->keys[0].val, htonl(0x0800));
	assert_int_equal(sel->keys[0].off, -4);
	assert_int_equal(sel->keys[0].offmask, 0);
	mark = nla_data(wire_inner(attr, TCA_U32_MARK));
	assert_int_equal(mark->val, 0x20);
	assert_int_equal(mark->mask, 0xff);
	assert_null(wire_inner(attr, TCA_U32_CLASSID));
	nlmsg_free(msg);
	arena_free(&a);
}

static void test_u32_foreign(void **state)
{
	const struct kind *kind = kind_find(KIND_FILTER, "u32");
	struct arena a = { 0 };
	struct opts *o = opts_new(&a, kind);
	struct nl_msg *msg = nlmsg_alloc_simple(44, 0);
	struct nlattr *nest = nla_nest_start(msg, WIRE_ATTR);
	struct tc_u32_sel sel = { .flags = TC_U32_TERMINAL | TC_U32_VAROFFSET };

	(void)state;
	wire_extra_refused(&a, kind, o, TCA_U32_LINK, 0x80100000);
	wire_extra_refused(&a, kind, o, TCA_U32_DIVISOR, 1);
	wire_extra_refused(&a, kind, o, TCA_U32_POLICE, 1);
	wire_extra_refused(&a, kind, o, TCA_U32_INDEV, 1);
	wire_extra_refused(&a, kind, o, TCA_U32_FLAGS, TCA_CLS_FLAGS_SKIP_HW);
	nla_put(msg, TCA_U32_SEL, sizeof(sel), &sel);
	nla_nest_end(msg, nest);
	assert_int_equal(kind_read(nlmsg_find_attr(nlmsg_hdr(msg), 0, WIRE_ATTR), kind, o, &wire_test), -EINVAL);
	nlmsg_free(msg);
	arena_free(&a);
}

/* ---- flower ---- */

/* One of the ways that a row pair or a single row is used, with a value that fits its type. */
static void put_random(struct opts *o, const struct kind *kind, unsigned int row)
{
	static const uint64_t limits[] = {
		[WIRE_NONE] = 0xffff, [WIRE_U8] = 0xff, [WIRE_U16] = 0xffff, [WIRE_U32] = UINT32_MAX,
		[WIRE_BE16] = 0xffff, [WIRE_BE32] = UINT32_MAX,
	};
	size_t i;

	if (kind->opts[row].wire != WIRE_BLOB) {
		opts_put(o, row, wire_any32() & limits[kind->opts[row].wire]);
		return;
	}
	for (i = 0; i < 16; i++)
		o->v[row].b[i] = (uint8_t)rand();
	o->set |= UINT64_C(1) << row;
}

static void test_flower_round_trip(void **state)
{
	static const uint8_t protos[] = { 6, 17, 132 };
	const struct kind *kind = kind_find(KIND_FILTER, "flower");
	unsigned int r;
	int i;

	(void)state;
	assert_int_equal(kind->actions_attr, TCA_FLOWER_ACT);
	assert_int_equal(kind->n_opts, FLOWER_ROWS);
	for (i = 0; i < ROUNDS; i++) {
		struct arena a = { 0 };
		struct opts *o = opts_new(&a, kind);

		for (r = 0; r < FLOWER_ROWS; r++)
			if (rand() % 3 == 0)
				put_random(o, kind, r);
		if (opts_has(o, FLOWER_VLAN_ID) || opts_has(o, FLOWER_VLAN_ETH_TYPE))
			opts_put(o, FLOWER_ETH_TYPE, 0x8100);
		opts_put(o, FLOWER_IP_PROTO, protos[rand() % 3]);
		wire_round_trip(&a, kind, o);
		arena_free(&a);
	}
}

static void test_flower_wire(void **state)
{
	const struct kind *kind = kind_find(KIND_FILTER, "flower");
	struct arena a = { 0 };
	struct opts *o = opts_new(&a, kind);
	const struct nlattr *attr;
	struct nl_msg *msg;

	(void)state;
	opts_put(o, FLOWER_ETH_TYPE, 0x0800);
	opts_put(o, FLOWER_IP_PROTO, 17);
	opts_put(o, FLOWER_DPORT, 53);
	opts_put(o, FLOWER_DPORT_MASK, 0xffff);
	opts_put(o, FLOWER_SPORT_MIN, 1024);
	opts_put(o, FLOWER_SPORT_MAX, 2000);
	msg = wire_emit(kind, o, &attr);
	assert_int_equal(nla_get_u16(wire_inner(attr, TCA_FLOWER_KEY_ETH_TYPE)), htons(0x0800));
	assert_int_equal(nla_get_u8(wire_inner(attr, TCA_FLOWER_KEY_IP_PROTO)), 17);
	assert_int_equal(nla_get_u16(wire_inner(attr, TCA_FLOWER_KEY_UDP_DST)), htons(53));
	assert_int_equal(nla_get_u16(wire_inner(attr, TCA_FLOWER_KEY_PORT_SRC_MIN)), htons(1024));
	assert_int_equal(nla_get_u16(wire_inner(attr, TCA_FLOWER_KEY_PORT_SRC_MAX)), htons(2000));
	assert_null(wire_inner(attr, TCA_FLOWER_KEY_TCP_DST));
	nlmsg_free(msg);
	wire_extra_refused(&a, kind, o, TCA_FLOWER_KEY_TCP_FLAGS, 2);
	wire_extra_refused(&a, kind, o, TCA_FLOWER_KEY_TCP_DST, 2);
	wire_extra_refused(&a, kind, o, TCA_FLOWER_INDEV, 2);
	wire_extra_refused(&a, kind, o, TCA_FLOWER_FLAGS, TCA_CLS_FLAGS_SKIP_SW);
	arena_free(&a);
}

static void test_flags_of_the_kernel(void **state)
{
	const struct kind *kind = kind_find(KIND_FILTER, "flower");
	struct nl_msg *msg = nlmsg_alloc_simple(44, 0);
	struct nlattr *nest = nla_nest_start(msg, WIRE_ATTR);
	struct arena a = { 0 };

	(void)state;
	nla_put_u32(msg, TCA_FLOWER_FLAGS, TCA_CLS_FLAGS_NOT_IN_HW);
	nla_put_u32(msg, TCA_FLOWER_IN_HW_COUNT, 0);
	nla_put_u32(msg, TCA_FLOWER_ACT, 0);
	nla_nest_end(msg, nest);
	assert_int_equal(kind_read(nlmsg_find_attr(nlmsg_hdr(msg), 0, WIRE_ATTR), kind, opts_new(&a, kind),
				   &wire_test), 0);
	nlmsg_free(msg);
	arena_free(&a);
}

/* ---- mirred ---- */

static void put_dev(struct opts *o, const char *dev)
{
	strncpy(o->v[MIRRED_DEV].name, dev, sizeof(o->v[MIRRED_DEV].name) - 1);
	o->set |= UINT64_C(1) << MIRRED_DEV;
}

static void test_mirred(void **state)
{
	const struct kind *kind = kind_find(KIND_ACTION, "mirred");
	struct arena a = { 0 };
	struct opts *o = opts_new(&a, kind);
	const struct nlattr *attr;
	struct tc_mirred parms;
	struct nl_msg *msg;

	(void)state;
	put_dev(o, "ifb-wan0");
	wire_round_trip(&a, kind, o);
	msg = wire_emit(kind, o, &attr);
	memcpy(&parms, nla_data(wire_inner(attr, TCA_MIRRED_PARMS)), sizeof(parms));
	assert_int_equal(parms.action, TC_ACT_STOLEN);
	assert_int_equal(parms.eaction, TCA_EGRESS_REDIR);
	assert_int_equal(parms.ifindex, 7);
	assert_int_equal(parms.index, 0);
	nlmsg_free(msg);
	wire_extra_refused(&a, kind, o, 77, 1);
	arena_free(&a);
}

static void test_mirred_faults(void **state)
{
	static const struct tc_mirred foreign[] = {
		{ .action = TC_ACT_PIPE, .eaction = TCA_EGRESS_MIRROR, .ifindex = 7 },
		{ .action = TC_ACT_STOLEN, .eaction = TCA_INGRESS_REDIR, .ifindex = 7 },
	};
	const struct kind *kind = kind_find(KIND_ACTION, "mirred");
	struct arena a = { 0 };
	struct opts *o = opts_new(&a, kind);
	struct nl_msg *msg = nlmsg_alloc();
	size_t i;

	(void)state;
	put_dev(o, "eth9");
	assert_int_equal(kind_emit(msg, WIRE_ATTR, kind, o, &wire_test), -ENODEV);
	nlmsg_free(msg);
	for (i = 0; i < 2; i++) {
		struct nlattr *nest;

		msg = nlmsg_alloc_simple(44, 0);
		nest = nla_nest_start(msg, WIRE_ATTR);
		nla_put(msg, TCA_MIRRED_PARMS, sizeof(foreign[i]), &foreign[i]);
		nla_nest_end(msg, nest);
		assert_int_equal(kind_read(nlmsg_find_attr(nlmsg_hdr(msg), 0, WIRE_ATTR), kind, o, &wire_test),
				 -EINVAL);
		nlmsg_free(msg);
	}
	arena_free(&a);
}

/* ---- any of them cut off ---- */

static void test_truncated(void **state)
{
	const struct kind *u32 = kind_find(KIND_FILTER, "u32");
	const struct kind *flower = kind_find(KIND_FILTER, "flower");
	const struct kind *mirred = kind_find(KIND_ACTION, "mirred");
	struct arena a = { 0 };
	struct opts *o = opts_new(&a, mirred);
	unsigned int r;

	(void)state;
	put_dev(o, "ifb-wan0");
	wire_truncated(&a, mirred, o);
	wire_truncated(&a, u32, random_u32(&a, u32));
	o = opts_new(&a, flower);
	for (r = 0; r < FLOWER_ROWS; r++)
		put_random(o, flower, r);
	opts_put(o, FLOWER_IP_PROTO, 6);
	wire_truncated(&a, flower, o);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matchall),
		cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_u32_round_trip),
		cmocka_unit_test(test_u32_wire),
		cmocka_unit_test(test_u32_foreign),
		cmocka_unit_test(test_flower_round_trip),
		cmocka_unit_test(test_flower_wire),
		cmocka_unit_test(test_flags_of_the_kernel),
		cmocka_unit_test(test_mirred),
		cmocka_unit_test(test_mirred_faults),
		cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
