/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * match.h - comparing matches.
 */
#ifndef WEIR_CONF_MATCH_H
#define WEIR_CONF_MATCH_H

#include "conf/policy.h"

/* The families that a match can hold for, by its family word and its addresses. */
enum { FAMILY_4 = 1, FAMILY_6 = 2 };
unsigned int match_families(const struct match *m);

/* Whether a holds for every packet that b holds for; exact but for unions of a's own values. */
bool match_covers(const struct match *a, const struct match *b);

/* Equal for equal matches. */
uint64_t match_hash(const struct match *m);

#endif
