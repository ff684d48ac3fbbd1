/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit_plan.h - what has to be done to the limits of the host for them to be as a file says.
 *
 * There are limits that a file made and limits that were set by hand. A file is the whole wish for the
 * former only: those that it no longer names are removed. One that it does name it takes over as it
 * is there.
 */
#ifndef WEIR_HOST_LIMIT_PLAN_H
#define WEIR_HOST_LIMIT_PLAN_H

#include "host/backend.h"

/* A limit with what carries each of its directions out: NULL where it has none. */
struct limit_setting {
	struct limit_wish wish;
	const struct backend *backend[LIMIT_WAYS];
};

enum limit_verb { LIMIT_ADD, LIMIT_CHANGE, LIMIT_REMOVE };

struct limit_op {
	struct limit_op *next;
	enum limit_verb verb;
	struct limit_key key;
	const struct limit *limit;		/* of the policy, or NULL */
	struct limit_setting before, after;	/* either may have no direction */
};

/* Operations, and the limits that were there when they were made; these own the names in both. */
struct limit_ops {
	struct arena arena;
	struct limit_list present;
	struct limit_op *first, *last;
	unsigned int count;
};

void limit_ops_free(struct limit_ops *ops);

/* Every limit that a backend has: cgroups and users by name, processes by age. 0 or what a backend recorded; limit_list_free() in any case. */
int limits_read(struct ctx *ctx, struct limit_list *list);

/* What is there, as it would have been wished. NULL: nothing. */
struct limit_setting limit_setting_there(const struct limit_report *report);

/* What backend_choose() has answered: it asks the kernel, which takes its time. The links as they will
 * be (NULL: as they are) and how many limits ask together, which the answers hold for, are given. */
struct limit_choices {
	const struct tree *links;
	size_t n_limits;
	struct limit_choice {
		const char *name;	/* NULL: the best */
		enum limit_subject subject;
		bool block, part;	/* of what the wish asks: backend.suits */
		int way;
		const struct backend *backend;
	} choice[32];
	unsigned int n;
};

/* Fills in the backend of each direction of setting->wish: the best, or the one named. Says what is
 * missing as backend_choose() does; a name that nobody has is -EINVAL, with a near one. choices begins
 * without any, and lives as long as the names. */
int limit_choose(struct ctx *ctx, struct limit_choices *choices, const char *name,
		 struct limit_setting *setting);

/* Refuses a name that no backend has; NULL is none. */
int limit_check_backend(struct ctx *ctx, const char *name);

/* What can be told of a limit of a file without looking at the machine. Faults name its place. */
int limit_check_file(struct ctx *ctx, const struct limit *limit);

/* A limit of a file: wish, key and backends. Faults name its place in the file. */
int limit_from_file(struct ctx *ctx, const struct limit *limit, struct limit_choices *choices,
		    struct limit_key *key, struct limit_setting *setting);

bool limit_settings_equal(const struct limit_setting *a, const struct limit_setting *b);

/*
 * What leads from ops->present, which is read here, to the limits of a file (NULL: none). owned()
 * says whether a limit that the file does not name is one that a file made; links are as the file wants
 * them, so that what carries a limit out does not depend on what is there yet.
 * -EEXIST: two limits of the file are about the same. limit_ops_free() in any case.
 */
int limits_diff(struct ctx *ctx, const struct limit *wanted, const struct tree *links,
		bool (*owned)(void *arg, struct limit_key key), void *arg, struct limit_ops *ops);

/* Carries one out. When it fails, all is as it was before. */
int limit_carry_out(struct ctx *ctx, const struct limit_op *op);

/* Takes one back that was carried out. What has ended meanwhile is no fault. */
int limit_undo(struct ctx *ctx, const struct limit_op *op);

/* Carries all of them out, in order. After an error some may be; limit_undo() of each puts it back. */
int limits_carry_out(struct ctx *ctx, const struct limit_ops *ops);

/* Looks again whether all of them did what they should. A process may have ended since. */
int limits_verify(struct ctx *ctx, const struct limit_ops *ops);

#endif
