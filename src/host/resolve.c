// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/resolve.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { USER_BYTES_MAX = 1 << 20 };	/* of one entry of the user database */

struct job {
	struct ctx *ctx;
	const struct resolve *how;
	const struct link *link;
	const struct class *class;	/* or NULL: a police rule */
	const struct match *user;	/* the last one with a user: the next often has the same */
	const char *gone_what, *gone;	/* what was warned of last, likewise */
};

/* ---- errors ---- */

static int __attribute__((format(printf, 4, 5)))
fail_at(struct job *job, const struct match *m, int err, const char *fmt, ...)
{
	char *text = NULL, *located = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (!text || asprintf(&located, "%s:%u:%u: %s", m->loc.file, m->loc.line, m->loc.column, text) < 0)
		err = oom(job->ctx);
	else
		err = fail_located(job->ctx, err, located);
	free(located);
	free(text);
	return err;
}

static void warn_gone(struct job *job, const char *what, const char *name)
{
	const char *path = job->class ? job->class->path : NULL;

	if (job->gone && !strcmp(job->gone_what, what) && !strcmp(job->gone, name))
		return;
	job->gone_what = what;
	job->gone = name;
	warn(job->ctx, "%s: %s%s: there is no %s '%s' any more", job->link->name,
	     path ? "class " : "police", path ? path : "", what, name);
}

/* ---- users ---- */

/* 0, -ENOENT or what the database gave. */
static int find_user(const char *name, uint32_t *uid)
{
	struct passwd entry, *found = NULL;
	size_t size = 1024;
	char *buf = NULL, *more;
	int err = ERANGE;

	for (; err == ERANGE && size <= USER_BYTES_MAX; size *= 2) {
		more = realloc(buf, size);
		if (!more) {
			free(buf);
			return -ENOMEM;
		}
		buf = more;
		err = getpwnam_r(name, &entry, buf, size, &found);
	}
	if (!err && found)
		*uid = entry.pw_uid;
	free(buf);
	/* several answers mean that there is none: getpwnam(3) */
	if (!err || err == ENOENT || err == ESRCH || err == EBADF || err == EPERM)
		return found ? 0 : -ENOENT;
	return -err;
}

static bool is_number(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

static int resolve_user(struct job *job, struct match *m)
{
	int err;

	if (is_number(m->user)) {
		m->uid = (uint32_t)strtoul(m->user, NULL, 10);
		return 0;
	}
	if (job->user && !strcmp(job->user->user, m->user)) {
		m->uid = job->user->uid;
		return 0;
	}
	err = find_user(m->user, &m->uid);
	if (err == -ENOENT && job->how->gone) {
		warn_gone(job, "user", m->user);
		m->uid = UINT32_MAX;
		err = 0;
	}
	if (err == -ENOENT)
		return fail_at(job, m, err, "no user '%s'", m->user);
	if (err)
		return fail_at(job, m, err, "user '%s': %s", m->user, strerror(-err));
	job->user = m;
	return 0;
}

/* ---- cgroups ---- */

static int in_v2(const struct job *job, struct match *m)
{
	unsigned int level;
	int err = cgroup_id(job->how->cgroups, m->cgroup, &m->cgroup_id, &level);

	if (!err && level > UINT8_MAX)
		err = -E2BIG;
	if (err)
		m->cgroup_id = 0;
	else
		m->cgroup_level = (uint8_t)level;
	return err;
}

static int in_net_cls(const struct job *job, struct match *m)
{
	m->cgroup_id = 0;
	return cgroup_has_net_cls(job->how->cgroups, m->cgroup);
}

static int fail_no_cgroup(struct job *job, struct match *m)
{
	const struct cgroups *c = job->how->cgroups;

	if (!*c->v2 && !*c->net_cls)
		return fail_at(job, m, ENOENT, "no cgroup '%s': neither cgroup v2 nor net_cls of cgroup v1 is mounted here",
			       m->cgroup);
	if (!*c->v2 || !*c->net_cls)
		return fail_at(job, m, ENOENT, "no cgroup '%s': there is no %s/%s, and %s is not mounted here",
			       m->cgroup, *c->v2 ? c->v2 : c->net_cls, m->cgroup,
			       *c->v2 ? "net_cls of cgroup v1" : "cgroup v2");
	return fail_at(job, m, ENOENT, "no cgroup '%s': there is neither %s/%s nor %s/%s", m->cgroup, c->v2,
		       m->cgroup, c->net_cls, m->cgroup);
}

static int fail_cgroup(struct job *job, struct match *m, int err)
{
	if (err == -EXDEV)
		return fail_at(job, m, err, "cgroup '%s': %s shows a part of cgroup v2 only, as containers "
			       "have it; run weir where the whole of it is to be seen", m->cgroup,
			       job->how->cgroups->v2);
	return fail_at(job, m, err, "cgroup '%s': %s", m->cgroup, strerror(-err));
}

static int resolve_cgroup(struct job *job, struct match *m)
{
	bool v1_first = job->link->classifier == CLASSIFIER_KERNEL;
	int err = v1_first ? in_net_cls(job, m) : in_v2(job, m);

	if (err == -ENOENT)
		err = v1_first ? in_v2(job, m) : in_net_cls(job, m);
	if (err == -ENOENT && job->how->gone) {
		warn_gone(job, "cgroup", m->cgroup);
		m->cgroup_id = UINT64_MAX;
		m->cgroup_level = 1;
		return 0;
	}
	if (err == -ENOENT)
		return fail_no_cgroup(job, m);
	return err ? fail_cgroup(job, m, err) : 0;
}

/* ---- all of them ---- */

static int resolve_matches(struct job *job, struct match *m)
{
	int err = 0;

	for (; m && !err; m = m->next) {
		if (m->set & MATCH_USER)
			err = resolve_user(job, m);
		if (!err && m->set & MATCH_CGROUP)
			err = resolve_cgroup(job, m);
	}
	return err;
}

static int resolve_class(struct job *job, struct class *c)
{
	int err;

	job->class = c;
	err = resolve_matches(job, c->matches);
	for (c = c->children; c && !err; c = c->next)
		err = resolve_class(job, c);
	return err;
}

static int resolve_link(struct job *job, const struct link *link)
{
	struct police *police;
	int err = 0;

	job->link = link;
	if (link->egress)
		err = resolve_class(job, link->egress);
	if (link->ingress && !err)
		err = resolve_class(job, link->ingress);
	job->class = NULL;
	for (police = link->polices; police && !err; police = police->next)
		err = resolve_matches(job, police->matches);
	return err;
}

static bool is_wanted(const struct resolve *how, const char *name)
{
	unsigned int i;

	for (i = 0; i < how->n_only; i++)
		if (!strcmp(how->only[i], name))
			return true;
	return !how->n_only;
}

int host_resolve(struct ctx *ctx, const struct resolve *how, struct policy *policy)
{
	struct job job = { .ctx = ctx, .how = how };
	const struct link *link;
	int err = 0;

	for (link = policy->links; link && !err; link = link->next)
		if (is_wanted(how, link->name))
			err = resolve_link(&job, link);
	return err;
}
