// SPDX-License-Identifier: GPL-2.0-or-later
/* Classes and their options. */
#include "conf/parse.h"

#include <string.h>

#include "lib/near.h"
#include "qdisc/opt.h"

/* ---- options ---- */

static bool is_share(const struct word *w)
{
	size_t len = strlen(w->text);

	return len && w->text[len - 1] == '%';
}

/* A rate, or a share of the parent's, which is resolved when the tree is complete. */
static bool parse_rate_or_share(struct parser *p, const struct draft *d, const struct word *w,
				uint64_t *rate_bit, uint64_t *share)
{
	if (is_share(w) && d->depth)
		return parse_share_value(p, w, share);
	return parse_rate_value(p, w, rate_bit);
}

static bool parse_rate(struct parser *p, struct draft *d, const struct word *keyword)
{
	const struct word *w = want_word(p, keyword, "a rate such as 20mbit");

	if (!w)
		return false;
	d->rate_at = w->pos;
	return parse_rate_or_share(p, d, w, &d->c.rate_bit, &d->rate_share);
}

static bool parse_ceil(struct parser *p, struct draft *d, const struct word *keyword)
{
	const struct word *w = want_word(p, keyword, "a rate such as 20mbit");

	if (!w)
		return false;
	d->ceil_at = w->pos;
	return parse_rate_or_share(p, d, w, &d->c.ceil_bit, &d->ceil_share);
}

static bool parse_prio(struct parser *p, struct draft *d, const struct word *keyword)
{
	const struct word *w = want_word(p, keyword, "a number, 0 to 7");
	uint64_t prio;

	/* TC_HTB_NUMPRIO is 8 (include/uapi/linux/pkt_sched.h, 6.12) */
	if (!w || !parse_number_value(p, w, "prio", 0, 7, &prio))
		return false;
	d->c.prio = (uint32_t)prio;
	return true;
}

static bool parse_burst(struct parser *p, struct draft *d, const struct word *keyword)
{
	const struct word *w = want_word(p, keyword, "a size such as 32kb");
	bool ceil = !strcmp(keyword->text, "cburst");
	uint64_t bytes;

	if (!w || !parse_size_value(p, w, keyword->text, UINT32_MAX, &bytes))
		return false;
	*(ceil ? &d->cburst_at : &d->burst_at) = w->pos;
	*(ceil ? &d->c.cburst_bytes : &d->c.burst_bytes) = (uint32_t)bytes;
	return true;
}

/* The kernel keeps the quantum in an int (struct htb_class, net/sched/sch_htb.c, 6.12). */
static bool parse_quantum(struct parser *p, struct draft *d, const struct word *keyword)
{
	const struct word *w = want_word(p, keyword, "a size such as 1500b");
	uint64_t bytes;

	if (!w || !parse_size_value(p, w, "quantum", INT32_MAX, &bytes))
		return false;
	d->c.quantum_bytes = (uint32_t)bytes;
	return true;
}

/* What leaves has no later hook that could read it: marks are for what comes in and is forwarded. */
static bool parse_mark(struct parser *p, struct draft *d, const struct word *keyword)
{
	const struct word *w;

	if (!d->ingress) {
		report_at(&p->report, &keyword->pos, NULL,
			  "'mark' is for classes of 'ingress': what egress decides, nothing asks for later");
		return false;
	}
	w = want_word(p, keyword, "a mark such as 0x20/0xff");
	return w && parse_mark_value(p, w, &d->c.mark, &d->c.mark_mask);
}

static const struct class_option {
	const char *word;
	uint32_t field;
	bool (*parse)(struct parser *p, struct draft *d, const struct word *keyword);
} class_options[] = {
	{ "rate", CLASS_RATE, parse_rate },
	{ "ceil", CLASS_CEIL, parse_ceil },
	{ "prio", CLASS_PRIO, parse_prio },
	{ "burst", CLASS_BURST, parse_burst },
	{ "cburst", CLASS_CBURST, parse_burst },
	{ "quantum", CLASS_QUANTUM, parse_quantum },
	{ "mark", CLASS_MARK, parse_mark },
	{ "queue", CLASS_QUEUE, parse_queue },
};
enum { N_CLASS_OPTIONS = sizeof(class_options) / sizeof(class_options[0]) };

static const struct class_option *find_option(const char *word)
{
	size_t i;

	for (i = 0; i < N_CLASS_OPTIONS; i++)
		if (!strcmp(class_options[i].word, word))
			return &class_options[i];
	return NULL;
}

bool is_class_option(const char *word)
{
	return find_option(word);
}

static void unknown_option(struct parser *p, const struct word *w, uint32_t allowed)
{
	const char *words[N_CLASS_OPTIONS];
	size_t i, n = 0;

	for (i = 0; i < N_CLASS_OPTIONS; i++)
		if (class_options[i].field & allowed)
			words[n++] = class_options[i].word;
	unknown_word(p, w, words, n);
}

bool parse_class_options(struct parser *p, struct draft *d, uint32_t allowed)
{
	const struct class_option *o;
	const struct word *w;

	while ((w = next_word(p))) {
		o = w->quoted ? NULL : find_option(w->text);
		if (!o) {
			unknown_option(p, w, allowed);
			return false;
		}
		if (!(o->field & allowed)) {
			report_at(&p->report, &w->pos, NULL, "'%s' belongs to classes, not to '%s'",
				  w->text, p->stmt.words[0].text);
			return false;
		}
		if (d->c.set & o->field) {
			report_at(&p->report, &w->pos, NULL, "'%s' is said twice", w->text);
			return false;
		}
		d->c.set |= o->field;
		if (!o->parse(p, d, w))
			return false;
	}
	return true;
}

/* ---- queue ---- */

static const struct kind *find_queue(struct parser *p, const struct word *w)
{
	const struct kind *kind = kind_find(KIND_QDISC, w->text);
	const char *names[64];
	size_t n;

	if (kind && kind->flags & KIND_LEAF)
		return kind;
	n = kind_names(KIND_QDISC, KIND_LEAF, names, sizeof(names) / sizeof(names[0]));
	if (kind)
		report_at(&p->report, &w->pos, NULL, "'%s' cannot be the queue of a class", w->text);
	else
		report_at(&p->report, &w->pos, near_word(w->text, names, n), "unknown queue '%s'",
			  report_word(&p->report, w->text));
	return NULL;
}

/* How many of the words from p->stmt.at on are the queue's: up to a class option that the kind does
 * not know as an option of its own. */
static size_t queue_words(struct parser *p, const struct kind *kind)
{
	size_t i;

	for (i = p->stmt.at; i < p->stmt.n; i++) {
		const struct word *w = &p->stmt.words[i];

		if (!w->quoted && is_class_option(w->text) && opts_row(kind, w->text) < 0)
			break;
	}
	return i - p->stmt.at;
}

static bool parse_queue_options(struct parser *p, struct draft *d, const char **argv, size_t n)
{
	const struct word *w = &p->stmt.words[p->stmt.at];
	struct opt_error error = { 0 };
	size_t i, bad;

	for (i = 0; i < n; i++)
		argv[i] = w[i].text;
	p->stmt.at += n;
	if (!opts_parse(d->c.queue, (int)n, argv, d->c.queue_opts, &error))
		return true;
	bad = error.word < 0 ? 0 : (size_t)error.word;
	report_at(&p->report, bad < n ? &w[bad].pos : &w[n - 1].end, error.near, "%s", error.text);
	return false;
}

bool parse_queue(struct parser *p, struct draft *d, const struct word *keyword)
{
	const struct word *w = want_word(p, keyword, "a kind such as fq_codel");
	const char **argv;
	size_t n;

	d->queue_at = keyword->pos;
	if (!w)
		return false;
	d->c.queue = find_queue(p, w);
	if (!d->c.queue)
		return false;
	n = queue_words(p, d->c.queue);
	argv = arena_alloc(&p->arena, (n + 1) * sizeof(*argv));
	d->c.queue_opts = opts_new(&p->policy->arena, d->c.queue);
	if (!d->c.queue_opts || !argv) {
		p->oom = true;
		return false;
	}
	return parse_queue_options(p, d, argv, n);
}

/* ---- class, default ---- */

/* A new child of parent; it is in no list yet. */
static struct draft *new_draft(struct parser *p, struct draft *parent)
{
	struct draft *d = conf_alloc(p, sizeof(*d));

	if (!d)
		return NULL;
	d->pos = p->stmt.words[0].pos;
	d->c.parent = &parent->c;
	d->c.loc = loc_of(&d->pos);
	d->c.prio = 3;
	d->depth = parent->depth + 1;
	d->ingress = parent->ingress;
	d->n_classes = parent->n_classes;
	d->tail = &d->c.children;
	return d;
}

static const char *path_below(struct parser *p, const struct class *parent, const char *name)
{
	const char *path;

	if (!parent->parent)
		path = arena_strdup(&p->policy->arena, name);
	else
		path = arena_printf(&p->policy->arena, "%s/%s", parent->path, name);
	p->oom |= !path;
	return path;
}

/* The word after `class`, new among its siblings. */
static bool parse_class_name(struct parser *p, struct draft *d)
{
	const struct word *w = want_word(p, &p->stmt.words[0], "a name");
	const struct loc *first;

	if (!w || !parse_name_value(p, w, "a class"))
		return false;
	if (!strcmp(w->text, "default")) {
		report_at(&p->report, &w->pos, NULL,
			  "'default' is not a name: the default class is a statement of its own, 'default rate 4mbit'");
		return false;
	}
	d->c.loc = loc_of(&w->pos);
	d->c.name = conf_strdup(p, w->text);
	d->c.path = d->c.name ? path_below(p, d->c.parent, d->c.name) : NULL;
	if (!d->c.path)
		return false;
	first = claim_name(p, d->c.parent, d->c.name, &d->c.loc);
	if (first)
		report_at(&p->report, &w->pos, NULL, "class '%s' is there twice; the first is on %s",
			  d->c.name, where(p, &w->pos, first));
	return !first;
}

/* Leaves the block to the caller, who passes it over: nothing deeper is read. */
static bool too_deep(struct parser *p, const struct draft *d)
{
	if (d->depth <= CONF_CLASS_DEPTH)
		return false;
	report_at(&p->report, &d->pos, NULL,
		  "classes are nested deeper than %d levels, which is what HTB has below the link's own",
		  CONF_CLASS_DEPTH);
	return true;
}

void parse_class(struct parser *p, void *scope)
{
	struct draft *parent = scope, *d = new_draft(p, parent);
	bool named;

	if (!d || too_deep(p, d))
		return;
	named = parse_class_name(p, d);
	++*d->n_classes;
	d->broken = !named || !parse_class_options(p, d, ~0U);
	if (named) {
		*parent->tail = &d->c;
		parent->tail = &d->c.next;
	}
	d->incomplete = parse_block(p, &block_class, d);
}

void parse_default(struct parser *p, void *scope)
{
	struct draft *parent = scope, *d = new_draft(p, parent);
	const struct word *keyword = &p->stmt.words[0];

	if (!d || too_deep(p, d))
		return;
	++*d->n_classes;
	if (parent->the_default) {
		report_at(&p->report, &keyword->pos, NULL,
			  "'default' is there twice; the first is on %s",
			  where(p, &keyword->pos, &parent->the_default->c.loc));
		return;
	}
	d->c.is_default = true;
	d->c.name = "default";
	d->c.path = path_below(p, &parent->c, d->c.name);
	d->broken = !parse_class_options(p, d, ~0U);
	parent->the_default = d;
	if (p->stmt.block)
		report_at(&p->report, &p->stmt.open, NULL,
			  "'default' has no block: it takes what nothing else takes");
}

static void parse_class_match(struct parser *p, void *scope)
{
	struct draft *d = scope;
	struct match *m = parse_match_terms(p), **tail;

	if (!m)
		return;
	if (!d->depth) {
		report_at(&p->report, &p->stmt.words[0].pos, NULL,
			  "'match' belongs in a class: 'class NAME { match ... }'");
		return;
	}
	tail = d->match_tail ? d->match_tail : &d->c.matches;
	*tail = m;
	d->match_tail = &m->next;
}

static const struct keyword class_words[] = {
	{ "class", parse_class }, { "default", parse_default }, { "match", parse_class_match },
};
const struct block block_class = {
	.where = "in egress, ingress or a class", .keywords = class_words,
	.n = sizeof(class_words) / sizeof(class_words[0]),
};
