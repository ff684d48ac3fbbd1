// SPDX-License-Identifier: GPL-2.0-or-later
/* What a test leaves to be freed at its end, so that a leak that a sanitizer sees is one of weir's. */
#include "kt.h"

#include "conf/policy.h"

static struct arena memory;
static struct kept {
	struct kept *next;
	struct tree *tree;
	struct policy *policy;
	struct arena arena;
} *all_kept;

static struct kept *keep(void)
{
	struct kept *k = arena_alloc(&memory, sizeof(*k));

	MUST(k);
	k->next = all_kept;
	all_kept = k;
	return k;
}

struct tree *kt_keep(struct tree *tree)
{
	MUST(tree);
	keep()->tree = tree;
	return tree;
}

struct policy *kt_keep_policy(struct policy *policy)
{
	keep()->policy = policy;
	return policy;
}

void kt_keep_ops(struct ops *ops)
{
	keep()->arena = ops->arena;
}

void kt_free_kept(void)
{
	for (; all_kept; all_kept = all_kept->next) {
		tree_free(all_kept->tree);
		policy_free(all_kept->policy);
		arena_free(&all_kept->arena);
	}
	arena_free(&memory);
}
