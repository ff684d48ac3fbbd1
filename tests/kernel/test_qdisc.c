// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every option of every queue kind on a real kernel, as a leaf of an HTB class: made, changed in place
 * and changed back, read back by weir and by tc; and the same words given to tc, read by weir.
 */
#include "kt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "qdisc/htb.h"
#include "tests/feature.h"
#include "tests/queue_cases.h"

#define ROOT HANDLE(WEIR_MAJOR, 0)
#define LEAF_CLASS HANDLE(WEIR_MAJOR, WEIR_MINOR_DEFAULT)
#define LEAF HANDLE(0x7801, 0)
#define OTHER_LEAF HANDLE(0x7802, 0)
#define PARENT "dev v0 parent 77e0:2"

enum { FRAME = 1514, ROUNDS = 15, SECONDS = 600 };

static struct tree *wanted_tree;	/* memory of a whole test */
static struct tree_link *link0;
static const struct queue_kind *queue;
static const struct kind *kind;

/* ---- the place of the leaf ---- */

static void begin(const char *name)
{
	struct obj *root;
	struct ops ops = { 0 };
	size_t i;

	alarm(SECONDS);		/* many programs to run, some on emulated processors */
	kind = kt_need(KIND_QDISC, name);
	for (i = 0; i < n_queue_kinds; i++)
		if (!strcmp(queue_kinds[i].kind, name))
			queue = &queue_kinds[i];
	/* nothing but the test sends */
	kt_sh("printf 'link %%s\\n' 'add v0 type veth peer name v1' 'set v0 addrgenmode none' "
	      "'set v1 addrgenmode none' 'set v0 up' 'set v1 up' | ip -batch -");
	wanted_tree = kt_keep(tree_new());
	link0 = kt_link(wanted_tree, "v0");
	root = kt_qdisc(wanted_tree, link0, "htb", ROOT, HANDLE_ROOT);
	opts_put(root->opts, HTB_DEFAULT, WEIR_MINOR_DEFAULT);
	kt_class(wanted_tree, link0, LEAF_CLASS, ROOT, 1000000000, 1000000000);
	kt_add_all(&ops, link0);
	MUST(!kt_apply(&ops));
}

/* The leaf as plan/compile wants it: defaults said. */
static struct obj *leaf(const char *words)
{
	struct tree *tree = kt_keep(tree_new());
	struct tree_link *link = kt_link(tree, "v0");
	struct obj *obj = kt_qdisc(tree, link, queue->kind, LEAF, LEAF_CLASS);
	char copy[2048], *argv[128];
	struct opt_error error;
	int argc;

	snprintf(copy, sizeof(copy), "%s", words);
	argc = queue_split(copy, (const char **)argv, 128);
	if (opts_parse(kind, argc, (const char **)argv, obj->opts, &error))
		kt_stop(__FILE__, __LINE__, error.text);
	opts_fill(kind, obj->opts, FRAME);
	return obj;
}

static int send_op(enum op_verb verb, const struct obj *old, const struct obj *obj)
{
	struct ops ops = { 0 };

	kt_op(&ops, verb, PHASE_BUILD, link0, old, obj);
	return kt_apply(&ops);
}

static const struct obj *present(void)
{
	struct obj *obj = tree_qdisc_at(tree_link_find(kt_keep(kt_dump()), "v0"), LEAF_CLASS);

	MUST(obj && obj->opts);
	MUST(!strcmp(obj->kind_name, queue->kind));
	return obj;
}

static void remove_leaf(void)
{
	MUST(!send_op(OP_DEL, present(), NULL));
}

/* ---- reading back ---- */

static char *printed(const struct opts *o, bool all)
{
	static char buf[4096];
	FILE *f;

	memset(buf, 0, sizeof(buf));
	f = fmemopen(buf, sizeof(buf), "w");
	opts_print(f, kind, o, all);
	fclose(f);
	return buf;
}

static bool holds(const struct obj *wanted)
{
	return opts_hold(kind, wanted->opts, present()->opts);
}

static void check_held(const struct obj *wanted, const char *how, const char *words)
{
	const struct obj *p = present();

	if (!opts_hold(kind, wanted->opts, p->opts))
		kt_fail(__FILE__, __LINE__, "%s, %s %s: the kernel holds%s", how, kind->name, words,
			printed(p->opts, true));
	CHECK(!p->opaque);
}

/* What weir says of the kernel's state, said to weir, is that state. */
static void check_said(const char *words)
{
	const struct obj *p = present(), *again;

	/* what cannot be said without something that the kernel does not tell */
	if (!strcmp(kind->name, "red") || strstr(words, "redflowlimit") || strstr(words, "slot distribution"))
		return;
	again = leaf(printed(p->opts, false));
	if (!opts_hold(kind, again->opts, p->opts))
		kt_fail(__FILE__, __LINE__, "%s %s: '%s' does not say it", kind->name, words,
			printed(p->opts, false));
}

/* tc's words for the options, without kind, handle and parent. The leaf is what comes last; of one
 * parent tc can be asked once only. */
static char *tc_says(void)
{
	char *text = kt_tc("qdisc show dev v0"), *at = strstr(text, "parent 77e0:2 ");

	MUST(at);
	return at + strlen("parent 77e0:2");
}

static void check_tc(const struct queue_case *c, const char *text)
{
	bool lacks = c->tc && c->tc[0] == '!';

	if (!c->tc)
		return;
	if (!strstr(text, c->tc + lacks) == !lacks)
		kt_fail(__FILE__, __LINE__, "%s %s: tc says%s", kind->name, c->words, text);
}

/* ---- one case ---- */

static char *check_fresh(const struct queue_case *c)
{
	struct obj *wanted = leaf(c->words);
	char *text;

	if (send_op(OP_ADD, NULL, wanted)) {
		kt_fail(__FILE__, __LINE__, "%s %s: %s", kind->name, c->words, kt_ctx.error);
		return NULL;
	}
	check_held(wanted, "made", c->words);
	check_said(c->words);
	text = tc_says();
	check_tc(c, text);
	remove_leaf();
	return text;
}

/* The kernel refuses what is marked as fixed at creation: the whole options as a change. */
static void check_refused(const struct obj *wanted, const char *words)
{
	const struct wire wire = { .change = false };
	struct tcmsg tcm = { .tcm_ifindex = link0->ifindex, .tcm_parent = LEAF_CLASS,
			     .tcm_handle = present()->handle };
	struct nl_msg *msg = nlmsg_alloc_size(4096);
	struct netlink_ack ack = { 0 };

	nlmsg_put(msg, 0, 0, RTM_NEWQDISC, 0, 0);
	nlmsg_append(msg, &tcm, sizeof(tcm), NLMSG_ALIGNTO);
	nla_put_string(msg, TCA_KIND, kind->name);
	MUST(!kind_emit(msg, TCA_OPTIONS, kind, wanted->opts, &wire));
	netlink_send(&kt_ctx, kt_nl, &msg, 1, &ack);
	if (!ack.err && strcmp(kind->name, "red"))
		kt_fail(__FILE__, __LINE__, "%s %s: can be changed in place", kind->name, words);
	nlmsg_free(msg);
	if (!ack.err) {		/* red takes it, back to the start */
		remove_leaf();
		send_op(OP_ADD, NULL, leaf(queue->base));
	}
}

/* Another handle for a new leaf: with the old one's, or none, the kernel changes the old one where the
 * kind is the same (tc_modify_qdisc(), net/sched/sch_api.c, 6.12). */
static void go_to(struct obj *wanted, const char *words)
{
	const struct obj *old = present();
	enum op_verb verb = OP_CHANGE;

	if (opts_need_new(kind, wanted->opts, old->opts)) {
		check_refused(wanted, words);
		old = present();
		wanted->handle = old->handle == LEAF ? OTHER_LEAF : LEAF;
		verb = OP_REPLACE;
	} else {
		wanted->handle = old->handle;
	}
	if (send_op(verb, old, wanted))
		kt_fail(__FILE__, __LINE__, "change to %s %s: %s", kind->name, words, kt_ctx.error);
}

static void check_change(const struct queue_case *c, const char *fresh)
{
	struct obj *base = leaf(queue->base), *wanted = leaf(c->words);
	char *before, *after;

	MUST(!send_op(OP_ADD, NULL, base));
	before = tc_says();
	if (holds(wanted) != !!(c->flags & CASE_SAME))
		kt_fail(__FILE__, __LINE__, "%s %s: %s", kind->name, c->words,
			c->flags & CASE_SAME ? "differs from the base" : "no difference is seen");
	if (c->flags & CASE_SAME) {
		CHECK_STR(fresh, before);
		remove_leaf();
		return;
	}
	go_to(wanted, c->words);
	check_held(wanted, "changed", c->words);
	CHECK_STR(tc_says(), fresh);
	go_to(base, queue->base);
	check_held(base, "changed back from", c->words);
	after = tc_says();
	if (strcmp(after, before))
		kt_fail(__FILE__, __LINE__, "%s %s: changed back to%s instead of%s", kind->name, c->words,
			after, before);
	remove_leaf();
}

/* tc reads the words as weir does: as the user wrote them, and as weir prints the whole options. */
static void check_tc_writes(const struct queue_case *c)
{
	struct obj *wanted = leaf(c->words);
	uint64_t filled = wanted->opts->filled;

	wanted->opts->filled = 0;
	kt_tc("qdisc add " PARENT " handle 7801: %s %s", kind->name, c->words);
	check_held(wanted, "made by tc", c->words);
	remove_leaf();
	if (strcmp(kind->name, "red"))	/* tc computes another Scell_log */
		wanted->opts->filled = filled;
	kt_tc("qdisc add " PARENT " handle 7801: %s %s", kind->name, printed(leaf(c->words)->opts, true));
	check_held(wanted, "made by tc in weir's words", c->words);
	remove_leaf();
}

static void check_unknown(const struct queue_case *c)
{
	struct obj *wanted = leaf(c->words);

	if (send_op(OP_ADD, NULL, wanted))
		return;
	if (holds(wanted))
		kt_fail(__FILE__, __LINE__, "%s %s: an older kernel seems to hold it", kind->name, c->words);
	remove_leaf();
}

/* The defaults that weir says are the kernel's own: tc leaves them out. */
static void check_defaults(void)
{
	struct obj *wanted = leaf(queue->base);
	char *text;

	kt_tc("qdisc add " PARENT " handle 7801: %s %s", kind->name, queue->base);
	text = tc_says();
	if (strcmp(kind->name, "red"))	/* tc computes another Scell_log */
		check_held(wanted, "by default", queue->base);
	remove_leaf();
	MUST(!send_op(OP_ADD, NULL, wanted));
	/* sfq: 128 flows at a limit of 127 packets, which are 127 once the limit is said */
	if (strcmp(kind->name, "red") && strcmp(kind->name, "sfq"))
		CHECK_STR(tc_says(), text);
	remove_leaf();
}

/* What only newer kernels have, by the first word. */
static void tell_option(const struct queue_case *c, bool works)
{
	char text[128];

	snprintf(text, sizeof(text), "%s: %.*s", kind->name, (int)strcspn(c->words, " "), c->words);
	feature("Queues", text, works);
}

static void cases(const char *name)
{
	unsigned int version = kt_version();
	size_t i;

	begin(name);
	check_defaults();
	for (i = 0; i < queue->n; i++) {
		const struct queue_case *c = &queue->cases[i];
		char *fresh;

		if (c->flags & CASE_NO_KERNEL)
			continue;
		if (c->since)
			tell_option(c, c->since <= version);
		if (c->since > version) {
			check_unknown(c);
			continue;
		}
		fresh = check_fresh(c);
		if (!fresh)
			continue;
		check_change(c, fresh);
		if (!(c->flags & CASE_NOT_TC))
			check_tc_writes(c);
	}
}

/* ---- random sets, one after the other in place ---- */

static void random_sets(const char *name)
{
	static const char *const avoid_old[] = {
		"offload_horizon", "priomap", "bands", "weights", "seed", NULL
	};
	static const char *const avoid_new[] = { "offload_horizon", NULL };
	const char *const *avoid = kt_version() < 0x60700 ? avoid_old : avoid_new;
	uint64_t seed = 4;
	char words[2048];
	int i;

	begin(name);
	MUST(!send_op(OP_ADD, NULL, leaf(queue->base)));
	for (i = 0; i < ROUNDS; i++) {
		struct obj *wanted;

		queue_random_words(queue, kind, &seed, avoid, words, sizeof(words));
		wanted = leaf(words);
		go_to(wanted, words);
		check_held(wanted, "random", words);
		check_said(words);
	}
	remove_leaf();
}

/* ---- a kind's own counters ---- */

/* Numbers that tc has under the same name are the same. Rates are not compared: tc's are in bytes. */
static int compare_counters(json_t *ours, json_t *tcs)
{
	const char *key;
	json_t *value, *other;
	size_t i;
	int n = 0;

	json_object_foreach(ours, key, value) {
		other = json_object_get(tcs, key);
		if (json_is_array(value) && json_is_array(other)) {
			CHECK_INT(json_array_size(value), json_array_size(other));
			for (i = 0; i < json_array_size(value); i++)
				n += compare_counters(json_array_get(value, i), json_array_get(other, i));
		}
		if (!json_is_integer(value) || !json_is_integer(other) || !strcmp(key, "threshold_rate") ||
		    !strcmp(key, "capacity_estimate"))
			continue;
		if (json_integer_value(value) != json_integer_value(other))
			kt_fail(__FILE__, __LINE__, "%s: %s is %lld, tc says %lld", kind->name, key,
				(long long)json_integer_value(value), (long long)json_integer_value(other));
		n++;
	}
	return n;
}

static void counters(const char *name, int least)
{
	const struct obj *p;
	json_t *ours, *tcs;
	char *text;

	begin(name);
	MUST(!send_op(OP_ADD, NULL, leaf(queue->base)));
	kt_send_frames("v0", 50);
	p = present();
	CHECK_INT(p->stats.packets, 50);
	MUST(kind->stats && p->xstats);
	ours = kind->stats(p->xstats, p->xstats_len);
	text = kt_sh("tc -s -j qdisc show " PARENT);
	tcs = json_loads(text, 0, NULL);
	MUST(ours && tcs);
	if (compare_counters(ours, json_array_get(tcs, 0)) < least)
		kt_fail(__FILE__, __LINE__, "%s: fewer than %d counters are tc's too: %s", name, least,
			json_dumps(ours, 0));
}

#define KIND(name) \
	static void name##_options(void) { cases(#name); } \
	static void name##_random(void) { random_sets(#name); }
#define COUNTED(name, least) static void name##_counters(void) { counters(#name, least); }
KIND(fq_codel) KIND(fq) KIND(cake) KIND(codel) KIND(pie) KIND(sfq) KIND(tbf) KIND(red) KIND(netem)
KIND(pfifo) KIND(bfifo) KIND(pfifo_head_drop)
COUNTED(fq_codel, 6) COUNTED(fq, 1) COUNTED(cake, 20) COUNTED(codel, 5) COUNTED(pie, 3) COUNTED(red, 4)

#define TESTS(name) { #name " options", name##_options }, { #name " random", name##_random }
#define COUNTER_TEST(name) { #name " counters", name##_counters }

int main(int argc, char **argv)
{
	static const struct kt_test tests[] = {
		TESTS(fq_codel), TESTS(fq), TESTS(cake), TESTS(codel), TESTS(pie), TESTS(sfq), TESTS(tbf),
		TESTS(red), TESTS(netem), TESTS(pfifo), TESTS(bfifo), TESTS(pfifo_head_drop),
		COUNTER_TEST(fq_codel), COUNTER_TEST(fq), COUNTER_TEST(cake), COUNTER_TEST(codel),
		COUNTER_TEST(pie), COUNTER_TEST(red),
	};

	return kt_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
