/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pace.h - how fast each TCP sender under a limit is to send, so that its bucket hardly ever drops.
 *
 * All senders under a limit have the same rate, the share; a sender that wants less leaves the rest to
 * the others. Nobody counts senders: the bucket tells all. Over an interval dt in which its virtual
 * queue (bucket.h) went from q0 to q and packets passed that take `passed` at the rate,
 *
 *	idle = dt - passed + q - q0
 *
 * is for how long the queue was empty. Where it was, the share is too low, by the part that was idle;
 * where it was not, what was offered is 1 + (q - q0 + dropped) / dt of the rate, and the share is
 * divided by that. A small queue is aimed at, since an empty one is a rate that is not reached. Who
 * connects takes its place at once: with n = rate / share senders, the share becomes that of n + 1.
 *
 * Rates are bytes of IP on the wire a second, times ns (CLOCK_MONOTONIC). Compiles for BPF and natively.
 */
#ifndef WEIR_BPF_PACE_H
#define WEIR_BPF_PACE_H

#include <stdbool.h>

#include <linux/types.h>

#define PACE_INLINE static inline __attribute__((always_inline))

/* Steps that BPF's verifier looks at by themselves: what it knew of numbers here would have it take every
 * way through all that follows. */
#ifdef __BPF__
#define PACE_STEP __attribute__((noinline))
#else
#define PACE_STEP PACE_INLINE
#endif

#define PACE_MS 1000000ULL
#define PACE_SECOND 1000000000ULL
#define PACE_MAX 0xfffffffeULL		/* bytes/s, as SO_MAX_PACING_RATE has them in an int */
#define PACE_NONE 0xffffffffULL		/* no pacing */

enum {
	PACE_UNIT = 1024,		/* 1.0 of a factor */
	PACE_STEP_UP = 3, PACE_STEP_DOWN = 8,	/* most that the share changes at once */
	PACE_DAMP = 6,			/* intervals in which a wrong queue is put right */
	PACE_MIN_BYTES_S = 1500,	/* less, and a sender would not be heard of for seconds */
	PACE_PACKET = 1500,
	PACE_SLOW = 10000,		/* bytes/s: one packet at a time will do */
	PACE_FEW = 16,			/* packets that an interval is long enough for */
	PACE_WINDOWS = 48,		/* more packets than one burst has: no clamp */
	PACE_WINDOW_ANY = 0x7fffffff,
	PACE_WINDOW_US = 10000,		/* what a window is enough for, beside the round trip */
	PACE_COARSE = 600000,		/* bytes/s, below: pace_is_coarse() */
};

#define PACE_INTERVAL_NS (20 * PACE_MS)
#define PACE_INTERVAL_MAX_NS (4 * PACE_SECOND)
#define PACE_QUEUE_NS (30 * PACE_MS)

/* What is known of one direction of a limit; all zeros to begin with. Each word is read and written
 * whole; who moves `when` may write the others. */
struct pace {
	__u64 share;		/* 0: none yet, as much as there is */
	__u64 when;		/* the interval began */
	__u64 queue;		/* then, ns */
	__u64 low;		/* least of it that was seen since .. */
	__u64 low_before;	/* .. and in the interval before */
	__u64 passed;		/* until then, bytes */
	__u64 dropped;
	__u64 session;		/* in which they were counted: */
	__u32 senders;
	__u32 rtt_us;		/* the longest of late */
	__u32 joined;		/* not 0 for an interval or two after somebody connected */
	__u32 zero;
};

/* What the bucket is and has counted. */
struct pace_bucket {
	__u64 rate;		/* bytes/s, not 0 */
	__u64 burst;		/* ns */
	__u64 now;
	__u64 queue;		/* ns */
	__u64 passed;		/* bytes */
	__u64 dropped;
};

#define PACE_READ(word) (*(const volatile __typeof__(word) *)&(word))
#define PACE_WRITE(word, value) (*(volatile __typeof__(word) *)&(word) = (value))

/* Of numbers below 2^63. Without branches: the verifier would take every way through all of them. */
PACE_INLINE __u64 pace_min(__u64 a, __u64 b)
{
	__s64 less = (__s64)(a - b);

	return b + (__u64)(less & less >> 63);
}

PACE_INLINE __u64 pace_max(__u64 a, __u64 b)
{
	__s64 less = (__s64)(a - b);

	return a - (__u64)(less & less >> 63);
}

/* How long bytes take at a rate that is not 0. */
PACE_STEP __u64 pace_ns(__u64 bytes, __u64 rate)
{
	if (bytes >> 33) {
		bytes >>= 16;
		rate = (rate >> 16) + 1;
	}
	if (bytes >> 33)
		return 64 * PACE_SECOND;
	return bytes * PACE_SECOND / rate;
}

PACE_INLINE __u64 pace_share_max(__u64 rate)
{
	return 2 * rate;
}

PACE_INLINE __u64 pace_share_min(__u64 rate)
{
	return pace_min(pace_max(rate / 1024, PACE_MIN_BYTES_S), rate);
}

PACE_INLINE __u64 pace_share(const struct pace *p, __u64 rate)
{
	__u64 share = PACE_READ(p->share);

	return share ? pace_max(pace_min(share, pace_share_max(rate)), pace_share_min(rate)) :
		       pace_share_max(rate);
}

/* What a sender may send: bytes/s. More than the rate, as nobody makes up for the moments in which
 * it could not. */
PACE_INLINE __u64 pace_rate(const struct pace *p, __u64 rate)
{
	return pace_min(pace_share(p, rate), rate + rate / 2);
}

/* How long after one burst of a sender its next one comes: a burst is a window, pace_window(). */
PACE_INLINE __u64 pace_gap(const struct pace *p, __u64 rate)
{
	return 1000 * PACE_WINDOW_US + pace_ns(2 * PACE_PACKET, pace_rate(p, rate));
}

/* Where senders are slow, the queue is what their bursts make it at the moment, and only the least of it
 * tells something. */
PACE_INLINE bool pace_is_coarse(const struct pace *p, __u64 rate)
{
	return pace_rate(p, rate) < PACE_COARSE;
}

/* The queue that is aimed at. A sender asks when it has just sent: what it sent is in the queue. */
PACE_INLINE __u64 pace_target(const struct pace_bucket *b)
{
	return pace_min(PACE_QUEUE_NS + pace_ns(2 * PACE_PACKET, b->rate), b->burst / 3);
}

/* Long enough for what was last told to have come about. */
PACE_INLINE __u64 pace_interval(const struct pace *p, __u64 rate)
{
	__u64 ns = pace_max(PACE_INTERVAL_NS, 2000ULL * PACE_READ(p->rtt_us));

	ns = pace_max(ns, 2 * pace_gap(p, rate));
	ns = pace_max(ns, pace_ns(PACE_FEW * PACE_PACKET, rate));
	return pace_min(ns, PACE_INTERVAL_MAX_NS);
}

/* A queue that grows to where senders are told of congestion is not waited for. */
PACE_INLINE bool pace_is_due(const struct pace *p, const struct pace_bucket *b)
{
	__u64 dt = b->now - PACE_READ(p->when), interval = pace_interval(p, b->rate);

	if (dt >> 63)		/* another processor was there meanwhile */
		return false;
	return dt >= interval || (dt >= interval / 4 && b->queue > b->burst / 2 &&
				  b->queue > PACE_READ(p->queue) + b->burst / 8 &&
				  !pace_is_coarse(p, b->rate));
}

/* Where the queue was empty for a part of the time. */
PACE_STEP __u64 pace_factor_idle(__u64 dt, __u64 idle, __u64 is_full)
{
	__u64 factor = idle >= dt / 2 ? PACE_STEP_UP * PACE_UNIT : dt * PACE_UNIT / (dt - idle);

	return is_full ? (factor + PACE_UNIT) / 2 : factor;
}

/* Where it was not: what the load takes, and what the queue is off by, over a few intervals. */
PACE_STEP __u64 pace_factor_busy(__u64 dt, __u64 load, __u64 queue, __u64 target)
{
	__u64 factor = load <= dt / PACE_STEP_UP ? PACE_STEP_UP * PACE_UNIT : dt * PACE_UNIT / load;
	__u64 off;

	if (queue > target) {
		off = (queue - target) * PACE_UNIT / (PACE_DAMP * dt);
		return factor * (PACE_UNIT - pace_min(off, PACE_UNIT / 2)) / PACE_UNIT;
	}
	off = (target - queue) * PACE_UNIT / (PACE_DAMP * dt);
	return factor * (PACE_UNIT + pace_min(off, PACE_UNIT / 8)) / PACE_UNIT;
}

PACE_INLINE __u64 pace_factor(const struct pace *p, const struct pace_bucket *b, __u64 dt)
{
	__u64 passed = pace_ns(b->passed - p->passed, b->rate), target = pace_target(b);
	__u64 dropped = pace_ns(b->dropped - p->dropped, b->rate);
	__u64 in = dt + b->queue, out = passed + p->queue, idle = in > out ? in - out : 0, load;
	bool coarse = pace_is_coarse(p, b->rate);
	__u64 queue = coarse ? pace_min(p->low, b->queue) : b->queue;
	__u64 before = coarse ? p->low_before : p->queue;

	if (idle > dt / 32)
		return pace_factor_idle(dt, pace_min(idle, dt), queue > target);
	load = dt + queue + dropped;
	load = load > before ? load - before : 1;
	return pace_factor_busy(dt, p->joined ? dt : load, queue, target);
}

PACE_STEP __u64 pace_scale(__u64 share, __u64 factor, __u64 rate)
{
	factor = pace_max(factor, PACE_UNIT / PACE_STEP_DOWN);
	factor = pace_min(factor, PACE_STEP_UP * PACE_UNIT);
	share = share / PACE_UNIT * factor + share % PACE_UNIT * factor / PACE_UNIT;
	return pace_max(pace_min(share, pace_share_max(rate)), pace_share_min(rate));
}

/* The share after an interval. */
PACE_INLINE __u64 pace_next(const struct pace *p, const struct pace_bucket *b, __u64 dt)
{
	__u64 share = pace_share(p, b->rate), factor = pace_factor(p, b, dt);

	if (dt >= 8 * pace_interval(p, b->rate) && factor == PACE_STEP_UP * PACE_UNIT)
		return pace_share_max(b->rate);		/* long idle */
	if (factor < PACE_UNIT)
		share = pace_rate(p, b->rate);	/* nobody sends faster */
	return pace_scale(share, factor, b->rate);
}

/* Begins an interval; of several processors that want to, one. The first one says nothing yet. */
PACE_INLINE bool pace_begin(struct pace *p, const struct pace_bucket *b, __u64 when)
{
	if (__sync_val_compare_and_swap(&p->when, when, b->now) != when)
		return false;
	PACE_WRITE(p->low_before, pace_min(p->low, b->queue));
	PACE_WRITE(p->low, b->queue);
	PACE_WRITE(p->queue, b->queue);
	PACE_WRITE(p->passed, b->passed);
	PACE_WRITE(p->dropped, b->dropped);
	return true;
}

/* Ends an interval: called when it is due. */
PACE_INLINE void pace_update(struct pace *p, const struct pace_bucket *b)
{
	__u64 when = PACE_READ(p->when), dt = b->now - when;
	__u64 share = when ? pace_next(p, b, dt ? dt : 1) : pace_share(p, b->rate);

	if (!pace_begin(p, b, when))
		return;
	PACE_WRITE(p->share, share);
	PACE_WRITE(p->rtt_us, p->rtt_us - p->rtt_us / 8);
	PACE_WRITE(p->joined, p->joined >> 1);
}

/* A sender more. What it is told is pace_rate(). Its first ten segments it sends at once all the same
 * (tcp_update_skb_after_send(), net/ipv4/tcp_output.c, 6.1), which tells nothing about the share. */
PACE_INLINE void pace_join(struct pace *p, __u64 rate)
{
	__u64 old, joint;
	int i;

	PACE_WRITE(p->joined, 2);

	for (i = 0; i < 4; i++) {
		old = PACE_READ(p->share);
		joint = pace_share(p, rate);
		/* rate * joint / (rate + joint), which may not fit */
		joint = joint > 0xffffffff || rate > 0xffffffff ?
			(rate >> 16) * (joint >> 16) / ((rate + joint) >> 16) << 16 :
			rate * joint / (rate + joint);
		joint = pace_max(joint, pace_share_min(rate));
		if (__sync_val_compare_and_swap(&p->share, old, joint) == old)
			return;
	}
}

/* What a sender sees at any time. */
PACE_INLINE void pace_see(struct pace *p, const struct pace_bucket *b, __u32 rtt_us)
{
	if (b->queue < PACE_READ(p->low))
		PACE_WRITE(p->low, b->queue);
	if (rtt_us > PACE_READ(p->rtt_us))
		PACE_WRITE(p->rtt_us, rtt_us);
}

/* ---- what a socket is told ---- */

/* SO_MAX_PACING_RATE, which counts payload only. mss: of a segment, with header bytes on top of it. */
PACE_INLINE __u64 pace_option(__u64 rate, __u32 mss, __u32 header)
{
	if (mss)
		rate = rate < 1ULL << 40 ? rate * mss / (mss + header) : rate / (mss + header) * mss;
	return rate > PACE_MAX ? PACE_NONE : pace_max(rate, 1);
}

/*
 * The window beyond which a sender needs none: segments. TCP sends up to 64 KiB at once however low
 * its pacing rate where the path is short (tcp_tso_autosize(), net/ipv4/tcp_output.c, 6.1): a
 * dozen such senders would fill any bucket.
 */
PACE_INLINE __u32 pace_window(__u64 rate, __u32 rtt_us, __u32 mss)
{
	__u64 us = PACE_WINDOW_US + 2 * pace_min(rtt_us, 4000000);
	__u64 segments = (rate < 1ULL << 40 ? rate * us / 1000000 : rate / 1000000 * us) /
			 (mss ? mss : PACE_PACKET) + (rate < PACE_SLOW ? 1 : 2);

	return segments > PACE_WINDOWS ? PACE_WINDOW_ANY : (__u32)segments;
}

#endif
