/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of src/conf share: reading a text, with its errors and warnings as strings. */
#ifndef WEIR_TEST_CONF_H
#define WEIR_TEST_CONF_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#undef fail		/* cmocka has a macro of this name */

#include "conf/policy.h"

struct outcome {
	int err;
	struct policy *policy;	/* NULL after an error */
	char *error;		/* NULL without one */
	char *warnings;		/* never NULL */
	struct ctx ctx;
};

/* path NULL: reads text as the file `t`. */
static inline struct outcome read_conf(const char *path, const char *text, size_t len)
{
	struct outcome o = { 0 };
	size_t size;

	ctx_init(&o.ctx);
	o.ctx.messages = open_memstream(&o.warnings, &size);
	assert_non_null(o.ctx.messages);
	o.err = path ? conf_read(&o.ctx, path, &o.policy) :
		       conf_parse(&o.ctx, "t", text, len, &o.policy);
	fclose(o.ctx.messages);
	o.error = o.ctx.error;
	if (o.err) {
		assert_null(o.policy);
		assert_non_null(o.error);
	} else {
		assert_non_null(o.policy);
		assert_null(o.error);
	}
	return o;
}

static inline struct outcome parse_text(const char *text)
{
	return read_conf(NULL, text, strlen(text));
}

static inline void outcome_free(struct outcome *o)
{
	policy_free(o->policy);
	free(o->warnings);
	ctx_fini(&o->ctx);
}

/* A text that must be valid. */
static inline struct outcome parse_good(const char *text)
{
	struct outcome o = parse_text(text);

	if (o.err)
		print_error("%s\n", o.error);
	assert_int_equal(o.err, 0);
	return o;
}

/* The child of a class by name, which must be there. */
static inline struct class *child_of(const struct class *parent, const char *name)
{
	struct class *c;

	for (c = parent->children; c && strcmp(c->name, name);)
		c = c->next;
	assert_non_null(c);
	return c;
}

/* Free with free(). */
static inline char *print_policy(const struct policy *policy)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	conf_print(f, policy);
	fclose(f);
	return text;
}

static inline char *print_match(const struct match *m)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	conf_print_match(f, m);
	fclose(f);
	return text;
}

#endif
