/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text.h - words of files and command lines as a terminal may be shown them: control characters in
 * them (C1 too) must not reach it.
 */
#ifndef WEIR_LIB_TEXT_H
#define WEIR_LIB_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* Length of the UTF-8 character at s, of which left bytes are there, if it is complete and printable,
 * else 0. */
size_t text_printable(const char *s, size_t left);

/* Writes one character of s or a question mark for it; returns how many bytes it had. */
size_t text_put_char(FILE *f, const char *s, size_t left);

/* Writes all of them. */
void text_put_word(FILE *f, const char *s);

/* The same for a text of lines: newlines and tabs as they are. */
void text_put(FILE *f, const char *s);

#endif
