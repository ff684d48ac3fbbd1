// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/nft_limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/apart.h"
#include "kernel/nft.h"

const char *const nft_ways[LIMIT_WAYS] = { [LIMIT_EGRESS] = "egress", [LIMIT_INGRESS] = "ingress" };

static const char *const subjects[] = {
	[LIMIT_KIND_CGROUP] = "cgroup", [LIMIT_KIND_USER] = "user",
};

enum { SUBJECTS = sizeof(subjects) / sizeof(*subjects) };

/* ---- names ---- */

void nft_limit_name(struct nft_limit *limit)
{
	snprintf(limit->name, sizeof(limit->name), "%s-%s-%u-%" PRIu64, nft_ways[limit->way],
		 subjects[limit->key.kind], limit->level, (uint64_t)limit->key.id);
}

void nft_map_name(const struct nft_limit *limit, char name[NFT_NAME])
{
	if (limit->key.kind == LIMIT_KIND_USER)
		snprintf(name, NFT_NAME, "%s-users", nft_ways[limit->way]);
	else
		snprintf(name, NFT_NAME, "%s-level-%u", nft_ways[limit->way], limit->level);
}

static int find_word(const char *const *words, unsigned int n, const char *word)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (!strcmp(words[i], word))
			return (int)i;
	return -1;
}

static bool read_name(const char *name, struct nft_limit *limit)
{
	char way[16], kind[16];
	uint64_t id;
	int w, k;

	memset(limit, 0, sizeof(*limit));
	if (sscanf(name, "%15[a-z]-%15[a-z]-%u-%" SCNu64, way, kind, &limit->level, &id) != 4)
		return false;
	w = find_word(nft_ways, LIMIT_WAYS, way);
	k = find_word(subjects, SUBJECTS, kind);
	if (w < 0 || k < 0)
		return false;
	limit->way = (enum limit_way)w;
	limit->key.kind = (uint32_t)k;
	limit->key.id = id;
	nft_limit_name(limit);
	return !strcmp(limit->name, name);
}

/* ---- what is in the table ---- */

int nft_limits_add_map(struct nft_limits *limits, const char *name)
{
	char (*maps)[NFT_NAME] = realloc(limits->maps, (limits->n_maps + 1) * sizeof(*maps));

	if (!maps)
		return -ENOMEM;
	limits->maps = maps;
	snprintf(maps[limits->n_maps++], NFT_NAME, "%s", name);
	return 0;
}

static const char *string_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

static uint64_t number_of(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

static struct nft_limit *find(struct nft_limits *limits, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < limits->n; i++)
		if (strlen(limits->limits[i].name) == len && !strncmp(limits->limits[i].name, name, len))
			return &limits->limits[i];
	return NULL;
}

static int read_chain(struct nft_limits *limits, const json_t *chain)
{
	if (read_name(string_of(chain, "name"), &limits->limits[limits->n]))
		limits->n++;
	return 0;
}

static int read_map(struct nft_limits *limits, const json_t *map)
{
	return nft_limits_add_map(limits, string_of(map, "name"));
}

static int read_counter(struct nft_limits *limits, const json_t *counter)
{
	const char *name = string_of(counter, "name"), *end = strrchr(name, '-');
	struct nft_limit *limit = end ? find(limits, name, (size_t)(end - name)) : NULL;
	uint64_t packets = number_of(counter, "packets"), bytes = number_of(counter, "bytes");

	if (!limit)
		return 0;
	if (!strcmp(end, "-passed")) {
		limit->count.packets = packets;
		limit->count.bytes = bytes;
	} else {
		limit->count.dropped = packets;
		limit->count.dropped_bytes = bytes;
	}
	return 0;
}

/* nft has units of 1024. */
static uint64_t rate_bytes(const json_t *bucket)
{
	const char *unit = string_of(bucket, "rate_unit");
	uint64_t rate = number_of(bucket, "rate");

	return rate << (*unit == 'k' ? 10 : *unit == 'm' ? 20 : *unit == 'g' ? 30 : 0);
}

/* The rule with the comment is the one with the bucket. */
static int read_rule(struct nft_limits *limits, const json_t *rule)
{
	const char *chain = string_of(rule, "chain"), *comment = string_of(rule, "comment");
	struct nft_limit *limit = find(limits, chain, strlen(chain));
	const json_t *statement, *bucket;
	unsigned int only, block;
	size_t i;

	if (!limit || sscanf(comment, "rate %" SCNu64 " burst %" SCNu64 " only %u block %u",
			     &limit->rate_bit, &limit->burst_ns, &only, &block) != 4)
		return 0;
	limit->only = (enum limit_only)only;
	limit->block = block;
	json_array_foreach(json_object_get(rule, "expr"), i, statement) {
		bucket = json_object_get(statement, "limit");
		if (bucket) {
			limit->rate_bytes = rate_bytes(bucket);
			limit->rated = true;
		}
	}
	if (limit->rated && limit->rate_bit / 8 != limit->rate_bytes)
		limit->rate_bit = limit->rate_bytes * 8;
	return 0;
}

static int each(struct nft_limits *limits, const json_t *objects, const char *type,
		int (*read)(struct nft_limits *limits, const json_t *object))
{
	const json_t *object, *what;
	int err = 0;
	size_t i;

	json_array_foreach(objects, i, object) {
		what = json_object_get(object, type);
		if (what)
			err = read(limits, what);
		if (err)
			break;
	}
	return err;
}

int nft_limits_read(struct ctx *ctx, struct nft_limits *limits)
{
	json_t *objects;
	size_t room;
	int err;

	memset(limits, 0, sizeof(*limits));
	err = nft_table(ctx, NFT_TABLE, &objects);
	if (err || !objects)
		return err;
	room = json_array_size(objects) + 1;
	limits->exists = true;
	limits->limits = calloc(room, sizeof(*limits->limits));
	if (!limits->limits || each(limits, objects, "chain", read_chain) ||
	    each(limits, objects, "map", read_map) || each(limits, objects, "counter", read_counter) ||
	    each(limits, objects, "rule", read_rule))
		err = oom(ctx);
	json_decref(objects);
	return err;
}

void nft_limits_free(struct nft_limits *limits)
{
	free(limits->limits);
	free(limits->maps);
	memset(limits, 0, sizeof(*limits));
}

bool nft_limits_has_map(const struct nft_limits *limits, const char *name)
{
	size_t i;

	for (i = 0; i < limits->n_maps; i++)
		if (!strcmp(limits->maps[i], name))
			return true;
	return false;
}

/* ---- availability ---- */

/* The parts, in an order in which each needs those before it. */
static const struct {
	const char *command, *what;
} parts[] = {
	{ "add table inet t", "nftables for inet (nf_tables)" },
	{ "add chain inet t c { type filter hook output priority 10; }\n"
	  "add chain inet t d { type filter hook input priority 10; }", "filter chains for inet" },
	{ "add chain inet t e\nadd counter inet t k\n"
	  "add rule inet t e counter name k", "counters (nft_counter)" },
	{ "add rule inet t e limit rate over 1000 bytes/second drop", "limit (nft_limit)" },
	{ "add map inet t u { type uid : verdict; }\nadd element inet t u { 1 : jump e }\n"
	  "add rule inet t c meta skuid vmap @u\n", "maps of users (nft_meta)" },
	{ "add map inet t m { type cgroupsv2 : verdict; }\n"
	  "add rule inet t c socket cgroupv2 level 1 vmap @m\n"
	  "add rule inet t d socket cgroupv2 level 1 vmap @m\n", "socket cgroupv2 (nft_socket)" },
};

static bool works(struct ctx *ctx, const void *arg, char why[APART_WHY])
{
	unsigned int i;
	int err;

	(void)arg;
	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		err = nft_run(ctx, parts[i].command);
		if (!err)
			continue;
		if (err == -EPERM)
			snprintf(why, APART_WHY, "it takes CAP_NET_ADMIN");
		else
			snprintf(why, APART_WHY, "the kernel has no %s: %s", parts[i].what, ctx->error);
		return false;
	}
	return true;
}

bool nft_limits_try(char why[APART_WHY])
{
	return apart_try(works, NULL, why);
}
