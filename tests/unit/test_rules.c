// SPDX-License-Identifier: GPL-2.0-or-later
/* src/cmd/rules_police: what police rules have counted, by rule. */
#include <stdio.h>
#include <string.h>

#include "cmd/rules.h"
#include "plan/police_index.h"
#include "qdisc/filter.h"

/* after lib/ctx.h: it has a function fail() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A filter of a police rule: present ones have counters, wanted ones a name. */
static struct obj *add(struct tree *tree, struct tree_link *link, uint32_t parent, uint16_t prio, uint32_t bucket,
		       uint64_t port)
{
	struct obj *f = tree_obj_add(tree, link, OBJ_FILTER);
	struct action *a = arena_alloc(&tree->arena, sizeof(*a));

	assert_non_null(f);
	assert_non_null(a);
	f->parent = parent;
	f->prio = prio;
	f->protocol = 3;
	f->kind = kind_find(KIND_FILTER, "u32");
	f->kind_name = f->kind->name;
	f->opts = opts_new(&tree->arena, f->kind);
	opts_put(f->opts, U32_CLASSID, port);
	a->kind = kind_find(KIND_ACTION, "police");
	a->opts = opts_new(&tree->arena, a->kind);
	opts_put(a->opts, POLICE_INDEX, POLICE_INDEX_BASE | bucket);
	f->actions = a;
	f->stats = (struct stats){ .have = true, .packets = bucket * 10, .bytes = bucket * 1000, .overlimits = bucket };
	f->name = arena_printf(&tree->arena, "police: udp dport %u", (unsigned int)port);
	return f;
}

/* Two lines of two filters each in one bucket, a bucket of its own, another hook, and what is no rule. */
static struct tree *make(struct tree_link **link)
{
	struct tree *tree = tree_new();

	assert_non_null(tree);
	*link = tree_link_add(tree, "wan0");
	add(tree, *link, HANDLE_EGRESS, WEIR_PRIO_FIRST, 1, 7001);
	add(tree, *link, HANDLE_EGRESS, WEIR_PRIO_FIRST, 1, 7001);
	add(tree, *link, HANDLE_EGRESS, WEIR_PRIO_FIRST + 1, 1, 7000);
	add(tree, *link, HANDLE_EGRESS, WEIR_PRIO_FIRST + 1, 1, 7000);
	add(tree, *link, HANDLE_EGRESS, WEIR_PRIO_FIRST + 2, 2, 9);
	add(tree, *link, HANDLE_INGRESS, WEIR_PRIO_FIRST, 3, 53);
	add(tree, *link, HANDLE_INGRESS, 10, 4, 54);
	return tree;
}

static void assert_line(const struct rule_count *c, uint64_t packets, const char *match)
{
	assert_int_equal(c->packets, packets);
	assert_int_equal(c->bytes, packets * 100);
	assert_int_equal(c->exceeding, packets / 10);
	assert_string_equal(c->match, match);
}

static void test_buckets(void **state)
{
	struct tree_link *now, *applied;
	struct tree *present = make(&now), *wanted = make(&applied);
	struct rule_counts *first = NULL, **tail = &first;
	struct arena arena = { NULL };
	struct ctx ctx;

	(void)state;
	ctx_init(&ctx);
	assert_int_equal(rules_police(&ctx, &arena, now, applied, &tail), 0);
	assert_false(first->ingress);
	assert_true(first->police);
	assert_false(first->others);
	assert_int_equal(first->n, 2);
	assert_line(&first->count[0], 10, "udp dport 7001; udp dport 7000");
	assert_line(&first->count[1], 20, "udp dport 9");
	assert_true(first->next->ingress);
	assert_int_equal(first->next->n, 1);
	assert_line(&first->next->count[0], 30, "udp dport 53");
	assert_null(first->next->next);
	arena_free(&arena);
	tree_free(present);
	tree_free(wanted);
	ctx_fini(&ctx);
}

static void test_unknown(void **state)
{
	struct rule_counts *first = NULL, **tail = &first;
	struct arena arena = { NULL };
	struct tree_link *now;
	struct tree *present = make(&now);
	struct ctx ctx;

	(void)state;
	ctx_init(&ctx);
	assert_int_equal(rules_police(&ctx, &arena, now, NULL, &tail), 0);
	assert_true(first->others);
	assert_line(&first->count[1], 20, "prio 30466");
	arena_free(&arena);
	tree_free(present);
	ctx_fini(&ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
