/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit_elsewhere.h - classes of limits in other network namespaces than the one that the command works in:
 * limits are the host's, classes a namespace's (limit_settle.h). Inside of src/host.
 */
#ifndef WEIR_HOST_LIMIT_ELSEWHERE_H
#define WEIR_HOST_LIMIT_ELSEWHERE_H

#include "host/limit.h"
#include "host/limit_places.h"

/* Takes the classes of a limit's directions away, or with key NULL those of all, here and in the other
 * namespaces; one that cannot be entered is warned of. */
int limit_elsewhere_leave(struct ctx *ctx, const struct limit_key *key, unsigned int ways);

/* Without the lock: sets those namespaces right whose places of before are gone or not ready any more. key
 * and ways: of the limit that is leaving; NULL and 0: none. */
void limit_elsewhere_settle(struct ctx *ctx, const struct limit_places *before, const struct limit_key *key,
			    unsigned int ways);

#endif
