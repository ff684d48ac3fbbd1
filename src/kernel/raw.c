// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/raw.h"

#include <errno.h>
#include <string.h>

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "kernel/raw_filter.h"

bool raw_is_used(const struct tree_link *link, const struct obj *obj)
{
	if (!obj->raw)
		return false;
	return !obj->opts || obj->opaque ||
	       (obj->type == OBJ_FILTER && raw_filter_in_table(link, obj));
}

uint32_t raw_new_handle(const struct tree_link *link, const struct obj *obj)
{
	return obj->type == OBJ_FILTER ? raw_filter_handle(link, obj) : obj->handle;
}

/* ---- size tables ---- */

enum { ATM_CELL = 53, ATM_PAYLOAD = 48 };

/* What a packet of this size counts as, overhead aside. */
static uint32_t stab_size(const struct tc_sizespec *spec, uint32_t bytes)
{
	if (bytes < spec->mpu)
		bytes = spec->mpu;
	if (spec->linklayer == TC_LINKLAYER_ATM)
		bytes = (bytes + ATM_PAYLOAD - 1) / ATM_PAYLOAD * ATM_CELL;
	return bytes;
}

/* The kernel keeps the table but dumps only what it was made from (qdisc_dump_stab(),
 * net/sched/sch_api.c, 6.12). Entry i stands for sizes up to (i + 1) << cell_log. */
static int put_stab(struct nl_msg *msg, const struct nlattr *dumped)
{
	const struct nlattr *base = nla_find(nla_data(dumped), nla_len(dumped), TCA_STAB_BASE);
	struct nlattr *nest = nla_nest_start(msg, TCA_STAB), *data;
	struct tc_sizespec spec;
	uint16_t *table;
	uint32_t i;

	if (!nest || !base || nla_len(base) < (int)sizeof(spec))
		return -EMSGSIZE;
	memcpy(&spec, nla_data(base), sizeof(spec));
	if (nla_put(msg, TCA_STAB_BASE, sizeof(spec), &spec))
		return -EMSGSIZE;
	if (spec.tsize) {
		data = nla_reserve(msg, TCA_STAB_DATA, (int)(spec.tsize * sizeof(*table)));
		if (!data)
			return -EMSGSIZE;
		table = nla_data(data);
		for (i = 0; i < spec.tsize; i++)
			table[i] = (uint16_t)(stab_size(&spec, (i + 1) << spec.cell_log) >>
					      spec.size_log);
	}
	nla_nest_end(msg, nest);
	return 0;
}

/* Options that weir understands are made anew: what a dump leaves out of them is then there again
 * (the tables of red, the version of htb). */
static int put_options(struct nl_msg *msg, const struct tree_link *link, const struct obj *obj,
		       const struct nlattr *dumped)
{
	const struct wire wire = { .change = false };

	if (obj->type == OBJ_FILTER)
		return raw_filter_options(msg, link, obj, dumped);
	if (obj->opts)
		return kind_emit(msg, TCA_OPTIONS, obj->kind, obj->opts, &wire);
	return nla_put(msg, dumped->nla_type, nla_len(dumped), nla_data(dumped)) ? -EMSGSIZE : 0;
}

int raw_put(struct nl_msg *msg, const struct tree_link *link, const struct obj *obj)
{
	const struct nlattr *nla;
	int rest, err = 0;

	nla_for_each_attr(nla, (struct nlattr *)obj->raw, (int)obj->raw_len, rest) {
		if (nla_type(nla) == TCA_STAB)
			err = put_stab(msg, nla);
		else if (nla_type(nla) == TCA_OPTIONS)
			err = put_options(msg, link, obj, nla);
		else if (nla_put(msg, nla->nla_type, nla_len(nla), nla_data(nla)))
			err = -EMSGSIZE;
		if (err)
			return err;
	}
	return 0;
}
