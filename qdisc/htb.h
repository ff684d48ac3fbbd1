/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * htb.h - row numbers of the HTB qdisc and of its classes, for code that builds trees.
 */
#ifndef WEIR_QDISC_HTB_H
#define WEIR_QDISC_HTB_H

#include <stdint.h>

enum htb_row { HTB_DEFAULT, HTB_R2Q, HTB_DIRECT_QLEN };

/* Rows of kind_find(KIND_CLASS, "htb"). Bursts are bytes, canonical for their rate: the kernel
 * keeps the time that they take, in ticks of 64 ns. */
enum htb_class_row {
	HTB_RATE, HTB_CEIL, HTB_BURST, HTB_CBURST, HTB_PRIO, HTB_QUANTUM,
	HTB_OVERHEAD, HTB_MPU, HTB_LINKLAYER,
};

/* Values of HTB_LINKLAYER and of police's linklayer: the kernel's TC_LINKLAYER_*. */
enum { TC_LL_UNAWARE, TC_LL_ETHERNET, TC_LL_ATM };

/* The quantum, in bytes, that a class without one is made with. */
uint64_t htb_quiet_quantum(uint64_t rate_bit);

#endif
