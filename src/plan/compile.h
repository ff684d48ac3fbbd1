/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compile.h - policy -> wanted kernel state. Pure: looks at the present tree only for what the
 * interfaces are (MTU, header), and at the probe for what the kernel can do.
 */
#ifndef WEIR_PLAN_COMPILE_H
#define WEIR_PLAN_COMPILE_H

#include "conf/policy.h"
#include "kernel/probe.h"
#include "kernel/tree.h"

/*
 * Makes the tree that the policy asks for: for each of its links the egress tree, the IFB with the
 * ingress tree, clsact with the redirect and the police rules. only[] (n_only names, 0: all)
 * restricts it to those links, each of which the policy must have.
 *
 * -ENODEV: an interface is not there; -EOPNOTSUPP: a match that this kernel cannot carry. *wanted
 * is the caller's.
 */
int plan_compile(struct ctx *ctx, const struct policy *policy, const struct tree *present,
		 const struct probe *probe, const char *const *only, unsigned int n_only,
		 struct tree **wanted);

/* Whether only[] holds the name; n_only 0: it holds every one. */
bool plan_is_named(const char *name, const char *const *only, unsigned int n_only);

#endif
