// SPDX-License-Identifier: GPL-2.0-or-later
/* src/conf: what is printed is read as the same policy. */
#include "test_conf.h"

#include <stdlib.h>

/* ---- equality, apart from places and from what was said and what implied ---- */

static void same_text(const char *a, const char *b)
{
	if (a && b)
		assert_string_equal(a, b);
	else
		assert_ptr_equal(a, b);
}

static void same_matches(const struct match *a, const struct match *b)
{
	for (; a && b; a = a->next, b = b->next) {
		assert_int_equal(a->set, b->set);
		assert_int_equal(a->ip6, b->ip6);
		assert_int_equal(a->proto, b->proto);
		assert_int_equal(a->proto_icmp, b->proto_icmp);
		assert_int_equal(a->n_from, b->n_from);
		assert_memory_equal(a->from, b->from, a->n_from * sizeof(*a->from));
		assert_int_equal(a->n_to, b->n_to);
		assert_memory_equal(a->to, b->to, a->n_to * sizeof(*a->to));
		assert_int_equal(a->n_sport, b->n_sport);
		assert_memory_equal(a->sport, b->sport, a->n_sport * sizeof(*a->sport));
		assert_int_equal(a->n_dport, b->n_dport);
		assert_memory_equal(a->dport, b->dport, a->n_dport * sizeof(*a->dport));
		assert_int_equal(a->dscp, b->dscp);
		assert_int_equal(a->mark, b->mark);
		assert_int_equal(a->mark_mask, b->mark_mask);
		assert_int_equal(a->vlan, b->vlan);
		assert_memory_equal(a->mac, b->mac, 6);
		same_text(a->cgroup, b->cgroup);
		same_text(a->user, b->user);
	}
	assert_true(!a && !b);
}

static void same_queue(const struct class *a, const struct class *b)
{
	assert_ptr_equal(a->queue, b->queue);
	if (!a->queue)
		return;
	assert_true(opts_hold(a->queue, a->queue_opts, b->queue_opts));
	assert_true(opts_hold(a->queue, b->queue_opts, a->queue_opts));
}

static void same_class(const struct class *a, const struct class *b)
{
	const uint32_t implied = CLASS_RATE | CLASS_CEIL | CLASS_PRIO | CLASS_MARK;
	const struct class *x, *y;

	assert_string_equal(a->path, b->path);
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->is_default, b->is_default);
	assert_int_equal(a->set | implied, b->set | implied);
	assert_int_equal(a->rate_bit, b->rate_bit);
	assert_int_equal(a->ceil_bit, b->ceil_bit);
	assert_int_equal(a->prio, b->prio);
	assert_int_equal(a->burst_bytes, b->burst_bytes);
	assert_int_equal(a->cburst_bytes, b->cburst_bytes);
	assert_int_equal(a->quantum_bytes, b->quantum_bytes);
	assert_int_equal(a->mark, b->mark);
	assert_int_equal(a->mark_mask, b->mark_mask);
	same_queue(a, b);
	same_matches(a->matches, b->matches);
	for (x = a->children, y = b->children; x && y; x = x->next, y = y->next) {
		assert_ptr_equal(x->parent, a);
		assert_ptr_equal(y->parent, b);
		same_class(x, y);
	}
	assert_true(!x && !y);
}

static void same_tree(const struct class *a, const struct class *b)
{
	assert_int_equal(!a, !b);
	if (a)
		same_class(a, b);
}

static void same_police(const struct police *a, const struct police *b)
{
	for (; a && b; a = a->next, b = b->next) {
		assert_int_equal(a->ingress, b->ingress);
		assert_int_equal(a->rate_bit, b->rate_bit);
		assert_int_equal(a->burst_bytes, b->burst_bytes);
		assert_int_equal(a->mtu_bytes, b->mtu_bytes);
		assert_int_equal(a->conform, b->conform);
		assert_int_equal(a->exceed, b->exceed);
		same_matches(a->matches, b->matches);
	}
	assert_true(!a && !b);
}

static void same_link(const struct link *a, const struct link *b)
{
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->framing.set, b->framing.set);
	same_text(a->framing.preset, b->framing.preset);
	assert_int_equal(a->framing.overhead_bytes, b->framing.overhead_bytes);
	assert_int_equal(a->framing.mpu_bytes, b->framing.mpu_bytes);
	assert_int_equal(a->framing.linklayer, b->framing.linklayer);
	assert_int_equal(a->classifier, b->classifier);
	assert_int_equal(a->xdp, b->xdp);
	same_tree(a->egress, b->egress);
	same_tree(a->ingress, b->ingress);
	same_police(a->polices, b->polices);
}

static void same_limit_rate(const struct limit_rate *a, const struct limit_rate *b)
{
	assert_int_equal(a->block, b->block);
	assert_int_equal(a->rate_bit, b->rate_bit);
	assert_int_equal(a->burst_ns, b->burst_ns);
}

static void same_policy(const struct policy *a, const struct policy *b)
{
	const struct limit *m = a->limits, *n = b->limits;
	const struct link *x = a->links, *y = b->links;

	for (; x && y; x = x->next, y = y->next)
		same_link(x, y);
	assert_true(!x && !y);
	for (; m && n; m = m->next, n = n->next) {
		assert_int_equal(m->subject, n->subject);
		assert_string_equal(m->name, n->name);
		same_limit_rate(&m->egress, &n->egress);
		same_limit_rate(&m->ingress, &n->ingress);
		assert_int_equal(m->only, n->only);
		assert_int_equal(m->no_children, n->no_children);
		same_text(m->backend, n->backend);
	}
	assert_true(!m && !n);
}

/* Prints, reads, compares, and prints again. */
static void round_trip(const struct policy *policy)
{
	char *printed = print_policy(policy), *again;
	struct outcome o = parse_text(printed);

	if (o.err)
		print_error("%s\n%s\n", printed, o.error);
	assert_int_equal(o.err, 0);
	same_policy(policy, o.policy);
	again = print_policy(o.policy);
	assert_string_equal(printed, again);
	free(printed);
	free(again);
	outcome_free(&o);
}

/* ---- what it looks like ---- */

static void test_looks(void **state)
{
	struct outcome o = parse_good(
		"link wan0 { overhead -4 mpu 64 atm; classifier kernel\n"
		" egress rate 20mbit burst 8kb {\n"
		"  class lab rate 20% { match ip; class a rate 1500kbit { match tcp; match udp } }\n"
		"  class b prio 0 queue fq_codel limit 50 noecn { match all } } }\n"
		"link \"x;y\" { framing bridged-llcsnap; ingress rate 1mbit queue fq_codel\n"
		" police egress rate 1gbit; police ingress rate 1mbit burst 64kb mtu 2kb exceed reclassify { match ack } }\n"
		"limit cgroup \"a b\" { ingress rate 1mbit }\n"
		"limit pid 1 { no-children; backend ebpf; only local; ingress block; egress rate 8kbit burst 1.5s }");
	static const char want[] =
		"link wan0 {\n"
		"\toverhead -4 mpu 64 atm\n"
		"\tclassifier kernel\n"
		"\tegress rate 20mbit ceil 20mbit burst 8kb {\n"
		"\t\tclass lab rate 4mbit ceil 4mbit {\n"
		"\t\t\tmatch ip\n"
		"\t\t\tclass a rate 1.5mbit ceil 1.5mbit prio 3 {\n"
		"\t\t\t\tmatch tcp\n"
		"\t\t\t\tmatch udp\n"
		"\t\t\t}\n"
		"\t\t\tdefault rate 2.5mbit ceil 4mbit prio 3\n"
		"\t\t}\n"
		"\t\tclass b rate 200kbit ceil 20mbit prio 0 queue fq_codel limit 50 noecn {\n"
		"\t\t\tmatch all\n"
		"\t\t}\n"
		"\t\tdefault rate 15.8mbit ceil 20mbit prio 3\n"
		"\t}\n"
		"}\n"
		"link \"x;y\" {\n"
		"\tframing adsl-llc\n"
		"\tingress rate 1mbit ceil 1mbit {\n"
		"\t\tdefault rate 1mbit ceil 1mbit prio 3 queue fq_codel\n"
		"\t}\n"
		"\tpolice egress rate 1gbit conform pass exceed drop\n"
		"\tpolice ingress rate 1mbit burst 64kb mtu 2kb conform pass exceed reclassify {\n"
		"\t\tmatch ack\n"
		"\t}\n"
		"}\n"
		"limit cgroup \"a b\" {\n"
		"\tingress rate 1mbit\n"
		"}\n"
		"limit pid 1 {\n"
		"\tegress rate 8kbit burst 1.5s\n"
		"\tingress block\n"
		"\tonly local\n"
		"\tbackend ebpf\n"
		"\tno-children\n"
		"}\n";
	char *printed = print_policy(o.policy);

	(void)state;
	assert_string_equal(printed, want);
	round_trip(o.policy);
	free(printed);
	outcome_free(&o);
}

static void test_choices(void **state)
{
	struct outcome o = parse_good(
		"link a { xdp on; classifier bpf\n"
		" ingress rate 1mbit { class c mark 0x10/0xf0 { match udp } default mark 7 queue fq_codel } }\n"
		"link b { xdp off; classifier auto }");
	static const char want[] =
		"link a {\n"
		"\tclassifier bpf\n"
		"\txdp on\n"
		"\tingress rate 1mbit ceil 1mbit {\n"
		"\t\tclass c rate 10kbit ceil 1mbit prio 3 mark 0x10/0xf0 {\n"
		"\t\t\tmatch udp\n"
		"\t\t}\n"
		"\t\tdefault rate 990kbit ceil 1mbit prio 3 mark 0x7 queue fq_codel\n"
		"\t}\n"
		"}\n"
		"link b {\n"
		"}\n";
	char *printed = print_policy(o.policy);

	(void)state;
	assert_string_equal(printed, want);
	round_trip(o.policy);
	free(printed);
	outcome_free(&o);
}

/* ---- random policies ---- */

struct dice {
	FILE *f;
	uint64_t state;
	bool ingress;
};

static unsigned int roll(struct dice *d, unsigned int sides)
{
	d->state = d->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned int)(d->state >> 33) % sides;
}

#define PICK(d, array) (array)[roll(d, sizeof(array) / sizeof((array)[0]))]

static void put_match(struct dice *d)
{
	static const char *const nets[] = { "", " ip", " ip6" };
	static const char *const protos[] = { "", " tcp", " udp", " proto sctp" };
	static const char *const portless[] = { " icmp", " proto 47", " proto 58", " ack", " vlan 77" };
	static const char *const dscps[] = { " dscp ef", " dscp cs1,af41,63", " dscp be,le" };

	fputs("match", d->f);
	switch (roll(d, 6)) {
	case 0:
		fputs(" all", d->f);
		break;
	case 1:
		fprintf(d->f, "%s%s dport %u-%u,%u", PICK(d, nets), PICK(d, protos), roll(d, 1000),
			1000 + roll(d, 1000), roll(d, 65536));
		break;
	case 2:
		fprintf(d->f, "%s from 10.%u.0.0/16,2001:db8:%x::/48 to 192.0.2.%u", PICK(d, portless),
			roll(d, 256), roll(d, 65536), roll(d, 256));
		break;
	case 3:
		fprintf(d->f, " mark 0x%x/0x%x", roll(d, 16), 15 | roll(d, 0x10000));
		break;
	case 4:
		fprintf(d->f, " cgroup \"a/%x \\\"\" user u%x", roll(d, 99), roll(d, 99));
		break;
	default:
		fprintf(d->f, "%s mac 02:00:00:00:%02x:%02x", PICK(d, dscps), roll(d, 256), roll(d, 256));
	}
	fputs(roll(d, 2) ? "\n" : ";", d->f);
}

/* Options in any order; whether there was a queue (which ends its statement) is up to chance. */
static void put_options(struct dice *d)
{
	if (roll(d, 2))
		fprintf(d->f, " prio %u", roll(d, 8));
	if (roll(d, 2))
		fprintf(d->f, " rate %u.%u%%", roll(d, 40), 1 + roll(d, 999));
	if (roll(d, 3) == 0)
		fprintf(d->f, " burst %ub", 2000 + roll(d, 100000));
	if (roll(d, 3) == 0)
		fprintf(d->f, " cburst %ukb", 2 + roll(d, 100));
	if (roll(d, 3) == 0)
		fprintf(d->f, " quantum %u", 1 + roll(d, 60000));
	if (d->ingress && roll(d, 3) == 0)
		fprintf(d->f, " mark 0x%x0/0x%x", roll(d, 16), 0xf0 | roll(d, 0x10000));
	if (roll(d, 3) == 0)
		fprintf(d->f, " ceil %u.%03u%%", 40 + roll(d, 80), roll(d, 1000));
}

static void put_queue(struct dice *d)
{
	static const char *const more[] = { "", " ecn", " noecn", " flows 64", " target 7ms interval 90ms" };

	fprintf(d->f, " queue fq_codel limit %u%s", 1 + roll(d, 5000), PICK(d, more));
}

static void put_classes(struct dice *d, unsigned int depth)
{
	unsigned int n = roll(d, 4), i, k;
	bool match, inner;

	for (i = 0; i < n; i++) {
		fprintf(d->f, "class c%u", i);
		put_options(d);
		inner = depth < 7 && roll(d, 2);
		if (!inner && roll(d, 2))
			put_queue(d);
		fputs(" {", d->f);
		match = roll(d, 2);
		for (k = 0; match && k <= roll(d, 3); k++)
			put_match(d);
		if (inner)
			put_classes(d, depth + 1);
		fputs(roll(d, 2) ? "}\n" : "};", d->f);
	}
}

static void put_tree(struct dice *d, const char *word)
{
	static const char *const units[] = { "kbit", "mbit", "gbit", "mibit", "kbps" };

	d->ingress = *word == 'i';
	fprintf(d->f, "%s rate %u.%u%s {\n", word, 100 + roll(d, 900), roll(d, 1000), PICK(d, units));
	put_classes(d, 1);
	if (roll(d, 2)) {
		fputs("default", d->f);
		put_options(d);
		if (roll(d, 2))
			put_queue(d);
	}
	fputs("}\n", d->f);
}

static void put_link(struct dice *d, unsigned int i)
{
	static const char *const framings[] = {
		"", "framing docsis;", "framing pppoe-llcsnap;", "overhead -9 ptm;", "classifier kernel;",
		"classifier bpf;",
	};
	static const char *const xdps[] = { "", "", "xdp off;", "xdp on;", "xdp native;", "xdp generic;" };

	fprintf(d->f, "link \"if-#%u\" {\n%s\n", i, PICK(d, framings));
	if (roll(d, 4))
		put_tree(d, "egress");
	if (roll(d, 2)) {
		put_tree(d, "ingress");
		fputs(PICK(d, xdps), d->f);
	}
	if (roll(d, 2)) {
		fprintf(d->f, "police %s rate %ukbit burst %ukb {", roll(d, 2) ? "egress" : "ingress",
			100 + roll(d, 100000), 64 + roll(d, 1000));
		if (roll(d, 2))
			put_match(d);
		fputs("}\n", d->f);
	}
	fputs("}\n", d->f);
}

static void test_random_policies(void **state)
{
	struct dice d = { .state = 20260101 };
	unsigned int i, k, valid = 0;
	struct outcome o;
	char *text;
	size_t size;

	(void)state;
	for (i = 0; i < 500; i++) {
		d.f = open_memstream(&text, &size);
		assert_non_null(d.f);
		for (k = 0; k <= roll(&d, 3); k++)
			put_link(&d, k);
		if (roll(&d, 2))
			fprintf(d.f, "limit pid %u { egress rate %ukbit }", 1 + roll(&d, 9999), 1 + roll(&d, 999));
		fclose(d.f);
		o = parse_text(text);
		if (!o.err) {
			valid++;
			round_trip(o.policy);
		}
		outcome_free(&o);
		free(text);
	}
	print_message("%u of 500 were valid\n", valid);
	assert_true(valid > 250);
}

static void test_nothing(void **state)
{
	struct outcome o = parse_good("link a { }");

	(void)state;
	round_trip(o.policy);
	outcome_free(&o);
	o = parse_good("");
	round_trip(o.policy);
	outcome_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_looks), cmocka_unit_test(test_choices),
		cmocka_unit_test(test_random_policies),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests_name("conf_print", tests, NULL, NULL);
}
