/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * u32_tables.h - the hash tables of u32, which are dumped among its filters. Inside of src/kernel.
 */
#ifndef WEIR_KERNEL_U32_TABLES_H
#define WEIR_KERNEL_U32_TABLES_H

#include "kernel/tree.h"

/* Whether the object is such a table, which filters are put in. */
bool u32_is_table(const struct obj *obj);
bool u32_is_in_table(const struct obj *filter, const struct obj *table);

#endif
