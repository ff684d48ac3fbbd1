// SPDX-License-Identifier: GPL-2.0-or-later
/* police on the wire: rates, bursts, verdicts, and what is foreign. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/pkt_cls.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "qdisc/filter.h"
#include "qdisc/htb.h"
#include "qdisc/kind.h"
#include "tests/kind_wire.h"

enum { ROUNDS = 5000 };

static struct opts *random_police(struct arena *a, const struct kind *kind)
{
	struct opts *o = opts_new(a, kind);
	uint64_t rate_bit = ((uint64_t)wire_any32() << 32 | wire_any32()) >> rand() % 60 & ~UINT64_C(7);

	opts_put(o, POLICE_RATE, rate_bit < 8 ? 8 : rate_bit > INT64_MAX ? 8 : rate_bit);
	opts_put(o, POLICE_BURST, 1 + wire_any32() % 10000000);
	if (rand() % 2)
		opts_put(o, POLICE_MTU, 1500 + wire_any32() % 100000);
	if (rand() % 2 && opts_has(o, POLICE_MTU))
		opts_put(o, POLICE_PEAKRATE, ((uint64_t)wire_any32() << 4 & ~UINT64_C(7)) + 8);
	if (rand() % 2)
		opts_put(o, POLICE_OVERHEAD, wire_any32() & 0xffff);
	if (rand() % 2)
		opts_put(o, POLICE_MPU, wire_any32() & 0xffff);
	if (rand() % 2)
		opts_put(o, POLICE_LINKLAYER, rand() % 2 ? TC_LL_ETHERNET : TC_LL_ATM);
	if (rand() % 2)
		opts_put(o, POLICE_INDEX, wire_any32() | 1);
	opts_put(o, POLICE_CONFORM, (uint64_t)rand() % 5);
	opts_put(o, POLICE_EXCEED, (uint64_t)rand() % 5);
	kind->canon(o);
	return o;
}

static void test_police_round_trip(void **state)
{
	const struct kind *kind = kind_find(KIND_ACTION, "police");
	int i;

	(void)state;
	assert_int_equal(kind->n_opts, POLICE_ROWS);
	for (i = 0; i < ROUNDS; i++) {
		struct arena a = { 0 };
		struct opts *o = random_police(&a, kind), *again = opts_dup(&a, kind, o);

		wire_round_trip(&a, kind, o);
		kind->canon(again);
		assert_int_equal(o->v[POLICE_BURST].u, again->v[POLICE_BURST].u);
		arena_free(&a);
	}
}

static void test_police_wire(void **state)
{
	const struct kind *kind = kind_find(KIND_ACTION, "police");
	const char *const words[] = { "rate", "8mbit", "burst", "100000", "conform", "continue",
				      "exceed", "drop", "overhead", "18" };
	struct arena a = { 0 };
	struct opts *o = opts_new(&a, kind);
	const struct nlattr *attr;
	struct opt_error error;
	struct tc_police tbf;
	struct nl_msg *msg;

	(void)state;
	assert_int_equal(opts_parse(kind, 10, words, o, &error), 0);
	msg = wire_emit(kind, o, &attr);
	memcpy(&tbf, nla_data(wire_inner(attr, TCA_POLICE_TBF)), sizeof(tbf));
	assert_int_equal(tbf.rate.rate, 1000000);
	assert_int_equal(tbf.rate.overhead, 18);
	assert_int_equal(tbf.rate.linklayer, TC_LL_ETHERNET);
	assert_true(tbf.rate.cell_log > 0);
	assert_int_equal(tbf.burst, 100000000 / 64);	/* 100 ms in ticks of 64 ns */
	assert_int_equal(tbf.mtu, UINT32_MAX);
	assert_int_equal(tbf.action, TC_ACT_SHOT);
	assert_int_equal((int)nla_get_u32(wire_inner(attr, TCA_POLICE_RESULT)), TC_ACT_UNSPEC);
	assert_int_equal(nla_len(wire_inner(attr, TCA_POLICE_RATE)), 1024);
	assert_null(wire_inner(attr, TCA_POLICE_RATE64));
	nlmsg_free(msg);
	opts_put(o, POLICE_RATE, UINT64_C(80000000000));
	msg = wire_emit(kind, o, &attr);
	memcpy(&tbf, nla_data(wire_inner(attr, TCA_POLICE_TBF)), sizeof(tbf));
	assert_int_equal(tbf.rate.rate, UINT32_MAX);
	assert_int_equal(nla_get_u64(wire_inner(attr, TCA_POLICE_RATE64)), UINT64_C(10000000000));
	nlmsg_free(msg);
	arena_free(&a);
}

static void test_police_verdicts(void **state)
{
	static const int wanted[] = {
		[POLICE_CONTINUE] = TC_ACT_UNSPEC, [POLICE_DROP] = TC_ACT_SHOT, [POLICE_OK] = TC_ACT_OK,
		[POLICE_PIPE] = TC_ACT_PIPE, [POLICE_RECLASSIFY] = TC_ACT_RECLASSIFY,
	};
	const struct kind *kind = kind_find(KIND_ACTION, "police");
	struct arena a = { 0 };
	struct opts *o = random_police(&a, kind);
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		const struct nlattr *attr;
		struct tc_police tbf;
		struct nl_msg *msg;

		opts_put(o, POLICE_CONFORM, i);
		opts_put(o, POLICE_EXCEED, 4 - i);
		msg = wire_emit(kind, o, &attr);
		memcpy(&tbf, nla_data(wire_inner(attr, TCA_POLICE_TBF)), sizeof(tbf));
		assert_int_equal(tbf.action, wanted[4 - i]);
		assert_int_equal((int)nla_get_u32(wire_inner(attr, TCA_POLICE_RESULT)), wanted[i]);
		nlmsg_free(msg);
	}
	arena_free(&a);
}

static void test_police_foreign(void **state)
{
	const struct kind *kind = kind_find(KIND_ACTION, "police");
	const char *const peak[] = { "rate", "8mbit", "burst", "100000", "peakrate", "9mbit" };
	struct tc_police goto_chain = { .rate.rate = 1000, .rate.linklayer = TC_LL_ETHERNET,
					.action = TC_ACT_GOTO_CHAIN | 1 };
	struct arena a = { 0 };
	struct opts *o = random_police(&a, kind);
	struct nl_msg *msg = nlmsg_alloc_simple(44, 0);
	struct nlattr *nest = nla_nest_start(msg, WIRE_ATTR);
	struct opt_error error;

	(void)state;
	wire_extra_refused(&a, kind, o, TCA_POLICE_AVRATE, 1000);
	wire_extra_refused(&a, kind, o, TCA_POLICE_PKTRATE64, 1000);
	nla_put(msg, TCA_POLICE_TBF, sizeof(goto_chain), &goto_chain);
	nla_nest_end(msg, nest);
	assert_int_equal(kind_read(nlmsg_find_attr(nlmsg_hdr(msg), 0, WIRE_ATTR), kind, opts_new(&a, kind),
				   &wire_test), -EINVAL);
	nlmsg_free(msg);
	assert_int_equal(opts_parse(kind, 6, peak, opts_new(&a, kind), &error), -EINVAL);
	assert_string_equal(error.text, "'peakrate' needs 'mtu'");
	arena_free(&a);
}

static void test_police_truncated(void **state)
{
	const struct kind *kind = kind_find(KIND_ACTION, "police");
	struct arena a = { 0 };

	(void)state;
	wire_truncated(&a, kind, random_police(&a, kind));
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_police_round_trip),
		cmocka_unit_test(test_police_wire),
		cmocka_unit_test(test_police_verdicts),
		cmocka_unit_test(test_police_foreign),
		cmocka_unit_test(test_police_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
