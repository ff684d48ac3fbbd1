// SPDX-License-Identifier: GPL-2.0-or-later
/* src/conf: warnings about valid files, and files as large as they may be. */
#include "test_conf.h"

struct sample {
	const char *text;
	const char *warning;	/* without "weir: warning: t:"; "" for none */
};

static void check_samples(const struct sample *s, size_t n)
{
	struct outcome o;
	char want[500];
	size_t i;

	for (i = 0; i < n; i++) {
		print_message("%s\n", s[i].text);
		o = parse_good(s[i].text);
		snprintf(want, sizeof(want), *s[i].warning ? "weir: warning: t:%s\n" : "%s", s[i].warning);
		assert_string_equal(o.warnings, want);
		assert_int_equal(o.ctx.warnings, *s[i].warning != 0);
		outcome_free(&o);
	}
}

#define CHECK(samples) check_samples(samples, sizeof(samples) / sizeof((samples)[0]))

static void test_figures(void **state)
{
	static const struct sample samples[] = {
		{ "link a { egress rate 10mbit { class x rate 6mbit { match tcp }; class y rate 4mbit { match udp } } }", "" },
		{ "link a { egress rate 10mbit { class x rate 6mbit { match tcp }; class y rate 5mbit { match udp } } }",
		  "1:10: the rates in the link sum up to 11mbit, more than its own 10mbit" },
		{ "link a { egress rate 10mbit { class x rate 5mbit { match all; class y rate 3mbit ceil 3mbit { match udp }; default rate 3mbit } } }",
		  "1:37: the rates in class 'x' sum up to 6mbit, more than its own 5mbit" },
		{ "link a { egress rate 10mbit { class x rate 5mbit ceil 11mbit { match tcp } } }",
		  "1:55: the ceil of class 'x', 11mbit, is above the 10mbit that it can get from above" },
		{ "link a { egress rate 10mbit ceil 12mbit { class x rate 5mbit ceil 11mbit { match tcp } } }", "" },
		{ "link a { egress rate 10mbit { class x rate 5mbit { class y rate 1mbit ceil 6mbit { match tcp } } } }",
		  "1:76: the ceil of class 'x/y', 6mbit, is above the 5mbit that it can get from above" },
		{ "link a { egress rate 10mbit { class x rate 5mbit prio 1 { class y rate 1mbit { match tcp } } } }",
		  "1:37: 'prio' has no effect on class 'x': it counts in classes without classes in them" },
		{ "link a { }", "1:6: link 'a' asks for nothing: it has no egress, ingress or police" },
		/* what weir made up itself is not the file's fault */
		{ "link a { egress rate 10mbit { class x rate 100% { match tcp }; class y { match udp } } }", "" },
	};

	(void)state;
	CHECK(samples);
}

static void test_police_bursts(void **state)
{
	static const struct sample samples[] = {
		{ "link a { police ingress rate 1mbit burst 64kb }", "" },
		{ "link a { police ingress rate 1gbit }", "" },
		{ "link a { police ingress rate 1mbit burst 63kb }",
		  "1:10: with a burst of 63kb TCP will stay far below this rate; 64kb, the default, is about the least" },
		{ "link a { police egress rate 100mbit burst 64kb }",
		  "1:10: with a burst of 64kb TCP will stay far below this rate; 250000b, the default, is about the least" },
	};

	(void)state;
	CHECK(samples);
}

#define TREE(classes) "link a { egress rate 10mbit {\n" classes "\n} }"

static void test_reaching(void **state)
{
	static const struct sample samples[] = {
		{ TREE("class x { match tcp dport 80 }; class y { match tcp }"), "" },
		{ TREE("class x { match tcp }; class y { match tcp dport 80 }"),
		  "2:30: class 'y' is unreachable: 'x' on line 2 comes first and takes all its packets" },
		{ TREE("class x { match tcp }; class y { match tcp dport 80; match udp }"), "" },
		{ TREE("class x { match tcp; match udp }\nclass y { match tcp dport 80; match udp sport 9 }"),
		  "3:7: class 'y' is unreachable: 'x' on line 2 comes first and takes all its packets" },
		/* two of the same class do not hide the class */
		{ TREE("class x { match tcp; match tcp dport 80 }"), "" },
		/* matches in a class come before its own, and those of its default last */
		{ TREE("class x { match tcp; class y { match tcp dport 80 } }"), "" },
		{ TREE("class x { match tcp dport 80; class y { match tcp } }"),
		  "2:7: the default of class 'x' is unreachable: 'x/y' on line 2 comes first and takes all its packets" },
		{ TREE("class x { class y { match ip } }; class z { match from 10.0.0.0/8 }"),
		  "2:41: class 'z' is unreachable: 'x/y' on line 2 comes first and takes all its packets" },
		{ TREE("class x { match all }"), "" },
		{ TREE("class x"), "2:7: nothing reaches class 'x': it has no 'match'" },
		{ TREE("class x { class y { } }"), "2:17: nothing reaches class 'x/y': it has no 'match'" },
		/* egress and ingress do not hide each other's */
		{ "link a { egress rate 1mbit { class x { match all } }\n ingress rate 1mbit { class y { match tcp } } }", "" },
	};

	(void)state;
	CHECK(samples);
}

/* No warnings about a file that has errors. */
static void test_errors_come_first(void **state)
{
	struct outcome o = parse_text(TREE("class x; class y rat"));

	(void)state;
	assert_int_equal(o.err, -EINVAL);
	assert_string_equal(o.warnings, "");
	outcome_free(&o);
}

static void test_twenty_warnings(void **state)
{
	char text[1024], *p = text;
	struct outcome o;
	const char *s;
	int i, n;

	(void)state;
	p += sprintf(p, "link a { egress rate 1mbit {");
	for (i = 0; i < 30; i++)
		p += sprintf(p, "class c%d;", i);
	strcpy(p, "} }");
	o = parse_good(text);
	for (n = 0, s = o.warnings; (s = strchr(s, '\n')); s++)
		n++;
	assert_int_equal(n, 21);
	assert_non_null(strstr(o.warnings, "weir: warning: further warnings are not shown\n"));
	outcome_free(&o);
}

/* ---- large files ---- */

/* n classes in one egress, each with one match of its own, or all with the same. */
static struct outcome parse_many(unsigned int n, const char *format)
{
	char *text = NULL;
	struct outcome o;
	unsigned int i;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	fputs("link a { egress rate 1gbit {\n", f);
	for (i = 0; i < n; i++) {
		fprintf(f, "class %x{match ", i);
		fprintf(f, format, i >> 8 & 255, i & 255);
		fputs("}\n", f);
	}
	fputs("} }\n", f);
	fclose(f);
	o = read_conf(NULL, text, size);
	free(text);
	return o;
}

static unsigned int count_lines(const char *s)
{
	unsigned int n = 0;

	while ((s = strchr(s, '\n'))) {
		n++;
		s++;
	}
	return n;
}

static void test_many_classes(void **state)
{
	struct outcome o = parse_many(60000, "from 10.0.%u.%u");
	unsigned int n = 0;
	const struct class *c;

	(void)state;
	assert_int_equal(o.err, 0);
	assert_string_equal(o.warnings, "");
	for (c = o.policy->links->egress->children; c; c = c->next)
		n++;
	assert_int_equal(n, 60001);
	outcome_free(&o);
	o = parse_many(60000, "dport %u,%u");	/* 65535 pairs, of which about half are twice there */
	assert_int_equal(o.err, 0);
	assert_int_equal(count_lines(o.warnings), 21);
	outcome_free(&o);
	o = parse_many(60000, "all");
	assert_int_equal(o.err, 0);
	assert_int_equal(count_lines(o.warnings), 21);
	outcome_free(&o);
}

/* Also far behind the cap on comparisons. */
static void test_late_duplicates(void **state)
{
	char *text = NULL;
	struct outcome o;
	unsigned int i;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	assert_non_null(f);
	fputs("link a { egress rate 1gbit {\n", f);
	for (i = 0; i < 20000; i++)
		fprintf(f, "class c%u { match from 10.0.%u.%u }\n", i, i >> 8, i & 255);
	fputs("class late { match from 10.0.70.1 }\n} }\n", f);
	fclose(f);
	o = parse_good(text);
	assert_string_equal(o.warnings, "weir: warning: t:20002:7: class 'late' is unreachable: "
			    "'c17921' on line 17923 comes first and takes all its packets\n");
	outcome_free(&o);
	free(text);
}

/* The link's own class, 64,998 and the default are 65,000. */
static void test_most_classes(void **state)
{
	struct outcome o = parse_many(64998, "mark 0x%x%02x");

	(void)state;
	assert_int_equal(o.err, 0);
	outcome_free(&o);
	o = parse_many(64999, "mark 0x%x%02x");
	assert_int_equal(o.err, -EINVAL);
	assert_memory_equal(o.error, "t:1:10: more than 65000 classes in one tree: the kernel has no more numbers (minors)\n", 84);
	outcome_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_figures), cmocka_unit_test(test_police_bursts),
		cmocka_unit_test(test_reaching), cmocka_unit_test(test_errors_come_first),
		cmocka_unit_test(test_twenty_warnings), cmocka_unit_test(test_many_classes),
		cmocka_unit_test(test_late_duplicates), cmocka_unit_test(test_most_classes),
	};

	return cmocka_run_group_tests_name("conf_check", tests, NULL, NULL);
}
