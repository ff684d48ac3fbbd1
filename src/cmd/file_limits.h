/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file_limits.h - the limits of a file within a session: planned, carried out and put back together
 * with what is done to links.
 *
 * Limits are the host's. Which of them files made is remembered with the network namespace that the
 * file was applied in; the others were set by hand and are left alone.
 */
#ifndef WEIR_CMD_FILE_LIMITS_H
#define WEIR_CMD_FILE_LIMITS_H

#include "cmd/session.h"

/* Where limits have an HTB at a root, which is in the way as somebody else's, takes it away if they have
 * ended. Whether it looked: what was read is old then. */
bool file_limits_sweep(struct session *s);

/* Fills s->limits. Looks at no limit where neither the file nor the memory has one, nor where the
 * command is about some links only. */
int file_limits_plan(struct session *s, struct ctx *ctx);

/* Before the first change: what s->limits is going to make. */
int file_limits_remember_intent(struct session *s);

/* Carries s->limits out and looks whether it did. After an error file_limits_put_back() is due. */
int file_limits_apply(struct session *s);

/* Takes back what was carried out. 0, or -EIO with a warning for each that stayed. */
int file_limits_put_back(struct session *s, struct ctx *ctx);

/* After success: which limits are the file's now. */
int file_limits_remember(struct session *s);

/* Writes the limits that are remembered, as blocks of a file. */
void file_limits_print(const struct session *s, FILE *f);

#endif
