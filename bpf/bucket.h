/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bucket.h - a token bucket that loses nothing to rounding and nothing between processors.
 *
 * It is kept as a virtual clock (GCRA, ITU-T I.371): one 64-bit word, `tat`, the time at which all
 * that has passed so far would have been sent at the rate. What lies between now and tat is a
 * virtual queue; an empty one is a full bucket. A packet passes when the queue, without the packet,
 * is not over the hard limit, and moves tat by what it costs; so
 *
 *	bytes passed within t <= rate * t + rate * drop + one packet
 *
 * and a packet larger than the burst passes as well: the debt is never more than one packet. A packet
 * that is dropped costs nothing. As tat is moved by compare-and-swap, no processor overwrites
 * what another one did.
 *
 * Times are in units of 2^-10 ns and wrap after 208 days; only differences count. A tat further ahead
 * than anything could have moved it is one that was left long ago: the bucket is full then. (One that was
 * left 208 days ago, less what a debt may last at its rate, is taken for one in debt.) A cost is rounded up by
 * less than two units: of 64 bytes at 100 Gbit/s, which cost 5242, by a part in 2600.
 *
 * Compiles for BPF and natively.
 */
#ifndef WEIR_BPF_BUCKET_H
#define WEIR_BPF_BUCKET_H

#include <linux/types.h>

#define BUCKET_INLINE static inline __attribute__((always_inline))

enum {
	BUCKET_FRACTION = 10,		/* bits of a unit behind the ns */
	BUCKET_TRIES = 8,		/* to move tat, before it is moved without having looked */
	BUCKET_BYTES = 1 << 20,		/* no packet costs more than so many bytes */
	BUCKET_SHIFT = 8,		/* low bits of bucket_rate.byte: the shift */
};

#define BUCKET_RATE_MIN_BIT 1000ULL
#define BUCKET_RATE_MAX_BIT 1000000000000ULL
#define BUCKET_LATE_NS 1000000000ULL	/* who asks may have read the clock so long ago */

/* What a bucket is asked with. Each word is read and written whole: a change in place needs no lock. */
struct bucket_rate {
	__u64 byte;		/* units a byte costs: (byte >> 8) / 2^(byte & 255) */
	__u64 mark;		/* units of queue above which a packet is marked (ECN) .. */
	__u64 notice;		/* .. its sender is told of congestion .. */
	__u64 drop;		/* .. and it is dropped: the burst */
};

/* What becomes of a packet; each includes those before it but DROP. */
enum bucket_verdict { BUCKET_PASS, BUCKET_MARK = 1, BUCKET_NOTICE = 2, BUCKET_DROP = 4 };

BUCKET_INLINE __u64 bucket_time(__u64 ns)
{
	return ns << BUCKET_FRACTION;
}

/* Units for so many bytes; rounded up, so that the rate is never passed. */
BUCKET_INLINE __u64 bucket_cost(__u64 byte, __u64 bytes)
{
	__u64 shift = byte & ((1 << BUCKET_SHIFT) - 1);

	if (bytes > BUCKET_BYTES)
		bytes = BUCKET_BYTES;
	return ((byte >> BUCKET_SHIFT) * bytes + (1ULL << shift) - 1) >> shift;
}

/* The virtual queue at a time, in units. ahead_max: what it can be at most. */
BUCKET_INLINE __u64 bucket_queue(__u64 tat, __u64 now, __u64 ahead_max)
{
	__u64 ahead = tat - now;

	return ahead > ahead_max ? 0 : ahead;
}

BUCKET_INLINE __u32 bucket_judge(const struct bucket_rate *rate, __u64 queue)
{
	__u32 verdict = BUCKET_PASS;

	if (queue > rate->mark)
		verdict |= BUCKET_MARK;
	if (queue > rate->notice)
		verdict |= BUCKET_NOTICE;
	return verdict;
}

/*
 * A packet that costs so much asks at the time now (bucket_time()). Returns BUCKET_DROP, or the other
 * bits of enum bucket_verdict. When others keep moving tat, the packet is charged to what they
 * left and passes: the sum stays exact, the queue may then pass its limit by a packet a processor.
 */
BUCKET_INLINE __u32 bucket_take(__u64 *tat, const struct bucket_rate *rate, __u64 now, __u64 cost)
{
	__u64 ahead_max = rate->drop + bucket_cost(rate->byte, BUCKET_BYTES) +
			  bucket_time(BUCKET_LATE_NS);
	__u64 old, queue = 0;
	int i;

	for (i = 0; i < BUCKET_TRIES; i++) {
		old = *(volatile __u64 *)tat;
		queue = bucket_queue(old, now, ahead_max);
		if (queue > rate->drop)
			return BUCKET_DROP;
		if (__sync_val_compare_and_swap(tat, old, now + queue + cost) == old)
			return bucket_judge(rate, queue);
	}
	__sync_fetch_and_add(tat, cost);
	return bucket_judge(rate, queue);
}

/* After a change: the debt that a lower rate or a larger burst left is not held against the new one. */
BUCKET_INLINE void bucket_settle(__u64 *tat, const struct bucket_rate *rate, __u64 now)
{
	__u64 old = *(volatile __u64 *)tat;

	if ((__s64)(old - now) > (__s64)rate->drop)
		__sync_val_compare_and_swap(tat, old, now + rate->drop);
}

/* Gives back what bucket_take() took for a packet that went nowhere. */
BUCKET_INLINE void bucket_refund(__u64 *tat, __u64 cost)
{
	__sync_fetch_and_add(tat, -cost);
}

/* Bytes of IP on the wire of a packet that is still to be cut (or was put together) into segments,
 * each with so many bytes of headers. */
BUCKET_INLINE __u64 bucket_wire_bytes(__u64 bytes, __u32 segments, __u32 header_bytes)
{
	return segments > 1 ? bytes + (__u64)(segments - 1) * header_bytes : bytes;
}

#ifndef __BPF__

/* bucket_rate.byte for a rate from BUCKET_RATE_MIN_BIT to BUCKET_RATE_MAX_BIT: as many bits as fit. */
static inline __u64 bucket_byte(__u64 rate_bit)
{
	unsigned __int128 units = (unsigned __int128)8000000000ULL << BUCKET_FRACTION, cost;
	unsigned int shift = 63;

	do {
		shift--;
		cost = ((units << shift) + rate_bit - 1) / rate_bit;
	} while (cost >> 40 && shift);
	return (__u64)cost << BUCKET_SHIFT | shift;
}

#endif
#endif
