// SPDX-License-Identifier: GPL-2.0-or-later
/* The token bucket of bpf/bucket.h: never above the rate, never below the load, at all rates. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "bpf/address.h"
#include "bpf/bucket.h"
#include "bpf/limit.h"

static const __u64 rates_bit[] = {
	8000, 9600, 12345, 64000, 400000, 1000000, 7777777, 10000000, 99999999, 1000000000,
	2500000001, 9999999967, 40000000000, 100000000000, BUCKET_RATE_MAX_BIT, BUCKET_RATE_MIN_BIT,
};
#define RATES (sizeof(rates_bit) / sizeof(rates_bit[0]))

/* A bucket that thresholds do nothing in but drop. */
static struct bucket_rate rate_of(__u64 rate_bit, __u64 burst_ns)
{
	return (struct bucket_rate){
		.byte = bucket_byte(rate_bit), .mark = UINT64_MAX, .notice = UINT64_MAX,
		.drop = bucket_time(burst_ns),
	};
}

static __u64 random_below(__u64 n)
{
	return (((__u64)rand() << 31) ^ (__u64)rand()) % n;
}

/* What the rate lets through within a time, rounded down. */
static unsigned __int128 bytes_within(__u64 rate_bit, __u64 ns)
{
	return (unsigned __int128)rate_bit * ns / 8000000000;
}

static __u64 ns_for(__u64 rate_bit, __u64 bytes)
{
	return (__u64)((unsigned __int128)bytes * 8000000000 / rate_bit);
}

/* A unit a packet is lost to rounding; and a part in 2^38, and what it takes to be whole bytes. */
static __u64 lost_to_rounding(__u64 rate_bit, __u64 packets, __u64 bytes)
{
	return (__u64)((unsigned __int128)rate_bit * packets / ((unsigned __int128)8000000000 << BUCKET_FRACTION)) +
	       (bytes >> 38) + 2;
}

/* Costs are exact to two units and a part in 2^38, and never too low. */
static void test_cost(void **state)
{
	static const __u64 sizes[] = { 1, 20, 40, 64, 1500, 9000, 65536, 524288, BUCKET_BYTES };
	unsigned __int128 wanted, cost;
	size_t i, j;

	(void)state;
	for (i = 0; i < RATES; i++)
		for (j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
			wanted = ((unsigned __int128)sizes[j] * 8000000000 << BUCKET_FRACTION) / rates_bit[i];
			cost = bucket_cost(bucket_byte(rates_bit[i]), sizes[j]);
			assert_true(cost * rates_bit[i] >=
				    (unsigned __int128)sizes[j] * 8000000000 << BUCKET_FRACTION);
			assert_true(cost <= wanted + 2 + (wanted >> 38));
		}
	assert_true(bucket_cost(bucket_byte(8000), UINT64_MAX) ==
		    bucket_cost(bucket_byte(8000), BUCKET_BYTES));
}

/* How packets come: sizes and gaps, the gap as a share of the time that the packet needs at the rate. */
struct pattern {
	const char *name;
	__u64 min_bytes, max_bytes;
	unsigned int gap_percent;	/* mean */
	unsigned int train;		/* packets without a gap between */
};

static const struct pattern patterns[] = {
	{ "small and dense", 20, 64, 10, 1 }, { "full frames, twice the rate", 1500, 1500, 50, 1 },
	{ "GSO, twice the rate", 1500, 65536, 50, 1 }, { "trains", 40, 9000, 60, 50 },
	{ "half the rate", 40, 1500, 200, 1 }, { "just under the rate", 1000, 1500, 101, 1 },
	{ "at once", 1500, 65536, 0, 1 },
};
#define PATTERNS (sizeof(patterns) / sizeof(patterns[0]))

enum { ARRIVALS = 4000 };

/* Where the next packet comes before a queue of a burst is empty, and more than the rate is offered, the
 * rate is reached; and it is never passed. */
static void check_pattern(__u64 rate_bit, __u64 burst_ns, const struct pattern *p)
{
	struct bucket_rate rate = rate_of(rate_bit, burst_ns);
	__u64 start = random_below(UINT64_MAX >> 20), now = start, tat = bucket_time(start);
	__u64 passed = 0, offered = 0, bytes, gap_ns, i;
	unsigned __int128 allowed;

	for (i = 0; i < ARRIVALS; i++) {
		bytes = p->min_bytes + random_below(p->max_bytes - p->min_bytes + 1);
		offered += bytes;
		if (!(bucket_take(&tat, &rate, bucket_time(now), bucket_cost(rate.byte, bytes)) & BUCKET_DROP))
			passed += bytes;
		allowed = bytes_within(rate_bit, now - start + burst_ns) + p->max_bytes + 1;
		if (passed > allowed)
			fail_msg("%s at %llu bit/s: %llu bytes passed of %llu", p->name, rate_bit, passed,
				 (__u64)allowed);
		if (i % p->train == p->train - 1)
			now += random_below(2 * ns_for(rate_bit, bytes) * p->gap_percent * p->train / 100 + 1);
	}
	allowed = bytes_within(rate_bit, now - start);
	gap_ns = 2 * ns_for(rate_bit, p->max_bytes) * p->gap_percent * p->train / 100;
	if (p->gap_percent < 100 && gap_ns <= burst_ns &&
	    passed + 50 * p->max_bytes + lost_to_rounding(rate_bit, ARRIVALS, passed) < allowed)
		fail_msg("%s at %llu bit/s: only %llu bytes passed of %llu, %llu offered", p->name,
			 rate_bit, passed, (__u64)allowed, offered);
}

static void test_patterns(void **state)
{
	static const __u64 bursts_ns[] = { 0, 1000, 1000000, 50000000, 250000000 };
	size_t r, p, b;

	(void)state;
	srand(1);
	for (r = 0; r < RATES; r++)
		for (p = 0; p < PATTERNS; p++)
			for (b = 0; b < sizeof(bursts_ns) / sizeof(bursts_ns[0]); b++)
				check_pattern(rates_bit[r], bursts_ns[b], &patterns[p]);
}

/* A greedy sender gets the rate to a packet, whatever the gap between its tries: no rounding is lost. */
static void test_no_starvation(void **state)
{
	static const __u64 gaps_ns[] = { 1, 3, 7, 19, 777, 19499, 1000003 };
	size_t r, g;

	(void)state;
	for (r = 0; r < RATES; r++)
		for (g = 0; g < sizeof(gaps_ns) / sizeof(gaps_ns[0]); g++) {
			__u64 bytes = 20, now = 1, tat = bucket_time(1), passed = 0, i, wanted;
			struct bucket_rate rate;

			while (ns_for(rates_bit[r], bytes) < gaps_ns[g])
				bytes *= 2;
			if (bytes > 65536)
				continue;
			rate = rate_of(rates_bit[r], 2 * gaps_ns[g]);
			for (i = 0; i < 200000; i++, now += gaps_ns[g])
				if (!(bucket_take(&tat, &rate, bucket_time(now),
						  bucket_cost(rate.byte, bytes)) & BUCKET_DROP))
					passed += bytes;
			wanted = (__u64)bytes_within(rates_bit[r], now - 1);
			assert_true(passed + bytes + lost_to_rounding(rates_bit[r], passed / bytes, passed) >= wanted);
			assert_true(passed <= wanted + (__u64)bytes_within(rates_bit[r], 3 * gaps_ns[g]) +
				    bytes + 1);
		}
}

/* What is offered below the rate passes whole. */
static void test_nothing_lost_under_the_rate(void **state)
{
	size_t r;

	(void)state;
	srand(2);
	for (r = 0; r < RATES; r++) {
		struct bucket_rate rate = rate_of(rates_bit[r], 0);
		__u64 now = random_below(UINT64_MAX >> 20), tat = bucket_time(now), bytes, i;

		for (i = 0; i < 20000; i++) {
			bytes = 40 + random_below(65000);
			assert_int_equal(bucket_take(&tat, &rate, bucket_time(now),
						     bucket_cost(rate.byte, bytes)), BUCKET_PASS);
			now += ns_for(rates_bit[r], bytes) + 2;
		}
	}
}

/* 64 KiB at 32 kB/s, with a burst far below the packet. */
static void test_large_packet_makes_progress(void **state)
{
	struct bucket_rate rate = rate_of(256000, 1000000);
	__u64 now = 0, tat = 0, passed = 0;

	(void)state;
	for (; now < 100000000000; now += 1000000)
		passed += bucket_take(&tat, &rate, bucket_time(now), bucket_cost(rate.byte, 65536)) ==
			  BUCKET_PASS;
	assert_int_equal(passed, 49);	/* 100 s * 32,000 / 65,536, and the first */
}

static void test_thresholds(void **state)
{
	struct bucket_rate rate = {
		.byte = bucket_byte(8000000),	/* 1 us a byte */
		.mark = bucket_time(1000000), .notice = bucket_time(2000000), .drop = bucket_time(3000000),
	};
	__u64 now = bucket_time(UINT64_C(1) << 40), tat = now, before;

	(void)state;
	assert_int_equal(bucket_take(&tat, &rate, now, bucket_time(1000000)), BUCKET_PASS);
	assert_int_equal(bucket_take(&tat, &rate, now, bucket_time(1)), BUCKET_PASS);
	assert_int_equal(bucket_take(&tat, &rate, now, bucket_time(1000000)), BUCKET_MARK);
	assert_int_equal(bucket_take(&tat, &rate, now, bucket_time(1000000)),
			 BUCKET_MARK | BUCKET_NOTICE);
	before = tat;
	assert_int_equal(bucket_take(&tat, &rate, now, bucket_time(1)), BUCKET_DROP);
	assert_true(tat == before);
	bucket_refund(&tat, bucket_time(2));
	assert_int_equal(bucket_take(&tat, &rate, now, bucket_time(1)), BUCKET_MARK | BUCKET_NOTICE);
}

/* Times wrap; a bucket that was left alone for days is full; a raised rate forgets debts. */
static void test_wrap(void **state)
{
	struct bucket_rate rate = rate_of(1000000, 1000000), slow = rate_of(8000, 1000000);
	__u64 ahead, tat, now;

	(void)state;
	for (now = UINT64_MAX - 5; now > 10 || now == 0; now++) {
		tat = now;
		assert_int_equal(bucket_take(&tat, &rate, now, 1000), BUCKET_PASS);
		assert_true(tat == now + 1000);
	}
	for (ahead = UINT64_C(1) << 62; ahead; ahead += UINT64_C(1) << 60) {
		tat = 7 + ahead;
		assert_int_equal(bucket_take(&tat, &rate, 7, 1000), BUCKET_PASS);
		assert_true(tat == 1007);
	}
	tat = now = bucket_time(5);
	assert_int_equal(bucket_take(&tat, &slow, now, bucket_cost(slow.byte, 65536)), BUCKET_PASS);
	assert_int_equal(bucket_take(&tat, &slow, now, bucket_cost(slow.byte, 40)), BUCKET_DROP);
	bucket_settle(&tat, &rate, now);
	assert_true(tat == now + rate.drop);
	assert_int_equal(bucket_take(&tat, &rate, now, bucket_cost(rate.byte, 40)), BUCKET_PASS);
	tat = now - 1;
	bucket_settle(&tat, &rate, now);
	assert_true(tat == now - 1);
}

/* Left alone, it is full: until shortly before the clock has come round, which takes 208 days. */
static void test_idle(void **state)
{
	static const __u64 hours_milli[] = { 1, 1000, 78190, 24000 * 100, 24000 * 208 };
	struct bucket_rate rate;
	__u64 now, tat, i;
	size_t r;

	(void)state;
	for (r = 0; r < RATES; r++)
		for (i = 0; i < sizeof(hours_milli) / sizeof(hours_milli[0]); i++) {
			rate = rate_of(rates_bit[r], 1000000);
			now = bucket_time(UINT64_C(5000000000));
			tat = now;
			now += bucket_time(hours_milli[i] * 3600000000);
			assert_int_equal(bucket_take(&tat, &rate, now, 1000), BUCKET_PASS);
			assert_true(tat == now + 1000);
		}
}

static void test_wire_bytes(void **state)
{
	(void)state;
	assert_int_equal(bucket_wire_bytes(1500, 1, 40), 1500);
	assert_int_equal(bucket_wire_bytes(1500, 0, 40), 1500);
	assert_int_equal(bucket_wire_bytes(40 + 44 * 1460, 44, 40), 44 * 1500);
}

/* ---- processors ---- */

enum { THREADS = 8, TRIES = 200000, PACKET = 1000 };

struct shared {
	struct bucket_rate rate;
	__u64 tat, ticks;		/* every try is a tick of 100 ns: time goes on by work, not by a clock */
	pthread_barrier_t start;
};

static void *contend(void *arg)
{
	struct shared *s = arg;
	__u64 cost = bucket_cost(s->rate.byte, PACKET), passed = 0, now;
	unsigned int i;

	pthread_barrier_wait(&s->start);
	for (i = 0; i < TRIES; i++) {
		now = bucket_time(100 * __sync_fetch_and_add(&s->ticks, 1));
		passed += !(bucket_take(&s->tat, &s->rate, now, cost) & BUCKET_DROP);
	}
	return (void *)(uintptr_t)passed;
}

static void check_threads(__u64 rate_bit)
{
	struct shared s = { .rate = rate_of(rate_bit, 10000) };
	__u64 passed = 0, cost = bucket_cost(s.rate.byte, PACKET), end, wanted;
	pthread_t threads[THREADS];
	void *result;
	int i;

	pthread_barrier_init(&s.start, NULL, THREADS);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, contend, &s), 0);
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &result), 0);
		passed += (uintptr_t)result;
	}
	pthread_barrier_destroy(&s.start);
	end = bucket_time(100 * s.ticks);
	/* Threads that were put aside come with old times, so time alone bounds only from above. */
	assert_true(passed * cost <= end + s.rate.drop + (THREADS + 1) * cost);
	wanted = end < cost * THREADS * TRIES ? end : cost * THREADS * TRIES;
	assert_true(passed * cost >= wanted - wanted / 100);
	/* No update is lost: what passed is what the clock was moved by, but for when it stood. */
	assert_true(passed * cost <= s.tat);
}

static void test_many_threads(void **state)
{
	(void)state;
	check_threads(1000000000);
	check_threads(10000000000);
	check_threads(UINT64_C(100000000000));
}

/* Nothing is dropped and time stands still: tat says what all of them took. */
static void *take_all(void *arg)
{
	struct shared *s = arg;
	unsigned int i;

	pthread_barrier_wait(&s->start);
	for (i = 0; i < TRIES; i++)
		if (bucket_take(&s->tat, &s->rate, 0, 3) == BUCKET_DROP)
			return arg;
	return NULL;
}

static void test_no_update_is_lost(void **state)
{
	struct shared s = { .rate = rate_of(1000000000, 3600000000000) };
	pthread_t threads[THREADS];
	void *result;
	int i;

	(void)state;
	pthread_barrier_init(&s.start, NULL, THREADS);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_all, &s), 0);
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_null(result);
	}
	pthread_barrier_destroy(&s.start);
	assert_int_equal(s.tat, 3 * THREADS * TRIES);
}

/* ---- addresses ---- */

static void test_local_addresses(void **state)
{
	static const struct {
		uint8_t a[16];
		bool local;
	} cases[] = {
		{ { [10] = 0xff, 0xff, 10, 1, 2, 3 }, true }, { { [10] = 0xff, 0xff, 172, 16, 0, 1 }, true },
		{ { [10] = 0xff, 0xff, 172, 32, 0, 1 }, false }, { { [10] = 0xff, 0xff, 192, 168, 9, 9 }, true },
		{ { [10] = 0xff, 0xff, 192, 167, 9, 9 }, false }, { { [10] = 0xff, 0xff, 169, 254, 0, 1 }, true },
		{ { [10] = 0xff, 0xff, 127, 0, 0, 1 }, true }, { { [10] = 0xff, 0xff, 8, 8, 8, 8 }, false },
		{ { [10] = 0xff, 0xff, 224, 0, 0, 251 }, true }, { { [10] = 0xff, 0xff, 239, 1, 1, 1 }, true },
		{ { [10] = 0xff, 0xff, 240, 1, 1, 1 }, false },
		{ { [10] = 0xff, 0xff, 255, 255, 255, 255 }, true },
		{ { 0xfe, 0x80, [15] = 1 }, true }, { { 0xfe, 0xc0, [15] = 1 }, false },
		{ { 0xfd, 1, [15] = 1 }, true }, { { 0xfc, 1, [15] = 1 }, true }, { { 0xff, 2, [15] = 1 }, true },
		{ { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 }, false }, { { [15] = 1 }, true }, { { 0 }, true },
		{ { [15] = 2 }, false }, { { [12] = 8, 8, 8, 8 }, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (address_is_local(cases[i].a) != cases[i].local)
			fail_msg("address %zu", i);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cost), cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_no_starvation),
		cmocka_unit_test(test_nothing_lost_under_the_rate),
		cmocka_unit_test(test_large_packet_makes_progress), cmocka_unit_test(test_thresholds),
		cmocka_unit_test(test_wrap), cmocka_unit_test(test_idle),
		cmocka_unit_test(test_wire_bytes),
		cmocka_unit_test(test_many_threads), cmocka_unit_test(test_no_update_is_lost),
		cmocka_unit_test(test_local_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
