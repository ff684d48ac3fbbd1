/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arena.h - memory that lives and dies together.
 *
 * A policy, a tree and a list of operations each own one arena; nothing in them is freed singly.
 */
#ifndef WEIR_LIB_ARENA_H
#define WEIR_LIB_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *head;
};

/* Zeroed memory, aligned for any type; NULL when there is none. */
void *arena_alloc(struct arena *a, size_t size);

/* Copies; NULL when there is no memory (arena_strdup also for a NULL string). */
void *arena_memdup(struct arena *a, const void *src, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Frees everything; the arena may be used again. */
void arena_free(struct arena *a);

#endif
