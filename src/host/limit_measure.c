// SPDX-License-Identifier: GPL-2.0-or-later
/* What counters say of a limit. */
#include "host/limit.h"

static const char *const texts[] = {
	[LIMIT_UNDER_LIMIT] = "UNDER LIMIT", [LIMIT_THROTTLED] = "THROTTLED",
	[LIMIT_NOT_WORKING] = "NOT WORKING", [LIMIT_NOT_CALLED] = "PROGRAM NOT CALLED",
	[LIMIT_BLOCKED] = "BLOCKED", [LIMIT_UNKNOWN] = "UNKNOWN",
};

#define NOT_WORKING_RATIO 1.5
#define THROTTLED_RATIO 0.9

const char *limit_verdict_text(enum limit_verdict verdict)
{
	return texts[verdict];
}

static uint64_t held_back(const struct limit_count *c)
{
	return c->dropped + c->marked + c->notices;
}

/* A whole burst may have passed in a short interval, and is no fault. */
static bool is_too_much(const struct limit_wish_side *wish, uint64_t bytes, uint64_t interval_ns)
{
	double allowed_ns = NOT_WORKING_RATIO * (double)interval_ns + (double)wish->burst_ns;

	return (double)bytes * 8e9 > (double)wish->rate_bit * allowed_ns;
}

struct limit_measure limit_measure(const struct limit_report_side *before,
				   const struct limit_report_side *after, uint64_t interval_ns)
{
	static const struct limit_count none;
	const struct limit_count *old = before ? &before->count : &none, *now = &after->count;
	struct limit_measure m = { .verdict = LIMIT_UNKNOWN };
	uint64_t bytes;

	if (!after->counted)
		return m;
	if (old->bytes > now->bytes)
		old = &none;		/* it was taken away and set again */
	bytes = now->bytes - old->bytes;
	if (interval_ns)
		m.rate_bit = (uint64_t)((double)bytes * 8e9 / (double)interval_ns);
	if (!(now->packets + now->dropped + now->other)) {
		m.verdict = LIMIT_NOT_CALLED;
	} else if (after->wish.block) {
		m.verdict = bytes ? LIMIT_NOT_WORKING : LIMIT_BLOCKED;
		return m;
	} else if (is_too_much(&after->wish, bytes, interval_ns)) {
		m.verdict = LIMIT_NOT_WORKING;
	} else {
		m.verdict = LIMIT_UNDER_LIMIT;
	}
	m.ratio = after->wish.rate_bit ? (double)m.rate_bit / (double)after->wish.rate_bit : 0;
	if (m.verdict == LIMIT_UNDER_LIMIT &&
	    (held_back(now) > held_back(old) || m.ratio >= THROTTLED_RATIO))
		m.verdict = LIMIT_THROTTLED;
	return m;
}
