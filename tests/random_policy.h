/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * random_policy.h - random valid policies, and the way from one that fails to a smallest one that
 * still does.
 *
 * A policy is made from a sequence of choices, where 0 is always the plainest one: "no more", "leave
 * it out". The sequence is drawn from a seed and can be replayed, with choices taken out or lowered,
 * as another policy that is valid too; where it ends, the rest is 0. So shrinking knows nothing of
 * the language.
 */
#ifndef WEIR_TESTS_RANDOM_POLICY_H
#define WEIR_TESTS_RANDOM_POLICY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "kernel/probe.h"

enum { CHOICES_MAX = 4096 };

struct choices {
	uint32_t v[CHOICES_MAX];
	unsigned int n;		/* chosen so far, or to be replayed */
	unsigned int at;	/* the next one */
	uint64_t state;		/* of the draw */
	bool replay;
};

/* Draws from a seed: the same choices for the same seed. */
void choices_seed(struct choices *c, uint64_t seed);

/* From 0 to n - 1. */
uint32_t choose(struct choices *c, uint32_t n);

/* What a kernel can do, and what the policies shall be about. */
struct random_kernel {
	struct probe probe;
	unsigned int version;		/* 0x60c00 = 6.12 */
	const char *const *links;	/* names, NULL-terminated; a policy has some of them */
	const char *const *classifiers;	/* words for `classifier`, NULL-terminated; NULL: none is said */
};

/* Writes the text of a policy; c->n is then what it took. */
void random_policy(FILE *f, struct choices *c, const struct random_kernel *kernel);

/*
 * Makes *c smaller as long as fails() holds for it: choices are taken out in blocks, then lowered.
 * fails() gets a sequence to replay. Gives up after `tries` calls. Returns how many it took.
 */
unsigned int choices_shrink(struct choices *c, unsigned int tries,
			    bool (*fails)(void *arg, struct choices *c), void *arg);

#endif
