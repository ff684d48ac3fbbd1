// SPDX-License-Identifier: GPL-2.0-or-later
/* plan/compile and plan/htb_tree: the wanted tree of a policy, figure by figure. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/compile.h"
#include "plan/htb_tree.h"
#include "qdisc/filter.h"
#include "qdisc/htb.h"

/* after lib/ctx.h: it has a function fail() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct fixture {
	struct ctx ctx;
	struct tree *present, *wanted;
	struct tree_link *link, *ifb;	/* of the wanted tree, or NULL */
	struct probe probe;
	char *warnings;
	size_t len;
	int err;
};

static void without(struct probe *probe, const char *name)
{
	unsigned int i;

	for (i = 0; kinds[i]; i++)
		if (!strcmp(kinds[i]->name, name))
			probe->have &= ~(UINT64_C(1) << i);
}

/* What a kernel without modules has: u32, pfifo. */
static void start(struct fixture *f)
{
	struct tree_link *l;

	memset(f, 0, sizeof(*f));
	ctx_init(&f->ctx);
	f->ctx.messages = open_memstream(&f->warnings, &f->len);
	f->probe = (struct probe){ .done = true, .have = UINT64_MAX };
	snprintf(f->probe.no_bpf, sizeof(f->probe.no_bpf), "it does not load");
	without(&f->probe, "flower");
	without(&f->probe, "matchall");
	without(&f->probe, "fq_codel");
	f->present = tree_new();
	l = tree_link_add(f->present, "wan0");
	l->ifindex = 7;
	l->mtu_bytes = 1500;
	l->arphrd = 1;
}

static void compile(struct fixture *f, const char *text)
{
	struct policy *policy;
	char name[TREE_NAME];

	if (conf_parse(&f->ctx, "t", text, strlen(text), &policy))
		fail_msg("%s", f->ctx.error);
	f->err = plan_compile(&f->ctx, policy, f->present, &f->probe, NULL, 0, &f->wanted);
	policy_free(policy);
	if (f->err)
		return;
	f->link = tree_link_find(f->wanted, "wan0");
	tree_ifb_name("wan0", name);
	f->ifb = tree_link_find(f->wanted, name);
}

static void stop(struct fixture *f)
{
	fclose(f->ctx.messages);
	free(f->warnings);
	ctx_fini(&f->ctx);
	tree_free(f->present);
	tree_free(f->wanted);
}

static const struct obj *class_named(const struct tree_link *link, const char *name)
{
	const struct obj *c;

	for (c = link->objs[OBJ_CLASS]; c; c = c->next)
		if (!strcmp(c->name, name))
			return c;
	fail_msg("no class '%s'", name);
	return NULL;
}

static uint64_t value(const struct fixture *f, const char *class, unsigned int row)
{
	return class_named(f->link, class)->opts->v[row].u;
}

/* ---- figures ---- */

static void test_one_line(void **state)
{
	const struct obj *q;
	struct fixture f;

	(void)state;
	start(&f);
	compile(&f, "link wan0 { egress rate 20mbit }");
	assert_int_equal(f.err, 0);
	assert_null(f.ifb);
	assert_int_equal(f.link->ifindex, 7);
	q = f.link->objs[OBJ_QDISC];
	assert_int_equal(q->handle, HANDLE(0x77e0, 0));
	assert_int_equal(q->parent, HANDLE_ROOT);
	assert_int_equal(q->opts->v[HTB_DEFAULT].u, 2);
	assert_int_equal(class_named(f.link, "")->handle, HANDLE(0x77e0, 1));
	assert_int_equal(class_named(f.link, "default")->handle, HANDLE(0x77e0, 2));
	assert_int_equal(class_named(f.link, "default")->parent, HANDLE(0x77e0, 1));
	assert_int_equal(value(&f, "default", HTB_RATE), 20000000);
	assert_int_equal(value(&f, "default", HTB_CEIL), 20000000);
	/* the default class right behind the root's, and its queue */
	assert_string_equal(f.link->objs[OBJ_CLASS]->next->name, "default");
	assert_string_equal(q->next->kind_name, "pfifo");
	assert_int_equal(q->next->parent, HANDLE(0x77e0, 2));
	assert_null(f.link->objs[OBJ_FILTER]);
	stop(&f);
}

/* Two frames, or a millisecond of the rate, kept in ticks of 64 ns. */
static void test_bursts(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	compile(&f, "link wan0 { egress rate 1gbit { class a rate 1mbit burst 20kb { match udp } } }");
	assert_in_range(value(&f, "", HTB_BURST), 125000 - 8, 125000 + 8);
	assert_in_range(value(&f, "a", HTB_BURST), 20 * 1024 - 1, 20 * 1024 + 1);
	assert_in_range(value(&f, "a", HTB_CBURST), 3028 - 1, 3028 + 1);
	stop(&f);
	/* 1514 + 34 bytes are 33 cells of 53 */
	start(&f);
	compile(&f, "link wan0 { overhead 34 atm; egress rate 1mbit }");
	assert_in_range(value(&f, "", HTB_BURST), 2 * 33 * 53 - 1, 2 * 33 * 53 + 1);
	assert_int_equal(value(&f, "", HTB_OVERHEAD), 34);
	assert_int_equal(value(&f, "", HTB_LINKLAYER), TC_LL_ATM);
	stop(&f);
}

/* Proportional to the rates, within what the kernel takes without a warning. */
static void test_quanta(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	compile(&f, "link wan0 { egress rate 100gbit {\n"
		"class a rate 40gbit { match udp }; class b rate 10gbit { match tcp }\n"
		"class c rate 8kbit { match icmp }; class d rate 1gbit quantum 5000 { match proto 50 } } }");
	assert_in_range(value(&f, "a", HTB_QUANTUM), 1, 200000);
	assert_int_equal(value(&f, "a", HTB_QUANTUM) / 4, value(&f, "b", HTB_QUANTUM));
	assert_int_equal(value(&f, "c", HTB_QUANTUM), 1514);
	assert_int_equal(value(&f, "d", HTB_QUANTUM), 5000);
	stop(&f);
}

/* PTM takes a 65th; rates are whole bytes a second. */
static void test_ptm(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	compile(&f, "link wan0 { overhead 10 ptm; egress rate 65mbit }");
	assert_int_equal(value(&f, "", HTB_RATE), 64000000);
	stop(&f);
}

static void test_leaf_queues(void **state)
{
	const struct obj *q;
	struct fixture f;

	(void)state;
	start(&f);
	compile(&f, "link wan0 { egress rate 10mbit { class a rate 1mbit ceil 1mbit queue bfifo { match udp } } }");
	for (q = f.link->objs[OBJ_QDISC]; strcmp(q->kind_name, "bfifo"); q = q->next)
		;
	/* at least 32 frames, said: the kernel's default differs from device to device */
	assert_true(opts_has(q->opts, 0));
	assert_int_equal(q->opts->v[0].u, 32 * 1514);
	assert_int_equal(HANDLE_MAJOR(q->handle), HANDLE_MINOR(q->parent));
	stop(&f);
	start(&f);
	f.probe.have = UINT64_MAX;
	compile(&f, "link wan0 { egress rate 10mbit }");
	assert_string_equal(f.link->objs[OBJ_QDISC]->next->kind_name, "fq_codel");
	stop(&f);
}

/* ---- classids ---- */

static void test_classids(void **state)
{
	uint32_t a, b;
	struct fixture f;

	(void)state;
	start(&f);
	compile(&f, "link wan0 { egress rate 9mbit { class bik rate 1mbit { match udp } } }");
	a = class_named(f.link, "bik")->handle;
	assert_int_equal(a, HANDLE(0x77e0, 0x7b97));
	stop(&f);
	/* caa has the same hash: the first in the file has it, the second the next */
	start(&f);
	compile(&f, "link wan0 { egress rate 9mbit {\n"
		"class caa rate 1mbit { match tcp }; class bik rate 1mbit { match udp } } }");
	b = class_named(f.link, "caa")->handle;
	assert_int_equal(b, a);
	assert_int_equal(class_named(f.link, "bik")->handle, a + 1);
	stop(&f);
}

/* More classes than one could think of: every classid once, none of those that are not for classes. */
static void test_many_classids(void **state)
{
	enum { N = 20000 };
	uint8_t *seen = calloc(1, 0x10000);
	char *text = malloc(N * 80), *at = text;
	const struct obj *c;
	struct fixture f;
	unsigned int i;

	(void)state;
	at += sprintf(at, "link wan0 { egress rate 99gbit {\n");
	for (i = 0; i < N; i++)
		at += sprintf(at, "class c%u rate 8kbit { match ip from 10.%u.%u.1 }\n", i, i / 250, i % 250);
	sprintf(at, "} }");
	start(&f);
	f.probe.have = UINT64_MAX;
	compile(&f, text);
	assert_int_equal(f.err, 0);
	for (c = f.link->objs[OBJ_CLASS]; c; c = c->next) {
		i = HANDLE_MINOR(c->handle);
		assert_false(seen[i]++);
		assert_true(i == 1 || i == 2 || (i >= 0x10 && i <= 0xfff0 && i >> 8 != 0x77));
	}
	stop(&f);
	free(seen);
	free(text);
}

/* ---- rules ---- */

static void test_number_of_u32_rules(void **state)
{
	char *text = malloc(3000 * 80), *at;
	struct fixture f;
	unsigned int i, n;

	(void)state;
	for (n = 2046; n <= 2047; n++) {
		at = text + sprintf(text, "link wan0 { egress rate 99gbit {\n");
		for (i = 0; i < n; i++)
			at += sprintf(at, "class c%u rate 8kbit { match ip from 10.%u.%u.1 }\n", i, i / 250,
				      i % 250);
		sprintf(at, "} }");
		start(&f);
		compile(&f, text);
		assert_int_equal(f.err, n == 2046 ? 0 : -E2BIG);
		if (f.err)
			assert_non_null(strstr(f.ctx.error, "wan0: class c2046: more than 2046 match lines"));
		stop(&f);
	}
	free(text);
}

/* An inner class's own matches come behind those of the classes in it, and lead to its default. */
static void test_order_of_rules(void **state)
{
	static const char *const wanted[] = { "a/x", "a/default", "b" };
	const struct obj *filter;
	struct fixture f;
	unsigned int i = 0;
	uint16_t prio = 0;

	(void)state;
	start(&f);
	compile(&f, "link wan0 { egress rate 9mbit {\n"
		"class a rate 2mbit { match ip from 10.0.0.1; class x rate 1mbit { match ip from 10.0.0.2 } }\n"
		"class b rate 1mbit { match ip from 10.0.0.3 } } }");
	for (filter = f.link->objs[OBJ_FILTER]; filter; filter = filter->next, i++) {
		assert_in_range(i, 0, 2);
		assert_true(filter->prio > prio);
		prio = filter->prio;
		assert_int_equal(filter->parent, HANDLE(0x77e0, 0));
		assert_int_equal(filter->opts->v[U32_CLASSID].u, class_named(f.link, wanted[i])->handle);
	}
	assert_int_equal(i, 3);
	stop(&f);
}

static void test_ingress(void **state)
{
	const struct obj *filter;
	struct fixture f;

	(void)state;
	start(&f);
	compile(&f, "link wan0 { ingress rate 9mbit { class a rate 1mbit { match ip from 10.0.0.1 } } }");
	assert_non_null(f.ifb);
	assert_true(f.ifb->ours && f.ifb->up);
	assert_string_equal(f.ifb->name, "ifb-wan0");
	assert_string_equal(f.ifb->alias, "weir:wan0");
	assert_int_equal(f.ifb->objs[OBJ_QDISC]->handle, HANDLE(0x77e0, 0));
	assert_non_null(f.ifb->objs[OBJ_FILTER]);
	/* on the link itself nothing but the hook */
	assert_int_equal(f.link->objs[OBJ_QDISC]->parent, HANDLE_CLSACT);
	assert_null(f.link->objs[OBJ_QDISC]->next);
	assert_null(f.link->objs[OBJ_CLASS]);
	filter = f.link->objs[OBJ_FILTER];
	assert_int_equal(filter->parent, HANDLE_INGRESS);
	assert_int_equal(filter->prio, 0x77e0);
	assert_int_equal(filter->protocol, 3);
	assert_string_equal(filter->actions->opts->v[MIRRED_DEV].name, "ifb-wan0");
	assert_null(filter->next);
	stop(&f);
}

static const struct obj *police_filter(const struct fixture *f, uint32_t parent)
{
	const struct obj *filter;

	for (filter = f->link->objs[OBJ_FILTER]; filter; filter = filter->next)
		if (filter->parent == parent && filter->actions &&
		    !strcmp(filter->actions->kind->name, "police"))
			return filter;
	fail_msg("no police rule at %x", parent);
	return NULL;
}

static void test_police(void **state)
{
	const struct opts *o;
	struct fixture f;

	(void)state;
	start(&f);
	compile(&f, "link wan0 { ingress rate 9mbit; police ingress rate 1mbit { match ip from 10.0.0.1 }\n"
		"police egress rate 1gbit { match ip to 10.0.0.1 } }");
	assert_in_range(police_filter(&f, HANDLE_INGRESS)->prio, 0x7700, 0x77df);
	o = police_filter(&f, HANDLE_INGRESS)->actions->opts;
	assert_int_equal(o->v[POLICE_RATE].u, 1000000);
	assert_in_range(o->v[POLICE_BURST].u, 65536 - 1, 65536 + 1);
	/* what conforms goes on to the redirect and to the filters of others */
	assert_int_equal(o->v[POLICE_CONFORM].u, POLICE_CONTINUE);
	assert_int_equal(o->v[POLICE_EXCEED].u, POLICE_DROP);
	o = police_filter(&f, HANDLE_EGRESS)->actions->opts;
	assert_in_range(o->v[POLICE_BURST].u, 2500000 - 8, 2500000 + 8);
	stop(&f);
}

/* ---- refusals ---- */

static void refused(const char *text, int err, const char *words, void (*prepare)(struct fixture *f))
{
	struct fixture f;

	start(&f);
	if (prepare)
		prepare(&f);
	compile(&f, text);
	assert_int_equal(f.err, err);
	assert_null(f.wanted);
	if (!strstr(f.ctx.error, words))
		fail_msg("'%s' is not in: %s", words, f.ctx.error);
	stop(&f);
}

static void no_police(struct fixture *f)
{
	without(&f->probe, "police");
}

static void no_filters(struct fixture *f)
{
	without(&f->probe, "u32");
}

static void no_htb(struct fixture *f)
{
	without(&f->probe, "htb");
}

static void weirs_ifb(struct fixture *f)
{
	f->present->links->ours = true;
}

static void point_to_point(struct fixture *f)
{
	f->present->links->arphrd = 512;
}

static void no_ifb(struct fixture *f)
{
	f->probe.no_ifb = true;
}

static void test_refusals(void **state)
{
	(void)state;
	refused("link wan0 { ingress rate 1mbit }", -EOPNOTSUPP,
		"ifb-wan0: this kernel has no ifb interfaces (module ifb)", no_ifb);
	refused("link nosuch { egress rate 1mbit }", -ENODEV, "nosuch: no such interface (t:1)", NULL);
	refused("link wan0 { egress rate 1mbit }", -EINVAL, "weir's own IFB", weirs_ifb);
	refused("link wan0 { egress rate 1mbit }", -EOPNOTSUPP, "this kernel has no qdisc htb (module sch_htb)",
		no_htb);
	refused("link wan0 { police ingress rate 1mbit }", -EOPNOTSUPP, "module act_police", no_police);
	refused("link wan0 { ingress rate 1mbit }", -EOPNOTSUPP, "wan0: ", no_filters);
	refused("link wan0 { egress rate 2mbit { class a rate 1mbit { match vlan 7 } } }", -EOPNOTSUPP,
		"wan0: class a: t:1: 'vlan' needs flower", NULL);
	refused("link wan0 { egress rate 2mbit { class a rate 1mbit { match mark 7 } } }", -EOPNOTSUPP,
		"'mark' needs u32 with marks", NULL);
	refused("link wan0 { egress rate 2mbit { class a rate 1mbit { match mac 02:00:00:00:00:01 } } }",
		-EOPNOTSUPP, "'mac' needs an interface with Ethernet headers", point_to_point);
}

/* An interface that is not named needs not be there. */
static void test_only_some_links(void **state)
{
	static const char text[] = "link wan0 { egress rate 1mbit }; link nosuch { egress rate 1mbit }";
	const char *only[] = { "wan0" };
	struct policy *policy;
	struct fixture f;

	(void)state;
	start(&f);
	assert_int_equal(conf_parse(&f.ctx, "t", text, strlen(text), &policy), 0);
	assert_int_equal(plan_compile(&f.ctx, policy, f.present, &f.probe, only, 1, &f.wanted), 0);
	assert_non_null(tree_link_find(f.wanted, "wan0"));
	assert_null(f.wanted->links->next);
	policy_free(policy);
	stop(&f);
}

/* HTB has no overhead below 0: more is counted than there is, which is said. */
static void test_overhead_below_zero(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	compile(&f, "link wan0 { overhead -4; egress rate 1mbit }");
	assert_int_equal(value(&f, "", HTB_OVERHEAD), 0);
	fflush(f.ctx.messages);
	assert_non_null(strstr(f.warnings, "-4"));
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_line),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_quanta),
		cmocka_unit_test(test_ptm),
		cmocka_unit_test(test_leaf_queues),
		cmocka_unit_test(test_classids),
		cmocka_unit_test(test_many_classids),
		cmocka_unit_test(test_number_of_u32_rules),
		cmocka_unit_test(test_order_of_rules),
		cmocka_unit_test(test_ingress),
		cmocka_unit_test(test_police),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_only_some_links),
		cmocka_unit_test(test_overhead_below_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
