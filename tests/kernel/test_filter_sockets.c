// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A policy as text, compiled and applied, and the packets of real sockets: which class tc says they
 * were counted in. Once with u32 alone, once with what else the kernel has.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include "kernel/probe.h"
#include "plan/compile.h"
#include "tests/kernel/kt.h"

static const char policy_text[] =
	"egress rate 100mbit {\n"
	"	class voip rate 1mbit { match udp dport 5060-5061,10000-20000; match dscp ef,cs5 }\n"
	"	class web rate 8mbit { match tcp dport 80,443 }\n"
	"	class lab rate 4mbit {\n"
	"		class a rate 3mbit { match from 10.9.0.5,10.9.0.6 }\n"
	"		class b rate 1mbit { match to fd09::2 }\n"
	"	}\n"
	"	default rate 4mbit\n"
	"} }\n";

static const char mark_text[] =
	"egress rate 100mbit {\n"
	"	class bulk rate 5mbit { match mark 0x20/0xff; match ip6 mark 3 }\n"
	"	class ack rate 5mbit { match ack }\n"
	"	default rate 4mbit\n"
	"} }\n";

static struct tree *wanted;

/* ---- the place ---- */

static void make_host(void)
{
	kt_sh("ip link add v0 type veth peer name v1 && ip link set v1 addrgenmode none && "
	      "ip link set v0 addrgenmode none && ip link set v1 up && ip link set v0 up && "
	      "ip addr add 10.9.0.1/24 dev v0 && ip addr add 10.9.0.5/24 dev v0 && "
	      "ip addr add fd09::1/64 dev v0 nodad && "
	      "ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev v0 nud permanent && "
	      "ip neigh add fd09::2 lladdr 02:00:00:00:00:02 dev v0 nud permanent && "
	      "ip neigh add fd09::3 lladdr 02:00:00:00:00:02 dev v0 nud permanent");
}

static struct probe probe_without(const char *kind)
{
	struct probe probe = { 0 };
	size_t i;

	MUST(!kernel_probe(&kt_ctx, &probe));
	for (i = 0; kinds[i]; i++)
		if (kinds[i]->type == KIND_FILTER && !strcmp(kinds[i]->name, kind))
			probe.have &= ~(UINT64_C(1) << i);
	return probe;
}

static void apply_text(const char *classifier, const char *egress, const struct probe *probe)
{
	struct tree *present = kt_dump();
	struct policy *policy = NULL;
	struct ops ops = { 0 };
	char text[1000];

	snprintf(text, sizeof(text), "link v0 { classifier %s; %s", classifier, egress);
	MUST(!conf_parse(&kt_ctx, "test.conf", text, strlen(text), &policy));
	MUST(!plan_compile(&kt_ctx, policy, present, probe, NULL, 0, &wanted));
	kt_add_all(&ops, tree_link_find(wanted, "v0"));
	MUST(!kt_apply(&ops));
	tree_free(present);
	policy_free(policy);
}

static uint32_t classid_of(const char *path)
{
	const struct obj *c;

	for (c = tree_link_find(wanted, "v0")->objs[OBJ_CLASS]; c; c = c->next)
		if (c->name && !strcmp(c->name, path))
			return c->handle;
	MUST(!"no such class");
	return 0;
}

static int counted(const char *path)
{
	uint32_t id = classid_of(path);

	return atoi(kt_sh("tc -s class show dev v0 classid %x:%x | sed -n 's/.* bytes \\([0-9]*\\) pkt.*/\\1/p'",
			  HANDLE_MAJOR(id), HANDLE_MINOR(id)));
}

/* ---- what is sent ---- */

struct sending {
	const char *from, *to;
	uint16_t port;
	size_t bytes;
	int tos, mark;
	unsigned int times;
};

static socklen_t address(const char *text, uint16_t port, struct sockaddr_storage *ss)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		return sizeof(*in);
	}
	MUST(inet_pton(AF_INET6, text, &in6->sin6_addr) == 1);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	return sizeof(*in6);
}

static int open_socket(int type, const struct sending *s, struct sockaddr_storage *to, socklen_t *len)
{
	struct sockaddr_storage from;
	int fd, on = s->tos;

	*len = address(s->to, s->port, to);
	fd = socket(to->ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	MUST(fd >= 0);
	if (to->ss_family == AF_INET)
		MUST(!setsockopt(fd, IPPROTO_IP, IP_TOS, &on, sizeof(on)));
	else
		MUST(!setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &on, sizeof(on)));
	MUST(!setsockopt(fd, SOL_SOCKET, SO_MARK, &s->mark, sizeof(s->mark)));
	if (s->from)
		MUST(!bind(fd, (struct sockaddr *)&from, address(s->from, 0, &from)));
	return fd;
}

static void send_udp(struct sending s)
{
	static const char data[8000];
	struct sockaddr_storage to;
	socklen_t len;
	int fd = open_socket(SOCK_DGRAM, &s, &to, &len);
	unsigned int i;

	for (i = 0; i < (s.times ? s.times : 1); i++)
		MUST(sendto(fd, data, s.bytes, 0, (struct sockaddr *)&to, len) == (ssize_t)s.bytes);
	close(fd);
}

/* The first packet of a connection that nobody answers. */
static void send_syn(struct sending s)
{
	struct sockaddr_storage to;
	socklen_t len;
	int fd = open_socket(SOCK_STREAM, &s, &to, &len);

	MUST(connect(fd, (struct sockaddr *)&to, len) == -1 && errno == EINPROGRESS);
	close(fd);
}

static void expect(const char *path, int before, int packets, int line)
{
	int now = counted(path) - before, tries = 50;

	while (now < packets && tries--) {
		usleep(20000);
		now = counted(path) - before;
	}
	if (now != packets)
		kt_fail(__FILE__, line, "class %s counted %d packets, not %d", path, now, packets);
}

#define EXPECT(path, packets, ...) do { \
	int before_ = counted(path); \
	__VA_ARGS__; \
	expect(path, before_, packets, __LINE__); \
} while (0)

/* ---- tests ---- */

/* first: packets of a fragmented datagram whose ports the filters can see */
static void check_classes(int first)
{
	EXPECT("voip", 3, send_udp((struct sending){ .to = "10.9.0.2", .port = 5060, .times = 3 }));
	EXPECT("voip", 2, send_udp((struct sending){ .to = "10.9.0.2", .port = 20000, .times = 2 }));
	EXPECT("voip", 0, send_udp((struct sending){ .to = "10.9.0.2", .port = 20001 }));
	EXPECT("voip", 0, send_udp((struct sending){ .to = "10.9.0.2", .port = 9999 }));
	EXPECT("voip", 0, send_syn((struct sending){ .to = "10.9.0.2", .port = 5060 }));
	EXPECT("voip", 1, send_udp((struct sending){ .to = "10.9.0.2", .port = 9, .tos = 46 << 2 }));
	EXPECT("voip", 1, send_udp((struct sending){ .to = "10.9.0.2", .port = 9, .tos = 40 << 2 | 1 }));
	EXPECT("voip", 1, send_udp((struct sending){ .to = "fd09::3", .port = 5061, .bytes = 100 }));
	EXPECT("voip", 1, send_udp((struct sending){ .to = "fd09::3", .port = 9, .tos = 46 << 2 }));
	EXPECT("voip", first, send_udp((struct sending){ .to = "10.9.0.2", .port = 5060, .bytes = 4000 }));
	EXPECT("web", 1, send_syn((struct sending){ .to = "10.9.0.2", .port = 443 }));
	EXPECT("web", 1, send_syn((struct sending){ .to = "fd09::3", .port = 80 }));
	EXPECT("web", 0, send_udp((struct sending){ .to = "10.9.0.2", .port = 443 }));
	EXPECT("lab/a", 1, send_udp((struct sending){ .from = "10.9.0.5", .to = "10.9.0.2", .port = 9 }));
	EXPECT("lab/a", 0, send_udp((struct sending){ .from = "10.9.0.1", .to = "10.9.0.2", .port = 9 }));
	EXPECT("lab/b", 1, send_udp((struct sending){ .to = "fd09::2", .port = 9 }));
	/* the first class in file order wins */
	EXPECT("lab/b", 0, send_udp((struct sending){ .to = "fd09::2", .port = 5060 }));
	EXPECT("default", 1, send_udp((struct sending){ .to = "10.9.0.2", .port = 53, .bytes = 30 }));
}

static void classes_u32(void)
{
	struct probe probe;

	kt_need(KIND_FILTER, "u32");
	probe = probe_without("flower");
	make_host();
	apply_text("kernel", policy_text, &probe);
	check_classes(1);
}

static void classes_flower(void)
{
	struct probe probe;

	kt_need(KIND_FILTER, "flower");
	probe = probe_without("u32");
	make_host();
	apply_text("kernel", policy_text, &probe);
	check_classes(0);
}

static void classes_bpf(void)
{
	struct probe probe;

	kt_need(KIND_FILTER, "bpf");
	probe = probe_without("none");
	make_host();
	apply_text("bpf", policy_text, &probe);
	check_classes(1);
}

static void check_marks_and_acks(void)
{
	EXPECT("bulk", 1, send_udp((struct sending){ .to = "10.9.0.2", .port = 9, .mark = 0x120 }));
	EXPECT("bulk", 0, send_udp((struct sending){ .to = "10.9.0.2", .port = 9, .mark = 0x21 }));
	EXPECT("bulk", 1, send_udp((struct sending){ .to = "fd09::2", .port = 9, .mark = 3 }));
	EXPECT("bulk", 0, send_udp((struct sending){ .to = "10.9.0.2", .port = 9, .mark = 3 }));
	EXPECT("ack", 0, send_syn((struct sending){ .to = "10.9.0.2", .port = 443 }));
}

static void marks_and_acks_u32(void)
{
	struct probe probe;

	kt_need(KIND_FILTER, "u32");
	probe = probe_without("none");
	if (!probe_can(&probe, FEATURE_U32_MARK))
		kt_skip("kernel has no u32 marks");
	make_host();
	apply_text("kernel", mark_text, &probe);
	check_marks_and_acks();
}

static void marks_and_acks_bpf(void)
{
	struct probe probe;

	kt_need(KIND_FILTER, "bpf");
	probe = probe_without("none");
	make_host();
	apply_text("bpf", mark_text, &probe);
	check_marks_and_acks();
}

static const struct kt_test tests[] = {
	{ "classes_u32", classes_u32 },
	{ "classes_flower", classes_flower },
	{ "classes_bpf", classes_bpf },
	{ "marks_and_acks_u32", marks_and_acks_u32 },
	{ "marks_and_acks_bpf", marks_and_acks_bpf },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
