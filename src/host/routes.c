// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/routes.h"

#include <errno.h>
#include <string.h>

#include <linux/route.h>

static int add(struct ctx *ctx, struct routes *routes, const char *dev)
{
	unsigned int i;

	for (i = 0; i < routes->n; i++)
		if (!strcmp(routes->dev[i], dev))
			return 0;
	if (routes->n == ROUTES_MAX)
		return fail(ctx, E2BIG, "more than %d interfaces have a default route", ROUTES_MAX);
	snprintf(routes->dev[routes->n++], TREE_NAME, "%s", dev);
	return 0;
}

/* /proc/net/route: fib_route_seq_show(), net/ipv4/fib_trie.c, 6.1. */
static int read_ip4(struct ctx *ctx, const char *line, struct routes *routes)
{
	unsigned int to, flags, mask;
	char dev[TREE_NAME];

	if (sscanf(line, "%15s %x %*x %x %*d %*u %*d %x", dev, &to, &flags, &mask) != 4)
		return 0;
	return to || mask || !(flags & RTF_UP) || flags & RTF_REJECT ? 0 : add(ctx, routes, dev);
}

/* /proc/net/ipv6_route: ipv6_route_native_seq_show(), net/ipv6/ip6_fib.c, 6.1. */
static int read_ip6(struct ctx *ctx, const char *line, struct routes *routes)
{
	char to[33], dev[TREE_NAME];
	unsigned int bits, flags;

	if (sscanf(line, "%32s %x %*s %*x %*s %*x %*x %*x %x %15s", to, &bits, &flags, dev) != 4)
		return 0;
	return bits || !(flags & RTF_UP) || flags & RTF_REJECT || !strcmp(dev, "lo") ? 0 :
	       add(ctx, routes, dev);
}

static int read_file(struct ctx *ctx, const char *path, struct routes *routes,
		     int (*read)(struct ctx *ctx, const char *line, struct routes *routes))
{
	FILE *f = fopen(path, "re");
	char line[512];
	int err = 0;

	if (!f)		/* a kernel without IPv6 */
		return errno == ENOENT ? 0 : fail(ctx, errno, "%s: %s", path, strerror(errno));
	while (!err && fgets(line, sizeof(line), f))
		err = read(ctx, line, routes);
	fclose(f);
	return err;
}

int routes_default(struct ctx *ctx, struct routes *routes)
{
	int err;

	memset(routes, 0, sizeof(*routes));
	err = read_file(ctx, "/proc/self/net/route", routes, read_ip4);
	if (!err)
		err = read_file(ctx, "/proc/self/net/ipv6_route", routes, read_ip6);
	if (!err && !routes->n)
		return fail(ctx, ENOENT, "no interface has a default route");
	return err;
}
