/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session.h - what commands that look at the kernel share: socket, lock, memory of the namespace,
 * and the way from a file to a difference.
 */
#ifndef WEIR_CMD_SESSION_H
#define WEIR_CMD_SESSION_H

#include "cmd/command.h"
#include "conf/policy.h"
#include "host/cgroup.h"
#include "host/limit_plan.h"
#include "kernel/netlink.h"
#include "kernel/op.h"
#include "kernel/probe.h"
#include "kernel/state.h"
#include "kernel/tree.h"
#include "plan/diff.h"

struct session {
	struct ctx *ctx;
	const struct args *args;
	struct netlink *nl;
	uint64_t netns_inode;
	int lock;			/* -1: not held */
	struct state *state;
	struct cgroups cgroups;
	struct policy *policy;		/* NULL: an empty one; resolved */
	struct probe probe;
	struct tree *present, *wanted;
	struct diff_scope scope;
	struct ops ops;
	struct limit_ops limits;	/* what is to be done to limits of the host; file_limits.h */
};

/* Opens the socket and reads the state; with lock also takes the namespace's lock and refuses while
 * an earlier apply waits for its confirmation. session_close() in any case. */
int session_open(struct ctx *ctx, const struct args *args, bool lock, struct session *s);
/* The same, having read the file, which may take its time (standard input), before it locks. */
int session_open_file(struct ctx *ctx, const struct args *args, bool lock, struct session *s);
void session_close(struct session *s);

/* Dumps the namespace, and the cgroups of net_cls where they matter. *tree is the caller's. */
int session_read(struct session *s, struct ctx *ctx, struct tree **tree);

/* Makes s->wanted of the policy, for these links (0: all), having found out what the kernel offers. */
int session_compile(struct session *s, struct ctx *ctx, const char *const *only, unsigned int n_only);

/* Dumps the namespace into s->present, in the place of an earlier dump. */
int session_dump(struct session *s);

/* Probe, dump, compile, diff: fills present, wanted, scope, ops and limits from the policy. */
int session_plan(struct session *s);

/* The policy that was applied to the remembered links, from their remembered texts; NULL when none
 * is remembered. The caller frees it. */
int session_applied_policy(struct session *s, struct policy **policy);

/* A link that the arguments name and that is neither an interface nor remembered is a mistake of the
 * caller's: -ENODEV, by name. Takes a dump. */
int session_check_names(struct session *s);

#endif
