// SPDX-License-Identifier: GPL-2.0-or-later
/* weir show: what is there, what passes, and whether it still is what was applied. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/file_limits.h"
#include "cmd/rules.h"
#include "lib/clock.h"
#include "view/limits.h"
#include "view/show.h"

int cmd_show(struct ctx *ctx, const struct args *args);

struct job {
	struct session s;		/* s.present is the later dump, s.policy what was applied */
	struct tree *earlier;
	struct limit_list limits, limits_earlier;	/* of the host; not where links are named */
	uint64_t interval_ns;		/* between the dumps, as it came out */
	bool known;			/* s.wanted and s.ops tell of what was applied */
};

/* ---- which links ---- */

/* Links may be named by their IFB too. */
static bool covers(void *arg, const char *link)
{
	const struct args *args = arg;
	char ifb[TREE_NAME];
	unsigned int i;

	tree_ifb_name(link, ifb);
	for (i = 0; i < args->n_links; i++)
		if (!strcmp(args->links[i], link) || !strcmp(args->links[i], ifb))
			return true;
	return !args->n_links;
}

/* ---- two dumps ---- */

static void wait_until(uint64_t ns)
{
	struct timespec t = { .tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static uint64_t wanted_interval(const struct args *args)
{
	return args->interval_ns || args->json ? args->interval_ns : NS_PER_S;
}

static bool shapes_something(const struct session *s)
{
	const struct tree_link *link;

	for (link = s->present->links; link; link = link->next)
		if (view_is_shaped(link))
			return true;
	return false;
}

/* That they cannot be read does not hinder showing links. */
static void read_limits(struct job *job)
{
	struct ctx own;

	if (job->s.args->n_links)
		return;
	ctx_init(&own);
	own.messages = job->s.ctx->messages;
	if (limits_read(&own, &job->limits)) {
		warn(job->s.ctx, "limits cannot be shown: %s", own.error ? own.error : "unknown error");
		limit_list_free(&job->limits);
	}
	ctx_fini(&own);
}

static int dump_twice(struct job *job)
{
	uint64_t interval_ns = wanted_interval(job->s.args), began_ns = clock_ns();
	int err;

	if (!interval_ns || (!shapes_something(&job->s) && !job->limits.n))
		return 0;
	job->earlier = job->s.present;
	job->s.present = NULL;
	wait_until(began_ns + interval_ns);
	job->limits_earlier = job->limits;
	job->limits = (struct limit_list){ .n = 0 };
	err = session_dump(&job->s);
	read_limits(job);
	job->interval_ns = clock_ns() - began_ns;
	return err;
}

/* ---- what was applied ---- */

/* An interface that is gone took its tree along; the others are compared all the same. */
static void forget_gone(struct session *s)
{
	struct link **at = &s->policy->links;

	while (*at) {
		if (!covers((void *)s->args, (*at)->name)) {
			*at = (*at)->next;
		} else if (!tree_link_find(s->present, (*at)->name)) {
			warn(s->ctx, "%s: was shaped, but there is no such interface any more",
			     (*at)->name);
			*at = (*at)->next;
		} else {
			at = &(*at)->next;
		}
	}
}

/* A process that has ended took its limit along, a cgroup as well. */
static void forget_gone_limits(struct session *s)
{
	struct limit **at = &s->policy->limits;
	struct limit_key key;
	struct ctx quiet;
	int level;

	while (*at) {
		ctx_init(&quiet);
		if (limit_resolve(&quiet, (*at)->subject, (*at)->name, &key, &level))
			*at = (*at)->next;
		else
			at = &(*at)->next;
		ctx_fini(&quiet);
	}
}

static int compare(struct ctx *ctx, struct session *s)
{
	int err;

	s->scope = (struct diff_scope){
		.covers = covers, .arg = (void *)s->args, .take_over = true,
	};
	err = session_compile(s, ctx, NULL, 0);
	if (!err)
		err = plan_diff(ctx, s->present, s->wanted, &s->scope, &s->ops);
	return err ? err : file_limits_plan(s, ctx);
}

/* Whatever hinders the comparison does not hinder showing what is there. */
static int compare_with_applied(struct job *job)
{
	struct session *s = &job->s;
	struct ctx quiet;
	int err = session_applied_policy(s, &s->policy);

	if (err || !s->policy)
		return err;
	forget_gone(s);
	forget_gone_limits(s);
	ctx_init(&quiet);
	/* its warnings were given when it was applied */
	quiet.messages = fopen("/dev/null", "w");
	err = quiet.messages ? compare(&quiet, s) : oom(&quiet);
	job->known = !err;
	if (err)
		warn(s->ctx, "what was applied cannot be compared: %s",
		     quiet.error ? quiet.error : strerror(-err));
	if (quiet.messages)
		fclose(quiet.messages);
	ctx_fini(&quiet);
	return 0;
}

/* ---- the command ---- */

static int print(struct job *job)
{
	const struct args *args = job->s.args;
	struct ctx *ctx = job->s.ctx;
	const struct limits_view limits = {
		.now = &job->limits, .earlier = job->interval_ns ? &job->limits_earlier : NULL,
		.interval_ns = job->interval_ns, .color = args->color,
	};
	const struct show show = {
		.limits = args->n_links ? NULL : &limits,
		.limit_drift = job->known ? &job->s.limits : NULL,
		.now = job->s.present, .earlier = job->earlier, .interval_ns = job->interval_ns,
		.wanted = job->s.wanted, .drift = job->known ? &job->s.ops : NULL,
		.covers = args->n_links ? covers : NULL, .arg = (void *)args, .color = args->color,
	};
	int shaped;

	if (args->json)
		return view_show_json(ctx, stdout, &show);
	shaped = view_show(ctx, stdout, &show);
	if (!shaped && !job->limits.n && !args->n_links)
		fputs("weir shapes nothing in this network namespace\n", stderr);
	return shaped;
}

int cmd_show(struct ctx *ctx, const struct args *args)
{
	struct job job = { 0 };
	int err = session_open(ctx, args, false, &job.s);

	if (!err)
		err = session_dump(&job.s);
	if (!err)
		err = session_check_names(&job.s);
	if (!err)
		read_limits(&job);
	if (!err && !args->rules)
		err = dump_twice(&job);
	if (!err)
		err = compare_with_applied(&job);
	if (!err)
		err = args->rules ? rules_show(&job.s, covers, (void *)args) : print(&job);
	limit_list_free(&job.limits_earlier);
	limit_list_free(&job.limits);
	tree_free(job.earlier);
	session_close(&job.s);
	return err < 0 ? err : EXIT_DONE;
}
