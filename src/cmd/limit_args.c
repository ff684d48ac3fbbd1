// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/limit_args.h"

#include <errno.h>
#include <string.h>

#include "cmd/command.h"
#include "conf/words.h"
#include "lib/units.h"

static int set_rate(struct ctx *ctx, const char *option, const char *value, struct limit_rate *rate)
{
	char least[UNITS_TEXT], most[UNITS_TEXT];
	uint64_t rate_bit = 0;
	int err = units_parse_rate(value, &rate_bit);

	if (!strcmp(value, "block")) {
		*rate = (struct limit_rate){ .block = true };
		return 0;
	}
	if (err && err != -ERANGE)
		return fail(ctx, EINVAL, "%s needs a rate such as 20mbit, not '%s'", option, value);
	if (!err && !rate_bit)
		return fail(ctx, EINVAL, "%s 0 would let nothing pass: if that is meant, say --block", option);
	if (err || rate_bit < LIMIT_RATE_MIN_BIT || rate_bit > LIMIT_RATE_MAX_BIT)
		return fail(ctx, EINVAL, "%s '%s' is out of range: %s to %s", option, value,
			    units_format_rate(LIMIT_RATE_MIN_BIT, least),
			    units_format_rate(LIMIT_RATE_MAX_BIT, most));
	*rate = (struct limit_rate){ .rate_bit = rate_bit };
	return 0;
}

int set_upload(struct ctx *ctx, struct args *args, const char *value)
{
	return set_rate(ctx, "--upload", value, &args->limit.upload);
}

int set_download(struct ctx *ctx, struct args *args, const char *value)
{
	return set_rate(ctx, "--download", value, &args->limit.download);
}

/* A bare number would be microseconds, which nobody means. */
int set_burst(struct ctx *ctx, struct args *args, const char *value)
{
	char least[UNITS_TEXT], most[UNITS_TEXT];
	uint64_t ns, number;

	if (units_parse_number(value, &number) && !units_parse_time(value, &ns) &&
	    ns >= LIMIT_BURST_MIN_NS && ns <= LIMIT_BURST_MAX_NS) {
		args->limit.burst_ns = ns;
		return 0;
	}
	return fail(ctx, EINVAL, "--burst needs a time, %s to %s, such as 250ms, not '%s'",
		    units_format_time(LIMIT_BURST_MIN_NS, least),
		    units_format_time(LIMIT_BURST_MAX_NS, most), value);
}

int set_only(struct ctx *ctx, struct args *args, const char *value)
{
	const struct named *n = named_find(word_only, value);
	const char *near = named_near(word_only, value);

	if (!n && near)
		return fail(ctx, EINVAL, "--only: unknown word '%s'; did you mean '%s'?", value, near);
	if (!n)
		return fail(ctx, EINVAL, "--only needs 'internet' or 'local', not '%s'", value);
	args->limit.only = (enum limit_only)n->value;
	return 0;
}

int set_backend(struct ctx *ctx, struct args *args, const char *value)
{
	(void)ctx;
	args->limit.backend = value;
	return 0;
}

int set_block(struct ctx *ctx, struct args *args, const char *value)
{
	(void)ctx, (void)value;
	args->limit.block = true;
	return 0;
}

int set_no_children(struct ctx *ctx, struct args *args, const char *value)
{
	(void)ctx, (void)value;
	args->limit.no_children = true;
	return 0;
}

int set_each(struct ctx *ctx, struct args *args, const char *value)
{
	(void)ctx, (void)value;
	args->limit.each = true;
	return 0;
}

int set_all(struct ctx *ctx, struct args *args, const char *value)
{
	(void)ctx, (void)value;
	args->limit.all = true;
	return 0;
}

int set_watch(struct ctx *ctx, struct args *args, const char *value)
{
	(void)ctx, (void)value;
	args->limit.watch = true;
	return 0;
}
