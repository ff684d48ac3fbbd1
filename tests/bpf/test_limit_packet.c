// SPDX-License-Identifier: GPL-2.0-or-later
/* What the limiting programs read of a packet: IPv6, and what packets in segments are on the wire. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>

#include "host/backend.h"
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

int main(int argc, char **argv)
{
	static const struct kt_test tests[] = {
		{ "bytes on the wire", bytes_on_the_wire }, { "sort of traffic, IPv6", sort_of_traffic6 },
	};

	return lab_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
