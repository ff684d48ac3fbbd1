/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * transaction.h - a plan carried out wholly or not at all.
 *
 * rtnetlink has no transactions: what was sent before an error stays. So after an error the
 * namespace is dumped again and the difference to the state before is applied, by the same code that
 * makes every other plan; what cannot be put back is listed.
 */
#ifndef WEIR_CMD_TRANSACTION_H
#define WEIR_CMD_TRANSACTION_H

#include "cmd/session.h"

/*
 * Carries out s->ops, remembers it in the state, dumps again and checks that the difference is
 * empty. On any error the state before is brought back. Signals that would end the process wait
 * meanwhile. The lock must be held.
 */
int transaction_run(struct session *s);

/* Brings back `before` (a dump) on the links that `ops` touched, and the remembered state that
 * belongs to it. */
int transaction_rollback(struct session *s, struct tree *before, const struct ops *ops,
			 const struct state *state_before);

#endif
