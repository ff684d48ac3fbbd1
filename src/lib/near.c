// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/near.h"

#include <string.h>

enum { LONGEST = 32 };

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

/* Optimal string alignment distance, three rows at a time. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[3][LONGEST + 1], i, j, cost;
	unsigned int la = (unsigned int)strlen(a), lb = (unsigned int)strlen(b);

	if (la > LONGEST || lb > LONGEST)
		return LONGEST;
	for (j = 0; j <= lb; j++)
		row[0][j] = j;
	for (i = 1; i <= la; i++) {
		unsigned int *now = row[i % 3], *up = row[(i - 1) % 3];

		now[0] = i;
		for (j = 1; j <= lb; j++) {
			cost = a[i - 1] != b[j - 1];
			now[j] = min3(up[j] + 1, now[j - 1] + 1, up[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    row[(i - 2) % 3][j - 2] + 1 < now[j])
				now[j] = row[(i - 2) % 3][j - 2] + 1;
		}
	}
	return row[la % 3][lb];
}

const char *near_word(const char *word, const char *const *words, size_t n)
{
	unsigned int best = (unsigned int)strlen(word) / 3 + 1, d;
	const char *found = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!words[i])
			continue;
		d = distance(word, words[i]);
		if (d <= best && d < strlen(words[i]) && (!found || d < best)) {
			best = d;
			found = words[i];
		}
	}
	return found;
}
