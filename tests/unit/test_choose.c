// SPDX-License-Identifier: GPL-2.0-or-later
/* plan/choose and plan/classifier_bpf: which classifier a link gets, why, and of what it is made. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/classify.h"
#include "kernel/program.h"
#include "plan/compile.h"
#include "qdisc/filter.h"

/* after lib/ctx.h: it has a function fail() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct fixture {
	struct ctx ctx;
	struct tree *present, *wanted;
	struct tree_link *wan0;		/* of the present tree */
	const struct tree_link *link;	/* of the wanted one, or NULL */
	struct probe probe;
	int err;
};

static void start(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	ctx_init(&f->ctx);
	f->probe = (struct probe){ .done = true, .bpf_tried = true, .have = UINT64_MAX };
	f->present = tree_new();
	f->wan0 = tree_link_add(f->present, "wan0");
	f->wan0->ifindex = 7;
	f->wan0->mtu_bytes = 1500;
	f->wan0->arphrd = 1;
}

static void without(struct fixture *f, const char *name)
{
	unsigned int i;

	for (i = 0; kinds[i]; i++)
		if (!strcmp(kinds[i]->name, name))
			f->probe.have &= ~(UINT64_C(1) << i);
}

static void compile(struct fixture *f, const char *text)
{
	struct policy *policy;

	if (conf_parse(&f->ctx, "t", text, strlen(text), &policy))
		fail_msg("%s", f->ctx.error);
	tree_free(f->wanted);
	f->wanted = NULL;
	f->err = plan_compile(&f->ctx, policy, f->present, &f->probe, NULL, 0, &f->wanted);
	policy_free(policy);
	f->link = f->err ? NULL : tree_link_find(f->wanted, "wan0");
}

static void stop(struct fixture *f)
{
	ctx_fini(&f->ctx);
	tree_free(f->present);
	tree_free(f->wanted);
}

static const struct obj *filter_at(const struct fixture *f, uint32_t parent, uint16_t prio)
{
	const struct obj *o;

	for (o = f->link->objs[OBJ_FILTER]; o; o = o->next)
		if (o->parent == parent && o->prio == prio)
			return o;
	return NULL;
}

static const struct classify_config *config_of(const struct obj *filter)
{
	assert_non_null(filter->program);
	assert_int_equal(filter->program->constants_bytes, sizeof(struct classify_config));
	return filter->program->constants;
}

static const char both[] =
	"link wan0 { egress rate 9mbit { class a rate 1mbit { match udp } }; ingress rate 9mbit }";

static void test_bpf(void **state)
{
	const struct obj *e, *i;
	struct fixture f;

	(void)state;
	start(&f);
	compile(&f, both);
	assert_int_equal(f.err, 0);
	assert_string_equal(f.link->classifier, "bpf");
	assert_null(f.link->why_classifier);
	assert_non_null(tree_qdisc_at(f.link, HANDLE_CLSACT));
	e = filter_at(&f, HANDLE_EGRESS, WEIR_PRIO);
	i = filter_at(&f, HANDLE_INGRESS, WEIR_PRIO);
	assert_true(e && i);
	assert_null(tree_link_find(f.wanted, "ifb-wan0")->objs[OBJ_FILTER]);
	assert_string_equal(e->kind_name, "bpf");
	assert_int_equal(opts_get(e->opts, BPF_DIRECT, 0), 1);
	assert_null(e->actions);
	assert_int_equal(opts_get(i->opts, BPF_DIRECT, 1), 0);
	assert_string_equal(i->actions->kind->name, "mirred");
	assert_string_equal(i->actions->opts->v[MIRRED_DEV].name, "ifb-wan0");
	assert_int_equal(e->n_rules, 1);
	assert_int_equal(i->n_rules, 0);
	assert_int_equal(config_of(e)->otherwise.classid, HANDLE(WEIR_MAJOR, WEIR_MINOR_DEFAULT));
	stop(&f);
}

/* The same rules are the same program, other rules another one. */
static void test_names(void **state)
{
	struct fixture f, g;

	(void)state;
	start(&f);
	start(&g);
	compile(&f, both);
	compile(&g, both);
	assert_string_equal(filter_at(&f, HANDLE_EGRESS, WEIR_PRIO)->program->name,
			    filter_at(&g, HANDLE_EGRESS, WEIR_PRIO)->program->name);
	compile(&g, "link wan0 { egress rate 9mbit { class a rate 1mbit { match tcp } } }");
	assert_string_not_equal(filter_at(&f, HANDLE_EGRESS, WEIR_PRIO)->program->name,
				filter_at(&g, HANDLE_EGRESS, WEIR_PRIO)->program->name);
	stop(&f);
	stop(&g);
}

static void expect_kernel(struct fixture *f, const char *text, const char *why)
{
	compile(f, text);
	if (f->err)
		fail_msg("%s", f->ctx.error);
	assert_string_equal(f->link->classifier, "kernel");
	assert_string_equal(f->link->why_classifier, why);
	assert_null(filter_at(f, HANDLE_EGRESS, WEIR_PRIO));
}

static void test_fallback(void **state)
{
	struct obj *q;
	struct fixture f;

	(void)state;
	start(&f);
	snprintf(f.probe.no_bpf, sizeof(f.probe.no_bpf), "it needs CAP_BPF");
	expect_kernel(&f, both, "it needs CAP_BPF");
	*f.probe.no_bpf = 0;
	without(&f, "bpf");
	expect_kernel(&f, both, "this kernel has no cls_bpf");
	f.probe.have = UINT64_MAX;
	q = tree_obj_add(f.present, f.wan0, OBJ_QDISC);
	q->parent = HANDLE_CLSACT;
	q->kind_name = "ingress";
	expect_kernel(&f, "link wan0 { egress rate 9mbit }",
		      "qdisc ingress, which is not weir's, is in the place of clsact");
	stop(&f);
}

static void expect_refused(struct fixture *f, const char *text, int err, const char *why)
{
	compile(f, text);
	assert_int_equal(f->err, err);
	assert_string_equal(f->ctx.error, why);
	ctx_clear(&f->ctx);
}

static void test_forced(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	compile(&f, "link wan0 { classifier kernel; egress rate 9mbit }");
	assert_string_equal(f.link->classifier, "kernel");
	assert_null(f.link->why_classifier);
	snprintf(f.probe.no_bpf, sizeof(f.probe.no_bpf), "it needs CAP_BPF");
	expect_refused(&f, "link wan0 { classifier bpf; egress rate 9mbit }", -EOPNOTSUPP,
		       "wan0: classifier bpf: it needs CAP_BPF");
	stop(&f);
}

/* More general rules than vectors have bits: the kernel's filters have them, and nothing is left of the
 * try. */
static void test_too_many_rules(void **state)
{
	char *text;
	struct fixture f;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	unsigned int i;

	(void)state;
	fputs("link wan0 { egress rate 9mbit; ingress rate 9mbit { class a rate 1mbit {\n", out);
	for (i = 0; i <= CLASSIFY_RULES; i++)
		fprintf(out, "match udp dport %u\n", 1000 + 2 * i);
	fputs("} } }", out);
	fclose(out);
	start(&f);
	compile(&f, text);
	assert_int_equal(f.err, 0);
	assert_string_equal(f.link->classifier, "kernel");
	assert_non_null(f.link->why_classifier);
	assert_null(filter_at(&f, HANDLE_EGRESS, WEIR_PRIO));
	assert_string_not_equal(filter_at(&f, HANDLE_INGRESS, WEIR_PRIO)->kind_name, "bpf");
	free(text);
	stop(&f);
}

static void test_without_ethernet(void **state)
{
	const struct obj *i;
	struct fixture f;

	(void)state;
	start(&f);
	f.wan0->arphrd = 512;	/* ARPHRD_PPP */
	compile(&f, both);
	i = filter_at(&f, HANDLE_INGRESS, WEIR_PRIO);
	assert_false(config_of(i)->use & CLASSIFY_ETHERNET);
	assert_false(config_of(filter_at(&f, HANDLE_EGRESS, WEIR_PRIO))->use & CLASSIFY_ETHERNET);
	expect_refused(&f, "link wan0 { egress rate 9mbit { class a rate 1mbit { match vlan 7 } } }",
		       -EOPNOTSUPP, "wan0: class a: t:1: 'vlan' needs an interface with Ethernet headers");
	stop(&f);
}

/* Marks that rules ask for at ingress come from the connection, before the program looks. */
static void test_marks(void **state)
{
	const struct obj *before;
	struct fixture f;

	(void)state;
	start(&f);
	compile(&f, "link wan0 { ingress rate 9mbit { class a rate 1mbit { match mark 1 } } }");
	before = filter_at(&f, HANDLE_INGRESS, WEIR_PRIO_LIMITS - 1);
	assert_string_equal(before->actions->kind->name, "connmark");
	assert_int_equal(opts_get(before->actions->opts, CONNMARK_CONTROL, 0), CONNMARK_CONTINUE);
	assert_int_equal(opts_get(before->opts, BPF_DIRECT, 1), 0);
	compile(&f, "link wan0 { ingress rate 9mbit { class a rate 1mbit mark 0x20/0xf0 { class b rate 8kbit { match udp } } } }");
	assert_int_equal(f.err, 0);
	assert_true(config_of(filter_at(&f, HANDLE_INGRESS, WEIR_PRIO))->use & CLASSIFY_MARKING);
	stop(&f);
}

/* ---- police rules ---- */

static unsigned int count_at(const struct fixture *f, uint32_t parent, uint16_t first, uint16_t last)
{
	const struct obj *o;
	unsigned int n = 0;

	for (o = f->link->objs[OBJ_FILTER]; o; o = o->next)
		n += o->parent == parent && o->prio >= first && o->prio <= last;
	return n;
}

static const char polices[] =
	"link wan0 { police ingress rate 1mbit { match udp dport 9; match from 10.0.0.0/8; match user 7 }\n"
	"police ingress rate 2mbit\n"
	"police egress rate 3mbit { match cgroup a } }";

/* A filter a rule, which runs the bucket's action where any of its lines matches and does nothing else. */
static void test_police(void **state)
{
	const struct obj *lines, *all;
	struct fixture f;

	(void)state;
	start(&f);
	compile(&f, polices);
	if (f.err)
		fail_msg("%s", f.ctx.error);
	assert_null(f.link->classifier);
	assert_int_equal(count_at(&f, HANDLE_INGRESS, WEIR_PRIO_FIRST, WEIR_PRIO - 1), 2);
	assert_int_equal(count_at(&f, HANDLE_EGRESS, WEIR_PRIO_FIRST, WEIR_PRIO - 1), 1);
	lines = filter_at(&f, HANDLE_INGRESS, WEIR_PRIO_FIRST);
	all = filter_at(&f, HANDLE_INGRESS, WEIR_PRIO_FIRST + 1);
	assert_string_equal(lines->kind_name, "bpf");
	assert_int_equal(opts_get(lines->opts, BPF_DIRECT, 1), 0);
	assert_string_equal(lines->name, "police: udp dport 9; from 10.0.0.0/8; user 7");
	assert_string_equal(all->name, "police: all");
	assert_string_equal(lines->actions->kind->name, "police");
	assert_null(lines->actions->next);
	assert_true(opts_has(lines->actions->opts, POLICE_INDEX));
	assert_int_not_equal(opts_get(lines->actions->opts, POLICE_INDEX, 0),
			     opts_get(all->actions->opts, POLICE_INDEX, 0));
	assert_true(config_of(lines)->use & CLASSIFY_FILTER);
	assert_false(config_of(lines)->use & CLASSIFY_MARKING);
	assert_int_equal(config_of(lines)->otherwise.rule, CLASSIFY_NO_RULE);
	assert_int_equal(config_of(all)->otherwise.rule, 0);
	stop(&f);
}

/* A link's police rules go with its classifier; where it has none, with the best there is. */
static void test_police_with(void **state)
{
	static const char *const kinds_of[][2] = {
		{ "link wan0 { egress rate 9mbit; police egress rate 1mbit { match udp } }", "bpf" },
		{ "link wan0 { classifier kernel; egress rate 9mbit; police egress rate 1mbit { match udp } }",
		  "flower" },
		{ "link wan0 { classifier kernel; police egress rate 1mbit { match udp } }", "flower" },
		{ "link wan0 { classifier bpf; police egress rate 1mbit { match udp } }", "bpf" },
	};
	struct fixture f;
	unsigned int i;

	(void)state;
	start(&f);
	for (i = 0; i < sizeof(kinds_of) / sizeof(kinds_of[0]); i++) {
		compile(&f, kinds_of[i][0]);
		assert_int_equal(f.err, 0);
		assert_string_equal(filter_at(&f, HANDLE_EGRESS, WEIR_PRIO_FIRST)->kind_name, kinds_of[i][1]);
	}
	snprintf(f.probe.no_bpf, sizeof(f.probe.no_bpf), "it needs CAP_BPF");
	compile(&f, "link wan0 { police egress rate 1mbit { match udp } }");
	assert_string_equal(filter_at(&f, HANDLE_EGRESS, WEIR_PRIO_FIRST)->kind_name, "flower");
	expect_refused(&f, "link wan0 { police egress rate 1mbit { match user 7 } }", -EOPNOTSUPP,
		       "wan0: police: t:1: 'user' needs the bpf classifier; classifier bpf: it needs CAP_BPF");
	expect_refused(&f, "link wan0 { classifier bpf; police egress rate 1mbit }", -EOPNOTSUPP,
		       "wan0: classifier bpf: it needs CAP_BPF");
	*f.probe.no_bpf = 0;
	expect_refused(&f, "link wan0 { classifier kernel; police egress rate 1mbit { match user 7 } }",
		       -EOPNOTSUPP, "wan0: police: t:1: 'user' needs the bpf classifier");
	f.wan0->arphrd = 512;	/* ARPHRD_PPP */
	expect_refused(&f, "link wan0 { police egress rate 1mbit { match vlan 7 } }", -EOPNOTSUPP,
		       "wan0: police: t:1: 'vlan' needs an interface with Ethernet headers");
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bpf),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_fallback),
		cmocka_unit_test(test_forced),
		cmocka_unit_test(test_too_many_rules),
		cmocka_unit_test(test_without_ethernet),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_police),
		cmocka_unit_test(test_police_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
