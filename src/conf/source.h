/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source.h - the texts that a policy is read from, and places in them.
 *
 * A source keeps its text until the last error about it is printed. Sources live in the parser's
 * arena, their names in the policy's (struct loc points at them).
 */
#ifndef WEIR_CONF_SOURCE_H
#define WEIR_CONF_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/arena.h"

enum {
	SOURCE_MAX_BYTES = 1 << 20,	/* of one file */
	SOURCE_TOTAL_BYTES = 16 << 20,	/* of a file and everything that it includes */
	SOURCE_MAX_DEPTH = 8,		/* files that include one another */
};

struct source {
	const char *name;	/* as messages show it */
	const char *path;	/* what includes are relative to */
	const char *text;
	char *words;		/* a copy in which the lexer ends words with NUL */
	size_t len;
	unsigned int order;	/* from 0, in the order of reading */
	unsigned int depth;	/* 1 for the file that was asked for */
	const struct source *includer;
	bool on_disk;		/* dev and ino are known */
	dev_t dev;
	ino_t ino;
};

/* A place in a source. Columns count characters from 1, a tab is one. */
struct pos {
	const struct source *source;
	uint32_t offset;	/* bytes from the beginning */
	uint32_t line, column;
};

/* Reads everything from fd into arena memory. 0, -EFBIG above SOURCE_MAX_BYTES, -ENOMEM, or what
 * read() gave. */
int source_read(struct arena *a, int fd, const char **text, size_t *len);

#endif
