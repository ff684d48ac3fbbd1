/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * framing.h - the framing presets: what common access links add to a packet.
 */
#ifndef WEIR_CONF_FRAMING_H
#define WEIR_CONF_FRAMING_H

#include "conf/policy.h"

enum {
	/* What tc-cake(8) accepts; HTB's fields are 16 bits wide (struct tc_ratespec). */
	FRAMING_OVERHEAD_MIN = -64,
	FRAMING_OVERHEAD_MAX = 256,
	FRAMING_MPU_MAX = 256,
};

struct framing_preset {
	const char *name;
	const char *alias;	/* another name for the same, or NULL */
	int32_t overhead_bytes;	/* to what the kernel counts on an Ethernet interface */
	uint32_t mpu_bytes;
	enum linklayer linklayer;
	const char *source;	/* the sum behind the figure and who says so */
};

/* Ends with a row without a name. */
extern const struct framing_preset framing_presets[];

/* By name or alias; NULL when there is none. */
const struct framing_preset *framing_find(const char *name);

#endif
