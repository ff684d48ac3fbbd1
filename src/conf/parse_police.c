// SPDX-License-Identifier: GPL-2.0-or-later
/* `police`: rates above which packets are dropped, not queued. */
#include "conf/parse.h"

#include <string.h>

#include "conf/words.h"
#include "lib/near.h"

enum police_field {
	POLICE_SAID_RATE = 1 << 0, POLICE_SAID_BURST = 1 << 1, POLICE_SAID_MTU = 1 << 2,
	POLICE_SAID_CONFORM = 1 << 3, POLICE_SAID_EXCEED = 1 << 4,
};

struct police_draft {
	struct police *police;
	uint32_t said;		/* enum police_field */
	struct pos burst_at;
};

static bool option_rate(struct parser *p, struct police_draft *d, const struct word *keyword)
{
	const struct word *w = want_word(p, keyword, "a rate such as 20mbit");

	return w && parse_rate_value(p, w, &d->police->rate_bit);
}

static bool option_burst(struct parser *p, struct police_draft *d, const struct word *keyword)
{
	const struct word *w = want_word(p, keyword, "a size such as 64kb");

	if (!w)
		return false;
	d->burst_at = w->pos;
	return parse_size_value(p, w, "burst", UINT32_MAX, &d->police->burst_bytes);
}

static bool option_mtu(struct parser *p, struct police_draft *d, const struct word *keyword)
{
	const struct word *w = want_word(p, keyword, "a size such as 64kb");
	uint64_t bytes;

	if (!w || !parse_size_value(p, w, "mtu", UINT32_MAX, &bytes))
		return false;
	d->police->mtu_bytes = (uint32_t)bytes;
	return true;
}

static bool option_verdict(struct parser *p, struct police_draft *d, const struct word *keyword)
{
	const struct word *w = want_word(p, keyword, "'drop', 'pass' or 'reclassify'");
	const struct named *verdict = w ? named_find(word_verdicts, w->text) : NULL;

	if (!w)
		return false;
	if (!verdict) {
		report_at(&p->report, &w->pos, named_near(word_verdicts, w->text),
			  "unknown word '%s': a verdict is 'drop', 'pass' or 'reclassify'",
			  report_word(&p->report, w->text));
		return false;
	}
	if (!strcmp(keyword->text, "conform"))
		d->police->conform = verdict->value;
	else
		d->police->exceed = verdict->value;
	return true;
}

static const struct police_option {
	const char *word;
	uint32_t field;
	bool (*parse)(struct parser *p, struct police_draft *d, const struct word *keyword);
} police_options[] = {
	{ "rate", POLICE_SAID_RATE, option_rate },
	{ "burst", POLICE_SAID_BURST, option_burst },
	{ "mtu", POLICE_SAID_MTU, option_mtu },
	{ "conform", POLICE_SAID_CONFORM, option_verdict },
	{ "exceed", POLICE_SAID_EXCEED, option_verdict },
};
enum { N_POLICE_OPTIONS = sizeof(police_options) / sizeof(police_options[0]) };

static const struct police_option *find_option(struct parser *p, const struct word *w)
{
	const char *words[N_POLICE_OPTIONS];
	size_t i;

	for (i = 0; i < N_POLICE_OPTIONS; i++) {
		if (word_is(w, police_options[i].word))
			return &police_options[i];
		words[i] = police_options[i].word;
	}
	unknown_word(p, w, words, N_POLICE_OPTIONS);
	return NULL;
}

static bool parse_options(struct parser *p, struct police_draft *d)
{
	const struct police_option *o;
	const struct word *w;

	while ((w = next_word(p))) {
		o = find_option(p, w);
		if (!o)
			return false;
		if (d->said & o->field) {
			report_at(&p->report, &w->pos, NULL, "'%s' is said twice", w->text);
			return false;
		}
		d->said |= o->field;
		if (!o->parse(p, d, w))
			return false;
	}
	return true;
}

static bool parse_direction(struct parser *p, struct police *police)
{
	static const char *const words[] = { "ingress", "egress" };
	const struct word *w = want_word(p, &p->stmt.words[0], "'ingress' or 'egress'");

	if (!w)
		return false;
	if (!word_is(w, "ingress") && !word_is(w, "egress")) {
		unknown_word(p, w, words, 2);
		return false;
	}
	police->ingress = word_is(w, "ingress");
	return true;
}

static bool parse_head(struct parser *p, struct police_draft *d)
{
	if (!parse_direction(p, d->police) || !parse_options(p, d))
		return false;
	if (!(d->said & POLICE_SAID_RATE)) {
		report_at(&p->report, &p->stmt.words[p->stmt.n - 1].end, NULL,
			  "'police' needs a rate: 'police ingress rate 1mbit'");
		return false;
	}
	return !(d->said & POLICE_SAID_BURST) ||
	       check_burst(p, "burst", d->police->burst_bytes, d->police->rate_bit, &d->burst_at);
}

static void parse_police_match(struct parser *p, void *scope)
{
	struct match ***tail = scope, *m = parse_match_terms(p);

	if (!m)
		return;
	**tail = m;
	*tail = &m->next;
}

/* A rule with an error in its first line is read too, for the errors inside. */
void parse_police(struct parser *p, void *scope)
{
	struct police ***tail = scope, *police = conf_alloc(p, sizeof(*police));
	struct police_draft d = { .police = police };
	struct match **match_tail;

	if (!police)
		return;
	police->loc = loc_of(&p->stmt.words[0].pos);
	police->conform = VERDICT_PASS;
	police->exceed = VERDICT_DROP;
	parse_head(p, &d);
	match_tail = &police->matches;
	parse_block(p, &block_police, &match_tail);
	**tail = police;
	*tail = &police->next;
}

static const struct keyword police_words[] = {
	{ "match", parse_police_match },
};
const struct block block_police = {
	.where = "in a police rule", .keywords = police_words,
	.n = sizeof(police_words) / sizeof(police_words[0]),
};
