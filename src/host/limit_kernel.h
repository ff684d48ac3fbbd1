/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit_kernel.h - what a kernel that does not take bpf/limit.bpf.c lacks. Inside of src/host.
 */
#ifndef WEIR_HOST_LIMIT_KERNEL_H
#define WEIR_HOST_LIMIT_KERNEL_H

/* The first thing missing, as a noun ("type information for BPF (CONFIG_DEBUG_INFO_BTF)"), found out by
 * trying each; NULL: nothing of what can be tried by itself. This takes the privileges of loading. */
const char *limit_kernel_lacks(void);

#endif
