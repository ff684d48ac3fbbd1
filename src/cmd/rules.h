/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules.h - `weir show --rules`: the counters of the BPF classifiers, with the text of their rules.
 */
#ifndef WEIR_CMD_RULES_H
#define WEIR_CMD_RULES_H

#include "cmd/session.h"

/* Prints the counters of the links of s->present that covers() accepts; s->wanted may be NULL: what was
 * applied is not known. */
int rules_show(struct session *s, bool (*covers)(void *arg, const char *link), void *arg);

#endif
