// SPDX-License-Identifier: GPL-2.0-or-later
/* src/conf: what each statement of the language means, as the policy that comes out. */
#include "test_conf.h"

#include "conf/framing.h"

#define MBIT UINT64_C(1000000)
#define KBIT UINT64_C(1000)

/* ---- texts ---- */

static void test_nothing(void **state)
{
	static const char *const texts[] = { "", "\n", "# only this", ";;\n;", "\xef\xbb\xbf# BOM\r\n", " \t" };
	struct outcome o;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		o = parse_good(texts[i]);
		assert_null(o.policy->links);
		assert_null(o.policy->limits);
		outcome_free(&o);
	}
}

static void test_spelling(void **state)
{
	struct outcome o = parse_good("\xef\xbb\xbf# caf\xc3\xa9\r\n"
				      "link \"wan0\"{egress rate 20mbit{class\tx rate 1mbit{match all}}}# end\r\n"
				      "link \"a\\\"\\\\{;}#\" { ingress rate 1mbit };;link\tb\xc3\xa9{}");
	struct link *link = o.policy->links;

	(void)state;
	assert_string_equal(link->name, "wan0");
	assert_int_equal(link->loc.line, 2);
	assert_int_equal(link->loc.column, 6);
	assert_string_equal(link->loc.file, "t");
	assert_int_equal(child_of(link->egress, "x")->rate_bit, MBIT);
	assert_string_equal(link->next->name, "a\"\\{;}#");
	assert_string_equal(link->next->next->name, "b\xc3\xa9");
	assert_int_equal(link->next->next->loc.column, 47);
	outcome_free(&o);
}

static void test_one_line(void **state)
{
	struct outcome o = parse_good("link wan0 { egress rate 20mbit; ingress rate 100mbit }");
	struct class *root = o.policy->links->egress, *c = root->children;

	(void)state;
	assert_string_equal(o.warnings, "");
	assert_string_equal(root->name, "");
	assert_string_equal(root->path, "");
	assert_int_equal(root->rate_bit, 20 * MBIT);
	assert_int_equal(root->ceil_bit, 20 * MBIT);
	assert_null(root->parent);
	assert_true(c->is_default && c->implied);
	assert_string_equal(c->name, "default");
	assert_string_equal(c->path, "default");
	assert_ptr_equal(c->parent, root);
	assert_int_equal(c->rate_bit, 20 * MBIT);
	assert_int_equal(c->ceil_bit, 20 * MBIT);
	assert_int_equal(c->prio, 3);
	assert_null(c->next);
	assert_int_equal(o.policy->links->ingress->rate_bit, 100 * MBIT);
	assert_false(o.policy->links->framing.set);
	assert_int_equal(o.policy->links->classifier, CLASSIFIER_AUTO);
	outcome_free(&o);
}

/* ---- classes ---- */

static void test_class_options(void **state)
{
	struct outcome o = parse_good(
		"link a { egress rate 10mbit ceil 20mbit burst 20kb cburst 30kb {\n"
		" class x rate 1mbit ceil 2mbit prio 7 burst 4kb cburst 5kb quantum 1514 { match all }\n"
		" default rate 2mbit prio 0 burst 6kb\n}}");
	const struct class *root = o.policy->links->egress, *x = child_of(root, "x");
	const struct class *d = child_of(root, "default");

	(void)state;
	assert_int_equal(root->ceil_bit, 20 * MBIT);
	assert_int_equal(root->burst_bytes, 20 << 10);
	assert_int_equal(root->cburst_bytes, 30 << 10);
	assert_int_equal(root->set, CLASS_RATE | CLASS_CEIL | CLASS_BURST | CLASS_CBURST);
	assert_int_equal(x->set, CLASS_RATE | CLASS_CEIL | CLASS_PRIO | CLASS_BURST | CLASS_CBURST |
				 CLASS_QUANTUM);
	assert_int_equal(x->rate_bit, MBIT);
	assert_int_equal(x->ceil_bit, 2 * MBIT);
	assert_int_equal(x->prio, 7);
	assert_int_equal(x->burst_bytes, 4096);
	assert_int_equal(x->cburst_bytes, 5120);
	assert_int_equal(x->quantum_bytes, 1514);
	assert_string_equal(x->path, "x");
	assert_int_equal(x->loc.line, 2);
	assert_int_equal(x->loc.column, 8);
	assert_true(d->is_default && !d->implied);
	assert_int_equal(d->rate_bit, 2 * MBIT);
	assert_int_equal(d->ceil_bit, 20 * MBIT);
	assert_int_equal(d->prio, 0);
	assert_int_equal(d->burst_bytes, 6144);
	outcome_free(&o);
}

static void test_default_is_last(void **state)
{
	struct outcome o = parse_good("link a { egress rate 10mbit { default rate 1mbit\n"
				      " class x rate 1mbit { match tcp }; class y rate 1mbit { match udp } } }");
	const struct class *c = o.policy->links->egress->children;

	(void)state;
	assert_string_equal(c->name, "x");
	assert_string_equal(c->next->name, "y");
	assert_true(c->next->next->is_default);
	assert_null(c->next->next->next);
	outcome_free(&o);
}

struct rates {
	const char *classes;	/* in an egress of 10mbit, ceil 20mbit */
	const char *name;
	uint64_t rate_bit, ceil_bit;
};

static void test_rates(void **state)
{
	static const struct rates samples[] = {
		/* shares: of the parent's rate, and of its ceil */
		{ "class x rate 10% ceil 100% { match all }", "x", MBIT, 20 * MBIT },
		{ "class x rate 12.5% ceil 50% { match all }", "x", 1250 * KBIT, 10 * MBIT },
		{ "class x rate 33.3333% { match all }", "x", 3333330, 3333330 },
		{ "class x rate 0.001% { match all }", "x", 100, 100 },
		/* without ceil: the rate; without rate: a hundredth of the parent's, and its ceil */
		{ "class x rate 1mbit { match all }", "x", MBIT, MBIT },
		{ "class x { match all }", "x", 100 * KBIT, 20 * MBIT },
		{ "class x ceil 5mbit { match all }", "x", 100 * KBIT, 5 * MBIT },
		{ "class x ceil 50kbit { match all }", "x", 50 * KBIT, 50 * KBIT },
		/* the default: what is left, but not less than a hundredth */
		{ "", "default", 10 * MBIT, 20 * MBIT },
		{ "class x rate 4mbit { match all }", "default", 6 * MBIT, 20 * MBIT },
		{ "class x rate 100% { match all }", "default", 100 * KBIT, 20 * MBIT },
		{ "class x { match all }", "default", 9900 * KBIT, 20 * MBIT },
		{ "class x rate 4mbit { match all }; default", "default", 6 * MBIT, 20 * MBIT },
		{ "class x rate 4mbit { match all }; default prio 1", "default", 6 * MBIT, 20 * MBIT },
		{ "default rate 2mbit", "default", 2 * MBIT, 20 * MBIT },
		{ "default rate 20%", "default", 2 * MBIT, 20 * MBIT },
		{ "default ceil 3mbit", "default", 3 * MBIT, 3 * MBIT },
		{ "default rate 1mbit ceil 50%", "default", MBIT, 10 * MBIT },
		{ "default rate 30mbit", "default", 30 * MBIT, 30 * MBIT },
	};
	struct outcome o;
	const struct class *c;
	char text[300];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		print_message("%s: %s\n", samples[i].classes, samples[i].name);
		snprintf(text, sizeof(text), "link a { egress rate 10mbit ceil 20mbit { %s } }",
			 samples[i].classes);
		o = parse_good(text);
		c = child_of(o.policy->links->egress, samples[i].name);
		assert_int_equal(c->rate_bit, samples[i].rate_bit);
		assert_int_equal(c->ceil_bit, samples[i].ceil_bit);
		outcome_free(&o);
	}
}

static void test_low_and_high_rates(void **state)
{
	struct outcome o = parse_good(
		"link a { egress rate 8bit { class x rate 100% { match all } }\n"
		" ingress rate 9223372036854775808bit { class x rate 50% { match all }; class y { match tcp } } }");
	const struct link *link = o.policy->links;

	(void)state;
	assert_int_equal(child_of(link->egress, "x")->rate_bit, 8);
	assert_int_equal(child_of(link->egress, "default")->rate_bit, 8);
	assert_int_equal(child_of(link->ingress, "x")->rate_bit, UINT64_C(1) << 62);
	assert_int_equal(child_of(link->ingress, "y")->rate_bit, (UINT64_C(1) << 63) / 100);
	assert_int_equal(child_of(link->ingress, "y")->ceil_bit, UINT64_C(1) << 63);
	outcome_free(&o);
}

static void test_nesting(void **state)
{
	struct outcome o = parse_good(
		"link a { egress rate 10mbit {\n"
		" class plain rate 4mbit { class p rate 3mbit { match tcp }; class q rate 50% { match udp } }\n"
		" class own rate 2mbit { match ip; class p rate 500kbit { match tcp } }\n"
		" class said rate 2mbit { match ip6; class p rate 500kbit { match tcp }; default rate 1mbit prio 5 }\n"
		"}}");
	const struct class *root = o.policy->links->egress, *c = child_of(root, "plain"), *d;

	(void)state;
	assert_string_equal(child_of(c, "q")->path, "plain/q");
	assert_int_equal(child_of(c, "q")->rate_bit, 2 * MBIT);
	assert_null(child_of(c, "q")->next);	/* no match of its own: no default */
	c = child_of(root, "own");
	assert_non_null(c->matches);
	d = child_of(c, "default");
	assert_true(d->is_default && d->implied);
	assert_string_equal(d->path, "own/default");
	assert_int_equal(d->rate_bit, 1500 * KBIT);
	assert_int_equal(d->ceil_bit, 2 * MBIT);
	d = child_of(child_of(root, "said"), "default");
	assert_false(d->implied);
	assert_int_equal(d->rate_bit, MBIT);
	assert_int_equal(d->prio, 5);
	outcome_free(&o);
}

static void test_deepest(void **state)
{
	struct outcome o = parse_good("link a { egress rate 1mbit { class a { class a { class a { class a {"
				      "class a { class a { class a { match all } } } } } } } } }");
	const struct class *c = o.policy->links->egress;
	int i;

	(void)state;
	for (i = 0; i < 7; i++)
		c = child_of(c, "a");
	assert_string_equal(c->path, "a/a/a/a/a/a/a");
	assert_null(c->children);
	outcome_free(&o);
}

static void test_queue(void **state)
{
	struct outcome o = parse_good(
		"link a { egress rate 1mbit queue fq_codel limit 77\n"
		" ingress rate 10mbit {\n"
		"  class x queue fq_codel quantum 300 ecn rate 1mbit prio 2 { match all }\n"
		"  class y prio 1 queue fq_codel { match all }\n"
		"  default queue fq_codel noecn ceil 5mbit } }");
	const struct kind *kind = kind_find(KIND_QDISC, "fq_codel");
	const struct class *root = o.policy->links->egress, *c = root->children;

	(void)state;
	assert_null(root->queue);	/* it is the leaf's */
	assert_int_equal(root->set, CLASS_RATE);
	assert_ptr_equal(c->queue, kind);
	assert_int_equal(c->set, CLASS_QUEUE);
	assert_int_equal(opts_get(c->queue_opts, (unsigned int)opts_row(kind, "limit"), 0), 77);
	c = child_of(o.policy->links->ingress, "x");
	assert_int_equal(c->set, CLASS_QUEUE | CLASS_RATE | CLASS_PRIO); /* the kind's quantum */
	assert_int_equal(opts_get(c->queue_opts, (unsigned int)opts_row(kind, "quantum"), 0), 300);
	assert_int_equal(c->rate_bit, MBIT);
	assert_int_equal(c->prio, 2);
	assert_ptr_equal(child_of(o.policy->links->ingress, "y")->queue, kind);
	c = child_of(o.policy->links->ingress, "default");
	assert_int_equal(c->ceil_bit, 5 * MBIT);
	assert_ptr_equal(c->queue, kind);
	outcome_free(&o);
}

/* ---- links ---- */

/* tc-cake(8)'s own figures, relative to the IP packet, apart from the table that is tested. */
static const struct {
	const char *name, *same;
	int cake_bytes;
	unsigned int mpu_bytes;
	enum linklayer linklayer;
} cake[] = {
	{ "ethernet", NULL, 38, 84, LINKLAYER_ETHERNET },
	{ "ethernet-vlan", NULL, 38 + 4, 84, LINKLAYER_ETHERNET },
	{ "docsis", NULL, 18, 64, LINKLAYER_ETHERNET },
	{ "bridged-ptm", NULL, 22, 68, LINKLAYER_PTM }, { "pppoe-ptm", NULL, 30, 68, LINKLAYER_PTM },
	{ "pppoe-vdsl2", NULL, 30 + 4, 68, LINKLAYER_PTM },
	{ "adsl-llc", "bridged-llcsnap", 32, 0, LINKLAYER_ATM },
	{ "adsl-vcmux", "bridged-vcmux", 24, 0, LINKLAYER_ATM },
	{ "adsl-pppoe-llc", "pppoe-llcsnap", 40, 0, LINKLAYER_ATM },
	{ "adsl-pppoe-vcmux", "pppoe-vcmux", 32, 0, LINKLAYER_ATM },
	{ "adsl-pppoa-llc", "pppoa-llc", 14, 0, LINKLAYER_ATM },
	{ "adsl-pppoa-vcmux", "pppoa-vcmux", 10, 0, LINKLAYER_ATM },
	{ "adsl-ipoa-llc", "ipoa-llcsnap", 16, 0, LINKLAYER_ATM },
	{ "adsl-ipoa-vcmux", "ipoa-vcmux", 8, 0, LINKLAYER_ATM },
	{ "conservative", NULL, 48, 0, LINKLAYER_ATM },
};

static void check_preset(const char *word, size_t i)
{
	struct outcome o;
	char text[80];

	snprintf(text, sizeof(text), "link a { framing %s }", word);
	print_message("%s\n", text);
	o = parse_good(text);
	assert_true(o.policy->links->framing.set);
	assert_string_equal(o.policy->links->framing.preset, cake[i].name);
	assert_int_equal(o.policy->links->framing.overhead_bytes, cake[i].cake_bytes - 14);
	assert_int_equal(o.policy->links->framing.mpu_bytes, cake[i].mpu_bytes);
	assert_int_equal(o.policy->links->framing.linklayer, cake[i].linklayer);
	outcome_free(&o);
}

static void test_framing_presets(void **state)
{
	size_t i, n = sizeof(cake) / sizeof(cake[0]);

	(void)state;
	for (i = 0; i < n; i++) {
		check_preset(cake[i].name, i);
		if (cake[i].same)
			check_preset(cake[i].same, i);
		assert_non_null(framing_presets[i].name);
		assert_true(framing_presets[i].source && *framing_presets[i].source);
	}
	assert_null(framing_presets[n].name);	/* each of the table's is in the list above */
}

static void test_raw_framing(void **state)
{
	static const struct {
		const char *text;
		int overhead_bytes;
		unsigned int mpu_bytes;
		enum linklayer linklayer;
	} samples[] = {
		{ "overhead 34", 34, 0, LINKLAYER_ETHERNET },
		{ "overhead 34 mpu 64", 34, 64, LINKLAYER_ETHERNET },
		{ "overhead 34 mpu 64 atm", 34, 64, LINKLAYER_ATM },
		{ "overhead 34 ptm mpu 64", 34, 64, LINKLAYER_PTM },
		{ "overhead -64", -64, 0, LINKLAYER_ETHERNET }, { "overhead 256", 256, 0, LINKLAYER_ETHERNET },
		{ "framing overhead -4 atm", -4, 0, LINKLAYER_ATM }, { "framing atm", 0, 0, LINKLAYER_ATM },
		{ "framing mpu 256", 0, 256, LINKLAYER_ETHERNET },
	};
	const struct framing *f;
	struct outcome o;
	char text[80];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		snprintf(text, sizeof(text), "link a { %s }", samples[i].text);
		o = parse_good(text);
		f = &o.policy->links->framing;
		assert_true(f->set && !f->preset);
		assert_int_equal(f->overhead_bytes, samples[i].overhead_bytes);
		assert_int_equal(f->mpu_bytes, samples[i].mpu_bytes);
		assert_int_equal(f->linklayer, samples[i].linklayer);
		outcome_free(&o);
	}
}

static void test_classifier(void **state)
{
	struct outcome o = parse_good("link a { classifier kernel }; link b { classifier auto }\n"
				      "link c { classifier bpf }");

	(void)state;
	assert_int_equal(o.policy->links->classifier, CLASSIFIER_KERNEL);
	assert_int_equal(o.policy->links->next->classifier, CLASSIFIER_AUTO);
	assert_int_equal(o.policy->links->next->next->classifier, CLASSIFIER_BPF);
	outcome_free(&o);
}

static void test_xdp(void **state)
{
	static const struct {
		const char *word;
		enum xdp_choice xdp;
	} words[] = {
		{ "off", XDP_OFF }, { "on", XDP_AUTO }, { "native", XDP_NATIVE }, { "generic", XDP_GENERIC },
	};
	struct outcome o;
	char text[80];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		snprintf(text, sizeof(text), "link a { xdp %s; ingress rate 1mbit }", words[i].word);
		o = parse_good(text);
		assert_int_equal(o.policy->links->xdp, words[i].xdp);
		outcome_free(&o);
	}
	o = parse_good("link a { xdp off; classifier kernel; egress rate 1mbit }");
	outcome_free(&o);
}

/* A class's packets are also those of the classes around it. */
static void test_class_mark(void **state)
{
	struct outcome o = parse_good(
		"link a { ingress rate 1mbit {\n"
		" class b mark 0x10/0xf0 { match ip; class c mark 0x3 { match tcp }; class d { match udp } }\n"
		" class e { match icmp }\n"
		" default mark 0/0xf0 } }");
	const struct class *root = o.policy->links->ingress, *b = child_of(root, "b");

	(void)state;
	assert_int_equal(root->mark_mask, 0);
	assert_int_equal(b->mark, 0x10);
	assert_int_equal(b->mark_mask, 0xf0);
	assert_int_equal(child_of(b, "c")->mark, 3);
	assert_int_equal(child_of(b, "c")->mark_mask, UINT32_MAX);
	assert_int_equal(child_of(b, "d")->mark, 0x10);
	assert_int_equal(child_of(b, "d")->mark_mask, 0xf0);
	assert_int_equal(child_of(b, "default")->mark_mask, 0xf0);
	assert_int_equal(child_of(root, "e")->mark_mask, 0);
	assert_int_equal(child_of(root, "default")->mark, 0);
	assert_int_equal(child_of(root, "default")->mark_mask, 0xf0);
	outcome_free(&o);
}

static void test_police(void **state)
{
	struct outcome o = parse_good(
		"link a { police ingress rate 1mbit burst 64kb mtu 9000 conform reclassify exceed pass {\n"
		"  match tcp; match udp }\n police egress rate 2mbit }");
	const struct police *p = o.policy->links->polices;

	(void)state;
	assert_true(p->ingress);
	assert_int_equal(p->rate_bit, MBIT);
	assert_int_equal(p->burst_bytes, 65536);
	assert_int_equal(p->mtu_bytes, 9000);
	assert_int_equal(p->conform, VERDICT_RECLASSIFY);
	assert_int_equal(p->exceed, VERDICT_PASS);
	assert_int_equal(p->matches->proto, 6);
	assert_int_equal(p->matches->next->proto, 17);
	assert_null(p->matches->next->next);
	p = p->next;
	assert_false(p->ingress);
	assert_int_equal(p->burst_bytes, 0);
	assert_int_equal(p->mtu_bytes, 0);
	assert_int_equal(p->conform, VERDICT_PASS);
	assert_int_equal(p->exceed, VERDICT_DROP);
	assert_null(p->matches);
	assert_null(p->next);
	outcome_free(&o);
}

static void test_limits(void **state)
{
	struct outcome o = parse_good(
		"limit cgroup \"/system.slice/backup.service\" { egress rate 5mbit; ingress rate 10mbit }\n"
		"limit user builder { ingress rate 20mbit }\nlimit pid 04242 { egress rate 400kbit }");
	const struct limit *l = o.policy->limits;

	(void)state;
	assert_int_equal(l->subject, LIMIT_CGROUP);
	assert_string_equal(l->name, "system.slice/backup.service");
	assert_int_equal(l->egress.rate_bit, 5 * MBIT);
	assert_int_equal(l->ingress.rate_bit, 10 * MBIT);
	l = l->next;
	assert_int_equal(l->subject, LIMIT_USER);
	assert_string_equal(l->name, "builder");
	assert_int_equal(l->egress.rate_bit, 0);
	l = l->next;
	assert_int_equal(l->subject, LIMIT_PID);
	assert_string_equal(l->name, "4242");
	assert_int_equal(l->egress.rate_bit, 400 * KBIT);
	assert_int_equal(l->loc.line, 3);
	assert_int_equal(l->loc.column, 11);
	assert_null(l->next);
	outcome_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing), cmocka_unit_test(test_spelling),
		cmocka_unit_test(test_one_line), cmocka_unit_test(test_class_options),
		cmocka_unit_test(test_default_is_last), cmocka_unit_test(test_rates),
		cmocka_unit_test(test_low_and_high_rates), cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_deepest), cmocka_unit_test(test_queue),
		cmocka_unit_test(test_framing_presets), cmocka_unit_test(test_raw_framing),
		cmocka_unit_test(test_classifier), cmocka_unit_test(test_xdp),
		cmocka_unit_test(test_class_mark), cmocka_unit_test(test_police),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
