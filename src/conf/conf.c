// SPDX-License-Identifier: GPL-2.0-or-later
/* The way from a file or a text to a policy. */
#include "conf/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	arena_free(&policy->arena);
	free(policy);
}

static int parser_init(struct parser *p, struct ctx *ctx)
{
	memset(p, 0, sizeof(*p));
	p->ctx = ctx;
	p->report.arena = &p->arena;
	p->policy = calloc(1, sizeof(*p->policy));
	if (!p->policy)
		return oom(ctx);
	p->link_tail = &p->policy->links;
	p->limit_tail = &p->policy->limits;
	return 0;
}

static void parser_fini(struct parser *p)
{
	policy_free(p->policy);
	index_free(&p->names);
	free(p->stmt.words);
	arena_free(&p->arena);
}

static int parse_all(struct parser *p, const struct source *source)
{
	int err;

	parse_source(p, source);
	if (p->oom)
		return oom(p->ctx);
	err = report_close(&p->report, p->ctx);
	if (err)
		return err;
	return check_policy(p) ? oom(p->ctx) : 0;
}

/* source NULL: the reason is in the context, err says it again. */
static int run(struct parser *p, const struct source *source, int err, struct policy **policy)
{
	if (source)
		err = parse_all(p, source);
	if (!err) {
		*policy = p->policy;
		p->policy = NULL;
	}
	parser_fini(p);
	return err;
}

int conf_read(struct ctx *ctx, const char *path, struct policy **policy)
{
	struct source *source = NULL;
	struct parser p;
	int err = parser_init(&p, ctx);

	if (!err)
		err = source_from_file(&p, path, &source);
	return run(&p, source, err, policy);
}

int conf_parse(struct ctx *ctx, const char *name, const char *text, size_t len,
	       struct policy **policy)
{
	struct source *source = NULL;
	struct parser p;
	int err = parser_init(&p, ctx);

	if (!err && len > SOURCE_TOTAL_BYTES)	/* a printed policy may be larger than one file */
		err = fail(ctx, EFBIG, "'%s' is larger than 16 MiB", name);
	if (!err)
		err = source_from_text(&p, name, text, len, &source);
	return run(&p, source, err, policy);
}
