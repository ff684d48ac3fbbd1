// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/ruleset_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- values that are kept once ---- */

static uint32_t hash_of(const void *value, size_t bytes)
{
	uint64_t h = 0x9e3779b97f4a7c15, word;
	size_t i;

	for (i = 0; i + 8 <= bytes; i += 8) {	/* values are whole words */
		memcpy(&word, (const char *)value + i, 8);
		h = (h ^ word) * 0xff51afd7ed558ccd;
		h ^= h >> 32;
	}
	return (uint32_t)h;
}

const void *interned_value(const struct interned *t, uint32_t index)
{
	return t->values + t->bytes * index;
}

/* The slot that has the value, or the empty one where it belongs. */
static uint32_t *slot_of(const struct interned *t, const void *value)
{
	uint32_t i = hash_of(value, t->bytes) & (t->n_slots - 1);

	while (t->slots[i] && memcmp(interned_value(t, t->slots[i] - 1), value, t->bytes))
		i = (i + 1) & (t->n_slots - 1);
	return &t->slots[i];
}

/* Slots are at least twice as many as values. */
static int grow(struct interned *t)
{
	uint32_t room = t->room ? 2 * t->room : 64, *slots, i;
	char *values = realloc(t->values, t->bytes * room);

	if (!values)
		return -ENOMEM;
	t->values = values;
	slots = calloc(2 * (size_t)room, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(t->slots);
	t->slots = slots;
	t->n_slots = 2 * room;
	t->room = room;
	for (i = 0; i < t->n; i++)
		*slot_of(t, interned_value(t, i)) = i + 1;
	return 0;
}

int intern(struct interned *t, const void *value, uint32_t *index)
{
	uint32_t *slot;

	if (t->n == t->room && grow(t))
		return -ENOMEM;
	slot = slot_of(t, value);
	if (!*slot) {
		memcpy(t->values + t->bytes * t->n, value, t->bytes);
		*slot = ++t->n;
	}
	*index = *slot - 1;
	return 0;
}

void interned_free(struct interned *t)
{
	free(t->values);
	free(t->slots);
}

/* ---- vectors ---- */

struct vector ruleset_without(const struct ruleset *s, uint32_t use)
{
	struct vector v = { 0 };
	unsigned int i;

	for (i = 0; i < s->n_general; i++)
		if (!(s->general[i].use & use))
			vector_set(&v, i);
	return v;
}

int ruleset_row(struct ruleset *s, const struct vector *v, uint32_t *row)
{
	uint64_t value[1 + CLASSIFY_WORDS] = { 0 };
	uint32_t w;

	*row = 0;
	if (!s->config->words)
		return 0;
	for (w = 0; w < s->config->words; w++) {
		value[1 + w] = v->word[w];
		if (v->word[w])
			value[0] |= UINT64_C(1) << w;
	}
	return intern(&s->rows, value, row) ? oom(s->ctx) : 0;
}

int ruleset_row16(struct ruleset *s, const struct vector *v, uint16_t *row)
{
	uint32_t wide;
	int err = ruleset_row(s, v, &wide);

	if (err)
		return err;
	if (wide > UINT16_MAX)
		return fail(s->ctx, E2BIG, "%s: the ports of the match lines overlap in more than %u ways",
			    s->hook->what, UINT16_MAX);
	*row = (uint16_t)wide;
	return 0;
}

/* ---- maps ---- */

void ruleset_map(struct ruleset *s, const char *name, uint32_t key_bytes, uint32_t value_bytes,
		 uint32_t n, const void *keys, const void *values)
{
	s->program->maps[s->program->n_maps++] = (struct program_map){
		.name = name, .key_bytes = key_bytes, .value_bytes = value_bytes, .max_entries = n,
		.n = n, .keys = keys, .values = values,
	};
}
