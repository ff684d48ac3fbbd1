// SPDX-License-Identifier: GPL-2.0-or-later
/* view/tc: what the words are, above all for kinds that not every kernel has. That they do the same is
 * tested in tests/cmd/tc_export.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "qdisc/filter.h"
#include "qdisc/htb.h"
#include "view/tc.h"

struct lab {
	struct tree *tree;
	struct tree_link *link;
};

static int setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	lab->tree = tree_new();
	lab->link = tree_link_add(lab->tree, "wan0");
	*state = lab;
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;

	tree_free(lab->tree);
	free(lab);
	return 0;
}

static struct obj *add(struct lab *lab, enum obj_type type, const char *kind, uint32_t handle,
		       uint32_t parent)
{
	static const enum kind_type types[] = {
		[OBJ_QDISC] = KIND_QDISC, [OBJ_CLASS] = KIND_CLASS, [OBJ_FILTER] = KIND_FILTER,
	};
	struct obj *obj = tree_obj_add(lab->tree, lab->link, type);

	obj->handle = handle;
	obj->parent = parent;
	obj->kind = kind_find(types[type], kind);
	assert_non_null(obj->kind);
	obj->kind_name = obj->kind->name;
	obj->opts = opts_new(&lab->tree->arena, obj->kind);
	return obj;
}

/* A filter on the root of prio 10. */
static struct opts *flower(struct lab *lab, uint16_t prio)
{
	struct obj *f = add(lab, OBJ_FILTER, "flower", 1, HANDLE(WEIR_MAJOR, 0));

	f->prio = prio;
	opts_put(f->opts, FLOWER_CLASSID, HANDLE(WEIR_MAJOR, 0x10));
	return f->opts;
}

static void put_ip4(struct opts *o, unsigned int row, const char *text)
{
	inet_pton(AF_INET, text, o->v[row].b);
	o->set |= UINT64_C(1) << row;
}

/* The root is there in all tests; the output is compared from behind it on. */
static void expect_output(struct lab *lab, const char *wanted)
{
	static const char head[] = "# wan0\n"
		"tc qdisc add dev wan0 root handle 77e0: htb default 0x2\n";
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	view_tc(f, lab->tree);
	fclose(f);
	assert_int_equal(strncmp(text, head, sizeof(head) - 1), 0);
	assert_string_equal(text + sizeof(head) - 1, wanted);
	free(text);
}

static void add_root(struct lab *lab)
{
	struct obj *q = add(lab, OBJ_QDISC, "htb", HANDLE(WEIR_MAJOR, 0), HANDLE_ROOT);

	opts_put(q->opts, HTB_DEFAULT, 2);
}

static void test_class(void **state)
{
	struct obj *c;

	add_root(*state);
	c = add(*state, OBJ_CLASS, "htb", HANDLE(WEIR_MAJOR, 0x1a), HANDLE(WEIR_MAJOR, 1));
	opts_put(c->opts, HTB_RATE, UINT64_C(9223372036854775800));
	opts_put(c->opts, HTB_CEIL, UINT64_C(9223372036854775800));
	opts_put(c->opts, HTB_BURST, 1500);
	opts_put(c->opts, HTB_CBURST, 1 << 20);
	opts_put(c->opts, HTB_QUANTUM, 3000);
	opts_put(c->opts, HTB_PRIO, 0);
	opts_put(c->opts, HTB_OVERHEAD, 44);
	opts_put(c->opts, HTB_MPU, 64);
	opts_put(c->opts, HTB_LINKLAYER, TC_LL_ATM);
	c->name = "lab/a";
	expect_output(*state,
		"tc class add dev wan0 parent 77e0:1 classid 77e0:1a htb rate 9223372036854775800bit "
		"ceil 9223372036854775800bit burst 1500b cburst 1048576b prio 0 quantum 3000 "
		"overhead 44 mpu 64 linklayer atm  # lab/a\n");
}

/* What tc assumes is left out, but not the quantum: the kernel would warn of its own. */
static void test_class_with_defaults(void **state)
{
	struct obj *c;

	add_root(*state);
	c = add(*state, OBJ_CLASS, "htb", HANDLE(WEIR_MAJOR, 1), HANDLE(WEIR_MAJOR, 0));
	opts_put(c->opts, HTB_RATE, 8000);
	opts_put(c->opts, HTB_BURST, 3028);
	opts_put(c->opts, HTB_CBURST, 3028);
	opts_put(c->opts, HTB_LINKLAYER, TC_LL_ETHERNET);
	opts_put(c->opts, HTB_OVERHEAD, 0);
	expect_output(*state,
		"tc class add dev wan0 parent 77e0: classid 77e0:1 htb rate 8000bit ceil 8000bit "
		"burst 3028b cburst 3028b quantum 1514\n");
}

static void test_queue(void **state)
{
	static const char *const words[] = {
		"quantum", "1514", "target", "4.999ms", "memory_limit", "1.5mb", "noecn",
	};
	struct opt_error error;
	struct obj *q;

	add_root(*state);
	q = add(*state, OBJ_QDISC, "fq_codel", HANDLE(0x1a, 0), HANDLE(WEIR_MAJOR, 0x1a));
	assert_int_equal(opts_parse(q->kind, 7, words, q->opts, &error), 0);
	opts_fill(q->kind, q->opts, 1514);
	expect_output(*state,
		"tc qdisc add dev wan0 parent 77e0:1a handle 1a: fq_codel "
		"memory_limit 1572864 target 4999us quantum 1514 noecn\n");
}

static void test_u32(void **state)
{
	struct obj *f;

	add_root(*state);
	f = add(*state, OBJ_FILTER, "u32", 1, HANDLE(WEIR_MAJOR, 0));
	f->prio = 7;
	opts_put(f->opts, U32_CLASSID, HANDLE(WEIR_MAJOR, 0x1a));
	opts_put(f->opts, U32_MARK, UINT64_C(0xff) << 32 | 0x20);
	f->opts->v[U32_KEY].w[0] = (int32_t)htonl(0xffff);
	f->opts->v[U32_KEY].w[1] = (int32_t)htonl(0x800);
	f->opts->v[U32_KEY].w[2] = -4;
	f->opts->set |= UINT64_C(1) << U32_KEY;
	f = add(*state, OBJ_FILTER, "u32", 1, HANDLE(WEIR_MAJOR, 0));
	f->prio = 8;
	opts_put(f->opts, U32_CLASSID, HANDLE(WEIR_MAJOR, 2));
	expect_output(*state,
		"tc filter add dev wan0 parent 77e0: protocol all prio 7 u32 match mark 0x20 0xff "
		"match u32 0x00000800 0x0000ffff at -4 flowid 77e0:1a\n"
		"tc filter add dev wan0 parent 77e0: protocol all prio 8 u32 match u32 0 0 flowid 77e0:2\n");
}

/* tc has the ethertype in the protocol, of which a prio has one: later prios move up. */
static void test_flower_takes_more_prios(void **state)
{
	struct opts *o;

	add_root(*state);
	o = flower(*state, 10);
	opts_put(o, FLOWER_ETH_TYPE, 0x0800);
	opts_put(o, FLOWER_IP_PROTO, 6);
	opts_put(o, FLOWER_DPORT, 80);
	opts_put(o, FLOWER_DPORT_MASK, 0xffff);
	o = flower(*state, 10);
	opts_put(o, FLOWER_ETH_TYPE, 0x86dd);
	opts_put(o, FLOWER_IP_PROTO, 58);
	o = flower(*state, 11);
	memcpy(o->v[FLOWER_SRC_MAC].b, "\2\0\0\0\0\x1a", 6);
	o->set |= UINT64_C(1) << FLOWER_SRC_MAC;
	flower(*state, 20);
#define START "tc filter add dev wan0 parent 77e0: protocol "
	expect_output(*state,
		START "ip prio 10 flower ip_proto tcp dst_port 80 classid 77e0:10\n"
		START "ipv6 prio 11 flower ip_proto 0x3a classid 77e0:10\n"
		START "802.1Q prio 12 flower vlan_ethtype ip ip_proto tcp dst_port 80 classid 77e0:10\n"
		START "802.1Q prio 12 flower vlan_ethtype ipv6 ip_proto 0x3a classid 77e0:10\n"
		START "all prio 13 flower src_mac 02:00:00:00:00:1a classid 77e0:10\n"
		START "all prio 20 flower classid 77e0:10\n");
}

static void test_flower_keys(void **state)
{
	struct opts *o;

	add_root(*state);
	o = flower(*state, 10);
	opts_put(o, FLOWER_ETH_TYPE, 0x8100);
	opts_put(o, FLOWER_VLAN_ID, 7);
	opts_put(o, FLOWER_VLAN_ETH_TYPE, 0x0800);
	opts_put(o, FLOWER_IP_PROTO, 17);
	opts_put(o, FLOWER_IP_TOS, 0xb8);
	opts_put(o, FLOWER_IP_TOS_MASK, 0xfc);
	put_ip4(o, FLOWER_SRC4, "10.9.1.0");
	put_ip4(o, FLOWER_SRC4_MASK, "255.255.255.128");
	opts_put(o, FLOWER_SPORT, 5060);
	opts_put(o, FLOWER_SPORT_MASK, 0xfffe);
	opts_put(o, FLOWER_DPORT_MIN, 10000);
	opts_put(o, FLOWER_DPORT_MAX, 20000);
	opts_put(o, FLOWER_FLAGS, 0);
	opts_put(o, FLOWER_FLAGS_MASK, 1);
	expect_output(*state,
		START "802.1Q prio 10 flower vlan_id 7 vlan_ethtype ip ip_proto udp ip_tos 0xb8/0xfc "
		"src_ip 10.9.1.0/25 src_port 5060/0xfffe dst_port 10000-20000 ip_flags nofrag "
		"classid 77e0:10\n");
}

/* tc takes no port 0 in a range. */
static void test_flower_range_from_0(void **state)
{
	struct opts *o;

	add_root(*state);
	o = flower(*state, 10);
	opts_put(o, FLOWER_ETH_TYPE, 0x8100);
	opts_put(o, FLOWER_VLAN_ETH_TYPE, 0x86dd);
	opts_put(o, FLOWER_IP_PROTO, 17);
	opts_put(o, FLOWER_DPORT_MIN, 0);
	opts_put(o, FLOWER_DPORT_MAX, 79);
	expect_output(*state,
		START "802.1Q prio 10 flower vlan_ethtype ipv6 ip_proto udp dst_port 1-79 classid 77e0:10\n"
		START "802.1Q prio 10 flower vlan_ethtype ipv6 ip_proto udp dst_port 0/0xffff "
		"classid 77e0:10\n");
}

static struct action *new_action(struct lab *lab, const char *name)
{
	struct action *a = arena_alloc(&lab->tree->arena, sizeof(*a));

	a->kind = kind_find(KIND_ACTION, name);
	a->opts = opts_new(&lab->tree->arena, a->kind);
	return a;
}

static void test_hooks(void **state)
{
	struct lab *lab = *state;
	struct obj *f;
	struct opts *o;

	add_root(lab);
	add(lab, OBJ_QDISC, "clsact", HANDLE(0xffff, 0), HANDLE_CLSACT);
	f = add(lab, OBJ_FILTER, "matchall", 1, HANDLE_EGRESS);
	f->prio = 0x7700;
	f->actions = new_action(lab, "police");
	o = f->actions->opts;
	opts_put(o, POLICE_RATE, 1000000);
	opts_put(o, POLICE_BURST, 65536);
	opts_put(o, POLICE_CONFORM, POLICE_CONTINUE);
	opts_put(o, POLICE_EXCEED, POLICE_DROP);
	opts_put(o, POLICE_INDEX, 42);
	opts_put(o, POLICE_OVERHEAD, 20);
	f = add(lab, OBJ_FILTER, "matchall", 1, HANDLE_INGRESS);
	f->prio = WEIR_PRIO;
	f->actions = new_action(lab, "mirred");
	strcpy(f->actions->opts->v[MIRRED_DEV].name, "ifb-wan0");
	f->actions->opts->set |= UINT64_C(1) << MIRRED_DEV;
	expect_output(lab,
		"tc qdisc add dev wan0 clsact\n"
		"tc filter add dev wan0 egress protocol all prio 30464 matchall action police rate 1000000bit "
		"burst 65536b mtu 4294967295b overhead 20 index 42 conform-exceed drop/continue\n"
		"tc filter add dev wan0 ingress protocol all prio 30688 matchall action mirred egress "
		"redirect dev ifb-wan0\n");
}

/* What was put aside from somebody else has no options that weir could print. */
static void test_unknown_objects(void **state)
{
	struct lab *lab = *state;
	struct obj *q;

	add_root(lab);
	q = add(lab, OBJ_QDISC, "pfifo", HANDLE(5, 0), HANDLE(WEIR_MAJOR, 3));
	q->kind = NULL;
	q->opts = NULL;
	expect_output(lab, "# qdisc pfifo of wan0: tc's words for it are not known\n");
}

static void test_words_for_the_shell(void **state)
{
	struct lab *lab = *state;
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	strcpy(lab->link->name, "a;b'$c");
	add_root(lab);
	view_tc(f, lab->tree);
	fclose(f);
	assert_non_null(strstr(text, "\ntc qdisc add dev 'a;b'\\''$c' root handle"));
	free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_class), TEST(test_class_with_defaults), TEST(test_queue), TEST(test_u32),
		TEST(test_flower_takes_more_prios), TEST(test_flower_keys),
		TEST(test_flower_range_from_0),
		TEST(test_hooks), TEST(test_unknown_objects), TEST(test_words_for_the_shell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
