/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft_limits.h - limits as they stand in nftables. Inside of the nftables backend.
 *
 * The table `inet weir` has, for each direction, a chain at the output or the input hook, maps from
 * what a packet's socket belongs to (a cgroup at one level, a user) to chains, and a chain a limit:
 *
 *	egress-cgroup-2-4711	direction, kind, level of the cgroup (users: 0), id
 *
 * with a bucket, two named counters, NAME-passed and NAME-dropped, and in a comment what the bucket
 * itself cannot hold. There is nothing else of the backend anywhere.
 */
#ifndef WEIR_HOST_NFT_LIMITS_H
#define WEIR_HOST_NFT_LIMITS_H

#include "host/limit.h"
#include "kernel/apart.h"

#define NFT_TABLE "weir"

enum { NFT_NAME = 80 };

/* One direction of a limit. */
struct nft_limit {
	enum limit_way way;
	struct limit_key key;
	unsigned int level;	/* of a cgroup */
	char name[NFT_NAME];	/* its chain */
	bool rated;		/* a bucket was found in the chain */
	uint64_t rate_bytes;	/* a second, in the kernel */
	bool block;
	uint64_t rate_bit, burst_ns;	/* as they were asked for */
	enum limit_only only;
	struct limit_count count;
};

struct nft_limits {
	bool exists;		/* the table */
	struct nft_limit *limits;
	size_t n;
	char (*maps)[NFT_NAME];	/* names of the maps that there are */
	size_t n_maps;
};

extern const char *const nft_ways[LIMIT_WAYS];

/* The names of the chain and of the map that leads to it. */
void nft_limit_name(struct nft_limit *limit);
void nft_map_name(const struct nft_limit *limit, char name[NFT_NAME]);

/* Reads the table. nft_limits_free() in any case. */
int nft_limits_read(struct ctx *ctx, struct nft_limits *limits);
void nft_limits_free(struct nft_limits *limits);

/* Whether there is the map; adds one to those that are known of: 0 or -ENOMEM. */
bool nft_limits_has_map(const struct nft_limits *limits, const char *name);
int nft_limits_add_map(struct nft_limits *limits, const char *name);

/* Whether the kernel has all of nftables that limits take; otherwise why not. */
bool nft_limits_try(char why[APART_WHY]);

#endif
