// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/ruleset_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which fields a rule asks for ---- */

static uint32_t use_of(const struct match *m)
{
	static const struct {
		uint32_t term, use;
	} fields[] = {
		{ MATCH_FAMILY, CLASSIFY_PROTO }, { MATCH_PROTO, CLASSIFY_PROTO },
		{ MATCH_FROM, CLASSIFY_FROM }, { MATCH_TO, CLASSIFY_TO },
		{ MATCH_SPORT, CLASSIFY_SPORT | CLASSIFY_PROTO },
		{ MATCH_DPORT, CLASSIFY_DPORT | CLASSIFY_PROTO },
		{ MATCH_DSCP, CLASSIFY_DSCP }, { MATCH_MARK, CLASSIFY_MARK },
		{ MATCH_USER, CLASSIFY_UID }, { MATCH_VLAN, CLASSIFY_VLAN }, { MATCH_MAC, CLASSIFY_MAC },
		{ MATCH_ACK, CLASSIFY_ACK | CLASSIFY_PROTO },
	};
	uint32_t use = 0;
	unsigned int i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (m->set & fields[i].term)
			use |= fields[i].use;
	if (m->set & MATCH_CGROUP)
		use |= m->cgroup_id ? CLASSIFY_CGROUP : CLASSIFY_NET_CLS;
	return use;
}

/* One list of prefixes and nothing else. */
static bool is_direct(const struct match *m)
{
	uint32_t set = m->set & ~(uint32_t)MATCH_FAMILY;

	return set == MATCH_FROM || set == MATCH_TO;
}

/* Sorts the rules into direct and general ones, up to the first that takes all. */
static int split(struct ruleset *s, const struct rule **rest)
{
	const struct match *m;
	unsigned int i;

	s->direct = calloc(s->n + 1, sizeof(*s->direct));
	s->general = calloc(CLASSIFY_RULES, sizeof(*s->general));
	if (!s->direct || !s->general)
		return oom(s->ctx);
	for (i = 0; i < s->n; i++) {
		m = s->rules[i].match;
		if (!m || !m->set) {
			*rest = &s->rules[i];
			s->n = i;
			break;
		}
		s->direct[i] = is_direct(m);
		if (s->direct[i])
			continue;
		if (s->n_general < CLASSIFY_RULES)
			s->general[s->n_general] = (struct general){ i, use_of(m), m };
		s->n_general++;
	}
	if (s->n_general > CLASSIFY_RULES)
		return fail(s->ctx, E2BIG,
			    "%s has %u match lines that are more than prefixes; %u is the most",
			    s->hook->what, s->n_general, CLASSIFY_RULES);
	return 0;
}

/* ---- constants ---- */

static bool sets_marks(const struct ruleset *s, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (s->rules[i].mark_mask)
			return true;
	return s->hook->mark_mask;
}

static void fill_config(struct ruleset *s, const struct rule *rest, unsigned int n)
{
	const struct ruleset_hook *hook = s->hook;
	struct classify_config *c = s->config;
	unsigned int i;

	c->words = (s->n_general + 63) / 64;
	c->counters = CLASSIFY_COUNT_RULE + (n < CLASSIFY_COUNTED ? n : CLASSIFY_COUNTED);
	for (i = 0; i < s->n_general; i++)
		c->use |= s->general[i].use;
	c->use |= hook->ingress ? CLASSIFY_INGRESS : 0;
	c->use |= hook->ethernet ? CLASSIFY_ETHERNET : 0;
	c->use |= hook->stamps ? CLASSIFY_STAMPS : 0;
	c->use |= hook->filter ? CLASSIFY_FILTER : 0;
	c->use |= hook->limits ? CLASSIFY_FILTER | CLASSIFY_LIMITS : 0;
	c->use |= sets_marks(s, n) ? CLASSIFY_MARKING : 0;
	c->otherwise = (struct classify_result){
		.rule = rest ? (uint32_t)(rest - s->rules) : CLASSIFY_NO_RULE,
		.classid = rest ? rest->classid : hook->classid,
		.mark_mask = rest ? rest->mark_mask : hook->mark_mask,
	};
	c->otherwise.mark = (rest ? rest->mark : hook->mark) & c->otherwise.mark_mask;
}

/* ---- maps ---- */

static int results_map(struct ruleset *s)
{
	struct classify_result *results = arena_alloc(s->arena, s->n_general * sizeof(*results));
	const struct rule *r;
	unsigned int i;

	if (!results)
		return oom(s->ctx);
	for (i = 0; i < s->n_general; i++) {
		r = &s->rules[s->general[i].rule];
		results[i] = (struct classify_result){
			.rule = s->general[i].rule, .classid = r->classid,
			.mark = r->mark & r->mark_mask, .mark_mask = r->mark_mask,
		};
	}
	ruleset_map(s, "weir_results", 4, sizeof(*results), s->n_general, NULL, results);
	return 0;
}

static int interned_map(struct ruleset *s, const char *name, const struct interned *t)
{
	void *values = arena_memdup(s->arena, t->values, t->bytes * t->n);

	if (!values)
		return oom(s->ctx);
	ruleset_map(s, name, 4, (uint32_t)t->bytes, t->n, NULL, values);
	return 0;
}

static int fill_maps(struct ruleset *s)
{
	int err = ruleset_ports(s);

	if (!err)
		err = ruleset_protos(s);
	if (!err)
		err = ruleset_keys(s);
	if (!err)
		err = ruleset_prefixes(s);
	if (!err && s->n_general)
		err = results_map(s);
	if (!err && s->n_general)
		err = interned_map(s, "weir_vectors", &s->rows);
	if (!err && s->markings.n && s->config->use & CLASSIFY_MARKING)
		err = interned_map(s, "weir_markings", &s->markings);
	if (!err) {
		ruleset_map(s, "weir_counters", 4, sizeof(struct classify_counter), s->config->counters,
			    NULL, NULL);
		s->program->maps[s->program->n_maps - 1].n = 0;
	}
	return err;
}

/* ---- identity ---- */

/* Not against an enemy: two sets that differ are to have different names. */
static uint64_t mix(uint64_t h, const void *data, size_t bytes)
{
	const char *at = data;
	uint64_t word;

	for (; bytes >= 8; at += 8, bytes -= 8) {
		memcpy(&word, at, 8);
		h = (h ^ word) * 0xff51afd7ed558ccd;
		h ^= h >> 32;
	}
	word = bytes;
	if (bytes)
		memcpy((char *)&word + 1, at, bytes);
	h = (h ^ word) * 0xc4ceb9fe1a85ec53;
	return h ^ h >> 29;
}

static uint64_t hash_map(uint64_t h, const struct program_map *map)
{
	const uint32_t sizes[] = {
		map->key_bytes, map->value_bytes, map->max_entries, map->n, map->hash,
	};

	h = mix(h, map->name, strlen(map->name));
	h = mix(h, sizes, sizeof(sizes));
	if (map->keys)
		h = mix(h, map->keys, (size_t)map->n * map->key_bytes);
	if (map->values)
		h = mix(h, map->values, (size_t)map->n * map->value_bytes);
	return h;
}

static void name_program(struct ruleset *s)
{
	struct program *p = s->program;
	uint64_t h = mix(s->hook->source_hash, s->config, sizeof(*s->config));
	unsigned int i;

	for (i = 0; i < p->n_maps; i++)
		h = hash_map(h, &p->maps[i]);
	s->config->generation = (uint32_t)h ? (uint32_t)h : 1;
	snprintf(p->name, sizeof(p->name), "weir_%s:%016llx", p->source, (unsigned long long)h);
}

static int fill(struct ruleset *s)
{
	const struct rule *rest = NULL;
	unsigned int n = s->n, use;
	int err = split(s, &rest);

	if (err)
		return err;
	fill_config(s, rest, n);
	use = s->config->use;
	s->program->no_kernel_types = !(use & (use & CLASSIFY_INGRESS ? CLASSIFY_SOCKETS : CLASSIFY_UID));
	s->rows.bytes = 8 * (1 + (size_t)s->config->words);
	s->markings.bytes = sizeof(struct classify_marking);
	err = fill_maps(s);
	if (!err)
		name_program(s);
	return err;
}

int ruleset_program(struct ctx *ctx, struct arena *arena, const struct ruleset_hook *hook,
		    const struct rule *rules, unsigned int n, struct program **program)
{
	struct ruleset s = { .ctx = ctx, .arena = arena, .hook = hook, .rules = rules, .n = n };
	int err;

	s.program = arena_alloc(arena, sizeof(*s.program));
	s.config = arena_alloc(arena, sizeof(*s.config));
	if (!s.program || !s.config)
		return oom(ctx);
	s.program->source = "classify";
	s.program->constants = s.config;
	s.program->constants_bytes = sizeof(*s.config);
	err = fill(&s);
	interned_free(&s.rows);
	interned_free(&s.markings);
	free(s.general);
	free(s.direct);
	if (!err)
		*program = s.program;
	return err;
}
