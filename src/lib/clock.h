/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock.h - the time that only goes forward.
 */
#ifndef WEIR_LIB_CLOCK_H
#define WEIR_LIB_CLOCK_H

#include <stdint.h>

#define NS_PER_S UINT64_C(1000000000)

/* CLOCK_MONOTONIC, which BPF programs read with bpf_ktime_get_ns(). */
uint64_t clock_ns(void);

#endif
