// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pacing as bpf/pace.h does it, in a simulation: TCP senders with windows, bursts and acknowledgements
 * under a bucket of bpf/bucket.h, all of it as the kernel's programs have it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/bucket.h"
#include "bpf/pace.h"

#define MS UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
#define BURST_NS (250 * MS)

enum { FLOWS = 64, ACKS = 4096, MSS = 1448, HEADER = 52, PACKET = MSS + HEADER, RTO_MS = 200 };

struct flow {
	uint64_t on, off;		/* has data from, to */
	bool connected;
	uint64_t connect;		/* 0: with on */
	uint64_t next, called;		/* sends again, was last called back */
	uint64_t rate, clamp;
	uint64_t window, flying;	/* packets */
	uint64_t segments;		/* sent ever */
	uint64_t sent;			/* bytes on the wire, since the last reset */
	struct { uint64_t when, packets; } acks[ACKS];
	unsigned int first, end;
};

struct sim {
	uint64_t rate, rtt, now;	/* bytes/s, ns */
	__u64 tat;
	struct bucket_rate bucket;
	struct pace pace;
	uint64_t passed, dropped, drops, queue_max;
	struct flow flow[FLOWS];
	unsigned int n;
};

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static struct sim *sim_new(uint64_t rate, uint64_t rtt, unsigned int n)
{
	struct sim *s = calloc(1, sizeof(*s));
	unsigned int i;

	assert_non_null(s);
	s->rate = rate;
	s->rtt = rtt;
	s->n = n;
	s->now = SECOND;
	s->tat = bucket_time(s->now);
	s->bucket = (struct bucket_rate){
		.byte = bucket_byte(8 * rate), .mark = UINT64_MAX, .notice = UINT64_MAX,
		.drop = bucket_time(BURST_NS),
	};
	for (i = 0; i < n; i++)
		s->flow[i].on = s->now;
	for (i = 0; i < n; i++)
		s->flow[i].off = UINT64_MAX;
	return s;
}

static uint64_t queue_of(const struct sim *s)
{
	return bucket_queue(s->tat, bucket_time(s->now), bucket_time(60 * SECOND)) >> BUCKET_FRACTION;
}

static struct pace_bucket look(const struct sim *s)
{
	return (struct pace_bucket){
		.rate = s->rate, .burst = BURST_NS, .now = s->now, .queue = queue_of(s),
		.passed = s->passed, .dropped = s->dropped,
	};
}

/* What the program does when it is called for a socket. */
static void call(struct sim *s, struct flow *f, bool is_new)
{
	struct pace_bucket b = look(s);

	pace_see(&s->pace, &b, (uint32_t)(s->rtt / 1000));
	if (pace_is_due(&s->pace, &b))
		pace_update(&s->pace, &b);
	if (is_new)
		pace_join(&s->pace, s->rate);
	f->rate = pace_option(pace_rate(&s->pace, s->rate), MSS, HEADER);
	f->clamp = pace_window(pace_rate(&s->pace, s->rate), (uint32_t)(s->rtt / 1000), MSS);
	f->called = s->now;
}

static void send_burst(struct sim *s, struct flow *f)
{
	uint64_t rtt_us = s->rtt / 1000, most = f->rate / 1024;
	uint64_t packets, room = pace_min(f->window, f->clamp);

	most += rtt_us >> 9 < 16 ? 65536 >> (rtt_us >> 9) : 0;
	packets = pace_max(pace_min(most, 65536) / MSS, 2);
	room = room > f->flying ? room - f->flying : 0;
	packets = pace_min(packets, room);
	if (!packets) {
		f->next = UINT64_MAX;		/* until an acknowledgement */
		return;
	}
	/* the first ten are not paced */
	f->next = s->now + (f->segments < 10 ? 0 : packets * MSS * SECOND / f->rate);
	if (bucket_take(&s->tat, &s->bucket, bucket_time(s->now),
			bucket_cost(s->bucket.byte, packets * PACKET)) & BUCKET_DROP) {
		s->dropped += packets * PACKET;
		s->drops++;
		f->window = pace_max(f->window / 2, 2);
		f->next = s->now + RTO_MS * MS;
		return;
	}
	s->passed += packets * PACKET;
	f->segments += packets;
	f->sent += packets * PACKET;
	f->flying += packets;
	f->acks[f->end].when = s->now + s->rtt;
	f->acks[f->end].packets = packets;
	f->end = (f->end + 1) % ACKS;
	assert_int_not_equal(f->end, f->first);
	s->queue_max = pace_max(s->queue_max, queue_of(s));
}

static void take_ack(struct sim *s, struct flow *f)
{
	uint64_t packets = f->acks[f->first].packets;

	f->first = (f->first + 1) % ACKS;
	f->flying -= packets;
	f->window += packets;
	if (s->now >= f->called + s->rtt)
		call(s, f, false);
	if (f->next == UINT64_MAX)
		f->next = s->now;
}

static uint64_t connects(const struct flow *f)
{
	return f->connect ? f->connect : f->on;
}

/* What happens next to a flow. */
static uint64_t event_of(const struct flow *f)
{
	uint64_t when = f->next;

	if (!f->connected)
		return connects(f);
	if (when < f->on)
		when = f->on;
	if (when >= f->off)
		when = UINT64_MAX;
	return f->first != f->end ? earlier(when, f->acks[f->first].when) : when;
}

static void do_event(struct sim *s, struct flow *f)
{
	if (!f->connected) {
		f->connected = true;
		call(s, f, true);
		f->window = pace_min(10, f->clamp);
		f->next = s->now;
	} else if (f->first != f->end && f->acks[f->first].when == s->now) {
		take_ack(s, f);
	} else {
		send_burst(s, f);
	}
}

static void sim_until(struct sim *s, uint64_t when)
{
	unsigned int i, first;

	for (;;) {
		first = 0;
		for (i = 1; i < s->n; i++)
			if (event_of(&s->flow[i]) < event_of(&s->flow[first]))
				first = i;
		if (event_of(&s->flow[first]) > when)
			break;
		s->now = event_of(&s->flow[first]);
		do_event(s, &s->flow[first]);
	}
	s->now = when;
}

/* Runs on; the part of the rate that passed, in thousandths. */
static unsigned int reached(struct sim *s, uint64_t ns)
{
	uint64_t before = s->passed, from = s->now;
	unsigned int i;

	for (i = 0; i < s->n; i++)
		s->flow[i].sent = 0;
	s->drops = s->queue_max = 0;
	sim_until(s, from + ns);
	return (unsigned int)((s->passed - before) * 1000 / (s->rate * (ns / MS) / 1000));
}

static uint64_t least(const struct sim *s, unsigned int from, unsigned int to)
{
	uint64_t bytes = UINT64_MAX;

	while (from < to)
		bytes = earlier(bytes, s->flow[from++].sent);
	return bytes;
}

static uint64_t most(const struct sim *s, unsigned int from, unsigned int to)
{
	uint64_t bytes = 0;

	while (from < to)
		bytes = pace_max(bytes, s->flow[from++].sent);
	return bytes;
}

static const uint64_t rates[] = { 50000, 300000, 1000000, 10000000, 100000000, 1250000000 };
static const uint64_t rtts[] = { 50000, 1 * MS, 20 * MS };
#define EACH(i, of) for ((i) = 0; (i) < sizeof(of) / sizeof((of)[0]); (i)++)

/* What a bucket lets through in a time, in thousandths of what the rate does: the burst and a packet more. */
static unsigned int bucket_most(const struct sim *s, uint64_t ns)
{
	return (unsigned int)(1000 * (ns + BURST_NS + 65536 * SECOND / s->rate) / ns) + 1;
}

static void expect(const struct sim *s, unsigned int is, unsigned int from, unsigned int to, const char *what)
{
	if (is < from || is > to)
		fail_msg("%s: rate %lu, rtt %lu us, %u flows: %u thousandths, not %u to %u", what, s->rate,
			 s->rtt / 1000, s->n, is, from, to);
}

/* Each packet takes long where the rate is low: bursts of many slow senders meet. */
static bool is_slow(const struct sim *s)
{
	return s->rate / s->n < 20000;
}

/* The rate is reached from the beginning, and shared, and without drops where a burst holds what new
 * connections send unpaced. */
static void test_flows_together(void **state)
{
	static const unsigned int ns[] = { 1, 2, 4, 16, 64 };
	size_t i, j, k;
	struct sim *s;

	(void)state;
	EACH(i, rates)
		EACH(j, rtts)
			EACH(k, ns) {
				s = sim_new(rates[i], rtts[j], ns[k]);
				expect(s, reached(s, 3 * SECOND), is_slow(s) ? 850 : 900,
				       bucket_most(s, 3 * SECOND), "at first");
				if (rates[i] / ns[k] >= 500000)
					assert_int_equal(s->drops, 0);
				expect(s, reached(s, 20 * SECOND), is_slow(s) ? 780 : 930,
				       is_slow(s) ? bucket_most(s, 20 * SECOND) : 1010, "later");
				if (!is_slow(s)) {
					assert_int_equal(s->drops, 0);
					assert_true(least(s, 0, ns[k]) > most(s, 0, ns[k]) * 85 / 100);
				}
				free(s);
			}
}

/* One keeps on; fifteen come and go again. */
static void test_come_and_go(void **state)
{
	size_t i, j, f;
	struct sim *s;

	(void)state;
	EACH(i, rates)
		EACH(j, rtts) {
			s = sim_new(rates[i], rtts[j], 16);
			for (f = 1; f < 16; f++) {
				s->flow[f].on = 6 * SECOND + f * MS;
				s->flow[f].off = 16 * SECOND;
			}
			reached(s, 7 * SECOND);
			expect(s, reached(s, 8 * SECOND), is_slow(s) ? 700 : 900,
			       bucket_most(s, 8 * SECOND), "sixteen");
			reached(s, is_slow(s) ? 4 * SECOND : 2 * SECOND);
			expect(s, reached(s, 8 * SECOND), is_slow(s) ? 750 : 970, 1010, "one");
			free(s);
		}
}

/* Connections that had nothing to send all begin at once: the bucket is what holds them at first. */
static void test_wake(void **state)
{
	size_t i, j, f;
	struct sim *s;

	(void)state;
	EACH(i, rates)
		EACH(j, rtts) {
			s = sim_new(rates[i], rtts[j], 16);
			for (f = 0; f < 16; f++) {
				s->flow[f].on = 6 * SECOND;
				s->flow[f].connect = SECOND;
			}
			reached(s, 5 * SECOND);
			expect(s, reached(s, 2 * SECOND), 700, bucket_most(s, 2 * SECOND), "waking");
			expect(s, reached(s, 8 * SECOND), is_slow(s) ? 600 : 900, 1010, "later");
			free(s);
		}
}

/* Other traffic, that nobody paces, takes its part; senders have what is left. */
static void test_beside_others(void **state)
{
	uint64_t own = 0, until;
	struct sim *s = sim_new(1000000, 1 * MS, 4);
	struct bucket_rate *b = &s->bucket;
	unsigned int i;

	(void)state;
	until = s->now + 10 * SECOND;
	while (s->now < until) {
		sim_until(s, s->now + 3 * MS);
		bucket_take(&s->tat, b, bucket_time(s->now), bucket_cost(b->byte, PACKET));
		s->passed += PACKET;
	}
	for (i = 0; i < s->n; i++)
		own += s->flow[i].sent;
	assert_in_range(own, 4500000, 5300000);		/* half of the rate is theirs */
	assert_int_equal(s->drops, 0);
	free(s);
}

/* No number that comes in makes it divide by 0, or leave its bounds. */
static void test_any_numbers(void **state)
{
	uint64_t before;
	unsigned int i;

	(void)state;
	for (i = 0; i < 200000; i++) {
		struct pace_bucket b = {
			.rate = 1 + ((uint64_t)rand() << (rand() % 8)) % 125000000000ULL,
			.burst = 1 + (uint64_t)rand() % SECOND, .now = (uint64_t)rand() << (rand() % 20),
			.queue = (uint64_t)rand() % (2 * SECOND),
			.passed = (uint64_t)rand() << (rand() % 20), .dropped = (uint64_t)rand(),
		};
		struct pace p = {
			.share = (uint64_t)rand() << (rand() % 20), .when = b.now - (uint64_t)rand(),
			.queue = (uint64_t)rand() % SECOND, .low = (uint64_t)rand() % SECOND,
			.low_before = (uint64_t)rand() % SECOND, .passed = b.passed / 2,
			.joined = (uint32_t)rand() & 3, .rtt_us = (uint32_t)rand() % 4000000,
		};

		before = pace_share(&p, b.rate);
		pace_see(&p, &b, (uint32_t)rand());
		pace_update(&p, &b);
		assert_in_range(pace_share(&p, b.rate), pace_share_min(b.rate), pace_share_max(b.rate));
		assert_true(p.share >= before / PACE_STEP_DOWN / 2 || p.share >= pace_share_min(b.rate));
		pace_join(&p, b.rate);
		assert_true(pace_rate(&p, b.rate) >= 1 && pace_rate(&p, b.rate) <= b.rate + b.rate / 2);
		assert_true(pace_window(pace_rate(&p, b.rate), p.rtt_us, (uint32_t)rand() % 9000) >= 1);
	}
}

static void test_option(void **state)
{
	(void)state;
	assert_int_equal(pace_option(1500000, 1448, 52), 1448000);
	assert_int_equal(pace_option(1500000, 0, 52), 1500000);
	assert_int_equal(pace_option(1, 1, 52), 1);
	assert_int_equal(pace_option(4000000000, 1448, 52), 3861333333);
	assert_int_equal(pace_option(5000000000, 1448, 52), PACE_NONE);	/* more than the option can say */
	assert_int_equal(pace_option(125000000000, 1448, 52), PACE_NONE);
	assert_int_equal(pace_window(3000, 50, 1448), 1);
	assert_int_equal(pace_window(1000000, 50, 1448), 8);
	assert_int_equal(pace_window(100000000, 50, 1448), PACE_WINDOW_ANY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flows_together), cmocka_unit_test(test_come_and_go),
		cmocka_unit_test(test_wake), cmocka_unit_test(test_beside_others),
		cmocka_unit_test(test_any_numbers), cmocka_unit_test(test_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
