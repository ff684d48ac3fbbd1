// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/limit.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cgroup.h"
#include "kernel/process.h"
#include "lib/units.h"

/* ---- lists ---- */

void limit_list_free(struct limit_list *list)
{
	arena_free(&list->arena);
	memset(list, 0, sizeof(*list));
}

struct limit_report *limit_list_add(struct limit_list *list)
{
	struct limit_report *reports;
	size_t room;

	if (list->n == list->room) {
		room = list->room ? 2 * list->room : 16;
		reports = arena_alloc(&list->arena, room * sizeof(*reports));
		if (!reports)
			return NULL;
		if (list->n)
			memcpy(reports, list->reports, list->n * sizeof(*reports));
		list->reports = reports;
		list->room = room;
	}
	return &list->reports[list->n++];
}

const struct limit_report *limit_list_find(const struct limit_list *list, struct limit_key key)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (list->reports[i].key.kind == key.kind && list->reports[i].key.id == key.id)
			return &list->reports[i];
	return NULL;
}

/* ---- subjects ---- */

char *limit_key_text(struct limit_key key, char buf[LIMIT_KEY_TEXT])
{
	static const char *const words[] = {
		[LIMIT_KIND_CGROUP] = "cgroup", [LIMIT_KIND_USER] = "user",
		[LIMIT_KIND_PROCESS] = "process", [LIMIT_KIND_NET_CLS] = "net_cls",
	};

	snprintf(buf, LIMIT_KEY_TEXT, "%s:%" PRIu64, key.kind <= LIMIT_KIND_NET_CLS ? words[key.kind] : "?",
		 (uint64_t)key.id);
	return buf;
}

static int parse_u32(const char *s, uint32_t *value)
{
	uint64_t n;

	if (units_parse_number(s, &n) || n > UINT32_MAX || strncmp(s, "0x", 2) == 0)
		return -EINVAL;
	*value = (uint32_t)n;
	return 0;
}

/* A name goes before a number, as with chown(1). */
static int resolve_user(struct ctx *ctx, const char *name, struct limit_key *key)
{
	const struct passwd *user;
	uint32_t uid;

	errno = 0;
	user = getpwnam(name);
	if (user)
		uid = user->pw_uid;
	else if (parse_u32(name, &uid) || uid == UINT32_MAX)
		return fail(ctx, ENOENT, "there is no user '%s'", name);
	key->id = uid;
	return 0;
}

static int resolve_process(struct ctx *ctx, const char *name, struct limit_key *key)
{
	uint64_t ticks;
	uint32_t pid;
	int err;

	if (parse_u32(name, &pid) || !pid || pid >> LIMIT_PID_BITS)
		return fail(ctx, EINVAL, "'%s' is not the number of a process", name);
	err = limit_process(pid, &ticks, NULL);
	if (err == -ESRCH)
		return fail(ctx, err, "there is no process %" PRIu32, pid);
	if (err)
		return fail(ctx, err, "process %" PRIu32 ": %s", pid, strerror(-err));
	key->id = LIMIT_PROCESS_ID(pid, ticks);
	return 0;
}

static int resolve_v2(struct ctx *ctx, const struct cgroups *cgroups, const char *name,
		      struct limit_key *key, int *level)
{
	unsigned int depth = 0;
	uint64_t id = 0;
	int err = cgroup_id(cgroups, name, &id, &depth);

	*level = err ? -1 : (int)depth;
	if (err && err != -EXDEV)
		return fail(ctx, err, "cgroup '%s' in %s: %s", name, cgroups->v2, strerror(-err));
	if (*level >= LIMIT_LEVELS)
		return fail(ctx, EINVAL, "cgroup '%s' is deeper than %d levels", name, LIMIT_LEVELS - 1);
	*key = (struct limit_key){ .kind = LIMIT_KIND_CGROUP, .id = id };
	return 0;
}

static int resolve_net_cls(struct ctx *ctx, const struct cgroups *cgroups, const char *name,
			   struct limit_key *key)
{
	uint64_t id = 0;
	int err = cgroup_net_cls_id(cgroups, name, &id);

	if (err)
		return fail(ctx, err, "cgroup '%s' in %s: %s", name, cgroups->net_cls, strerror(-err));
	*key = (struct limit_key){ .kind = LIMIT_KIND_NET_CLS, .id = id };
	return 0;
}

/* v2 first: all backends know those. */
static int resolve_in(struct ctx *ctx, enum limit_subject subject, const struct cgroups *cgroups,
		      const char *name, struct limit_key *key, int *level)
{
	bool v1 = *cgroups->net_cls && !cgroup_has_net_cls(cgroups, name), v2;

	if (!*cgroups->v2 && !*cgroups->net_cls)
		return fail(ctx, EOPNOTSUPP, "neither cgroup v2 nor net_cls of cgroup v1 is mounted");
	v2 = subject == LIMIT_CGROUP && *cgroups->v2 &&
	     (!v1 || cgroup_id(cgroups, name, &(uint64_t){ 0 }, &(unsigned int){ 0 }) != -ENOENT);
	return v2 ? resolve_v2(ctx, cgroups, name, key, level) :
		    resolve_net_cls(ctx, cgroups, name, key);
}

static int resolve_cgroup(struct ctx *ctx, enum limit_subject subject, const char *name,
			  struct limit_key *key, int *level)
{
	struct cgroups *cgroups = malloc(sizeof(*cgroups));
	int err = cgroups ? cgroups_find(ctx, cgroups) : oom(ctx);

	if (!err)
		err = resolve_in(ctx, subject, cgroups, name + strspn(name, "/"), key, level);
	free(cgroups);
	return err;
}

int limit_resolve(struct ctx *ctx, enum limit_subject subject, const char *name,
		  struct limit_key *out, int *level)
{
	struct limit_key key = { 0 };
	int err;

	*level = 0;
	switch (subject) {
	case LIMIT_CGROUP:
	case LIMIT_NET_CLS:
		err = resolve_cgroup(ctx, subject, name, &key, level);
		break;
	case LIMIT_USER:
		key.kind = LIMIT_KIND_USER;
		err = resolve_user(ctx, name, &key);
		break;
	default:
		key.kind = LIMIT_KIND_PROCESS;
		err = resolve_process(ctx, name, &key);
	}
	if (!err)
		*out = key;
	return err;
}

/* Fields 3, 4, 20 and 22 of proc_pid_stat(5); the second, a name, may hold anything, so from its end on. A
 * process whose first thread has ended is a zombie there, and lives while others do. */
int limit_process(unsigned int pid, uint64_t *start_ticks, unsigned int *parent)
{
	char path[32], text[1024], state;
	unsigned int ppid, threads;
	const char *rest;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? -ESRCH : -errno;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = 0;
	rest = strrchr(text, ')');
	if (!rest || sscanf(rest + 1, " %c %u %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			    "%u %*d %" SCNu64, &state, &ppid, &threads, start_ticks) != 4)
		return -ESRCH;		/* it ended meanwhile */
	if ((state == 'Z' && threads < 2) || state == 'X')
		return -ESRCH;
	if (parent)
		*parent = ppid;
	return 0;
}

/* ---- wishes ---- */

/* CAP_SYS_ADMIN has the other two in it (bpf_capable(), perfmon_capable(), include/linux/capability.h, 6.1). */
int limit_may(struct ctx *ctx)
{
	if (process_may(CAP_NET_ADMIN) &&
	    (process_may(CAP_SYS_ADMIN) || (process_may(CAP_BPF) && process_may(CAP_PERFMON))))
		return 0;
	return fail(ctx, EPERM, "limits are for root, or who has CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON");
}

static int check_side(struct ctx *ctx, const struct limit_wish *wish,
		      const struct limit_wish_side *side)
{
	char text[UNITS_TEXT];

	if (!side->set || side->block)
		return 0;
	if (!side->rate_bit)
		return fail(ctx, EINVAL, "%s: a rate of 0 limits nothing; --block lets nothing pass",
			    wish->name);
	if (side->rate_bit < LIMIT_RATE_MIN_BIT || side->rate_bit > BUCKET_RATE_MAX_BIT)
		return fail(ctx, ERANGE, "%s: %s is not from 8kbit to 1tbit", wish->name,
			    units_format_rate(side->rate_bit, text));
	if (side->burst_ns > UINT64_C(60000000000))
		return fail(ctx, ERANGE, "%s: a burst of more than a minute", wish->name);
	return 0;
}

int limit_check(struct ctx *ctx, const struct limit_wish *wish)
{
	int err;

	if (!wish->side[LIMIT_EGRESS].set && !wish->side[LIMIT_INGRESS].set)
		return fail(ctx, EINVAL, "%s: neither upload nor download is limited", wish->name);
	err = check_side(ctx, wish, &wish->side[LIMIT_EGRESS]);
	return err ? err : check_side(ctx, wish, &wish->side[LIMIT_INGRESS]);
}
