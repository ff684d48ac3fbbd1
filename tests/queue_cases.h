/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queue_cases.h - every option of every queue kind, written down: for the tests of the rows (no
 * kernel) and of what the kernel and tc make of them.
 */
#ifndef WEIR_TESTS_QUEUE_CASES_H
#define WEIR_TESTS_QUEUE_CASES_H

#include <stddef.h>
#include <stdint.h>

#include "qdisc/kind.h"

enum case_flags {
	CASE_NO_KERNEL = 1 << 0,	/* no device to be had takes it: not tried on a kernel */
	CASE_NOT_TC = 1 << 1,		/* tc 6.1 does not read these words, or needs files of its own */
	CASE_SAME = 1 << 2,		/* says no more than the base: nothing changes */
	CASE_HIDDEN = 1 << 3,		/* the kernel does not tell: a change is not seen */
};

struct queue_case {
	const char *words;	/* the whole options */
	const char *text;	/* as printed; NULL: the same */
	const char *tc;		/* part of `tc -d qdisc show`, or "!" and what is not; NULL: not looked at */
	unsigned int flags;
	unsigned int since;	/* kernel that first knows it, 0x60c00 = 6.12 */
};

struct queue_kind {
	const char *kind;
	const char *base;	/* options to change from and back to */
	const struct queue_case *cases;
	size_t n;
	const char *const *bad;		/* option words that are refused, NULL-terminated */
};

extern const struct queue_kind queue_kinds[];
extern const size_t n_queue_kinds;

/* Splits words (at most max) out of text, which is changed; returns how many. */
int queue_split(char *text, const char **argv, int max);

/* Random valid options: words of a random part of the rows (but those to avoid, NULL-terminated or
 * NULL) with random values, in buf. Seeded by *state. Gives up after many tries that the kind refuses:
 * then they are `base`. */
void queue_random_words(const struct queue_kind *queue, const struct kind *kind, uint64_t *state,
			const char *const *avoid, char *buf, size_t size);

#endif
