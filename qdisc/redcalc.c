// SPDX-License-Identifier: GPL-2.0-or-later
#include "qdisc/redcalc.h"

#include <errno.h>

#include "qdisc/opt.h"

enum {
	WLOG_MAX = 31,
	SCELL_MAX = 23,		/* 255 << Scell_log must fit 31 bits (red_set_parms()) */
	SHIFT_MAX = 31,		/* red_check_params() refuses more */
};

static double power(double base, uint64_t exponent)
{
	double result = 1;

	for (; exponent; exponent >>= 1, base *= base)
		if (exponent & 1)
			result *= base;
	return result;
}

int red_wlog(uint64_t min_bytes, uint64_t burst_packets, uint64_t avpkt_bytes)
{
	double burst, w = 0.5;
	int wlog;

	if (!avpkt_bytes)
		return -ERANGE;
	burst = (double)burst_packets + 1 - (double)min_bytes / (double)avpkt_bytes;
	if (burst < 1)
		return -ERANGE;
	for (wlog = 1; wlog <= WLOG_MAX; wlog++, w /= 2)
		if (burst <= (1 - power(1 - w, burst_packets)) / w)
			return wlog;
	return -ERANGE;
}

uint64_t red_burst_min(uint64_t min_bytes, uint64_t avpkt_bytes)
{
	uint64_t burst = (min_bytes + avpkt_bytes - 1) / avpkt_bytes;

	return burst ? burst : 1;
}

int red_plog(uint64_t min_bytes, uint64_t max_bytes, uint64_t probability)
{
	unsigned __int128 scaled = probability;
	unsigned __int128 one = (unsigned __int128)OPT_FRACTION_ONE * (max_bytes - min_bytes);
	int plog;

	if (max_bytes <= min_bytes)
		return max_bytes == min_bytes ? 0 : -ERANGE;
	for (plog = 0; plog < 32; plog++, scaled *= 2)
		if (scaled > one)
			return plog;
	return -ERANGE;
}

/* -log2(1 - 2^-wlog), by the series of the logarithm. */
static double decay_bits(int wlog)
{
	const double ln2 = 0.69314718055994530942;
	double w = 1.0 / (double)(UINT64_C(1) << wlog), term = w, sum = 0;
	int i;

	for (i = 1; i < 80; i++, term *= w)
		sum += term / i;
	return sum / ln2;
}

int red_idle_table(int wlog, double packet_us, uint8_t table[RED_TABLE])
{
	double idle_us = packet_us * (double)(UINT64_C(1) << wlog), bits, shift;
	int cell = 0, i;

	while (cell < SCELL_MAX && (double)(UINT64_C(1) << cell) < idle_us)
		cell++;
	if (!table)
		return cell;
	bits = decay_bits(wlog) / packet_us;
	for (i = 0; i < RED_TABLE; i++) {
		shift = (double)((uint64_t)i << cell) * bits;
		table[i] = shift > SHIFT_MAX ? SHIFT_MAX : (uint8_t)shift;
	}
	return cell;
}

double red_packet_us(uint64_t avpkt_bytes, uint64_t rate_bit)
{
	return (double)avpkt_bytes * 8e6 / (double)(rate_bit ? rate_bit : 1);
}

double red_packet_us_of_cell(int wlog, int scell_log)
{
	return (double)(UINT64_C(1) << scell_log) / (double)(UINT64_C(1) << wlog);
}

uint64_t red_default_max(uint64_t min_bytes, uint64_t limit_bytes)
{
	return min_bytes ? min_bytes * 3 : limit_bytes / 4;
}

uint64_t red_default_min(uint64_t max_bytes)
{
	return max_bytes / 3;
}

uint64_t red_default_burst(uint64_t min_bytes, uint64_t max_bytes, uint64_t avpkt_bytes)
{
	uint64_t burst = avpkt_bytes ? (2 * min_bytes + max_bytes) / (3 * avpkt_bytes) : 0;

	return burst ? burst : 1;
}
