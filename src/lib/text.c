// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/text.h"

#include <string.h>

size_t text_printable(const char *s, size_t left)
{
	unsigned char c = (unsigned char)s[0];
	size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0, i;

	if (n == 1)
		return c >= 0x20 && c != 0x7f;
	if (n > left || (c == 0xc2 && (unsigned char)s[1] < 0xa0))
		return 0;
	for (i = 1; i < n; i++)
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

size_t text_put_char(FILE *f, const char *s, size_t left)
{
	size_t n = text_printable(s, left);

	if (!n)
		fputc('?', f);
	else
		fwrite(s, 1, n, f);
	return n ? n : 1;
}

static void put(FILE *f, const char *s, const char *as_they_are)
{
	size_t left = strlen(s), n;

	for (; left; s += n, left -= n) {
		n = 1;
		if (strchr(as_they_are, *s))
			fputc(*s, f);
		else
			n = text_put_char(f, s, left);
	}
}

void text_put_word(FILE *f, const char *s)
{
	put(f, s, "");
}

void text_put(FILE *f, const char *s)
{
	put(f, s, "\n\t");
}
