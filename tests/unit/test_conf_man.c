// SPDX-License-Identifier: GPL-2.0-or-later
/* doc/weir.conf.5 and doc/examples beside what src/conf knows. */
#include "test_conf.h"

#include "conf/framing.h"
#include "conf/parse.h"
#include "conf/words.h"

/* A file of the source tree as text; free(). */
static char *slurp(const char *name)
{
	const char *top = getenv("TOP");
	char path[1000], *text;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", top ? top : ".", name);
	f = fopen(path, "r");
	if (!f)
		print_error("cannot open %s: set TOP to the source tree\n", path);
	assert_non_null(f);
	text = calloc(1, 1 << 20);
	assert_non_null(text);
	n = fread(text, 1, (1 << 20) - 1, f);
	assert_true(n > 0);
	fclose(f);
	return text;
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Whether the page has the word on a line that is an item or a macro, not running text. */
static bool has_keyword(const char *page, const char *word)
{
	size_t len = strlen(word);
	const char *s, *line;

	for (s = page; (s = strstr(s, word)); s++) {
		for (line = s; line > page && line[-1] != '\n';)
			line--;
		if (*line == '.' && s > page && !is_word(s[-1]) && !is_word(s[len]))
			return true;
	}
	return false;
}

static void need_keyword(const char *page, const char *word)
{
	if (!has_keyword(page, word))
		print_error("weir.conf(5) does not have '%s'\n", word);
	assert_true(has_keyword(page, word));
}

static void test_statements(void **state)
{
	static const struct block *const blocks[] = {
		&block_file, &block_link, &block_class, &block_police, &block_limit,
	};
	char *page = slurp("doc/weir.conf.5");
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		for (k = 0; k < blocks[i]->n; k++)
			need_keyword(page, blocks[i]->keywords[k].word);
	free(page);
}

static void test_words(void **state)
{
	static const char *const words[] = {
		"rate", "ceil", "prio", "burst", "cburst", "quantum", "queue", "mtu", "conform", "exceed",
		"all", "ip", "ip6", "tcp", "udp", "icmp", "proto", "from", "to", "sport", "dport", "dscp",
		"mark", "vlan", "mac", "cgroup", "user", "ack", "pid", "auto", "bpf", "kernel", "mpu",
		"on", "off", "native", "generic", "internet", "local", "block",
	};
	const struct named *tables[] = { word_protos, word_verdicts, word_linklayers }, *n;
	char *page = slurp("doc/weir.conf.5");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		need_keyword(page, words[i]);
	for (i = 0; i < 3; i++)
		for (n = tables[i]; n->name; n++)
			need_keyword(page, n->name);
	free(page);
}

/* ".It NAME Ta OVERHEAD Ta MPU Ta LAYER Ta" */
static void test_presets(void **state)
{
	static const char *const layers[] = { "\"\"", "atm", "ptm" };
	char *page = slurp("doc/weir.conf.5"), row[200];
	const struct framing_preset *p;

	(void)state;
	for (p = framing_presets; p->name; p++) {
		snprintf(row, sizeof(row), "\n.It %s Ta %d Ta %u Ta %s Ta ", p->name, p->overhead_bytes,
			 p->mpu_bytes, layers[p->linklayer]);
		if (!strstr(page, row))
			print_error("weir.conf(5) does not have%s\n", row);
		assert_non_null(strstr(page, row));
		if (p->alias)
			need_keyword(page, p->alias);
	}
	free(page);
}

/* The examples are valid, and there is nothing to say about them. */
static void test_examples(void **state)
{
	static const char *const names[] = { "router", "office", "interface", "server" };
	struct outcome o;
	char path[100], *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "doc/examples/%s.conf", names[i]);
		text = slurp(path);
		o = parse_good(text);
		assert_string_equal(o.warnings, "");
		assert_non_null(o.policy->links);
		outcome_free(&o);
		free(text);
	}
}

/* The page's own: everything between .Bd -literal and .Ed that begins with a link. */
static void test_examples_of_the_page(void **state)
{
	char *page = slurp("doc/weir.conf.5"), *begin = page, *end;
	struct outcome o;
	int n = 0;

	(void)state;
	while ((begin = strstr(begin, ".Bd -literal\nlink"))) {
		begin += strlen(".Bd -literal\n");
		end = strstr(begin, "\n.Ed");
		assert_non_null(end);
		*end = 0;
		o = parse_good(begin);
		assert_string_equal(o.warnings, "");
		outcome_free(&o);
		begin = end + 1;
		n++;
	}
	assert_int_equal(n, 2);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statements), cmocka_unit_test(test_words),
		cmocka_unit_test(test_presets), cmocka_unit_test(test_examples),
		cmocka_unit_test(test_examples_of_the_page),
	};

	return cmocka_run_group_tests_name("conf_man", tests, NULL, NULL);
}
