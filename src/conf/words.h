/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * words.h - names of numbers: DSCPs, protocols, verdicts and other choices. Parser and printer share
 * these tables.
 */
#ifndef WEIR_CONF_WORDS_H
#define WEIR_CONF_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct named {
	const char *name;
	uint8_t value;
	bool ports;	/* protocols: has source and destination ports in its first four bytes */
};

/* Each ends with a row without a name. */
extern const struct named word_dscps[], word_protos[], word_verdicts[], word_linklayers[],
	word_classifiers[], word_xdp[], word_only[];

/* The row with this name (case does not matter) or value, or NULL. */
const struct named *named_find(const struct named *table, const char *name);
const struct named *named_value(const struct named *table, uint8_t value);

/* The table's name that is most like the word, or NULL. */
const char *named_near(const struct named *table, const char *word);

#endif
