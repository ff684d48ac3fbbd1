/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset_parts.h - what the parts of ruleset.c share: a set of rules on its way to a program.
 */
#ifndef WEIR_PLAN_RULESET_PARTS_H
#define WEIR_PLAN_RULESET_PARTS_H

#include "bpf/classify.h"
#include "plan/ruleset.h"

/* Bit i: general rule i. */
struct vector {
	uint64_t word[CLASSIFY_WORDS];
};

/* Values of one size, each kept once and known by its index. */
struct interned {
	size_t bytes;		/* of a value */
	char *values;
	uint32_t *slots;	/* open hashing: index + 1, or 0 */
	uint32_t n, room, n_slots;
};

/* 0 or -ENOMEM. */
int intern(struct interned *t, const void *value, uint32_t *index);
const void *interned_value(const struct interned *t, uint32_t index);
void interned_free(struct interned *t);

struct general {
	uint32_t rule;			/* index in the rules */
	uint32_t use;			/* enum classify_use: which fields it asks for */
	const struct match *match;
};

enum side { SIDE_FROM, SIDE_TO, SIDES };

struct ruleset {
	struct ctx *ctx;
	struct arena *arena;
	const struct ruleset_hook *hook;
	const struct rule *rules;
	unsigned int n;			/* rules that can be reached */
	struct general *general;
	unsigned int n_general;
	bool *direct;			/* by rule */
	uint32_t first_direct[SIDES];	/* the lowest of each, or CLASSIFY_NO_RULE */
	struct interned rows;		/* u64[1 + words], as in weir_vectors */
	struct interned markings;	/* struct classify_marking */
	struct classify_config *config;
	struct program *program;
};

static inline void vector_set(struct vector *v, unsigned int i)
{
	v->word[i / 64] |= UINT64_C(1) << i % 64;
}

static inline void vector_clear(struct vector *v, unsigned int i)
{
	v->word[i / 64] &= ~(UINT64_C(1) << i % 64);
}

/* The general rules that ask for nothing of `use`. */
struct vector ruleset_without(const struct ruleset *s, uint32_t use);

/* The row of a vector, 0 where there are no general rules. */
int ruleset_row(struct ruleset *s, const struct vector *v, uint32_t *row);

/* The same for the maps whose rows have 16 bits. */
int ruleset_row16(struct ruleset *s, const struct vector *v, uint16_t *row);

/* Appends a map with its contents, which are in the arena, to the program. */
void ruleset_map(struct ruleset *s, const char *name, uint32_t key_bytes, uint32_t value_bytes,
		 uint32_t n, const void *keys, const void *values);

/* The parts. Each fills in what its fields need of the constants and maps. */
int ruleset_ports(struct ruleset *s);
int ruleset_protos(struct ruleset *s);		/* and DSCP */
int ruleset_keys(struct ruleset *s);		/* VLAN, mark, MAC, cgroup, user */
int ruleset_prefixes(struct ruleset *s);

#endif
