// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/cgroup_rules.h"

#include <errno.h>
#include <stdio.h>

bool is_cgroup_rule(const struct rule *rule)
{
	return rule->match && rule->match->set & MATCH_CGROUP;
}

static int refuse(char *why, size_t size, const char *text)
{
	snprintf(why, size, "%s", text);
	return -EOPNOTSUPP;
}

int cgroup_can(const struct probe *probe, const struct match *match, char *why, size_t size)
{
	if (match->cgroup_id)
		return refuse(why, size, "'cgroup' of cgroup v2 needs the bpf classifier");
	if (match->set != MATCH_CGROUP)
		return refuse(why, size, "'cgroup' together with other terms needs the bpf classifier");
	if (!probe_has(probe, kind_find(KIND_FILTER, "cgroup")))
		return refuse(why, size, "'cgroup' needs the bpf classifier, or cls_cgroup, which this "
			      "kernel does not have");
	return 0;
}

/* The first rule that takes this one's cgroup; they are tried in order. */
static const struct rule *taker(const struct rule *rules, unsigned int first, unsigned int i)
{
	while (first < i && !tree_path_within(rules[i].match->cgroup, rules[first].match->cgroup))
		first++;
	return &rules[first];
}

int cgroup_rules_order(const struct probe *probe, bool ingress, const struct rule *rules, unsigned int n,
		       unsigned int first, unsigned int *at, char *why, size_t size)
{
	int err;

	*at = first;
	if (ingress)
		return refuse(why, size, "'cgroup' at ingress needs the bpf classifier");
	if (!rules[first].classid)
		return refuse(why, size, "'cgroup' for 'police' needs the bpf classifier");
	for (; *at < n; ++*at) {
		if (!is_cgroup_rule(&rules[*at]))
			return refuse(why, size, "the kernel's own filters can match cgroups after all else "
				      "only: move the classes with 'match cgroup' behind this one, or use "
				      "the bpf classifier");
		err = cgroup_can(probe, rules[*at].match, why, size);
		if (err)
			return err;
	}
	return 0;
}

int cgroup_rules_check(const struct probe *probe, const struct hook *hook, const struct tree_link *link,
		       const struct rule *rules, unsigned int n, unsigned int first, unsigned int *at,
		       char *why, size_t size)
{
	int err = cgroup_rules_order(probe, link->ours || hook->parent == HANDLE_INGRESS, rules, n, first,
				     at, why, size);

	for (*at = err ? *at : first; !err && *at < n; ++*at)
		if (rules[*at].match->net_cls != taker(rules, first, *at)->classid)
			return refuse(why, size, "the cgroup's classid is that of another class; the kernel's "
				      "own filters cannot tell it apart here");
	return err;
}
