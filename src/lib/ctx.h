/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctx.h - the one context that is passed down, and the one error path.
 *
 * Whoever detects a fault records it with `return fail(ctx, err, ...)`; the first record wins and
 * main() prints it once. Functions return 0 or a negative errno.
 */
#ifndef WEIR_LIB_CTX_H
#define WEIR_LIB_CTX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct ctx {
	FILE *messages;		/* where warnings and notes go; standard error */
	char *error;		/* the first recorded fault, or NULL; owned */
	bool located;		/* the fault names its own place (file:line:column) */
	unsigned int warnings;	/* how many warn() calls were made */
};

void ctx_init(struct ctx *ctx);
void ctx_fini(struct ctx *ctx);

/* Records the fault unless one is recorded already. err: an errno value, either sign.
 * Returns -err. */
int fail(struct ctx *ctx, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Adds to the recorded fault what became of it: "; everything is as it was before". */
void fail_add(struct ctx *ctx, const char *text);

/* As fail(), for a text that begins with its own file:line:column and may hold several lines. */
int fail_located(struct ctx *ctx, int err, const char *text);

/* fail() with ENOMEM and its usual text. */
int oom(struct ctx *ctx);

/* Forgets a recorded fault: for callers that have another way to go on. */
void ctx_clear(struct ctx *ctx);

/* Prints the recorded fault to ctx->messages, or what err, a negative errno, stands for. */
void ctx_print(const struct ctx *ctx, int err);

/* Prints a warning to ctx->messages at once and counts it. */
void warn(struct ctx *ctx, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
