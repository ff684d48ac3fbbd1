/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tc_filter.h - the part of tc.h that is about filters. Inside of src/view.
 */
#ifndef WEIR_VIEW_TC_FILTER_H
#define WEIR_VIEW_TC_FILTER_H

#include <stdio.h>

#include "kernel/tree.h"

/* A command a filter that hangs on this parent, in the order of their prios. */
void tc_filters(FILE *f, const struct tree_link *link, uint32_t parent);

/* A comment in the place of an object that weir has not made and knows only as the kernel has it. */
void tc_unknown(FILE *f, const char *type, const struct obj *obj, const struct tree_link *link);

/* A word of a shell command, in quotes where the shell would not take it as it is. */
void tc_word(FILE *f, const char *word);

#endif
