// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/u32_tables.h"

#include <string.h>

#include <linux/pkt_cls.h>

bool u32_is_table(const struct obj *obj)
{
	return obj->type == OBJ_FILTER && !TC_U32_KEY(obj->handle) && TC_U32_HTID(obj->handle) &&
	       !strcmp(obj->kind_name, "u32");
}

bool u32_is_in_table(const struct obj *filter, const struct obj *table)
{
	return filter != table && filter->parent == table->parent &&
	       TC_U32_HTID(filter->handle) == TC_U32_HTID(table->handle) &&
	       !strcmp(filter->kind_name, "u32");
}
