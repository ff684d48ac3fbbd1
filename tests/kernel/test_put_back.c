// SPDX-License-Identifier: GPL-2.0-or-later
/* kernel/: what is not weir's is dumped, taken away and put back as it was. */
#include "kt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/netns.h"
#include "kernel/state.h"

static char *state_text(void)
{
	return kt_sh("{ tc qdisc show dev v0; tc class show dev v0; tc filter show dev v0;"
		     "tc filter show dev v0 ingress; tc filter show dev v0 egress; } 2>/dev/null |"
		     "sed -e 's/direct_packets_stat [0-9]* //' "
		     "-e 's/\\b8[0-9a-f][0-9a-f]\\b/8xx/g' "
		     "-e 's/index [0-9]*/index N/' -e 's/police 0x[0-8] /police N /' | sort");
}

/* Takes everything off v0 and puts it back from the dump; raw: as if everything had parts that weir
 * does not know. */
static void put_back(bool raw)
{
	struct ops ops = { 0 };
	struct tree *tree;
	struct tree_link *v0;
	struct obj *obj;
	char *before;
	int type;

	before = state_text();
	tree = kt_dump();
	v0 = tree_link_find(tree, "v0");
	for (type = 0; raw && type < OBJ_TYPES; type++)
		for (obj = v0->objs[type]; obj; obj = obj->next) {
			obj->opaque = true;
			obj->actions = NULL;
			if (type == OBJ_FILTER)
				obj->opts = NULL;
		}
	kt_sh("tc qdisc del dev v0 root; tc qdisc del dev v0 clsact 2>/dev/null; true");
	kt_add_all(&ops, v0);
	if (kt_apply(&ops))
		kt_fail(__FILE__, __LINE__, "%s", kt_ctx.error);
	CHECK_STR(state_text(), before);
	tree_free(tree);
}

static void put_back_twice(const char *setup, const char *more)
{
	kt_links();
	kt_sh("%s", setup);
	kt_sh("%s", *more ? more : "true");
	put_back(false);
	put_back(true);
}

#define Q "tc qdisc add dev v0 "
#define C "tc class add dev v0 "
#define F "tc filter add dev v0 "

static const char htb_setup[] =
	"set -e;"
	Q "root handle 1: htb default 0x30 r2q 5 direct_qlen 77;"
	C "parent 1: classid 1:1 htb rate 50mbit ceil 50mbit quantum 3000;"
	C "parent 1:1 classid 1:30 htb rate 5mbit ceil 50mbit prio 3 quantum 3000;"
	C "parent 1:1 classid 1:10 htb rate 40gbit ceil 50gbit burst 200k quantum 3000 "
		"overhead 34 mpu 64;"
	Q "parent 1:30 handle 30: pfifo limit 12;"
	Q "parent 1:10 handle 10: tbf rate 3mbit burst 10k limit 30k;"
	F "parent 1: prio 5 protocol ip u32 match ip src 10.0.0.3 flowid 1:10;"
	F "parent 1: prio 5 protocol ip u32 match ip dport 80 0xffff flowid 1:30;"
	F "parent 1: prio 4 protocol ipv6 u32 match ip6 dst 2001:db8::/32 flowid 1:30";

static const char table_setup[] =
	"set -e;"
	F "parent 1: prio 9 handle 2: protocol ip u32 divisor 16;"
	F "parent 1: prio 9 handle 3: protocol ip u32 divisor 1;"
	F "parent 1: prio 9 protocol ip u32 ht 2:3: match ip src 10.0.0.3 flowid 1:30;"
	F "parent 1: prio 9 protocol ip u32 ht 3:: match ip tos 8 0xff flowid 1:30;"
	F "parent 1: prio 9 protocol ip u32 match ip dst 10.0.0.0/8 link 2: "
		"hashkey mask 0xf at 12";

static void put_back_htb(void)
{
	kt_need(KIND_FILTER, "u32");
	put_back_twice(htb_setup, "");
}

static void put_back_u32_tables(void)
{
	kt_need(KIND_FILTER, "u32");
	put_back_twice(Q "root handle 1: htb;", table_setup);
}

static void put_back_size_table(void)
{
	put_back_twice(Q "root handle 1: stab linklayer atm overhead 32 mpu 64 tsize 512 mtu 2047 "
		       "htb default 1;"
		       C "parent 1: classid 1:1 htb rate 50mbit quantum 3000", "");
}

/* A qdisc with classes in a class of another one. */
static void put_back_nested(void)
{
	put_back_twice("set -e;"
		       Q "root handle 8: htb;"
		       C "parent 8: classid 8:3 htb rate 50mbit quantum 3000;"
		       Q "parent 8:3 handle 2: htb default 7;"
		       C "parent 2: classid 2:7 htb rate 20mbit quantum 3000;"
		       C "parent 2:7 classid 2:8 htb rate 10mbit quantum 3000;"
		       Q "parent 2:8 handle 1: pfifo limit 3;",
		       F "parent 2: protocol ip prio 3 u32 match ip tos 8 0xff flowid 2:8");
}

/* A packet must count the same under a size table that was put back. */
static void size_table_counts_the_same(void)
{
	struct ops ops = { 0 };
	struct tree *tree;
	char *before;

	kt_links();
	kt_sh(Q "root handle 1: stab linklayer atm overhead 32 tsize 512 mtu 2047 "
	      "pfifo limit 1000");
	kt_send_frames("v0", 10);
	before = kt_sh("tc -s qdisc show dev v0 | grep -o 'Sent [0-9]* bytes 10 pkt'");
	/* 1000 + 32 bytes take 22 cells of 53 */
	CHECK_STR(before, "Sent 11660 bytes 10 pkt\n");
	tree = kt_dump();
	kt_sh("tc qdisc del dev v0 root");
	kt_add_all(&ops, tree_link_find(tree, "v0"));
	CHECK_INT(kt_apply(&ops), 0);
	kt_send_frames("v0", 10);
	CHECK_STR(kt_sh("tc -s qdisc show dev v0 | grep -o 'Sent [0-9]* bytes 10 pkt'"), before);
	tree_free(tree);
}

static void put_back_hooks(void)
{
	kt_need(KIND_FILTER, "u32");
	kt_need(KIND_ACTION, "mirred");
	put_back_twice(Q "root handle 1: pfifo limit 9;"
		       Q "clsact",
		       "set -e;"
		       F "ingress prio 7 protocol ip u32 match u32 0 0 "
			 "action mirred egress redirect dev w0;"
		       F "ingress prio 8 chain 3 protocol all u32 match u32 0 0 "
			 "action mirred egress mirror dev w0;"
		       F "egress prio 7 protocol ip u32 match ip src 10.0.0.3 "
			 "action mirred egress redirect dev w0");
}

/* Kinds that only full kernels have. */
static void put_back_full(void)
{
	kt_need(KIND_FILTER, "flower");
	kt_need(KIND_FILTER, "matchall");
	kt_need(KIND_ACTION, "police");
	kt_need(KIND_QDISC, "fq_codel");
	put_back_twice("set -e;"
		       Q "root handle 1: prio bands 4;"
		       Q "parent 1:1 handle 11: fq_codel limit 500 target 3ms;"
		       Q "parent 1:2 handle 12: netem delay 10ms loss 1%;"
		       Q "parent 1:3 handle 13: red limit 60000 min 5000 max 20000 avpkt 1000 "
			 "burst 9;"
		       Q "parent 1:4 handle 14: cake bandwidth 10mbit diffserv4;"
		       Q "clsact",
		       "set -e;"
		       F "parent 1: prio 1 protocol ip flower ip_proto udp dst_port 53 classid 1:1;"
		       F "ingress prio 2 protocol all matchall action police rate 1mbit burst 64k "
			 "conform-exceed drop/pipe action pass;"
		       F "egress prio 2 protocol ip flower src_ip 10.0.0.0/8 action drop");
}

/* Buckets: one that two filters share, one of the old form that is no action, a single one. */
static void put_back_police(void)
{
	kt_need(KIND_FILTER, "u32");
	kt_need(KIND_ACTION, "police");
	put_back_twice(Q "root handle 1: htb;"
		       Q "clsact",
		       "set -e;"
		       F "parent 1: prio 1 protocol ip u32 match ip src 10.0.0.3 "
			 "police rate 300kbit burst 10k drop flowid :1;"
		       F "ingress prio 2 protocol ip u32 match ip src 10.0.0.3 action police "
			 "rate 1mbit burst 64k conform-exceed drop/pipe index 9;"
		       F "ingress prio 3 protocol ip u32 match ip src 10.0.0.4 action police "
			 "index 9;"
		       F "ingress prio 4 protocol ip u32 match ip src 10.0.0.4 action police "
			 "rate 50gbit burst 1m overhead 20 linklayer atm mtu 9000 "
			 "conform-exceed reclassify/ok");
	CHECK_HAS(kt_sh("tc filter show dev v0 ingress | grep -c 'police 0x9 rate 1Mbit'"), "2");
	CHECK_HAS(kt_sh("tc filter show dev v0 ingress"), "ref 2 bind 2");
}

/* Through the file that outlives the process. */
static void put_back_from_state(void)
{
	struct state *state;
	int lock;
	struct ops ops = { 0 };
	struct tree *tree, *wanted;
	struct tree_link *v0;
	uint64_t inode;
	char *before;

	kt_need(KIND_FILTER, "u32");
	kt_links();
	kt_sh("%s", htb_setup);
	kt_sh("%s", table_setup);
	before = state_text();
	tree = kt_dump();
	MUST(!netns_lock(&kt_ctx, 0, &lock));	/* makes the directory */
	MUST(!netns_inode(&kt_ctx, &inode));
	MUST(!state_load(&kt_ctx, inode, &state));
	MUST(!state_put_aside(&kt_ctx, state, "v0", tree_link_find(tree, "v0")));
	MUST(!state_save(&kt_ctx, state));
	state_free(state);
	tree_free(tree);

	kt_sh("tc qdisc del dev v0 root");
	MUST(!state_load(&kt_ctx, inode, &state));
	CHECK(state_has_aside(state, "v0"));
	wanted = tree_new();
	v0 = kt_link(wanted, "v0");
	CHECK_INT(state_restore(&kt_ctx, state, wanted, v0), 0);
	kt_add_all(&ops, v0);
	CHECK_INT(kt_apply(&ops), 0);
	CHECK_STR(state_text(), before);
	state_free(state);
	tree_free(wanted);
}

int main(int argc, char **argv)
{
	static const struct kt_test tests[] = {
		{ "put_back_htb", put_back_htb },
		{ "put_back_u32_tables", put_back_u32_tables },
		{ "put_back_size_table", put_back_size_table },
		{ "put_back_nested", put_back_nested },
		{ "size_table_counts_the_same", size_table_counts_the_same },
		{ "put_back_hooks", put_back_hooks },
		{ "put_back_full", put_back_full },
		{ "put_back_police", put_back_police },
		{ "put_back_from_state", put_back_from_state },
	};

	return kt_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
