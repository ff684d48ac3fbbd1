/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apart.h - tries something out in a network namespace that is thrown away.
 */
#ifndef WEIR_KERNEL_APART_H
#define WEIR_KERNEL_APART_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/ctx.h"

enum { APART_WHY = 160 };

/*
 * Calls works() in a child process, in a network namespace of its own where lo is up. Returns what it
 * returned; when false, why holds what it wrote there, or why the child could not do it at all.
 * Nothing else comes back of what works() changes. why is written in any case.
 */
bool apart_try(bool (*works)(struct ctx *ctx, const void *arg, char why[APART_WHY]),
	       const void *arg, char why[APART_WHY]);

#endif
