// SPDX-License-Identifier: GPL-2.0-or-later
/* The engine of option rows: words, values, text, JSON, comparing, the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "qdisc/kind.h"
#include "tests/queue_cases.h"

/* A kind of all types. */
enum {
	NUM, RATE, SIZE, TIME, CODEL, TICK, JIFFY, PROB, FRACTION, FLAG, ENUM, BARE, INT, HEX, MASKED,
	CLASSID, DEV, IP4, IP6, MAC, BYTES, WORDS, HEAD, POS1, POS2, TWO, TWO_B, OFFNUM, HIDDEN, INIT, RO,
	FRAMES, PLAIN, INTERNAL,
};

static const char *const names[] = { "red", "green", "blue", NULL };
static const char *const bare[] = { "slow", "quick", "quickest", NULL };
static const union optval default_bytes = { .b = { 1, 2, 3 } };

static const struct opt rows[] = {
	[NUM] = { "num", NULL, OPT_NUM, WIRE_U16, 1, OPT_HAS_DEF, .min = 2, .max = 1000, .def = 7 },
	[RATE] = { "rate", NULL, OPT_RATE, WIRE_U32, 2, 0 },
	[SIZE] = { "size", NULL, OPT_SIZE, WIRE_U32, 3, 0 },
	[TIME] = { "time", NULL, OPT_TIME, WIRE_U32, 4, 0 },
	[CODEL] = { "codel", NULL, OPT_CODEL_TIME, WIRE_U32, 5, 0 },
	[TICK] = { "tick", NULL, OPT_TICK_TIME, WIRE_U32, 6, 0 },
	[JIFFY] = { "jiffy", NULL, OPT_JIFFY_TIME, WIRE_U32, 7, 0 },
	[PROB] = { "prob", NULL, OPT_PROB, WIRE_U32, 8, 0 },
	[FRACTION] = { "fraction", NULL, OPT_FRACTION, WIRE_U32, 9, 0 },
	[FLAG] = { "flag", "noflag", OPT_FLAG, WIRE_U8, 10, OPT_HAS_DEF, .def = 1 },
	[ENUM] = { "colour", NULL, OPT_ENUM, WIRE_U32, 11, 0, .names = names },
	[BARE] = { "speed", NULL, OPT_ENUM, WIRE_U8, 12, OPT_BARE, .names = bare },
	[INT] = { "int", NULL, OPT_INT, WIRE_U32, 13, 0, .min = (uint64_t)-64, .max = 256 },
	[HEX] = { "hex", NULL, OPT_HEX, WIRE_BE32, 14, 0 },
	[MASKED] = { "masked", NULL, OPT_MASKED, WIRE_U64, 15, 0, .max = 255 },
	[CLASSID] = { "classid", NULL, OPT_CLASSID, WIRE_U32, 16, 0 },
	[DEV] = { "dev", NULL, OPT_DEV, WIRE_U32, 17, 0 },
	[IP4] = { "ip4", NULL, OPT_IP4, WIRE_BLOB, 18, 0 },
	[IP6] = { "ip6", NULL, OPT_IP6, WIRE_BLOB, 19, 0 },
	[MAC] = { "mac", NULL, OPT_MAC, WIRE_BLOB, 20, 0 },
	[BYTES] = { "bytes", NULL, OPT_BYTES, WIRE_BLOB, 21, OPT_HAS_DEF | OPT_DEF_OFF, .max = 3,
		    .defv = &default_bytes },
	[WORDS] = { "words", NULL, OPT_WORDS, WIRE_BLOB, 22, 0, .max = 4 },
	[HEAD] = { "head", NULL, OPT_TIME, WIRE_U64, 23, OPT_HAS_DEF | OPT_DEF_OFF, .unit_ns = 1 },
	[POS1] = { "first", NULL, OPT_NUM, WIRE_U32, 24, OPT_HAS_DEF | OPT_POS },
	[POS2] = { "second", NULL, OPT_PROB, WIRE_U32, 25, OPT_HAS_DEF | OPT_POS },
	[TWO] = { "loss random", NULL, OPT_PROB, WIRE_U32, 26, 0 },
	[TWO_B] = { "loss model", NULL, OPT_NUM, WIRE_U32, 27, 0 },
	[OFFNUM] = { "bandwidth", "unlimited", OPT_RATE, WIRE_U64, 28, 0 },
	[HIDDEN] = { "mark", NULL, OPT_NUM, WIRE_BE16, 29, OPT_HAS_DEF | OPT_DEF_OFF },
	[INIT] = { "flows", NULL, OPT_NUM, WIRE_U32, 30, OPT_HAS_DEF | OPT_INIT, .def = 16 },
	[RO] = { "secret", NULL, OPT_NUM, WIRE_U32, 31, OPT_WRITE_ONLY },
	[FRAMES] = { "quantum", NULL, OPT_SIZE, WIRE_U32, 32, OPT_HAS_DEF | OPT_DEF_FRAMES, .min = 256,
		     .max = 4000, .def = 2 },
	[PLAIN] = { "plain", NULL, OPT_SIZE, WIRE_U32, 33, OPT_PLAIN },
	[INTERNAL] = { "internal", NULL, OPT_NUM, WIRE_U32, 34, OPT_NO_MAN },
};

static const struct opt_word words[] = {
	{ .word = "loss", .same = "loss random" },
	{ .word = "moderate", .sets = { { .set = true, .row = BARE, .value = 1 },
					{ .set = true, .row = NUM, .value = 5 } } },
	{ .word = "more", .sets = { { .set = true, .add = true, .row = INT, .value = 100 } } },
	{ .word = "ignored" },
	{ .word = NULL },
};

static int check(const struct opts *o, struct opt_error *error)
{
	if (opts_has(o, NUM) && opts_has(o, HEX)) {
		strcpy(error->text, "num and hex exclude each other");
		return -EINVAL;
	}
	return 0;
}

static uint64_t live(const struct opts *wanted)
{
	return opts_get(wanted, NUM, 0) == 13 ? UINT64_C(1) << SIZE : 0;
}

static const struct kind sample = {
	.type = KIND_QDISC, .name = "sample", .opts = rows, .n_opts = sizeof(rows) / sizeof(rows[0]),
	.words = words, .check = check, .live = live,
};

static int index_of(void *arg, const char *dev)
{
	(void)arg;
	return strcmp(dev, "wan0") ? 0 : 7;
}

static const char *name_of(void *arg, int ifindex)
{
	(void)arg;
	return ifindex == 7 ? "wan0" : NULL;
}

static const struct wire wire = { .index_of = index_of, .name_of = name_of };

static struct arena arena;

static int drop_arena(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static int parse(const char *text, struct opts **o, struct opt_error *error)
{
	const char *argv[64];
	char *copy = arena_strdup(&arena, text);

	*o = opts_new(&arena, &sample);
	assert_non_null(*o);
	return opts_parse(&sample, queue_split(copy, argv, 64), argv, *o, error);
}

static struct opts *parsed(const char *text)
{
	struct opt_error error = { 0 };
	struct opts *o;

	if (parse(text, &o, &error))
		fail_msg("%s: %s", text, error.text);
	return o;
}

static const char *printed(const struct opts *o, bool all)
{
	char buf[2048] = "";
	FILE *f = fmemopen(buf, sizeof(buf), "w");

	opts_print(f, &sample, o, all);
	fclose(f);
	return arena_strdup(&arena, *buf ? buf + 1 : buf);
}

static void assert_text(const char *text, const char *wanted)
{
	assert_string_equal(printed(parsed(text), false), wanted);
	assert_string_equal(printed(parsed(wanted), false), wanted);
}

/* ---- text ---- */

static void values(void **state)
{
	(void)state;
	assert_text("num 0x10", "num 16");
	assert_text("rate 1500kbit", "rate 1.5mbit");
	assert_text("rate 15bit", "rate 8bit");
	assert_text("size 32kb", "size 32kb");
	assert_text("size 1500", "size 1500b");
	assert_text("plain 32kb", "plain 32768");
	assert_text("time 1500us", "time 1.5ms");
	assert_text("time 1999ns", "time 1us");
	assert_text("time 0", "time 0us");
	assert_text("prob 2.5%", "prob 2.5%");
	assert_text("prob 0.0001%", "prob 0.0001%");
	assert_text("fraction 0.020", "fraction 0.02");
	assert_text("fraction 1", "fraction 1");
	assert_text("fraction 0.000000001", "fraction 0.000000001");
	assert_text("flag", "flag");
	assert_text("noflag", "noflag");
	assert_text("colour blue", "colour blue");
	assert_text("quickest", "quickest");
	assert_text("int -64", "int -64");
	assert_text("int 256", "int 256");
	assert_text("hex 255", "hex 0xff");
	assert_text("masked 0x1/255", "masked 0x1/0xff");
	assert_text("classid 77e0:1a", "classid 77e0:1a");
	assert_text("dev wan0", "dev wan0");
	assert_text("ip4 192.0.2.1 ip6 2001:db8::1", "ip4 192.0.2.1 ip6 2001:db8::1");
	assert_text("mac 02:00:00:00:00:AB", "mac 02:00:00:00:00:ab");
	assert_text("bytes 3 2 1 words 1 2 3 4", "bytes 3 2 1 words 1 2 3 4");
	assert_text("bandwidth 1mbit", "bandwidth 1mbit");
	assert_text("unlimited", "unlimited");
	assert_text("bandwidth 0", "unlimited");
}

static void further_words(void **state)
{
	(void)state;
	assert_text("loss 5%", "loss random 5%");
	assert_text("loss random 5%", "loss random 5%");
	assert_text("loss model 5", "loss model 5");
	assert_text("moderate", "num 5 quick");
	assert_text("more more", "int 200");
	assert_text("quick moderate", "num 5 quick");
	assert_text("ignored", "");
	assert_int_equal(opts_row(&sample, "loss"), TWO);
	assert_int_equal(opts_row(&sample, "loss random"), TWO);
	assert_int_equal(opts_row(&sample, "unlimited"), OFFNUM);
	assert_int_equal(opts_row(&sample, "quick"), BARE);
	assert_int_equal(opts_row(&sample, "speed"), -1);
	assert_int_equal(opts_row(&sample, "first"), -1);
	assert_int_equal(opts_row(&sample, "internal"), -1);
}

static void positional(void **state)
{
	(void)state;
	assert_text("head 5ms", "head 5ms");
	assert_text("head 5ms 3", "head 5ms 3");
	assert_text("head 5ms 3 10%", "head 5ms 3 10%");
	assert_text("head 5ms 0 0%", "head 5ms");
	assert_text("head 5ms 0 10%", "head 5ms 0 10%");
	assert_text("head 5ms 10% num 5", "num 5 head 5ms 0 10%");
	assert_text("head 0 3", "head 0us 3");
	assert_text("head 0", "");
	assert_text("mark 0", "");
	assert_text("bytes 1 2 3", "");
}

/* ---- errors ---- */

static void assert_wrong(const char *text, int word, const char *message, const char *near)
{
	struct opt_error error = { .word = -1 };
	struct opts *o;
	int err = parse(text, &o, &error);

	if (err >= 0)
		fail_msg("'%s' was accepted", text);
	if (error.word != word)
		fail_msg("'%s': word %d, not %d", text, error.word, word);
	if (!strstr(error.text, message))
		fail_msg("'%s': '%s' lacks '%s'", text, error.text, message);
	if (near)
		assert_string_equal(error.near, near);
	else
		assert_null(error.near);
}

static void errors(void **state)
{
	(void)state;
	assert_wrong("nmu 5", 0, "unknown sample option 'nmu'", "num");
	assert_wrong("num 5 quickset", 2, "unknown sample option 'quickset'", "quickest");
	assert_wrong("unlimitd", 0, "unknown sample option", "unlimited");
	assert_wrong("moderat", 0, "unknown sample option", "moderate");
	assert_wrong("zzzzzz", 0, "unknown sample option", NULL);
	assert_wrong("num", 1, "'num' needs a number", NULL);
	assert_wrong("num x", 1, "'x' is not a number, which 'num' needs", NULL);
	assert_wrong("num 1", 1, "'1' is out of range for 'num': 2 to 1000", NULL);
	assert_wrong("num 1001", 1, "out of range", NULL);
	assert_wrong("num -5", 1, "not a number", NULL);
	assert_wrong("num nan", 1, "not a number", NULL);
	assert_wrong("rate 40gbit", 1, "out of range for 'rate': 0bit to 34359738.36kbit", NULL);
	assert_wrong("rate fast", 1, "a rate such as 20mbit", NULL);
}

static void more_errors(void **state)
{
	(void)state;
	assert_wrong("size -1", 1, "a size such as 32kb", NULL);
	assert_wrong("time 5hours", 1, "a time such as 5ms", NULL);
	assert_wrong("prob 5", 1, "a share such as 2.5%", NULL);
	assert_wrong("prob 101%", 1, "out of range for 'prob': 0% to 100%", NULL);
	assert_wrong("fraction 2%", 1, "a fraction such as 0.02", NULL);
	assert_wrong("fraction 1.1", 1, "out of range for 'fraction': 0 to 1", NULL);
	assert_wrong("fraction .5", 1, "a fraction", NULL);
	assert_wrong("fraction 0.0000000001", 1, "a fraction", NULL);
	assert_wrong("colour gren", 1, "'gren' is not known to 'colour', which takes red, green, blue", "green");
	assert_wrong("int -65", 1, "out of range for 'int': -64 to 256", NULL);
	assert_wrong("int 257", 1, "out of range", NULL);
	assert_wrong("int --5", 1, "a number, also negative", NULL);
	assert_wrong("masked 1", 1, "a value and mask such as 0x1/0xff", NULL);
	assert_wrong("masked 256/1", 1, "out of range for 'masked': 0x0/0x0 to 0xff/0xff", NULL);
	assert_wrong("bytes 1 2", 1, "'bytes' needs 3 numbers", NULL);
	assert_wrong("bytes 1 2 256", 1, "'bytes' needs 3 numbers", NULL);
	assert_wrong("dev aninterfacename0", 1, "an interface name", NULL);
	assert_wrong("mac 02:00:00:00:00", 1, "a MAC address", NULL);
	assert_wrong("ip4 1.2.3", 1, "an IPv4 address", NULL);
	assert_wrong("num 5 num 6", 2, "'num' is said twice", NULL);
	assert_wrong("flag noflag", 1, "'noflag' is said twice", NULL);
	assert_wrong("slow quick", 1, "'quick' is said twice", NULL);
	assert_wrong("num 6 moderate", 2, "'moderate' goes against a word before it", NULL);
	assert_wrong("int 5 more", 2, "'more' goes against a word before it", NULL);
	assert_wrong("more int 5", 1, "'int' is said twice", NULL);
	assert_wrong("more more more", 2, "'more' goes out of range", NULL);
	assert_wrong("head 5ms 5 101%", 3, "out of range for 'second'", NULL);
	assert_wrong("num 5 hex 5", 4, "num and hex exclude each other", NULL);
	assert_wrong("loss", 1, "'loss random' needs a share", NULL);
	assert_wrong("loss modl 5", 1, "a share", NULL);
	assert_wrong("internal 5", 0, "unknown sample option", NULL);
}

/* ---- defaults and comparing ---- */

static void defaults(void **state)
{
	struct opts *o = parsed("num 9");

	(void)state;
	opts_fill(&sample, o, 1514);
	assert_string_equal(printed(o, false), "num 9");
	assert_string_equal(printed(o, true), "num 9 flag flows 16 quantum 3028b");
	assert_int_equal(o->v[FRAMES].u, 3028);
	assert_int_equal(o->v[BYTES].b[2], 3);
	o = parsed("");
	opts_fill(&sample, o, 82);
	assert_int_equal(o->v[FRAMES].u, 256);
	o = parsed("");
	opts_fill(&sample, o, 9014);
	assert_int_equal(o->v[FRAMES].u, 4000);
}

static bool holds(const char *wanted, const char *present)
{
	return opts_hold(&sample, parsed(wanted), parsed(present));
}

static void comparing(void **state)
{
	struct opts *wanted = parsed("size 5");

	(void)state;
	assert_true(holds("", "num 5"));
	assert_true(holds("num 5", "num 5 size 4kb"));
	assert_false(holds("num 5", "num 6"));
	assert_false(holds("num 5", ""));	/* said, and the kernel does not tell */
	assert_true(holds("secret 5", "secret 6"));
	assert_true(holds("ip4 1.2.3.4 mac 02:00:00:00:00:01", "ip4 1.2.3.4 mac 02:00:00:00:00:01"));
	assert_false(holds("ip4 1.2.3.4", "ip4 1.2.3.5"));
	assert_false(holds("dev a", "dev b"));
	assert_false(holds("words 1 2 3 4", "words 1 2 3 5"));
	assert_false(holds("bytes 1 2 3", "bytes 1 2 4"));
	assert_false(holds("num 5 size 1", "num 5 size 2"));
	assert_true(holds("num 13 size 1", "num 13 size 2"));	/* live */
	opts_fill(&sample, wanted, 1514);
	assert_true(opts_hold(&sample, wanted, parsed("size 5")));	/* filled, and not told */
	assert_true(opts_hold(&sample, wanted, parsed("size 5 num 7")));
	assert_false(opts_hold(&sample, wanted, parsed("size 5 num 8")));
	assert_false(opts_need_new(&sample, wanted, parsed("size 6 num 8")));
	assert_true(opts_need_new(&sample, wanted, parsed("size 5 flows 17")));
	assert_false(opts_need_new(&sample, wanted, parsed("size 5 flows 16")));
}

static void json(void **state)
{
	struct opts *o = parsed("num 9 rate 1mbit prob 25% noflag colour blue quick int -5 masked 1/2 "
				"bytes 3 2 1 loss random 1% head 5ms 3");
	json_t *got = opts_json(&sample, o);
	json_t *wanted = json_pack("{s:i s:i s:f s:b s:s s:s s:i s:s s:[iii] s:f s:i s:i}", "num", 9,
				   "rate", 1000000, "prob", 0.25, "flag", 0, "colour", "blue", "speed",
				   "quick", "int", -5, "masked", "0x1/0x2", "bytes", 3, 2, 1,
				   "loss_random", 0.01, "head", 5000000, "first", 3);

	(void)state;
	assert_non_null(wanted);
	assert_true(json_equal(got, wanted));
	json_decref(got);
	json_decref(wanted);
}

/* ---- the wire ---- */

static struct opts *through_wire(const struct opts *o, const struct wire *how)
{
	struct nl_msg *msg = nlmsg_alloc_simple(36, 0);
	struct opts *back = opts_new(&arena, &sample);
	struct nlattr *attr;

	assert_int_equal(kind_emit(msg, 2, &sample, o, how), 0);
	attr = nlmsg_find_attr(nlmsg_hdr(msg), 0, 2);
	assert_non_null(attr);
	assert_int_equal(kind_read(attr, &sample, back, how), 0);
	nlmsg_free(msg);
	return back;
}

static void wire_round_trip(void **state)
{
	static const char *const texts[] = {
		"num 9", "rate 34gbit", "size 4294967295b", "time 4294967295us", "prob 33.3333%",
		"fraction 0.123456789", "flag", "noflag", "colour green", "quickest", "int -64", "int 200",
		"hex 0xdeadbeef", "masked 0x12/0xfe", "classid 77e0:1a", "dev wan0", "ip4 192.0.2.1",
		"ip6 2001:db8::1", "mac 02:00:00:00:00:ab", "bytes 9 8 7", "words 1 2 3 2147483647",
		"head 18446744073709551615ns", "head 1ns 5 2%", "bandwidth 1000tbit", "mark 65535", "secret 5",
		"loss random 7% loss model 3", NULL,
	};
	unsigned int i, r;

	(void)state;
	for (i = 0; texts[i]; i++) {
		struct opts *o = parsed(texts[i]), *back = through_wire(o, &wire);

		assert_int_equal(back->set, o->set);
		assert_string_equal(printed(back, false), printed(o, false));
		for (r = 0; r < sample.n_opts; r++)
			assert_memory_equal(&back->v[r], &o->v[r], sizeof(o->v[r]));
	}
}

static void wire_details(void **state)
{
	struct wire change = wire;
	struct nl_msg *msg;
	struct opts *o, *back;

	(void)state;
	change.change = true;
	back = through_wire(parsed("num 9 flows 5"), &change);
	assert_false(opts_has(back, INIT));
	assert_true(opts_has(back, NUM));
	msg = nlmsg_alloc_simple(36, 0);
	assert_int_equal(kind_emit(msg, 2, &sample, parsed("dev lan0"), &wire), -ENODEV);
	nlmsg_free(msg);
	msg = nlmsg_alloc_size(24);
	assert_int_equal(kind_emit(msg, 2, &sample, parsed("num 9 size 5"), &wire), -EMSGSIZE);
	nlmsg_free(msg);

	/* a word of an enum that is not known, a short attribute, an attribute of another world */
	msg = nlmsg_alloc_simple(36, 0);
	nla_put_u32(msg, 11, 3);
	nla_put_u32(msg, 500, 3);
	nla_put_u32(msg, 3, 77);
	o = opts_new(&arena, &sample);
	assert_int_equal(opts_read_rows(nlmsg_data(nlmsg_hdr(msg)), nlmsg_datalen(nlmsg_hdr(msg)), &sample,
					o, &wire), 0);
	assert_int_equal(o->set, UINT64_C(1) << SIZE);
	nla_put_u8(msg, 3, 1);
	assert_int_equal(opts_read_rows(nlmsg_data(nlmsg_hdr(msg)), nlmsg_datalen(nlmsg_hdr(msg)), &sample,
					o, &wire), -EINVAL);
	nlmsg_free(msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(values, drop_arena),
		cmocka_unit_test_teardown(further_words, drop_arena),
		cmocka_unit_test_teardown(positional, drop_arena),
		cmocka_unit_test_teardown(errors, drop_arena),
		cmocka_unit_test_teardown(more_errors, drop_arena),
		cmocka_unit_test_teardown(defaults, drop_arena),
		cmocka_unit_test_teardown(comparing, drop_arena),
		cmocka_unit_test_teardown(json, drop_arena),
		cmocka_unit_test_teardown(wire_round_trip, drop_arena),
		cmocka_unit_test_teardown(wire_details, drop_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
