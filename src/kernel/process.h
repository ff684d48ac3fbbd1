/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * process.h - what this process may do, and what it has too little of.
 */
#ifndef WEIR_KERNEL_PROCESS_H
#define WEIR_KERNEL_PROCESS_H

#include <stdbool.h>

/* Whether it has CAP_... now; false when that cannot be told. */
bool process_may(int cap);

/* Whether -errno is about what the process or the machine has too little of just now, and says nothing of
 * what the kernel can do. */
bool process_is_short(int err);

/* Whether as many more descriptors can be had. 0, or the -errno of a shortage. */
int process_spare_fds(unsigned int n);

#endif
