/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hand_limits.h - what the commands that set and remove limits by hand share.
 */
#ifndef WEIR_CMD_HAND_LIMITS_H
#define WEIR_CMD_HAND_LIMITS_H

#include "cmd/command.h"
#include "host/limit_plan.h"

/* Prints that the command line is not one for this command; EXIT_USAGE. */
int usage_error(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Whom a command line is about. */
struct hand_target {
	enum limit_subject subject;
	char **names;		/* one, or several processes */
	unsigned int n;
	unsigned int *pids;	/* LIMIT_PID: the same as numbers; free() */
};

/* Reads `pid|cgroup|user NAME...`. 0, EXIT_USAGE (said why), or -ENOMEM. */
int hand_target_read(struct ctx *ctx, const char *command, const struct args *args,
		     struct hand_target *target);

/* The directions that the options limit, and what holds for both. 0, or EXIT_USAGE. */
int hand_wish_read(const char *command, const struct args *args, struct limit_wish *wish);

/* Sets a limit as wished, in the directions that are wished, by the backend (NULL: the best); others
 * stay. What was done is in op, whose memory is that of ops; limit_ops_free() in any case. */
int hand_limit_set(struct ctx *ctx, const struct limit_wish *wish, const char *backend,
		   struct limit_ops *ops, struct limit_op *op);

/* Removes a limit wherever it is. -ENOENT, without a fault: there is none. */
int hand_limit_remove(struct ctx *ctx, struct limit_key key);

#endif
