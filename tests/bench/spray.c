// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * spray.c - what a packet costs its sender, for the benchmarks.
 *
 *   spray COUNT ROUNDS < FLOWS     FLOWS: lines "ADDRESS PORT TOS", IPv4; sends COUNT small UDP packets
 *                                  to them in an order of its own, prints ns per packet of the fastest
 *                                  of ROUNDS rounds
 *
 * The order is the same in every run and visits all flows, so that no cache helps one tool more than
 * another. The fastest round is the one that the rest of the machine disturbed least.
 */
#include "tests/bench/bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64, PAYLOAD_BYTES = 18, MAX_FLOWS = 1 << 20 };

struct flow {
	struct sockaddr_in to;
	int tos;
};

struct batch {
	struct mmsghdr msgs[BATCH];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control[BATCH];
	struct iovec iov;
	char payload[PAYLOAD_BYTES];
};

static struct flow *read_flows(uint32_t *n)
{
	struct flow *flows = calloc(MAX_FLOWS, sizeof(*flows));
	char address[64];
	unsigned int port, tos;

	*n = 0;
	while (flows && *n < MAX_FLOWS && scanf("%63s %u %u", address, &port, &tos) == 3) {
		struct flow *f = &flows[(*n)++];

		f->to.sin_family = AF_INET;
		f->to.sin_port = htons((uint16_t)port);
		f->tos = (int)tos;
		if (inet_pton(AF_INET, address, &f->to.sin_addr) != 1) {
			fprintf(stderr, "spray: bad address '%s'\n", address);
			free(flows);
			return NULL;
		}
	}
	return flows;
}

static void batch_init(struct batch *b)
{
	unsigned int i;

	memset(b, 0, sizeof(*b));
	b->iov.iov_base = b->payload;
	b->iov.iov_len = sizeof(b->payload);
	for (i = 0; i < BATCH; i++) {
		struct msghdr *m = &b->msgs[i].msg_hdr;
		struct cmsghdr *c;

		m->msg_iov = &b->iov;
		m->msg_iovlen = 1;
		m->msg_namelen = sizeof(struct sockaddr_in);
		m->msg_control = b->control[i].bytes;
		m->msg_controllen = sizeof(b->control[i].bytes);
		c = CMSG_FIRSTHDR(m);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_TOS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
	}
}

/* A step that shares no factor with n visits every flow once in n packets. */
static uint32_t step_for(uint32_t n)
{
	uint32_t step = n / 2 + n / 8 + 1, a, b, t;

	for (;; step++) {
		for (a = step, b = n; b; t = a % b, a = b, b = t)
			;
		if (a == 1)
			return step % n;
	}
}

static int64_t spray(int fd, struct batch *b, struct flow *flows, uint32_t n, uint64_t count)
{
	uint32_t at = 0, step = step_for(n);
	uint64_t start = now_ns(), done = 0;
	unsigned int i;
	int sent;

	while (done < count) {
		for (i = 0; i < BATCH; i++) {
			at = (at + step) % n;
			b->msgs[i].msg_hdr.msg_name = &flows[at].to;
			memcpy(CMSG_DATA(CMSG_FIRSTHDR(&b->msgs[i].msg_hdr)), &flows[at].tos,
			       sizeof(int));
		}
		sent = sendmmsg(fd, b->msgs, BATCH, 0);
		if (sent < 0) {
			perror("spray: sendmmsg");
			return -1;
		}
		done += (uint64_t)sent;
	}
	return (int64_t)(now_ns() - start);
}

int main(int argc, char **argv)
{
	uint64_t count = argc == 3 ? strtoull(argv[1], NULL, 10) : 0;
	unsigned long rounds = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int64_t best = -1, ns;
	struct flow *flows;
	struct batch b;
	uint32_t n;

	if (!count || !rounds || fd < 0) {
		fputs("usage: spray COUNT ROUNDS < FLOWS\n", stderr);
		return 2;
	}
	flows = read_flows(&n);
	if (!flows || !n)
		return 1;
	batch_init(&b);
	while (rounds--) {
		ns = spray(fd, &b, flows, n, count);
		if (ns < 0)
			return 1;
		if (best < 0 || ns < best)
			best = ns;
	}
	printf("%.1f\n", (double)best / (double)count);
	free(flows);
	return 0;
}
