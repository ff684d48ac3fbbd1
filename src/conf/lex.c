// SPDX-License-Identifier: GPL-2.0-or-later
#include "conf/lex.h"

#include <string.h>

void lex_begin(struct lexer *lex, const struct source *source, struct report *report)
{
	memset(lex, 0, sizeof(*lex));
	lex->source = source;
	lex->report = report;
	lex->at = (struct pos){ .source = source, .line = 1, .column = 1 };
	if (source->len >= 3 && !memcmp(source->text, "\xef\xbb\xbf", 3))
		lex->at.offset = 3;	/* a byte order mark */
}

static bool at_end(const struct lexer *lex)
{
	return lex->at.offset >= lex->source->len;
}

static unsigned char peek(const struct lexer *lex)
{
	return (unsigned char)lex->source->text[lex->at.offset];
}

static void advance(struct lexer *lex)
{
	unsigned char c = peek(lex), next;

	lex->at.offset++;
	if (c == '\n') {
		lex->at.line++;
		lex->at.column = 1;
		return;
	}
	next = at_end(lex) ? 0 : peek(lex);
	if ((next & 0xc0) != 0x80)	/* not within a UTF-8 character */
		lex->at.column++;
}

/* True for the first error of a line, which is then the only one reported. */
static bool first_on_line(struct lexer *lex, const struct pos *pos)
{
	bool first = lex->bad_line != pos->line;

	lex->bad_line = pos->line;
	return first;
}

/* Whether the character is one that no configuration holds; reported if so. */
static bool check_char(struct lexer *lex)
{
	unsigned char c = peek(lex);

	if (c == '\r' && lex->at.offset + 1 < lex->source->len &&
	    lex->source->text[lex->at.offset + 1] == '\n')
		return true;
	if ((c >= 0x20 && c != 0x7f) || c == '\t' || c == '\n')
		return true;
	if (!first_on_line(lex, &lex->at))
		return false;
	if (!c)
		report_at(lex->report, &lex->at, NULL, "NUL byte: this is not a text file");
	else
		report_at(lex->report, &lex->at, NULL, "control character 0x%02x", c);
	return false;
}

static void skip_comment(struct lexer *lex)
{
	while (!at_end(lex) && peek(lex) != '\n') {
		check_char(lex);
		advance(lex);
	}
}

static void skip_blanks(struct lexer *lex)
{
	while (!at_end(lex)) {
		unsigned char c = peek(lex);

		if (c == '#') {
			skip_comment(lex);
		} else if (c == ' ' || c == '\t' || c == '\r') {
			lex->bad |= !check_char(lex);
			advance(lex);
		} else if ((c < 0x20 && c != '\n') || c == 0x7f) {
			check_char(lex);
			lex->bad = true;
			advance(lex);
		} else {
			return;
		}
	}
}

static void complain(struct lexer *lex, const struct pos *pos, const char *text)
{
	lex->bad = true;
	if (first_on_line(lex, pos))
		report_at(lex->report, pos, NULL, "%s", text);
}

static void finish_word(struct lexer *lex, struct token *token, char *end)
{
	*end = 0;
	token->end = lex->at;
	if ((size_t)(end - token->text) > LEX_WORD_MAX)
		complain(lex, &token->pos, "this word is longer than 4095 bytes");
}

static bool ends_word(unsigned char c)
{
	return c <= 0x20 || c == 0x7f || strchr(";{}#\"", c);
}

static void lex_bare(struct lexer *lex, struct token *token)
{
	char *begin = lex->source->words + lex->at.offset;

	token->text = begin;
	while (!at_end(lex) && !ends_word(peek(lex)))
		advance(lex);
	finish_word(lex, token, lex->source->words + lex->at.offset);
	if (!at_end(lex) && peek(lex) == '"')
		complain(lex, &lex->at, "a quote inside a word: quote the whole word");
}

/* The character behind a backslash. */
static unsigned char lex_escape(struct lexer *lex)
{
	struct pos backslash = lex->at;
	unsigned char c;

	advance(lex);
	c = at_end(lex) ? '\n' : peek(lex);
	if (c != '"' && c != '\\')
		complain(lex, &backslash, "in quotes a backslash is written '\\\\', a quote '\\\"'");
	return c;
}

static void lex_quoted(struct lexer *lex, struct token *token)
{
	char *out = lex->source->words + lex->at.offset;

	token->text = out;
	token->quoted = true;
	advance(lex);
	while (!at_end(lex) && peek(lex) != '\n' && peek(lex) != '"') {
		unsigned char c = peek(lex);

		if (c == '\\')
			c = lex_escape(lex);
		else
			lex->bad |= !check_char(lex);
		if (at_end(lex) || peek(lex) == '\n')
			break;
		*out++ = (char)c;
		advance(lex);
	}
	if (at_end(lex) || peek(lex) == '\n')
		complain(lex, &token->pos, "this quote is not closed on its line");
	else
		advance(lex);
	finish_word(lex, token, out);
	if (!at_end(lex) && (peek(lex) == '"' || !ends_word(peek(lex))))
		complain(lex, &lex->at, "a blank is missing behind the quote");
}

void lex_next(struct lexer *lex, struct token *token)
{
	if (lex->report->full)
		lex->at.offset = (uint32_t)lex->source->len;
	skip_blanks(lex);
	*token = (struct token){ .type = TOKEN_EOF, .pos = lex->at, .end = lex->at };
	if (at_end(lex))
		return;
	switch (peek(lex)) {
	case '{':
		token->type = TOKEN_OPEN;
		break;
	case '}':
		token->type = TOKEN_CLOSE;
		break;
	case '\n':
	case ';':
		token->type = TOKEN_END;
		break;
	case '"':
		token->type = TOKEN_WORD;
		lex_quoted(lex, token);
		return;
	default:
		token->type = TOKEN_WORD;
		lex_bare(lex, token);
		return;
	}
	advance(lex);
	token->end = lex->at;
}
