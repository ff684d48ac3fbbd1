// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fields of which a rule names one value: a hash from values to rows; VLANs an array.
 */
#include "plan/ruleset_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct keyed {
	uint64_t key;
	uint32_t general;
};

static int compare_keyed(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->general < y->general ? -1 : x->general > y->general;
}

/* One hash in the making: each key once. */
struct table {
	uint64_t key[CLASSIFY_RULES];
	uint32_t row[CLASSIFY_RULES];
	uint32_t n;
};

/* Adds the keys of a sorted list: what does not ask, and all that name the key. */
static int add_keys(struct ruleset *s, struct table *t, const struct vector *base,
		    const struct keyed *list, unsigned int n)
{
	struct vector v;
	unsigned int i;
	int err = 0;

	for (i = 0; i < n && !err; i++) {
		if (!i || list[i].key != list[i - 1].key) {
			if (t->n == CLASSIFY_RULES)
				return fail(s->ctx, E2BIG, "%s: match lines name more than %u cgroups, with "
					    "those in them", s->hook->what, CLASSIFY_RULES);
			v = *base;
			t->key[t->n++] = list[i].key;
		}
		vector_set(&v, list[i].general);
		if (i + 1 == n || list[i + 1].key != list[i].key)
			err = ruleset_row(s, &v, &t->row[t->n - 1]);
	}
	return err;
}

/* Keys as their map has them: 4 bytes, or 8. */
static int add_table(struct ruleset *s, const char *map, const struct table *t, bool wide)
{
	uint32_t *narrow, *rows = arena_memdup(s->arena, t->row, t->n * sizeof(*rows)), i;

	if (!rows)
		return oom(s->ctx);
	if (wide) {
		const uint64_t *keys = arena_memdup(s->arena, t->key, t->n * sizeof(*keys));

		if (!keys)
			return oom(s->ctx);
		ruleset_map(s, map, 8, 4, t->n, keys, rows);
		return 0;
	}
	narrow = arena_alloc(s->arena, t->n * sizeof(*narrow));
	if (!narrow)
		return oom(s->ctx);
	for (i = 0; i < t->n; i++)
		narrow[i] = (uint32_t)t->key[i];
	ruleset_map(s, map, 4, 4, t->n, narrow, rows);
	return 0;
}

/* ---- fields with a key of their own ---- */

static uint64_t mac_of(const struct match *m)
{
	return classify_mac_key(m->mac);
}

static uint64_t cgroup_of(const struct match *m)
{
	return m->cgroup_id;
}

static uint64_t net_cls_of(const struct match *m)
{
	return m->net_cls;
}

static uint64_t uid_of(const struct match *m)
{
	return m->uid;
}

struct key_field {
	const char *map;
	uint32_t use;
	bool wide;
	uint64_t (*key)(const struct match *m);
};

/* The keys of the general rules that ask for the field; of net_cls a rule may have several. */
static struct keyed *list_keys(struct ruleset *s, const struct key_field *field, unsigned int *n)
{
	bool inner = field->use == CLASSIFY_NET_CLS;
	const struct match *m;
	struct keyed *list;
	size_t room = 1;
	unsigned int i, k;

	*n = 0;
	for (i = 0; i < s->n_general; i++)
		room += 1 + (inner ? s->general[i].match->n_net_cls_inner : 0);
	list = malloc(room * sizeof(*list));
	for (i = 0; list && i < s->n_general; i++) {
		m = s->general[i].match;
		if (!(s->general[i].use & field->use))
			continue;
		list[(*n)++] = (struct keyed){ field->key(m), i };
		for (k = 0; inner && k < m->n_net_cls_inner; k++)
			list[(*n)++] = (struct keyed){ m->net_cls_inner[k], i };
	}
	return list;
}

static int key_field(struct ruleset *s, const struct key_field *field, uint32_t *none)
{
	struct vector base = ruleset_without(s, field->use);
	struct keyed *list;
	struct table *table;
	unsigned int n;
	int err;

	if (!(s->config->use & field->use))
		return 0;
	list = list_keys(s, field, &n);
	table = calloc(1, sizeof(*table));
	err = list && table ? ruleset_row(s, &base, none) : oom(s->ctx);
	if (!err) {
		qsort(list, n, sizeof(*list), compare_keyed);
		err = add_keys(s, table, &base, list, n);
	}
	if (!err)
		err = add_table(s, field->map, table, field->wide);
	free(list);
	free(table);
	return err;
}

/* ---- marks: each mask is a field, all share a map ---- */

/* The key as the map has it: struct classify_mark. */
static uint64_t mark_key(const struct match *m)
{
	struct classify_mark mark = { .mark = m->mark, .mask = m->mark_mask };
	uint64_t key;

	memcpy(&key, &mark, sizeof(key));
	return key;
}

static int find_masks(struct ruleset *s)
{
	struct classify_config *c = s->config;
	unsigned int i;
	uint32_t k;

	for (i = 0; i < s->n_general; i++) {
		if (!(s->general[i].use & CLASSIFY_MARK))
			continue;
		for (k = 0; k < c->mark_masks; k++)
			if (c->mark_mask[k] == s->general[i].match->mark_mask)
				break;
		if (k == CLASSIFY_MARK_MASKS)
			return fail(s->ctx, E2BIG,
				    "%s has match lines with more than %u different masks of 'mark'",
				    s->hook->what, CLASSIFY_MARK_MASKS);
		if (k == c->mark_masks)
			c->mark_mask[c->mark_masks++] = s->general[i].match->mark_mask;
	}
	return 0;
}

static int add_mask(struct ruleset *s, struct table *table, uint32_t k, struct keyed *list)
{
	struct vector base = { { 0 } };
	unsigned int i, n = 0;
	int err;

	for (i = 0; i < s->n_general; i++) {
		const struct match *m = s->general[i].match;

		if (s->general[i].use & CLASSIFY_MARK && m->mark_mask == s->config->mark_mask[k])
			list[n++] = (struct keyed){ mark_key(m), i };
		else
			vector_set(&base, i);
	}
	err = ruleset_row(s, &base, &s->config->mark_none[k]);
	if (err)
		return err;
	qsort(list, n, sizeof(*list), compare_keyed);
	return add_keys(s, table, &base, list, n);
}

static int mark_field(struct ruleset *s)
{
	struct keyed *list;
	struct table *table;
	uint32_t k;
	int err;

	if (!(s->config->use & CLASSIFY_MARK))
		return 0;
	list = malloc(s->n_general * sizeof(*list));
	table = calloc(1, sizeof(*table));
	err = list && table ? find_masks(s) : oom(s->ctx);
	for (k = 0; k < s->config->mark_masks && !err; k++)
		err = add_mask(s, table, k, list);
	if (!err)
		err = add_table(s, "weir_marks", table, true);
	free(list);
	free(table);
	return err;
}

/* ---- VLANs ---- */

static int vlan_rows(struct ruleset *s, const struct vector *base, struct classify_vlans *vlans)
{
	unsigned int i, k, vlan;
	struct vector v;
	uint16_t none;
	int err = ruleset_row16(s, base, &none);

	for (vlan = 0; vlan < CLASSIFY_VLANS; vlan++)
		vlans->row[vlan] = none;
	for (i = 0; i < s->n_general && !err; i++) {
		if (!(s->general[i].use & CLASSIFY_VLAN))
			continue;
		v = *base;
		vlan = s->general[i].match->vlan;
		for (k = 0; k < s->n_general; k++)
			if (s->general[k].use & CLASSIFY_VLAN && s->general[k].match->vlan == vlan)
				vector_set(&v, k);
		err = ruleset_row16(s, &v, &vlans->row[vlan & (CLASSIFY_VLANS - 1)]);
	}
	return err;
}

static int vlan_field(struct ruleset *s)
{
	struct vector base = ruleset_without(s, CLASSIFY_VLAN);
	struct classify_vlans *vlans;
	int err;

	if (!(s->config->use & CLASSIFY_VLAN))
		return 0;
	vlans = arena_alloc(s->arena, sizeof(*vlans));
	err = vlans ? ruleset_row(s, &base, &s->config->vlan_none) : oom(s->ctx);
	if (!err)
		err = vlan_rows(s, &base, vlans);
	if (!err)
		ruleset_map(s, "weir_vlans", 4, sizeof(*vlans), 1, NULL, vlans);
	return err;
}

/* ---- cgroups: which levels a packet's cgroup is asked for ---- */

static int find_levels(struct ruleset *s)
{
	struct classify_config *c = s->config;
	unsigned int i;
	uint32_t k;

	for (i = 0; i < s->n_general; i++) {
		if (!(s->general[i].use & CLASSIFY_CGROUP))
			continue;
		for (k = 0; k < c->cgroup_levels; k++)
			if (c->cgroup_level[k] == s->general[i].match->cgroup_level)
				break;
		if (k == CLASSIFY_CGROUP_LEVELS)
			return fail(s->ctx, E2BIG,
				    "%s has match lines with cgroups at more than %u different depths",
				    s->hook->what, CLASSIFY_CGROUP_LEVELS);
		if (k == c->cgroup_levels)
			c->cgroup_level[c->cgroup_levels++] = s->general[i].match->cgroup_level;
	}
	return 0;
}

int ruleset_keys(struct ruleset *s)
{
	static const struct key_field mac = { "weir_macs", CLASSIFY_MAC, true, mac_of };
	static const struct key_field cgroup = { "weir_cgroups", CLASSIFY_CGROUP, true, cgroup_of };
	static const struct key_field net_cls = { "weir_net_cls", CLASSIFY_NET_CLS, false, net_cls_of };
	static const struct key_field uid = { "weir_uids", CLASSIFY_UID, false, uid_of };
	struct classify_config *c = s->config;
	int err = vlan_field(s);

	if (!err)
		err = mark_field(s);
	if (!err)
		err = key_field(s, &mac, &c->mac_none);
	if (!err)
		err = find_levels(s);
	if (!err)
		err = key_field(s, &cgroup, &c->cgroup_none);
	if (!err)
		err = key_field(s, &net_cls, &c->net_cls_none);
	return err ? err : key_field(s, &uid, &c->uid_none);
}
