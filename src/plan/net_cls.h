/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net_cls.h - matches of cgroups on cgroup v1: which classid each of them gets. Pure.
 *
 * net_cls has one classid a cgroup, for the whole host. The BPF classifier can do with any, as long as
 * no two cgroups share one. The kernel's own filter (cls_cgroup) takes the classid itself for the
 * class: where it is used, a cgroup's classid is that of its class. A classid that is weir's already
 * stays where it can, so that links that are not at hand go on to work.
 */
#ifndef WEIR_PLAN_NET_CLS_H
#define WEIR_PLAN_NET_CLS_H

#include "conf/policy.h"
#include "kernel/tree.h"

/* The cgroups that a policy's matches need, in the policy's arena. */
struct net_cls;

/* Whether the policy has such matches: cgroups without an id of v2. */
bool net_cls_needed(const struct policy *policy);

/*
 * Sets net_cls and net_cls_inner of the policy's matches. present: with its cgroups. bpf: whether
 * links with `classifier auto` get the BPF classifier. -EOPNOTSUPP: what is asked for would take two
 * classids for one cgroup, by name. *net_cls is NULL where no match needs it.
 */
int net_cls_assign(struct ctx *ctx, struct policy *policy, const struct tree *present, bool bpf,
		   const struct net_cls **net_cls);

/* Adds the cgroups of the present tree that these links (n_only of them, 0: all) match to the wanted
 * one: those that matches name and those in them. net_cls: NULL for none. 0 or -ENOMEM. */
int net_cls_want(struct ctx *ctx, const struct net_cls *net_cls, const char *const *only,
		 unsigned int n_only, const struct tree *present, struct tree *wanted);

#endif
