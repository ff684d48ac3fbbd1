/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench.h - what the helper programs of the benchmarks share.
 */
#ifndef WEIR_TESTS_BENCH_BENCH_H
#define WEIR_TESTS_BENCH_BENCH_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t bench_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline uint64_t now_ns(void)
{
	return bench_ns(CLOCK_MONOTONIC);
}

/* For poll(): milliseconds, rounded up. */
static inline int timeout_ms(uint64_t until_ns)
{
	uint64_t now = now_ns();

	return now >= until_ns ? 0 : (int)((until_ns - now + 999999) / 1000000);
}

/* The status of main() after a fault that errno tells. */
static inline int give_up(const char *what)
{
	perror(what);
	return 1;
}

/* A whole number from low to high. */
static inline bool parse(const char *word, unsigned long low, unsigned long high,
			 unsigned long *value)
{
	char *end;

	errno = 0;
	*value = strtoul(word, &end, 10);
	return !errno && end != word && !*end && *value >= low && *value <= high;
}

#endif
