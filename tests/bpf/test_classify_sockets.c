// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Classifiers on lo. Cgroups and users, of real sockets: what they send is seen at egress, what they
 * get at ingress. And packets whose headers lie in pages.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/magic.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/in.h>

#include "bpf/classify.h"
#include "tests/bpf/frames.h"
#include "tests/bpf/limit_lab.h"
#include "tests/kernel/kt.h"

enum { USER = 1001, RULE_USER = 0, RULE_INNER, RULE_OUTER, RULES, RULE_NONE = RULES };

/* Who opens a socket. */
struct person {
	uid_t uid;
	const char *cgroup;	/* "" for the root */
};

static const struct person nobody = { 0, "" }, user = { USER, "" }, inner = { 0, "/weir-classify/inner" },
	outer = { 0, "/weir-classify" }, beside = { 0, "/weir-classify/beside" };

/* ---- cgroups ---- */

static const char *cgroup_root(void)
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	struct statfs fs;
	unsigned int i;

	for (i = 0; i < 2; i++)
		if (!statfs(places[i], &fs) && fs.f_type == CGROUP2_SUPER_MAGIC)
			return places[i];
	return NULL;
}

static void cgroup_join(const char *path)
{
	char name[300];
	int fd;

	snprintf(name, sizeof(name), "%s%s/cgroup.procs", cgroup_root(), path);
	fd = open(name, O_WRONLY | O_CLOEXEC);
	MUST(fd >= 0);
	MUST(write(fd, "0", 1) == 1);
	close(fd);
}

static uint64_t cgroup_make(const char *path)
{
	struct stat st;
	char name[300];

	snprintf(name, sizeof(name), "%s%s", cgroup_root(), path);
	MUST(!mkdir(name, 0755) || errno == EEXIST);
	MUST(!stat(name, &st));
	return st.st_ino;
}

static void cgroup_remove(const char *path)
{
	char name[300];

	snprintf(name, sizeof(name), "%s%s", cgroup_root(), path);
	rmdir(name);
}

/* ---- sockets ---- */

/* A socket of somebody, bound to any port of the loopback address. */
static int open_socket(const struct person *who, int family, int type, struct sockaddr_in6 *addr,
		       socklen_t *len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)addr;
	int fd;

	memset(addr, 0, sizeof(*addr));
	addr->sin6_family = (sa_family_t)family;
	*len = family == AF_INET ? sizeof(*in) : sizeof(*addr);
	if (family == AF_INET)
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		addr->sin6_addr = in6addr_loopback;
	if (cgroup_root())
		cgroup_join(who->cgroup);
	MUST(!seteuid(who->uid));
	fd = socket(family, type | SOCK_CLOEXEC, 0);
	MUST(!seteuid(0));
	if (cgroup_root())
		cgroup_join("");
	MUST(fd >= 0);
	MUST(!bind(fd, (struct sockaddr *)addr, *len));
	MUST(!getsockname(fd, (struct sockaddr *)addr, len));
	return fd;
}

static void send_datagram(const struct person *from, const struct person *to, int family)
{
	struct sockaddr_in6 here, there;
	socklen_t here_len, there_len;
	int in = open_socket(to, family, SOCK_DGRAM, &there, &there_len);
	int out = open_socket(from, family, SOCK_DGRAM, &here, &here_len);
	char byte = 1;

	MUST(sendto(out, &byte, 1, 0, (struct sockaddr *)&there, there_len) == 1);
	MUST(recv(in, &byte, 1, 0) == 1);
	close(in);
	close(out);
}

/* Opens, sends one way, closes. */
static void connect_stream(const struct person *from, const struct person *to, int family)
{
	struct sockaddr_in6 here, there;
	socklen_t here_len, there_len;
	int in = open_socket(to, family, SOCK_STREAM, &there, &there_len), server;
	int out = open_socket(from, family, SOCK_STREAM, &here, &here_len);
	char buf[1000] = { 0 };

	MUST(!listen(in, 1));
	MUST(!connect(out, (struct sockaddr *)&there, there_len));
	MUST(!seteuid(to->uid));	/* whose it is: of who accepts (sock_graft(), net/sock.h) */
	server = accept(in, NULL, NULL);
	MUST(!seteuid(0));
	MUST(server >= 0);
	MUST(write(out, buf, sizeof(buf)) == sizeof(buf));
	MUST(recv(server, buf, sizeof(buf), MSG_WAITALL) == sizeof(buf));
	close(out);
	close(server);
	close(in);
}

/* ---- the classifiers on lo ---- */

struct side {
	struct loaded *loaded;
	uint64_t before[RULES + 1];
};

static struct rule rules[RULES];
static struct match matches[RULES];

static void make_rules(void)
{
	unsigned int i;

	matches[RULE_USER] = (struct match){ .set = MATCH_USER, .uid = USER };
	matches[RULE_INNER] = (struct match){ .set = MATCH_CGROUP, .cgroup_level = 2 };
	matches[RULE_OUTER] = (struct match){ .set = MATCH_CGROUP, .cgroup_level = 1 };
	matches[RULE_INNER].cgroup_id = matches[RULE_OUTER].cgroup_id = 1;
	if (cgroup_root()) {
		matches[RULE_OUTER].cgroup_id = cgroup_make("/weir-classify");
		matches[RULE_INNER].cgroup_id = cgroup_make("/weir-classify/inner");
		cgroup_make("/weir-classify/beside");
	}
	for (i = 0; i < RULES; i++)
		rules[i] = (struct rule){ .match = &matches[i], .classid = LINE_CLASS(i), .what = "test" };
}

static void attach(struct side *side, bool ingress, const struct rule *list, unsigned int n,
		   struct arena *arena)
{
	const struct ruleset_hook hook = {
		.what = "lo", .ingress = ingress, .ethernet = true, .classid = LINE_DEFAULT,
	};
	LIBBPF_OPTS(bpf_tc_hook, at, .ifindex = (int)if_nametoindex("lo"),
		    .attach_point = ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = 1);
	struct program *program;
	int err;

	side->loaded = lines_load(&hook, list, n, arena, &program);
	opts.prog_fd = program_fd(side->loaded);
	err = bpf_tc_hook_create(&at);
	MUST(!err || err == -EEXIST);
	MUST(!bpf_tc_attach(&at, &opts));
}

static uint64_t packets_of(const struct side *side, unsigned int rule)
{
	return counter_of(side->loaded, rule == RULE_NONE ? (unsigned int)CLASSIFY_COUNT_DEFAULT :
					CLASSIFY_COUNT_RULE + rule).packets;
}

static void remember(struct side *side)
{
	unsigned int i;

	for (i = 0; i <= RULES; i++)
		side->before[i] = packets_of(side, i);
}

/* At least so many packets since were of the rule; and of no other one but `other`. */
static void check_side(const struct side *side, const char *what, unsigned int rule, uint64_t least,
		       unsigned int other)
{
	unsigned int i;
	uint64_t n;

	for (i = 0; i <= RULES; i++) {
		n = packets_of(side, i) - side->before[i];
		if (i == rule ? n < least : i != other && n)
			kt_fail(__FILE__, __LINE__, "%s: rule %u: %d packets", what, i, (int)n);
	}
}

struct a_case {
	const char *what;
	const struct person *who;
	unsigned int rule;
	bool cgroup;
};

static const struct a_case cases[] = {
	{ "nobody", &nobody, RULE_NONE, false },
	{ "a user", &user, RULE_USER, false },
	{ "a cgroup", &outer, RULE_OUTER, true },
	{ "a cgroup within", &inner, RULE_INNER, true },
	{ "a cgroup below that no rule names", &beside, RULE_OUTER, true },
};

static void check_case(struct side *egress, struct side *ingress, const struct a_case *c, int family)
{
	remember(egress);
	remember(ingress);
	send_datagram(c->who, &nobody, family);
	check_side(egress, c->what, c->rule, 1, c->rule);
	check_side(ingress, c->what, RULE_NONE, 1, RULE_NONE);
	remember(egress);
	remember(ingress);
	send_datagram(&nobody, c->who, family);
	check_side(egress, c->what, RULE_NONE, 1, RULE_NONE);
	check_side(ingress, c->what, c->rule, 1, c->rule);
	remember(egress);
	remember(ingress);
	connect_stream(&nobody, c->who, family);	/* SYN, ACK, data to it; SYN+ACK, ACK from it */
	check_side(egress, c->what, c->rule, 2, RULE_NONE);
	check_side(ingress, c->what, c->rule, 3, RULE_NONE);
}

static void sockets(void)
{
	struct side egress, ingress;
	struct arena arena = { 0 };
	unsigned int i;

	make_rules();
	kt_sh("ip link set lo up");
	attach(&egress, false, rules, RULES, &arena);
	attach(&ingress, true, rules, RULES, &arena);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].cgroup && !cgroup_root())
			continue;
		check_case(&egress, &ingress, &cases[i], AF_INET);
		check_case(&egress, &ingress, &cases[i], AF_INET6);
	}
	program_unload(egress.loaded);
	program_unload(ingress.loaded);
	arena_free(&arena);
	cgroup_remove("/weir-classify/beside");
	cgroup_remove("/weir-classify/inner");
	cgroup_remove("/weir-classify");
}

/* Users are the host's, whatever user namespace the network belongs to. */
static void foreign_network(void)
{
	lab_enter_foreign();
	sockets();
}

/* ---- sockets that are bound to no address ---- */

static void send_frame(const struct frame *frame)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("lo"),
		.sll_protocol = htons(ETH_P_ALL),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	uint8_t buf[FRAME_ROOM];
	unsigned int n = frame_build(frame, buf);

	MUST(fd >= 0);
	MUST(sendto(fd, buf, n, 0, (struct sockaddr *)&to, sizeof(to)) == (ssize_t)n);
	close(fd);
}

/* One of the user's, for IPv4 and IPv6. */
static uint16_t open_anywhere(int type)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6 };
	socklen_t len = sizeof(addr);
	int fd;

	MUST(!seteuid(USER));
	fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
	MUST(!seteuid(0));
	MUST(fd >= 0);
	MUST(!bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	MUST(type != SOCK_STREAM || !listen(fd, 1));
	MUST(!getsockname(fd, (struct sockaddr *)&addr, &len));
	return ntohs(addr.sin6_port);
}

static void check_addresses(struct side *ingress, uint16_t udp, uint16_t tcp, bool forwards)
{
	static const struct {
		const char *src, *dst;
		bool forwarded, only_udp;
	} to[] = {
		{ "10.8.0.1", "127.0.0.1", false, false }, { "10.8.0.1", "10.7.0.1", false, false },
		{ "fd08::1", "fd07::1", false, false }, { "fd08::1", "::1", false, false },
		{ "10.8.0.1", "255.255.255.255", false, true }, { "10.8.0.1", "10.7.0.255", false, true },
		{ "10.8.0.1", "224.0.0.251", false, true }, { "fe80::1", "ff02::fb", false, true },
		{ "10.8.0.1", "10.9.0.2", true, false }, { "fd08::1", "fd09::2", true, false },
	};
	struct frame frame = { 0 };
	unsigned int i, rule;

	for (i = 0; i < 2 * sizeof(to) / sizeof(to[0]); i++) {
		frame = (struct frame){ .src = to[i / 2].src, .dst = to[i / 2].dst, .sport = 4,
					.proto = i % 2 ? IPPROTO_TCP : IPPROTO_UDP, .dport = i % 2 ? tcp : udp };
		rule = to[i / 2].forwarded ? RULE_NONE : RULE_USER;
		if ((i % 2 && to[i / 2].only_udp) || (to[i / 2].forwarded && !forwards))
			continue;
		remember(ingress);
		send_frame(&frame);
		check_side(ingress, frame.dst, rule, 1, RULE_NONE);
	}
}

/* They match what is only forwarded, too, when they are looked up; but it is not theirs. */
static void bound_to_no_address(void)
{
	uint16_t udp = open_anywhere(SOCK_DGRAM), tcp = open_anywhere(SOCK_STREAM);
	struct arena arena = { 0 };
	struct side ingress;

	make_rules();
	kt_veth();
	kt_sh("ip link set lo up; ip addr add 10.7.0.1/24 dev v0; ip addr add fd07::1/64 dev v0 nodad;"
	      "ip route add 10.9.0.0/16 via 10.7.0.2; ip -6 route add fd09::/16 via fd07::2;"
	      "ip route add default via 10.7.0.3");
	attach(&ingress, true, rules, RULES, &arena);
	check_addresses(&ingress, udp, tcp, false);
	kt_sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
	check_addresses(&ingress, udp, tcp, true);
	program_unload(ingress.loaded);
	arena_free(&arena);
}

/* ---- headers that are not in the linear part ---- */

/* Only its Ethernet header is: packet_snd(), net/packet/af_packet.c, keeps as much together as the
 * header of virtio says, of a frame that is longer than a page. */
static void send_in_pages(const struct frame *frame)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("lo"),
		.sll_protocol = htons(ETH_P_ALL),
	};
	struct { struct virtio_net_hdr head; uint8_t bytes[9000]; } packet = { .head.hdr_len = 14 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), on = 1;
	uint8_t buf[FRAME_ROOM];

	MUST(fd >= 0);
	MUST(!setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)));
	memcpy(packet.bytes, buf, frame_build(frame, buf));
	MUST(sendto(fd, &packet, sizeof(packet), 0, (struct sockaddr *)&to, sizeof(to)) == sizeof(packet));
	close(fd);
}

static void headers_in_pages(void)
{
	static const char *const lines[] = {
		"ip udp dport 4242", "ip6 tcp dport 80", "vlan 7", "dscp ef", "from 10.7.0.0/16",
	};
	static const struct frame frames[] = {
		{ .src = "10.9.0.1", .dst = "10.9.0.2", .options = 5, .proto = 17, .dport = 4242 },
		{ .src = "fd09::1", .dst = "fd09::2", .extensions = { 60, 43 }, .extension_words = 20,
		  .proto = 6, .dport = 80 },
		{ .tag = { { 0x8100, 7 }, { 0x8100, 8 } }, .src = "10.9.0.1", .dst = "10.9.0.2", .proto = 17 },
		{ .src = "fd09::1", .dst = "fd09::2", .dscp = 46, .proto = 17 },
		{ .pppoe = true, .src = "10.7.0.1", .dst = "10.9.0.2", .proto = 47 },
	};
	enum { LINES = sizeof(lines) / sizeof(lines[0]) };
	struct side egress, ingress;
	struct arena arena = { 0 };
	struct rule list[LINES];
	struct policy *policy = lines_parse(lines, LINES, list);
	unsigned int i;

	kt_sh("ip link set lo up");
	attach(&egress, false, list, LINES, &arena);
	attach(&ingress, true, list, LINES, &arena);
	for (i = 0; i < LINES; i++) {
		send_in_pages(&frames[i]);
		CHECK_INT(counter_of(egress.loaded, CLASSIFY_COUNT_RULE + i).packets, 1);
		CHECK_INT(counter_of(ingress.loaded, CLASSIFY_COUNT_RULE + i).packets, 1);
	}
	program_unload(egress.loaded);
	program_unload(ingress.loaded);
	arena_free(&arena);
	policy_free(policy);
}

static const struct kt_test tests[] = {
	{ "sockets", sockets },
	{ "foreign_network", foreign_network },
	{ "bound_to_no_address", bound_to_no_address },
	{ "headers_in_pages", headers_in_pages },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
