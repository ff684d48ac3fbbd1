// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the limiting programs read of a packet: IPv6, and what packets in segments are on the wire; whose it is;
 * what classes and buckets it finds.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>

#include "host/backend.h"
#include "host/limit_class.h"
#include "tests/bpf/limit_lab.h"
#include "tests/kernel/kt.h"

enum { FRAME = 1400, SIZE = 100 };

static void limit_root(enum limit_only only)
{
	struct limit_wish wish = {
		.subject = LIMIT_CGROUP, .name = "/", .only = only,
		.side[LIMIT_EGRESS] = { .set = true, .rate_bit = 8000 * 1000, .burst_ns = 60000000000 },
		.side[LIMIT_INGRESS] = { .set = true, .rate_bit = 8000 * 1000, .burst_ns = 60000000000 },
	};

	MUST(!backend_ebpf.set(&kt_ctx, &wish, 1, LIMIT_WAY_EGRESS | LIMIT_WAY_INGRESS));
}

static struct limit_count counted(enum limit_way way)
{
	struct limit_list list = { 0 };
	struct limit_count count;

	MUST(!backend_ebpf.list(&kt_ctx, &list) && list.n == 1);
	count = list.reports[0].side[way].count;
	limit_list_free(&list);
	return count;
}

/* An Ethernet frame of FRAME bytes with IPv4 or IPv6 and TCP or UDP. */
static void frame_of(uint8_t f[FRAME], bool ip6, uint8_t proto, const char *remote)
{
	memset(f, 0, FRAME);
	f[12] = ip6 ? ETH_P_IPV6 >> 8 : ETH_P_IP >> 8;
	f[13] = ip6 ? ETH_P_IPV6 & 255 : ETH_P_IP & 255;
	f[14] = ip6 ? 0x60 : 0x46;			/* four bytes of options */
	f[14 + (ip6 ? 6 : 9)] = proto;
	MUST(inet_pton(ip6 ? AF_INET6 : AF_INET, remote, f + 14 + (ip6 ? 24 : 16)) == 1);
	if (proto == IPPROTO_TCP)
		f[14 + (ip6 ? 40 : 24) + 12] = 0x80;	/* 32 bytes of header */
}

static uint32_t run(const char *program, uint8_t f[FRAME], uint32_t segments, uint32_t size)
{
	struct __sk_buff skb = { .gso_segs = segments, .gso_size = size };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f, .data_size_in = FRAME, .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb));
	int fd = lab_program(program);

	CHECK_INT(bpf_prog_test_run_opts(fd, &opts), 0);
	close(fd);
	return opts.retval;
}

/* Every segment but the first adds its headers. */
static void bytes_on_the_wire(void)
{
	static const struct {
		bool ip6;
		uint8_t proto;
		uint32_t segments, size, header;
	} cases[] = {
		{ false, IPPROTO_UDP, 0, 0, 0 }, { false, IPPROTO_TCP, 14, SIZE, 24 + 32 },
		{ false, IPPROTO_UDP, 14, SIZE, 24 + 8 }, { true, IPPROTO_TCP, 14, SIZE, 40 + 32 },
		{ true, IPPROTO_UDP, 14, SIZE, 40 + 8 }, { false, IPPROTO_TCP, 1, SIZE, 0 },
	};
	uint64_t bytes = 0;
	uint8_t f[FRAME];
	size_t i;

	lab_begin();
	limit_root(LIMIT_ALL);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		frame_of(f, cases[i].ip6, cases[i].proto, cases[i].ip6 ? "2001:db8::1" : "8.8.8.8");
		CHECK_INT(run("weir_limit_out", f, cases[i].segments, cases[i].size), 1);
		bytes += FRAME - ETH_HLEN;
		bytes += cases[i].header ? (cases[i].segments - 1) * cases[i].header : 0;
		CHECK_INT(counted(LIMIT_EGRESS).bytes, bytes);
	}
	CHECK_INT(backend_ebpf.remove(&kt_ctx, NULL, LIMIT_WAY_EGRESS | LIMIT_WAY_INGRESS), 0);
}

static void sort_of_traffic6(void)
{
	uint8_t f[FRAME];

	lab_begin();
	limit_root(LIMIT_INTERNET);
	frame_of(f, true, IPPROTO_UDP, "2001:db8::1");
	run("weir_limit_out", f, 0, 0);
	frame_of(f, true, IPPROTO_UDP, "fd00::1");
	run("weir_limit_out", f, 0, 0);
	frame_of(f, true, IPPROTO_UDP, "fe80::1");
	run("weir_limit_out", f, 0, 0);
	CHECK_INT(counted(LIMIT_EGRESS).packets, 1);
	CHECK_INT(counted(LIMIT_EGRESS).other, 2);
	frame_of(f, true, IPPROTO_UDP, "2001:db8::1");	/* the destination: its source is :: */
	run("weir_limit_in", f, 0, 0);
	CHECK_INT(counted(LIMIT_INGRESS).other, 1);
	CHECK_INT(backend_ebpf.remove(&kt_ctx, NULL, LIMIT_WAY_EGRESS | LIMIT_WAY_INGRESS), 0);
}

/* ---- several limits ---- */

enum { CLASS = 0x78e00001, OTHER_CLASS };

static struct limit_wish upload(enum limit_subject subject, const char *name, uint64_t burst_ns,
				uint32_t class)
{
	return (struct limit_wish){
		.subject = subject, .name = name,
		.side[LIMIT_EGRESS] = { .set = true, .rate_bit = 8000, .burst_ns = burst_ns, .priority = class },
	};
}

static void set(struct limit_wish wish)
{
	MUST(!backend_ebpf.set(&kt_ctx, &wish, 1, LIMIT_WAY_EGRESS));
}

/* major: of the limit's class; 0: it has none. */
static struct limit_report report_of(const char *name, uint32_t major)
{
	struct limit_list list = { 0 };
	struct limit_report report;
	size_t i = 0;

	MUST(!limit_class_list(&kt_ctx, &list, &backend_ebpf, major));
	while (i < list.n && strcmp(list.reports[i].name, name))
		i++;
	MUST(i < list.n);
	report = list.reports[i];
	limit_list_free(&list);
	return report;
}

/* Packets of 1,000 bytes. Returns the priority of the last. */
static uint32_t send_packets(unsigned int n)
{
	uint8_t frame[ETH_HLEN + 1000] = { [12] = ETH_P_IP >> 8, [14] = 0x45 };
	struct __sk_buff skb = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .ctx_out = &skb, .ctx_size_out = sizeof(skb));
	int fd = lab_program("weir_limit_out"), err = 0;

	while (n-- && !err)
		err = bpf_prog_test_run_opts(fd, &opts);
	CHECK_INT(err, 0);
	close(fd);
	return skb.priority;
}

/* The first has its class, the other one its bucket. */
static void two_classes(void)
{
	struct limit_count group, user;

	lab_begin();
	set(upload(LIMIT_CGROUP, "/", 0, CLASS));
	set(upload(LIMIT_USER, "0", 5000000000, OTHER_CLASS));	/* 5,000 bytes */
	CHECK_INT(send_packets(100), CLASS);
	group = report_of("/", CLASS >> 16).side[LIMIT_EGRESS].count;
	user = report_of("root", CLASS >> 16).side[LIMIT_EGRESS].count;
	CHECK_INT(user.packets, 6);
	CHECK_INT(user.classed, 0);
	CHECK_INT(user.dropped, 94);
	CHECK_INT(group.packets, 6);
	CHECK_INT(group.classed, 6);
	CHECK_INT(group.dropped, 0);
	CHECK_INT(limit_class_remove(&kt_ctx, NULL, LIMIT_WAY_EGRESS | LIMIT_WAY_INGRESS, CLASS >> 16), 0);
}

/* Debts that only a larger burst allowed go with it. */
static void smaller_burst(void)
{
	lab_begin();
	set(upload(LIMIT_CGROUP, "/", 20000000000, 0));
	send_packets(100);
	CHECK_INT(report_of("/", 0).side[LIMIT_EGRESS].count.packets, 21);
	set(upload(LIMIT_CGROUP, "/", 250000000, 0));
	usleep(300000);
	send_packets(1);
	CHECK_INT(report_of("/", 0).side[LIMIT_EGRESS].count.packets, 22);
	CHECK_INT(backend_ebpf.remove(&kt_ctx, NULL, LIMIT_WAY_EGRESS | LIMIT_WAY_INGRESS), 0);
}

/* Users are the host's, whatever user namespace the network belongs to. */
static void user_of_a_foreign_network(void)
{
	uint64_t limited, free_one;

	lab_begin();
	lab_enter_foreign();
	set(upload(LIMIT_USER, "4242", 0, 0));
	lab_flow((struct lab_flow[]){ { .uid = 4242 }, { .uid = 4243 } }, 2, 1.0,
		 (uint64_t *[]){ &limited, &free_one });
	if (limited > 20000 || free_one < 100000)
		kt_fail(__FILE__, __LINE__, "%lu %lu bytes", limited, free_one);
	CHECK(report_of("4242", 0).side[LIMIT_EGRESS].count.dropped);
	CHECK_INT(backend_ebpf.remove(&kt_ctx, NULL, LIMIT_WAY_EGRESS | LIMIT_WAY_INGRESS), 0);
}

int main(int argc, char **argv)
{
	static const struct kt_test tests[] = {
		{ "bytes on the wire", bytes_on_the_wire }, { "sort of traffic, IPv6", sort_of_traffic6 },
		{ "two classes", two_classes }, { "smaller burst", smaller_burst },
		{ "user of a foreign network", user_of_a_foreign_network },
	};

	return lab_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
