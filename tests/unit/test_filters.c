// SPDX-License-Identifier: GPL-2.0-or-later
/* plan/filters: what stays is not touched, what is new gets a priority in between, and after the
 * change the kernel has the wanted groups in the wanted order. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plan/filters.h"
#include "qdisc/filter.h"

/* after lib/ctx.h: it has a function fail() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { PARENT = 0x77e00000, MANY = 3000 };

/* Two links, and what the alignment said. */
struct fixture {
	struct ctx ctx;
	struct arena arena;
	struct tree *tree;
	struct tree_link *present, *wanted;
	unsigned int added, removed, in_the_way;
	uint16_t gone[MANY];
};

static void start(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	ctx_init(&f->ctx);
	f->tree = tree_new();
	f->present = tree_link_add(f->tree, "present");
	f->wanted = tree_link_add(f->tree, "wanted");
}

static void stop(struct fixture *f)
{
	ctx_fini(&f->ctx);
	arena_free(&f->arena);
	tree_free(f->tree);
}

/* A filter that is told from others by its content. */
static struct obj *put(struct fixture *f, struct tree_link *link, uint16_t prio, uint32_t content)
{
	struct obj *obj = tree_obj_add(f->tree, link, OBJ_FILTER);

	obj->parent = PARENT;
	obj->prio = prio;
	obj->protocol = 3;
	obj->kind = kind_find(KIND_FILTER, "u32");
	obj->kind_name = obj->kind->name;
	obj->opts = opts_new(&f->tree->arena, obj->kind);
	opts_put(obj->opts, U32_CLASSID, content);
	return obj;
}

static int add(void *arg, const struct obj *filter)
{
	struct fixture *f = arg;

	assert_in_range(filter->prio, 1, 0xffff);
	f->added++;
	return 0;
}

static int drop(void *arg, const struct obj *filter, bool in_the_way)
{
	struct fixture *f = arg;

	f->gone[f->removed++] = filter->prio;
	f->in_the_way += in_the_way;
	return 0;
}

static int align(struct fixture *f, uint16_t first, uint16_t last)
{
	const struct filter_changes changes = { add, drop, f };

	f->added = f->removed = f->in_the_way = 0;
	return filters_align(&f->ctx, &f->arena, f->present, f->wanted, PARENT, first, last, &changes);
}

static bool is_gone(const struct fixture *f, uint16_t prio)
{
	unsigned int i;

	for (i = 0; i < f->removed; i++)
		if (f->gone[i] == prio)
			return true;
	return false;
}

static bool holds(const struct tree_link *link, uint16_t prio, uint64_t content)
{
	const struct obj *obj;

	for (obj = link->objs[OBJ_FILTER]; obj; obj = obj->next)
		if (obj->prio == prio && obj->opts->v[U32_CLASSID].u == content)
			return true;
	return false;
}

/* What the kernel has after the change: the wanted ones at rising priorities; each is either there
 * already and stays, or is new at a priority that nothing keeps. */
static void check_outcome(const struct fixture *f, uint16_t last)
{
	const struct obj *w, *p;
	unsigned int fresh = 0;
	uint32_t prio = 0;
	bool stays;

	for (w = f->wanted->objs[OBJ_FILTER]; w; w = w->next) {
		assert_true(w->prio > prio);
		prio = w->prio;
		stays = holds(f->present, w->prio, w->opts->v[U32_CLASSID].u) && !is_gone(f, w->prio);
		fresh += !stays;
		for (p = f->present->objs[OBJ_FILTER]; p && !stays; p = p->next)
			if (p->prio == w->prio && (!is_gone(f, p->prio) || !f->in_the_way))
				fail_msg("priority %u is taken", w->prio);
	}
	assert_int_equal(f->added, fresh);
	for (p = f->present->objs[OBJ_FILTER]; p; p = p->next)
		if (p->prio <= last && !is_gone(f, p->prio))
			assert_true(holds(f->wanted, p->prio, p->opts->v[U32_CLASSID].u));
}

/* ---- cases ---- */

static void test_equal_ones_stay_whatever_their_prio(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	put(&f, f.present, 100, 1);
	put(&f, f.present, 7000, 2);
	put(&f, f.wanted, 1, 1);
	put(&f, f.wanted, 2, 2);
	assert_int_equal(align(&f, 1, 0xffff), 0);
	assert_int_equal(f.added + f.removed, 0);
	assert_int_equal(f.wanted->objs[OBJ_FILTER]->prio, 100);
	assert_int_equal(f.wanted->last[OBJ_FILTER]->prio, 7000);
	stop(&f);
}

static void test_one_in_between(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	put(&f, f.present, 10, 1);
	put(&f, f.present, 12, 3);
	put(&f, f.wanted, 1, 1);
	put(&f, f.wanted, 2, 2);
	put(&f, f.wanted, 3, 3);
	assert_int_equal(align(&f, 1, 0xffff), 0);
	assert_int_equal(f.added, 1);
	assert_int_equal(f.removed, 0);
	assert_int_equal(f.wanted->objs[OBJ_FILTER]->next->prio, 11);
	stop(&f);
}

static void test_no_room_in_between(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	put(&f, f.present, 10, 1);
	put(&f, f.present, 11, 3);
	put(&f, f.wanted, 1, 1);
	put(&f, f.wanted, 2, 2);
	put(&f, f.wanted, 3, 3);
	assert_int_equal(align(&f, 1, 0xffff), 0);
	check_outcome(&f, 0xffff);
	stop(&f);
}

/* As many as there are places, and others in all of them. */
static void test_range_that_is_full(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	put(&f, f.present, 5, 8);
	put(&f, f.present, 6, 9);
	put(&f, f.wanted, 5, 1);
	put(&f, f.wanted, 6, 2);
	assert_int_equal(align(&f, 5, 6), 0);
	check_outcome(&f, 6);
	assert_int_equal(f.in_the_way, 2);
	stop(&f);
}

/* The kernel has so many hash tables for u32 and no more: old and new ones together must not take more. */
static void test_number_of_u32_priorities(void **state)
{
	struct fixture f;
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		unsigned int n = U32_MAX_PRIOS / 2 + i, k;

		start(&f);
		for (k = 0; k < n; k++) {
			put(&f, f.present, (uint16_t)(10 * k + 10), 1);
			put(&f, f.wanted, (uint16_t)(k + 1), 2);
		}
		assert_int_equal(align(&f, 1, 0xffff), 0);
		assert_int_equal(f.added, n);
		assert_int_equal(f.removed, n);
		assert_int_equal(f.in_the_way, i ? n : 0);
		stop(&f);
	}
}

static void test_the_range_is_kept(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	put(&f, f.present, 4, 1);
	put(&f, f.present, 8, 9);
	put(&f, f.wanted, 5, 2);
	assert_int_equal(align(&f, 5, 7), 0);
	assert_int_equal(f.removed, 0);
	assert_in_range(f.wanted->objs[OBJ_FILTER]->prio, 5, 7);
	stop(&f);
}

static void test_either_side_may_be_missing(void **state)
{
	const struct filter_changes changes = { add, drop, NULL };
	struct fixture f;

	(void)state;
	start(&f);
	assert_int_equal(filters_align(&f.ctx, &f.arena, NULL, NULL, PARENT, 1, 9, &changes), 0);
	put(&f, f.present, 4, 1);
	f.wanted = NULL;
	assert_int_equal(align(&f, 1, 0xffff), 0);
	assert_int_equal(f.removed, 1);
	stop(&f);
}

/* A group of several filters is one; a part of it is another group. */
static void test_groups(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	put(&f, f.present, 10, 1)->handle = 1;
	put(&f, f.present, 10, 2)->handle = 2;
	put(&f, f.wanted, 1, 1)->handle = 1;
	put(&f, f.wanted, 1, 2)->handle = 2;
	assert_int_equal(align(&f, 1, 0xffff), 0);
	assert_int_equal(f.added + f.removed, 0);
	put(&f, f.wanted, 10, 3)->handle = 3;
	assert_int_equal(align(&f, 1, 0xffff), 0);
	assert_int_equal(f.added, 3);
	assert_int_equal(f.removed, 1);
	stop(&f);
}

static void test_other_content_is_no_equal(void **state)
{
	struct obj *w, *p;
	struct fixture f;

	(void)state;
	start(&f);
	p = put(&f, f.present, 10, 1);
	w = put(&f, f.wanted, 1, 1);
	assert_int_equal(align(&f, 1, 0xffff), 0);
	assert_int_equal(f.added, 0);
	p->protocol = 0x800;
	assert_int_equal(align(&f, 1, 0xffff), 0);
	assert_int_equal(f.added, 1);
	p->protocol = 3;
	/* a row that only the kernel has */
	opts_put(p->opts, U32_MARK, 5);
	assert_int_equal(align(&f, 1, 0xffff), 0);
	assert_int_equal(f.added, 1);
	p->opts->set = w->opts->set;
	p->opaque = true;
	assert_int_equal(align(&f, 1, 0xffff), 0);
	assert_int_equal(f.added, 1);
	stop(&f);
}

/* ---- any two lists ---- */

static void fill(struct fixture *f, struct tree_link *link, unsigned int n, unsigned int contents,
		 unsigned int step)
{
	uint32_t prio = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		prio += 1 + (unsigned int)rand() % step;
		put(f, link, (uint16_t)prio, 1 + (unsigned int)rand() % contents);
	}
}

static void test_any_two_lists(void **state)
{
	unsigned int seed;
	struct fixture f;
	uint16_t last;

	(void)state;
	for (seed = 1; seed <= 3000; seed++) {
		srand(seed);
		start(&f);
		fill(&f, f.present, (unsigned int)rand() % 30, 20, 1 + seed % 7 * 300);
		fill(&f, f.wanted, (unsigned int)rand() % 30, 20, 1);
		last = seed % 5 ? 0xffff : 29 + seed % 7;
		assert_int_equal(align(&f, 1, last), 0);
		check_outcome(&f, last);
		stop(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_ones_stay_whatever_their_prio),
		cmocka_unit_test(test_one_in_between),
		cmocka_unit_test(test_no_room_in_between),
		cmocka_unit_test(test_range_that_is_full),
		cmocka_unit_test(test_number_of_u32_priorities),
		cmocka_unit_test(test_the_range_is_kept),
		cmocka_unit_test(test_either_side_may_be_missing),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_other_content_is_no_equal),
		cmocka_unit_test(test_any_two_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
