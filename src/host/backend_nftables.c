// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Limits through nftables: `socket cgroupv2` and `meta skuid` at the output and the input hook (where
 * the socket of a TCP or UDP packet is looked up), and `limit rate over ... drop`.
 *
 * A bucket there holds a second of its rate at the least, whatever burst is asked for
 * (nft_limit_init(), net/netfilter/nft_limit.c, 6.1, 6.12), and drops are all that it can do. Limits
 * are those of one network namespace.
 */
#include "host/backend.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/cgroup_open.h"
#include "host/nft_limits.h"
#include "kernel/netns.h"
#include "kernel/nft.h"
#include "lib/clock.h"

enum {
	LOCK_WAIT_MS = 5000,
	PRIORITY = 10,			/* behind filters: what they drop is not charged */
	BUCKET_MIN_BYTES = 128 * 1024,	/* two GSO packets: one that never fits is never sent */
	AT_ONCE = 400,			/* limits in a transaction: each has a file open */
};

/* Commands on their way to the kernel: one transaction. */
struct batch {
	struct ctx *ctx;
	struct cgroups cgroups;
	struct nft_limits there;
	FILE *f;
	char *text;
	size_t size;
	int *fds;		/* of cgroups, which the text names as files */
	size_t n_fds;
	int lock;
};

static int begin(struct ctx *ctx, struct batch *b)
{
	int err;

	memset(b, 0, sizeof(*b));
	b->ctx = ctx;
	b->lock = -1;
	err = cgroups_find(ctx, &b->cgroups);
	if (!err)
		err = netns_lock_for(ctx, "-nftables", LOCK_WAIT_MS, &b->lock);
	if (!err)
		err = nft_limits_read(ctx, &b->there);
	if (err)
		return err;
	b->f = open_memstream(&b->text, &b->size);
	return b->f ? 0 : oom(ctx);
}

static int commit(struct batch *b)
{
	if (fflush(b->f) || ferror(b->f))
		return oom(b->ctx);
	return b->size ? nft_run(b->ctx, b->text) : 0;
}

static void end(struct batch *b)
{
	while (b->n_fds)
		close(b->fds[--b->n_fds]);
	free(b->fds);
	if (b->f)
		fclose(b->f);
	free(b->text);
	nft_limits_free(&b->there);
	if (b->lock >= 0)
		close(b->lock);
}

/* ---- composing ---- */

/* Addresses that are not of the Internet: as bpf/address.h has them, and the host's own networks. */
static const struct {
	int family;
	char digit;
	const char *type, *networks;
} locals[] = {
	{ AF_INET, '4', "ipv4_addr", "0.0.0.0/8, 10.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, "
	  "192.168.0.0/16, 224.0.0.0/4, 255.255.255.255" },
	{ AF_INET6, '6', "ipv6_addr", "::/127, fc00::/7, fe80::/10, ff00::/8" },
};

static unsigned int mask_bits(const struct sockaddr *mask)
{
	const uint8_t *byte = mask->sa_family == AF_INET ?
		(const void *)&((const struct sockaddr_in *)mask)->sin_addr :
		(const void *)&((const struct sockaddr_in6 *)mask)->sin6_addr;
	unsigned int bits = 0, max = mask->sa_family == AF_INET ? 32 : 128;

	while (bits < max && byte[bits / 8] >> (7 - bits % 8) & 1)
		bits++;
	return bits;
}

static void put_own_networks(struct batch *b, int family, const struct ifaddrs *own)
{
	char text[INET6_ADDRSTRLEN];
	const void *address;

	for (; own; own = own->ifa_next) {
		if (!own->ifa_addr || own->ifa_addr->sa_family != family || !own->ifa_netmask)
			continue;
		address = family == AF_INET ? (void *)&((struct sockaddr_in *)own->ifa_addr)->sin_addr :
			  (void *)&((struct sockaddr_in6 *)own->ifa_addr)->sin6_addr;
		fprintf(b->f, ", %s/%u", inet_ntop(family, address, text, sizeof(text)),
			mask_bits(own->ifa_netmask));
	}
}

/* In one command a set: auto-merge of nftables 1.0.6 fails over what the same transaction added. */
static void put_local(struct batch *b)
{
	struct ifaddrs *own = NULL;
	unsigned int i;

	if (getifaddrs(&own))
		own = NULL;
	for (i = 0; i < sizeof(locals) / sizeof(*locals); i++) {
		fprintf(b->f, "add set inet " NFT_TABLE " local%c { type %s; flags interval; auto-merge; }\n",
			locals[i].digit, locals[i].type);
		fprintf(b->f, "flush set inet " NFT_TABLE " local%c\n", locals[i].digit);
		fprintf(b->f, "add element inet " NFT_TABLE " local%c { %s", locals[i].digit, locals[i].networks);
		put_own_networks(b, locals[i].family, own);
		fputs(" }\n", b->f);
	}
	freeifaddrs(own);
}

/* The hook's chain, the map that leads to the limit, and the rule that looks into it. */
static int put_way(struct batch *b, const struct nft_limit *limit)
{
	static const char *const hooks[] = { [LIMIT_EGRESS] = "output", [LIMIT_INGRESS] = "input" };
	const char *way = nft_ways[limit->way];
	bool user = limit->key.kind == LIMIT_KIND_USER;
	char map[NFT_NAME];

	nft_map_name(limit, map);
	fprintf(b->f, "add chain inet " NFT_TABLE " %s { type filter hook %s priority %d; policy accept; }\n",
		way, hooks[limit->way], PRIORITY);
	fprintf(b->f, "add map inet " NFT_TABLE " %s { type %s : verdict; }\n", map,
		user ? "uid" : "cgroupsv2");
	if (nft_limits_has_map(&b->there, map))
		return 0;
	fprintf(b->f, "add rule inet " NFT_TABLE " %s ", way);
	if (user)
		fprintf(b->f, "meta skuid vmap @%s\n", map);
	else
		fprintf(b->f, "socket cgroupv2 level %u vmap @%s\n", limit->level, map);
	return nft_limits_add_map(&b->there, map);
}

static void put_only(struct batch *b, const struct nft_limit *limit)
{
	const char *field = limit->way == LIMIT_EGRESS ? "daddr" : "saddr";
	const char *other = limit->only == LIMIT_LOCAL ? "!= " : "";

	if (limit->only == LIMIT_ALL)
		return;
	fprintf(b->f, "add rule inet " NFT_TABLE " %s ip %s %s@local4 return\n", limit->name, field, other);
	fprintf(b->f, "add rule inet " NFT_TABLE " %s ip6 %s %s@local6 return\n", limit->name, field, other);
}

/* What `limit` has beyond the second of the rate that it holds anyhow. */
static uint64_t extra_burst_bytes(uint64_t rate_bytes, uint64_t burst_ns)
{
	unsigned __int128 burst = burst_ns > NS_PER_S ?
		(unsigned __int128)rate_bytes * (burst_ns - NS_PER_S) / NS_PER_S : 0;

	if (rate_bytes + burst < BUCKET_MIN_BYTES)
		return BUCKET_MIN_BYTES - rate_bytes;
	return burst > UINT32_MAX ? UINT32_MAX : (uint64_t)burst;
}

static void put_bucket(struct batch *b, const struct nft_limit *limit)
{
	uint64_t rate_bytes = limit->rate_bit / 8;

	fprintf(b->f, "add rule inet " NFT_TABLE " %s ", limit->name);
	if (!limit->block)
		fprintf(b->f, "limit rate over %" PRIu64 " bytes/second burst %" PRIu64 " bytes ",
			rate_bytes, extra_burst_bytes(rate_bytes, limit->burst_ns));
	fprintf(b->f, "counter name \"%s-dropped\" drop comment \"rate %" PRIu64 " burst %" PRIu64
		" only %u block %u\"\n", limit->name, limit->rate_bit, limit->burst_ns, limit->only,
		limit->block);
	fprintf(b->f, "add rule inet " NFT_TABLE " %s counter name \"%s-passed\"\n", limit->name,
		limit->name);
}

/* nft takes a cgroup by its path below /sys/fs/cgroup only, wherever the hierarchy is. -ESTALE: it is
 * no more. */
static int put_element(struct batch *b, const char *verb, const struct nft_limit *limit)
{
	char map[NFT_NAME];
	int fd, *fds;

	nft_map_name(limit, map);
	if (limit->key.kind == LIMIT_KIND_USER) {
		fprintf(b->f, "%s element inet " NFT_TABLE " %s { %" PRIu64 " : jump %s }\n", verb, map,
			(uint64_t)limit->key.id, limit->name);
		return 0;
	}
	fd = cgroup_open_id(&b->cgroups, limit->key.id);
	if (fd < 0)
		return fd;
	fds = realloc(b->fds, (b->n_fds + 1) * sizeof(*fds));
	if (!fds) {
		close(fd);
		return -ENOMEM;
	}
	b->fds = fds;
	b->fds[b->n_fds++] = fd;
	fprintf(b->f, "%s element inet " NFT_TABLE " %s { \"../../../proc/self/fd/%d\" : jump %s }\n", verb,
		map, fd, limit->name);
	return 0;
}

static int put_limit(struct batch *b, const struct nft_limit *limit)
{
	int err = put_way(b, limit);

	if (err)
		return err;
	fprintf(b->f, "add counter inet " NFT_TABLE " %s-passed\n", limit->name);
	fprintf(b->f, "add counter inet " NFT_TABLE " %s-dropped\n", limit->name);
	fprintf(b->f, "add chain inet " NFT_TABLE " %s\n", limit->name);
	fprintf(b->f, "flush chain inet " NFT_TABLE " %s\n", limit->name);
	put_only(b, limit);
	put_bucket(b, limit);
	return put_element(b, "add", limit);
}

/* ---- setting ---- */

static int find_subject(struct ctx *ctx, const struct limit_wish *wish, struct nft_limit *limit)
{
	int level = 0, err;

	if (wish->subject == LIMIT_PID)
		return fail(ctx, EOPNOTSUPP, "backend nftables: nftables knows cgroups and users, no "
			    "processes; put the process into a cgroup, or take the backend ebpf");
	err = limit_resolve(ctx, wish->subject, wish->name, &limit->key, &level);
	if (err)
		return err;
	limit->level = (unsigned int)level;
	if (wish->subject != LIMIT_CGROUP || level > 0)
		return 0;
	if (!level)
		return fail(ctx, EOPNOTSUPP, "backend nftables: the root of all cgroups cannot be matched; "
			    "name the cgroups in it");
	return fail(ctx, EXDEV, "backend nftables: cgroup %s: its level cannot be told, since the root of "
		    "the hierarchy is not to be seen from here", wish->name);
}

static int put_wish(struct batch *b, const struct limit_wish *wish, unsigned int ways)
{
	struct nft_limit limit = { .only = wish->only };
	const struct limit_wish_side *side;
	int err = find_subject(b->ctx, wish, &limit);
	unsigned int way;

	for (way = 0; way < LIMIT_WAYS && !err; way++) {
		side = &wish->side[way];
		if (!(ways >> way & 1) || !side->set)
			continue;
		if (side->priority)
			return fail(b->ctx, EOPNOTSUPP, "backend nftables: it has no classes");
		limit.way = (enum limit_way)way;
		limit.block = side->block;
		limit.rate_bit = side->block ? 0 : side->rate_bit;
		limit.burst_ns = side->burst_ns ? side->burst_ns : LIMIT_BURST_NS;
		nft_limit_name(&limit);
		err = put_limit(b, &limit);
	}
	return err ? fail(b->ctx, err, "backend nftables: %s: %s", wish->name, strerror(-err)) : 0;
}

/* Of several wishes, all or none. */
static int set_some(struct ctx *ctx, const struct limit_wish *wishes, size_t n, unsigned int ways)
{
	struct batch b;
	size_t i;
	int err = begin(ctx, &b);

	if (!err) {
		fputs("add table inet " NFT_TABLE "\n", b.f);
		put_local(&b);
	}
	for (i = 0; i < n && !err; i++)
		err = put_wish(&b, &wishes[i], ways);
	if (!err)
		err = commit(&b);
	end(&b);
	return err;
}

static int set(struct ctx *ctx, const struct limit_wish *wishes, size_t n, unsigned int ways)
{
	size_t i, some;
	int err = 0;

	for (i = 0; i < n && !err; i += some) {
		some = n - i < AT_ONCE ? n - i : AT_ONCE;
		err = set_some(ctx, wishes + i, some, ways);
	}
	return err;
}

/* ---- removing ---- */

static bool is_meant(const struct nft_limit *limit, const struct limit_key *key, unsigned int ways)
{
	return ways >> limit->way & 1 &&
	       (!key || (limit->key.kind == key->kind && limit->key.id == key->id));
}

/* nft cannot name a cgroup that is no more: the map is written anew with those that are. */
static void put_map_anew(struct batch *b, const struct nft_limit *limit, const struct limit_key *key,
			 unsigned int ways)
{
	char map[NFT_NAME], of[NFT_NAME];
	size_t i;

	nft_map_name(limit, map);
	fprintf(b->f, "flush map inet " NFT_TABLE " %s\n", map);
	for (i = 0; i < b->there.n; i++) {
		nft_map_name(&b->there.limits[i], of);
		if (!strcmp(map, of) && !is_meant(&b->there.limits[i], key, ways))
			put_element(b, "add", &b->there.limits[i]);
	}
}

static void put_removals(struct batch *b, const struct limit_key *key, unsigned int ways)
{
	const struct nft_limit *limit;
	size_t i;

	for (i = 0; i < b->there.n; i++) {
		limit = &b->there.limits[i];
		if (is_meant(limit, key, ways) && put_element(b, "delete", limit))
			put_map_anew(b, limit, key, ways);
	}
	for (i = 0; i < b->there.n; i++) {
		limit = &b->there.limits[i];
		if (!is_meant(limit, key, ways))
			continue;
		fprintf(b->f, "flush chain inet " NFT_TABLE " %s\ndelete chain inet " NFT_TABLE " %s\n",
			limit->name, limit->name);
		fprintf(b->f, "delete counter inet " NFT_TABLE " %s-passed\n", limit->name);
		fprintf(b->f, "delete counter inet " NFT_TABLE " %s-dropped\n", limit->name);
	}
}

static size_t count_meant(const struct batch *b, const struct limit_key *key, unsigned int ways)
{
	size_t i, n = 0;

	for (i = 0; i < b->there.n; i++)
		n += is_meant(&b->there.limits[i], key, ways);
	return n;
}

static int remove_limit(struct ctx *ctx, const struct limit_key *key, unsigned int ways)
{
	struct batch b;
	size_t meant;
	int err = begin(ctx, &b);

	if (err)
		goto out;
	meant = count_meant(&b, key, ways);
	if (!meant && (key || !b.there.exists || b.there.n)) {
		err = -ENOENT;
		goto out;
	}
	if (meant == b.there.n)
		fputs("delete table inet " NFT_TABLE "\n", b.f);
	else
		put_removals(&b, key, ways);
	err = commit(&b);
out:
	end(&b);
	return err;
}

/* ---- listing ---- */

static struct limit_report *report_of(struct limit_list *list, struct limit_key key)
{
	struct limit_report *report;
	size_t i;

	for (i = 0; i < list->n; i++)
		if (list->reports[i].key.kind == key.kind && list->reports[i].key.id == key.id)
			return &list->reports[i];
	report = limit_list_add(list);
	if (report)
		report->key = key;
	return report;
}

static const char *user_name(struct arena *arena, uint64_t uid)
{
	struct passwd entry, *found = NULL;
	char buf[4096];

	if (!getpwuid_r((uid_t)uid, &entry, buf, sizeof(buf), &found) && found)
		return arena_strdup(arena, found->pw_name);
	return arena_printf(arena, "%" PRIu64, uid);
}

static const char *subject_name(struct arena *arena, const struct cgroups *cgroups,
				const struct limit_key *key)
{
	char path[CGROUP_DIR];

	if (key->kind == LIMIT_KIND_USER)
		return user_name(arena, key->id);
	if (!cgroup_path(cgroups, key->id, path))
		return arena_strdup(arena, path);
	return arena_printf(arena, "(gone: id %" PRIu64 ")", (uint64_t)key->id);
}

static int list_one(struct limit_list *list, const struct cgroups *cgroups,
		    const struct nft_limit *limit)
{
	struct limit_report *report = report_of(list, limit->key);
	struct limit_report_side *side;

	if (!report)
		return -ENOMEM;
	if (!report->name) {
		report->subject = limit->key.kind == LIMIT_KIND_USER ? LIMIT_USER : LIMIT_CGROUP;
		report->only = limit->only;
		report->name = subject_name(&list->arena, cgroups, &limit->key);
	}
	side = &report->side[limit->way];
	side->wish.set = true;
	side->wish.block = limit->block;
	side->wish.rate_bit = limit->rate_bit;
	side->wish.burst_ns = limit->burst_ns;
	side->backend = &backend_nftables;
	side->counted = true;
	side->count = limit->count;
	return report->name ? 0 : -ENOMEM;
}

static int list_limits(struct ctx *ctx, struct limit_list *list)
{
	struct nft_limits there;
	struct cgroups cgroups;
	size_t i;
	int err = nft_limits_read(ctx, &there);

	if (!err && there.n)
		err = cgroups_find(ctx, &cgroups);
	for (i = 0; i < there.n && !err; i++)
		if (list_one(list, &cgroups, &there.limits[i]))
			err = oom(ctx);
	nft_limits_free(&there);
	return err;
}

static bool available(struct ctx *ctx, unsigned int way, char why[BACKEND_WHY])
{
	struct cgroups cgroups;

	(void)way;
	*why = 0;
	if (cgroups_find(ctx, &cgroups) || !*cgroups.v2) {
		ctx_clear(ctx);
		snprintf(why, BACKEND_WHY, "no cgroup v2 is mounted");
		return false;
	}
	return nft_limits_try(why);
}

const struct backend backend_nftables = {
	.name = "nftables", .rank = 3, .ways = LIMIT_WAY_EGRESS | LIMIT_WAY_INGRESS, .users = true,
	.available = available, .set = set, .remove = remove_limit, .list = list_limits,
};
