// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bpf/limit_lab.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>

#include "host/cgroup.h"
#include "host/limit_pins.h"

enum { SEEN = 256, PAYLOAD = 972, IP_BYTES = 1000, TRAIN = 20, FLOWS = 8, SETTLE_MS = 300 };
enum { PAUSE_US = 1900, SLOW_PAUSE_US = 30000 };

enum what { A_PROG, A_MAP, A_LINK };

/* What of the kernel's objects was pinned at some time. */
static struct {
	enum what what;
	uint32_t id;
} seen[SEEN];
static unsigned int n_seen;

/* ---- places ---- */

static void base_path(char *path, size_t size, int pid)
{
	struct cgroups *cgroups = malloc(sizeof(*cgroups));

	path[0] = 0;
	if (cgroups && !cgroups_find(&kt_ctx, cgroups) && *cgroups->v2)
		snprintf(path, size, "%s/weir-test-%d", cgroups->v2, pid);
	free(cgroups);
}

int lab_main(int argc, char **argv, const struct kt_test *tests, size_t n)
{
	char path[CGROUP_DIR + 32], command[2 * CGROUP_DIR + 192];
	int status = kt_main(argc, argv, tests, n);

	base_path(path, sizeof(path), getpid());
	snprintf(command, sizeof(command), "[ ! -d %s ] || find %s -depth -type d -exec rmdir {} +", path,
		 path);
	return system(command) ? 1 : status;
}

static void join_cgroup(const char *path)
{
	char name[2 * CGROUP_DIR + 64];
	int fd;

	snprintf(name, sizeof(name), "%s/cgroup.procs", path);
	fd = open(name, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		abort();
	close(fd);
}

void lab_begin(void)
{
	char path[CGROUP_DIR + 32];

	base_path(path, sizeof(path), getppid());
	if (!*path)
		kt_skip("no cgroup v2 is mounted");
	MUST(!mkdir(path, 0755) || errno == EEXIST);
	join_cgroup(path);
	MUST(!unshare(CLONE_NEWCGROUP));
	MUST(!mkdir(LAB_CGROUPS, 0755));
	MUST(!mount("cgroup2", LAB_CGROUPS, "cgroup2", 0, NULL));
	MUST(!mount("bpf", LIMIT_BPFFS, "bpf", 0, NULL));
	MUST(!prctl(PR_SET_CHILD_SUBREAPER, 1));
	kt_sh("ip link set lo up");
}

void lab_enter_foreign(void)
{
	int ready[2], net;
	char path[32];
	pid_t pid;

	MUST(!pipe(ready));
	pid = fork();
	if (!pid) {
		if (!unshare(CLONE_NEWUSER | CLONE_NEWNET) && write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	if (read(ready[0], path, 1) != 1)
		kt_skip("no user namespaces");
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	net = open(path, O_RDONLY | O_CLOEXEC);
	MUST(net >= 0 && !setns(net, CLONE_NEWNET));
	close(net);
	close(ready[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	kt_sh("ip link set lo up");
}

bool lab_is_slow(void)
{
	const char *place = getenv("PLACE");

	return place && !strncmp(place, "vm-", 3);
}

void lab_cgroup(const char *path)
{
	kt_sh("mkdir -p %s/%s", LAB_CGROUPS, path);
}

int lab_program(const char *name)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);
	char path[128];
	int link, prog;

	snprintf(path, sizeof(path), "%s/%s", LIMIT_PINS, name);
	link = bpf_obj_get(path);
	MUST(link >= 0 && !bpf_obj_get_info_by_fd(link, &info, &len));
	prog = bpf_prog_get_fd_by_id(info.prog_id);
	MUST(prog >= 0);
	close(link);
	return prog;
}

uint32_t lab_packet(const char *program, const char *remote, unsigned int bytes, unsigned int times)
{
	static uint8_t frame[2048] = {
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, ETH_P_IP >> 8, ETH_P_IP & 255, 0x45,
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = ETH_HLEN + bytes);
	int fd = lab_program(program), err = 0;

	frame[ETH_HLEN + 9] = IPPROTO_UDP;
	MUST(inet_pton(AF_INET, remote, frame + ETH_HLEN + 12) == 1);
	MUST(inet_pton(AF_INET, remote, frame + ETH_HLEN + 16) == 1);
	while (times-- && !err)
		err = bpf_prog_test_run_opts(fd, &opts);
	CHECK_INT(err, 0);
	close(fd);
	return opts.retval;
}

static enum what what_is(int fd)
{
	char path[32], text[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	return strstr(text, "prog") ? A_PROG : strstr(text, "map") ? A_MAP : A_LINK;
}

static void remember(enum what what, uint32_t id)
{
	unsigned int i;

	for (i = 0; i < n_seen; i++)
		if (seen[i].what == what && seen[i].id == id)
			return;
	MUST(n_seen < SEEN);
	seen[n_seen].what = what;
	seen[n_seen++].id = id;
}

static void remember_pin(const char *path)
{
	struct bpf_prog_info prog = { 0 };
	struct bpf_link_info link = { 0 };
	struct bpf_map_info map = { 0 };
	uint32_t len_prog = sizeof(prog), len_link = sizeof(link), len_map = sizeof(map);
	int fd = bpf_obj_get(path);

	MUST(fd >= 0);
	switch (what_is(fd)) {
	case A_PROG:
		MUST(!bpf_obj_get_info_by_fd(fd, &prog, &len_prog));
		remember(A_PROG, prog.id);
		break;
	case A_MAP:
		MUST(!bpf_obj_get_info_by_fd(fd, &map, &len_map));
		remember(A_MAP, map.id);
		break;
	default:
		MUST(!bpf_obj_get_info_by_fd(fd, &link, &len_link));
		remember(A_LINK, link.id);
		remember(A_PROG, link.prog_id);
	}
	close(fd);
}

void lab_remember(void)
{
	DIR *dir = opendir(LIMIT_PINS);
	char path[512];
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", LIMIT_PINS, e->d_name);
		if (e->d_name[0] != '.')
			remember_pin(path);
	}
	if (dir)
		closedir(dir);
}

static unsigned int still_there(void)
{
	unsigned int i, n = 0;
	int fd;

	for (i = 0; i < n_seen; i++) {
		fd = seen[i].what == A_PROG ? bpf_prog_get_fd_by_id(seen[i].id) :
		     seen[i].what == A_MAP ? bpf_map_get_fd_by_id(seen[i].id) :
					     bpf_link_get_fd_by_id(seen[i].id);
		n += fd >= 0;
		if (fd >= 0)
			close(fd);
	}
	return n;
}

/* The kernel frees programs and maps a moment after the last use. */
void lab_nothing_left(void)
{
	unsigned int tries = 300;

	CHECK_STR(kt_sh("find %s -name 'weir*'", LIMIT_BPFFS), "");
	while (still_there() && --tries)
		usleep(10000);
	CHECK_INT(still_there(), 0);
}

/* ---- traffic ---- */

/* Shared by the test, the receiver and the sender. */
struct lab_sender {
	volatile uint64_t bytes;	/* of IP, arrived */
	volatile uint16_t port;		/* network order; 0: not yet */
	volatile bool fork_now;
	volatile pid_t child;
	pid_t receiver, sender;
};

static double now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void enter(const char *cgroup, unsigned int uid)
{
	char path[2 * CGROUP_DIR];

	if (cgroup) {
		snprintf(path, sizeof(path), "%s/%s", LAB_CGROUPS, cgroup);
		join_cgroup(path);
	}
	if (uid && setuid(uid))
		abort();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static _Noreturn void receive(struct lab_sender *s, const struct lab_flow *flow)
{
	struct sockaddr_in own = { .sin_family = AF_INET };
	socklen_t len = sizeof(own);
	char buf[PAYLOAD];
	int fd;

	enter(flow->to, 0);
	own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, (void *)&own, sizeof(own)) || getsockname(fd, (void *)&own, &len))
		abort();
	s->port = own.sin_port;
	for (;;)
		if (recv(fd, buf, sizeof(buf), 0) == PAYLOAD)
			__sync_fetch_and_add(&s->bytes, IP_BYTES);
}

static int connected(const struct lab_sender *s)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = s->port };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (void *)&to, sizeof(to)))
		abort();
	return fd;
}

static _Noreturn void send_on(struct lab_sender *s, const struct lab_flow *flow)
{
	static const char buf[PAYLOAD];
	/* More than any limit of a test lets through, and no more than an emulated processor can do. */
	useconds_t pause_us = lab_is_slow() ? SLOW_PAUSE_US : PAUSE_US;
	pid_t child;
	int fd, i;

	enter(flow->from, flow->uid);
	fd = connected(s);
	for (;;) {
		for (i = 0; i < TRAIN; i++)
			send(fd, buf, sizeof(buf), 0);
		usleep(pause_us);
		if (!s->fork_now || s->child)
			continue;
		close(fd);
		child = fork();
		if (child) {
			s->child = child;
			for (;;)
				pause();
		}
		fd = connected(s);
	}
}

static struct lab_sender *start(const struct lab_flow *flow)
{
	struct lab_sender *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				    -1, 0);
	pid_t receiver, sender;

	MUST(s != MAP_FAILED);
	receiver = fork();
	if (!receiver)
		receive(s, flow);
	while (!s->port)
		usleep(1000);
	sender = fork();
	if (!sender)
		send_on(s, flow);
	s->receiver = receiver;		/* not by the children, who share it */
	s->sender = sender;
	return s;
}

static void end(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void stop(struct lab_sender *s)
{
	end(s->sender);
	end(s->child);		/* ours since its parent has ended */
	end(s->receiver);
	munmap(s, sizeof(*s));
}

void lab_flow(const struct lab_flow *flows, unsigned int n, double seconds, uint64_t *bytes[])
{
	struct lab_sender *s[FLOWS];
	uint64_t first[FLOWS];
	double begin;
	unsigned int i;

	MUST(n <= FLOWS);
	for (i = 0; i < n; i++)
		s[i] = start(&flows[i]);
	usleep(SETTLE_MS * 1000);
	begin = now_seconds();
	for (i = 0; i < n; i++)
		first[i] = s[i]->bytes;
	usleep((useconds_t)(seconds * 1e6));
	for (i = 0; i < n; i++)
		*bytes[i] = (uint64_t)((double)(s[i]->bytes - first[i]) * seconds /
				       (now_seconds() - begin));
	for (i = 0; i < n; i++)
		stop(s[i]);
}

struct lab_sender *lab_sender_start(void)
{
	struct lab_sender *s = start(&(struct lab_flow){ .from = NULL });

	usleep(SETTLE_MS * 1000);
	return s;
}

int lab_sender_pid(const struct lab_sender *s)
{
	return s->sender;
}

uint64_t lab_sender_bytes(struct lab_sender *s, double seconds)
{
	uint64_t first;
	double begin;

	usleep(SETTLE_MS * 1000);
	begin = now_seconds();
	first = s->bytes;
	usleep((useconds_t)(seconds * 1e6));
	return (uint64_t)((double)(s->bytes - first) * seconds / (now_seconds() - begin));
}

void lab_sender_fork(struct lab_sender *s)
{
	s->fork_now = true;
	while (!s->child)
		usleep(1000);
}

void lab_sender_stop(struct lab_sender *s)
{
	stop(s);
}
