/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit.h - limits on a host: what is asked for, what there is, and what it did.
 *
 * A limit is on a cgroup (with those below it), a user, or a process (with those that it starts).
 * Which mechanism carries it out is a backend's affair (backend.h). Limits are the host's, not a
 * network namespace's.
 */
#ifndef WEIR_HOST_LIMIT_H
#define WEIR_HOST_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/limit.h"
#include "conf/policy.h"
#include "lib/arena.h"
#include "lib/ctx.h"

#define LIMIT_BURST_NS UINT64_C(250000000)	/* TCP lives with drops only above its 200 ms timer */

/* A kind of keys beside those of BPF: a cgroup of net_cls (v1), by its inode. It is in no map. */
enum { LIMIT_KIND_NET_CLS = LIMIT_KINDS };

enum { LIMIT_WAY_EGRESS = 1 << LIMIT_EGRESS, LIMIT_WAY_INGRESS = 1 << LIMIT_INGRESS };

/* One direction as it is wished; without `set` there is no limit in it. */
struct limit_wish_side {
	bool set;
	bool block;		/* nothing passes; rate_bit is not looked at */
	uint64_t rate_bit;	/* LIMIT_RATE_MIN_BIT to BUCKET_RATE_MAX_BIT */
	uint64_t burst_ns;	/* of the rate; 0: LIMIT_BURST_NS */
	uint32_t priority;	/* not 0: egress only, a classid that queues it instead of the bucket */
};

struct limit_wish {
	enum limit_subject subject;
	const char *name;		/* path of a cgroup, user name or uid, pid */
	const unsigned int *also;	/* LIMIT_PID: more processes under the same limit, n_also */
	unsigned int n_also;
	struct limit_wish_side side[LIMIT_WAYS];
	enum limit_only only;
	bool no_children;
};

/* What the kernel holds of one direction, and has counted since it was set, all processors. */
struct limit_report_side {
	struct limit_wish_side wish;
	const struct backend *backend;
	bool counted;			/* the backend counts */
	struct limit_count count;
};

struct limit_report {
	enum limit_subject subject;
	struct limit_key key;
	const char *name;	/* as limit_wish.name would have it */
	struct limit_report_side side[LIMIT_WAYS];
	enum limit_only only;
	bool no_children;
	uint32_t members;	/* LIMIT_PID: processes under it */
};

/* Everything in it is in its arena. */
struct limit_list {
	struct arena arena;
	struct limit_report *reports;
	size_t n, room;
	uint64_t when_ns;		/* CLOCK_MONOTONIC */
	uint64_t calls[LIMIT_WAYS];	/* of the program, for whatever packet */
	bool numeric;			/* set before it is filled: users are not looked up, which takes time */
};

void limit_list_free(struct limit_list *list);

/* Room for one more, zeroed; NULL: no memory. Valid until the next one. */
struct limit_report *limit_list_add(struct limit_list *list);

const struct limit_report *limit_list_find(const struct limit_list *list, struct limit_key key);

/* A key as text, "user:1000". */
enum { LIMIT_KEY_TEXT = 40 };
char *limit_key_text(struct limit_key key, char buf[LIMIT_KEY_TEXT]);

/* What a wish's subject is to BPF. A LIMIT_CGROUP that is not in v2, but in net_cls, gets a key of that
 * kind: it is a LIMIT_NET_CLS then. level is set for cgroups: how many are around it, -1 when the
 * hierarchy is not to be seen from its root. 0; -ENOENT, -ESRCH: there is no such; -EINVAL. */
int limit_resolve(struct ctx *ctx, enum limit_subject subject, const char *name,
		  struct limit_key *key, int *level);

/* When a process was started, in ticks since the boot, and who started it; -ESRCH. parent may be NULL. */
int limit_process(unsigned int pid, uint64_t *start_ticks, unsigned int *parent);

/* Whether this process may read and set limits by all backends. -EPERM says what that takes: asked for
 * first, it is told in one line, and not by what fails on the way. */
int limit_may(struct ctx *ctx);

/* Refuses rates out of range, a wish without a direction, and the like. */
int limit_check(struct ctx *ctx, const struct limit_wish *wish);

enum limit_verdict {
	LIMIT_UNDER_LIMIT,	/* less was asked for than is allowed */
	LIMIT_THROTTLED,	/* what was asked for was held down to the rate */
	LIMIT_NOT_WORKING,	/* more than 1.5 times the rate passed */
	LIMIT_NOT_CALLED,	/* nothing of it was ever seen by the program */
	LIMIT_BLOCKED,
	LIMIT_UNKNOWN,		/* the backend does not count */
};

const char *limit_verdict_text(enum limit_verdict verdict);

struct limit_measure {
	uint64_t rate_bit;		/* what passed between the two */
	double ratio;			/* of the rate of the limit; 0 where blocked */
	enum limit_verdict verdict;
};

/* Compares what a direction had counted at two times, interval_ns apart. before may be NULL: since
 * it was set. */
struct limit_measure limit_measure(const struct limit_report_side *before,
				   const struct limit_report_side *after, uint64_t interval_ns);

#endif
