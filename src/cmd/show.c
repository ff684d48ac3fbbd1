// SPDX-License-Identifier: GPL-2.0-or-later
/* weir show: what is there, what passes, and whether it still is what was applied. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/session.h"
#include "plan/compile.h"
#include "view/show.h"

int cmd_show(struct ctx *ctx, const struct args *args);

#define NS_PER_S UINT64_C(1000000000)

struct job {
	struct session s;		/* s.present is the later dump, s.policy what was applied */
	struct tree *earlier;
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

static int check_names(struct session *s)
{
	unsigned int i;

	for (i = 0; i < s->args->n_links; i++)
		if (!tree_link_find(s->present, s->args->links[i]) &&
		    !state_policy(s->state, s->args->links[i]))
			return fail(s->ctx, ENODEV, "%s: no such interface", s->args->links[i]);
	return 0;
}

/* ---- two dumps ---- */

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

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

static int dump_twice(struct job *job)
{
	uint64_t interval_ns = wanted_interval(job->s.args), began_ns = clock_ns();
	int err;

	if (!interval_ns || !shapes_something(&job->s))
		return 0;
	job->earlier = job->s.present;
	job->s.present = NULL;
	wait_until(began_ns + interval_ns);
	err = session_dump(&job->s);
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

static int compare(struct ctx *ctx, struct session *s)
{
	int err = kernel_probe(ctx, &s->probe);

	s->scope = (struct diff_scope){
		.covers = covers, .arg = (void *)s->args, .take_over = true,
	};
	if (!err)
		err = plan_compile(ctx, s->policy, s->present, &s->probe, NULL, 0, &s->wanted);
	return err ? err : plan_diff(ctx, s->present, s->wanted, &s->scope, &s->ops);
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
	const struct show show = {
		.now = job->s.present, .earlier = job->earlier, .interval_ns = job->interval_ns,
		.wanted = job->s.wanted, .drift = job->known ? &job->s.ops : NULL,
		.covers = args->n_links ? covers : NULL, .arg = (void *)args, .color = args->color,
	};
	int shaped;

	if (args->json)
		return view_show_json(ctx, stdout, &show);
	shaped = view_show(ctx, stdout, &show);
	if (!shaped && !args->n_links)
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
		err = check_names(&job.s);
	if (!err)
		err = dump_twice(&job);
	if (!err)
		err = compare_with_applied(&job);
	if (!err)
		err = print(&job);
	tree_free(job.earlier);
	session_close(&job.s);
	return err < 0 ? err : EXIT_DONE;
}
