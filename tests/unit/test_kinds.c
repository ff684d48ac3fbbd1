// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The queue kinds without a kernel: every row is in tests/queue_cases.c, and text -> values -> message
 * -> what a kernel would say -> values -> text is exact.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/pkt_sched.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "qdisc/kind.h"
#include "tests/queue_cases.h"

enum { FRAME = 1514, ATTR = 2, ROUNDS = 1500 };

static const struct wire wire = { .change = false };
static struct arena arena;

static int drop_arena(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static const struct kind *kind_of(const struct queue_kind *queue)
{
	const struct kind *kind = kind_find(KIND_QDISC, queue->kind);

	assert_non_null(kind);
	return kind;
}

static int parse(const struct kind *kind, const char *words, struct opts **o, struct opt_error *error)
{
	const char *argv[128];
	int argc = queue_split(arena_strdup(&arena, words), argv, 128);

	*o = opts_new(&arena, kind);
	return opts_parse(kind, argc, argv, *o, error);
}

static struct opts *parsed(const struct kind *kind, const char *words)
{
	struct opt_error error = { 0 };
	struct opts *o;

	if (parse(kind, words, &o, &error))
		fail_msg("%s %s: %s", kind->name, words, error.text);
	return o;
}

static const char *printed(const struct kind *kind, const struct opts *o, bool all)
{
	char buf[2048] = "";
	FILE *f = fmemopen(buf, sizeof(buf), "w");

	opts_print(f, kind, o, all);
	fclose(f);
	return arena_strdup(&arena, *buf ? buf + 1 : buf);
}

/* ---- what the kernel makes of times that it keeps coarsely ---- */

static uint32_t kernel_says(const struct opt *row, uint32_t us)
{
	switch (row->type) {
	case OPT_CODEL_TIME:
		return (uint32_t)((((uint64_t)us * 1000 >> 10) << 10) / 1000);
	case OPT_TICK_TIME:
		return (uint32_t)(((uint64_t)us * 1000 >> 6 << 6) / 1000);
	default:
		return us;
	}
}

static void be_the_kernel(const struct kind *kind, struct nlattr *attr)
{
	struct nlattr *nla;
	unsigned int r;
	uint32_t us;
	int rest;

	for (nla = nla_data(attr), rest = nla_len(attr); nla_ok(nla, rest); nla = nla_next(nla, &rest))
		for (r = 0; r < kind->n_opts; r++)
			if (kind->opts[r].wire == WIRE_U32 && kind->opts[r].attr == nla_type(nla)) {
				us = kernel_says(&kind->opts[r], nla_get_u32(nla));
				memcpy(nla_data(nla), &us, sizeof(us));
			}
}

static struct opts *through_kernel(const struct kind *kind, const struct opts *o)
{
	struct nl_msg *msg = nlmsg_alloc_size(4096);
	struct opts *back = opts_new(&arena, kind);
	struct nlattr *attr;

	nlmsg_put(msg, 0, 0, 36, 0, 0);
	assert_int_equal(kind_emit(msg, ATTR, kind, o, &wire), 0);
	attr = nlmsg_find_attr(nlmsg_hdr(msg), 0, ATTR);
	if (!attr) {
		nlmsg_free(msg);
		return NULL;
	}
	be_the_kernel(kind, attr);
	assert_int_equal(kind_read(attr, kind, back, &wire), 0);
	nlmsg_free(msg);
	return back;
}

/* Rows that were said and that the kernel tells come back as they were. */
static void assert_exact(const struct kind *kind, const struct opts *o, const char *words)
{
	struct opts *filled = opts_dup(&arena, kind, o), *back;
	unsigned int r;

	opts_fill(kind, filled, FRAME);
	back = through_kernel(kind, filled);
	if (!back) {	/* no options, no attribute */
		assert_false(filled->set || filled->filled);
		return;
	}
	if (!opts_hold(kind, filled, back))
		fail_msg("%s %s: read back as%s", kind->name, words, printed(kind, back, true));
	assert_true(opts_hold(kind, back, filled) || kind->live || !strcmp(kind->name, "netem"));
	for (r = 0; r < kind->n_opts; r++) {
		const struct opt *row = &kind->opts[r];
		union optval *a = &filled->v[r], *b = &back->v[r];

		if (!(filled->set >> r & 1) || row->flags & OPT_WRITE_ONLY)
			continue;
		if (!opts_has(back, r) || memcmp(a, b, sizeof(*a)))
			fail_msg("%s %s: '%s' is not exact", kind->name, words, row->word);
	}
}

/* What is printed reads as the same again. */
static void assert_fixed(const struct kind *kind, const struct opts *o, const char *words)
{
	const char *text = printed(kind, o, false);
	struct opts *again = parsed(kind, text), *a = opts_dup(&arena, kind, o);

	if (strcmp(printed(kind, again, false), text))
		fail_msg("%s %s: '%s' becomes '%s'", kind->name, words, text, printed(kind, again, false));
	opts_fill(kind, a, FRAME);
	opts_fill(kind, again, FRAME);
	if (!opts_hold(kind, a, again) || !opts_hold(kind, again, a))
		fail_msg("%s %s: '%s' means something else", kind->name, words, text);
}

/* ---- the written cases ---- */

static void cases(void **state)
{
	size_t q, i;

	(void)state;
	for (q = 0; q < n_queue_kinds; q++) {
		const struct kind *kind = kind_of(&queue_kinds[q]);

		for (i = 0; i < queue_kinds[q].n; i++) {
			const struct queue_case *c = &queue_kinds[q].cases[i];
			struct opts *o = parsed(kind, c->words);

			assert_string_equal(printed(kind, o, false), c->text ? c->text : c->words);
			assert_fixed(kind, o, c->words);
			assert_exact(kind, o, c->words);
		}
		assert_exact(kind, parsed(kind, queue_kinds[q].base), queue_kinds[q].base);
	}
}

static bool said(const struct queue_kind *queue, const char *phrase)
{
	size_t i, len = strlen(phrase);

	for (i = 0; i < queue->n; i++) {
		const char *at = queue->cases[i].words;

		while ((at = strstr(at, phrase))) {
			if ((at == queue->cases[i].words || at[-1] == ' ') && (!at[len] || at[len] == ' '))
				return true;
			at += len;
		}
	}
	return false;
}

static void assert_said(const struct queue_kind *queue, const char *phrase)
{
	if (phrase && !said(queue, phrase))
		fail_msg("no case of tests/queue_cases.c says '%s %s'", queue->kind, phrase);
}

static void assert_row_said(const struct queue_kind *queue, const struct opt *row)
{
	size_t i;

	if (row->flags & (OPT_NO_MAN | OPT_POS))
		return;
	if (!(row->flags & OPT_BARE))
		assert_said(queue, row->word);
	assert_said(queue, row->off);
	for (i = 0; row->flags & OPT_BARE && row->names[i]; i++)
		assert_said(queue, row->names[i]);
}

static void every_word_has_a_case(void **state)
{
	const struct opt_word *w;
	size_t q, r;

	(void)state;
	for (q = 0; q < n_queue_kinds; q++) {
		const struct kind *kind = kind_of(&queue_kinds[q]);

		for (r = 0; r < kind->n_opts; r++)
			assert_row_said(&queue_kinds[q], &kind->opts[r]);
		for (w = kind->words; w && w->word; w++)
			assert_said(&queue_kinds[q], w->word);
	}
}

static void every_leaf_kind_has_cases(void **state)
{
	size_t i, q;

	(void)state;
	for (i = 0; kinds[i]; i++) {
		for (q = 0; q < n_queue_kinds && strcmp(queue_kinds[q].kind, kinds[i]->name);)
			q++;
		if (kinds[i]->flags & KIND_LEAF && q == n_queue_kinds)
			fail_msg("tests/queue_cases.c has no %s", kinds[i]->name);
	}
}

static void refused(void **state)
{
	struct opt_error error;
	struct opts *o;
	size_t q, i;

	(void)state;
	for (q = 0; q < n_queue_kinds; q++) {
		const struct kind *kind = kind_of(&queue_kinds[q]);

		for (i = 0; queue_kinds[q].bad[i]; i++) {
			memset(&error, 0, sizeof(error));
			if (!parse(kind, queue_kinds[q].bad[i], &o, &error))
				fail_msg("%s %s was accepted", kind->name, queue_kinds[q].bad[i]);
			assert_true(strlen(error.text) > 5);
		}
	}
}

/* ---- rows by themselves ---- */

static void rows_are_sound(void **state)
{
	size_t i, r, k;

	(void)state;
	for (i = 0; kinds[i]; i++) {
		assert_non_null(kinds[i]->help);
		assert_in_range(kinds[i]->n_opts, 0, OPT_MAX);
		for (r = 0; r < kinds[i]->n_opts; r++) {
			const struct opt *row = &kinds[i]->opts[r];

			assert_non_null(row->word);
			if (!(row->flags & OPT_NO_MAN) && kinds[i]->flags & KIND_LEAF)
				assert_true(row->help && strlen(row->help) > 4);
			assert_true((row->type == OPT_ENUM) == !!row->names);
			if (row->type == OPT_BYTES)
				assert_in_range(row->max, 1, 16);
			if (row->flags & OPT_POS)
				assert_true(r > 0);
			for (k = 0; k < r && !(row->flags & OPT_NO_MAN); k++)
				assert_string_not_equal(row->word, kinds[i]->opts[k].word);
		}
	}
}

/* Filling says every default, and a filled set is complete: filling again changes nothing. */
static void filling(void **state)
{
	size_t q, r;

	(void)state;
	for (q = 0; q < n_queue_kinds; q++) {
		const struct kind *kind = kind_of(&queue_kinds[q]);
		struct opts *o = parsed(kind, queue_kinds[q].base), *again;

		opts_fill(kind, o, FRAME);
		again = opts_dup(&arena, kind, o);
		opts_fill(kind, again, FRAME);
		assert_true(o->set == again->set && o->filled == again->filled);
		assert_memory_equal(o->v, again->v, kind->n_opts * sizeof(o->v[0]));
		for (r = 0; r < kind->n_opts; r++)
			if (kind->opts[r].flags & OPT_HAS_DEF)
				assert_true(opts_has(o, (unsigned int)r));
	}
}

/* ---- random sets ---- */

static void random_sets(void **state)
{
	uint64_t seed = 20;
	char words[2048];
	size_t q;
	int i;

	(void)state;
	for (q = 0; q < n_queue_kinds; q++) {
		const struct kind *kind = kind_of(&queue_kinds[q]);

		for (i = 0; i < ROUNDS; i++) {
			queue_random_words(&queue_kinds[q], kind, &seed, NULL, words, sizeof(words));
			assert_fixed(kind, parsed(kind, words), words);
			assert_exact(kind, parsed(kind, words), words);
			arena_free(&arena);
		}
	}
}

/* Messages of any bytes are read or refused, not believed. */
static void random_messages(void **state)
{
	uint64_t seed = 77;
	unsigned char noise[256 + NLA_HDRLEN];
	size_t i, q, n;

	(void)state;
	for (q = 0; q < n_queue_kinds; q++) {
		const struct kind *kind = kind_of(&queue_kinds[q]);

		for (i = 0; i < ROUNDS; i++) {
			struct nlattr *attr = (struct nlattr *)(void *)noise;
			struct opts *o = opts_new(&arena, kind);

			for (n = 0; n < sizeof(noise); n++) {
				seed = seed * UINT64_C(6364136223846793005) + 1;
				noise[n] = (unsigned char)(seed >> (seed >> 60 & 1 ? 40 : 61));
			}
			attr->nla_len = (uint16_t)(NLA_HDRLEN + (seed >> 33) % 257);
			if (!kind_read(attr, kind, o, &wire)) {
				printed(kind, o, true);
				json_decref(opts_json(kind, o));
			}
			if (kind->stats)
				json_decref(kind->stats(nla_data(attr), (size_t)nla_len(attr)));
			arena_free(&arena);
		}
	}
}

/* ---- rows that stand apart ---- */

static bool compare(const char *kind_name, const char *wanted, const char *present,
		    bool (*how)(const struct kind *, const struct opts *, const struct opts *))
{
	const struct kind *kind = kind_find(KIND_QDISC, kind_name);
	struct opts *w = parsed(kind, wanted), *p = parsed(kind, present);

	opts_fill(kind, w, FRAME);
	opts_fill(kind, p, FRAME);
	return how(kind, w, p);
}

#define same(kind, wanted, present) compare(kind, wanted, present, opts_hold)
#define needs_new(kind, wanted, present) compare(kind, wanted, present, opts_need_new)

static void differences(void **state)
{
	(void)state;
	/* another start: seen in Plog */
	assert_false(same("red", "limit 400kb avpkt 1000 adaptive",
			  "limit 400kb avpkt 1000 adaptive probability 0.3"));
	assert_false(same("red", "limit 400kb avpkt 1000", "limit 400kb avpkt 1000 probability 0.3"));
	assert_false(same("red", "limit 400kb avpkt 1000", "limit 400kb avpkt 1000 burst 100"));
	assert_false(same("red", "limit 400kb avpkt 1000", "limit 400kb avpkt 1000 bandwidth 1gbit"));
	assert_false(same("red", "limit 400kb avpkt 1000", "limit 400kb avpkt 1000 min 30000"));
	assert_true(same("cake", "bandwidth 1mbit autorate-ingress", "bandwidth 3mbit autorate-ingress"));
	assert_false(same("cake", "bandwidth 1mbit", "bandwidth 3mbit"));
	assert_false(same("cake", "", "overhead 0"));
	assert_false(same("netem", "", "loss state 0%"));
	assert_false(same("netem", "loss random 1%", "loss gemodel 1%"));
	assert_false(same("netem", "slot 1ms", "slot 1ms 2ms"));
	assert_false(same("netem", "delay 1ms", "delay 1ms reorder 5%"));
	assert_false(same("sfq", "", "redflowlimit 100000"));
	assert_false(same("sfq", "redflowlimit 100000", ""));
	assert_false(same("fq", "", "priomap 2 2 2 2 2 2 0 0 1 1 1 1 1 1 1 1"));
	assert_false(same("codel", "", "ce_threshold 5ms"));
	assert_true(needs_new("sfq", "limit 20", "limit 30"));
	assert_true(needs_new("fq_codel", "flows 20", ""));
	assert_false(needs_new("fq_codel", "limit 20", ""));
	assert_true(needs_new("red", "limit 400kb avpkt 1000", "limit 400kb avpkt 1000 ecn nodrop"));
	assert_false(needs_new("red", "limit 400kb avpkt 1000", "limit 300kb avpkt 1000 ecn"));
}

static void cake_nat_is_left_out(void **state)
{
	const struct kind *kind = kind_find(KIND_QDISC, "cake");
	struct wire change = { .change = true };
	const struct { const char *words; const struct wire *wire; bool there; } tries[] = {
		{ "", &wire, false }, { "nonat", &wire, true }, { "nat", &wire, true }, { "", &change, true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct opts *o = parsed(kind, tries[i].words);
		struct nl_msg *msg = nlmsg_alloc_simple(36, 0);
		struct nlattr *attr;

		opts_fill(kind, o, FRAME);
		assert_int_equal(kind_emit(msg, ATTR, kind, o, tries[i].wire), 0);
		attr = nlmsg_find_attr(nlmsg_hdr(msg), 0, ATTR);
		assert_true(!!nla_find(nla_data(attr), nla_len(attr), TCA_CAKE_NAT) == tries[i].there);
		nlmsg_free(msg);
	}
}

/* What the kernel moves is no difference. */
static void live_rows(void **state)
{
	static const char *const tries[][3] = {
		{ "red", "limit 400kb avpkt 1000 probability 0.02", "adaptive" },
		{ "cake", "bandwidth 1mbit", "autorate-ingress" },
	};
	char words[96];
	size_t i, how;

	(void)state;
	for (i = 0; i < 2; i++)
		for (how = 0; how < 2; how++) {
			const struct kind *kind = kind_find(KIND_QDISC, tries[i][0]);
			unsigned int row = (unsigned int)opts_row(kind, i ? "bandwidth" : "probability");
			struct opts *wanted, *present;

			snprintf(words, sizeof(words), "%s %s", tries[i][1], how ? tries[i][2] : "");
			wanted = parsed(kind, words);
			present = parsed(kind, words);
			opts_put(present, row, 4000000);
			assert_true(opts_hold(kind, wanted, present) == how);
		}
}

/* No packet that fits the burst that was asked for may be larger than the bucket that is sent. */
static void tbf_sends_enough(void **state)
{
	const struct kind *kind = kind_find(KIND_QDISC, "tbf");
	static const char *const words[] = {
		"rate 100gbit burst 1514 limit 1mb", "rate 10gbit burst 1514 limit 1mb",
		"rate 40gbit burst 9014 limit 1mb overhead 24", "rate 1mbit burst 1514 limit 1mb linklayer atm",
		"rate 8kbit burst 1514 limit 1mb", NULL,
	};
	size_t i;

	(void)state;
	for (i = 0; words[i]; i++) {
		uint32_t least = strstr(words[i], "9014") ? 9014 : 1514;
		struct nl_msg *msg = nlmsg_alloc_simple(36, 0);
		struct nlattr *attr, *burst;

		assert_int_equal(kind_emit(msg, ATTR, kind, parsed(kind, words[i]), &wire), 0);
		attr = nlmsg_find_attr(nlmsg_hdr(msg), 0, ATTR);
		burst = nla_find(nla_data(attr), nla_len(attr), TCA_TBF_BURST);
		assert_in_range(nla_get_u32(burst), least, least + 1024);
		nlmsg_free(msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(cases, drop_arena),
		cmocka_unit_test(every_word_has_a_case),
		cmocka_unit_test(every_leaf_kind_has_cases),
		cmocka_unit_test_teardown(refused, drop_arena),
		cmocka_unit_test(rows_are_sound),
		cmocka_unit_test_teardown(filling, drop_arena),
		cmocka_unit_test_teardown(random_sets, drop_arena),
		cmocka_unit_test_teardown(random_messages, drop_arena),
		cmocka_unit_test_teardown(differences, drop_arena),
		cmocka_unit_test_teardown(cake_nat_is_left_out, drop_arena),
		cmocka_unit_test_teardown(live_rows, drop_arena),
		cmocka_unit_test_teardown(tbf_sends_enough, drop_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
