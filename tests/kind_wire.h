/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kind_wire.h - for unit tests of kinds: their options on the wire and back, with cmocka's checks.
 */
#ifndef WEIR_TESTS_KIND_WIRE_H
#define WEIR_TESTS_KIND_WIRE_H

#include <stdint.h>

#include "qdisc/kind.h"

enum { WIRE_ATTR = 2 };		/* TCA_OPTIONS, TCA_ACT_OPTIONS */

/* A namespace with one interface: "ifb-wan0", index 7. */
extern const struct wire wire_test;

/* What is emitted for the options, as one attribute in a message that the caller frees. */
struct nl_msg *wire_emit(const struct kind *kind, const struct opts *o, const struct nlattr **attr);

/* An attribute inside it, or NULL. */
const struct nlattr *wire_inner(const struct nlattr *attr, int type);

/* What is emitted reads back; of a filter nothing more than that. */
void wire_round_trip(struct arena *a, const struct kind *kind, const struct opts *o);

/* With one attribute more, the options are not taken for weir's. */
void wire_extra_refused(struct arena *a, const struct kind *kind, const struct opts *o, int type,
			uint32_t value);

/* Cut off after any byte: read or refused, but nothing behind the end is looked at. */
void wire_truncated(struct arena *a, const struct kind *kind, const struct opts *o);

uint32_t wire_any32(void);	/* from rand() */

#endif
