// SPDX-License-Identifier: GPL-2.0-or-later
/* `limit`, and what stands in it. */
#include "conf/parse.h"

#include "conf/words.h"
#include "lib/units.h"

enum { PID_MAX = 1 << 22 };	/* PID_MAX_LIMIT, include/linux/threads.h, 6.12 */

/* A limit while it is read. */
struct limit_scope {
	struct limit *limit;
	struct loc egress_at, ingress_at, only_at, backend_at, no_children_at;	/* line 0: not said yet */
};

const char *const limit_subjects[] = {
	[LIMIT_CGROUP] = "cgroup", [LIMIT_USER] = "user", [LIMIT_PID] = "pid",
	[LIMIT_NET_CLS] = "cgroup",
};

static bool said_before(struct parser *p, struct loc *first)
{
	const struct word *keyword = &p->stmt.words[0];

	if (first->line) {
		report_at(&p->report, &keyword->pos, NULL, "'%s' is said twice", keyword->text);
		return true;
	}
	*first = loc_of(&keyword->pos);
	return false;
}

/* ---- the head: whom ---- */

static bool parse_limit_name(struct parser *p, const struct word *w, struct limit *limit)
{
	uint64_t pid;

	switch (limit->subject) {
	case LIMIT_CGROUP:
		limit->name = parse_cgroup_value(p, w);
		return limit->name;
	case LIMIT_USER:
		if (!parse_user_value(p, w))
			return false;
		limit->name = conf_strdup(p, w->text);
		return limit->name;
	default:
		if (!parse_number_value(p, w, "a pid", 1, PID_MAX, &pid))
			return false;
		limit->name = arena_printf(&p->policy->arena, "%u", (unsigned int)pid);
		p->oom |= !limit->name;
		return limit->name;
	}
}

static bool claim_limit(struct parser *p, const struct limit *limit, const struct pos *pos)
{
	const char *const *subject = &limit_subjects[limit->subject];
	const struct loc *first = claim_name(p, subject, limit->name, &limit->loc);

	if (first)
		report_at(&p->report, pos, NULL, "the limit of %s '%s' is there twice; the first is on %s",
			  *subject, report_word(&p->report, limit->name), where(p, pos, first));
	return !first;
}

static bool parse_limit_head(struct parser *p, struct limit *limit)
{
	const struct word *w = want_word(p, &p->stmt.words[0], "'cgroup', 'user' or 'pid'");
	const struct word *name;
	int i;

	if (!w)
		return false;
	for (i = 0; i < 3 && !word_is(w, limit_subjects[i]);)
		i++;
	if (i == 3) {
		unknown_word(p, w, limit_subjects, 3);
		return false;
	}
	limit->subject = (enum limit_subject)i;
	name = want_word(p, w, "a name");
	if (!name || !parse_limit_name(p, name, limit))
		return false;
	limit->loc = loc_of(&name->pos);
	return end_of_words(p) && need_block(p) && claim_limit(p, limit, &name->pos);
}

/* ---- egress, ingress: how much ---- */

static bool parse_limit_rate(struct parser *p, const struct word *keyword, uint64_t *rate_bit)
{
	char least[UNITS_TEXT], most[UNITS_TEXT];
	const struct word *w = want_word(p, keyword, "a rate such as 20mbit");
	uint64_t value;

	if (!w || !parse_rate_value(p, w, &value))
		return false;
	if (value >= LIMIT_RATE_MIN_BIT && value <= LIMIT_RATE_MAX_BIT) {
		*rate_bit = value;
		return true;
	}
	report_at(&p->report, &w->pos, NULL, "'%s' is out of range for the rate of a limit: %s to %s",
		  report_word(&p->report, w->text), units_format_rate(LIMIT_RATE_MIN_BIT, least),
		  units_format_rate(LIMIT_RATE_MAX_BIT, most));
	return false;
}

static bool parse_limit_burst(struct parser *p, const struct word *keyword, uint64_t *burst_ns)
{
	char least[UNITS_TEXT], most[UNITS_TEXT];
	const struct word *w = want_word(p, keyword, "a time such as 250ms");

	if (!w)
		return false;
	if (!units_parse_time(w->text, burst_ns) && *burst_ns >= LIMIT_BURST_MIN_NS &&
	    *burst_ns <= LIMIT_BURST_MAX_NS)
		return true;
	report_at(&p->report, &w->pos, NULL, "'%s' is not a burst; it is a time of %s to %s",
		  report_word(&p->report, w->text), units_format_time(LIMIT_BURST_MIN_NS, least),
		  units_format_time(LIMIT_BURST_MAX_NS, most));
	return false;
}

/* `rate R [burst T]` or `block` */
static void parse_limit_way(struct parser *p, struct limit_rate *way, struct loc *said)
{
	static const char *const words[] = { "rate", "block" };
	const struct word *keyword = &p->stmt.words[0], *w;
	struct limit_rate value = { 0 };

	if (said_before(p, said))
		return;
	w = want_word(p, keyword, "a rate: 'rate 5mbit'");
	if (!w)
		return;
	value.block = word_is(w, "block");
	if (!value.block && !word_is(w, "rate")) {
		unknown_word(p, w, words, 2);
		return;
	}
	if (!value.block && !parse_limit_rate(p, w, &value.rate_bit))
		return;
	w = value.block || p->stmt.at == p->stmt.n ? NULL : &p->stmt.words[p->stmt.at];
	if (w && word_is(w, "burst")) {
		p->stmt.at++;
		if (!parse_limit_burst(p, w, &value.burst_ns))
			return;
	}
	if (end_of_words(p))
		*way = value;
}

static void parse_limit_egress(struct parser *p, void *scope)
{
	struct limit_scope *s = scope;

	parse_limit_way(p, &s->limit->egress, &s->egress_at);
}

static void parse_limit_ingress(struct parser *p, void *scope)
{
	struct limit_scope *s = scope;

	parse_limit_way(p, &s->limit->ingress, &s->ingress_at);
}

/* ---- the other statements ---- */

static void parse_limit_only(struct parser *p, void *scope)
{
	static const char *const words[] = { "internet", "local" };
	const struct word *w = want_word(p, &p->stmt.words[0], "'internet' or 'local'");
	struct limit_scope *s = scope;
	const struct named *n;

	if (!w || said_before(p, &s->only_at))
		return;
	n = w->quoted ? NULL : named_find(word_only, w->text);
	if (!n)
		unknown_word(p, w, words, 2);
	else if (end_of_words(p))
		s->limit->only = (enum limit_only)n->value;
}

static void parse_limit_backend(struct parser *p, void *scope)
{
	const struct word *w = want_word(p, &p->stmt.words[0], "a name such as 'ebpf'");
	struct limit_scope *s = scope;

	if (!w || said_before(p, &s->backend_at) || !parse_name_value(p, w, "a backend") ||
	    !end_of_words(p))
		return;
	s->limit->backend = conf_strdup(p, w->text);
}

static void parse_limit_no_children(struct parser *p, void *scope)
{
	const struct word *keyword = &p->stmt.words[0];
	struct limit_scope *s = scope;

	if (said_before(p, &s->no_children_at) || !end_of_words(p))
		return;
	s->limit->no_children = true;
	if (s->limit->subject != LIMIT_PID)
		report_at(&p->report, &keyword->pos, NULL,
			  "'no-children' is about what a process starts: it belongs in 'limit pid'");
}

/* ---- the whole ---- */

static bool limits_something(const struct limit_rate *way)
{
	return way->block || way->rate_bit;
}

void parse_limit(struct parser *p, void *scope)
{
	struct limit *limit = conf_alloc(p, sizeof(*limit));
	struct limit_scope s = { .limit = limit };
	struct pos keyword = p->stmt.words[0].pos;
	unsigned int errors;
	bool good;

	(void)scope;
	if (!limit)
		return;
	good = parse_limit_head(p, limit);
	if (!good)	/* what is not known to be of no process is not complained about */
		limit->subject = LIMIT_PID;
	errors = parse_block(p, &block_limit, &s);
	if (!good)
		return;
	if (!errors && !limits_something(&limit->egress) && !limits_something(&limit->ingress))
		report_at(&p->report, &keyword, NULL,
			  "this limit limits nothing: it needs 'egress rate' or 'ingress rate'");
	*p->limit_tail = limit;
	p->limit_tail = &limit->next;
}

static const struct keyword limit_words[] = {
	{ "egress", parse_limit_egress }, { "ingress", parse_limit_ingress },
	{ "only", parse_limit_only }, { "backend", parse_limit_backend },
	{ "no-children", parse_limit_no_children },
};
const struct block block_limit = {
	.where = "in a limit", .keywords = limit_words,
	.n = sizeof(limit_words) / sizeof(limit_words[0]),
};
