// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a match says against what its compiled filters do: random matches and random packets, a naive
 * reading of struct match on one side, an interpreter of the u32 keys or flower rows on the other.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/alternatives.h"
#include "plan/classifier.h"
#include "qdisc/filter.h"
#include "tests/packet.h"

/* after lib/ctx.h: it has a macro fail() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { MATCHES = 6000, PACKETS = 60 };

/* ---- interpreters of what was compiled ---- */

enum outcome { MISS, HIT, GIVE_UP };

/* u32_classify() of one filter: GIVE_UP ends the whole priority. */
static enum outcome run_u32(const struct opts *o, const struct packet *p)
{
	unsigned int i;
	uint32_t word;

	if (opts_has(o, U32_MARK) &&
	    (p->mark & o->v[U32_MARK].u >> 32) != (uint32_t)o->v[U32_MARK].u)
		return MISS;
	for (i = 0; i < U32_KEYS && opts_has(o, U32_KEY + i); i++) {
		const int32_t *w = o->v[U32_KEY + i].w;
		int at = PACKET_NETWORK + w[2];

		/* two bytes of headroom in front of the Ethernet header are always there */
		if (at < (int)p->start - 2 || at + 4 > (int)p->end)
			return GIVE_UP;
		memcpy(&word, p->buf + at, 4);
		if ((word ^ (uint32_t)w[1]) & (uint32_t)w[0])
			return MISS;
		if (i)
			assert_true(o->v[U32_KEY + i - 1].w[2] < w[2]);
	}
	return HIT;
}

static bool masked(const struct opts *o, unsigned int row, const uint8_t *field, size_t n)
{
	size_t i;

	for (i = 0; opts_has(o, row) && i < n; i++)
		if ((o->v[row].b[i] ^ field[i]) & o->v[row + 1].b[i])
			return false;
	return true;
}

static bool masked_number(const struct opts *o, unsigned int row, uint64_t field)
{
	return !opts_has(o, row) || !((o->v[row].u ^ field) & o->v[row + 1].u);
}

static bool number(const struct opts *o, unsigned int row, uint64_t field)
{
	return !opts_has(o, row) || o->v[row].u == field;
}

/* fl_classify() on the fields as the flow dissector leaves them. */
static enum outcome run_flower(const struct opts *o, const struct packet *p)
{
	uint16_t type = !p->ip ? 0x0806 : p->ip6 ? 0x86dd : 0x0800;
	uint16_t sport = p->fragment || !p->has_ports ? 0 : p->sport;
	uint16_t dport = p->fragment || !p->has_ports ? 0 : p->dport;
	bool tagged = opts_get(o, FLOWER_ETH_TYPE, 0) == 0x8100;
	uint8_t v4src[4], v4dst[4];

	memcpy(v4src, p->src, 4);
	memcpy(v4dst, p->dst, 4);
	if (tagged ? !p->tagging || !number(o, FLOWER_VLAN_ID, p->vlan) ||
	    !number(o, FLOWER_VLAN_ETH_TYPE, p->tagging == SECOND_TAG_IN_HEADER ? 0x8100 : type) :
	    !number(o, FLOWER_ETH_TYPE, type))
		return MISS;
	if (opts_has(o, FLOWER_SRC4) || opts_has(o, FLOWER_DST4))
		assert_false(p->ip6);
	return masked(o, FLOWER_SRC_MAC, p->smac, 6) && masked(o, FLOWER_DST_MAC, p->dmac, 6) &&
	       number(o, FLOWER_IP_PROTO, p->proto) &&
	       masked_number(o, FLOWER_IP_TOS, (uint64_t)p->dscp << 2 | p->ecn) &&
	       masked(o, FLOWER_SRC4, v4src, 4) && masked(o, FLOWER_DST4, v4dst, 4) &&
	       masked(o, FLOWER_SRC6, p->src, 16) && masked(o, FLOWER_DST6, p->dst, 16) &&
	       masked_number(o, FLOWER_SPORT, sport) && masked_number(o, FLOWER_DPORT, dport) &&
	       (!opts_has(o, FLOWER_SPORT_MIN) || (sport >= o->v[FLOWER_SPORT_MIN].u &&
						   sport <= o->v[FLOWER_SPORT_MAX].u)) &&
	       (!opts_has(o, FLOWER_DPORT_MIN) || (dport >= o->v[FLOWER_DPORT_MIN].u &&
						   dport <= o->v[FLOWER_DPORT_MAX].u)) &&
	       masked_number(o, FLOWER_FLAGS, p->fragment ? 1 : 0) ? HIT : MISS;
}

/* ---- the property ---- */

struct plan {
	const char *kind;
	uint32_t terms, features;
	bool ethernet;
	enum outcome (*run)(const struct opts *o, const struct packet *p);
	struct sight (*sight)(const struct match *m, const struct packet *p);
};

static void assert_same(const struct plan *plan, const struct match *m, const struct packet *p,
			const struct tree_link *link)
{
	bool wanted = match_holds(m, p, plan->sight(m, p)), got = false;
	unsigned int hits = 0;
	const struct obj *f;

	for (f = link->objs[OBJ_FILTER]; f; f = f->next) {
		enum outcome o = plan->run(f->opts, p);

		if (o == GIVE_UP)
			break;
		hits += o == HIT;
	}
	got = hits;
	if (got != wanted)
		fail_msg("%s: set 0x%x: filters say %d, match says %d", plan->kind, m->set, got, wanted);
	if (got)	/* never wider than the match */
		assert_true(match_holds(m, p, sight_everything));
	if (!(m->set & MATCH_MAC) || memcmp(p->smac, p->dmac, 6))
		assert_true(hits <= 1);
}

static struct probe probe_with(const char *name, uint32_t features)
{
	struct probe probe = { .done = true, .features = features };
	size_t i;

	for (i = 0; kinds[i]; i++)
		if (kinds[i]->type == KIND_FILTER && !strcmp(kinds[i]->name, name))
			probe.have = UINT64_C(1) << i;
	return probe;
}

static void check_plan(const struct plan *plan)
{
	struct probe probe = probe_with(plan->kind, plan->features);
	struct hook hook = { .parent = 0x77e00000, .prio_first = 1, .prio_last = 1,
			     .ethernet = plan->ethernet };
	unsigned int i, k, pairs = 0, hits = 0;
	char why[200];

	for (i = 0; i < MATCHES; i++) {
		struct tree *tree = tree_new();
		struct tree_link *link = tree_link_add(tree, "wan0");
		struct match *m = match_random(&tree->arena, plan->terms);
		struct rule rule = { .match = m, .classid = 0x77e00010, .what = "class x" };
		struct packet p;
		struct ctx ctx;

		ctx_init(&ctx);
		if (!classifier_find("kernel")->can(&probe, m, why, sizeof(why))) {
			assert_int_equal(classifier_find("kernel")->compile(&ctx, &probe, &hook, &rule, 1, tree,
								 link), 0);
			for (k = 0; k < PACKETS; k++, pairs++) {
				packet_random(&p, m, plan->ethernet, ALL_TAGGINGS);
				assert_same(plan, m, &p, link);
				hits += match_holds(m, &p, plan->sight(m, &p));
			}
		}
		ctx_fini(&ctx);
		tree_free(tree);
	}
	print_message("%s: %u pairs, %u hits\n", plan->kind, pairs, hits);
	assert_true(pairs >= 100000);
	assert_true(hits >= pairs / 20);
}

static const uint32_t u32_terms = MATCH_FAMILY | MATCH_PROTO | MATCH_FROM | MATCH_TO | MATCH_SPORT |
	MATCH_DPORT | MATCH_DSCP | MATCH_MARK | MATCH_MAC | MATCH_ACK;
static const uint32_t flower_terms = MATCH_FAMILY | MATCH_PROTO | MATCH_FROM | MATCH_TO |
	MATCH_SPORT | MATCH_DPORT | MATCH_DSCP | MATCH_VLAN | MATCH_MAC;

static void test_u32(void **state)
{
	(void)state;
	check_plan(&(struct plan){ "u32", u32_terms, 1 << FEATURE_U32_MARK, true, run_u32,
				   sight_of_u32 });
}

static void test_u32_without_ethernet(void **state)
{
	(void)state;
	check_plan(&(struct plan){ "u32", u32_terms & ~(uint32_t)MATCH_MAC, 1 << FEATURE_U32_MARK,
				   false, run_u32, sight_of_u32 });
}

static void test_flower(void **state)
{
	(void)state;
	check_plan(&(struct plan){ "flower", flower_terms, 1 << FEATURE_FLOWER_PORT_RANGE, true,
				   run_flower, sight_of_flower });
}

static void test_flower_without_ranges(void **state)
{
	(void)state;
	check_plan(&(struct plan){ "flower", flower_terms, 0, true, run_flower, sight_of_flower });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u32),
		cmocka_unit_test(test_u32_without_ethernet),
		cmocka_unit_test(test_flower),
		cmocka_unit_test(test_flower_without_ranges),
	};

	srand(20);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
