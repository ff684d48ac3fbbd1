/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft.h - nftables: commands in the language of nft(8) to the kernel, tables back as JSON.
 */
#ifndef WEIR_KERNEL_NFT_H
#define WEIR_KERNEL_NFT_H

#include <jansson.h>

#include "lib/ctx.h"

/* Runs the commands as one transaction: all of them take effect at once, or none. -EPERM, -ENOENT,
 * -EEXIST, -EOPNOTSUPP (no nftables), or -EIO, with the first of the errors that nftables told. */
int nft_run(struct ctx *ctx, const char *commands);

/*
 * A table of the family inet, but not what is in its sets and maps: an array of one-element objects
 * as in libnftables-json(5), the caller's. NULL: there is no such table, or no nftables. 0, or as above.
 */
int nft_table(struct ctx *ctx, const char *name, json_t **objects);

#endif
