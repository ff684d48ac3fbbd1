// SPDX-License-Identifier: GPL-2.0-or-later
/* plan/diff against a model of the kernel: whatever is there and whatever is wanted, the operations are
 * ones that the kernel takes, and afterwards nothing is left to do. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model.h"

/* after lib/ctx.h: it has a function fail() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_there_and_back(void **state)
{
	struct world w;

	(void)state;
	world_start(&w, "l");
	assert_int_equal(world_go(&w, ""), 0);
	/* the root, its class, the default class, its queue, clsact */
	assert_int_equal(world_go(&w, "link l { egress rate 1mbit }"), 5);
	assert_int_equal(world_go(&w, "link l { egress rate 1mbit }"), 0);
	assert_int_equal(world_go(&w, "link l { egress rate 2mbit }"), 2);
	assert_int_equal(world_go(&w, ""), 2);
	assert_true(world_is_bare(&w));
	/* the IFB, four objects on it, clsact, the redirect */
	assert_int_equal(world_go(&w, "link l { ingress rate 1mbit }"), 7);
	assert_int_equal(world_go(&w, ""), 3);
	assert_true(world_is_bare(&w));
	world_stop(&w);
}

static void test_one_more_class(void **state)
{
	struct world w;

	(void)state;
	world_start(&w, "l");
	world_go(&w, "link l { egress rate 9mbit { class a rate 1mbit { match tcp dport 22 }; default rate 1mbit } }");
	/* class, queue, two filters of one priority (IPv4 and IPv6) */
	assert_int_equal(world_go(&w, "link l { egress rate 9mbit { class a rate 1mbit { match tcp dport 22 }\n"
			    "class b rate 1mbit { match tcp dport 23 }; default rate 1mbit } }"), 4);
	/* class (its queue goes along), the priority */
	assert_int_equal(world_go(&w, "link l { egress rate 9mbit { class a rate 1mbit { match tcp dport 22 }\n"
			    "default rate 1mbit } }"), 2);
	world_stop(&w);
}

static void test_leaf_to_inner_and_back(void **state)
{
	static const char leaf[] = "link l { egress rate 9mbit { class a rate 1mbit prio 1 { match udp } } }";
	static const char other[] = "link l { egress rate 9mbit { class a rate 2mbit prio 6 { match udp } } }";
	static const char inner[] =
		"link l { egress rate 9mbit { class a rate 1mbit { match udp; class b rate 1kbit { match tcp } } } }";
	struct world w;

	(void)state;
	world_start(&w, "l");
	world_go(&w, leaf);
	world_go(&w, inner);
	world_go(&w, other);
	world_go(&w, inner);
	world_go(&w, leaf);
	world_go(&w, "");
	assert_true(world_is_bare(&w));
	world_stop(&w);
}

static unsigned int verbs(const struct ops *ops, enum op_verb verb)
{
	const struct op *op;
	unsigned int n = 0;

	for (op = ops->first; op; op = op->next)
		n += op->verb == verb;
	return n;
}

/* One program for another: one change of one filter. To the kernel's filters and back: what is new is
 * there before what was there goes, and clsact stays. */
static void test_programs(void **state)
{
	static const char one[] = "link l { egress rate 9mbit { class a rate 1mbit { match udp } }; ingress rate 1mbit }";
	static const char two[] = "link l { egress rate 9mbit { class a rate 1mbit { match tcp } }; ingress rate 1mbit }";
	static const char filters[] = "link l { classifier kernel; egress rate 9mbit { class a rate 1mbit { match tcp } }; ingress rate 1mbit }";
	const struct obj *f;
	struct tree *wanted;
	struct world w;
	struct ops ops;

	(void)state;
	world_start(&w, "l");
	w.bpf = true;
	world_go(&w, one);
	assert_int_equal(world_go(&w, one), 0);
	wanted = world_compile(&w, two);
	assert_int_equal(world_plan(&w, wanted, &ops), 0);
	assert_int_equal(ops.count, 1);
	assert_int_equal(ops.first->verb, OP_CHANGE);
	assert_int_equal(ops.first->cost, COST_COUNTERS);
	assert_int_equal(ops.first->obj->prio, WEIR_PRIO);
	arena_free(&ops.arena);
	world_reach(&w, wanted);
	tree_free(wanted);
	wanted = world_compile(&w, filters);
	assert_int_equal(world_plan(&w, wanted, &ops), 0);
	/* udp for two families, the redirect; both programs */
	assert_int_equal(verbs(&ops, OP_ADD), 3);
	assert_int_equal(verbs(&ops, OP_DEL), 2);
	assert_int_equal(ops.last[PHASE_UNHOOK]->verb, OP_DEL);
	assert_null(ops.last[PHASE_REMOVE]);
	arena_free(&ops.arena);
	world_reach(&w, wanted);
	tree_free(wanted);
	for (f = w.tree->links->objs[OBJ_FILTER]; f; f = f->next)
		if (f->parent == HANDLE_INGRESS)
			assert_int_equal(f->prio, WEIR_PRIO + 1);
	world_go(&w, one);
	world_go(&w, "link l { ingress rate 1mbit }");
	world_go(&w, "");
	assert_true(world_is_bare(&w));
	world_stop(&w);
}

/* bik, caa and nn/kra have one hash. */
static void test_paths_with_one_hash(void **state)
{
	static const char *const texts[] = {
		"link l { egress rate 9mbit { class bik rate 1mbit { match udp } } }",
		"link l { egress rate 9mbit { class caa rate 1mbit { match tcp }; class bik rate 1mbit { match udp } } }",
		"link l { egress rate 9mbit { class nn rate 2mbit { class kra rate 1mbit { match tcp } }\n"
		"class bik rate 1mbit { match udp } } }",
	};
	unsigned int i, k;
	struct world w;

	(void)state;
	world_start(&w, "l");
	for (i = 0; i < 3; i++)
		for (k = 0; k < 3; k++) {
			world_go(&w, texts[i]);
			world_go(&w, texts[k]);
		}
	world_stop(&w);
}

static struct obj *add_foreign(struct world *w, struct tree_link *link, enum obj_type type,
			       const char *kind, uint32_t handle, uint32_t parent)
{
	struct obj *obj = tree_obj_add(w->tree, link, type);

	obj->handle = handle;
	obj->parent = parent;
	obj->kind_name = kind;
	obj->raw = "";
	obj->opaque = true;
	return obj;
}

static void test_foreign_root(void **state)
{
	struct tree *wanted;
	struct world w;
	struct ops ops;

	(void)state;
	world_start(&w, "l");
	add_foreign(&w, w.tree->links, OBJ_QDISC, "pfifo", 0x50000, HANDLE_ROOT);
	wanted = world_compile(&w, "link l { egress rate 1mbit }");
	assert_int_equal(world_plan(&w, wanted, &ops), -EEXIST);
	assert_non_null(strstr(w.ctx.error, "l: root qdisc pfifo 5:"));
	ctx_clear(&w.ctx);
	w.take_over = true;
	assert_int_equal(world_plan(&w, wanted, &ops), 0);
	assert_int_equal(ops.first->verb, OP_REPLACE);
	assert_string_equal(ops.first->old->kind_name, "pfifo");
	arena_free(&ops.arena);
	world_reach(&w, wanted);
	tree_free(wanted);
	world_stop(&w);
}

/* One that only bears weir's handle, and htb of a kind that weir does not make. */
static void test_foreign_root_with_weirs_handle(void **state)
{
	struct tree *wanted;
	struct world w;
	struct ops ops;

	(void)state;
	world_start(&w, "l");
	add_foreign(&w, w.tree->links, OBJ_QDISC, "pfifo", 0x77e00000, HANDLE_ROOT);
	wanted = world_compile(&w, "link l { egress rate 1mbit }");
	assert_int_equal(world_plan(&w, wanted, &ops), -EEXIST);
	ctx_clear(&w.ctx);
	w.take_over = true;
	world_reach(&w, wanted);
	tree_free(wanted);
	world_stop(&w);
}

static void test_default_root_is_no_obstacle(void **state)
{
	struct world w;

	(void)state;
	world_start(&w, "l");
	add_foreign(&w, w.tree->links, OBJ_QDISC, "mq", 0, HANDLE_ROOT);
	world_remove(w.tree->links, w.tree->links->objs[OBJ_QDISC]);
	assert_int_equal(world_go(&w, "link l { egress rate 1mbit }"), 5);
	world_stop(&w);
}

static void test_foreign_filters_and_clsact(void **state)
{
	struct tree_link *l;
	struct obj *f;
	struct world w;

	(void)state;
	world_start(&w, "l");
	l = w.tree->links;
	world_go(&w, "link l { ingress rate 1mbit }");
	f = add_foreign(&w, l, OBJ_FILTER, "bpf", 1, HANDLE_INGRESS);
	f->prio = 5;
	/* the clsact is shared by now: it stays, and so does the filter */
	assert_int_equal(world_go(&w, ""), 2);
	assert_non_null(tree_qdisc_at(l, HANDLE_CLSACT));
	assert_ptr_equal(l->objs[OBJ_FILTER], f);
	world_remove(l, f);
	/* not weir's, though empty */
	w.made_clsact = false;
	assert_int_equal(world_go(&w, ""), 0);
	/* in the place of clsact: good enough for ingress, not for egress rules */
	l->objs[OBJ_QDISC]->kind_name = "ingress";
	assert_int_equal(world_go(&w, "link l { ingress rate 1mbit }"), 6);
	assert_int_equal(world_go(&w, ""), 2);
	world_stop(&w);
}

static void test_foreign_interface_in_the_place_of_the_ifb(void **state)
{
	struct tree_link *ifb;
	struct tree *wanted;
	struct world w;
	struct ops ops;

	(void)state;
	world_start(&w, "l");
	ifb = tree_link_add(w.tree, "ifb-l");
	ifb->kind = "ifb";
	wanted = world_compile(&w, "link l { ingress rate 1mbit }");
	assert_int_equal(world_plan(&w, wanted, &ops), -EEXIST);
	assert_non_null(strstr(w.ctx.error, "ifb-l"));
	ctx_clear(&w.ctx);
	/* half made: weir's, without an alias yet */
	ifb->ours = true;
	world_reach(&w, wanted);
	assert_string_equal(ifb->alias, "weir:l");
	assert_true(ifb->up);
	tree_free(wanted);
	world_go(&w, "");
	assert_true(world_is_bare(&w));
	world_stop(&w);
}

static bool covers_nothing(void *arg, const char *link)
{
	(void)arg, (void)link;
	return false;
}

static void test_scope(void **state)
{
	const struct diff_scope scope = { .covers = covers_nothing };
	struct tree *nothing = tree_new();
	struct world w;
	struct ops ops;

	(void)state;
	world_start(&w, "l");
	world_go(&w, "link l { egress rate 1mbit; ingress rate 1mbit }");
	assert_int_equal(plan_diff(&w.ctx, w.tree, nothing, &scope, &ops), 0);
	assert_int_equal(ops.count, 0);
	arena_free(&ops.arena);
	tree_free(nothing);
	world_stop(&w);
}

/* ---- any two policies ---- */

struct text {
	char buf[16384];
	size_t len;
};

static unsigned int below(unsigned int n)
{
	return (unsigned int)rand() % n;
}

static void say(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->len += (size_t)vsnprintf(t->buf + t->len, sizeof(t->buf) - t->len, fmt, ap);
	va_end(ap);
	assert_true(t->len < sizeof(t->buf));
}

static void say_match(struct text *t)
{
	static const char *const matches[] = {
		"tcp dport 22", "udp dport 53,5060-5062", "from 10.1.0.0/16", "to 2001:db8::/32", "dscp ef",
		"ip icmp", "mark 0x1/0xff", "tcp sport 443 from 10.0.0.1,10.0.0.2", "udp",
	};

	if (!below(3))
		say(t, "match from 10.%u.0.0/16\n", below(255));
	say(t, "match %s\n", matches[below(sizeof(matches) / sizeof(matches[0]))]);
}

static void say_classes(struct text *t, unsigned int kbit, unsigned int depth)
{
	static const char *const names[] = { "bik", "caa", "nn", "kra", "voip", "web", "bulk", "lab" };
	static const char *const queues[] = { "", "", "", "queue pfifo", "queue bfifo limit 9000", "queue codel" };
	unsigned int n = 1 + below(4), start = below(8), i;

	for (i = 0; i < n; i++) {
		bool inner = depth < 3 && !below(4);

		say(t, "class %s rate %ukbit prio %u %s {\n", names[(start + i * 3) % 8],
		    1 + kbit / (n + 1) - below(kbit / (n + 1) / 2 + 1), below(8), inner ? "" : queues[below(6)]);
		if (!inner || below(2))
			say_match(t);
		if (inner)
			say_classes(t, kbit / (n + 1) / 2 + 2, depth + 1);
		say(t, "}\n");
	}
}

static void say_policy(struct text *t)
{
	static const char *const directions[] = { "egress", "ingress" };
	unsigned int d;

	t->len = 0;
	t->buf[0] = 0;
	say(t, "link l {\n");
	for (d = 0; d < 2; d++)
		if (below(4)) {
			say(t, "%s rate 10mbit {\n", directions[d]);
			say_classes(t, 10000, 1);
			say(t, "}\n");
		}
	if (!below(3))
		say(t, "police ingress rate 1mbit { match udp dport 53; match from 10.9.0.0/16 }\n");
	if (!below(4))
		say(t, "police egress rate 1mbit { match tcp dport 25 }\n");
	say(t, "}\n");
}

static void test_any_policy_after_any_other(void **state)
{
	unsigned int seed;
	struct text *t = calloc(1, sizeof(*t));
	struct world w;

	(void)state;
	world_start(&w, "l");
	for (seed = 1; seed <= 1500; seed++) {
		srand(seed);
		say_policy(t);
		world_go(&w, seed % 10 ? t->buf : "");
		if (seed % 10 == 0) {
			assert_true(world_is_bare(&w));
			world_stop(&w);	/* its arena only grows */
			world_start(&w, "l");
		}
	}
	free(t);
	world_stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_one_more_class),
		cmocka_unit_test(test_leaf_to_inner_and_back),
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_paths_with_one_hash),
		cmocka_unit_test(test_foreign_root),
		cmocka_unit_test(test_foreign_root_with_weirs_handle),
		cmocka_unit_test(test_default_root_is_no_obstacle),
		cmocka_unit_test(test_foreign_filters_and_clsact),
		cmocka_unit_test(test_foreign_interface_in_the_place_of_the_ifb),
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_any_policy_after_any_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
