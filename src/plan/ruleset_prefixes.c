// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prefix maps. A look-up gives the longest prefix only, so each entry says what all that cover it
 * say: the union of their general rules, the lowest of their direct ones. Sorted by address and
 * length, the prefixes that cover one are those on a stack.
 */
#include "plan/ruleset_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 130 };	/* prefixes of length 0 to 128, and what is below them */

struct prefix_map {
	const char *name;
	enum side side;
	bool ip6;
	uint32_t use;		/* CLASSIFY_FROM4 .. */
};

/* One prefix of one rule. */
struct named {
	uint8_t addr[16];
	uint8_t bits;
	bool direct;
	uint32_t rule;		/* or general rule */
};

/* A prefix whose longer ones are being looked at. */
struct cover {
	const struct named *prefix;	/* NULL: every address */
	uint32_t rule, row;
	struct vector vector;
};

struct entries {
	uint32_t n, key_bytes;
	uint8_t *keys;
	struct classify_prefix *values;
};

static int compare_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int d = memcmp(x->addr, y->addr, sizeof(x->addr));

	return d ? d : (int)x->bits - (int)y->bits;
}

static bool covers(const struct named *outer, const struct named *inner)
{
	unsigned int bytes = outer->bits / 8, rest = outer->bits % 8;

	return outer->bits <= inner->bits && !memcmp(outer->addr, inner->addr, bytes) &&
	       (!rest || !((outer->addr[bytes] ^ inner->addr[bytes]) >> (8 - rest)));
}

/* ---- gathering ---- */

static unsigned int prefixes_of(const struct match *m, enum side side, const struct prefix **list)
{
	*list = side == SIDE_FROM ? m->from : m->to;
	return side == SIDE_FROM ? m->n_from : m->n_to;
}

/* Appends what the match has for the map, if it asks for this side; list NULL: counts. */
static size_t gather_match(const struct prefix_map *map, const struct match *m, bool direct,
			   uint32_t rule, struct named *list)
{
	const struct prefix *prefix;
	unsigned int i, n = prefixes_of(m, map->side, &prefix);
	size_t count = 0;

	if (!(m->set & (map->side == SIDE_FROM ? MATCH_FROM : MATCH_TO)) ||
	    (m->set & MATCH_FAMILY && m->ip6 != map->ip6))
		return 0;
	for (i = 0; i < n; i++) {
		if (prefix[i].ip6 != map->ip6)
			continue;
		if (list) {
			list[count].bits = prefix[i].bits;
			list[count].direct = direct;
			list[count].rule = rule;
			memset(list[count].addr, 0, 16);
			memcpy(list[count].addr, prefix[i].addr, map->ip6 ? 16 : 4);
		}
		count++;
	}
	return count;
}

static size_t gather(const struct ruleset *s, const struct prefix_map *map, struct named *list)
{
	size_t n = 0;
	unsigned int i;

	for (i = 0; i < s->n; i++)
		if (s->direct[i])
			n += gather_match(map, s->rules[i].match, true, i, list ? list + n : NULL);
	for (i = 0; i < s->n_general; i++)
		n += gather_match(map, s->general[i].match, false, i, list ? list + n : NULL);
	return n;
}

/* Files often have them in order. */
static void sort_named(struct named *list, size_t n)
{
	size_t i;

	for (i = 1; i < n; i++)
		if (compare_named(&list[i - 1], &list[i]) > 0)
			break;
	if (i < n)
		qsort(list, n, sizeof(*list), compare_named);
}

/* ---- entries ---- */

/* The first general rule of a row, as the index of its rule. */
static uint32_t first_general(const struct ruleset *s, uint32_t row)
{
	const uint64_t *value;
	unsigned int w;

	if (!s->config->words)
		return CLASSIFY_NO_RULE;
	value = interned_value(&s->rows, row);
	if (!value[0])
		return CLASSIFY_NO_RULE;
	w = (unsigned int)__builtin_ctzll(value[0]);
	return s->general[64 * w + (unsigned int)__builtin_ctzll(value[1 + w])].rule;
}

static int add_entry(struct ruleset *s, const struct prefix_map *map, const struct cover *c,
		     struct entries *e)
{
	struct classify_prefix *value = &e->values[e->n];
	struct classify_address key = { .bits = c->prefix->bits };
	struct classify_marking marking;

	memcpy(key.addr, c->prefix->addr, sizeof(key.addr));
	memcpy(e->keys + (size_t)e->key_bytes * e->n++, &key, e->key_bytes);
	*value = (struct classify_prefix){ .rule = c->rule, .row = c->row };
	if (c->rule == CLASSIFY_NO_RULE)
		return 0;
	value->classid = s->rules[c->rule].classid;
	marking.mark_mask = s->rules[c->rule].mark_mask;
	marking.mark = s->rules[c->rule].mark & marking.mark_mask;
	if (intern(&s->markings, &marking, &value->marking))
		return oom(s->ctx);
	if (c->rule < s->first_direct[!map->side] && c->rule < first_general(s, c->row))
		value->marking |= CLASSIFY_FINAL;
	return 0;
}

/* What the equal prefixes from list[*i] on say, on top of what covers them; *i moves behind them. */
static int read_group(struct ruleset *s, const struct named *list, size_t n, size_t *i,
		      const struct cover *outer, struct cover *c)
{
	const struct named *first = &list[*i];
	bool new_bits = false;

	c->prefix = first;
	c->rule = outer->rule;
	c->row = outer->row;
	if (s->config->words)
		c->vector = outer->vector;
	for (; *i < n && !compare_named(first, &list[*i]); ++*i) {
		if (!list[*i].direct) {
			vector_set(&c->vector, list[*i].rule);
			new_bits = true;
		} else if (list[*i].rule < c->rule) {
			c->rule = list[*i].rule;
		}
	}
	return new_bits ? ruleset_row(s, &c->vector, &c->row) : 0;
}

/* An entry that says what the one around it says is left out. */
static int make_entries(struct ruleset *s, const struct prefix_map *map, const struct named *list,
			size_t n, struct cover *stack, struct entries *e)
{
	unsigned int top = 0;
	size_t i = 0;
	int err = 0;

	while (i < n && !err) {
		while (stack[top].prefix && !covers(stack[top].prefix, &list[i]))
			top--;
		err = read_group(s, list, n, &i, &stack[top], &stack[top + 1]);
		if (err || (stack[top + 1].rule == stack[top].rule && stack[top + 1].row == stack[top].row))
			continue;
		err = add_entry(s, map, &stack[++top], e);
	}
	return err;
}

/* ---- a hash instead ---- */

enum { ONE_LENGTH_FROM = 16, MORE_LENGTHS_FROM = 128 };	/* entries; with fewer the trie is quicker */

static void add_length(struct classify_lengths *l, unsigned int bits)
{
	struct classify_length *length = &l->length[l->n++];
	uint8_t mask[16] = { 0 };
	unsigned int i;

	for (i = 0; i < bits; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
	length->bits = bits;
	memcpy(length->mask, mask, sizeof(mask));
}

/* Where there are few lengths and many entries. Returns whether it does. */
static bool choose_hash(const struct prefix_map *map, const struct entries *e,
			struct classify_lengths *lengths)
{
	bool has[129] = { false };
	unsigned int n = 0, bits;
	uint32_t i, value;

	for (i = 0; i < e->n; i++) {
		memcpy(&value, e->keys + (size_t)i * e->key_bytes, sizeof(value));
		n += !has[value];
		has[value] = true;
	}
	if (n > CLASSIFY_LENGTHS || e->n < (n == 1 ? ONE_LENGTH_FROM : MORE_LENGTHS_FROM))
		return false;
	for (bits = map->ip6 ? 128 : 32; lengths->n < n; bits--)
		if (has[bits])
			add_length(lengths, bits);
	return true;
}

static void add_map(struct ruleset *s, const struct prefix_map *map, const struct entries *e)
{
	struct classify_lengths *lengths[SIDES][2] = {
		{ &s->config->from4, &s->config->from6 }, { &s->config->to4, &s->config->to6 },
	};

	ruleset_map(s, map->name, e->key_bytes, sizeof(*e->values), e->n, e->keys, e->values);
	s->program->maps[s->program->n_maps - 1].hash =
		choose_hash(map, e, lengths[map->side][map->ip6]);
	s->config->use |= map->use;
}

static int fill_map(struct ruleset *s, const struct prefix_map *map, struct named *list, size_t n,
		    uint32_t none)
{
	struct entries e = { .key_bytes = map->ip6 ? CLASSIFY_KEY6_BYTES : CLASSIFY_KEY4_BYTES };
	struct cover *stack = calloc(DEPTH, sizeof(*stack));
	int err = 0;

	e.keys = arena_alloc(s->arena, n * e.key_bytes);
	e.values = arena_alloc(s->arena, n * sizeof(*e.values));
	if (stack && e.keys && e.values) {
		stack[0].rule = CLASSIFY_NO_RULE;
		stack[0].row = none;
		stack[0].vector = ruleset_without(s, map->side == SIDE_FROM ? CLASSIFY_FROM : CLASSIFY_TO);
		sort_named(list, n);
		err = make_entries(s, map, list, n, stack, &e);
	} else {
		err = oom(s->ctx);
	}
	free(stack);
	if (!err && e.n > CLASSIFY_PREFIXES)
		return fail(s->ctx, E2BIG, "%s has %u %s prefixes of %s; %u is the most", s->hook->what, e.n,
			    map->side == SIDE_FROM ? "source" : "destination", map->ip6 ? "IPv6" : "IPv4",
			    CLASSIFY_PREFIXES);
	if (!err && e.n)
		add_map(s, map, &e);
	return err;
}

static int prefix_map(struct ruleset *s, const struct prefix_map *map, uint32_t none)
{
	size_t n = gather(s, map, NULL);
	struct named *list;
	int err;

	if (!n)
		return 0;
	list = malloc(n * sizeof(*list));
	if (!list)
		return oom(s->ctx);
	gather(s, map, list);
	err = fill_map(s, map, list, n, none);
	free(list);
	return err;
}

/* The lowest direct rule of each side. */
static void find_first_direct(struct ruleset *s)
{
	unsigned int i, side;

	for (side = 0; side < SIDES; side++)
		s->first_direct[side] = CLASSIFY_NO_RULE;
	for (i = s->n; i-- > 0;)
		if (s->direct[i])
			s->first_direct[s->rules[i].match->set & MATCH_FROM ? SIDE_FROM : SIDE_TO] = i;
}

int ruleset_prefixes(struct ruleset *s)
{
	static const struct prefix_map maps[] = {
		{ "weir_from4", SIDE_FROM, false, CLASSIFY_FROM4 },
		{ "weir_from6", SIDE_FROM, true, CLASSIFY_FROM6 },
		{ "weir_to4", SIDE_TO, false, CLASSIFY_TO4 },
		{ "weir_to6", SIDE_TO, true, CLASSIFY_TO6 },
	};
	uint32_t *none[SIDES] = { &s->config->from_none, &s->config->to_none };
	struct vector from = ruleset_without(s, CLASSIFY_FROM), to = ruleset_without(s, CLASSIFY_TO);
	int err = ruleset_row(s, &from, none[SIDE_FROM]);
	unsigned int i;

	if (!err)
		err = ruleset_row(s, &to, none[SIDE_TO]);
	find_first_direct(s);
	for (i = 0; i < sizeof(maps) / sizeof(maps[0]) && !err; i++)
		err = prefix_map(s, &maps[i], *none[maps[i].side]);
	return err;
}
