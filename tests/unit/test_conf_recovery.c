// SPDX-License-Identifier: GPL-2.0-or-later
/* src/conf: several errors in one run, how they are shown, and what is not an error as well. */
#include "test_conf.h"

/* Everything that main() would print. */
static void check_errors(const char *text, size_t len, const char *want)
{
	struct outcome o = read_conf(NULL, text, len);

	assert_int_equal(o.err, -EINVAL);
	assert_string_equal(o.error, want);
	assert_string_equal(o.warnings, "");
	outcome_free(&o);
}

static void test_all_errors_of_a_file(void **state)
{
	static const char text[] =
		"link wan0 {\n"
		"\tframing docsys\n"
		"\tegress rate 20mbitt {\n"
		"\t\tclass voip rate 1mbit prio 9 { match udp dport sip }\n"
		"\t\tclas web rate 8mbit { match nonsense }\n"
		"\t\tclass bulk rate 10% { match mark x; match tcp }\n"
		"\t}\n"
		"\tingress rate 0\n"
		"}\n"
		"limit usr builder { ingress rate 20mbit }\n";

	(void)state;
	check_errors(text, strlen(text),
		     "t:2:10: unknown framing 'docsys'; did you mean 'docsis'?\n"
		     "\tframing docsys\n"
		     "\t        ^\n"
		     "t:3:16: unknown word 'mbitt'; did you mean 'mbit'?\n"
		     "\tegress rate 20mbitt {\n"
		     "\t              ^\n"
		     "t:4:30: '9' is out of range; prio is 0 to 7\n"
		     "\t\tclass voip rate 1mbit prio 9 { match udp dport sip }\n"
		     "\t\t                           ^\n"
		     "t:4:50: 'sip' is not a port; ports are numbers, 0 to 65535, or ranges such as 5060-5061\n"
		     "\t\tclass voip rate 1mbit prio 9 { match udp dport sip }\n"
		     "\t\t                                               ^\n"
		     "t:5:3: unknown word 'clas'; did you mean 'class'?\n"
		     "\t\tclas web rate 8mbit { match nonsense }\n"
		     "\t\t^\n"
		     "t:6:36: 'x' is not a number; a mark is 0 to 4294967295\n"
		     "\t\tclass bulk rate 10% { match mark x; match tcp }\n"
		     "\t\t                                 ^\n"
		     "t:8:15: a rate of 0 would let nothing pass; the lowest is 8bit\n"
		     "\tingress rate 0\n"
		     "\t             ^\n"
		     "t:10:7: unknown word 'usr'; did you mean 'user'?\n"
		     "limit usr builder { ingress rate 20mbit }\n"
		     "      ^");
}

/* A broken statement must not make others look wrong. */
static void test_no_cascades(void **state)
{
	static const char *const texts[] = {
		/* no rate to take shares of, no sum, no ceil to be below */
		"link a { egress rate x { class b rate 10% ceil 5% { class c rate 99% { match tcp } } } }",
		/* the match that would let the default be reached is the broken one */
		"link a { egress rate 1mbit { class b { match tpc; class c { match udp }; default } } }",
		"link a { egress rate 1mbit { class b { match \"x; class c { match udp }\n match tcp; default } } }",
		/* what is in a block that nobody knows */
		"link a { egres rate 1mbit { clas b { metch }; foo { bar { } } }; ingress rate 1mbit }",
		"lnik a { egress rate 1mbit { class b { match tcp } } }\nlink a { egress rate 1mbit }",
		/* a name that is wrong is no duplicate either */
		"link a { egress rate 1mbit { class b/c { match tcp } } }; link b { egress rate 1mbit }",
		"link a { egress rate 1mbit { class x rate 1kbit ceil 1bit { class y rate 50% { match all } } } }",
		/* one statement, two faults: the first counts */
		"link a { egress rate 1mbit { class b rate x ceil y prio z { match tcp } } }",
		"link a { egress rate 1mbit { class b { match tcp udp icmp ip ip6 } } }",
		"link a { egress rate 1mbit\n{ class b { match tcp } } }",
		"link a { egress rate 1mbit { class b { match tcp }",
		"link a { egress rate 1mbit { class b rate 1mbit queue nope limit 3 { match tcp } } }",
		"limit user a/b { }",
		"link a { egress rate 1mbit { class b queue { class c { match tcp } } } }",
	};
	struct outcome o;
	const char *line;
	unsigned int n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		o = parse_text(texts[i]);
		assert_int_equal(o.err, -EINVAL);
		for (n = 0, line = o.error; line; line = strchr(line + 1, '\n'))
			n++;
		if (n != 3)
			print_error("%s\n%s\n", texts[i], o.error);
		assert_int_equal(n, 3);
		outcome_free(&o);
	}
}

static void test_semantic_errors_are_in_order(void **state)
{
	static const char text[] =
		"link a { egress rate 1mbit {\n"
		" class b rate 2mbit ceil 1mbit { match tcp }\n"
		" class c rat 1mbit { match udp }\n"
		" class b { match icmp }\n"
		"} }";

	(void)state;
	check_errors(text, strlen(text),
		     "t:2:26: the ceil, 1mbit, is below the rate, 2mbit\n"
		     " class b rate 2mbit ceil 1mbit { match tcp }\n"
		     "                         ^\n"
		     "t:3:10: unknown word 'rat'; did you mean 'rate'?\n"
		     " class c rat 1mbit { match udp }\n"
		     "         ^\n"
		     "t:4:8: class 'b' is there twice; the first is on line 2\n"
		     " class b { match icmp }\n"
		     "       ^");
}

static void test_twenty_errors(void **state)
{
	char text[4096] = "", want[8192] = "", line[64];
	int i;

	(void)state;
	for (i = 1; i <= 21; i++) {
		strcat(text, "what\n");
		if (i > 20)
			break;
		snprintf(line, sizeof(line), "%st:%d:1: unknown word 'what'\nwhat\n^", i > 1 ? "\n" : "", i);
		strcat(want, line);
		if (i == 20)	/* twenty are shown, and nothing is left out */
			check_errors(text, strlen(text), want);
	}
	strcat(want, "\nfurther errors are not shown");
	check_errors(text, strlen(text), want);
	for (i = 0; i < 100; i++)
		strcat(text, "{ } ] ) link \"\n");
	check_errors(text, strlen(text), want);
}

static void test_odd_characters(void **state)
{
	static const char nul[] = "link a { egress rate 1\0mbit }";
	static const char bell[] = "link a { egress rate 1mbit\x07 }\n# \x1b[31m\n";

	(void)state;
	check_errors(nul, sizeof(nul) - 1,
		     "t:1:23: NUL byte: this is not a text file\n"
		     "link a { egress rate 1?mbit }\n"
		     "                      ^");
	check_errors(bell, sizeof(bell) - 1,
		     "t:1:27: control character 0x07\n"
		     "link a { egress rate 1mbit? }\n"
		     "                          ^\n"
		     "t:2:3: control character 0x1b\n"
		     "# ?[31m\n"
		     "  ^");
	/* a lone carriage return, and DEL in quotes */
	check_errors("link a\r { }", 11, "t:1:7: control character 0x0d\nlink a? { }\n      ^");
	check_errors("link \"a\x7f\" { }", 13, "t:1:8: control character 0x7f\nlink \"a?\" { }\n       ^");
}

/* Columns are characters, the caret is under them; what is no UTF-8 is one column a byte. */
static void test_utf8(void **state)
{
	static const char good[] = "link \"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7\" { \tfoo }";
	static const char bad[] = "link \"\xc3\" { foo\xff }";
	static const char c1[] = "link a { \xc2\x9b" "31m }";

	(void)state;
	check_errors(good, strlen(good),
		     "t:1:15: unknown word 'foo'\n"
		     "link \"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7\" { \tfoo }\n"
		     "             \t^");
	check_errors(bad, strlen(bad),
		     "t:1:12: unknown word 'foo?'\n"
		     "link \"?\" { foo? }\n"
		     "           ^");
	check_errors(c1, strlen(c1),
		     "t:1:10: unknown word '??31m'\n"
		     "link a { ??31m }\n"
		     "         ^");
}

static void test_long_lines(void **state)
{
	char text[8192], *p = text;
	struct outcome o;
	const char *line, *caret;
	int i;

	(void)state;
	p += sprintf(p, "link a { egress rate 1mbit { class b {");
	for (i = 0; i < 100; i++)
		p += sprintf(p, " match\ttcp;");
	sprintf(p, " match tpc }; default rate 1mbit ceil 2mbit prio 3 burst 4kb cburst 5kb # and so on and on\n} }");
	o = parse_text(text);
	line = strchr(o.error, '\n') + 1;
	caret = strchr(line, '\n') + 1;
	assert_memory_equal(o.error, "t:1:1146: unknown word 'tpc'; did you mean 'tcp'?", 49);
	assert_memory_equal(line, "...", 3);
	assert_memory_equal(caret - 4, "...", 3);
	assert_true(caret - line < 110);
	assert_memory_equal(line + strlen(caret) - 1, "tpc }", 5);
	assert_null(strchr(line, '\t'));
	outcome_free(&o);
}

static void test_long_words(void **state)
{
	char *text = malloc(8192);
	struct outcome o;

	(void)state;
	memset(text, 'x', 8192);
	text[4095] = 0;
	o = parse_text(text);
	assert_memory_equal(o.error, "t:1:1: unknown word 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'\n", 86);
	outcome_free(&o);
	text[4095] = 'x';
	text[4096] = 0;
	o = parse_text(text);
	assert_memory_equal(o.error, "t:1:1: this word is longer than 4095 bytes\n", 43);
	outcome_free(&o);
	free(text);
}

static void test_too_large(void **state)
{
	size_t len = (16 << 20) + 1;
	char *text = malloc(len);
	struct outcome o;

	(void)state;
	memset(text, '\n', len);
	o = read_conf(NULL, text, len);
	assert_int_equal(o.err, -EFBIG);
	assert_string_equal(o.error, "'t' is larger than 16 MiB");
	assert_false(o.ctx.located);
	outcome_free(&o);
	o = read_conf(NULL, text, len - 1);
	assert_int_equal(o.err, 0);
	outcome_free(&o);
	free(text);
}

static void test_end_of_file(void **state)
{
	(void)state;
	check_errors("link a {\n egress rate 1mbit {\n  class b {\n   match tcp\n  }\n", 58,
		     "t:2:20: this '{' is never closed\n egress rate 1mbit {\n                   ^");
	check_errors("link a { } }\n}", 14,
		     "t:1:12: this '}' closes nothing\nlink a { } }\n           ^\n"
		     "t:2:1: this '}' closes nothing\n}\n^");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_errors_of_a_file), cmocka_unit_test(test_no_cascades),
		cmocka_unit_test(test_semantic_errors_are_in_order), cmocka_unit_test(test_twenty_errors),
		cmocka_unit_test(test_odd_characters), cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_long_lines), cmocka_unit_test(test_long_words),
		cmocka_unit_test(test_too_large), cmocka_unit_test(test_end_of_file),
	};

	return cmocka_run_group_tests_name("conf_recovery", tests, NULL, NULL);
}
