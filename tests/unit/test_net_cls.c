// SPDX-License-Identifier: GPL-2.0-or-later
/* plan/net_cls and plan/diff_cgroups: which classid each cgroup of net_cls gets, and what is to be
 * written. */
#include "tests/unit/test_conf.h"

#include "kernel/state.h"
#include "plan/diff.h"
#include "plan/htb_tree.h"
#include "plan/net_cls.h"

struct world {
	struct outcome o;
	struct tree *present, *wanted;
	const struct net_cls *net_cls;
};

static void cgroup(struct tree *tree, const char *path, uint32_t classid)
{
	struct tree_cgroup *more = arena_alloc(&tree->arena, (tree->n_cgroups + 1) * sizeof(*more));
	char *dir = arena_printf(&tree->arena, "/net_cls/%s", path);
	unsigned int at = 0;

	while (at < tree->n_cgroups && tree_path_order(tree->cgroups[at].path, path) < 0)
		at++;
	if (at)
		memcpy(more, tree->cgroups, at * sizeof(*more));
	if (at < tree->n_cgroups)
		memcpy(more + at + 1, tree->cgroups + at, (tree->n_cgroups - at) * sizeof(*more));
	more[at] = (struct tree_cgroup){ .dir = dir, .path = dir + 9, .classid = classid };
	tree->cgroups = more;
	tree->n_cgroups++;
}

static void start(struct world *w, const char *text)
{
	w->o = parse_good(text);
	w->present = tree_new();
	w->wanted = tree_new();
	w->net_cls = NULL;
}

static int go(struct world *w, bool bpf)
{
	int err = net_cls_assign(&w->o.ctx, w->o.policy, w->present, bpf, &w->net_cls);

	return err ? err : net_cls_want(&w->o.ctx, w->net_cls, NULL, 0, w->present, w->wanted);
}

static void stop(struct world *w)
{
	tree_free(w->present);
	tree_free(w->wanted);
	outcome_free(&w->o);
}

static const struct match *match_of(const struct class *root, const char *name)
{
	return child_of(root, name)->matches;
}

static uint32_t classid_of(struct world *w, const struct class *root, const char *path)
{
	struct placed_class *placed;
	unsigned int n, i;

	assert_int_equal(htb_place(&w->o.ctx, &w->o.policy->arena, root, &placed, &n), 0);
	for (i = 0; i < n; i++)
		if (!strcmp(placed[i].class->path, path))
			return placed[i].classid;
	assert_true(false);
	return 0;
}

static uint32_t wanted_of(const struct world *w, const char *path, const char *link)
{
	unsigned int i;

	for (i = 0; i < w->wanted->n_cgroups; i++)
		if (!strcmp(w->wanted->cgroups[i].path, path) && !strcmp(w->wanted->cgroups[i].link, link))
			return w->wanted->cgroups[i].classid;
	return 0;
}

static bool has_inner(const struct match *m, uint32_t classid)
{
	unsigned int i;

	for (i = 0; i < m->n_net_cls_inner; i++)
		if (m->net_cls_inner[i] == classid)
			return true;
	return false;
}

/* ---- the order of paths ---- */

static void test_order(void **state)
{
	static const char *const sorted[] = { "", "a", "a/b", "a/b/c", "a/c", "a b", "a-b", "a.b", "aa", "b" };
	unsigned int i, k, n = sizeof(sorted) / sizeof(sorted[0]);

	(void)state;
	for (i = 0; i < n; i++)
		for (k = 0; k < n; k++)
			assert_true((tree_path_order(sorted[i], sorted[k]) < 0) == (i < k));
	assert_true(tree_path_within("a/b", "a"));
	assert_true(tree_path_within("a", "a"));
	assert_true(tree_path_within("a", ""));
	assert_false(tree_path_within("a-b", "a"));
	assert_false(tree_path_within("a", "a/b"));
}

/* ---- with the BPF classifier ---- */

static void test_one_each(void **state)
{
	struct world w;
	const struct class *root;

	(void)state;
	start(&w, "link l { egress rate 9mbit { class x { match cgroup a; match cgroup b tcp }\n"
		  "class y { match cgroup a/in udp; match cgroup a-not }; class z { match tcp } } }");
	cgroup(w.present, "a", 0);
	cgroup(w.present, "a/in", 0);
	cgroup(w.present, "a/in/deep", 0);
	cgroup(w.present, "a/other", 0);
	cgroup(w.present, "a-not", 0);
	cgroup(w.present, "b", 0);
	cgroup(w.present, "foreign", 0x10001);
	root = w.o.policy->links->egress;
	assert_true(net_cls_needed(w.o.policy));
	assert_int_equal(go(&w, true), 0);
	/* that of its class, where no other has it */
	assert_int_equal(match_of(root, "x")->net_cls, classid_of(&w, root, "x"));
	assert_int_equal(match_of(root, "y")->net_cls, classid_of(&w, root, "y"));
	assert_int_not_equal(match_of(root, "x")->next->net_cls, match_of(root, "x")->net_cls);
	assert_int_equal(HANDLE_MAJOR(match_of(root, "x")->next->net_cls), WEIR_MAJOR);
	/* what is in a cgroup is the cgroup's too */
	assert_int_equal(match_of(root, "x")->n_net_cls_inner, 1);
	assert_true(has_inner(match_of(root, "x"), match_of(root, "y")->net_cls));
	assert_int_equal(match_of(root, "y")->n_net_cls_inner, 0);
	assert_int_equal(wanted_of(&w, "a", "l"), match_of(root, "x")->net_cls);
	assert_int_equal(wanted_of(&w, "a/other", "l"), match_of(root, "x")->net_cls);
	assert_int_equal(wanted_of(&w, "a/in", "l"), match_of(root, "y")->net_cls);
	assert_int_equal(wanted_of(&w, "a/in/deep", "l"), match_of(root, "y")->net_cls);
	assert_int_equal(wanted_of(&w, "foreign", "l"), 0);
	assert_int_equal(w.wanted->n_cgroups, 6);
	stop(&w);
}

/* One that is there stays: links that are not at hand know it by that. */
static void test_stays(void **state)
{
	struct world w;
	const struct class *root;

	(void)state;
	start(&w, "link l { egress rate 9mbit { class x { match cgroup a }; class y { match cgroup b }\n"
		  "class v { match cgroup c } } }");
	root = w.o.policy->links->egress;
	cgroup(w.present, "a", classid_of(&w, root, "y"));
	cgroup(w.present, "b", 0x10001);
	cgroup(w.present, "c", HANDLE(WEIR_MAJOR, 0x4321));
	assert_int_equal(go(&w, true), 0);
	assert_int_equal(match_of(root, "x")->net_cls, classid_of(&w, root, "y"));
	assert_int_equal(HANDLE_MAJOR(match_of(root, "y")->net_cls), WEIR_MAJOR);
	assert_int_not_equal(match_of(root, "y")->net_cls, match_of(root, "x")->net_cls);
	assert_int_equal(match_of(root, "v")->net_cls, HANDLE(WEIR_MAJOR, 0x4321));
	stop(&w);
}

static void test_v2_needs_none(void **state)
{
	struct world w;

	(void)state;
	start(&w, "link l { egress rate 9mbit { class x { match cgroup a }; class y { match user 0 } } }");
	child_of(w.o.policy->links->egress, "x")->matches->cgroup_id = 77;
	assert_false(net_cls_needed(w.o.policy));
	assert_int_equal(go(&w, true), 0);
	assert_null(w.net_cls);
	assert_int_equal(w.wanted->n_cgroups, 0);
	stop(&w);
}

static void test_several_links(void **state)
{
	static const char *const only[] = { "k" };
	struct world w;

	(void)state;
	start(&w, "link l { egress rate 9mbit { class x { match cgroup a } }\n"
		  " police egress rate 1mbit { match cgroup a/p } }\n"
		  "link k { ingress rate 9mbit { class y { match cgroup a; match cgroup b } } }");
	cgroup(w.present, "a", 0);
	cgroup(w.present, "a/p", 0);
	cgroup(w.present, "b", 0);
	assert_int_equal(go(&w, true), 0);
	assert_int_equal(w.wanted->n_cgroups, 5);
	assert_int_equal(wanted_of(&w, "a", "l"), wanted_of(&w, "a", "k"));
	assert_int_equal(wanted_of(&w, "a/p", "l"), wanted_of(&w, "a/p", "k"));
	assert_int_not_equal(wanted_of(&w, "a/p", "k"), wanted_of(&w, "a", "k"));
	tree_free(w.wanted);
	w.wanted = tree_new();
	assert_int_equal(net_cls_want(&w.o.ctx, w.net_cls, only, 1, w.present, w.wanted), 0);
	assert_int_equal(w.wanted->n_cgroups, 3);
	assert_int_equal(wanted_of(&w, "a", "l"), 0);
	stop(&w);
}

/* ---- with the kernel's filter ---- */

static void test_kernel_filter(void **state)
{
	struct world w;
	const struct class *root;

	(void)state;
	start(&w, "link l { classifier kernel; egress rate 9mbit { class x { match cgroup a/in }\n"
		  "class y { match cgroup a; match cgroup b }; class z { match cgroup b/in } } }");
	root = w.o.policy->links->egress;
	cgroup(w.present, "b", HANDLE(WEIR_MAJOR, 0x4321));
	assert_int_equal(go(&w, true), 0);
	assert_int_equal(match_of(root, "x")->net_cls, classid_of(&w, root, "x"));
	assert_int_equal(match_of(root, "y")->net_cls, classid_of(&w, root, "y"));
	assert_int_equal(match_of(root, "y")->next->net_cls, classid_of(&w, root, "y"));
	/* an earlier rule takes all of b */
	assert_int_equal(match_of(root, "z")->net_cls, classid_of(&w, root, "y"));
	stop(&w);
}

static void refused(const char *text, bool bpf, const char *want)
{
	struct world w;

	start(&w, text);
	assert_int_equal(go(&w, bpf), -EOPNOTSUPP);
	if (!strstr(w.o.ctx.error, want))
		print_error("%s\n", w.o.ctx.error);
	assert_non_null(strstr(w.o.ctx.error, want));
	stop(&w);
}

static void test_refused(void **state)
{
	(void)state;
	refused("link l { classifier kernel; egress rate 9mbit { class x { match cgroup a } } }\n"
		"link k { egress rate 9mbit { class y { match cgroup a } } }", false,
		"k: class y: t:2: cgroup 'a' has one classid, which is that of class x of l");
	refused("link l { classifier kernel; egress rate 9mbit { class x { match cgroup a; match cgroup b } } }\n"
		"link k { egress rate 9mbit { class y { match cgroup a } } }", true,
		"k: t:2: cgroups 'a' and 'b' cannot be told apart");
	refused("link l { classifier kernel; egress rate 9mbit { class x { match cgroup a } } }\n"
		"link k { classifier kernel; egress rate 9mbit { class x { match tcp }; class y { match cgroup b } } }",
		true, "k: cgroup 'a' has the classid of class x of l");
}

/* A cgroup that only a BPF link matches does not get into a class of a link with the kernel's filter. */
static void test_no_strays(void **state)
{
	struct world w;
	const struct class *l, *k;

	(void)state;
	start(&w, "link l { classifier kernel; egress rate 9mbit { class x { match tcp }; class y { match cgroup a } } }\n"
		  "link k { egress rate 9mbit { class x { match cgroup b } } }");
	l = w.o.policy->links->egress;
	k = w.o.policy->links->next->egress;
	assert_int_equal(classid_of(&w, l, "x"), classid_of(&w, k, "x"));
	cgroup(w.present, "b", classid_of(&w, k, "x"));
	assert_int_equal(go(&w, true), 0);
	assert_int_equal(match_of(l, "y")->net_cls, classid_of(&w, l, "y"));
	assert_int_not_equal(match_of(k, "x")->net_cls, classid_of(&w, l, "x"));
	assert_int_not_equal(match_of(k, "x")->net_cls, classid_of(&w, l, "y"));
	stop(&w);
}

/* ---- the difference ---- */

struct owners {
	const char *path;
	enum cgroup_owner owner;
	uint32_t before;
};

static enum cgroup_owner owner(void *arg, const struct tree_cgroup *c, uint32_t *before)
{
	const struct owners *o;

	for (o = arg; o->path; o++)
		if (!strcmp(o->path, c->path)) {
			*before = o->before;
			return o->owner;
		}
	return CGROUP_FOREIGN;
}

static int diff(struct world *w, struct owners *owners, bool take_over, struct ops *ops)
{
	struct diff_scope scope = { .cgroup_owner = owner, .arg = owners, .take_over = take_over };

	return plan_diff(&w->o.ctx, w->present, w->wanted, &scope, ops);
}

static const struct op *op_of(const struct ops *ops, const char *path)
{
	const struct op *op;

	for (op = ops->first; op && strcmp(op->cgroup->path, path);)
		op = op->next;
	assert_non_null(op);
	assert_int_equal(op->verb, OP_CGROUP);
	return op;
}

static void test_diff(void **state)
{
	struct owners owners[] = {
		{ "mine", CGROUP_OURS, 0 }, { "was", CGROUP_OURS, 0x10002 }, { "kept", CGROUP_KEPT, 0 },
		{ "moved", CGROUP_OURS, 5 }, { NULL, CGROUP_FOREIGN, 0 },
	};
	struct ops ops;
	struct world w;
	char text[80];

	(void)state;
	start(&w, "");
	cgroup(w.present, "new", 0);
	cgroup(w.present, "same", HANDLE(WEIR_MAJOR, 0x20));
	cgroup(w.present, "moved", HANDLE(WEIR_MAJOR, 0x21));
	cgroup(w.present, "mine", HANDLE(WEIR_MAJOR, 0x22));
	cgroup(w.present, "was", HANDLE(WEIR_MAJOR, 0x23));
	cgroup(w.present, "kept", HANDLE(WEIR_MAJOR, 0x24));
	cgroup(w.present, "theirs", 0x10001);
	cgroup(w.present, "other-weir", HANDLE(WEIR_MAJOR, 0x25));
	cgroup(w.wanted, "gone", HANDLE(WEIR_MAJOR, 0x30));
	cgroup(w.wanted, "moved", HANDLE(WEIR_MAJOR, 0x31));
	cgroup(w.wanted, "new", HANDLE(WEIR_MAJOR, 0x32));
	cgroup(w.wanted, "same", HANDLE(WEIR_MAJOR, 0x20));
	cgroup(w.wanted, "zzz", HANDLE(WEIR_MAJOR, 0x33));
	assert_int_equal(diff(&w, owners, false, &ops), 0);
	assert_int_equal(ops.count, 4);
	assert_int_equal(op_of(&ops, "new")->classid, HANDLE(WEIR_MAJOR, 0x32));
	assert_int_equal(op_of(&ops, "moved")->classid, HANDLE(WEIR_MAJOR, 0x31));
	assert_int_equal(op_of(&ops, "mine")->classid, 0);
	assert_int_equal(op_of(&ops, "was")->classid, 0x10002);
	assert_int_equal(op_of(&ops, "new")->phase, PHASE_CLASSIFY);
	assert_int_equal(op_of(&ops, "was")->phase, PHASE_UNHOOK);
	assert_string_equal(op_object_text(op_of(&ops, "was"), text, sizeof(text)),
			    "net_cls.classid of cgroup was");
	arena_free(&ops.arena);
	stop(&w);
}

static void test_foreign(void **state)
{
	struct owners none[] = { { NULL, CGROUP_FOREIGN, 0 } };
	struct ops ops;
	struct world w;

	(void)state;
	start(&w, "link l { egress rate 1mbit { class c { match cgroup a } } }");
	cgroup(w.present, "a", 0x10001);
	assert_int_equal(go(&w, true), 0);
	assert_int_equal(diff(&w, none, false, &ops), -EEXIST);
	assert_string_equal(w.o.ctx.error, "l: cgroup a: its net_cls.classid, 1:1, is not weir's; --take-over "
			    "replaces it and `weir down` puts it back");
	ctx_clear(&w.o.ctx);
	w.present->cgroups->classid = HANDLE(WEIR_MAJOR, 0x99);
	w.o.ctx.error = NULL;
	assert_int_equal(diff(&w, none, false, &ops), -EEXIST);
	assert_string_equal(w.o.ctx.error, "l: cgroup a: its net_cls.classid, 77e0:99, is that of weir in another "
			    "network namespace; --take-over replaces it and `weir down` puts it back");
	ctx_clear(&w.o.ctx);
	assert_int_equal(diff(&w, none, true, &ops), 0);
	assert_int_equal(ops.count, 1);
	arena_free(&ops.arena);
	stop(&w);
}

/* ---- what is remembered ---- */

static bool owns(const struct state *s, const char *link, const char *path, uint32_t classid, uint32_t *before)
{
	struct tree_cgroup c = { .dir = path, .path = path, .classid = classid };

	return state_owns_cgroup(s, link, &c, before);
}

static bool keep_b(void *arg, const char *link, const char *path)
{
	assert_string_equal(link, arg);
	return !strcmp(path, "b");
}

static void test_remembered(void **state)
{
	const uint32_t ours = HANDLE(WEIR_MAJOR, 0x20), other = HANDLE(WEIR_MAJOR, 0x21);
	uint32_t before = 99;
	struct state *s;
	struct ctx ctx;

	(void)state;
	ctx_init(&ctx);
	assert_int_equal(state_load(&ctx, UINT64_MAX, &s), 0);
	assert_false(state_has_cgroups(s));
	assert_false(owns(s, "l", "a", ours, &before));
	assert_int_equal(state_set_cgroup(&ctx, s, "l", "a", ours, 0x10001), 0);
	assert_int_equal(state_set_cgroup(&ctx, s, "l", "b", other, 0), 0);
	assert_true(state_has_cgroups(s));
	assert_true(owns(s, "l", "a", ours, &before));
	assert_int_equal(before, 0x10001);
	assert_false(owns(s, "k", "a", ours, &before));
	/* changed by weir, but killed before it could say so; and by somebody else */
	assert_true(owns(s, "l", "a", other, &before));
	assert_false(owns(s, "l", "a", 0x20002, &before));
	assert_false(owns(s, "l", "a", 0, &before));
	/* made in it later */
	assert_true(owns(s, "l", "a/in/deep", ours, &before));
	assert_int_equal(before, 0x10001);
	assert_false(owns(s, "l", "a/in", other, &before));
	assert_false(owns(s, "l", "a-b", ours, &before));
	state_keep_cgroups(s, "l", keep_b, (void *)"l");
	assert_false(owns(s, "l", "a", ours, &before));
	assert_true(owns(s, "l", "b", other, &before));
	state_keep_cgroups(s, "l", NULL, NULL);
	assert_false(state_has_cgroups(s));
	state_free(s);
	ctx_fini(&ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order), cmocka_unit_test(test_one_each), cmocka_unit_test(test_stays),
		cmocka_unit_test(test_v2_needs_none), cmocka_unit_test(test_several_links),
		cmocka_unit_test(test_kernel_filter), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_strays), cmocka_unit_test(test_diff), cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_remembered),
	};

	return cmocka_run_group_tests_name("net_cls", tests, NULL, NULL);
}
