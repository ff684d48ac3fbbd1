/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netem.h - the rows of netem, shared by what they mean (netem.c) and their wire (netem_wire.c).
 */
#ifndef WEIR_QDISC_NETEM_H
#define WEIR_QDISC_NETEM_H

#include "qdisc/kind.h"

enum netem_row {
	NETEM_LIMIT, NETEM_DELAY, NETEM_JITTER, NETEM_DELAY_CORR, NETEM_DISTRIBUTION,
	NETEM_LOSS, NETEM_LOSS_CORR, NETEM_P13, NETEM_P31, NETEM_P32, NETEM_P23, NETEM_P14,
	NETEM_P, NETEM_R, NETEM_1H, NETEM_1K, NETEM_ECN, NETEM_CORRUPT, NETEM_CORRUPT_CORR,
	NETEM_DUPLICATE, NETEM_DUP_CORR, NETEM_REORDER, NETEM_REORDER_CORR, NETEM_GAP,
	NETEM_RATE, NETEM_RATE_OVERHEAD, NETEM_RATE_CELL, NETEM_RATE_CELL_OVERHEAD,
	NETEM_SLOT, NETEM_SLOT_MAX, NETEM_SLOT_DIST, NETEM_SLOT_DELAY, NETEM_SLOT_JITTER,
	NETEM_SLOT_PACKETS, NETEM_SLOT_BYTES, NETEM_SEED, NETEM_MODEL,
};

/* Values of NETEM_MODEL. */
enum netem_model { MODEL_RANDOM, MODEL_STATE, MODEL_GEMODEL };

int netem_emit(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
	       const struct wire *wire);
int netem_read(const struct nlattr *attr, const struct kind *kind, struct opts *o,
	       const struct wire *wire);
json_t *netem_stats(const void *data, size_t len);

#endif
