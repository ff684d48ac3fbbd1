// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sets of rules as the BPF classifier's maps: random rules and random packets, the first rule whose
 * match holds, read naively, against the classifier's own algorithm on the compiled maps.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/ruleset.h"
#include "tests/native.h"
#include "tests/packet.h"

/* after lib/ctx.h: it has a function fail() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { SETS = 2500, PACKETS = 400, RULES = 40, DEFAULT = 0x77e00002 };

struct set {
	struct ctx ctx;
	struct arena arena;
	struct rule *rules;
	unsigned int n;
	struct program *program;
};

static unsigned int below(unsigned int n)
{
	return (unsigned int)rand() % n;
}

/* ---- sets of rules ---- */

/* Cgroups are numbered by their path: level 1 has 1-3, level 2 below n has 10 n + 1-3, and so on. */
static void random_owner(struct match *m)
{
	unsigned int level;

	m->uid = 1000 + below(3);
	m->net_cls = 0x10001 + below(3);
	m->cgroup_level = (uint8_t)(1 + below(3));
	for (level = 0; level < m->cgroup_level; level++)
		m->cgroup_id = 10 * m->cgroup_id + 1 + below(3);
	if (once_in(3))
		m->cgroup_id = 0;
}

static struct match *random_rule(struct arena *a, uint32_t terms)
{
	struct match *m = match_random(a, terms);
	uint32_t direct = once_in(2) ? MATCH_FROM : MATCH_TO;

	random_owner(m);
	if (once_in(3) && terms & direct)
		m->set = direct | (m->set & MATCH_FAMILY);
	else if (!m->set && !once_in(400))
		m->set = terms & -terms;
	if (m->set & MATCH_FAMILY && m->set & (MATCH_FROM | MATCH_TO) && !once_in(10))
		m->ip6 = m->set & MATCH_FROM ? m->from[0].ip6 : m->to[0].ip6;
	return m;
}

static void start(struct set *s, unsigned int n)
{
	memset(s, 0, sizeof(*s));
	ctx_init(&s->ctx);
	s->n = n;
	s->rules = calloc(n + 1, sizeof(*s->rules));
	assert_non_null(s->rules);
}

static void stop(struct set *s)
{
	free(s->rules);
	arena_free(&s->arena);
	ctx_fini(&s->ctx);
}

static struct ruleset_hook hook_for(bool ethernet)
{
	return (struct ruleset_hook){
		.what = "wan0: egress", .ethernet = ethernet, .classid = DEFAULT, .source_hash = 77,
	};
}

static int compile(struct set *s, const struct ruleset_hook *hook)
{
	return ruleset_program(&s->ctx, &s->arena, hook, s->rules, s->n, &s->program);
}

static void must_compile(struct set *s, bool ethernet)
{
	struct ruleset_hook hook = hook_for(ethernet);

	if (compile(s, &hook))
		fail_msg("%s", s->ctx.error);
}

/* ---- the property ---- */

static bool owner_holds(const struct match *m, const struct native_packet *p)
{
	if (m->set & MATCH_USER && (!p->owned || p->uid != m->uid))
		return false;
	if (!(m->set & MATCH_CGROUP))
		return true;
	return p->owned && (m->cgroup_id ? p->cgroup[m->cgroup_level] == m->cgroup_id :
					   p->net_cls == m->net_cls);
}

static uint32_t naive(const struct set *s, const struct packet *p, const struct native_packet *n)
{
	uint32_t i;

	for (i = 0; i < s->n; i++)
		if (match_holds(s->rules[i].match, p, sight_everything) &&
		    owner_holds(s->rules[i].match, n))
			return i;
	return CLASSIFY_NO_RULE;
}

static struct native_packet as_native(const struct packet *p)
{
	struct native_packet n = {
		.data = p->buf + p->start, .bytes = p->end - p->start, .mark = p->mark,
		.tagged = p->tagging == TAG_IN_METADATA || p->tagging == SECOND_TAG_IN_HEADER,
		.vlan = p->vlan, .owned = !once_in(4), .uid = 1000 + below(4),
		.net_cls = 0x10001 + below(4),
	};
	unsigned int level, depth = 1 + below(4);

	n.cgroup[0] = 1000000;
	for (level = 1; level <= depth; level++)
		n.cgroup[level] = 10 * (level > 1 ? n.cgroup[level - 1] : 0) + 1 + below(3);
	return n;
}

static void check_packet(const struct set *s, const struct packet *p, unsigned int *hits)
{
	struct native_packet n = as_native(p);
	uint32_t wanted = naive(s, p, &n);
	struct classify_result got;

	assert_int_equal(native_classify(s->program, &n, &got), 0);
	if (got.rule != wanted)
		fail_msg("rule %d, not %d (set 0x%x)", (int)got.rule, (int)wanted,
			 wanted < s->n ? s->rules[wanted].match->set : 0);
	assert_int_equal(got.classid, wanted < s->n ? s->rules[wanted].classid : DEFAULT);
	assert_int_equal(got.mark_mask, wanted < s->n ? s->rules[wanted].mark_mask : 0);
	assert_int_equal(got.mark, wanted < s->n ? s->rules[wanted].mark & got.mark_mask : 0);
	*hits += wanted < s->n;
}

static void random_set(struct set *s, uint32_t terms)
{
	bool marking = once_in(4);
	unsigned int i;

	start(s, 1 + below(RULES));
	for (i = 0; i < s->n; i++) {
		s->rules[i].match = random_rule(&s->arena, terms);
		s->rules[i].classid = 0x77e01000 + i / 2;
		if (marking && once_in(2)) {
			s->rules[i].mark_mask = 0xff00;
			s->rules[i].mark = below(4) << 8;
		}
	}
}

static void check_terms(uint32_t terms, unsigned int sets, bool ethernet)
{
	unsigned int i, k, hits = 0;
	struct packet p;
	struct set s;

	for (i = 0; i < sets; i++) {
		random_set(&s, terms);
		must_compile(&s, ethernet);
		for (k = 0; k < PACKETS; k++) {
			packet_random(&p, s.rules[below(s.n)].match, ethernet, ALL_TAGGINGS);
			check_packet(&s, &p, &hits);
		}
		stop(&s);
	}
	print_message("# 0x%x: %u packets, %u hits\n", terms, sets * PACKETS, hits);
	assert_true(hits >= sets * PACKETS / 20);
}

enum { ALL_TERMS = (1 << 13) - 1 };

static void test_all_terms(void **state)
{
	(void)state;
	check_terms(ALL_TERMS, SETS, true);
}

static void test_without_ethernet(void **state)
{
	(void)state;
	check_terms(ALL_TERMS & ~(uint32_t)(MATCH_MAC | MATCH_VLAN), SETS / 10, false);
}

/* Each term alone, so that it decides. */
static void test_each_term(void **state)
{
	unsigned int bit;

	(void)state;
	for (bit = 0; bit < 13; bit++)
		check_terms(UINT32_C(1) << bit, SETS / 50, true);
	check_terms(MATCH_FROM | MATCH_TO, SETS / 5, true);
	check_terms(MATCH_FROM | MATCH_SPORT | MATCH_DPORT, SETS / 10, true);
}

/* Many prefixes of one length, or of two: maps that are hashes. */
static void test_few_lengths(void **state)
{
	unsigned int i, k, hits = 0, hashes = 0, doubles = 0, lengths;
	const struct classify_config *c;
	struct packet p;
	struct set s;

	(void)state;
	for (i = 0; i < SETS / 10; i++) {
		lengths = 1 + i % 2;
		start(&s, 400);
		for (k = 0; k < s.n; k++) {
			struct match *m = random_rule(&s.arena, MATCH_FROM | MATCH_TO | MATCH_DPORT);

			match_set_lengths(m, k % lengths ? 20 : 32, k % lengths ? 48 : 64);
			s.rules[k] = (struct rule){ .match = m, .classid = 0x77e01000 + k };
		}
		must_compile(&s, true);
		for (k = 0; k < s.program->n_maps; k++)
			hashes += s.program->maps[k].hash;
		c = s.program->constants;
		doubles += c->from4.n == 2 || c->from6.n == 2 || c->to4.n == 2 || c->to6.n == 2;
		for (k = 0; k < PACKETS; k++) {
			packet_random(&p, s.rules[below(s.n)].match, true, ALL_TAGGINGS);
			check_packet(&s, &p, &hits);
		}
		stop(&s);
	}
	print_message("# %u hashes, %u sets with two lengths, %u hits\n", hashes, doubles, hits);
	assert_true(hashes >= SETS / 10 * 2);
	assert_true(doubles >= SETS / 40);
	assert_true(hits >= SETS / 10 * PACKETS / 3);
}

/* Damaged and cut packets: nothing is read behind their end, which a sanitizer sees. */
static void test_damaged(void **state)
{
	unsigned int i, k, n, cut = 0;
	struct native_packet native;
	struct classify_result got;
	struct packet p;
	uint8_t *exact;
	struct set s;

	(void)state;
	random_set(&s, ALL_TERMS);
	must_compile(&s, true);
	for (i = 0; i < SETS * 40; i++) {
		packet_random(&p, s.rules[below(s.n)].match, true, ALL_TAGGINGS);
		for (k = below(6); k > 0; k--)
			p.buf[p.start + below(p.end - p.start)] = (uint8_t)rand();
		native = as_native(&p);
		n = below(p.end - p.start + 1);
		exact = malloc(n + !n);
		assert_non_null(exact);
		memcpy(exact, p.buf + p.start, n);
		native.data = exact;
		native.bytes = n;
		cut += native_classify(s.program, &native, &got) != 0;
		free(exact);
	}
	assert_in_range(cut, SETS, SETS * 39);
	stop(&s);
}

/* ---- limits, and what stands for itself ---- */

static void test_too_many(void **state)
{
	struct ruleset_hook hook = hook_for(true);
	struct match *m;
	unsigned int i;
	struct set s;

	(void)state;
	start(&s, CLASSIFY_RULES + 3);
	for (i = 0; i < s.n; i++) {
		m = arena_alloc(&s.arena, sizeof(*m));
		m->set = MATCH_MARK;
		m->mark = i;
		m->mark_mask = i < 6 ? i : UINT32_MAX;
		s.rules[i].match = m;
	}
	assert_int_equal(compile(&s, &hook), -E2BIG);
	assert_string_equal(s.ctx.error, "wan0: egress has 1027 match lines that are more than prefixes; "
			    "1024 is the most");
	ctx_clear(&s.ctx);
	s.n = CLASSIFY_RULES;
	assert_int_equal(compile(&s, &hook), -E2BIG);
	assert_string_equal(s.ctx.error,
			    "wan0: egress has match lines with more than 4 different masks of 'mark'");
	stop(&s);
}

/* The name tells sets apart. */
static void test_names(void **state)
{
	struct ruleset_hook hook = hook_for(true);
	char name[PROGRAM_NAME];
	struct set s;

	(void)state;
	random_set(&s, MATCH_DPORT);
	assert_int_equal(compile(&s, &hook), 0);
	memcpy(name, s.program->name, sizeof(name));
	assert_int_equal(strncmp(name, "weir_classify:", 14), 0);
	assert_int_equal(compile(&s, &hook), 0);
	assert_string_equal(s.program->name, name);
	s.rules[0].classid++;
	assert_int_equal(compile(&s, &hook), 0);
	assert_string_not_equal(s.program->name, name);
	s.rules[0].classid--;
	hook.source_hash++;
	assert_int_equal(compile(&s, &hook), 0);
	assert_string_not_equal(s.program->name, name);
	stop(&s);
}

/* Without rules, and with one that takes all: nothing but the counters is needed. */
static void test_nothing_to_ask(void **state)
{
	const struct match all = { 0 };
	struct ruleset_hook hook = hook_for(true);
	const struct classify_config *c;
	struct set s;

	(void)state;
	start(&s, 2);
	s.n = 0;
	assert_int_equal(compile(&s, &hook), 0);
	c = s.program->constants;
	assert_int_equal(s.program->n_maps, 1);
	assert_int_equal(c->otherwise.rule, CLASSIFY_NO_RULE);
	assert_int_equal(c->otherwise.classid, DEFAULT);
	s.n = 2;
	s.rules[0] = (struct rule){ .match = &all, .classid = 7, .mark = 3, .mark_mask = 1 };
	s.rules[1] = (struct rule){ .match = NULL, .classid = 8 };
	assert_int_equal(compile(&s, &hook), 0);
	c = s.program->constants;
	assert_int_equal(s.program->n_maps, 1);
	assert_int_equal(c->otherwise.rule, 0);
	assert_int_equal(c->otherwise.classid, 7);
	assert_int_equal(c->otherwise.mark, 1);
	stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_terms),
		cmocka_unit_test(test_without_ethernet),
		cmocka_unit_test(test_each_term),
		cmocka_unit_test(test_few_lengths),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_nothing_to_ask),
	};

	srand(4);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
