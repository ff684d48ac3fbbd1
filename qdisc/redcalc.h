/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * redcalc.h - what RED's parameters become in the kernel, for red and for sfq's red mode.
 *
 * Formulas: Floyd and Jacobson, "Random Early Detection Gateways for Congestion Avoidance" (1993), as
 * include/net/red.h (6.12) states and uses them.
 */
#ifndef WEIR_QDISC_REDCALC_H
#define WEIR_QDISC_REDCALC_H

#include <stdint.h>

enum { RED_TABLE = 256 };

/* The filter constant W = 2^-Wlog that lets bursts of so many packets of this size pass: the smallest
 * Wlog with burst + 1 - min/avpkt <= (1 - (1-W)^burst) / W. -ERANGE when the burst is too small. */
int red_wlog(uint64_t min_bytes, uint64_t burst_packets, uint64_t avpkt_bytes);

/* The smallest burst that red_wlog() takes. */
uint64_t red_burst_min(uint64_t min_bytes, uint64_t avpkt_bytes);

/* Plog with probability / (max - min) = 2^-Plog, rounded down. probability: OPT_FRACTION_ONE is 1.
 * -ERANGE when it would be 32 or more. */
int red_plog(uint64_t min_bytes, uint64_t max_bytes, uint64_t probability);

/*
 * Scell_log, and the table of how the average decays in idle time (NULL: not wanted):
 * table[t >> Scell_log] = -log2((1-W)^(t / s)), t in us, s = packet_us. The kernel halves by these
 * shifts and, where the shift is 0, takes 1 - t / 2^Scell_log for (1-W)^(t / s)
 * (red_calc_qavg_from_idle_time()): so 2^Scell_log is s / W, rounded up to a power of 2.
 */
int red_idle_table(int wlog, double packet_us, uint8_t table[RED_TABLE]);

/* The time that a packet takes: of avpkt bytes at the rate, or as a Scell_log tells it. */
double red_packet_us(uint64_t avpkt_bytes, uint64_t rate_bit);
double red_packet_us_of_cell(int wlog, int scell_log);

/* Defaults of Floyd, "RED: Discussions of Setting Parameters" (1997): max = 3 min, or a quarter of the
 * limit; a burst of (2 min + max) / (3 avpkt) packets. */
uint64_t red_default_max(uint64_t min_bytes, uint64_t limit_bytes);
uint64_t red_default_min(uint64_t max_bytes);
uint64_t red_default_burst(uint64_t min_bytes, uint64_t max_bytes, uint64_t avpkt_bytes);

#endif
