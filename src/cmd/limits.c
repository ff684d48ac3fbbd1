// SPDX-License-Identifier: GPL-2.0-or-later
/* weir limits: what is limited, what passed, and whether the limits hold. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cmd/command.h"
#include "host/limit_plan.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "view/limits.h"

int cmd_limits(struct ctx *ctx, const struct args *args);

/* Whether it was interrupted by one of the signals, which are blocked. */
static bool wait_until(uint64_t ns, const sigset_t *signals)
{
	struct timespec left;
	uint64_t now;

	while ((now = clock_ns()) < ns) {
		left.tv_sec = (time_t)((ns - now) / NS_PER_S);
		left.tv_nsec = (long)((ns - now) % NS_PER_S);
		if (sigtimedwait(signals, NULL, &left) > 0)
			return true;
	}
	return false;
}

struct job {
	struct ctx *ctx;
	const struct args *args;
	struct limit_list earlier, now;
	uint64_t earlier_ns, now_ns;
	sigset_t signals;	/* that end it */
};

static int read_now(struct job *job)
{
	limit_list_free(&job->now);
	job->now_ns = clock_ns();
	return limits_read(job->ctx, &job->now);
}

static json_t *calls_json(const struct limit_list *list)
{
	return json_pack("{s:o, s:o}", "upload", json_u64(list->calls[LIMIT_EGRESS]),
			 "download", json_u64(list->calls[LIMIT_INGRESS]));
}

static int print(struct job *job)
{
	const struct limits_view view = {
		.now = &job->now, .earlier = &job->earlier, .color = job->args->color,
		.interval_ns = job->now_ns - job->earlier_ns,
	};

	if (job->args->json)
		return json_print(job->ctx, stdout, json_pack("{s:o, s:o, s:o}",
				  "limits", view_limits_json(&view), "interval_ns",
				  json_u64(view.interval_ns), "calls", calls_json(&job->now)));
	if (job->args->limit.watch && isatty(STDOUT_FILENO))
		fputs("\033[H\033[J", stdout);
	if (!job->now.n) {
		fputs("there are no limits on this host\n", stderr);
		return 0;
	}
	return view_limits(job->ctx, stdout, &view);
}

/* Waits, reads again and prints. 1: it was told to end. */
static int round_of(struct job *job)
{
	uint64_t interval_ns = job->args->interval_ns ? job->args->interval_ns : NS_PER_S;
	int err;

	/* nothing to measure, nothing to wait for */
	if (job->earlier.n || job->args->limit.watch)
		if (wait_until(job->earlier_ns + interval_ns, &job->signals))
			return 1;
	err = read_now(job);
	if (!err)
		err = print(job);
	if (!err && fflush(stdout))
		err = fail(job->ctx, EIO, "standard output could not be written");
	return err;
}

/* What was read last is what the next round compares with. */
static void step(struct job *job)
{
	limit_list_free(&job->earlier);
	job->earlier = job->now;
	job->earlier_ns = job->now_ns;
	job->now = (struct limit_list){ .n = 0 };
}

int cmd_limits(struct ctx *ctx, const struct args *args)
{
	struct job job = { .ctx = ctx, .args = args };
	sigset_t before;
	int err;

	sigemptyset(&job.signals);
	sigaddset(&job.signals, SIGINT);
	sigaddset(&job.signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &job.signals, &before);
	err = read_now(&job);
	do {
		step(&job);
		if (!err)
			err = round_of(&job);
	} while (!err && args->limit.watch);
	limit_list_free(&job.earlier);
	limit_list_free(&job.now);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return err < 0 ? err : EXIT_DONE;
}
