// SPDX-License-Identifier: GPL-2.0-or-later
/* Statements and blocks, whatever they mean. */
#include "conf/parse.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/near.h"

void *conf_alloc(struct parser *p, size_t size)
{
	void *mem = arena_alloc(&p->policy->arena, size);

	p->oom |= !mem;
	return mem;
}

const char *conf_strdup(struct parser *p, const char *s)
{
	const char *copy = arena_strdup(&p->policy->arena, s);

	p->oom |= !copy;
	return copy;
}

/* ---- places ---- */

struct pos pos_in(const struct word *w, size_t offset)
{
	struct pos pos = w->pos;
	size_t i;

	if (w->quoted)		/* escapes: the text is not what the file says */
		return pos;
	for (i = 0; i < offset; i++) {
		pos.offset++;
		pos.column += ((unsigned char)w->text[i + 1] & 0xc0) != 0x80;
	}
	return pos;
}

struct loc loc_of(const struct pos *pos)
{
	return (struct loc){ pos->source->name, pos->line, pos->column };
}

const char *where(struct parser *p, const struct pos *from, const struct loc *loc)
{
	const char *text;

	if (loc->file == from->source->name)
		text = arena_printf(&p->arena, "line %u", loc->line);
	else
		text = arena_printf(&p->arena, "%s:%u", loc->file, loc->line);
	return text ? text : "?";
}

/* ---- words of a statement ---- */

const struct word *next_word(struct parser *p)
{
	return p->stmt.at < p->stmt.n ? &p->stmt.words[p->stmt.at++] : NULL;
}

const struct word *want_word(struct parser *p, const struct word *keyword, const char *what)
{
	const struct word *w = next_word(p);

	if (!w)
		report_at(&p->report, &p->stmt.words[p->stmt.n - 1].end, NULL, "'%s' needs %s",
			  report_word(&p->report, keyword->text), what);
	return w;
}

bool end_of_words(struct parser *p)
{
	const struct word *w = next_word(p);

	if (w)
		report_at(&p->report, &w->pos, NULL, "unexpected word '%s'",
			  report_word(&p->report, w->text));
	return !w;
}

bool word_is(const struct word *w, const char *keyword)
{
	return !w->quoted && !strcmp(w->text, keyword);
}

/* The block that a keyword belongs in, if it is one of the language. */
static const struct block *home_of(const char *word)
{
	static const struct block *const blocks[] = {
		&block_file, &block_link, &block_class, &block_limit,
	};
	size_t i, k;

	for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		for (k = 0; k < blocks[i]->n; k++)
			if (!strcmp(blocks[i]->keywords[k].word, word))
				return blocks[i];
	return NULL;
}

void unknown_word(struct parser *p, const struct word *w, const char *const *words, size_t n)
{
	const struct block *home = w->quoted ? NULL : home_of(w->text);
	const char *near = w->quoted ? NULL : near_word(w->text, words, n);

	if (home)
		report_at(&p->report, &w->pos, NULL,
			  "'%s' does not belong here: it begins a statement %s", w->text,
			  home->where);
	else if (!w->quoted && isdigit((unsigned char)w->text[0]))
		report_at(&p->report, &w->pos, NULL, "'%s' has no keyword in front of it",
			  report_word(&p->report, w->text));
	else
		report_at(&p->report, &w->pos, near, "unknown word '%s'",
			  report_word(&p->report, w->text));
}

/* ---- statements ---- */

static void read_token(struct parser *p, struct token *t)
{
	if (p->holding)
		*t = p->held;
	else
		lex_next(&p->lex, t);
	p->holding = false;
}

static bool add_word(struct parser *p, const struct token *t)
{
	struct stmt *s = &p->stmt;

	if (s->n == s->room) {
		size_t room = s->room ? s->room * 2 : 32;
		struct word *words = reallocarray(s->words, room, sizeof(*words));

		if (!words) {
			p->oom = true;
			return false;
		}
		s->words = words;
		s->room = room;
	}
	s->words[s->n++] = (struct word){ t->text, t->pos, t->end, t->quoted };
	return true;
}

static void report_unclosed(struct parser *p, const struct pos *open)
{
	if (!p->unclosed && !p->report.full)
		report_at(&p->report, open, NULL, "this '{' is never closed");
	p->unclosed = true;
}

/* Passes over everything up to the end of the block that began at open. */
static void skip_block(struct parser *p, const struct pos *open)
{
	unsigned int depth = 1;
	struct token t;

	while (depth) {
		read_token(p, &t);
		if (t.type == TOKEN_EOF) {
			report_unclosed(p, open);
			return;
		}
		depth += t.type == TOKEN_OPEN;
		depth -= t.type == TOKEN_CLOSE;
	}
}

/* Reads tokens up to the end of a statement. False when there was nothing but an end of line. */
static bool read_stmt(struct parser *p)
{
	struct stmt *s = &p->stmt;
	struct token t;

	s->n = s->at = 0;
	s->block = false;
	for (;;) {
		read_token(p, &t);
		if (t.type != TOKEN_WORD)
			break;
		if (!add_word(p, &t))
			return false;
	}
	s->end = t.type == TOKEN_OPEN ? STMT_OPEN : STMT_LINE;
	if (t.type == TOKEN_OPEN) {
		s->open = t.pos;
		s->block = true;
		return true;
	}
	if (t.type != TOKEN_END && s->n) {	/* the end is for the next call */
		p->held = t;
		p->holding = true;
	} else if (t.type == TOKEN_CLOSE) {
		s->end = STMT_CLOSE;
		s->open = t.pos;
		return true;
	} else if (t.type == TOKEN_EOF) {
		s->end = STMT_EOF;
		return true;
	}
	return s->n > 0;
}

/* The next statement without errors in its spelling, or an end. */
static void next_stmt(struct parser *p)
{
	struct stmt *s = &p->stmt;

	while (!p->oom) {
		p->lex.bad = false;
		if (!read_stmt(p))
			continue;
		if (s->block && !s->n && !p->lex.bad)
			report_at(&p->report, &s->open, NULL,
				  "'{' without a statement in front of it on its line");
		if (s->block && (!s->n || p->lex.bad))
			skip_block(p, &s->open);
		else if (!p->lex.bad || s->end == STMT_CLOSE || s->end == STMT_EOF)
			return;
	}
	s->end = STMT_EOF;
	s->n = 0;
}

static const struct keyword *find_keyword(const struct block *block, const struct word *w)
{
	size_t i;

	for (i = 0; i < block->n; i++)
		if (word_is(w, block->keywords[i].word))
			return &block->keywords[i];
	return NULL;
}

static void report_unknown(struct parser *p, const struct block *block)
{
	const char *words[16];
	size_t i;

	for (i = 0; i < block->n && i < 16; i++)
		words[i] = block->keywords[i].word;
	unknown_word(p, &p->stmt.words[0], words, i);
}

static void run_stmt(struct parser *p, const struct block *block, void *scope)
{
	const struct keyword *k = find_keyword(block, &p->stmt.words[0]);
	struct pos open = p->stmt.open;
	unsigned int before = p->report.said;

	p->stmt.at = 1;
	if (k)
		k->parse(p, scope);
	else
		report_unknown(p, block);
	if (!p->stmt.block)
		return;
	if (p->report.said == before)
		report_at(&p->report, &open, NULL, "'%s' has no block", k->word);
	p->stmt.block = false;
	skip_block(p, &open);
}

unsigned int parse_block(struct parser *p, const struct block *block, void *scope)
{
	struct pos open = p->stmt.open;
	unsigned int before = p->report.said;

	if (!p->stmt.block)
		return 0;
	p->stmt.block = false;
	for (;;) {
		next_stmt(p);
		if (p->stmt.end == STMT_CLOSE)
			break;
		if (p->stmt.end == STMT_EOF) {
			report_unclosed(p, &open);
			break;
		}
		run_stmt(p, block, scope);
	}
	return p->report.said - before;
}

bool need_block(struct parser *p)
{
	if (p->stmt.block)
		return true;
	report_at(&p->report, &p->stmt.words[p->stmt.n - 1].end, NULL, "'%s' needs a block: '{ ... }'",
		  p->stmt.words[0].text);
	return false;
}

void parse_source(struct parser *p, const struct source *source)
{
	struct lexer outer = p->lex;
	struct token held = p->held;
	bool holding = p->holding;

	p->holding = false;
	p->unclosed = false;
	lex_begin(&p->lex, source, &p->report);
	for (;;) {
		next_stmt(p);
		if (p->stmt.end == STMT_EOF)
			break;
		if (p->stmt.end == STMT_CLOSE)
			report_at(&p->report, &p->stmt.open, NULL, "this '}' closes nothing");
		else
			run_stmt(p, &block_file, NULL);
	}
	p->lex = outer;
	p->held = held;
	p->holding = holding;
	p->stmt.block = false;
}

/* ---- names ---- */

struct claim {
	const void *scope;
	const char *name;
	const struct loc *loc;
};

static bool same_claim(const void *item, const void *key)
{
	const struct claim *a = item, *b = key;

	return a->scope == b->scope && !strcmp(a->name, b->name);
}

const struct loc *claim_name(struct parser *p, const void *scope, const char *name,
			     const struct loc *loc)
{
	struct claim key = { scope, name, loc }, *claim;
	uint64_t hash = index_hash(INDEX_HASH_SEED, &scope, sizeof(scope));

	hash = index_hash(hash, name, strlen(name));
	claim = index_find(&p->names, hash, same_claim, &key);
	if (claim)
		return claim->loc;
	claim = arena_memdup(&p->arena, &key, sizeof(key));
	if (!claim || index_add(&p->names, hash, claim))
		p->oom = true;
	return NULL;
}
