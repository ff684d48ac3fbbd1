// SPDX-License-Identifier: GPL-2.0-or-later
#include "qdisc/ratespec.h"

#include <string.h>

#define TICK_NS 64
#define NS_PER_S 1000000000ull

uint32_t burst_to_ticks(uint64_t burst_bytes, uint64_t rate_bit)
{
	unsigned __int128 ticks, per = (unsigned __int128)rate_bit * TICK_NS;

	if (!rate_bit)
		return UINT32_MAX;
	ticks = ((unsigned __int128)burst_bytes * 8 * NS_PER_S + per - 1) / per;
	return ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks;
}

uint64_t burst_from_ticks(uint32_t ticks, uint64_t rate_bit)
{
	return (uint64_t)((unsigned __int128)ticks * TICK_NS * rate_bit / (8 * NS_PER_S));
}

uint64_t burst_canon(uint64_t burst_bytes, uint64_t rate_bit)
{
	return burst_from_ticks(burst_to_ticks(burst_bytes, rate_bit), rate_bit);
}

void ratespec_fill(struct tc_ratespec *spec, uint64_t rate_bit, uint16_t overhead_bytes,
		   uint16_t mpu_bytes, uint8_t linklayer)
{
	uint64_t rate_bytes = rate_bit / 8;

	memset(spec, 0, sizeof(*spec));
	spec->rate = rate_bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)rate_bytes;
	spec->overhead = overhead_bytes;
	spec->mpu = mpu_bytes;
	spec->linklayer = linklayer;
}

int ratespec_needs_64(uint64_t rate_bit)
{
	return rate_bit / 8 > UINT32_MAX;
}
