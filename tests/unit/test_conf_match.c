// SPDX-License-Identifier: GPL-2.0-or-later
/* src/conf: `match`, its terms, and which match holds for all packets of another. */
#include "test_conf.h"

#include <arpa/inet.h>

#include "conf/match.h"

struct term {
	const char *text;	/* what the file says */
	const char *printed;	/* NULL: the same */
};

/* Each goes through the parser and comes out in the canonical form. */
static const struct term match_terms[] = {
	{ "all", NULL }, { "ip", NULL }, { "ip6", NULL }, { "tcp", NULL }, { "udp", NULL },
	{ "icmp", NULL }, { "ip icmp", NULL }, { "ip6 icmp", NULL }, { "icmp ip6", "ip6 icmp" },
	{ "proto icmp", "icmp" }, { "proto 1", "proto 1" }, { "ip proto 1", "ip icmp" },
	{ "proto icmp6", "proto 58" }, { "ip6 proto 58", "ip6 icmp" }, { "ip6 proto 1", NULL },
	{ "proto tcp", "tcp" }, { "proto 17", "udp" }, { "proto gre", "proto 47" },
	{ "proto esp", "proto 50" }, { "proto ah", "proto 51" }, { "proto sctp", "proto 132" },
	{ "proto ipip", "proto 4" }, { "proto igmp", "proto 2" }, { "proto ospf", "proto 89" },
	{ "proto dccp", "proto 33" }, { "proto udplite", "proto 136" }, { "proto 255", NULL },
	{ "proto 0", NULL }, { "proto 0x2f", "proto 47" },
	{ "from 10.0.0.0/8", NULL }, { "from 10.1.2.3", "from 10.1.2.3/32" },
	{ "to 2001:db8::/32", NULL }, { "to 2001:DB8::1", "to 2001:db8::1/128" },
	{ "from 0.0.0.0/0 to ::/0,10.0.0.0/8", NULL }, { "from 10.128.0.0/9,2001:db8:8000::/33", NULL },
	{ "ip from 10.0.0.0/8 to 192.0.2.1", "ip from 10.0.0.0/8 to 192.0.2.1/32" },
	{ "from ::ffff:192.0.2.1", "from ::ffff:192.0.2.1/128" },
	{ "sport 0", NULL }, { "dport 65535", NULL }, { "dport 0-65535", NULL },
	{ "dport 80,443", NULL }, { "dport 443,80", "dport 80,443" },
	{ "dport 5-9,1-3,4", "dport 1-9" }, { "dport 1-100,50,60-200,201", "dport 1-201" },
	{ "dport 80,80", "dport 80" }, { "dport 65535,65534", "dport 65534-65535" },
	{ "tcp sport 1 dport 2", NULL }, { "proto sctp dport 1", "proto 132 dport 1" },
	{ "proto dccp dport 1", "proto 33 dport 1" }, { "proto udplite sport 1", "proto 136 sport 1" },
	{ "dscp ef", NULL }, { "dscp EF,cs5,46", "dscp cs5,ef" }, { "dscp 0", "dscp be" },
	{ "dscp cs0", "dscp be" }, { "dscp be,le,va,ef", NULL }, { "dscp 63,0x3e", "dscp 62,63" },
	{ "dscp cs1,cs2,cs3,cs4,cs5,cs6,cs7", NULL },
	{ "dscp af11,af12,af13,af21,af22,af23,af31,af32,af33,af41,af42,af43", NULL },
	{ "dscp 10,22,38", "dscp af11,af23,af43" },
	{ "mark 32", "mark 0x20" }, { "mark 0x20/0xff", NULL }, { "mark 0/1", "mark 0x0/0x1" },
	{ "mark 4294967295", "mark 0xffffffff" }, { "mark 1/0xffffffff", "mark 0x1" },
	{ "vlan 1", NULL }, { "vlan 4094", NULL },
	{ "mac 02:00:5E:10:00:ff", "mac 02:00:5e:10:00:ff" },
	{ "cgroup system.slice/a.service", NULL }, { "cgroup /system.slice/", "cgroup system.slice" },
	{ "cgroup \"a b/c\\\\x2d\\\"\"", NULL }, { "user builder", NULL }, { "user 1000", NULL },
	{ "ack", NULL }, { "ack tcp", "tcp ack" },
	{ "ack user u cgroup c mac 02:00:00:00:00:01 vlan 2 mark 3 dscp 4 dport 5 sport 6 to 7.0.0.0/8 from 8.0.0.0/8 tcp ip",
	  "ip tcp from 8.0.0.0/8 to 7.0.0.0/8 sport 6 dport 5 dscp 4 mark 0x3 vlan 2 "
	  "mac 02:00:00:00:00:01 cgroup c user u ack" },
};

static void test_match_terms(void **state)
{
	struct outcome o, again;
	char text[400], *printed;
	const char *want;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(match_terms) / sizeof(match_terms[0]); i++) {
		want = match_terms[i].printed ? match_terms[i].printed : match_terms[i].text;
		print_message("%s\n", match_terms[i].text);
		snprintf(text, sizeof(text), "link a { egress rate 1mbit { class x { match %s } } }",
			 match_terms[i].text);
		o = parse_good(text);
		printed = print_match(o.policy->links->egress->children->matches);
		assert_string_equal(printed, want);
		free(printed);
		snprintf(text, sizeof(text), "link a { egress rate 1mbit { class x { match %s } } }", want);
		again = parse_good(text);
		printed = print_match(again.policy->links->egress->children->matches);
		assert_string_equal(printed, want);
		free(printed);
		outcome_free(&o);
		outcome_free(&again);
	}
}

static void test_match_values(void **state)
{
	struct outcome o = parse_good(
		"link a { egress rate 1mbit { class x {\n"
		" match ip6 tcp from 2001:db8:8000::/33 to ::1 sport 1 dport 5-6,2 dscp ef,le mark 0x10/0xf0\n"
		" match icmp vlan 7 mac 02:01:02:03:04:ff cgroup a/b user u\n match ip6 icmp\n match all } } }");
	const struct match *m = o.policy->links->egress->children->matches;
	uint8_t addr[16];

	(void)state;
	assert_int_equal(m->set, MATCH_FAMILY | MATCH_PROTO | MATCH_FROM | MATCH_TO | MATCH_SPORT |
				 MATCH_DPORT | MATCH_DSCP | MATCH_MARK);
	assert_true(m->ip6 && !m->proto_icmp);
	assert_int_equal(m->proto, 6);
	inet_pton(AF_INET6, "2001:db8:8000::", addr);
	assert_int_equal(m->n_from, 1);
	assert_true(m->from->ip6);
	assert_int_equal(m->from->bits, 33);
	assert_memory_equal(m->from->addr, addr, 16);
	assert_int_equal(m->to->bits, 128);
	assert_int_equal(m->n_sport, 1);
	assert_int_equal(m->sport->lo, 1);
	assert_int_equal(m->sport->hi, 1);
	assert_int_equal(m->n_dport, 2);
	assert_int_equal(m->dport[0].lo, 2);
	assert_int_equal(m->dport[1].hi, 6);
	assert_int_equal(m->dscp, UINT64_C(1) << 46 | 2);
	assert_int_equal(m->mark, 0x10);
	assert_int_equal(m->mark_mask, 0xf0);
	assert_int_equal(m->loc.line, 2);
	assert_int_equal(m->loc.column, 2);
	m = m->next;
	assert_int_equal(m->set, MATCH_PROTO | MATCH_VLAN | MATCH_MAC | MATCH_CGROUP | MATCH_USER);
	assert_true(m->proto_icmp);
	assert_int_equal(m->vlan, 7);
	assert_memory_equal(m->mac, "\x02\x01\x02\x03\x04\xff", 6);
	assert_string_equal(m->cgroup, "a/b");
	assert_string_equal(m->user, "u");
	m = m->next;
	assert_int_equal(m->proto, 58);
	assert_false(m->proto_icmp);
	assert_int_equal(m->next->set, 0);
	assert_null(m->next->next);
	outcome_free(&o);
}

/* ---- comparing ---- */

static const struct {
	const char *a, *b;
	int covers, back;	/* a holds for all of b's packets; b for all of a's */
} pairs[] = {
	{ "all", "all", 1, 1 }, { "all", "tcp", 1, 0 }, { "all", "vlan 3", 1, 0 },
	{ "ip", "from 10.0.0.0/8", 1, 0 }, { "ip", "from 10.0.0.0/8,::/0", 0, 0 },
	{ "ip", "ip tcp", 1, 0 }, { "ip", "tcp", 0, 0 }, { "ip", "ip6", 0, 0 }, { "ip", "vlan 3", 0, 0 },
	{ "from 0.0.0.0/0", "ip", 0, 1 },	/* no address said: not seen as equal */
	{ "tcp", "tcp dport 80", 1, 0 }, { "tcp", "udp", 0, 0 }, { "tcp", "dport 80", 0, 0 },
	{ "dport 80", "tcp dport 80", 1, 0 }, { "dport 80", "udp dport 80", 1, 0 },
	{ "dport 80", "proto sctp dport 80", 0, 0 }, { "tcp", "ack", 1, 0 }, { "ack", "tcp ack", 1, 1 },
	{ "icmp", "ip icmp", 1, 0 }, { "icmp", "ip6 icmp", 1, 0 }, { "icmp", "proto 1", 0, 0 },
	{ "icmp", "proto 58", 0, 0 }, { "proto 1", "ip icmp", 1, 0 }, { "proto icmp6", "ip6 icmp", 1, 0 },
	{ "from 10.0.0.0/8", "from 10.9.0.0/16", 1, 0 }, { "from 10.0.0.0/8", "from 11.0.0.0/8", 0, 0 },
	{ "from 10.0.0.0/8", "to 10.0.0.0/8", 0, 0 },
	{ "from 10.128.0.0/9", "from 10.0.0.0/9", 0, 0 }, { "from 10.128.0.0/9", "from 10.129.0.0/16", 1, 0 },
	{ "from 0.0.0.0/0", "from 1.2.3.4", 1, 0 }, { "from ::/0", "from 1.2.3.4", 0, 0 },
	{ "from 10.0.0.0/8,11.0.0.0/8", "from 11.1.0.0/16,10.0.0.1", 1, 0 },
	{ "from 10.0.0.0/8", "from 10.1.0.0/16,12.0.0.0/8", 0, 0 },
	{ "from 10.0.0.0/8", "ip from 10.0.0.0/8", 1, 1 },
	{ "from 10.0.0.0/8", "from 10.1.0.0/16,::/0 to 10.0.0.0/8", 1, 0 },	/* ::/0 never holds */
	{ "from 2001:db8::/33", "from 2001:db8:8000::/33", 0, 0 },
	{ "dport 80-90", "dport 85", 1, 0 }, { "dport 80-90", "dport 85-91", 0, 0 },
	{ "dport 80,443", "dport 443", 1, 0 }, { "dport 1-9,20-29", "dport 3,25-26", 1, 0 },
	{ "dport 1-9,20-29", "dport 3-25", 0, 0 }, { "dport 80", "sport 80", 0, 0 },
	{ "dscp ef,cs5", "dscp ef", 1, 0 }, { "dscp ef", "tcp", 0, 0 },
	{ "mark 0x10/0x10", "mark 0x30/0xf0", 1, 0 }, { "mark 0x10/0x10", "mark 0x20/0xf0", 0, 0 },
	{ "mark 0x10/0x10", "mark 0x10", 1, 0 }, { "mark 0/1", "mark 2", 1, 0 }, { "mark 1", "tcp", 0, 0 },
	{ "vlan 3", "vlan 3 tcp", 1, 0 }, { "vlan 3", "vlan 4", 0, 0 },
	{ "mac 02:00:00:00:00:01", "mac 02:00:00:00:00:01 ip", 1, 0 },
	{ "mac 02:00:00:00:00:01", "mac 02:00:00:00:00:02", 0, 0 },
	{ "cgroup a", "cgroup a/b", 1, 0 }, { "cgroup a", "cgroup ab", 0, 0 },
	{ "user a", "user a udp", 1, 0 }, { "user a", "user b", 0, 0 },
	{ "ack", "tcp", 0, 1 },
};

static void test_covering(void **state)
{
	const struct match *m;
	struct outcome o;
	char text[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		print_message("%s | %s\n", pairs[i].a, pairs[i].b);
		snprintf(text, sizeof(text), "link x { police egress rate 1mbit { match %s; match %s } }",
			 pairs[i].a, pairs[i].b);
		o = parse_good(text);
		m = o.policy->links->polices->matches;
		assert_int_equal(match_covers(m, m->next), pairs[i].covers);
		assert_int_equal(match_covers(m->next, m), pairs[i].back);
		assert_true(match_covers(m, m));
		assert_int_equal(match_hash(m), match_hash(m));
		outcome_free(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match_terms), cmocka_unit_test(test_match_values),
		cmocka_unit_test(test_covering),
	};

	return cmocka_run_group_tests_name("conf_match", tests, NULL, NULL);
}
