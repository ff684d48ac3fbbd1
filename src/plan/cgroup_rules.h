/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup_rules.h - the kernel classifier's rules for cgroups of net_cls.
 *
 * cls_cgroup is one filter for all cgroups: every packet whose cgroup has a classid goes where that
 * says, and a classid that is no class of the tree ends in the default. So it says what the
 * rules say only where it comes last, and where each cgroup's classid is its class.
 *
 * It goes by the process that sends, and where there is none (a retransmission, a timer) by
 * the socket (task_get_classid(), include/net/cls_cgroup.h, 6.1, 6.12).
 */
#ifndef WEIR_PLAN_CGROUP_RULES_H
#define WEIR_PLAN_CGROUP_RULES_H

#include "plan/classifier.h"

bool is_cgroup_rule(const struct rule *rule);

/* As struct classifier's can(), for a match with MATCH_CGROUP. */
int cgroup_can(const struct probe *probe, const struct match *match, char *why, size_t size);

/* Whether one filter at the end can carry rules[first] and all that follow, of which the first is one
 * about a cgroup. 0, or -EOPNOTSUPP with the reason in why and the rule that it is about in *at. */
int cgroup_rules_check(const struct probe *probe, const struct hook *hook, const struct tree_link *link,
		       const struct rule *rules, unsigned int n, unsigned int first, unsigned int *at,
		       char *why, size_t size);

/* The same as far as the rules alone say it: whatever classids the cgroups have. */
int cgroup_rules_order(const struct probe *probe, bool ingress, const struct rule *rules, unsigned int n,
		       unsigned int first, unsigned int *at, char *why, size_t size);

#endif
