/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tc.h - a wanted tree as the tc(8) and ip(8) commands that would make it on a fresh link.
 */
#ifndef WEIR_VIEW_TC_H
#define WEIR_VIEW_TC_H

#include <stdio.h>

#include "kernel/tree.h"

void view_tc(FILE *f, const struct tree *wanted);

#endif
