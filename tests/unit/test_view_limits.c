// SPDX-License-Identifier: GPL-2.0-or-later
/* Limits as they are printed, from made-up reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "view/limits.h"

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)
#define MBIT UINT64_C(1000000)

static const struct backend made_up = { .name = "made-up" };

static struct limit_report_side side(uint64_t rate_bit, uint64_t bytes, uint64_t dropped)
{
	return (struct limit_report_side){
		.wish = { .set = true, .block = !rate_bit, .rate_bit = rate_bit, .burst_ns = LIMIT_BURST_NS },
		.backend = &made_up, .counted = true,
		.count = { .packets = bytes / 1000, .bytes = bytes, .dropped = dropped },
	};
}

static struct limit_report *add(struct limit_list *list, const char *uid)
{
	struct limit_report *r = limit_list_add(list);

	assert_non_null(r);
	r->subject = LIMIT_USER;
	r->name = uid;
	r->key = (struct limit_key){ .kind = LIMIT_KIND_USER, .id = strtoul(uid, NULL, 10) };
	return r;
}

/* A limit for each verdict, of 8 Mbit/s, after a second in which the first list was still empty. */
static void fill(struct limit_list *now)
{
	struct limit_report *r;

	add(now, "64001")->side[LIMIT_EGRESS] = side(8 * MBIT, 500000, 0);
	add(now, "64002")->side[LIMIT_EGRESS] = side(8 * MBIT, 1000000, 17);
	add(now, "64003")->side[LIMIT_EGRESS] = side(8 * MBIT, 4000000, 0);
	add(now, "64004")->side[LIMIT_EGRESS] = side(8 * MBIT, 0, 0);
	add(now, "64005")->side[LIMIT_INGRESS] = side(0, 0, 3);
	r = add(now, "64006");
	r->side[LIMIT_INGRESS] = side(8 * MBIT, 0, 0);
	r->side[LIMIT_INGRESS].counted = false;
}

static char *table_of(const struct limits_view *view)
{
	char *text = NULL;
	struct ctx ctx;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ctx_init(&ctx);
	assert_int_equal(view_limits(&ctx, f, view), 0);
	fclose(f);
	ctx_fini(&ctx);
	return text;
}

static void table(void **state)
{
	static const char wanted[] =
"limit       direction         rate     measured  ratio  verdict             packets  drops  marks  calls  backend\n"
"user 64001  upload     8.00 Mbit/s  4.00 Mbit/s   0.50  UNDER LIMIT             500      0      0    500  made-up\n"
"user 64002  upload     8.00 Mbit/s  8.00 Mbit/s   1.00  THROTTLED              1000     17      0   1017  made-up\n"
"user 64003  upload     8.00 Mbit/s  32.0 Mbit/s   4.00  NOT WORKING            4000      0      0   4000  made-up\n"
"user 64004  upload     8.00 Mbit/s      0 bit/s   0.00  PROGRAM NOT CALLED        0      0      0      0  made-up\n"
"user 64005  download         block      0 bit/s      -  BLOCKED                   0      3      0      3  made-up\n"
"user 64006  download   8.00 Mbit/s            -      -  UNKNOWN                   -      -      -      -  made-up\n"
"user 64004: no process of the user has an IP socket\n";
	struct limit_list now = { .n = 0 };
	const struct limits_view view = { .now = &now, .interval_ns = SECOND };
	char *text;

	(void)state;
	fill(&now);
	text = table_of(&view);
	assert_string_equal(text, wanted);
	free(text);
	limit_list_free(&now);
}

/* The difference of two readings, found by the key, not by the place in the list. */
static void two_readings(void **state)
{
	struct limit_list now = { .n = 0 }, earlier = { .n = 0 };
	const struct limits_view view = { .now = &now, .earlier = &earlier, .interval_ns = SECOND };
	json_t *j, *up;

	(void)state;
	add(&earlier, "64009")->side[LIMIT_EGRESS] = side(8 * MBIT, 7000000, 0);
	add(&earlier, "64001")->side[LIMIT_EGRESS] = side(8 * MBIT, 400000, 0);
	add(&now, "64001")->side[LIMIT_EGRESS] = side(8 * MBIT, 500000, 0);
	j = view_limits_json(&view);
	up = json_object_get(json_array_get(j, 0), "upload");
	assert_int_equal(json_integer_value(json_object_get(up, "measured_bit")), 800000);
	assert_int_equal(json_integer_value(json_object_get(up, "bytes")), 500000);
	json_decref(j);
	limit_list_free(&now);
	limit_list_free(&earlier);
}

static const char *string_in(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static void json(void **state)
{
	static const char *const verdicts[] = {
		"UNDER LIMIT", "THROTTLED", "NOT WORKING", "PROGRAM NOT CALLED", "BLOCKED", "UNKNOWN",
	};
	struct limit_list now = { .n = 0 };
	const struct limits_view view = { .now = &now, .interval_ns = SECOND };
	const json_t *limit, *way;
	json_t *list;
	size_t i;

	(void)state;
	fill(&now);
	list = view_limits_json(&view);
	assert_int_equal(json_array_size(list), sizeof(verdicts) / sizeof(verdicts[0]));
	for (i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		limit = json_array_get(list, i);
		way = json_object_get(limit, i < 4 ? "upload" : "download");
		assert_string_equal(string_in(way, "verdict"), verdicts[i]);
		assert_string_equal(string_in(way, "backend"), "made-up");
		assert_true(json_is_null(json_object_get(limit, i < 4 ? "download" : "upload")));
		assert_int_equal(!!json_object_get(limit, "note"), i == 3);
		assert_int_equal(!!json_object_get(way, "packets"), i != 5);
	}
	way = json_object_get(json_array_get(list, 4), "download");
	assert_true(json_is_true(json_object_get(way, "block")));
	assert_true(json_is_null(json_object_get(way, "rate_bit")) &&
		    json_is_null(json_object_get(way, "ratio")));
	json_decref(list);
	limit_list_free(&now);
}

/* What else stands beside the name, and colors. */
static void remarks(void **state)
{
	struct limit_list now = { .n = 0 };
	struct limits_view view = { .now = &now, .interval_ns = SECOND, .color = true };
	struct limit_report *r = add(&now, "64003");
	char *text;

	(void)state;
	r->side[LIMIT_EGRESS] = side(8 * MBIT, 4000000, 0);
	r->only = LIMIT_INTERNET;
	r->members = 4;
	text = table_of(&view);
	assert_non_null(strstr(text, "\033[31muser 64003 +3 (internet)  upload"));
	assert_non_null(strstr(text, "made-up\033[0m\n"));
	free(text);
	limit_list_free(&now);
}

static void operations(void **state)
{
	static const struct backend another = { .name = "another" };
	struct limit_wish wish = { .subject = LIMIT_NET_CLS, .name = "a/b" };
	struct limit_op op[2] = {
		{ .verb = LIMIT_CHANGE, .before.wish = wish, .after.wish = wish },
		{ .verb = LIMIT_REMOVE, .before.wish = wish, .after.wish = wish },
	};
	const struct limit_ops ops = { .first = op };
	char *text = NULL;
	size_t len;
	FILE *f;

	(void)state;
	op[0].next = &op[1];
	op[0].before.wish.side[LIMIT_EGRESS] = side(8 * MBIT, 0, 0).wish;
	op[0].before.backend[LIMIT_EGRESS] = &made_up;
	op[0].after.wish.side[LIMIT_EGRESS] = side(9 * MBIT, 0, 0).wish;
	op[0].after.wish.side[LIMIT_EGRESS].burst_ns = 10000000;
	op[0].after.backend[LIMIT_EGRESS] = &another;
	op[1].before.wish.side[LIMIT_INGRESS] = side(0, 0, 0).wish;
	op[1].before.backend[LIMIT_INGRESS] = &made_up;
	f = open_memstream(&text, &len);
	view_limit_ops(f, &ops, false);
	fclose(f);
	assert_string_equal(text, "~ limit cgroup a/b: upload 8mbit (made-up) -> upload 9mbit burst 10ms (another)\n"
			    "- limit cgroup a/b: download block (made-up)\n");
	free(text);
	f = open_memstream(&text, &len);
	view_limit_drift(f, &ops, false);
	fclose(f);
	assert_string_equal(text, "drift: limit cgroup a/b: is upload 8mbit (made-up), applied was upload 9mbit "
			    "burst 10ms (another)\ndrift: limit cgroup a/b: added\n");
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(table), cmocka_unit_test(two_readings), cmocka_unit_test(json),
		cmocka_unit_test(remarks), cmocka_unit_test(operations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
