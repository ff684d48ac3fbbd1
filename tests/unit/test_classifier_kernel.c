// SPDX-License-Identifier: GPL-2.0-or-later
/* The classifier made of kernel filters: which kind carries what, what is refused and how, priorities,
 * and the buckets that police rules share. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plan/alternatives.h"
#include "plan/classifier.h"
#include "plan/police_index.h"
#include "qdisc/filter.h"

/* after lib/ctx.h: it has a macro fail() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { U32 = 1, FLOWER = 2, MATCHALL = 4, MARK = 8, RANGES = 16, ALL = 31, CGROUP = 32 };

static struct probe probe_of(unsigned int what)
{
	static const char *const names[] = { "u32", "flower", "matchall" };
	struct probe probe = { .done = true };
	size_t i, k;

	for (i = 0; kinds[i]; i++)
		for (k = 0; k < 3; k++)
			if (kinds[i]->type == KIND_FILTER && !strcmp(kinds[i]->name, names[k]) &&
			    what >> k & 1)
				probe.have |= UINT64_C(1) << i;
	for (i = 0; kinds[i]; i++)
		if (what & CGROUP && kinds[i]->type == KIND_FILTER && !strcmp(kinds[i]->name, "cgroup"))
			probe.have |= UINT64_C(1) << i;
	probe.features = (what & MARK ? 1u << FEATURE_U32_MARK : 0) |
			 (what & RANGES ? 1u << FEATURE_FLOWER_PORT_RANGE : 0);
	return probe;
}

/* ---- what carries what ---- */

struct fixture {
	struct ctx ctx;
	struct tree *tree;
	struct tree_link *link;
};

static void start(struct fixture *f)
{
	ctx_init(&f->ctx);
	f->tree = tree_new();
	f->link = tree_link_add(f->tree, "wan0");
}

static void stop(struct fixture *f)
{
	ctx_fini(&f->ctx);
	tree_free(f->tree);
}

static const struct hook root_hook = { .parent = HANDLE(WEIR_MAJOR, 0), .prio_first = 1,
				       .prio_last = 10, .ethernet = true };

static int compile(struct fixture *f, unsigned int what, const struct hook *hook,
		   const struct rule *rules, unsigned int n)
{
	struct probe probe = probe_of(what);

	return classifier_find("kernel")->compile(&f->ctx, &probe, hook, rules, n, f->tree, f->link);
}

static void assert_carried(unsigned int what, const struct match *m, const char *kind, unsigned int n)
{
	struct rule rule = { .match = m, .classid = 0x77e00010, .what = "class x" };
	const struct obj *obj;
	struct fixture f;
	uint32_t handle = 1;

	start(&f);
	assert_int_equal(compile(&f, what, &root_hook, &rule, 1), 0);
	for (obj = f.link->objs[OBJ_FILTER]; obj; obj = obj->next, handle++) {
		assert_string_equal(obj->kind_name, kind);
		assert_int_equal(obj->handle, handle);
		assert_int_equal(obj->prio, 1);
		assert_int_equal(obj->protocol, 3);
		assert_int_equal(obj->parent, root_hook.parent);
		assert_int_equal(obj->opts->v[0].u, 0x77e00010);
	}
	assert_int_equal(handle - 1, n);
	stop(&f);
}

static struct range web[] = { { 80, 80 }, { 443, 443 } };
static struct range voip[] = { { 10000, 20000 } };
static struct prefix lan[] = { { .bits = 8, .addr = { 10 } },
			       { .ip6 = true, .bits = 8, .addr = { 0xfd } } };

static void test_carriers(void **state)
{
	const struct match tcp_web = { .set = MATCH_PROTO | MATCH_DPORT, .proto = 6, .dport = web,
				       .n_dport = 2 };
	const struct match ports = { .set = MATCH_DPORT, .dport = web, .n_dport = 2 };
	const struct match range = { .set = MATCH_FAMILY | MATCH_PROTO | MATCH_DPORT, .proto = 17,
				     .dport = voip, .n_dport = 1 };
	const struct match from = { .set = MATCH_FROM, .from = lan, .n_from = 2 };
	const struct match mark = { .set = MATCH_MARK, .mark = 1, .mark_mask = 0xff };
	const struct match vlan = { .set = MATCH_VLAN, .vlan = 7 };
	const struct match ack = { .set = MATCH_ACK };
	const struct match all = { 0 };
	const struct match udplite = { .set = MATCH_PROTO | MATCH_DPORT, .proto = 136, .dport = web, .n_dport = 2 };
	const struct match dccp = { .set = MATCH_PROTO, .proto = 33 };

	(void)state;
	assert_carried(ALL, &udplite, "u32", 4);	/* whose ports flower does not know */
	assert_carried(ALL, &dccp, "flower", 2);
	assert_carried(ALL, NULL, "matchall", 1);
	assert_carried(ALL, &all, "matchall", 1);
	assert_carried(U32 | FLOWER, &all, "flower", 1);
	assert_carried(U32, &all, "u32", 1);
	assert_carried(ALL, &tcp_web, "flower", 4);	/* two families */
	assert_carried(U32, &tcp_web, "u32", 4);
	assert_carried(U32, &ports, "u32", 8);		/* and two protocols */
	assert_carried(ALL, &range, "flower", 1);
	assert_carried(FLOWER, &range, "flower", 11);
	assert_carried(U32, &range, "u32", 11);
	assert_carried(ALL, &from, "flower", 2);
	assert_carried(ALL, &mark, "u32", 1);
	assert_carried(ALL, &vlan, "flower", 1);
	assert_carried(ALL, &ack, "u32", 6);
}

/* ---- what is refused ---- */

static void assert_refused(unsigned int what, const struct match *m, const char *reason)
{
	struct rule rule = { .match = m, .classid = 0x77e00010, .what = "class x" };
	struct probe probe = probe_of(what);
	struct fixture f;
	char why[200], text[300];

	assert_int_equal(classifier_find("kernel")->can(&probe, m, why, sizeof(why)), -EOPNOTSUPP);
	assert_string_equal(why, reason);
	start(&f);
	assert_int_equal(compile(&f, what, &root_hook, &rule, 1), -EOPNOTSUPP);
	snprintf(text, sizeof(text), "wan0: class x: %s", reason);
	assert_string_equal(f.ctx.error, text);
	assert_null(f.link->objs[OBJ_FILTER]);
	stop(&f);
}

static void test_refusals(void **state)
{
	struct match m = { .vlan = 7, .mark = 1, .mark_mask = 1, .proto = 6, .dport = web, .n_dport = 2,
			   .from = lan, .n_from = 1, .cgroup = "a", .user = "b" };

	(void)state;
	m.set = MATCH_USER | MATCH_PROTO;
	assert_refused(ALL, &m, "'user' needs the bpf classifier");
	m.set = MATCH_VLAN;
	assert_refused(U32 | MARK, &m, "'vlan' needs flower (cls_flower), which this kernel does not have");
	m.set = MATCH_MARK;
	assert_refused(FLOWER, &m, "'mark' needs u32 (cls_u32), which this kernel does not have");
	assert_refused(FLOWER | U32, &m, "'mark' needs u32 with marks (CONFIG_CLS_U32_MARK), which this "
		       "kernel does not have");
	m.set = MATCH_MARK | MATCH_VLAN | MATCH_FROM;
	assert_refused(ALL, &m, "'mark' and 'vlan' cannot be in one match: no filter of this kernel has "
		       "both");
	m.set = MATCH_ACK | MATCH_VLAN;
	assert_refused(ALL, &m, "'ack' and 'vlan' cannot be in one match: no filter of this kernel has "
		       "both");
	m.set = 0;
	assert_refused(0, &m, "filters need flower (cls_flower) or u32 (cls_u32), which this kernel does "
		       "not have");
	m.set = MATCH_PROTO | MATCH_DPORT;
	m.proto = 47;
	assert_refused(ALL, &m, "'dport' needs tcp, udp, sctp, dccp or udplite");
	m.proto = 136;
	assert_refused(FLOWER, &m, "'port of dccp or udplite' needs u32 (cls_u32), which this kernel does not have");
	m.set |= MATCH_VLAN;
	assert_refused(ALL, &m, "'port of dccp or udplite' and 'vlan' cannot be in one match: no filter of "
		       "this kernel has both");
	m.set = MATCH_FAMILY | MATCH_FROM;
	m.ip6 = true;
	assert_refused(ALL, &m, "no packet can have all of this");
	m.set = MATCH_PROTO | MATCH_ACK;
	m.proto = 17;
	assert_refused(ALL, &m, "no packet can have all of this");
}

/* ---- cgroups ---- */

static void test_cgroup_refusals(void **state)
{
	struct match m = { .set = MATCH_CGROUP, .cgroup = "a", .proto = 6, .net_cls = 0x77e00010 };

	(void)state;
	assert_refused(ALL, &m, "'cgroup' needs the bpf classifier, or cls_cgroup, which this kernel does not have");
	m.set = MATCH_CGROUP | MATCH_PROTO;
	assert_refused(ALL | CGROUP, &m, "'cgroup' together with other terms needs the bpf classifier");
	m.set = MATCH_CGROUP;
	m.cgroup_id = 7;
	assert_refused(ALL | CGROUP, &m, "'cgroup' of cgroup v2 needs the bpf classifier");
}

/* One filter says of all cgroups where they go: only the last one can be that. */
static void test_cgroups(void **state)
{
	struct hook hook = root_hook;
	struct match tcp = { .set = MATCH_PROTO, .proto = 6 };
	struct match a = { .set = MATCH_CGROUP, .cgroup = "a", .net_cls = 0x77e00010 };
	struct match b = { .set = MATCH_CGROUP, .cgroup = "b", .net_cls = 0x77e00011 };
	struct match in_a = { .set = MATCH_CGROUP, .cgroup = "a/in", .net_cls = 0x77e00010 };
	struct rule rules[] = {
		{ .match = &tcp, .classid = 0x77e00012, .what = "class t" },
		{ .match = &a, .classid = 0x77e00010, .what = "class a" },
		{ .match = &b, .classid = 0x77e00011, .what = "class b" },
		{ .match = &in_a, .classid = 0x77e00011, .what = "class b" },
	}, swapped[] = { rules[1], rules[0] };
	struct fixture f;
	struct obj *last;

	(void)state;
	start(&f);
	assert_int_equal(compile(&f, ALL | CGROUP, &hook, rules, 4), 0);
	last = f.link->last[OBJ_FILTER];
	assert_string_equal(last->kind_name, "cgroup");
	assert_int_equal(last->prio, 2);
	assert_int_equal(f.link->objs[OBJ_FILTER]->prio, 1);
	stop(&f);
	start(&f);
	assert_int_equal(compile(&f, ALL | CGROUP, &hook, swapped, 2), -EOPNOTSUPP);
	assert_non_null(strstr(f.ctx.error, "wan0: class t: the kernel's own filters can match cgroups after all else only"));
	stop(&f);
	start(&f);
	in_a.net_cls = 0x77e00011;
	assert_int_equal(compile(&f, ALL | CGROUP, &hook, rules, 4), -EOPNOTSUPP);
	assert_non_null(strstr(f.ctx.error, "wan0: class b: the cgroup's classid is that of another class"));
	stop(&f);
	start(&f);
	rules[1].classid = 0;
	assert_int_equal(compile(&f, ALL | CGROUP, &hook, rules + 1, 1), -EOPNOTSUPP);
	assert_string_equal(f.ctx.error, "wan0: class a: 'cgroup' for 'police' needs the bpf classifier");
	stop(&f);
	start(&f);
	f.link->ours = true;
	assert_int_equal(compile(&f, ALL | CGROUP, &hook, rules + 2, 1), -EOPNOTSUPP);
	assert_string_equal(f.ctx.error, "wan0: class b: 'cgroup' at ingress needs the bpf classifier");
	stop(&f);
}

static void test_too_many(void **state)
{
	struct prefix from[600], to[2] = { { .bits = 8, .addr = { 10 } }, { .bits = 8, .addr = { 11 } } };
	struct match m = { .set = MATCH_FROM | MATCH_TO, .from = from, .n_from = 500, .to = to,
			   .n_to = 2 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 600; i++)
		from[i] = (struct prefix){ .bits = 32, .addr = { 10, 1, (uint8_t)(i / 256), (uint8_t)i } };
	assert_carried(U32, &m, "u32", 1000);
	m.n_from = 501;
	assert_refused(U32, &m, "this takes 1002 filters of kind u32, more than 1000: shorten its lists");
}

static void test_without_ethernet(void **state)
{
	struct match m = { .set = MATCH_MAC };
	struct rule rule = { .match = &m, .what = "class x" };
	struct hook hook = root_hook;
	struct fixture f;

	(void)state;
	hook.ethernet = false;
	start(&f);
	assert_int_equal(compile(&f, ALL, &hook, &rule, 1), -EOPNOTSUPP);
	assert_string_equal(f.ctx.error,
			    "wan0: class x: 'mac' needs an interface with Ethernet headers");
	stop(&f);
}

/* Prefixes inside other ones add nothing; they would be policed twice. */
static void test_nested_prefixes(void **state)
{
	struct prefix from[] = {
		{ .bits = 16, .addr = { 10, 1 } }, { .bits = 8, .addr = { 10 } },
		{ .bits = 8, .addr = { 10 } }, { .bits = 32, .addr = { 10, 1, 1, 1 } },
		{ .bits = 8, .addr = { 11 } },
	};
	struct match m = { .set = MATCH_FROM, .from = from, .n_from = 5 };

	(void)state;
	assert_int_equal(alternatives_count(&m, true), 2);
}

/* Lists whose product does not fit in 64 bits are many, not few. */
static void test_count_saturates(void **state)
{
	struct range *ports = calloc(30000, sizeof(*ports));
	struct prefix *from = calloc(30000, sizeof(*from));
	struct match m = { .set = MATCH_SPORT | MATCH_DPORT | MATCH_DSCP | MATCH_FROM,
			   .sport = ports, .dport = ports, .n_sport = 30000, .n_dport = 30000,
			   .dscp = 0x5555555555555555, .from = from, .n_from = 30000, .to = from };
	unsigned int i;

	(void)state;
	for (i = 0; i < 30000; i++) {
		ports[i] = (struct range){ (uint16_t)(2 * i), (uint16_t)(2 * i) };
		from[i] = (struct prefix){ .bits = 24, .addr = { 10, (uint8_t)(i >> 8), (uint8_t)i } };
	}
	assert_int_equal(alternatives_count(&m, true), UINT64_C(30000) * 30000 * 30000 * 32 * 2);
	m.set |= MATCH_TO;
	m.n_to = 30000;
	assert_true(alternatives_count(&m, true) == UINT64_MAX);
	free(from);
	free(ports);
}

/* ---- priorities ---- */

static void test_priorities(void **state)
{
	const struct match m = { .set = MATCH_PROTO, .proto = 17 };
	struct rule rules[11];
	const struct obj *obj;
	struct fixture f;
	unsigned int i;

	(void)state;
	for (i = 0; i < 11; i++)
		rules[i] = (struct rule){ .match = &m, .classid = 0x77e00010 + i, .what = "class last" };
	start(&f);
	assert_int_equal(compile(&f, U32, &root_hook, rules, 10), 0);
	for (obj = f.link->objs[OBJ_FILTER], i = 0; obj; obj = obj->next, i++) {
		assert_int_equal(obj->prio, 1 + i / 2);
		assert_int_equal(obj->handle, 1 + i % 2);
		assert_int_equal(obj->opts->v[U32_CLASSID].u, 0x77e00010 + i / 2);
	}
	assert_int_equal(i, 20);
	stop(&f);
	start(&f);
	assert_int_equal(compile(&f, U32, &root_hook, rules, 11), -E2BIG);
	assert_string_equal(f.ctx.error, "wan0: class last: 11 match lines, but only 10 filter priorities "
			    "are weir's there");
	stop(&f);
}

/* ---- police ---- */

static struct action *police(struct tree *tree, uint64_t rate_bit)
{
	struct action *a = arena_alloc(&tree->arena, sizeof(*a));

	a->kind = kind_find(KIND_ACTION, "police");
	a->opts = opts_new(&tree->arena, a->kind);
	opts_put(a->opts, POLICE_RATE, rate_bit);
	opts_put(a->opts, POLICE_BURST, 65536);
	a->kind->canon(a->opts);
	return a;
}

static uint64_t index_of(const struct obj *obj)
{
	assert_non_null(obj);
	assert_true(opts_has(obj->actions->opts, POLICE_INDEX));
	return obj->actions->opts->v[POLICE_INDEX].u;
}

static const struct match udp = { .set = MATCH_PROTO, .proto = 17 };
static const struct match tcp = { .set = MATCH_PROTO, .proto = 6 };

/* The index of a link's only police rule. */
static uint64_t index_for(const char *link, uint32_t parent, const struct match *m, uint64_t rate_bit)
{
	struct hook hook = { .parent = parent, .prio_first = 5, .prio_last = 9, .ethernet = true };
	struct rule rule = { .match = m, .what = "police" };
	struct fixture f;
	uint64_t index;

	start(&f);
	f.link = tree_link_add(f.tree, link);
	rule.actions = police(f.tree, rate_bit);
	assert_int_equal(compile(&f, U32, &hook, &rule, 1), 0);
	index = index_of(f.link->objs[OBJ_FILTER]);
	assert_int_equal(index & ~(uint64_t)POLICE_INDEX_MASK, POLICE_INDEX_BASE);
	assert_int_equal(index_of(f.link->objs[OBJ_FILTER]->next), index);
	assert_false(opts_has(rule.actions->opts, POLICE_INDEX));
	stop(&f);
	return index;
}

static void test_police_index(void **state)
{
	uint64_t index = index_for("wan0", HANDLE_INGRESS, &udp, 8000);

	(void)state;
	assert_int_equal(index_for("wan0", HANDLE_INGRESS, &udp, 8000), index);
	assert_int_not_equal(index_for("wan1", HANDLE_INGRESS, &udp, 8000), index);
	assert_int_not_equal(index_for("wan0", HANDLE_EGRESS, &udp, 8000), index);
	assert_int_not_equal(index_for("wan0", HANDLE_INGRESS, &tcp, 8000), index);
	assert_int_not_equal(index_for("wan0", HANDLE_INGRESS, &udp, 16000), index);
}

static void test_police_shared(void **state)
{
	struct hook hook = { .parent = HANDLE_INGRESS, .prio_first = 5, .prio_last = 9, .ethernet = true };
	struct rule rules[4];
	const struct obj *obj;
	uint64_t index[4];
	struct fixture f;
	unsigned int i;

	(void)state;
	start(&f);
	for (i = 0; i < 4; i++)
		rules[i] = (struct rule){ .match = i % 2 ? &tcp : &udp, .what = "police" };
	rules[0].actions = rules[1].actions = police(f.tree, 8000);
	rules[2].actions = police(f.tree, 8000);	/* the same again: a bucket of its own */
	assert_int_equal(compile(&f, U32, &hook, rules, 4), 0);
	for (obj = f.link->objs[OBJ_FILTER], i = 0; i < 6; obj = obj->next, i++) {
		if (i % 2)
			assert_int_equal(index_of(obj), index[i / 2]);
		index[i / 2] = index_of(obj);
	}
	assert_null(obj->actions);
	assert_int_equal(index[0], index[1]);
	assert_int_not_equal(index[0], index[2]);
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_carriers),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_cgroup_refusals), cmocka_unit_test(test_cgroups),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_without_ethernet),
		cmocka_unit_test(test_nested_prefixes),
		cmocka_unit_test(test_count_saturates),
		cmocka_unit_test(test_priorities),
		cmocka_unit_test(test_police_index),
		cmocka_unit_test(test_police_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
