// SPDX-License-Identifier: GPL-2.0-or-later
/* The file's level, `link`, and what stands in a link. */
#include "conf/parse.h"

#include <string.h>

#include "conf/framing.h"
#include "conf/words.h"
#include "lib/near.h"
#include "lib/units.h"

#define BLOCK(text, table) { .where = (text), .keywords = (table), \
			     .n = sizeof(table) / sizeof((table)[0]) }

/* A link while it is read. */
struct link_scope {
	struct link *link;
	struct police **police_tail;
	struct loc framing_loc, classifier_loc, xdp_loc;	/* line 0: not said yet */
	struct pos xdp_at;
};

/* Reports that keyword was said before; returns whether it was. */
static bool said_before(struct parser *p, struct loc *first)
{
	const struct word *keyword = &p->stmt.words[0];

	if (first->line) {
		report_at(&p->report, &keyword->pos, NULL, "'%s' is said twice; the first is on %s",
			  keyword->text, where(p, &keyword->pos, first));
		return true;
	}
	*first = loc_of(&keyword->pos);
	return false;
}

/* ---- framing ---- */

static bool parse_overhead_value(struct parser *p, const struct word *w, int32_t *bytes)
{
	struct word digits = *w;
	bool minus = w->text[0] == '-';
	uint64_t v;

	digits.text += minus;
	if (units_parse_number(digits.text, &v) ||
	    v > (minus ? -FRAMING_OVERHEAD_MIN : FRAMING_OVERHEAD_MAX)) {
		report_at(&p->report, &w->pos, NULL,
			  "'%s' is not an overhead; it is -64 to 256 bytes",
			  report_word(&p->report, w->text));
		return false;
	}
	*bytes = minus ? -(int32_t)v : (int32_t)v;
	return true;
}

/* `overhead N`, `mpu N`, `atm` or `ptm`, each at most once, beginning with the word at p->stmt.at. */
struct raw_framing {
	struct framing f;
	bool overhead, mpu, linklayer;
};

static bool parse_raw_word(struct parser *p, const struct word *w, struct raw_framing *raw)
{
	static const char *const words[] = { "overhead", "mpu", "atm", "ptm" };
	const struct named *layer = w->quoted ? NULL : named_find(word_linklayers, w->text);
	const struct word *value;
	uint64_t mpu;
	bool *said;

	said = word_is(w, "overhead") ? &raw->overhead : word_is(w, "mpu") ? &raw->mpu :
		layer ? &raw->linklayer : NULL;
	if (!said) {
		unknown_word(p, w, words, 4);
		return false;
	}
	if (*said) {
		report_at(&p->report, &w->pos, NULL, layer ? "'%s' is a second link layer" :
			  "'%s' is said twice", w->text);
		return false;
	}
	*said = true;
	if (layer) {
		raw->f.linklayer = layer->value;
		return true;
	}
	value = want_word(p, w, "a number of bytes");
	if (said == &raw->overhead)
		return value && parse_overhead_value(p, value, &raw->f.overhead_bytes);
	if (!value || !parse_number_value(p, value, "mpu", 0, FRAMING_MPU_MAX, &mpu))
		return false;
	raw->f.mpu_bytes = (uint32_t)mpu;
	return true;
}

static void parse_raw_framing(struct parser *p, struct framing *framing)
{
	struct raw_framing raw = { .f = { .set = true } };
	const struct word *w;

	while ((w = next_word(p)))
		if (!parse_raw_word(p, w, &raw))
			return;
	*framing = raw.f;
}

void parse_overhead(struct parser *p, void *scope)
{
	struct link_scope *s = scope;

	if (said_before(p, &s->framing_loc))
		return;
	p->stmt.at = 0;
	parse_raw_framing(p, &s->link->framing);
}

static const char *near_preset(const char *word)
{
	const char *words[64];
	size_t n = 0, i;

	for (i = 0; framing_presets[i].name && n < 62; i++) {
		words[n++] = framing_presets[i].name;
		words[n++] = framing_presets[i].alias;
	}
	return near_word(word, words, n);
}

void parse_framing(struct parser *p, void *scope)
{
	struct link_scope *s = scope;
	const struct word *w = want_word(p, &p->stmt.words[0], "a preset such as docsis");
	const struct framing_preset *preset;

	if (!w || said_before(p, &s->framing_loc))
		return;
	if (word_is(w, "overhead") || word_is(w, "mpu") || named_find(word_linklayers, w->text)) {
		p->stmt.at = 1;
		parse_raw_framing(p, &s->link->framing);
		return;
	}
	preset = framing_find(w->text);
	if (!preset) {
		report_at(&p->report, &w->pos, near_preset(w->text), "unknown framing '%s'",
			  report_word(&p->report, w->text));
		return;
	}
	if (!end_of_words(p))
		return;
	s->link->framing = (struct framing){
		.set = true, .preset = preset->name, .overhead_bytes = preset->overhead_bytes,
		.mpu_bytes = preset->mpu_bytes, .linklayer = preset->linklayer,
	};
}

/* ---- classifier, xdp ---- */

static const struct named *parse_choice(struct parser *p, const struct named *table,
					const char *what, struct loc *said)
{
	const struct word *w = want_word(p, &p->stmt.words[0], what);
	const struct named *choice;
	const char *words[8];
	size_t n;

	if (!w || said_before(p, said))
		return NULL;
	choice = w->quoted ? NULL : named_find(table, w->text);
	if (!choice) {
		for (n = 0; n < 8 && table[n].name; n++)
			words[n] = table[n].name;
		unknown_word(p, w, words, n);
		return NULL;
	}
	return end_of_words(p) ? choice : NULL;
}

static void parse_classifier(struct parser *p, void *scope)
{
	struct link_scope *s = scope;
	const struct named *choice = parse_choice(p, word_classifiers, "'auto', 'bpf' or 'kernel'",
						  &s->classifier_loc);

	if (choice)
		s->link->classifier = (enum classifier_choice)choice->value;
}

static void parse_xdp(struct parser *p, void *scope)
{
	struct link_scope *s = scope;
	const struct named *choice = parse_choice(p, word_xdp, "'on', 'off', 'native' or 'generic'",
						  &s->xdp_loc);

	if (choice) {
		s->link->xdp = (enum xdp_choice)choice->value;
		s->xdp_at = p->stmt.words[0].pos;
	}
}

/* What is stamped at XDP is read by the classifier of ingress. */
static void check_xdp(struct parser *p, const struct link_scope *s)
{
	if (s->link->xdp == XDP_OFF)
		return;
	if (!s->link->ingress)
		report_at(&p->report, &s->xdp_at, NULL,
			  "'xdp' is for what comes in: it needs an 'ingress' block");
	else if (s->link->classifier == CLASSIFIER_KERNEL)
		report_at(&p->report, &s->xdp_at, NULL,
			  "'xdp' needs the bpf classifier: 'classifier kernel' excludes it");
}

/* ---- egress, ingress ---- */

static struct draft *new_root(struct parser *p)
{
	unsigned int *count = arena_alloc(&p->arena, sizeof(*count));
	struct draft *d = conf_alloc(p, sizeof(*d));

	if (!d || !count) {
		p->oom = true;
		return NULL;
	}
	*count = 1;
	d->n_classes = count;
	d->pos = p->stmt.words[0].pos;
	d->c.loc = loc_of(&d->pos);
	d->c.name = d->c.path = "";
	d->tail = &d->c.children;
	return d;
}

static void parse_tree(struct parser *p, struct class **root, bool ingress)
{
	const struct word *keyword = &p->stmt.words[0];
	struct draft *d = new_root(p);

	if (!d)
		return;
	d->ingress = ingress;
	d->broken = *root && said_before(p, &(*root)->loc);
	if (!*root)
		*root = &d->c;
	if (!parse_class_options(p, d, CLASS_RATE | CLASS_CEIL | CLASS_BURST | CLASS_CBURST |
				       CLASS_QUEUE)) {
		d->broken = true;
	} else if (!(d->c.set & CLASS_RATE)) {
		report_at(&p->report, &p->stmt.words[p->stmt.n - 1].end, NULL,
			  "'%s' needs a rate: '%s rate 20mbit'", keyword->text, keyword->text);
		d->broken = true;
	}
	d->incomplete = parse_block(p, &block_class, d);
	if (!p->oom)
		resolve_tree(p, d);
}

static void parse_egress(struct parser *p, void *scope)
{
	parse_tree(p, &((struct link_scope *)scope)->link->egress, false);
}

static void parse_ingress(struct parser *p, void *scope)
{
	parse_tree(p, &((struct link_scope *)scope)->link->ingress, true);
}

static void parse_link_police(struct parser *p, void *scope)
{
	parse_police(p, &((struct link_scope *)scope)->police_tail);
}

/* ---- link ---- */

/* As the kernel has it (dev_valid_name(), net/core/dev.c, 6.12): 1-15 bytes, no '/', ':' or
 * blank, neither "." nor "..". */
static bool parse_link_name(struct parser *p, const struct word *w)
{
	const char *s = w->text;
	size_t len = strlen(s);

	if (len && len <= 15 && !strpbrk(s, "/: \t") && strcmp(s, ".") && strcmp(s, ".."))
		return true;
	report_at(&p->report, &w->pos, NULL,
		  "'%s' is not an interface's name: 1 to 15 characters, no '/', ':' or blank",
		  report_word(&p->report, s));
	return false;
}

/* The name and nothing else, new; the link's place is set in any case. */
static bool parse_link_head(struct parser *p, struct link *link)
{
	const struct word *w = want_word(p, &p->stmt.words[0], "an interface");
	const struct loc *first;

	link->loc = loc_of(w ? &w->pos : &p->stmt.words[0].pos);
	if (!w || !parse_link_name(p, w) || !end_of_words(p) || !need_block(p))
		return false;
	link->name = conf_strdup(p, w->text);
	if (!link->name)
		return false;
	first = claim_name(p, &p->policy->links, link->name, &link->loc);
	if (first)
		report_at(&p->report, &w->pos, NULL, "link '%s' is there twice; the first is on %s",
			  link->name, where(p, &w->pos, first));
	return !first;
}

/* A link with an error in its first line is read too, for the errors inside. */
void parse_link(struct parser *p, void *scope)
{
	struct link *link = conf_alloc(p, sizeof(*link));
	struct link_scope s = { .link = link };

	(void)scope;
	if (!link)
		return;
	if (parse_link_head(p, link)) {
		*p->link_tail = link;
		p->link_tail = &link->next;
	}
	s.police_tail = &link->polices;
	if (!parse_block(p, &block_link, &s))
		check_xdp(p, &s);
}

/* ---- what stands where ---- */

static const struct keyword file_words[] = {
	{ "include", parse_include }, { "link", parse_link }, { "limit", parse_limit },
};
const struct block block_file = BLOCK("outside of all blocks", file_words);

static const struct keyword link_words[] = {
	{ "framing", parse_framing }, { "overhead", parse_overhead },
	{ "classifier", parse_classifier }, { "xdp", parse_xdp },
	{ "egress", parse_egress }, { "ingress", parse_ingress }, { "police", parse_link_police },
};
const struct block block_link = BLOCK("in a link", link_words);
