/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit_args.h - the options of the commands about limits on a host.
 */
#ifndef WEIR_CMD_LIMIT_ARGS_H
#define WEIR_CMD_LIMIT_ARGS_H

#include "conf/policy.h"
#include "lib/ctx.h"

struct limit_args {
	struct limit_rate upload, download;
	uint64_t burst_ns;	/* of both; 0: not given */
	enum limit_only only;
	const char *backend;	/* NULL: the best */
	bool block;		/* both directions */
	bool no_children, each, all, watch;
};

struct args;

/* What the rows of these options call. */
int set_upload(struct ctx *ctx, struct args *args, const char *value);
int set_download(struct ctx *ctx, struct args *args, const char *value);
int set_burst(struct ctx *ctx, struct args *args, const char *value);
int set_only(struct ctx *ctx, struct args *args, const char *value);
int set_backend(struct ctx *ctx, struct args *args, const char *value);
int set_block(struct ctx *ctx, struct args *args, const char *value);
int set_no_children(struct ctx *ctx, struct args *args, const char *value);
int set_each(struct ctx *ctx, struct args *args, const char *value);
int set_all(struct ctx *ctx, struct args *args, const char *value);
int set_watch(struct ctx *ctx, struct args *args, const char *value);

#endif
