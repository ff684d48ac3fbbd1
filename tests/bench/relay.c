// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * relay.c - a wire with a delay, for kernels without netem.
 *
 *   relay NETNS1 DEV1 NETNS2 DEV2 DELAY_US     makes a TAP device in each network namespace (paths),
 *                                              passes on what goes into one out of the other DELAY_US
 *                                              later, in order; prints "ready". The devices go with it
 *
 * Packets of many segments pass whole, as over veth, so that 1 Gbit/s takes no processor of its own.
 */
#include "tests/bench/bench.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <linux/if_tun.h>
#include <net/if.h>

enum {
	RING_BYTES = 64 << 20,
	PACKET_BYTES = 72 << 10,	/* the largest with its headers */
	BATCH = 64,
};

struct record {
	uint64_t due_ns;
	uint32_t bytes;		/* 0: the ring goes on at its beginning */
	uint32_t padding;
};

/* One direction. */
struct way {
	int from, to;
	uint8_t *ring;
	size_t head, tail;	/* where the oldest is, where the next one goes */
};

static int make_tap(const char *netns, const char *dev)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int ns = open(netns, O_RDONLY | O_CLOEXEC), fd;

	if (ns < 0 || setns(ns, CLONE_NEWNET))
		return -1;
	close(ns);
	strncpy(ifr.ifr_name, dev, IFNAMSIZ - 1);
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) ||
	    ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN))
		return -1;
	return fd;
}

/* Where the next packet can go; NULL: it is full. */
static struct record *room(struct way *w)
{
	const size_t need = sizeof(struct record) + PACKET_BYTES;

	if (w->tail >= w->head && RING_BYTES - w->tail < need + sizeof(struct record)) {
		if (w->head < need)
			return NULL;
		((struct record *)(w->ring + w->tail))->bytes = 0;
		w->tail = 0;
	}
	if (w->tail < w->head && w->head - w->tail <= need)
		return NULL;
	return (struct record *)(w->ring + w->tail);
}

static size_t length(const struct record *r)
{
	return sizeof(*r) + ((r->bytes + 7) & ~(size_t)7);
}

static bool has_room(struct way *w)
{
	return room(w);
}

/* The oldest packet; NULL: there is none. */
static struct record *oldest(struct way *w)
{
	struct record *r = (struct record *)(w->ring + w->head);

	if (w->head == w->tail)
		return NULL;
	if (r->bytes)
		return r;
	w->head = 0;
	return w->head == w->tail ? NULL : (struct record *)w->ring;
}

static void take_in(struct way *w, uint64_t delay_ns)
{
	struct record *r;
	ssize_t got;
	int i;

	for (i = 0; i < BATCH && (r = room(w)); i++) {
		got = read(w->from, r + 1, PACKET_BYTES);
		if (got <= 0)
			return;
		r->bytes = (uint32_t)got;
		r->due_ns = now_ns() + delay_ns;
		w->tail += length(r);
	}
}

/* Passes on what is due; when the next one will be. */
static uint64_t pass_on(struct way *w)
{
	struct record *r;

	while ((r = oldest(w))) {
		if (r->due_ns > now_ns())
			return r->due_ns;
		if (write(w->to, r + 1, r->bytes) < 0 && errno == EAGAIN)
			return now_ns() + 100000;
		w->head += length(r);
	}
	return UINT64_MAX;
}

static int relay(struct way ways[2], uint64_t delay_ns)
{
	struct timespec wait;
	struct pollfd p[2];
	uint64_t due, next, now;
	int i;

	for (;;) {
		for (next = UINT64_MAX, i = 0; i < 2; i++) {
			due = pass_on(&ways[i]);
			next = due < next ? due : next;
			p[i] = (struct pollfd){ ways[i].from, has_room(&ways[i]) ? POLLIN : 0, 0 };
		}
		now = now_ns();
		next = next > now ? next - now : 0;
		next = next > 1000000000 ? 1000000000 : next;
		wait = (struct timespec){ (time_t)(next / 1000000000), (long)(next % 1000000000) };
		if (ppoll(p, 2, &wait, NULL) < 0 && errno != EINTR)
			return give_up("relay");
		for (i = 0; i < 2; i++)
			if (p[i].revents)
				take_in(&ways[i], delay_ns);
	}
}

int main(int argc, char **argv)
{
	struct way ways[2] = { { 0 }, { 0 } };
	unsigned long delay_us;

	if (argc != 6 || !parse(argv[5], 0, 1000000, &delay_us)) {
		fputs("usage: relay NETNS1 DEV1 NETNS2 DEV2 DELAY_US\n", stderr);
		return 2;
	}
	ways[0].from = ways[1].to = make_tap(argv[1], argv[2]);
	ways[1].from = ways[0].to = ways[0].from < 0 ? -1 : make_tap(argv[3], argv[4]);
	ways[0].ring = malloc(RING_BYTES);
	ways[1].ring = malloc(RING_BYTES);
	if (ways[1].from < 0 || !ways[0].ring || !ways[1].ring || prctl(PR_SET_TIMERSLACK, 1))
		return give_up("relay");
	puts("ready");
	fflush(stdout);
	return relay(ways, delay_us * 1000);
}
