/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parse.h - what the files of the parser share; nobody else includes it.
 *
 * A statement is read whole: its words, and whether a block follows. A table of keywords says which
 * handler takes it. A handler reads the words after the keyword, reports what is wrong with them,
 * and either calls parse_block() or leaves the block to its caller, which then complains about it
 * and passes it over. So an error costs its own statement only.
 */
#ifndef WEIR_CONF_PARSE_H
#define WEIR_CONF_PARSE_H

#include "conf/index.h"
#include "conf/lex.h"
#include "conf/policy.h"
#include "conf/report.h"

enum {
	CONF_CLASS_DEPTH = 7,	/* levels of classes below the link's own, see resolve.c */
	CONF_TREE_CLASSES = 65000, /* minors are 16 bits; some are kept for weir's own use */
};

struct word {
	const char *text;
	struct pos pos, end;
	bool quoted;		/* then it is a value, never a keyword */
};

enum stmt_end { STMT_LINE, STMT_OPEN, STMT_CLOSE, STMT_EOF };

struct stmt {
	struct word *words;
	size_t n, room, at;	/* at: the next word to read */
	enum stmt_end end;	/* STMT_CLOSE and STMT_EOF only without words */
	struct pos open;	/* of the '{' behind it */
	bool block;		/* a block follows that nobody has read yet */
};

struct parser {
	struct ctx *ctx;
	struct policy *policy;
	struct arena arena;	/* sources and texts of errors */
	struct report report;
	struct lexer lex;
	struct token held;	/* read and put back */
	bool holding;
	struct stmt stmt;
	size_t total_bytes;	/* of all sources */
	unsigned int n_sources;
	struct index names;	/* links, limits, and the classes of all trees */
	struct link **link_tail;
	struct limit **limit_tail;
	bool unclosed;		/* reported that a block has no end: once is enough */
	bool oom;
};

/* A class while it is read and checked; every class of a policy is the first member of one. */
struct draft {
	struct class c;
	struct draft *the_default;
	struct class **tail;	/* where the next child goes */
	struct match **match_tail; /* where the next match goes; NULL at first */
	uint64_t rate_share, ceil_share;	/* where not 0, rate or ceil is this share */
	struct pos pos, rate_at, ceil_at, burst_at, cburst_at, queue_at;
	unsigned int depth;	/* 0 for the root */
	unsigned int *n_classes; /* of the whole tree */
	bool ingress;		/* the tree is one of ingress */
	bool broken;		/* its statement had an error: figures are not to be trusted */
	bool incomplete;	/* its block had one */
};

static inline struct draft *to_draft(struct class *c)
{
	return (struct draft *)(void *)c;
}

struct keyword {
	const char *word;
	void (*parse)(struct parser *p, void *scope);
};

/* What may stand in a kind of block. */
struct block {
	const char *where;	/* for messages: "in a link" */
	const struct keyword *keywords;
	size_t n;
};

extern const struct block block_file, block_link, block_class, block_police, block_limit;

/* ---- parse.c ---- */

/* Zeroed memory of the policy, or NULL with p->oom set. */
void *conf_alloc(struct parser *p, size_t size);
const char *conf_strdup(struct parser *p, const char *s);

/* The next word of the statement, or NULL at its end. */
const struct word *next_word(struct parser *p);

/* The same, but a missing one is an error: "'rate' needs a rate such as 20mbit". */
const struct word *want_word(struct parser *p, const struct word *keyword, const char *what);

/* True at the end of the statement; else reports the word that is too many. */
bool end_of_words(struct parser *p);

/* The place of a byte of a word. */
struct pos pos_in(const struct word *w, size_t offset);

struct loc loc_of(const struct pos *pos);

/* "line 3", with the file when it is another one; lives in the parser's arena. */
const char *where(struct parser *p, const struct pos *from, const struct loc *loc);

/* Whether the word is this keyword. */
bool word_is(const struct word *w, const char *keyword);

/* Reports a word that nobody knows here; words (may hold NULL) are those that are known. */
void unknown_word(struct parser *p, const struct word *w, const char *const *words, size_t n);

/* Reads the block behind the statement. The words of the statement are gone afterwards. Returns
 * how many errors were reported in it. */
unsigned int parse_block(struct parser *p, const struct block *block, void *scope);

/* Reports that the statement needs a block, unless it has one. */
bool need_block(struct parser *p);

/* Adds a named thing; returns the place of an earlier one of the same scope and name, or NULL. */
const struct loc *claim_name(struct parser *p, const void *scope, const char *name,
			     const struct loc *loc);

/* Reads all statements of the source, which goes on top of the one being read. */
void parse_source(struct parser *p, const struct source *source);

/* ---- include.c ---- */

/* A source in the parser's arena. 0, or -errno with the fault recorded. path "-" is standard
 * input. */
int source_from_text(struct parser *p, const char *name, const char *text, size_t len,
		     struct source **source);
int source_from_file(struct parser *p, const char *path, struct source **source);
void parse_include(struct parser *p, void *scope);

/* ---- value.c: a word's value, or false with the error reported ---- */

bool parse_rate_value(struct parser *p, const struct word *w, uint64_t *rate_bit);
bool parse_share_value(struct parser *p, const struct word *w, uint64_t *share);
bool parse_size_value(struct parser *p, const struct word *w, const char *what, uint64_t max,
		      uint64_t *bytes);
bool parse_number_value(struct parser *p, const struct word *w, const char *what, uint64_t min,
			uint64_t max, uint64_t *value);
bool parse_name_value(struct parser *p, const struct word *w, const char *what);
/* MARK or MARK/MASK; a mark with bits that the mask has not is an error. */
bool parse_mark_value(struct parser *p, const struct word *w, uint32_t *mark, uint32_t *mask);
bool parse_user_value(struct parser *p, const struct word *w);
const char *parse_cgroup_value(struct parser *p, const struct word *w);

/* Calls each() for each part of a comma-separated word; stops and returns false when one fails. */
bool parse_list(struct parser *p, const struct word *w,
		bool (*each)(struct parser *p, const struct word *part, void *arg), void *arg);

/* ---- statements ---- */

void parse_link(struct parser *p, void *scope);
void parse_limit(struct parser *p, void *scope);
void parse_framing(struct parser *p, void *scope);
void parse_overhead(struct parser *p, void *scope);
void parse_class(struct parser *p, void *scope);
void parse_default(struct parser *p, void *scope);
/* scope: a struct police **, where the next one goes. */
void parse_police(struct parser *p, void *scope);

/* Reads class options up to the end of the statement. allowed: enum class_fields. */
bool parse_class_options(struct parser *p, struct draft *d, uint32_t allowed);
bool parse_queue(struct parser *p, struct draft *d, const struct word *keyword);

/* Whether the word is a class option. */
bool is_class_option(const char *word);

/* A match while it is read: what the checks at its end point at. */
struct match_draft {
	struct match *m;
	struct pos family_at, ports_at, ack_at, to_at;
};

/* from and to; sport and dport. parse_lists.c */
bool term_address(struct parser *p, struct match_draft *d, const struct word *keyword);
bool term_ports(struct parser *p, struct match_draft *d, const struct word *keyword);

/* The whole `match` statement; NULL when it is wrong. */
struct match *parse_match_terms(struct parser *p);

/* ---- resolve.c, check.c ---- */

/* Turns shares into rates, makes the default classes, and reports what contradicts itself. */
void resolve_tree(struct parser *p, struct draft *root);

/* Whether the kernel can hold the burst at that rate; reports at pos if not. */
bool check_burst(struct parser *p, const char *what, uint64_t bytes, uint64_t rate_bit,
		 const struct pos *pos);

/* Prints warnings about a policy without errors; 0 or -ENOMEM. */
int check_policy(struct parser *p);

/* Warns of classes whose matches others have taken; calls unreachable() for each. shadow.c. */
int check_shadows(struct class *root,
		  void (*unreachable)(void *arg, const struct class *c, const struct class *by),
		  void *arg);

#endif
