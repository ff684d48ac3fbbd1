// SPDX-License-Identifier: GPL-2.0-or-later
/* kernel/tree: finding, ordering, and the marks of what weir owns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/tree.h"

static struct obj *add(struct tree *tree, struct tree_link *link, enum obj_type type,
		       uint32_t handle, uint32_t parent)
{
	struct obj *obj = tree_obj_add(tree, link, type);

	assert_non_null(obj);
	obj->handle = handle;
	obj->parent = parent;
	obj->kind_name = "u32";
	return obj;
}

static void test_links_are_found(void **state)
{
	struct tree *tree = tree_new();
	struct tree_link *a = tree_link_add(tree, "wan0"), *b = tree_link_add(tree, "lan0");

	(void)state;
	a->ifindex = 7;
	b->ifindex = 3;
	assert_ptr_equal(tree->links, a);
	assert_ptr_equal(a->next, b);
	assert_ptr_equal(tree_link_find(tree, "lan0"), b);
	assert_null(tree_link_find(tree, "lan"));
	assert_ptr_equal(tree_link_by_index(tree, 7), a);
	assert_null(tree_link_by_index(tree, 8));
	assert_string_equal(a->kind, "");
	assert_string_equal(a->alias, "");
	tree_free(tree);
	tree_free(NULL);
}

static void test_objs_are_found(void **state)
{
	struct tree *tree = tree_new();
	struct tree_link *link = tree_link_add(tree, "wan0");
	struct obj *root = add(tree, link, OBJ_QDISC, HANDLE(0x77e0, 0), HANDLE_ROOT);
	struct obj *leaf = add(tree, link, OBJ_QDISC, HANDLE(0x1a, 0), HANDLE(0x77e0, 0x1a));
	struct obj *class = add(tree, link, OBJ_CLASS, HANDLE(0x77e0, 0x1a), HANDLE(0x77e0, 1));

	(void)state;
	assert_ptr_equal(tree_qdisc_at(link, HANDLE_ROOT), root);
	assert_ptr_equal(tree_qdisc_at(link, HANDLE(0x77e0, 0x1a)), leaf);
	assert_null(tree_qdisc_at(link, HANDLE_CLSACT));
	assert_ptr_equal(tree_class(link, HANDLE(0x77e0, 0x1a)), class);
	assert_null(tree_class(link, HANDLE(0x77e0, 0)));
	assert_ptr_equal(link->objs[OBJ_QDISC], root);
	assert_ptr_equal(link->last[OBJ_QDISC], leaf);
	assert_ptr_equal(root->next, leaf);
	assert_null(leaf->next);
	tree_free(tree);
}

static unsigned int handles(const struct tree_link *link, enum obj_type type, uint32_t *h)
{
	const struct obj *obj;
	unsigned int n = 0;

	for (obj = link->objs[type]; obj; obj = obj->next)
		h[n++] = obj->handle;
	return n;
}

/* As the kernel's hash tables may give them. */
static void test_parents_come_first(void **state)
{
	static const uint32_t classes[] = {
		HANDLE(1, 0x30), HANDLE(1, 2), HANDLE(1, 1), HANDLE(1, 0x20), HANDLE(1, 0x10),
		HANDLE(5, 7),
	};
	static const uint32_t qdiscs[] = {
		HANDLE(0xffff, 0), HANDLE(1, 0), 0, HANDLE(5, 0), HANDLE(6, 0),
	};
	struct tree *tree = tree_new();
	struct tree_link *link = tree_link_add(tree, "wan0");
	uint32_t h[8];

	(void)state;
	add(tree, link, OBJ_QDISC, HANDLE(6, 0), HANDLE(5, 7));
	add(tree, link, OBJ_QDISC, HANDLE(5, 0), HANDLE(1, 0x20));
	add(tree, link, OBJ_QDISC, 0, HANDLE(1, 0x30));
	add(tree, link, OBJ_QDISC, HANDLE(0xffff, 0), HANDLE_CLSACT);
	add(tree, link, OBJ_QDISC, HANDLE(1, 0), HANDLE_ROOT);
	add(tree, link, OBJ_CLASS, HANDLE(5, 7), HANDLE(5, 0));
	add(tree, link, OBJ_CLASS, HANDLE(1, 0x10), HANDLE(1, 0x20));
	add(tree, link, OBJ_CLASS, HANDLE(1, 0x30), HANDLE(1, 0));
	add(tree, link, OBJ_CLASS, HANDLE(1, 2), HANDLE(1, 0));
	add(tree, link, OBJ_CLASS, HANDLE(1, 0x20), HANDLE(1, 1));
	add(tree, link, OBJ_CLASS, HANDLE(1, 1), HANDLE(1, 0));
	assert_int_equal(tree_sort(link), 0);

	assert_int_equal(handles(link, OBJ_QDISC, h), 5);
	assert_memory_equal(h, qdiscs, sizeof(qdiscs));
	assert_int_equal(handles(link, OBJ_CLASS, h), 6);
	/* 1:30, 1:2, 1:1 are siblings and stay as they were */
	assert_memory_equal(h, classes, sizeof(classes));
	assert_int_equal(link->last[OBJ_CLASS]->handle, HANDLE(5, 7));
	tree_free(tree);
}

static void test_sort_survives_nonsense(void **state)
{
	struct tree *tree = tree_new();
	struct tree_link *link = tree_link_add(tree, "wan0");
	uint32_t h[4];

	(void)state;
	assert_int_equal(tree_sort(link), 0);
	add(tree, link, OBJ_CLASS, HANDLE(1, 1), HANDLE(1, 2));
	add(tree, link, OBJ_CLASS, HANDLE(1, 2), HANDLE(1, 1));
	add(tree, link, OBJ_CLASS, HANDLE(1, 3), HANDLE(1, 3));
	add(tree, link, OBJ_CLASS, HANDLE(1, 3), HANDLE(9, 9));
	assert_int_equal(tree_sort(link), 0);
	assert_int_equal(handles(link, OBJ_CLASS, h), 4);
	tree_free(tree);
}

static void test_many_are_sorted_in_time(void **state)
{
	struct tree *tree = tree_new();
	struct tree_link *link = tree_link_add(tree, "wan0");
	const struct obj *obj;
	uint32_t i, n = 0;

	(void)state;
	for (i = 60000; i > 0; i--)
		add(tree, link, OBJ_CLASS, HANDLE(1, i), HANDLE(1, i > 100 ? i % 100 + 1 : 0));
	add(tree, link, OBJ_QDISC, HANDLE(1, 0), HANDLE_ROOT);
	assert_int_equal(tree_sort(link), 0);
	for (obj = link->objs[OBJ_CLASS]; obj; obj = obj->next, n++)
		assert_int_equal(n < 100, HANDLE_MINOR(obj->handle) <= 100);
	assert_int_equal(n, 60000);
	tree_free(tree);
}

static void test_default_root(void **state)
{
	struct tree *tree = tree_new();
	struct tree_link *link = tree_link_add(tree, "wan0");
	struct obj *root;

	(void)state;
	assert_true(tree_root_is_default(link));
	root = add(tree, link, OBJ_QDISC, 0, HANDLE_ROOT);
	assert_true(tree_root_is_default(link));
	root->handle = HANDLE(1, 0);
	assert_false(tree_root_is_default(link));
	tree_free(tree);
}

static void test_marks(void **state)
{
	static const struct {
		enum obj_type type;
		uint32_t handle, parent;
		uint16_t prio;
		bool weirs;
	} rows[] = {
		{ OBJ_QDISC, HANDLE(0x77e0, 0), HANDLE_ROOT, 0, true },
		{ OBJ_QDISC, HANDLE(0x7700, 0), HANDLE(0x77e0, 1), 0, true },
		{ OBJ_QDISC, HANDLE(0x8001, 0), HANDLE(0x77e0, 5), 0, true },
		{ OBJ_QDISC, 0, HANDLE_ROOT, 0, false },
		{ OBJ_QDISC, HANDLE(1, 0), HANDLE_ROOT, 0, false },
		{ OBJ_QDISC, HANDLE(0x7800, 0), HANDLE_ROOT, 0, false },
		{ OBJ_QDISC, HANDLE(0x76ff, 0), HANDLE_ROOT, 0, false },
		{ OBJ_QDISC, HANDLE(0xffff, 0), HANDLE_CLSACT, 0, false },
		{ OBJ_CLASS, HANDLE(0x77e0, 0x1a), HANDLE(0x77e0, 1), 0, true },
		{ OBJ_CLASS, HANDLE(1, 0x1a), HANDLE(1, 0), 0, false },
		{ OBJ_FILTER, 1, HANDLE_INGRESS, 0x7700, true },
		{ OBJ_FILTER, 1, HANDLE_EGRESS, 0x77df, true },
		{ OBJ_FILTER, 1, HANDLE_EGRESS, 0x77e0, false },	/* does not redirect */
		{ OBJ_FILTER, 1, HANDLE_INGRESS, 0x76ff, false },
		{ OBJ_FILTER, 1, HANDLE_INGRESS, 0x7800, false },
		{ OBJ_FILTER, 1, HANDLE(0x77e0, 0), 1, true },
		{ OBJ_FILTER, 1, HANDLE(1, 0), 0x77e0, false },
	};
	struct tree *tree = tree_new();
	struct tree_link *link = tree_link_add(tree, "wan0");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct obj *obj = add(tree, link, rows[i].type, rows[i].handle, rows[i].parent);

		obj->prio = rows[i].prio;
		link->ours = false;
		if (tree_obj_is_weirs(link, obj) != rows[i].weirs)
			fail_msg("row %zu", i);
		link->ours = true;
		assert_true(tree_obj_is_weirs(link, obj));
	}
	tree_free(tree);
}

static void test_hook_place(void **state)
{
	static const struct kind mirred = { .name = "mirred" }, bpf = { .name = "bpf" };
	struct action redirect = { .kind = &mirred };
	struct tree *tree = tree_new();
	struct tree_link *link = tree_link_add(tree, "wan0");
	struct obj *f = add(tree, link, OBJ_FILTER, 1, HANDLE_INGRESS);

	(void)state;
	f->prio = WEIR_PRIO_LAST;
	assert_true(tree_in_hook_place(f));
	assert_false(tree_obj_is_weirs(link, f));
	f->actions = &redirect;
	assert_true(tree_obj_is_weirs(link, f));
	f->kind_name = "bpf";		/* a program that is not understood */
	assert_false(tree_obj_is_weirs(link, f));
	f->kind = &bpf;
	assert_true(tree_obj_is_weirs(link, f));
	f->prio = 10;			/* by the name alone it is not */
	assert_false(tree_obj_is_weirs(link, f));
	f->prio = WEIR_PRIO_LAST + 1;
	assert_false(tree_obj_is_weirs(link, f));
	f->prio = WEIR_PRIO;
	f->chain = 1;
	assert_false(tree_in_hook_place(f));
	tree_free(tree);
}

static void test_ifb_names(void **state)
{
	char a[TREE_NAME], b[TREE_NAME];

	(void)state;
	tree_ifb_name("wan0", a);
	assert_string_equal(a, "ifb-wan0");
	tree_ifb_name("elevenchars", a);
	assert_string_equal(a, "ifb-elevenchars");
	tree_ifb_name("twelve-chars", a);
	assert_int_equal(strlen(a), 15);
	assert_memory_equal(a, "ifb-", 4);
	assert_null(strstr(a, "twelve"));
	tree_ifb_name("twelve-chart", b);
	assert_string_not_equal(a, b);
	tree_ifb_name("twelve-chars", b);
	assert_string_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links_are_found),
		cmocka_unit_test(test_objs_are_found),
		cmocka_unit_test(test_parents_come_first),
		cmocka_unit_test(test_sort_survives_nonsense),
		cmocka_unit_test(test_many_are_sorted_in_time),
		cmocka_unit_test(test_default_root),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_hook_place),
		cmocka_unit_test(test_ifb_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
