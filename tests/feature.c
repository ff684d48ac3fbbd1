// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/feature.h"

#include <stdio.h>
#include <stdlib.h>

void feature(const char *section, const char *name, bool works)
{
	const char *path = getenv("FEATURES");
	FILE *f = path ? fopen(path, "a") : NULL;

	if (!f)
		return;
	fprintf(f, "%s\t%s\t%s\n", section, name, works ? "yes" : "no");
	fclose(f);
}
