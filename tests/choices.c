// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/random_policy.h"

#include <string.h>

void choices_seed(struct choices *c, uint64_t seed)
{
	memset(c, 0, sizeof(*c));
	c->state = seed;
}

/* splitmix64: any seed is as good as another. */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint32_t choose(struct choices *c, uint32_t n)
{
	uint32_t v;

	if (c->at >= CHOICES_MAX)
		return 0;
	if (c->replay)
		return c->at < c->n ? c->v[c->at++] % n : 0;
	v = (uint32_t)(draw(&c->state) % n);
	c->v[c->at++] = v;
	c->n = c->at;
	return v;
}

/* ---- shrinking ---- */

struct shrink {
	struct choices *best;
	unsigned int tries;	/* left */
	bool (*fails)(void *arg, struct choices *c);
	void *arg;
};

static bool still(struct shrink *s, struct choices *c)
{
	if (!s->tries)
		return false;
	s->tries--;
	c->replay = true;
	c->at = 0;
	if (!s->fails(s->arg, c))
		return false;
	if (c->at < c->n)	/* what was not asked for does not matter */
		c->n = c->at;
	*s->best = *c;
	return true;
}

static bool take_out(struct shrink *s, unsigned int from, unsigned int len)
{
	struct choices c = *s->best;

	if (from + len > c.n)
		return false;
	memmove(&c.v[from], &c.v[from + len], (c.n - from - len) * sizeof(c.v[0]));
	c.n -= len;
	return still(s, &c);
}

static bool lower(struct shrink *s, unsigned int at, uint32_t to)
{
	struct choices c = *s->best;

	if (at >= c.n || to >= c.v[at])
		return false;
	c.v[at] = to;
	return still(s, &c);
}

static bool take_out_blocks(struct shrink *s, unsigned int len)
{
	unsigned int from = s->best->n;
	bool any = false;

	while (from--)
		while (take_out(s, from, len))
			any = true;
	return any;
}

static bool lower_all(struct shrink *s)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < s->best->n; i++)
		if (lower(s, i, 0) || lower(s, i, s->best->v[i] / 2) || lower(s, i, s->best->v[i] - 1))
			any = true;
	return any;
}

/* What a choice brought in comes right behind it: taken back together with that. */
static bool undo_all(struct shrink *s)
{
	enum { BEHIND = 12 };
	struct choices c;
	unsigned int i, len;
	bool any = false;

	for (i = 0; i < s->best->n; i++)
		for (len = 1; len <= BEHIND && i < s->best->n && s->best->v[i]; len++) {
			c = *s->best;
			if (i + 1 + len > c.n)
				break;
			c.v[i] = 0;
			memmove(&c.v[i + 1], &c.v[i + 1 + len], (c.n - i - 1 - len) * sizeof(c.v[0]));
			c.n -= len;
			any |= still(s, &c);
		}
	return any;
}

unsigned int choices_shrink(struct choices *c, unsigned int tries,
			    bool (*fails)(void *arg, struct choices *c), void *arg)
{
	struct shrink s = { .best = c, .tries = tries, .fails = fails, .arg = arg };
	unsigned int len;
	bool any = true;

	c->replay = true;
	while (any && s.tries) {
		any = false;
		for (len = 64; len; len /= 2)
			any |= take_out_blocks(&s, len);
		any |= lower_all(&s);
		any = any || undo_all(&s);
	}
	c->at = 0;
	return tries - s.tries;
}
