// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/backend.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct backend *const backends[] = {
	&backend_ebpf,
	&backend_nftables,
	&backend_tc_htb,
	&backend_ifb_tc,
	NULL
};

const struct backend *backend_find(const char *name)
{
	unsigned int i;

	for (i = 0; backends[i]; i++)
		if (!strcmp(backends[i]->name, name))
			return backends[i];
	return NULL;
}

/* Whether it takes such limits; otherwise why not. */
static bool fits(struct ctx *ctx, const struct backend *b, enum limit_subject subject,
		 unsigned int way, char why[BACKEND_WHY])
{
	if ((b->ways & way) != way) {
		snprintf(why, BACKEND_WHY, "it does not limit %s",
			 way == LIMIT_WAY_INGRESS ? "downloads" : "uploads");
		return false;
	}
	if ((subject == LIMIT_USER && !b->users) || (subject == LIMIT_PID && !b->processes)) {
		snprintf(why, BACKEND_WHY, "it does not limit %s",
			 subject == LIMIT_USER ? "users" : "processes");
		return false;
	}
	return b->available(ctx, way, why);
}

int backend_choose(struct ctx *ctx, const char *name, enum limit_subject subject, unsigned int way,
		   const struct backend **out)
{
	const struct backend *b = name ? backend_find(name) : NULL;
	char why[BACKEND_WHY];
	unsigned int i;

	if (name && !b)
		return fail(ctx, ENOENT, "there is no backend '%s'", name);
	if (b && !fits(ctx, b, subject, way, why))
		return fail(ctx, EOPNOTSUPP, "backend %s: %s", name, why);
	for (i = 0; !b && backends[i]; i++)
		if (fits(ctx, backends[i], subject, way, why))
			b = backends[i];
	if (!b)
		return fail(ctx, EOPNOTSUPP, "no backend can limit here; the last one tried: %s", why);
	*out = b;
	return 0;
}
