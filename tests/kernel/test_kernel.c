// SPDX-License-Identifier: GPL-2.0-or-later
/* kernel/apply: operations, and what the kernel holds after them. Dumps: test_dump.c; faults, the
 * transport and the rest of kernel/: test_transport.c. */
#include "kt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qdisc/filter.h"
#include "qdisc/htb.h"

static struct tree_link *apply_small_tree(struct tree *tree, const char *dev)
{
	struct tree_link *link = kt_small_tree(tree, dev);
	struct ops ops = { 0 };

	kt_add_all(&ops, link);
	MUST(!kt_apply(&ops));
	return link;
}

/* ---- trees ---- */

static void htb_tree(void)
{
	struct tree *tree = tree_new(), *present;
	struct tree_link *link;
	char *text;

	kt_veth();
	link = apply_small_tree(tree, "v0");
	text = kt_sh("tc qdisc show dev v0");
	CHECK_HAS(text, "qdisc htb 77e0: root");
	CHECK_HAS(text, "default 0x2");
	text = kt_sh("tc class show dev v0");
	CHECK_HAS(text, "class htb 77e0:1 root rate 20Mbit ceil 20Mbit");
	CHECK_HAS(text, "class htb 77e0:2 parent 77e0:1 prio 0 rate 4Mbit ceil 20Mbit");
	CHECK_HAS(text, "class htb 77e0:1a parent 77e0:1 prio 0 rate 16Mbit ceil 16Mbit");
	present = kt_dump();
	kt_check_holds(link, tree_link_find(present, "v0"));
	CHECK_INT(tree_class(tree_link_find(present, "v0"), KT_CLASS(1))->parent, KT_ROOT);
	CHECK_INT(netlink_mutations(kt_nl), 4);
	tree_free(present);
	tree_free(tree);
}

static void rates_beyond_32_bits(void)
{
	struct tree *tree = tree_new(), *present;
	struct tree_link *link;
	struct ops ops = { 0 };

	kt_veth();
	link = kt_link(tree, "v0");
	kt_qdisc(tree, link, "htb", KT_ROOT, HANDLE_ROOT);
	kt_class(tree, link, KT_CLASS(1), KT_ROOT, 100000 * KT_MBIT, UINT64_C(1) << 62);
	kt_add_all(&ops, link);
	CHECK_INT(kt_apply(&ops), 0);
	CHECK_HAS(kt_sh("tc class show dev v0"), "rate 100Gbit");
	present = kt_dump();
	kt_check_holds(link, tree_link_find(present, "v0"));
	tree_free(present);
	tree_free(tree);
}

static void leaf_qdiscs(void)
{
	struct tree *tree = tree_new(), *present;
	struct tree_link *link;
	struct ops ops = { 0 };
	char *text;

	kt_need(KIND_QDISC, "tbf");
	kt_need(KIND_QDISC, "pfifo");
	kt_veth();
	link = kt_small_tree(tree, "v0");
	kt_words(kt_qdisc(tree, link, "pfifo", HANDLE(2, 0), KT_CLASS(2)), "limit 33");
	kt_words(kt_qdisc(tree, link, "tbf", HANDLE(0x1a, 0), KT_CLASS(0x1a)),
		 "rate 5mbit burst 20kb limit 100kb");
	kt_add_all(&ops, link);
	CHECK_INT(kt_apply(&ops), 0);
	text = kt_sh("tc qdisc show dev v0");
	CHECK_HAS(text, "qdisc pfifo 2: parent 77e0:2 limit 33p");
	CHECK_HAS(text, "qdisc tbf 1a: parent 77e0:1a rate 5Mbit burst 20Kb");
	present = kt_dump();
	kt_check_holds(link, tree_link_find(present, "v0"));
	tree_free(present);
	tree_free(tree);
}

/* A changed queue, then another one in the place of it, with and without a handle of its own. */
static void leaf_change_and_replace(void)
{
	struct tree *tree = tree_new();
	struct tree_link *link;
	struct obj *one, *two, *three;
	struct ops ops = { 0 };

	kt_need(KIND_QDISC, "pfifo");
	kt_need(KIND_QDISC, "bfifo");
	kt_veth();
	link = kt_small_tree(tree, "v0");
	one = kt_qdisc(tree, link, "pfifo", HANDLE(2, 0), KT_CLASS(2));
	kt_words(one, "limit 33");
	kt_add_all(&ops, link);
	MUST(!kt_apply(&ops));
	two = kt_qdisc(tree, link, "pfifo", HANDLE(2, 0), KT_CLASS(2));
	kt_words(two, "limit 44");
	kt_op(&ops, OP_CHANGE, PHASE_BUILD, link, one, two);
	CHECK_INT(kt_apply(&ops), 0);
	CHECK_HAS(kt_sh("tc qdisc show dev v0"), "qdisc pfifo 2: parent 77e0:2 limit 44p");

	three = kt_qdisc(tree, link, "bfifo", HANDLE(3, 0), KT_CLASS(2));
	kt_words(three, "limit 5000");
	kt_op(&ops, OP_REPLACE, PHASE_BUILD, link, two, three);
	CHECK_INT(kt_apply(&ops), 0);
	CHECK_HAS(kt_sh("tc qdisc show dev v0"), "qdisc bfifo 3: parent 77e0:2 limit 5000b");

	two->handle = HANDLE(3, 0);
	kt_op(&ops, OP_REPLACE, PHASE_BUILD, link, three, two);
	CHECK_INT(kt_apply(&ops), 0);
	CHECK_HAS(kt_sh("tc qdisc show dev v0 | grep pfifo"), "parent 77e0:2 limit 44p");
	CHECK_LACKS(kt_sh("tc qdisc show dev v0"), "bfifo");
	tree_free(tree);
}

/* A class counts what has left it. */
static struct tree *dump_when_sent(const char *dev, uint32_t classid, unsigned int packets)
{
	struct tree *tree;
	struct obj *class;
	int tries;

	for (tries = 0; tries < 500; tries++) {
		tree = kt_dump();
		class = tree_class(tree_link_find(tree, dev), classid);
		MUST(class && class->stats.have);
		if (class->stats.packets >= packets)
			return tree;
		tree_free(tree);
		usleep(10000);
	}
	return kt_dump();
}

static void class_change_keeps_counters(void)
{
	struct tree *tree = tree_new(), *before, *after;
	struct tree_link *link;
	struct obj *class, *changed;
	struct ops ops = { 0 };

	kt_veth();
	link = apply_small_tree(tree, "v0");
	kt_send_frames("v0", 50);
	before = dump_when_sent("v0", KT_CLASS(2), 50);
	class = tree_class(tree_link_find(before, "v0"), KT_CLASS(2));
	CHECK(class->stats.packets >= 50);
	CHECK(class->stats.bytes >= 50 * 1000);

	changed = kt_class(tree, link, KT_CLASS(2), KT_CLASS(1), 8 * KT_MBIT, 10 * KT_MBIT);
	kt_op(&ops, OP_CHANGE, PHASE_BUILD, link, class, changed);
	CHECK_INT(kt_apply(&ops), 0);
	after = kt_dump();
	class = tree_class(tree_link_find(after, "v0"), KT_CLASS(2));
	CHECK(opts_hold(class->kind, changed->opts, class->opts));
	CHECK(class->stats.packets >= 50);
	CHECK_HAS(kt_sh("tc class show dev v0 classid 77e0:2"), "rate 8Mbit ceil 10Mbit");

	/* a class that is not there is no addition */
	changed->handle = KT_CLASS(0x99);
	kt_op(&ops, OP_CHANGE, PHASE_BUILD, link, class, changed);
	CHECK_INT(kt_apply(&ops), -ENOENT);
	tree_free(before);
	tree_free(after);
	tree_free(tree);
}

static void deletions(void)
{
	struct tree *tree = tree_new(), *present;
	struct tree_link *link;
	struct ops ops = { 0 };

	kt_veth();
	kt_sh("tc qdisc show dev v0 > /run/before");
	link = apply_small_tree(tree, "v0");
	kt_op(&ops, OP_DEL, PHASE_REMOVE, link, tree_class(link, KT_CLASS(0x1a)), NULL);
	CHECK_INT(kt_apply(&ops), 0);
	CHECK_LACKS(kt_sh("tc class show dev v0"), "77e0:1a");
	kt_op(&ops, OP_DEL, PHASE_REMOVE, link, tree_qdisc_at(link, HANDLE_ROOT), NULL);
	CHECK_INT(kt_apply(&ops), 0);
	kt_sh("tc qdisc show dev v0 | diff /run/before -");
	present = kt_dump();
	CHECK(tree_root_is_default(tree_link_find(present, "v0")));
	CHECK(!tree_link_find(present, "v0")->objs[OBJ_CLASS]);
	tree_free(present);
	tree_free(tree);
}

/* ---- interfaces ---- */

static struct tree_link *ifb_link(struct tree *tree)
{
	struct tree_link *ifb = kt_link(tree, "ifb-v0");

	ifb->kind = "ifb";
	ifb->alias = "weir:v0";
	ifb->ours = true;
	return ifb;
}

static void ifb_life(void)
{
	struct tree *tree = tree_new(), *present;
	struct tree_link *ifb, *p;
	struct ops ops = { 0 };
	char *text;

	kt_veth();
	if (system("ip link add probe0 type ifb 2>/dev/null && ip link del probe0"))
		kt_skip("this kernel has no ifb");
	ifb = ifb_link(tree);
	kt_op(&ops, OP_LINK_ADD, PHASE_LINK, ifb, NULL, NULL);
	/* what hangs on it goes out in the same run, when it has an index */
	kt_op(&ops, OP_ADD, PHASE_BUILD, ifb, NULL,
	      kt_qdisc(tree, ifb, "htb", KT_ROOT, HANDLE_ROOT));
	CHECK_INT(kt_apply(&ops), 0);
	text = kt_sh("ip -d link show ifb-v0 && tc qdisc show dev ifb-v0");
	CHECK_HAS(text, "alias weir:v0");
	CHECK_HAS(text, ",UP");
	CHECK_HAS(text, "qdisc htb 77e0: root");
	present = kt_dump();
	p = tree_link_find(present, "ifb-v0");
	MUST(p);
	CHECK(p->ours && p->up);
	CHECK_STR(p->kind, "ifb");
	CHECK_STR(p->alias, "weir:v0");
	CHECK(!tree_link_find(present, "v0")->ours);

	kt_op(&ops, OP_LINK_ADD, PHASE_LINK, ifb, NULL, NULL);
	CHECK_INT(kt_apply(&ops), -EEXIST);
	kt_sh("ip link show ifb-v0");

	kt_op(&ops, OP_LINK_DEL, PHASE_REMOVE, p, NULL, NULL);
	CHECK_INT(kt_apply(&ops), 0);
	CHECK_LACKS(kt_sh("ip link show"), "ifb-v0");
	tree_free(present);
	tree_free(tree);
}

/* The name is taken: the interface that has it is left as it is. */
static void ifb_name_taken(void)
{
	struct tree *tree = tree_new();
	struct ops ops = { 0 };
	char *text;

	kt_sh("ip link add ifb-v0 type veth peer name other");
	kt_op(&ops, OP_LINK_ADD, PHASE_LINK, ifb_link(tree), NULL, NULL);
	CHECK_INT(kt_apply(&ops), -EEXIST);
	CHECK_HAS(kt_ctx.error, "ifb-v0: interface: ");
	text = kt_sh("ip link show dev ifb-v0");
	CHECK_HAS(text, "state DOWN");
	CHECK_LACKS(text, "weir:v0");
	tree_free(tree);
}

static void link_up_and_alias(void)
{
	struct tree *tree = tree_new();
	struct tree_link *link;
	struct ops ops = { 0 };
	char *text;

	kt_sh("ip link add v0 type veth peer name v1");
	link = kt_link(tree, "v0");
	link->alias = "weir:x";
	kt_op(&ops, OP_LINK_ALIAS, PHASE_LINK, link, NULL, NULL);
	kt_op(&ops, OP_LINK_UP, PHASE_LINK, link, NULL, NULL);
	CHECK_INT(kt_apply(&ops), 0);
	text = kt_sh("ip link show dev v0");
	CHECK_HAS(text, "UP");
	CHECK_HAS(text, "alias weir:x");
	tree_free(tree);
}

/* ---- filters ---- */

static void redirect_to_ifb(void)
{
	struct tree *tree = tree_new(), *present;
	struct tree_link *link, *ifb, *p;
	struct ops ops = { 0 };
	struct action *mirred;
	struct obj *filter;
	char *text;

	kt_need(KIND_FILTER, "u32");
	kt_need(KIND_ACTION, "mirred");
	kt_veth();
	if (system("ip link add ifb-v0 type ifb 2>/dev/null && ip link del ifb-v0"))
		kt_skip("this kernel has no ifb");
	link = kt_link(tree, "v0");
	ifb = ifb_link(tree);
	kt_qdisc(tree, link, "clsact", HANDLE(0xffff, 0), HANDLE_CLSACT);
	filter = kt_filter(tree, link, "u32", HANDLE_INGRESS, WEIR_PRIO, 1);
	mirred = kt_action(tree, filter, "mirred");
	strcpy(mirred->opts->v[MIRRED_DEV].name, "ifb-v0");
	mirred->opts->set |= 1u << MIRRED_DEV;
	kt_op(&ops, OP_LINK_ADD, PHASE_LINK, ifb, NULL, NULL);
	kt_add_all(&ops, link);
	CHECK_INT(kt_apply(&ops), 0);
	text = kt_sh("tc filter show dev v0 ingress");
	CHECK_HAS(text, "pref 30688 u32");
	CHECK_HAS(text, "mirred (Egress Redirect to device ifb-v0) stolen");

	kt_send_frames("v1", 20);
	present = kt_dump();
	p = tree_link_find(present, "v0");
	kt_check_holds(link, p);
	MUST(p->objs[OBJ_FILTER]);
	CHECK_INT(p->objs[OBJ_FILTER]->protocol, 3);
	MUST(p->objs[OBJ_FILTER]->actions);
	CHECK_STR(p->objs[OBJ_FILTER]->actions->opts->v[MIRRED_DEV].name, "ifb-v0");
	CHECK(p->objs[OBJ_FILTER]->stats.have);
	CHECK(p->objs[OBJ_FILTER]->stats.packets >= 20);

	kt_op(&ops, OP_DEL, PHASE_UNHOOK, p, p->objs[OBJ_FILTER], NULL);
	CHECK_INT(kt_apply(&ops), 0);
	CHECK_STR(kt_sh("tc filter show dev v0 ingress"), "");
	tree_free(present);
	tree_free(tree);
}

/* The actions lie in the options whatever these are: two actions, more than one kind. */
static void filter_with_two_actions(void)
{
	struct tree *tree = tree_new(), *present;
	struct tree_link *link;
	struct ops ops = { 0 };
	struct action *a;
	struct obj *f;
	char *text;

	kt_need(KIND_FILTER, "matchall");
	kt_need(KIND_ACTION, "police");
	kt_need(KIND_ACTION, "mirred");
	kt_veth();
	link = kt_link(tree, "v0");
	kt_qdisc(tree, link, "clsact", HANDLE(0xffff, 0), HANDLE_CLSACT);
	f = kt_filter(tree, link, "matchall", HANDLE_EGRESS, WEIR_PRIO_FIRST, 1);
	a = kt_action(tree, f, "police");
	opts_put(a->opts, POLICE_RATE, 5 * KT_MBIT);
	opts_put(a->opts, POLICE_BURST, 100000);
	opts_put(a->opts, POLICE_CONFORM, POLICE_PIPE);
	opts_put(a->opts, POLICE_EXCEED, POLICE_DROP);
	a = kt_action(tree, f, "mirred");
	strcpy(a->opts->v[MIRRED_DEV].name, "v1");
	a->opts->set |= 1u << MIRRED_DEV;
	kt_add_all(&ops, link);
	CHECK_INT(kt_apply(&ops), 0);
	text = kt_sh("tc filter show dev v0 egress");
	CHECK_HAS(text, "matchall");
	CHECK_HAS(text, "rate 5Mbit");
	CHECK_HAS(text, "action drop/pipe");
	CHECK_HAS(text, "Egress Redirect to device v1");
	present = kt_dump();
	f = tree_link_find(present, "v0")->objs[OBJ_FILTER];
	MUST(f && f->actions && f->actions->next);
	CHECK(!f->opaque);
	CHECK_STR(f->actions->kind->name, "police");
	CHECK_STR(f->actions->next->kind->name, "mirred");
	tree_free(present);
	tree_free(tree);
}

/* A prio is removed with all that it holds, and others stay. */
static void filter_prios(void)
{
	struct tree *tree = tree_new(), *present;
	struct tree_link *link, *p;
	struct ops ops = { 0 };
	struct obj *f;
	unsigned int i, n = 0;

	kt_need(KIND_FILTER, "u32");
	kt_veth();
	link = kt_small_tree(tree, "v0");
	for (i = 0; i < 6; i++) {
		f = kt_filter(tree, link, "u32", KT_ROOT, (uint16_t)(10 + i / 3), i % 3 + 1);
		opts_put(f->opts, U32_CLASSID, KT_CLASS(i % 2 ? 2 : 0x1a));
	}
	kt_add_all(&ops, link);
	CHECK_INT(kt_apply(&ops), 0);
	present = kt_dump();
	p = tree_link_find(present, "v0");
	for (f = p->objs[OBJ_FILTER]; f; f = f->next, n++) {
		CHECK_INT(f->prio, 10 + n / 3);
		CHECK_INT(f->opts->v[U32_CLASSID].u, KT_CLASS(n % 2 ? 2 : 0x1a));
		CHECK(!f->opaque);
	}
	CHECK_INT(n, 6);
	kt_op(&ops, OP_DEL, PHASE_UNHOOK, p, p->objs[OBJ_FILTER], NULL);
	CHECK_INT(kt_apply(&ops), 0);
	tree_free(present);
	present = kt_dump();
	for (n = 0, f = tree_link_find(present, "v0")->objs[OBJ_FILTER]; f; f = f->next, n++)
		CHECK_INT(f->prio, 11);
	CHECK_INT(n, 3);
	tree_free(present);
	tree_free(tree);
}

int main(int argc, char **argv)
{
	static const struct kt_test tests[] = {
		{ "htb_tree", htb_tree },
		{ "rates_beyond_32_bits", rates_beyond_32_bits },
		{ "leaf_qdiscs", leaf_qdiscs },
		{ "leaf_change_and_replace", leaf_change_and_replace },
		{ "class_change_keeps_counters", class_change_keeps_counters },
		{ "deletions", deletions },
		{ "ifb_life", ifb_life },
		{ "ifb_name_taken", ifb_name_taken },
		{ "link_up_and_alias", link_up_and_alias },
		{ "redirect_to_ifb", redirect_to_ifb },
		{ "filter_with_two_actions", filter_with_two_actions },
		{ "filter_prios", filter_prios },
	};

	return kt_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
