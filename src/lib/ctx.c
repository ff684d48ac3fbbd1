// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/ctx.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"

void ctx_init(struct ctx *ctx)
{
	memset(ctx, 0, sizeof(*ctx));
	ctx->messages = stderr;
}

void ctx_fini(struct ctx *ctx)
{
	ctx_clear(ctx);
}

void ctx_clear(struct ctx *ctx)
{
	free(ctx->error);
	ctx->error = NULL;
	ctx->located = false;
}

int fail(struct ctx *ctx, int err, const char *fmt, ...)
{
	va_list ap;

	if (!ctx->error) {
		va_start(ap, fmt);
		if (vasprintf(&ctx->error, fmt, ap) < 0)
			ctx->error = NULL;
		va_end(ap);
	}
	return err < 0 ? err : -err;
}

void fail_add(struct ctx *ctx, const char *text)
{
	char *longer;

	if (!ctx->error || asprintf(&longer, "%s%s", ctx->error, text) < 0)
		return;
	free(ctx->error);
	ctx->error = longer;
}

int fail_located(struct ctx *ctx, int err, const char *text)
{
	if (!ctx->error) {
		ctx->error = strdup(text);
		ctx->located = true;
	}
	return err < 0 ? err : -err;
}

int oom(struct ctx *ctx)
{
	return fail(ctx, ENOMEM, "out of memory");
}

void ctx_print(const struct ctx *ctx, int err)
{
	if (!ctx->located)
		fputs("weir: ", ctx->messages);
	text_put(ctx->messages, ctx->error ? ctx->error : strerror(-err));
	fputc('\n', ctx->messages);
}

void warn(struct ctx *ctx, const char *fmt, ...)
{
	char *text;
	va_list ap;

	ctx->warnings++;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	fputs("weir: warning: ", ctx->messages);
	text_put(ctx->messages, text ? text : "out of memory");
	fputc('\n', ctx->messages);
	free(text);
}
