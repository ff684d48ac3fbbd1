/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ratespec.h - struct tc_ratespec and bursts, which HTB, TBF and police share.
 *
 * These kinds keep a burst as the time that it takes at its rate, in ticks of 64 ns
 * (PSCHED_SHIFT 6, include/net/pkt_sched.h, 6.12).
 */
#ifndef WEIR_QDISC_RATESPEC_H
#define WEIR_QDISC_RATESPEC_H

#include <stdint.h>

#include <linux/pkt_sched.h>

/* Ticks that a burst takes at a rate, rounded up, at most 2^32 - 1 (about 274 s). */
uint32_t burst_to_ticks(uint64_t burst_bytes, uint64_t rate_bit);

/* Bytes that so many ticks carry at a rate, rounded down. */
uint64_t burst_from_ticks(uint32_t ticks, uint64_t rate_bit);

/* The burst that reading the kernel back gives: burst_from_ticks(burst_to_ticks()). Idempotent. */
uint64_t burst_canon(uint64_t burst_bytes, uint64_t rate_bit);

/* Fills a ratespec; a rate of 2^32 bytes/s and over saturates the 32-bit field, and the caller adds
 * the 64-bit attribute: ratespec_needs_64(). linklayer is TC_LINKLAYER_*. */
void ratespec_fill(struct tc_ratespec *spec, uint64_t rate_bit, uint16_t overhead_bytes,
		   uint16_t mpu_bytes, uint8_t linklayer);
int ratespec_needs_64(uint64_t rate_bit);

#endif
