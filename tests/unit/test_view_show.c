// SPDX-License-Identifier: GPL-2.0-or-later
/* view/show: what two dumps become. Against a kernel: tests/cmd/show.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "plan/diff.h"
#include "qdisc/filter.h"
#include "qdisc/htb.h"
#include "view/show.h"

#include <cmocka.h>	/* last: it has a macro fail() */

enum { VOIP = 0x20, LAB = 0x30, LAB_A = 0x40 };

#define SECOND UINT64_C(1000000000)
#define MBIT UINT64_C(1000000)

static struct obj *add(struct tree *tree, enum obj_type type, const char *kind, uint32_t handle,
		       uint32_t parent)
{
	static const enum kind_type types[] = {
		[OBJ_QDISC] = KIND_QDISC, [OBJ_CLASS] = KIND_CLASS, [OBJ_FILTER] = KIND_FILTER,
	};
	struct obj *obj = tree_obj_add(tree, tree->last, type);

	obj->handle = handle;
	obj->parent = parent;
	obj->kind = kind_find(types[type], kind);
	obj->kind_name = kind;
	obj->opts = obj->kind ? opts_new(&tree->arena, obj->kind) : NULL;
	obj->stats.have = true;
	return obj;
}

static struct obj *add_class(struct tree *tree, uint32_t minor, uint32_t parent, uint64_t rate_bit,
			     const char *path)
{
	struct obj *c = add(tree, OBJ_CLASS, "htb", HANDLE(WEIR_MAJOR, minor),
			    HANDLE(WEIR_MAJOR, parent));

	opts_put(c->opts, HTB_RATE, rate_bit);
	opts_put(c->opts, HTB_CEIL, rate_bit);
	c->name = path;
	return c;
}

/* The kernel has no order: neither has this. A wanted tree has names, a dumped one has not. */
static struct tree *make_tree(bool named)
{
	struct tree *tree = tree_new();
	struct obj *root;

	tree_link_add(tree, "wan0");
	root = add(tree, OBJ_QDISC, "htb", HANDLE(WEIR_MAJOR, 0), HANDLE_ROOT);
	opts_put(root->opts, HTB_DEFAULT, WEIR_MINOR_DEFAULT);
	if (named) {
		add_class(tree, 1, 0, UINT64_C(1) << 63, "");
		add_class(tree, 2, 1, 5 * MBIT, "default");
		add_class(tree, VOIP, 1, MBIT, "voip");
		add_class(tree, LAB, 1, 4 * MBIT, "lab");
		add_class(tree, LAB_A, LAB, 3 * MBIT, "lab/a");
	} else {
		add_class(tree, LAB_A, LAB, 3 * MBIT, NULL);
		add_class(tree, 2, 1, 5 * MBIT, NULL);
		add_class(tree, LAB, 1, 4 * MBIT, NULL);
		add_class(tree, 1, 0, UINT64_C(1) << 63, NULL);
		add_class(tree, VOIP, 1, MBIT, NULL);
	}
	add(tree, OBJ_QDISC, "pfifo", HANDLE(2, 0), HANDLE(WEIR_MAJOR, 2));
	add(tree, OBJ_QDISC, "pfifo", HANDLE(VOIP, 0), HANDLE(WEIR_MAJOR, VOIP));
	add(tree, OBJ_QDISC, "pfifo", HANDLE(LAB_A, 0), HANDLE(WEIR_MAJOR, LAB_A));
	return tree;
}

static struct obj *class_of(struct tree *tree, uint32_t minor)
{
	return tree_class(tree->links, HANDLE(WEIR_MAJOR, minor));
}

static struct obj *queue_of(struct tree *tree, uint32_t minor)
{
	return tree_qdisc_at(tree->links, HANDLE(WEIR_MAJOR, minor));
}

struct lab {
	struct ctx ctx;
	struct tree *earlier, *now, *wanted;
	struct ops drift;
	struct show show;
};

static int setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	ctx_init(&lab->ctx);
	lab->earlier = make_tree(false);
	lab->now = make_tree(false);
	lab->wanted = make_tree(true);
	lab->show = (struct show){
		.now = lab->now, .earlier = lab->earlier, .interval_ns = 2 * SECOND,
		.wanted = lab->wanted, .drift = &lab->drift,
	};
	setenv("LC_ALL", "C", 1);
	*state = lab;
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;

	arena_free(&lab->drift.arena);
	tree_free(lab->earlier);
	tree_free(lab->now);
	tree_free(lab->wanted);
	ctx_fini(&lab->ctx);
	free(lab);
	return 0;
}

static char *text_of(struct lab *lab, int shaped)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_int_equal(view_show(&lab->ctx, f, &lab->show), shaped);
	fclose(f);
	return text;
}

static json_t *json_of(struct lab *lab)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	json_t *j;

	assert_true(view_show_json(&lab->ctx, f, &lab->show) >= 0);
	fclose(f);
	j = json_loads(text, 0, NULL);
	assert_non_null(j);
	free(text);
	return j;
}

static json_t *child(json_t *tree, const char *name)
{
	json_t *c;
	size_t i;

	json_array_foreach(json_object_get(tree, "classes"), i, c)
		if (!strcmp(json_string_value(json_object_get(c, "name")), name))
			return c;
	fail_msg("no class %s", name);
	return NULL;
}

static json_t *egress(json_t *j)
{
	return json_object_get(json_array_get(json_object_get(j, "links"), 0), "egress");
}

static json_int_t number(json_t *j, const char *key)
{
	assert_true(json_is_integer(json_object_get(j, key)));
	return json_integer_value(json_object_get(j, key));
}

static void run_traffic(struct lab *lab)
{
	class_of(lab->earlier, LAB_A)->stats.bytes = 1000;
	class_of(lab->now, LAB_A)->stats.bytes = 1000 + 2 * 375000 - 25000;	/* 2.9 of 3 Mbit/s */
	class_of(lab->now, VOIP)->stats.bytes = 25000;
	queue_of(lab->earlier, VOIP)->stats.drops = 5;
	queue_of(lab->now, VOIP)->stats.drops = 7;
	queue_of(lab->now, LAB_A)->stats.backlog_bytes = 15140;
	queue_of(lab->now, LAB_A)->stats.qlen = 10;
	class_of(lab->now, VOIP)->stats.overlimits = 3;
}

static void test_text(void **state)
{
	struct lab *lab = *state;
	char *text;

	run_traffic(lab);
	text = text_of(lab, 1);
	assert_string_equal(text,
		"wan0 egress rate 9223372 Tbit/s classifier kernel\n"
		"class                rate            ceil     measured   %       backlog  drops  overlimits  queue\n"
		"all        9223372 Tbit/s  9223372 Tbit/s      0 bit/s   0  14.8 KiB 10p      7           0\n"
		"  voip        1.00 Mbit/s     1.00 Mbit/s   100 kbit/s  10             0      7           3  pfifo\n"
		"  lab         4.00 Mbit/s     4.00 Mbit/s      0 bit/s   0  14.8 KiB 10p      0           0\n"
		"    a         3.00 Mbit/s     3.00 Mbit/s  2.90 Mbit/s  96  14.8 KiB 10p      0           0  pfifo\n"
		"  default     5.00 Mbit/s     5.00 Mbit/s      0 bit/s   0             0      0           0  pfifo\n"
		"\n");
	free(text);
}

static void test_lines_in_utf8(void **state)
{
	char *text;

	setenv("LC_ALL", "C.UTF-8", 1);
	text = text_of(*state, 1);
	assert_non_null(strstr(text, "\n├─ voip "));
	assert_non_null(strstr(text, "\n│  └─ a  "));
	assert_non_null(strstr(text, "\n└─ default  "));
	free(text);
}

static void test_colors(void **state)
{
	struct lab *lab = *state;
	char *text;

	run_traffic(lab);
	lab->show.color = true;
	text = text_of(lab, 1);
	assert_non_null(strstr(text, "\n\033[31m  voip "));	/* it drops */
	assert_non_null(strstr(text, "\n\033[33m    a "));	/* it is full */
	assert_non_null(strstr(text, "\n\033[2m  default "));	/* it is idle */
	assert_non_null(strstr(text, "\n  lab "));		/* something waits */
	free(text);
}

static void test_json_says_the_same(void **state)
{
	struct lab *lab = *state;
	json_t *j, *root, *a, *voip;

	run_traffic(lab);
	j = json_of(lab);
	root = egress(j);
	a = child(child(root, "lab"), "a");
	voip = child(root, "voip");
	assert_string_equal(json_string_value(json_object_get(a, "path")), "lab/a");
	assert_string_equal(json_string_value(json_object_get(a, "classid")), "77e0:40");
	assert_int_equal(number(a, "measured_bit"), 2900000);
	assert_int_equal(number(a, "backlog_packets"), 10);
	assert_int_equal(number(child(root, "lab"), "backlog_bytes"), 15140);
	assert_int_equal(number(voip, "drops"), 7);
	assert_int_equal(number(root, "drops"), 7);
	assert_int_equal(number(voip, "overlimits"), 3);
	assert_int_equal(number(j, "interval_ns"), 2 * SECOND);
	/* beyond what an integer holds */
	assert_true(json_real_value(json_object_get(root, "rate_bit")) == 9223372036854775808.0);
	json_decref(j);
}

/* An object that was made anew has counted less than the one before it. */
static void test_no_rate_of_new_objects(void **state)
{
	struct lab *lab = *state;
	json_t *j;

	class_of(lab->earlier, VOIP)->stats.bytes = 5000;
	class_of(lab->now, VOIP)->stats.bytes = 100;
	j = json_of(lab);
	assert_null(json_object_get(child(egress(j), "voip"), "measured_bit"));
	json_decref(j);
	lab->show.earlier = NULL;
	j = json_of(lab);
	assert_null(json_object_get(child(egress(j), "default"), "measured_bit"));
	assert_int_equal(number(j, "interval_ns"), 0);
	json_decref(j);
}

static void test_without_names(void **state)
{
	struct lab *lab = *state;
	char *text;
	json_t *j;

	lab->show.wanted = NULL;
	lab->show.drift = NULL;
	text = text_of(lab, 1);
	assert_non_null(strstr(text, "\n  77e0:2  "));
	assert_non_null(strstr(text, "\n    77e0:40  "));
	assert_non_null(strstr(text, "\ndrift: unknown: "));
	free(text);
	j = json_of(lab);
	assert_true(json_is_null(json_object_get(j, "drift")));
	assert_true(json_is_null(json_object_get(child(egress(j), "77e0:20"), "path")));
	json_decref(j);
}

static void add_police(struct tree *tree, uint32_t hook, uint16_t prio, uint32_t index,
		       uint64_t packets, uint32_t exceed)
{
	struct obj *f = add(tree, OBJ_FILTER, "matchall", 1, hook);
	struct action *a = arena_alloc(&tree->arena, sizeof(*a));

	a->kind = kind_find(KIND_ACTION, "police");
	a->opts = opts_new(&tree->arena, a->kind);
	opts_put(a->opts, POLICE_RATE, MBIT);
	opts_put(a->opts, POLICE_BURST, 65536);
	opts_put(a->opts, POLICE_EXCEED, POLICE_DROP);
	opts_put(a->opts, POLICE_INDEX, index);
	f->prio = prio;
	f->actions = a;
	f->stats.packets = packets;
	f->stats.overlimits = f->stats.drops = exceed;
}

/* Filters of one rule tell the same counters: they are its, not to be added up. */
static void test_police(void **state)
{
	struct lab *lab = *state;
	json_t *j, *list, *p;
	char *text;

	add_police(lab->now, HANDLE_INGRESS, 0x7700, 1, 50, 0);
	add_police(lab->now, HANDLE_EGRESS, 0x7710, 3, 8, 8);
	add_police(lab->now, HANDLE_EGRESS, 0x7705, 2, 300, 100);
	add_police(lab->now, HANDLE_EGRESS, 0x7706, 2, 300, 100);
	j = json_of(lab);
	list = json_object_get(json_array_get(json_object_get(j, "links"), 0), "police");
	assert_int_equal(json_array_size(list), 3);
	p = json_array_get(list, 0);
	assert_string_equal(json_string_value(json_object_get(p, "direction")), "egress");
	assert_int_equal(number(p, "filters"), 2);
	assert_int_equal(number(p, "packets"), 300);
	assert_int_equal(number(p, "conform_packets"), 200);
	assert_int_equal(number(p, "exceed_packets"), 100);
	p = json_array_get(list, 2);
	assert_string_equal(json_string_value(json_object_get(p, "direction")), "ingress");
	json_decref(j);
	lab->show.earlier = NULL;
	text = text_of(lab, 1);
	assert_non_null(strstr(text,
		"wan0 police\n"
		"direction         rate     burst  measured  conform  exceed  drops  on exceed\n"
		"egress     1.00 Mbit/s  64.0 KiB         -      200     100    100  drop\n"
		"egress     1.00 Mbit/s  64.0 KiB         -        0       8      8  drop\n"
		"ingress    1.00 Mbit/s  64.0 KiB         -       50       0      0  drop\n\n"));
	free(text);
}

/* ---- drift ---- */

static void diff(struct lab *lab)
{
	const struct diff_scope scope = { .take_over = true };

	assert_int_equal(plan_diff(&lab->ctx, lab->now, lab->wanted, &scope, &lab->drift), 0);
}

static void expect_drift(struct lab *lab, const char *wanted)
{
	char *text, *drift;

	diff(lab);
	text = text_of(lab, 1);
	drift = strstr(text, "drift: ");
	assert_string_equal(drift ? drift : "", wanted);
	free(text);
}

static void test_no_drift(void **state)
{
	expect_drift(*state, "");
}

static void test_changed_class(void **state)
{
	struct lab *lab = *state;

	opts_put(class_of(lab->now, VOIP)->opts, HTB_RATE, 5 * MBIT);
	expect_drift(lab, "drift: wan0: class voip (77e0:20): rate is 5mbit, applied was 1mbit\n");
}

static void test_moved_class(void **state)
{
	struct lab *lab = *state;

	class_of(lab->now, LAB_A)->parent = HANDLE(WEIR_MAJOR, 1);
	expect_drift(lab, "drift: wan0: root qdisc htb: its classes hang together in another way "
		     "than was applied\n");
}

/* A class that is gone took its queue along: that is one thing, not two. */
static void test_missing_class(void **state)
{
	struct lab *lab = *state;

	add_class(lab->wanted, 0x50, 1, MBIT, "new");
	add(lab->wanted, OBJ_QDISC, "pfifo", HANDLE(0x50, 0), HANDLE(WEIR_MAJOR, 0x50));
	expect_drift(lab, "drift: wan0: class new (77e0:50): is missing\n");
}

static void add_filter(struct tree *tree, uint16_t prio, uint32_t minor, int32_t key)
{
	struct obj *f = add(tree, OBJ_FILTER, "u32", 1, HANDLE(WEIR_MAJOR, 0));

	f->prio = prio;
	f->protocol = 3;
	opts_put(f->opts, U32_CLASSID, HANDLE(WEIR_MAJOR, minor));
	f->opts->v[U32_KEY].w[0] = -1;
	f->opts->v[U32_KEY].w[1] = key;
	f->opts->set |= UINT64_C(1) << U32_KEY;
}

static void test_filters(void **state)
{
	struct lab *lab = *state;

	add_filter(lab->wanted, 10, VOIP, 1);
	add_filter(lab->wanted, 10, VOIP, 2);
	add_filter(lab->wanted, 20, LAB_A, 3);
	add_filter(lab->wanted, 30, 2, 4);
	add_filter(lab->now, 10, VOIP, 1);	/* one of two */
	add_filter(lab->now, 30, 2, 4);
	add_filter(lab->now, 90, LAB, 5);
	expect_drift(lab,
		"drift: wan0: the filters of class voip (77e0:20): are not those that were applied\n"
		"drift: wan0: the filters of class lab/a (77e0:40): one is missing\n"
		"drift: wan0: the filters of class lab (77e0:30): one was added by someone else\n");
}

/* There is no room for the missing one: all would be made anew, also those that did not change. */
static void test_filters_without_room(void **state)
{
	struct lab *lab = *state;

	add_filter(lab->wanted, 1, VOIP, 1);
	add_filter(lab->wanted, 2, LAB_A, 2);
	add_filter(lab->wanted, 3, 2, 3);
	add_filter(lab->now, 1, VOIP, 1);
	add_filter(lab->now, 2, 2, 3);
	expect_drift(lab, "drift: wan0: the filters: are not those that were applied\n");
}

static void test_replaced_root(void **state)
{
	struct lab *lab = *state;
	struct obj *root;
	char *text;

	tree_free(lab->now);
	lab->now = tree_new();
	lab->show.now = lab->now;
	tree_link_add(lab->now, "wan0");
	root = add(lab->now, OBJ_QDISC, "fq", HANDLE(0x8001, 0), HANDLE_ROOT);
	assert_non_null(root);
	diff(lab);
	text = text_of(lab, 0);
	assert_string_equal(text,
		"wan0: not shaped by weir\n"
		"drift: wan0: root qdisc htb: has been replaced by fq (8001:), so this direction is not "
		"shaped\n");
	free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_text), TEST(test_lines_in_utf8), TEST(test_colors),
		TEST(test_json_says_the_same),
		TEST(test_no_rate_of_new_objects), TEST(test_without_names), TEST(test_police),
		TEST(test_no_drift),
		TEST(test_changed_class), TEST(test_moved_class), TEST(test_missing_class),
		TEST(test_filters), TEST(test_filters_without_room),
		TEST(test_replaced_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
