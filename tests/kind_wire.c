// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/kind_wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

static int index_of(void *arg, const char *dev)
{
	(void)arg;
	return !strcmp(dev, "ifb-wan0") ? 7 : 0;
}

static const char *name_of(void *arg, int ifindex)
{
	(void)arg;
	return ifindex == 7 ? "ifb-wan0" : NULL;
}

const struct wire wire_test = { .index_of = index_of, .name_of = name_of };

struct nl_msg *wire_emit(const struct kind *kind, const struct opts *o, const struct nlattr **attr)
{
	struct nl_msg *msg = nlmsg_alloc_simple(44, 0);

	assert_non_null(msg);
	assert_int_equal(kind_emit(msg, WIRE_ATTR, kind, o, &wire_test), 0);
	*attr = nlmsg_find_attr(nlmsg_hdr(msg), 0, WIRE_ATTR);
	assert_non_null(*attr);
	return msg;
}

const struct nlattr *wire_inner(const struct nlattr *attr, int type)
{
	return nla_find(nla_data(attr), nla_len(attr), type);
}

void wire_round_trip(struct arena *a, const struct kind *kind, const struct opts *o)
{
	struct opts *back = opts_new(a, kind);
	const struct nlattr *attr;
	struct nl_msg *msg = wire_emit(kind, o, &attr);

	assert_int_equal(kind_read(attr, kind, back, &wire_test), 0);
	assert_true(opts_hold(kind, o, back));
	if (kind->type == KIND_FILTER)
		assert_true(opts_hold(kind, back, o));
	nlmsg_free(msg);
}

void wire_extra_refused(struct arena *a, const struct kind *kind, const struct opts *o,
				 int type, uint32_t value)
{
	const struct nlattr *attr, *nla;
	struct nl_msg *msg = wire_emit(kind, o, &attr), *more = nlmsg_alloc_simple(44, 0);
	struct nlattr *nest = nla_nest_start(more, WIRE_ATTR);
	int rest;

	nla_for_each_nested(nla, (struct nlattr *)attr, rest)
		assert_int_equal(nla_put(more, nla_type(nla), nla_len(nla), nla_data(nla)), 0);
	assert_int_equal(nla_put_u32(more, type, value), 0);
	nla_nest_end(more, nest);
	assert_int_equal(kind_read(nlmsg_find_attr(nlmsg_hdr(more), 0, WIRE_ATTR), kind,
				   opts_new(a, kind), &wire_test), -EINVAL);
	nlmsg_free(more);
	nlmsg_free(msg);
}

void wire_truncated(struct arena *a, const struct kind *kind, const struct opts *o)
{
	const struct nlattr *attr;
	struct nl_msg *msg = wire_emit(kind, o, &attr);
	struct nlattr *part;
	int cut;

	for (cut = 0; cut < nla_len(attr); cut++) {
		part = malloc((size_t)(NLA_HDRLEN + cut));
		assert_non_null(part);
		memcpy(part, attr, (size_t)(NLA_HDRLEN + cut));
		part->nla_len = (uint16_t)(NLA_HDRLEN + cut);
		kind_read(part, kind, opts_new(a, kind), &wire_test);
		free(part);
	}
	nlmsg_free(msg);
}

uint32_t wire_any32(void)
{
	return (uint32_t)rand() << 16 ^ (uint32_t)rand();
}
