// SPDX-License-Identifier: GPL-2.0-or-later
/* kernel/dump: what the kernel holds, undisturbed and understood. */
#include "kt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qdisc/filter.h"

/* ---- what is there ---- */

static void links(void)
{
	struct tree *tree;
	struct tree_link *v1;

	kt_links();
	kt_sh("ip link set v1 alias 'a b'");
	tree = kt_dump();
	v1 = tree_link_find(tree, "v1");
	MUST(v1);
	CHECK_INT(v1->ifindex, atoi(kt_sh("cat /sys/class/net/v1/ifindex 2>/dev/null || "
					  "ip -o link show v1 | cut -d: -f1")));
	CHECK_INT(v1->mtu_bytes, 1400);
	CHECK_INT(v1->arphrd, 1);
	CHECK(v1->up);
	CHECK_STR(v1->kind, "veth");
	CHECK_STR(v1->alias, "a b");
	CHECK(!tree_link_find(tree, "w0")->up);
	CHECK_INT(tree_link_find(tree, "lo")->arphrd, 772);
	CHECK_STR(tree_link_find(tree, "lo")->kind, "");
	CHECK(tree_root_is_default(v1));
	tree_free(tree);
}

static bool wants_v0(const struct tree_link *link, void *arg)
{
	(void)arg;
	return !strcmp(link->name, "v0");
}

static void only_wanted_links(void)
{
	struct tree *tree;

	kt_links();
	kt_sh("tc qdisc add dev v0 root handle 1: htb; tc qdisc add dev v1 root handle 1: htb");
	MUST(!kernel_dump(&kt_ctx, kt_nl, wants_v0, NULL, &tree));
	CHECK(tree_link_find(tree, "v0")->objs[OBJ_QDISC]);
	CHECK(!tree_link_find(tree, "v1")->objs[OBJ_QDISC]);
	tree_free(tree);
}

static void parents_before_children(void)
{
	struct tree *tree;
	struct tree_link *v0;
	const struct obj *c;
	unsigned int i, n = 0;

	kt_links();
	kt_sh("tc qdisc add dev v0 root handle 1: htb");
	for (i = 1; i <= 40; i++)
		kt_sh("tc class add dev v0 parent 1:%x classid 1:%x htb rate 1mbit",
		      i % 6 ? i - 1 : 0, i);
	kt_sh("tc qdisc add dev v0 parent 1:5 handle 2: pfifo limit 7");
	tree = kt_dump();
	v0 = tree_link_find(tree, "v0");
	for (c = v0->objs[OBJ_CLASS]; c; c = c->next, n++)
		if (HANDLE_MINOR(c->parent)) {
			const struct obj *p = v0->objs[OBJ_CLASS];

			while (p != c && p->handle != c->parent)
				p = p->next;
			CHECK(p != c);
		}
	CHECK_INT(n, 40);
	CHECK_INT(v0->objs[OBJ_QDISC]->parent, HANDLE_ROOT);
	MUST(tree_qdisc_at(v0, HANDLE(1, 5)));
	CHECK_INT(tree_qdisc_at(v0, HANDLE(1, 5))->handle, HANDLE(2, 0));
	CHECK(!tree_qdisc_at(v0, HANDLE(1, 0x0b)));	/* the kernel's own are not told */
	tree_free(tree);
}

static void unknown_kinds_are_opaque(void)
{
	struct tree *tree;
	const struct obj *q;

	kt_links();
	if (system("tc qdisc add dev v0 root handle 3: prio bands 4 2>/dev/null"))
		kt_skip("this kernel has no sch_prio");
	tree = kt_dump();
	q = tree_qdisc_at(tree_link_find(tree, "v0"), HANDLE_ROOT);
	MUST(q);
	CHECK(!q->kind && !q->opts && q->opaque && q->raw && q->raw_len);
	CHECK_STR(q->kind_name, "prio");
	CHECK(!tree_link_find(tree, "v0")->objs[OBJ_CLASS]);
	tree_free(tree);
}

static void u32_tables(void)
{
	struct tree *tree;
	const struct obj *f;

	kt_links();
	kt_need(KIND_FILTER, "u32");
	kt_sh("tc qdisc add dev v0 root handle 1: htb;"
	      "tc filter add dev v0 parent 1: prio 5 handle 2: protocol ip u32 divisor 16;"
	      "tc filter add dev v0 parent 1: prio 5 protocol ip u32 ht 2:3: "
	      "match ip src 10.0.0.3 flowid 1:1;"
	      "tc filter add dev v0 parent 1: prio 5 protocol ip u32 ht 800:: "
	      "match ip dst 10.0.0.0/8 link 2: hashkey mask 0xf at 12;"
	      "tc filter add dev v0 parent 1: prio 6 protocol ip u32 "
	      "match ip tos 4 0xff flowid 1:1");
	tree = kt_dump();
	f = tree_link_find(tree, "v0")->objs[OBJ_FILTER];
	MUST(f);
	CHECK_INT(f->handle, 0x00200000);
	CHECK(f->opaque);
	f = f->next;
	MUST(f && f->next && f->next->next);
	CHECK(f->opaque);		/* it is in that table */
	CHECK(f->next->opaque);		/* it leads there */
	CHECK(!f->next->next->opaque);
	CHECK_INT(f->next->next->prio, 6);
	CHECK_INT(f->next->next->protocol, 0x0800);
	CHECK_INT(f->next->next->opts->v[U32_CLASSID].u, HANDLE(1, 1));
	CHECK(!f->next->next->next);
	tree_free(tree);
}

/* The kernel tells u32 filters of both hooks at each when they have one prio. */
static void u32_on_both_hooks(void)
{
	struct tree *tree;
	const struct obj *f;
	unsigned int n = 0;

	kt_links();
	kt_need(KIND_FILTER, "u32");
	kt_sh("tc qdisc add dev v0 clsact;"
	      "tc filter add dev v0 ingress prio 7 u32 match u32 1 1 classid 1:1;"
	      "tc filter add dev v0 egress prio 7 u32 match u32 2 2 classid 1:2;"
	      "tc filter add dev v0 ingress prio 7 u32 match u32 1 1 classid 1:1;"
	      "tc filter add dev v0 egress prio 8 u32 match u32 2 2 classid 1:2");
	tree = kt_dump();
	for (f = tree_link_find(tree, "v0")->objs[OBJ_FILTER]; f; f = f->next, n++)
		CHECK_INT(f->opts->v[U32_CLASSID].u,
			  HANDLE(1, f->parent == HANDLE_INGRESS ? 1 : 2));
	CHECK_INT(n, 4);
	CHECK_INT(tree_link_find(tree, "v0")->last[OBJ_FILTER]->prio, 8);
	tree_free(tree);
}

/* ---- undisturbed ---- */

struct meddler {
	const char *command;	/* %d: how often it ran */
	int asked, most;
};

/* Called once a link and an attempt, between the dump of links and that of qdiscs. */
static bool meddle(const struct tree_link *link, void *arg)
{
	struct meddler *m = arg;

	if (strcmp(link->name, "v0"))
		return false;
	if (m->asked++ < m->most)
		kt_sh("minor=%d; %s", m->asked, m->command);
	return true;
}

static void disturbed_dump_is_made_again(void)
{
	struct meddler m = {
		"tc class add dev v0 parent 1: classid 1:1$minor htb rate 1mbit", 0, 3
	};
	struct tree *tree;

	kt_links();
	kt_sh("tc qdisc add dev v0 root handle 1: htb");
	MUST(!kernel_dump(&kt_ctx, kt_nl, meddle, &m, &tree));
	CHECK_INT(m.asked, 4);
	CHECK(tree_class(tree_link_find(tree, "v0"), HANDLE(1, 0x13)));
	tree_free(tree);

	m = (struct meddler){ "ip link set v0 mtu $((1000 + minor))", 0, 1 };
	MUST(!kernel_dump(&kt_ctx, kt_nl, meddle, &m, &tree));
	CHECK_INT(m.asked, 2);
	CHECK_INT(tree_link_find(tree, "v0")->mtu_bytes, 1001);
	tree_free(tree);
}

static void other_links_do_not_disturb(void)
{
	struct meddler m = { "tc qdisc add dev w0 root handle 1: htb", 0, 1 };
	struct tree *tree;

	kt_links();
	MUST(!kernel_dump(&kt_ctx, kt_nl, meddle, &m, &tree));
	CHECK_INT(m.asked, 1);
	tree_free(tree);
}

static void endless_disturbance_is_an_error(void)
{
	struct meddler m = {
		"tc class change dev v0 parent 1: classid 1:1 htb rate ${minor}mbit", 0, 99
	};
	struct tree *tree = NULL;

	kt_links();
	kt_sh("tc qdisc add dev v0 root handle 1: htb;"
	      "tc class add dev v0 parent 1: classid 1:1 htb rate 1mbit");
	CHECK_INT(kernel_dump(&kt_ctx, kt_nl, meddle, &m, &tree), -EBUSY);
	CHECK_INT(m.asked, 9);
	CHECK(!tree);
	CHECK_HAS(kt_ctx.error, "keeps changing");
}

/* More events than fit are a disturbance, too. */
static void flood_of_events(void)
{
	struct meddler m = {
		"for i in $(seq 2000); do echo class change dev v0 parent 1: classid 1:1 "
		"htb rate ${i}kbit; done | tc -batch -", 0, 1
	};
	struct tree *tree;

	kt_links();
	kt_sh("tc qdisc add dev v0 root handle 1: htb;"
	      "tc class add dev v0 parent 1: classid 1:1 htb rate 1mbit");
	MUST(!kernel_dump(&kt_ctx, kt_nl, meddle, &m, &tree));
	CHECK_INT(m.asked, 2);
	tree_free(tree);
}

int main(int argc, char **argv)
{
	static const struct kt_test tests[] = {
		{ "links", links },
		{ "only_wanted_links", only_wanted_links },
		{ "parents_before_children", parents_before_children },
		{ "unknown_kinds_are_opaque", unknown_kinds_are_opaque },
		{ "u32_tables", u32_tables },
		{ "u32_on_both_hooks", u32_on_both_hooks },
		{ "disturbed_dump_is_made_again", disturbed_dump_is_made_again },
		{ "other_links_do_not_disturb", other_links_do_not_disturb },
		{ "endless_disturbance_is_an_error", endless_disturbance_is_an_error },
		{ "flood_of_events", flood_of_events },
	};

	return kt_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
