/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lex.h - text to tokens: words, quoted words, braces and the ends of statements.
 *
 * Words are separated by blanks; `#` starts a comment, a newline or `;` ends a statement. A quoted
 * word may hold anything but control characters; \" and \\ are its escapes.
 */
#ifndef WEIR_CONF_LEX_H
#define WEIR_CONF_LEX_H

#include "conf/report.h"

enum { LEX_WORD_MAX = 4095 };	/* bytes: a path's length */

enum token_type { TOKEN_WORD, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_END, TOKEN_EOF };

struct token {
	enum token_type type;
	struct pos pos;
	struct pos end;		/* just behind it */
	const char *text;	/* TOKEN_WORD: in the source's copy, ended by NUL */
	bool quoted;
};

struct lexer {
	const struct source *source;
	struct report *report;
	struct pos at;
	bool bad;		/* an error since the caller cleared it; comments do not count */
	uint32_t bad_line;	/* line of the last error: one a line is enough */
};

void lex_begin(struct lexer *lex, const struct source *source, struct report *report);

/* After too many errors every further token is TOKEN_EOF. */
void lex_next(struct lexer *lex, struct token *token);

#endif
