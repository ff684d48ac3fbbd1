// SPDX-License-Identifier: GPL-2.0-or-later
/* Rows and kinds on the wire: netlink attributes composed and decoded with libnl. */
#include "qdisc/kind.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "lib/units.h"

#define BIT(i) (UINT64_C(1) << (i))

static uint64_t time_unit(const struct opt *row)
{
	return row->unit_ns ? row->unit_ns : 1000;
}

uint32_t opt_prob_to_wire(uint64_t share)
{
	return (uint32_t)((share * UINT32_MAX + UNITS_SHARE_ONE / 2) / UNITS_SHARE_ONE);
}

uint64_t opt_prob_from_wire(uint32_t prob)
{
	return (prob * UNITS_SHARE_ONE + UINT32_MAX / 2) / UINT32_MAX;
}

uint32_t opt_fraction_to_wire(uint64_t fraction)
{
	uint64_t n = ((fraction << 32) + OPT_FRACTION_ONE / 2) / OPT_FRACTION_ONE;

	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

uint64_t opt_fraction_from_wire(uint32_t n)
{
	return (n * OPT_FRACTION_ONE + (UINT64_C(1) << 31)) >> 32;
}

static uint64_t count_names(const struct opt *row)
{
	uint64_t n = 0;

	while (row->names[n])
		n++;
	return n;
}

/* Value -> the number on the wire. */
static int to_wire(const struct opt *row, const union optval *v, const struct wire *wire,
		   uint64_t *out)
{
	switch (row->type) {
	case OPT_RATE:
		*out = v->u / 8;
		return 0;
	case OPT_TIME:
	case OPT_CODEL_TIME:
	case OPT_TICK_TIME:
	case OPT_JIFFY_TIME:
		*out = v->u / time_unit(row);
		return 0;
	case OPT_PROB:
		*out = opt_prob_to_wire(v->u);
		return 0;
	case OPT_FRACTION:
		*out = opt_fraction_to_wire(v->u);
		return 0;
	case OPT_DEV:
		*out = (uint64_t)wire->index_of(wire->arg, v->name);
		return *out ? 0 : -ENODEV;
	default:
		*out = v->u;
		return 0;
	}
}

/* -ENOENT: nothing that weir has a value for. */
static int from_wire(const struct opt *row, uint64_t in, const struct wire *wire, union optval *v)
{
	const char *name;

	switch (row->type) {
	case OPT_RATE:
		v->u = in > UINT64_MAX / 8 ? UINT64_MAX & ~UINT64_C(7) : in * 8;
		return 0;
	case OPT_TIME:
	case OPT_JIFFY_TIME:
		v->u = in * time_unit(row);
		return 0;
	case OPT_TICK_TIME:
		/* the kernel tells one less than it was told, but for multiples of 8 */
		v->u = (in % 8 ? in + 1 : in) * 1000;
		return 0;
	case OPT_CODEL_TIME:
		/* the kernel tells floor(kept * 1.024) us: find `kept`, then the canonical value */
		v->u = ((in * 1000 + 1023) / 1024 * 1024 + 999) / 1000 * 1000;
		return 0;
	case OPT_PROB:
		v->u = opt_prob_from_wire((uint32_t)in);
		return 0;
	case OPT_FRACTION:
		v->u = opt_fraction_from_wire((uint32_t)in);
		return 0;
	case OPT_DEV:
		name = wire->name_of(wire->arg, (int)in);
		strncpy(v->name, name ? name : "?", sizeof(v->name) - 1);
		return 0;
	case OPT_ENUM:
		v->u = in;
		return in < count_names(row) ? 0 : -ENOENT;
	case OPT_FLAG:
		v->u = in != 0;
		return 0;
	case OPT_INT:
		v->u = row->wire == WIRE_U32 ? (uint64_t)(int64_t)(int32_t)in : in;
		return 0;
	default:
		v->u = in;
		return 0;
	}
}

static size_t blob_size(const struct opt *row)
{
	switch (row->type) {
	case OPT_IP4:	return 4;
	case OPT_IP6:	return 16;
	case OPT_MAC:	return 6;
	case OPT_BYTES:	return row->max;
	case OPT_WORDS:	return row->max * sizeof(int32_t);
	default:	return sizeof(uint64_t);
	}
}

static int put_row(struct nl_msg *msg, const struct opt *row, const union optval *v,
		   const struct wire *wire)
{
	uint64_t n;
	int err;

	if (row->wire == WIRE_BLOB)
		return nla_put(msg, row->attr, (int)blob_size(row), v->b) ? -EMSGSIZE : 0;
	err = to_wire(row, v, wire, &n);
	if (err)
		return err;
	switch (row->wire) {
	case WIRE_U8:	err = nla_put_u8(msg, row->attr, (uint8_t)n); break;
	case WIRE_U16:	err = nla_put_u16(msg, row->attr, (uint16_t)n); break;
	case WIRE_U32:	err = nla_put_u32(msg, row->attr, (uint32_t)n); break;
	case WIRE_U64:	err = nla_put_u64(msg, row->attr, n); break;
	case WIRE_BE16:	err = nla_put_u16(msg, row->attr, htons((uint16_t)n)); break;
	case WIRE_BE32:	err = nla_put_u32(msg, row->attr, htonl((uint32_t)n)); break;
	case WIRE_FLAG:	err = n ? nla_put_flag(msg, row->attr) : 0; break;
	default:	return 0;
	}
	return err ? -EMSGSIZE : 0;
}

int opts_put_rows(struct nl_msg *msg, const struct kind *kind, const struct opts *o,
		  const struct wire *wire)
{
	unsigned int r;
	int err;

	for (r = 0; r < kind->n_opts; r++) {
		const struct opt *row = &kind->opts[r];

		if (row->wire == WIRE_NONE || !opts_has(o, r))
			continue;
		if (wire->change && row->flags & OPT_INIT)
			continue;
		err = put_row(msg, row, &o->v[r], wire);
		if (err)
			return err;
	}
	return 0;
}

static int read_row(const struct nlattr *nla, const struct opt *row, const struct wire *wire,
		    union optval *v)
{
	static const int need[] = {
		[WIRE_U8] = 1, [WIRE_U16] = 2, [WIRE_U32] = 4, [WIRE_U64] = 8,
		[WIRE_BE16] = 2, [WIRE_BE32] = 4,
	};
	uint64_t n = 0;

	if (row->wire == WIRE_BLOB) {
		if (nla_len(nla) < (int)blob_size(row))
			return -EINVAL;
		memcpy(v->b, nla_data(nla), blob_size(row));
		return 0;
	}
	if (row->wire != WIRE_FLAG && nla_len(nla) < need[row->wire])
		return -EINVAL;
	switch (row->wire) {
	case WIRE_U8:	n = nla_get_u8(nla); break;
	case WIRE_U16:	n = nla_get_u16(nla); break;
	case WIRE_U32:	n = nla_get_u32(nla); break;
	case WIRE_U64:	n = nla_get_u64(nla); break;
	case WIRE_BE16:	n = ntohs(nla_get_u16(nla)); break;
	case WIRE_BE32:	n = ntohl(nla_get_u32(nla)); break;
	case WIRE_FLAG:	n = 1; break;
	default:	return -EINVAL;
	}
	return from_wire(row, n, wire, v);
}

int opts_read_rows(const void *payload, int len, const struct kind *kind, struct opts *o,
		   const struct wire *wire)
{
	const struct nlattr *nla;
	unsigned int r;
	int rest, err;

	for (nla = payload, rest = len; nla_ok(nla, rest); nla = nla_next(nla, &rest)) {
		for (r = 0; r < kind->n_opts; r++)
			if (kind->opts[r].wire != WIRE_NONE && kind->opts[r].attr == nla_type(nla))
				break;
		if (r == kind->n_opts)
			continue;
		err = read_row(nla, &kind->opts[r], wire, &o->v[r]);
		if (err == -ENOENT)
			continue;
		if (err)
			return err;
		o->set |= BIT(r);
	}
	return 0;
}

int kind_emit(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
	      const struct wire *wire)
{
	struct nlattr *nest;
	int err;

	if (kind->emit)
		return kind->emit(msg, attr, kind, o, wire);
	nest = nla_nest_start(msg, attr);
	if (!nest)
		return -EMSGSIZE;
	err = opts_put_rows(msg, kind, o, wire);
	if (err)
		return err;
	nla_nest_end_keep_empty(msg, nest);
	return 0;
}

int kind_read(const struct nlattr *attr, const struct kind *kind, struct opts *o,
	      const struct wire *wire)
{
	int err;

	if (kind->read)
		err = kind->read(attr, kind, o, wire);
	else
		err = opts_read_rows(nla_data(attr), nla_len(attr), kind, o, wire);
	if (!err && kind->canon)
		kind->canon(o);
	return err;
}
