// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcp.c - TCP goodput in a steady state, for the benchmarks.
 *
 *   tcp sink PORT FLOWS WARMUP_MS MEASURE_MS    waits for FLOWS connections, reads them, prints
 *                                               `MBIT CPU_NS`: goodput between the end of the warm-up
 *                                               and the end, and the time that the machine's
 *                                               processors spent in soft interrupts for each byte
 *   tcp start PORT FLOWS MS...                  the same from the first connection on, for as many
 *                                               milliseconds each, which ascend: a line `MBIT` each
 *   tcp source ADDRESS PORT FLOWS MAX_MS [CONGESTION]
 *                                               sends on FLOWS connections until the sink closes;
 *                                               prints how many segments it sent again. CONGESTION:
 *                                               what it controls congestion with, "cubic"
 *
 * Data is thrown away in the kernel (MSG_TRUNC): copying it would cost more than to forward it.
 */
#include "tests/bench/bench.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MAX_FLOWS = 64, ACCEPT_TIMEOUT_MS = 10000, STALL_TIMEOUT_MS = 10000,
	CHUNK_BYTES = 1 << 20, MAX_READ_BYTES = 8 << 20, MAX_ENDS = 8,
};

struct sample {
	uint64_t time_ns, bytes, softirq_ns;
};

/* Longer than what is handed down as one packet, 64 KiB, takes at 50 kB/s. */
#define LAST_ARRIVAL_NS UINT64_C(1500000000)

/* The time that all processors together spent in interrupts and soft interrupts, which is where
 * packets are queued and forwarded; /proc/stat's first line: user nice system idle iowait irq softirq
 * (proc(5)). */
static uint64_t softirq_ns(void)
{
	uint64_t tick_ns = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK), irq, softirq;
	FILE *f = fopen("/proc/stat", "r");
	int n;

	if (!f)
		return 0;
	n = fscanf(f, "cpu %*u %*u %*u %*u %*u %lu %lu", &irq, &softirq);
	fclose(f);
	return n == 2 ? (irq + softirq) * tick_ns : 0;
}

static int listen_on(unsigned long port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, off = 0;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, MAX_FLOWS))
		return -1;
	return fd;
}

static int accept_flows(int listener, struct pollfd *flows, unsigned long n)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };
	uint64_t until = now_ns() + ACCEPT_TIMEOUT_MS * UINT64_C(1000000);
	unsigned long i;

	for (i = 0; i < n; i++) {
		if (poll(&p, 1, timeout_ms(until)) != 1) {
			errno = ETIMEDOUT;
			return -1;
		}
		flows[i].fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		flows[i].events = POLLIN;
		if (flows[i].fd < 0)
			return -1;
	}
	return 0;
}

/* Reads what is there: its bytes, or -1. */
static int64_t read_flow(int fd)
{
	int64_t bytes = 0;
	ssize_t got;

	while (bytes < MAX_READ_BYTES) {
		got = recv(fd, NULL, CHUNK_BYTES, MSG_TRUNC);
		if (got < 0 && errno == EAGAIN)
			return bytes;
		if (got <= 0) {
			errno = got ? errno : EPIPE;
			return -1;
		}
		bytes += got;
	}
	return bytes;
}

static int64_t read_flows(const struct pollfd *flows, unsigned long n)
{
	int64_t bytes = 0, got;
	unsigned long i;

	for (i = 0; i < n; i++) {
		got = flows[i].revents ? read_flow(flows[i].fd) : 0;
		if (got < 0)
			return -1;
		bytes += got;
	}
	return bytes;
}

/*
 * Reads until data arrives at or after until_ns, and gives the time of that arrival and all bytes
 * that came before it. A shaper lets a large packet pass and makes the next one wait for it, so what
 * arrived before an arrival is what its rate allowed, whatever the packets' sizes are. Without one by
 * give_up_ns (0: never, but a long silence is an error) it ends there.
 */
static int read_until(struct pollfd *flows, unsigned long n, uint64_t until_ns, uint64_t give_up_ns,
		      struct sample *s)
{
	int64_t got;

	for (;;) {
		if (poll(flows, n, give_up_ns ? timeout_ms(give_up_ns) : STALL_TIMEOUT_MS) <= 0 &&
		    !give_up_ns)
			return -1;
		s->time_ns = now_ns();
		if (s->time_ns >= until_ns) {
			s->softirq_ns = softirq_ns();
			return 0;
		}
		got = read_flows(flows, n);
		if (got < 0)
			return -1;
		s->bytes += (uint64_t)got;
	}
}

static double mbit(const struct sample *a, const struct sample *b)
{
	return (double)(b->bytes - a->bytes) * 8000 / (double)(b->time_ns - a->time_ns);
}

static int sink(char **argv)
{
	unsigned long port, n, warmup_ms, measure_ms;
	struct pollfd flows[MAX_FLOWS];
	struct sample a = { 0 }, b;
	int listener;

	if (!parse(argv[0], 1, 65535, &port) || !parse(argv[1], 1, MAX_FLOWS, &n) ||
	    !parse(argv[2], 0, 60000, &warmup_ms) || !parse(argv[3], 1, 60000, &measure_ms))
		return 2;
	listener = listen_on(port);
	if (listener < 0 || accept_flows(listener, flows, n) ||
	    read_until(flows, n, now_ns() + warmup_ms * 1000000, 0, &a))
		return give_up("tcp sink");
	b = a;
	if (read_until(flows, n, a.time_ns + measure_ms * 1000000, 0, &b))
		return give_up("tcp sink");
	if (b.bytes == a.bytes) {
		fputs("tcp sink: nothing came\n", stderr);
		return 1;
	}
	printf("%.4f %.4f\n", mbit(&a, &b),
	       (double)(b.softirq_ns - a.softirq_ns) / (double)(b.bytes - a.bytes));
	return 0;
}

static int start(char **argv, unsigned int n_ends)
{
	unsigned long port, n, ms;
	struct pollfd flows[MAX_FLOWS];
	struct sample a = { 0 }, b = { 0 };
	uint64_t until;
	unsigned int i;
	int listener;

	if (!parse(argv[0], 1, 65535, &port) || !parse(argv[1], 1, MAX_FLOWS, &n))
		return 2;
	listener = listen_on(port);
	if (listener < 0 || accept_flows(listener, flows, 1))
		return give_up("tcp start");
	a.time_ns = now_ns();
	if (accept_flows(listener, flows + 1, n - 1))
		return give_up("tcp start");
	for (i = 0; i < n_ends; i++) {
		if (!parse(argv[2 + i], 1, 60000, &ms))
			return 2;
		until = a.time_ns + ms * 1000000;
		if (read_until(flows, n, until, until + LAST_ARRIVAL_NS, &b))
			return give_up("tcp start");
		printf("%.4f\n", mbit(&a, &b));
	}
	return 0;
}

static int connect_to(const char *address, const char *port, const char *congestion)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				  .ai_socktype = SOCK_STREAM }, *found;
	int fd;

	if (getaddrinfo(address, port, &hints, &found)) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && ((congestion && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion,
						  (socklen_t)strlen(congestion))) ||
			connect(fd, found->ai_addr, found->ai_addrlen) ||
			fcntl(fd, F_SETFL, O_NONBLOCK))) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	return fd;
}

/* 1: the sink has closed. */
static int send_some(const struct pollfd *flows, unsigned long n)
{
	static const char zeros[CHUNK_BYTES / 4];
	unsigned long i;

	for (i = 0; i < n; i++) {
		if (flows[i].revents & (POLLERR | POLLHUP))
			return 1;
		if (flows[i].revents && send(flows[i].fd, zeros, sizeof(zeros), MSG_NOSIGNAL) < 0 &&
		    errno != EAGAIN)
			return errno == EPIPE || errno == ECONNRESET ? 1 : -1;
	}
	return 0;
}

static unsigned long sent_again(const struct pollfd *flows, unsigned long n)
{
	unsigned long i, sum = 0;

	for (i = 0; i < n; i++) {
		struct tcp_info info = { 0 };
		socklen_t len = sizeof(info);

		getsockopt(flows[i].fd, IPPROTO_TCP, TCP_INFO, &info, &len);
		sum += info.tcpi_total_retrans;
	}
	return sum;
}

static int source(char **argv)
{
	unsigned long port, n, max_ms, i;
	struct pollfd flows[MAX_FLOWS];
	uint64_t until;
	int err = 0;

	if (!parse(argv[1], 1, 65535, &port) || !parse(argv[2], 1, MAX_FLOWS, &n) ||
	    !parse(argv[3], 1, 120000, &max_ms))
		return 2;
	until = now_ns() + max_ms * 1000000;
	for (i = 0; i < n; i++) {
		flows[i] = (struct pollfd){ .fd = connect_to(argv[0], argv[1], argv[4]),
					    .events = POLLOUT };
		if (flows[i].fd < 0)
			return give_up("tcp source");
	}
	while (!err && now_ns() < until)
		if (poll(flows, n, timeout_ms(until)) > 0)
			err = send_some(flows, n);
	if (err < 0)
		return give_up("tcp source");
	printf("%lu\n", sent_again(flows, n));
	return 0;
}

int main(int argc, char **argv)
{
	int status = 2;

	if (argc == 6 && !strcmp(argv[1], "sink"))
		status = sink(argv + 2);
	else if (argc > 4 && argc <= 4 + MAX_ENDS && !strcmp(argv[1], "start"))
		status = start(argv + 2, (unsigned int)argc - 4);
	else if ((argc == 6 || argc == 7) && !strcmp(argv[1], "source"))
		status = source(argv + 2);
	if (status == 2)
		fputs("usage: tcp sink PORT FLOWS WARMUP_MS MEASURE_MS\n"
		      "       tcp start PORT FLOWS MS...\n"
		      "       tcp source ADDRESS PORT FLOWS MAX_MS [CONGESTION]\n", stderr);
	return status;
}
