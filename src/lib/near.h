/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * near.h - "did you mean": the nearest of some known words.
 */
#ifndef WEIR_LIB_NEAR_H
#define WEIR_LIB_NEAR_H

#include <stddef.h>

/* The word of the n given (NULL entries are passed over) with the smallest edit distance to word,
 * a swap of two neighbours counting as one edit; NULL when none is near enough to be worth saying. */
const char *near_word(const char *word, const char *const *words, size_t n);

#endif
