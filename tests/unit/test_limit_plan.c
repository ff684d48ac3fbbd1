// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What leads from the limits of the host to those of a file, and what carrying it out calls, in which
 * order: with backends that are lists in memory, instead of src/host/backends.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "host/limit_plan.h"
#include "kernel/process.h"

#include <cmocka.h>

/* ---- the host ---- */

enum { ROOM = 8 };

/* Users only: names are numbers, for which no machine has to be looked at. */
struct memory {
	const struct backend *backend;
	struct limit_wish wish[ROOM];
	unsigned int n;
	int fails;		/* what set() says */
};

static struct memory best_has, other_has;
static char calls[256];

static void called(const char *fmt, const char *what, unsigned int n, unsigned int ways)
{
	size_t len = strlen(calls);

	snprintf(calls + len, sizeof(calls) - len, fmt, what, n, ways);
}

static struct limit_key key_of(const char *uid)
{
	return (struct limit_key){ .kind = LIMIT_KIND_USER, .id = (uint64_t)strtoul(uid, NULL, 10) };
}

static struct limit_wish *find(struct memory *m, const char *name)
{
	unsigned int i;

	for (i = 0; i < m->n; i++)
		if (!strcmp(m->wish[i].name, name))
			return &m->wish[i];
	return NULL;
}

static int set(struct memory *m, const struct limit_wish *wishes, size_t n, unsigned int ways)
{
	struct limit_wish *there;
	unsigned int way;
	size_t i;

	called("%s set %u %u; ", m->backend->name, (unsigned int)n, ways);
	for (i = 0; i < n && !m->fails; i++) {
		there = find(m, wishes[i].name);
		if (!there) {
			assert_true(m->n < ROOM);
			there = &m->wish[m->n++];
			*there = (struct limit_wish){ .subject = LIMIT_USER, .name = wishes[i].name };
		}
		there->only = wishes[i].only;
		for (way = 0; way < LIMIT_WAYS; way++)
			if (ways & 1u << way)
				there->side[way] = wishes[i].side[way];
	}
	return m->fails;
}

static int take(struct memory *m, const struct limit_key *key, unsigned int ways)
{
	unsigned int i, way;
	bool left = false;

	called("%s remove %u %u; ", m->backend->name, (unsigned int)key->id, ways);
	for (i = 0; i < m->n; i++)
		if (key_of(m->wish[i].name).id == key->id)
			break;
	if (i == m->n)
		return -ENOENT;
	for (way = 0; way < LIMIT_WAYS; way++) {
		if (ways & 1u << way)
			m->wish[i].side[way].set = false;
		left |= m->wish[i].side[way].set;
	}
	if (!left)
		m->wish[i] = m->wish[--m->n];
	return 0;
}

static int list(const struct memory *m, struct limit_list *out)
{
	struct limit_report *r;
	unsigned int i, way;

	for (i = 0; i < m->n; i++) {
		r = (struct limit_report *)limit_list_find(out, key_of(m->wish[i].name));
		if (!r)
			r = limit_list_add(out);
		assert_non_null(r);
		r->subject = LIMIT_USER;
		r->key = key_of(m->wish[i].name);
		r->name = m->wish[i].name;
		r->only = m->wish[i].only;
		for (way = 0; way < LIMIT_WAYS; way++)
			if (m->wish[i].side[way].set)
				r->side[way] = (struct limit_report_side){
					.wish = m->wish[i].side[way], .backend = m->backend,
				};
	}
	return 0;
}

static bool is_available(struct ctx *ctx, unsigned int way, char why[BACKEND_WHY])
{
	(void)ctx, (void)way, (void)why;
	return true;
}

#define MEMORY_BACKEND(NAME) \
	static int NAME##_set(struct ctx *ctx, const struct limit_wish *w, size_t n, unsigned int ways) \
	{ \
		(void)ctx; \
		return set(&NAME##_has, w, n, ways); \
	} \
	static int NAME##_remove(struct ctx *ctx, const struct limit_key *key, unsigned int ways) \
	{ \
		(void)ctx; \
		return take(&NAME##_has, key, ways); \
	} \
	static int NAME##_list(struct ctx *ctx, struct limit_list *out) \
	{ \
		(void)ctx; \
		return list(&NAME##_has, out); \
	} \
	static const struct backend NAME = { \
		.name = #NAME, .ways = 3, .users = true, .available = is_available, .set = NAME##_set, \
		.remove = NAME##_remove, .list = NAME##_list, \
	}

MEMORY_BACKEND(best);
MEMORY_BACKEND(other);

const struct backend *const backends[] = { &best, &other, NULL };

const struct backend *backend_find(const char *name)
{
	return !strcmp(name, "best") ? &best : !strcmp(name, "other") ? &other : NULL;
}

int backend_choose(struct ctx *ctx, const char *name, const struct backend_ask *ask, unsigned int way,
		   const struct backend **backend)
{
	(void)ctx, (void)way;
	assert_int_equal(ask->subject, LIMIT_USER);
	*backend = name ? backend_find(name) : &best;
	return 0;
}

/* Whoever runs the test may limit. */
bool process_may(int cap)
{
	(void)cap;
	return true;
}

bool process_is_short(int err)
{
	(void)err;
	return false;
}

int process_spare_fds(unsigned int n)
{
	(void)n;
	return 0;
}

/* ---- the file ---- */

#define UP(NAME, MBIT) { \
	.loc = { .file = "f", .line = 1, .column = 1 }, .subject = LIMIT_USER, .name = NAME, \
	.egress = { .rate_bit = (MBIT) * UINT64_C(1000000) } \
}

static struct limit_wish there(const char *name, uint64_t mbit)
{
	return (struct limit_wish){
		.subject = LIMIT_USER, .name = name,
		.side[LIMIT_EGRESS] = { .set = true, .rate_bit = mbit * 1000000 },
	};
}

/* What files made: all of 1000 to 1999. */
static bool is_owned(void *arg, struct limit_key key)
{
	(void)arg;
	return key.id >= 1000 && key.id < 2000;
}

static void chain(struct limit *limits, unsigned int n)
{
	while (n-- > 1)
		limits[n - 1].next = &limits[n];
}

static int begin(void **state)
{
	(void)state;
	best_has = (struct memory){ .backend = &best };
	other_has = (struct memory){ .backend = &other };
	*calls = 0;
	return 0;
}

/* "+1001 ~1002 -1003 ": the operations. */
static const char *text_of(const struct limit_ops *ops, char buf[128])
{
	const struct limit_op *op;
	size_t n = 0;

	*buf = 0;
	for (op = ops->first; op; op = op->next)
		n += (size_t)snprintf(buf + n, 128 - n, "%c%s ", "+~-"[op->verb], op->after.wish.name);
	return buf;
}

static void expect_ops(struct limit *file, const char *wanted)
{
	struct limit_ops ops;
	char text[128];
	struct ctx ctx;

	ctx_init(&ctx);
	assert_int_equal(limits_diff(&ctx, file, NULL, is_owned, NULL, &ops), 0);
	assert_string_equal(text_of(&ops, text), wanted);
	limit_ops_free(&ops);
	ctx_fini(&ctx);
}

/* ---- tests ---- */

static void added_changed_removed(void **state)
{
	struct limit file[] = { UP("1003", 3), UP("1001", 1), UP("1002", 2) };

	(void)state;
	chain(file, 3);
	expect_ops(file, "+1003 +1001 +1002 ");
	best_has.wish[0] = there("1001", 1);
	best_has.wish[1] = there("1002", 9);
	best_has.wish[2] = there("1999", 1);
	best_has.n = 3;
	expect_ops(file, "+1003 ~1002 -1999 ");
	expect_ops(NULL, "-1001 -1002 -1999 ");
}

/* What was set by hand stays, and is taken over as it is where the file names it. */
static void by_hand(void **state)
{
	struct limit same[] = { UP("2001", 1) }, else_[] = { UP("2001", 2) };

	(void)state;
	best_has.wish[0] = there("2001", 1);
	best_has.wish[1] = there("2002", 1);
	best_has.n = 2;
	expect_ops(NULL, "");
	expect_ops(same, "");
	expect_ops(else_, "~2001 ");
}

static void what_differs(void **state)
{
	static const struct {
		struct limit file;
		const char *wanted;
	} cases[] = {
		{ { .subject = LIMIT_USER, .name = "1001", .egress = { .rate_bit = 1000000 } }, "" },
		{ { .subject = LIMIT_USER, .name = "1001", .egress = { .rate_bit = 1000000,
		  .burst_ns = LIMIT_BURST_NS } }, "" },
		{ { .subject = LIMIT_USER, .name = "1001", .egress = { .rate_bit = 1000000,
		  .burst_ns = 1000000 } }, "~1001 " },
		{ { .subject = LIMIT_USER, .name = "1001", .egress = { .block = true } }, "~1001 " },
		{ { .subject = LIMIT_USER, .name = "1001", .ingress = { .rate_bit = 1000000 } }, "~1001 " },
		{ { .subject = LIMIT_USER, .name = "1001", .egress = { .rate_bit = 1000000 },
		  .only = LIMIT_INTERNET }, "~1001 " },
		{ { .subject = LIMIT_USER, .name = "1001", .egress = { .rate_bit = 1000000 },
		  .backend = "best" }, "" },
		{ { .subject = LIMIT_USER, .name = "1001", .egress = { .rate_bit = 1000000 },
		  .backend = "other" }, "~1001 " },
	};
	struct limit file;
	size_t i;

	(void)state;
	best_has.wish[0] = there("1001", 1);
	best_has.n = 1;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		file = cases[i].file;
		expect_ops(&file, cases[i].wanted);
	}
}

static void faults(void **state)
{
	struct limit twice[] = { UP("1001", 1), UP("1001", 2) }, unknown[] = { UP("1001", 1) };
	struct limit_ops ops;
	struct ctx ctx;

	(void)state;
	ctx_init(&ctx);
	chain(twice, 2);
	twice[1].loc.line = 7;
	assert_int_equal(limits_diff(&ctx, twice, NULL, is_owned, NULL, &ops), -EEXIST);
	assert_string_equal(ctx.error, "f:7:1: user 1001: another limit of the file is on the same");
	limit_ops_free(&ops);
	ctx_clear(&ctx);
	unknown[0].backend = "bset";
	assert_int_equal(limits_diff(&ctx, unknown, NULL, is_owned, NULL, &ops), -EINVAL);
	assert_string_equal(ctx.error, "f:1:1: there is no backend 'bset'; did you mean 'best'?");
	limit_ops_free(&ops);
	ctx_fini(&ctx);
}

/* New ones go in one call; what changes its backend is never without a limit. */
static void carried_out(void **state)
{
	struct limit file[] = { UP("1001", 1), UP("1002", 2), UP("1003", 3) };
	struct limit_ops ops;
	struct ctx ctx;

	(void)state;
	ctx_init(&ctx);
	chain(file, 3);
	assert_int_equal(limits_diff(&ctx, file, NULL, is_owned, NULL, &ops), 0);
	assert_int_equal(limits_carry_out(&ctx, &ops), 0);
	assert_string_equal(calls, "best set 3 1; ");
	assert_int_equal(limits_verify(&ctx, &ops), 0);
	limit_ops_free(&ops);
	*calls = 0;
	file[0].next = NULL;
	file[0].backend = "other";
	assert_int_equal(limits_diff(&ctx, file, NULL, is_owned, NULL, &ops), 0);
	assert_int_equal(limits_carry_out(&ctx, &ops), 0);
	assert_string_equal(calls, "other set 1 1; best remove 1001 1; best remove 1002 1; best remove 1003 1; ");
	assert_int_equal(limits_verify(&ctx, &ops), 0);
	best_has.wish[best_has.n++] = there("1003", 3);
	assert_int_equal(limits_verify(&ctx, &ops), -EIO);
	limit_ops_free(&ops);
	ctx_fini(&ctx);
}

/* A change that fails leaves what was there. */
static void undone(void **state)
{
	struct limit file[] = { UP("1001", 9) };
	struct limit_ops ops;
	struct ctx ctx;

	(void)state;
	ctx_init(&ctx);
	best_has.wish[0] = there("1001", 1);
	best_has.n = 1;
	other_has.fails = -EIO;
	file[0].backend = "other";
	assert_int_equal(limits_diff(&ctx, file, NULL, is_owned, NULL, &ops), 0);
	assert_int_equal(limits_carry_out(&ctx, &ops), -EIO);
	assert_int_equal(best_has.n, 1);
	assert_true(best_has.wish[0].side[LIMIT_EGRESS].rate_bit == 1000000);
	assert_int_equal(other_has.n, 0);
	limit_ops_free(&ops);
	ctx_fini(&ctx);
}

static void keys(void **state)
{
	char text[LIMIT_KEY_TEXT];

	(void)state;
	assert_string_equal(limit_key_text(key_of("1001"), text), "user:1001");
	assert_string_equal(limit_key_text((struct limit_key){ .kind = LIMIT_KIND_NET_CLS, .id = 7 }, text),
			    "net_cls:7");
	assert_string_equal(limit_key_text((struct limit_key){ .kind = 99, .id = 7 }, text), "?:7");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(added_changed_removed, begin), cmocka_unit_test_setup(by_hand, begin),
		cmocka_unit_test_setup(what_differs, begin), cmocka_unit_test_setup(faults, begin),
		cmocka_unit_test_setup(carried_out, begin), cmocka_unit_test_setup(undone, begin),
		cmocka_unit_test(keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
