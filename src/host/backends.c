// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/backend.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct backend *const backends[] = {
	&backend_bpf_htb,
	&backend_ebpf,
	&backend_nftables,
	&backend_tc_htb,
	&backend_ifb_tc,
	&backend_tc_police,
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

static const char *const way_words[] = {
	[LIMIT_WAY_EGRESS] = "uploads", [LIMIT_WAY_INGRESS] = "downloads",
	[LIMIT_WAY_EGRESS | LIMIT_WAY_INGRESS] = "both directions",
};

static const char *const subject_words[] = {
	[LIMIT_CGROUP] = "cgroups", [LIMIT_USER] = "users", [LIMIT_PID] = "processes",
	[LIMIT_NET_CLS] = "cgroups of net_cls (v1)",
};

/* Whether it takes such limits on any host; otherwise why not. */
static bool can(const struct backend *b, enum limit_subject subject, unsigned int way,
		char why[BACKEND_WHY])
{
	const bool subjects[LIMIT_SUBJECTS] = {
		[LIMIT_CGROUP] = true, [LIMIT_USER] = b->users, [LIMIT_PID] = b->processes,
		[LIMIT_NET_CLS] = b->net_cls,
	};
	bool takes = subjects[subject];

	if ((b->ways & way) == way && takes)
		return true;
	snprintf(why, BACKEND_WHY, "it does not limit %s", takes ? way_words[way] : subject_words[subject]);
	return false;
}

/* Whether it takes such limits here; otherwise why not. */
static bool is_there(struct ctx *ctx, const struct backend *b, const struct backend_ask *ask, bool named,
		     unsigned int way, char why[BACKEND_WHY])
{
	*why = 0;
	return (b->suits ? b->suits(ctx, ask, named, way, why) : b->available(ctx, way, why)) &&
	       (!*why || ask->subject == LIMIT_NET_CLS);
}

/* The same for a limit that names none. */
static bool is_choice(struct ctx *ctx, const struct backend *b, const struct backend_ask *ask,
		      unsigned int way, char why[BACKEND_WHY])
{
	if (!b->most || ask->n_limits <= b->most)
		return is_there(ctx, b, ask, false, way, why);
	snprintf(why, BACKEND_WHY, "%zu limits together are more than %zu", ask->n_limits, b->most);
	return false;
}

/* For everything that there can be a limit on there is a backend that could. */
static int choose_best(struct ctx *ctx, const struct backend_ask *ask, unsigned int way,
		       const struct backend **out)
{
	char why[BACKEND_WHY] = "", best_why[BACKEND_WHY] = "";
	const struct backend *best = NULL;
	unsigned int i;

	for (i = 0; backends[i]; i++) {
		if (!can(backends[i], ask->subject, way, why))
			continue;
		*out = backends[i];
		if (is_choice(ctx, backends[i], ask, way, why))
			return 0;
		if (best || backends[i]->suits)		/* that what others do not need is missing says little */
			continue;
		memcpy(best_why, why, sizeof(why));
		best = backends[i];
	}
	return fail(ctx, EOPNOTSUPP, "no backend can limit %s of %s here: %s: %s; 'weir backends' tells of all",
		    way_words[way], subject_words[ask->subject], best ? best->name : "none", best_why);
}

int backend_choose(struct ctx *ctx, const char *name, const struct backend_ask *ask, unsigned int way,
		   const struct backend **out)
{
	const struct backend *b = name ? backend_find(name) : NULL;
	char why[BACKEND_WHY];

	if (!name)
		return choose_best(ctx, ask, way, out);
	if (!b)
		return fail(ctx, ENOENT, "there is no backend '%s'", name);
	if (!can(b, ask->subject, way, why) || !is_there(ctx, b, ask, true, way, why))
		return fail(ctx, EOPNOTSUPP, "backend %s: %s", name, why);
	*out = b;
	return 0;
}
