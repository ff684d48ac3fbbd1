// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * u32: compares 32-bit words of the packet under masks (net/sched/cls_u32.c, 6.12). weir uses the
 * root table of a priority and plain keys: no hash tables, links or variable offsets.
 */
#include "qdisc/filter.h"

#include <errno.h>
#include <string.h>

#include <linux/pkt_cls.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "qdisc/kind.h"

enum { KEY_MASK, KEY_VALUE, KEY_OFF, KEY_OFFMASK };	/* in .w, as struct tc_u32_key has them */

#define KEY(n) \
	[U32_KEY + (n)] = { "match", NULL, OPT_WORDS, WIRE_NONE, 0, OPT_NO_MAN, .max = 4, \
	  .help = "mask, value, offset and offset mask of a word" }

static const struct opt rows[] = {
	[U32_CLASSID] = { "classid", NULL, OPT_CLASSID, WIRE_U32, TCA_U32_CLASSID, OPT_NO_MAN,
	  .help = "class that packets go to" },
	[U32_MARK] = { "mark", NULL, OPT_HEX, WIRE_NONE, 0, OPT_NO_MAN,
	  .help = "mask and value of the packet's mark" },
	KEY(0), KEY(1), KEY(2), KEY(3), KEY(4), KEY(5), KEY(6), KEY(7),
	KEY(8), KEY(9), KEY(10), KEY(11), KEY(12), KEY(13), KEY(14), KEY(15),
	KEY(16), KEY(17), KEY(18), KEY(19), KEY(20), KEY(21), KEY(22), KEY(23),
};

static int put_keys(struct nl_msg *msg, const struct opts *o)
{
	struct tc_u32_sel sel = { .flags = TC_U32_TERMINAL };
	uint8_t wire[sizeof(sel) + U32_KEYS * sizeof(struct tc_u32_key)];
	struct tc_u32_key key;
	unsigned int n;

	for (n = 0; n < U32_KEYS && opts_has(o, U32_KEY + n); n++) {
		const int32_t *w = o->v[U32_KEY + n].w;

		key = (struct tc_u32_key){ .mask = (uint32_t)w[KEY_MASK], .val = (uint32_t)w[KEY_VALUE],
					   .off = w[KEY_OFF], .offmask = w[KEY_OFFMASK] };
		memcpy(wire + sizeof(sel) + n * sizeof(key), &key, sizeof(key));
	}
	sel.nkeys = (uint8_t)n;
	memcpy(wire, &sel, sizeof(sel));
	return nla_put(msg, TCA_U32_SEL, (int)(sizeof(sel) + n * sizeof(key)), wire);
}

static int put_mark(struct nl_msg *msg, const struct opts *o)
{
	struct tc_u32_mark mark = { 0 };

	if (!opts_has(o, U32_MARK))
		return 0;
	mark.mask = (uint32_t)(o->v[U32_MARK].u >> 32);
	mark.val = (uint32_t)o->v[U32_MARK].u;
	return nla_put(msg, TCA_U32_MARK, sizeof(mark), &mark);
}

static int emit_u32(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
		    const struct wire *wire)
{
	struct nlattr *nest = nla_nest_start(msg, attr);

	if (!nest || opts_put_rows(msg, kind, o, wire) || put_mark(msg, o) || put_keys(msg, o))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int read_keys(const struct nlattr *attr, struct opts *o)
{
	const struct nlattr *nla = nla_find(nla_data(attr), nla_len(attr), TCA_U32_SEL);
	struct tc_u32_sel sel;
	struct tc_u32_key key;
	unsigned int i;

	if (!nla || nla_len(nla) < (int)sizeof(sel))
		return -EINVAL;
	memcpy(&sel, nla_data(nla), sizeof(sel));
	if (sel.flags != TC_U32_TERMINAL || sel.nkeys > U32_KEYS || sel.off || sel.offmask ||
	    sel.offoff || sel.offshift || sel.hoff || sel.hmask ||
	    nla_len(nla) < (int)(sizeof(sel) + sel.nkeys * sizeof(key)))
		return -EINVAL;
	for (i = 0; i < sel.nkeys; i++) {
		int32_t *w = o->v[U32_KEY + i].w;

		memcpy(&key, (const uint8_t *)nla_data(nla) + sizeof(sel) + i * sizeof(key), sizeof(key));
		w[KEY_MASK] = (int32_t)key.mask;
		w[KEY_VALUE] = (int32_t)key.val;
		w[KEY_OFF] = key.off;
		w[KEY_OFFMASK] = key.offmask;
		o->set |= UINT64_C(1) << (U32_KEY + i);
	}
	return 0;
}

static int read_mark(const struct nlattr *attr, struct opts *o)
{
	const struct nlattr *nla = nla_find(nla_data(attr), nla_len(attr), TCA_U32_MARK);
	struct tc_u32_mark mark;

	if (!nla)
		return 0;
	if (nla_len(nla) < (int)sizeof(mark))
		return -EINVAL;
	memcpy(&mark, nla_data(nla), sizeof(mark));
	opts_put(o, U32_MARK, (uint64_t)mark.mask << 32 | mark.val);
	return 0;
}

/* A table's head, which has a divisor and no keys, is no filter: -EINVAL as for what is foreign. */
static int read_u32(const struct nlattr *attr, const struct kind *kind, struct opts *o,
		    const struct wire *wire)
{
	static const uint16_t passed_over[] = {
		TCA_U32_SEL, TCA_U32_MARK, TCA_U32_HASH, TCA_U32_PCNT, TCA_U32_PAD, TCA_U32_FLAGS, 0
	};
	int err = filter_known_attrs(attr, kind, passed_over);

	if (!err)
		err = filter_plain_flags(attr, TCA_U32_FLAGS);
	if (!err)
		err = opts_read_rows(nla_data(attr), nla_len(attr), kind, o, wire);
	if (!err)
		err = read_mark(attr, o);
	return err ? err : read_keys(attr, o);
}

const struct kind filter_u32 = {
	.type = KIND_FILTER, .name = "u32", .module = "cls_u32",
	.help = "words of the packet under masks", ROWS(rows), .actions_attr = TCA_U32_ACT,
	.emit = emit_u32, .read = read_u32,
};
