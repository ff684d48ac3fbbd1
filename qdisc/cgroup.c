// SPDX-License-Identifier: GPL-2.0-or-later
/* cgroup: the class is the classid of the packet's cgroup in net_cls (net/sched/cls_cgroup.c, 6.12). */
#include "qdisc/filter.h"

#include <errno.h>
#include <linux/pkt_cls.h>
#include <netlink/attr.h>

#include "qdisc/kind.h"

/* The kernel dumps a tree of ematches, even one without any. */
static int no_ematches(const struct nlattr *attr)
{
	const struct nlattr *tree = nla_find(nla_data(attr), nla_len(attr), TCA_CGROUP_EMATCHES);
	const struct tcf_ematch_tree_hdr *hdr;

	if (!tree)
		return 0;
	tree = nla_find(nla_data(tree), nla_len(tree), TCA_EMATCH_TREE_HDR);
	if (!tree || nla_len(tree) < (int)sizeof(*hdr))
		return -EINVAL;
	hdr = nla_data(tree);
	return hdr->nmatches ? -EINVAL : 0;
}

static int read_cgroup(const struct nlattr *attr, const struct kind *kind, struct opts *o,
		       const struct wire *wire)
{
	static const uint16_t passed_over[] = { TCA_CGROUP_EMATCHES, 0 };
	int err = filter_known_attrs(attr, kind, passed_over);

	(void)o;
	(void)wire;
	return err ? err : no_ematches(attr);
}

const struct kind filter_cgroup = {
	.type = KIND_FILTER, .name = "cgroup", .module = "cls_cgroup",
	.help = "the classid of the packet's cgroup", .actions_attr = TCA_CGROUP_ACT,
	.read = read_cgroup,
};
