// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * udp.c - an overload, and what gets through it, for the benchmarks.
 *
 *   udp flood ADDRESS PORT PORTS MBIT MS     sends frames of 1442 bytes at MBIT on the wire, in turn
 *                                            to each of PORTS ports from PORT on
 *   udp bins PORT PORTS BIN_MS BINS          receives on these ports; prints a line a bin: bytes on
 *                                            the wire, of all ports together; last `lost N`, the
 *                                            packets that found this program's buffers full
 *
 * A packet belongs to the bin of the time when the kernel received it, so that it does not matter
 * when this program was scheduled.
 */
#include "tests/bench/bench.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MAX_PORTS = 64, BATCH = 32,
	PAYLOAD_BYTES = 1400,
	HEADER_BYTES = 14 + 20 + 8,	/* Ethernet, IPv4, UDP: what HTB counts */
	BUFFER_BYTES = 8 << 20,
	MAX_BINS = 10000,
	TICK_NS = 500000, MAX_BEHIND_NS = 20000000,
};

struct bins {
	uint64_t start_ns, bin_ns, n, *bytes, lost[MAX_PORTS];
};

/* ---- flood */

struct flood {
	int fd;
	struct sockaddr_in to[MAX_PORTS];
	unsigned long n_ports;
	uint64_t sent;
};

static int send_packets(struct flood *f, uint64_t n)
{
	static char payload[PAYLOAD_BYTES];
	struct iovec part = { payload, sizeof(payload) };
	struct mmsghdr batch[BATCH];
	uint64_t i, now;

	for (; n; n -= now) {
		now = n < BATCH ? n : BATCH;
		memset(batch, 0, sizeof(batch));
		for (i = 0; i < now; i++)
			batch[i].msg_hdr = (struct msghdr){
				.msg_name = &f->to[(f->sent + i) % f->n_ports],
				.msg_namelen = sizeof(f->to[0]), .msg_iov = &part, .msg_iovlen = 1,
			};
		if (sendmmsg(f->fd, batch, (unsigned int)now, 0) < 0 && errno != ENOBUFS &&
		    errno != ECONNREFUSED)
			return -1;
		f->sent += now;
	}
	return 0;
}

static int pace(struct flood *f, uint64_t gap_ns, uint64_t duration_ns)
{
	uint64_t start = now_ns(), now = start, due = 0, skipped_ns = 0;
	struct timespec tick = { .tv_nsec = TICK_NS };

	while (now - start < duration_ns) {
		due = (now - start - skipped_ns) / gap_ns;
		if ((due - f->sent) * gap_ns > MAX_BEHIND_NS) {	/* was not scheduled: no burst for it */
			skipped_ns += (due - f->sent) * gap_ns;
			due = f->sent;
		}
		if (send_packets(f, due - f->sent))
			return -1;
		clock_nanosleep(CLOCK_MONOTONIC, 0, &tick, NULL);
		now = now_ns();
	}
	return 0;
}

static int flood(char **argv)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_flags = AI_NUMERICHOST }, *found;
	unsigned long port, mbit, ms, i;
	struct flood f = { .fd = -1 };

	if (!parse(argv[1], 1, 65535 - MAX_PORTS, &port) || !parse(argv[2], 1, MAX_PORTS, &f.n_ports) ||
	    !parse(argv[3], 1, 100000, &mbit) || !parse(argv[4], 1, 120000, &ms) ||
	    getaddrinfo(argv[0], NULL, &hints, &found))
		return 2;
	for (i = 0; i < f.n_ports; i++) {
		f.to[i] = *(struct sockaddr_in *)found->ai_addr;
		f.to[i].sin_port = htons((uint16_t)(port + i));
	}
	freeaddrinfo(found);
	f.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (f.fd < 0 || pace(&f, (PAYLOAD_BYTES + HEADER_BYTES) * 8000 / mbit, ms * 1000000))
		return give_up("udp flood");
	return 0;
}

/* ---- bins */

static int receiver(unsigned long port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
	int bytes = BUFFER_BYTES;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)))
		return -1;
	return fd;
}

static void count(struct bins *b, unsigned long port, struct mmsghdr *m)
{
	struct cmsghdr *c;
	struct timespec t;
	uint64_t ns, bin;
	uint32_t lost;

	for (c = CMSG_FIRSTHDR(&m->msg_hdr); c; c = CMSG_NXTHDR(&m->msg_hdr, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SO_RXQ_OVFL) {
			memcpy(&lost, CMSG_DATA(c), sizeof(lost));
			b->lost[port] = lost;
		} else if (c->cmsg_type == SO_TIMESTAMPNS) {
			memcpy(&t, CMSG_DATA(c), sizeof(t));
			ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
			bin = (ns - b->start_ns) / b->bin_ns;
			if (ns >= b->start_ns && bin < b->n)
				b->bytes[bin] += m->msg_len + HEADER_BYTES;
		}
	}
}

static int receive(struct bins *b, unsigned long port, int fd)
{
	static char data[BATCH][PAYLOAD_BYTES], control[BATCH][128];
	struct iovec part[BATCH];
	struct mmsghdr batch[BATCH];
	int i, n;

	memset(batch, 0, sizeof(batch));
	for (i = 0; i < BATCH; i++) {
		part[i] = (struct iovec){ data[i], sizeof(data[i]) };
		batch[i].msg_hdr = (struct msghdr){ .msg_iov = &part[i], .msg_iovlen = 1,
			.msg_control = control[i], .msg_controllen = sizeof(control[i]) };
	}
	n = recvmmsg(fd, batch, BATCH, MSG_DONTWAIT, NULL);
	for (i = 0; i < n; i++)
		count(b, port, &batch[i]);
	return n < 0 && errno != EAGAIN ? -1 : 0;
}

static int fill(struct bins *b, struct pollfd *sockets, unsigned long n)
{
	uint64_t end = b->start_ns + b->n * b->bin_ns;
	unsigned long i;

	while (bench_ns(CLOCK_REALTIME) < end) {
		if (poll(sockets, n, 20) < 0)
			return -1;
		for (i = 0; i < n; i++)
			if (sockets[i].revents && receive(b, i, sockets[i].fd))
				return -1;
	}
	return 0;
}

static int bins(char **argv)
{
	unsigned long port, n, bin_ms, i;
	struct pollfd sockets[MAX_PORTS];
	struct bins b = { 0 };
	uint64_t lost = 0;

	if (!parse(argv[0], 1, 65535 - MAX_PORTS, &port) || !parse(argv[1], 1, MAX_PORTS, &n) ||
	    !parse(argv[2], 1, 10000, &bin_ms) || !parse(argv[3], 1, MAX_BINS, &b.n))
		return 2;
	b.bin_ns = bin_ms * 1000000;
	b.bytes = calloc(b.n, sizeof(*b.bytes));
	for (i = 0; i < n; i++) {
		sockets[i] = (struct pollfd){ .fd = receiver(port + i), .events = POLLIN };
		if (sockets[i].fd < 0)
			return give_up("udp bins");
	}
	b.start_ns = bench_ns(CLOCK_REALTIME);
	if (!b.bytes || fill(&b, sockets, n))
		return give_up("udp bins");
	for (i = 0; i < b.n; i++)
		printf("%lu\n", b.bytes[i]);
	for (i = 0; i < n; i++)
		lost += b.lost[i];
	printf("lost %lu\n", lost);
	free(b.bytes);
	return 0;
}

int main(int argc, char **argv)
{
	int status = 2;

	if (argc == 7 && !strcmp(argv[1], "flood"))
		status = flood(argv + 2);
	else if (argc == 6 && !strcmp(argv[1], "bins"))
		status = bins(argv + 2);
	if (status == 2)
		fputs("usage: udp flood ADDRESS PORT PORTS MBIT MS\n"
		      "       udp bins PORT PORTS BIN_MS BINS\n", stderr);
	return status;
}
