/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tc_view.h - what `tc -j` and `ip -j` tell of a network namespace, as text that is equal when the
 * state is: an object a line, without counters and without what the kernel numbers as it likes.
 */
#ifndef WEIR_TESTS_TC_VIEW_H
#define WEIR_TESTS_TC_VIEW_H

#include <stdbool.h>

/* All qdiscs, and the classes and filters of all interfaces of the namespace that the caller is in;
 * with `links` the interfaces too. One process of each program. The caller frees it; NULL when they
 * cannot be run. Of weir's own filters the prio is left out: only their order counts. */
char *tc_view(bool links);

/* "- line" for what is only in a, "+ line" for what is only in b. The caller frees it. */
char *tc_view_diff(const char *a, const char *b);

#endif
