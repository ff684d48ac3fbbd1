// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/json.h"

#include <errno.h>

int json_print(struct ctx *ctx, FILE *f, json_t *value)
{
	int err = 0;

	if (!value)
		return oom(ctx);
	if (json_dumpf(value, f, JSON_INDENT(2)) || fputc('\n', f) == EOF)
		err = fail(ctx, EIO, "standard output could not be written");
	json_decref(value);
	return err;
}

json_t *json_u64(uint64_t value)
{
	return value > INT64_MAX ? json_real((double)value) : json_integer((json_int_t)value);
}
