// SPDX-License-Identifier: GPL-2.0-or-later
/* lib/: units, near words, arena, the error path. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#undef fail		/* cmocka has a macro of this name */

#include "lib/arena.h"
#include "lib/ctx.h"
#include "lib/near.h"
#include "lib/units.h"

struct sample {
	const char *text;
	int err;
	uint64_t value;
};

static void run_samples(const struct sample *s, size_t n, int (*parse)(const char *, uint64_t *))
{
	uint64_t v;
	size_t i;

	for (i = 0; i < n; i++) {
		v = 12345;
		print_message("%s\n", s[i].text);
		assert_int_equal(parse(s[i].text, &v), s[i].err);
		assert_int_equal(v, s[i].err ? 12345 : s[i].value);
	}
}

#define RUN(samples, parse) run_samples(samples, sizeof(samples) / sizeof((samples)[0]), parse)

static void test_rates(void **state)
{
	static const struct sample samples[] = {
		{ "20mbit", 0, 20000000 }, { "1.5gbit", 0, 1500000000 }, { "500kbit", 0, 500000 },
		{ "8bit", 0, 8 }, { "64", 0, 64 }, { "0", 0, 0 }, { "1kibit", 0, 1024 }, { "1kbps", 0, 8000 },
		{ "1MBIT", 0, 1000000 }, { "2.5tbit", 0, 2500000000000 },
		{ "9223372036854775808bit", 0, UINT64_C(1) << 63 },
		{ "9223372036854775809bit", -ERANGE, 0 }, { "10000000tbit", -ERANGE, 0 },
		{ "18446744073709551616", -ERANGE, 0 }, { "99999999999999999999999999999999999", -EINVAL, 0 },
		{ "nan", -EINVAL, 0 }, { "inf", -EINVAL, 0 }, { "0x10mbit", -ENODATA, 0 },
		{ "-1mbit", -EINVAL, 0 }, { "+1mbit", -EINVAL, 0 }, { "", -EINVAL, 0 }, { "mbit", -EINVAL, 0 },
		{ "1.", -EINVAL, 0 }, { ".5mbit", 0, 500000 }, { ".", -EINVAL, 0 }, { "1.2.3mbit", -ENODATA, 0 },
		{ "1mbitt", -ENODATA, 0 }, { "1 mbit", -ENODATA, 0 }, { "1e6", -ENODATA, 0 },
		{ "1.0000000001gbit", -EINVAL, 0 },
	};

	(void)state;
	RUN(samples, units_parse_rate);
}

static void test_sizes_times_shares(void **state)
{
	static const struct sample sizes[] = {
		{ "32kb", 0, 32768 }, { "1mb", 0, 1048576 }, { "1500", 0, 1500 }, { "2k", 0, 2048 },
		{ "8kbit", 0, 1024 }, { "1.5kb", 0, 1536 }, { "1x", -ENODATA, 0 }, { "-1", -EINVAL, 0 },
	};
	static const struct sample times[] = {
		{ "5ms", 0, 5000000 }, { "100us", 0, 100000 }, { "7", 0, 7000 }, { "1s", 0, 1000000000 },
		{ "1.5ms", 0, 1500000 }, { "3ns", 0, 3 }, { "1h", -ENODATA, 0 },
	};
	static const struct sample shares[] = {
		{ "10%", 0, 100000 }, { "12.5%", 0, 125000 }, { "100%", 0, 1000000 }, { "0.0001%", 0, 1 },
		{ "250%", 0, 2500000 }, { "10", -ENODATA, 0 }, { "%", -EINVAL, 0 },
	};
	static const struct sample numbers[] = {
		{ "0", 0, 0 }, { "0x1f", 0, 31 }, { "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 }, { "0x", -EINVAL, 0 }, { "1a", -EINVAL, 0 }, { "", -EINVAL, 0 },
	};

	(void)state;
	RUN(sizes, units_parse_size);
	RUN(times, units_parse_time);
	RUN(shares, units_parse_share);
	RUN(numbers, units_parse_number);
}

static void test_format(void **state)
{
	char buf[UNITS_TEXT];

	(void)state;
	assert_string_equal(units_format_rate(20000000, buf), "20mbit");
	assert_string_equal(units_format_rate(1500000000, buf), "1.5gbit");
	assert_string_equal(units_format_rate(1234567, buf), "1234.567kbit");
	assert_string_equal(units_format_rate(1001, buf), "1.001kbit");
	assert_string_equal(units_format_rate(0, buf), "0bit");
	assert_string_equal(units_format_rate(UINT64_C(1) << 63, buf), "9223372036854775.808kbit");
	assert_string_equal(units_format_size(1536, buf), "1.5kb");
	assert_string_equal(units_format_size(3028, buf), "3028b");
	assert_string_equal(units_format_time(5000000, buf), "5ms");
	assert_string_equal(units_format_share(125000, buf), "12.5%");
	assert_string_equal(units_human_rate(19800000, buf), "19.8 Mbit/s");
	assert_string_equal(units_human_rate(999999, buf), "1.00 Mbit/s");
	assert_string_equal(units_human_rate(12, buf), "12 bit/s");
}

/* Whatever is formatted parses back to the same value. */
static void test_round_trip(void **state)
{
	static char *(*const format[])(uint64_t, char *) = {
		units_format_rate, units_format_size, units_format_time, units_format_share,
	};
	static int (*const parse[])(const char *, uint64_t *) = {
		units_parse_rate, units_parse_size, units_parse_time, units_parse_share,
	};
	uint64_t x = 88172645463325252u, v, back;
	char buf[UNITS_TEXT];
	unsigned int i, k;

	(void)state;
	for (i = 0; i < 200000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		v = (x >> (x & 63)) & ~(UINT64_C(1) << 63);
		for (k = 0; k < 4; k++) {
			assert_int_equal(parse[k](format[k](v, buf), &back), 0);
			assert_int_equal(back, v);
		}
	}
}

static void test_near(void **state)
{
	static const char *const words[] = { "mbit", "kbit", "rate", "ceil", NULL, "egress", "ingress" };
	size_t n = sizeof(words) / sizeof(words[0]);

	(void)state;
	assert_string_equal(near_word("mbitt", words, n), "mbit");
	assert_string_equal(near_word("ciel", words, n), "ceil");
	assert_string_equal(near_word("ingres", words, n), "ingress");
	assert_string_equal(near_word("egres", words, n), "egress");
	assert_null(near_word("completely-other", words, n));
	assert_null(near_word("", words, n));
	assert_null(near_word("0123456789012345678901234567890123456789", words, n));
}

static void test_arena(void **state)
{
	struct arena a = { 0 };
	unsigned char *p;
	unsigned int i;

	(void)state;
	for (i = 1; i < 70000; i = i * 3 / 2 + 1) {
		p = arena_alloc(&a, i);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		assert_int_equal(p[0] | p[i - 1], 0);
		memset(p, 0xff, i);
	}
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_string_equal(arena_printf(&a, "%s-%d", "x", 7), "x-7");
	assert_string_equal(arena_strndup(&a, "abcdef", 3), "abc");
	assert_null(arena_strdup(&a, NULL));
	arena_free(&a);
	assert_null(a.head);
}

static void test_first_fault_wins(void **state)
{
	struct ctx ctx;

	(void)state;
	ctx_init(&ctx);
	assert_int_equal(fail(&ctx, ENOENT, "first %d", 1), -ENOENT);
	assert_int_equal(fail(&ctx, -EIO, "second"), -EIO);
	assert_string_equal(ctx.error, "first 1");
	fail_add(&ctx, "; more");
	assert_string_equal(ctx.error, "first 1; more");
	ctx_clear(&ctx);
	assert_null(ctx.error);
	assert_int_equal(fail_located(&ctx, EINVAL, "f:1:2: x"), -EINVAL);
	assert_true(ctx.located);
	ctx_fini(&ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates), cmocka_unit_test(test_sizes_times_shares),
		cmocka_unit_test(test_format), cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_near), cmocka_unit_test(test_arena),
		cmocka_unit_test(test_first_fault_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
