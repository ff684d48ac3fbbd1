// SPDX-License-Identifier: GPL-2.0-or-later
#include "qdisc/filter.h"

#include <errno.h>
#include <stdbool.h>

#include <linux/pkt_cls.h>
#include <netlink/attr.h>

#include "qdisc/kind.h"

static bool is_row(const struct kind *kind, int type)
{
	unsigned int r;

	for (r = 0; r < kind->n_opts; r++)
		if (kind->opts[r].wire != WIRE_NONE && kind->opts[r].attr == type)
			return true;
	return false;
}

static bool is_listed(const uint16_t *list, int type)
{
	for (; *list; list++)
		if (*list == type)
			return true;
	return false;
}

int filter_known_attrs(const struct nlattr *options, const struct kind *kind,
		       const uint16_t *passed_over)
{
	const struct nlattr *nla = nla_data(options);
	int rest = nla_len(options), type;

	for (; nla_ok(nla, rest); nla = nla_next(nla, &rest)) {
		type = nla_type(nla);
		if (kind->actions_attr && type == kind->actions_attr)
			continue;
		if (!is_row(kind, type) && !is_listed(passed_over, type))
			return -EINVAL;
	}
	return 0;
}

int filter_plain_flags(const struct nlattr *options, int attr)
{
	const struct nlattr *flags = nla_find(nla_data(options), nla_len(options), attr);

	if (!flags)
		return 0;
	if (nla_len(flags) < 4 ||
	    nla_get_u32(flags) & (TCA_CLS_FLAGS_SKIP_HW | TCA_CLS_FLAGS_SKIP_SW))
		return -EINVAL;
	return 0;
}
