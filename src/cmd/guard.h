/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard.h - the process that rolls an unconfirmed apply back.
 *
 * `apply --confirm` runs in a child that is a session of its own, so that the death of the terminal
 * (which the change may have caused) does not reach it. Having applied, it listens on
 * /run/weir/INODE.confirm until it is told to keep the change or time is up.
 */
#ifndef WEIR_CMD_GUARD_H
#define WEIR_CMD_GUARD_H

#include <stdint.h>

#include "lib/ctx.h"

/* Runs work(arg) in a guarding child, which listens already. The caller gets its result as soon as
 * it is there. When that is 0, the child goes on: it waits for confirmation for seconds, and calls
 * undo(arg) when none came. Faults of work() come back through ctx. The namespace's lock is held by
 * the caller; work() releases the child's hold on it, undo() takes it again. */
int guard_run(struct ctx *ctx, uint64_t netns_inode, uint64_t seconds,
	      int (*work)(struct ctx *ctx, void *arg), int (*undo)(struct ctx *ctx, void *arg),
	      void *arg);

/* Tells a waiting guard to keep the change. -ENOENT: none waits. */
int guard_confirm(struct ctx *ctx, uint64_t netns_inode);

/* -EBUSY when a guard waits: its rollback must not meet another change. */
int guard_refuse_while_pending(struct ctx *ctx, uint64_t netns_inode);

#endif
