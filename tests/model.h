/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model.h - a model of the kernel's traffic control: a tree on which operations are carried out one
 * by one, each refused (the test fails) where the kernel would refuse it.
 */
#ifndef WEIR_TESTS_MODEL_H
#define WEIR_TESTS_MODEL_H

#include "kernel/op.h"
#include "lib/ctx.h"
#include "plan/diff.h"

struct world {
	struct ctx ctx;
	struct tree *tree;		/* what the kernel has */
	bool made_clsact, take_over;	/* the scope of plans */
	bool bpf;			/* its kernel loads the BPF classifier */
	char *warnings;
	size_t warnings_len;
};

/* One Ethernet interface, nothing on it. */
void world_start(struct world *w, const char *link);
void world_stop(struct world *w);

/* plan_diff() from the world to wanted. */
int world_plan(struct world *w, struct tree *wanted, struct ops *ops);

/* Plans and carries out; nothing may be left then. Returns how many operations it took. */
unsigned int world_reach(struct world *w, struct tree *wanted);

/* What the policy wants in this world. */
struct tree *world_compile(struct world *w, const char *text);

/* world_reach() of world_compile(). */
unsigned int world_go(struct world *w, const char *text);

/* Only the interface is there, and nothing on it. */
bool world_is_bare(const struct world *w);

/* Takes an object out of the link; behind the program's back, as others do. */
void world_remove(struct tree_link *link, struct obj *gone);

#endif
