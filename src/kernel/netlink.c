// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/netlink.h"

#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

enum {
	BATCH_MESSAGES = 128,
	BATCH_BYTES = 64 * 1024,
	RECV_BYTES = 64 * 1024,		/* the kernel makes no dump buffer above 32 KiB */
	SOCKET_BYTES = 4 << 20,		/* what may wait: acknowledgements of a batch, events */
	TIMEOUT_S = 10,
};

struct netlink {
	struct mnl_socket *socket;
	unsigned int portid;
	uint32_t seq;			/* of the last message sent */
	unsigned long mutations;
	alignas(struct nlmsghdr) char buf[RECV_BYTES];
};

int netlink_ifindex(const char *name)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;
	struct ifreq request = { 0 };

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFINDEX, &request))
		err = -errno;
	close(fd);
	return err ? err : request.ifr_ifindex;
}

/* ---- the socket ---- */

static int socket_options(struct netlink *nl)
{
	int fd = mnl_socket_get_fd(nl->socket), on = 1, bytes = SOCKET_BYTES;
	struct timeval timeout = { .tv_sec = TIMEOUT_S };

	/* FORCE needs CAP_NET_ADMIN in the first user namespace; without it, what is allowed */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) ||
	    mnl_socket_setsockopt(nl->socket, NETLINK_EXT_ACK, &on, sizeof(on)) < 0 ||
	    mnl_socket_setsockopt(nl->socket, NETLINK_CAP_ACK, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

static int open_socket(struct ctx *ctx, unsigned int groups, struct netlink **out)
{
	struct netlink *nl = malloc(sizeof(*nl));
	int err;

	if (!nl)
		return oom(ctx);
	memset(nl, 0, offsetof(struct netlink, buf));
	nl->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	err = nl->socket ? socket_options(nl) : -errno;
	if (!err && mnl_socket_bind(nl->socket, groups, MNL_SOCKET_AUTOPID) < 0)
		err = -errno;
	if (err) {
		netlink_close(nl);
		return fail(ctx, err, "cannot open an rtnetlink socket: %s", strerror(-err));
	}
	nl->portid = mnl_socket_get_portid(nl->socket);
	*out = nl;
	return 0;
}

int netlink_open(struct ctx *ctx, struct netlink **nl)
{
	return open_socket(ctx, 0, nl);
}

int netlink_listen(struct ctx *ctx, struct netlink **nl)
{
	return open_socket(ctx, RTMGRP_LINK | RTMGRP_TC, nl);
}

void netlink_close(struct netlink *nl)
{
	if (!nl)
		return;
	if (nl->socket)
		mnl_socket_close(nl->socket);
	free(nl);
}

int netlink_fd(const struct netlink *nl)
{
	return mnl_socket_get_fd(nl->socket);
}

unsigned long netlink_mutations(const struct netlink *nl)
{
	return nl->mutations;
}

/* One datagram from the kernel into nl->buf: its length, or -errno. */
static ssize_t receive(struct netlink *nl, int flags)
{
	struct sockaddr_nl from;
	struct iovec iov = { nl->buf, sizeof(nl->buf) };
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1,
	};
	ssize_t len;

	do {
		msg.msg_namelen = sizeof(from);
		len = recvmsg(mnl_socket_get_fd(nl->socket), &msg, flags);
	} while ((len < 0 && errno == EINTR) || (len >= 0 && from.nl_pid));
	if (len < 0)
		return -errno;
	return msg.msg_flags & MSG_TRUNC ? -ENOBUFS : len;
}

/* ---- acknowledgements ---- */

/* A send and what is known of its messages. */
struct batch {
	uint32_t seq;			/* of the first message */
	unsigned int n, known;
	struct netlink_ack *acks;
};

/* The kernel's own words: TLVs behind the header that caused the error (include/uapi/linux/
 * netlink.h, 6.12: with NETLINK_CAP_ACK nothing but that header lies in between). */
static void read_extack(const struct nlmsghdr *nlh, char *text, size_t size)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	size_t skip = sizeof(*e);
	const struct nlattr *nla;

	*text = 0;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += mnl_nlmsg_get_payload_len(&e->msg);
	mnl_attr_for_each(nla, nlh, (unsigned int)skip)
		if (mnl_attr_get_type(nla) == NLMSGERR_ATTR_MSG)
			snprintf(text, size, "%.*s", (int)mnl_attr_get_payload_len(nla),
				 mnl_attr_get_str(nla));
}

static void take_ack(const struct nlmsghdr *nlh, struct batch *batch)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	uint32_t i = nlh->nlmsg_seq - batch->seq;
	struct netlink_ack *ack;

	if (nlh->nlmsg_type != NLMSG_ERROR || mnl_nlmsg_get_payload_len(nlh) < sizeof(*e) ||
	    i >= batch->n)
		return;		/* left over from an earlier send that went wrong */
	ack = &batch->acks[i];
	if (ack->err == -EINPROGRESS)
		batch->known++;
	ack->err = e->error;
	read_extack(nlh, ack->text, sizeof(ack->text));
}

/* The kernel works off a batch inside send(), so what it has to say is waiting already. Once some
 * of that was lost there is no knowing how much is still to come: take what there is. */
static int receive_acks(struct ctx *ctx, struct netlink *nl, struct batch *batch)
{
	const struct nlmsghdr *nlh;
	int flags = 0, left;
	ssize_t len;

	while (batch->known < batch->n) {
		len = receive(nl, flags);
		if (len == -ENOBUFS) {
			flags = MSG_DONTWAIT;
			continue;
		}
		if (len == -EAGAIN && flags)
			return fail(ctx, ENOBUFS,
				    "the kernel had no memory to acknowledge a change");
		if (len == -EAGAIN)
			return fail(ctx, ETIMEDOUT, "the kernel did not answer within %d seconds",
				    TIMEOUT_S);
		if (len < 0)
			return fail(ctx, (int)len, "receiving from the kernel: %s",
				    strerror((int)-len));
		for (nlh = (void *)nl->buf, left = (int)len; mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left))
			take_ack(nlh, batch);
	}
	return 0;
}

/* ---- sending ---- */

/* Numbers messages and gathers as many as one send takes. */
static unsigned int gather(struct netlink *nl, struct nl_msg *const *msgs, unsigned int n,
			   struct iovec *iov)
{
	size_t bytes = 0, len;
	unsigned int i;

	for (i = 0; i < n && i < BATCH_MESSAGES; i++) {
		struct nlmsghdr *nlh = nlmsg_hdr(msgs[i]);

		len = NLMSG_ALIGN(nlh->nlmsg_len);
		if (i && bytes + len > BATCH_BYTES)
			break;
		bytes += len;
		nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
		nlh->nlmsg_seq = ++nl->seq;
		nlh->nlmsg_pid = nl->portid;
		iov[i] = (struct iovec){ nlh, len };
	}
	return i;
}

static int send_all(struct ctx *ctx, struct netlink *nl, struct iovec *iov, unsigned int n)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct msghdr msg = {
		.msg_name = &kernel, .msg_namelen = sizeof(kernel), .msg_iov = iov, .msg_iovlen = n,
	};
	ssize_t len;

	do
		len = sendmsg(mnl_socket_get_fd(nl->socket), &msg, 0);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return fail(ctx, errno, "sending to the kernel: %s", strerror(errno));
	return 0;
}

static int send_batch(struct ctx *ctx, struct netlink *nl, struct nl_msg *const *msgs,
		      unsigned int n, struct netlink_ack *acks, unsigned int *sent)
{
	struct batch batch = { .seq = nl->seq + 1, .acks = acks };
	struct iovec iov[BATCH_MESSAGES];
	unsigned int i;
	int err;

	batch.n = gather(nl, msgs, n, iov);
	err = send_all(ctx, nl, iov, batch.n);
	if (err)
		return err;
	nl->mutations += batch.n;
	*sent += batch.n;
	err = receive_acks(ctx, nl, &batch);
	for (i = 0; i < batch.n; i++)
		if (acks[i].err && acks[i].err != -EINPROGRESS)
			return acks[i].err;
	return err;
}

int netlink_send(struct ctx *ctx, struct netlink *nl, struct nl_msg *const *msgs, unsigned int n,
		 struct netlink_ack *acks)
{
	unsigned int i, sent = 0;
	int err = 0;

	for (i = 0; i < n; i++) {
		acks[i].err = -EINPROGRESS;
		acks[i].text[0] = 0;
	}
	while (!err && sent < n)
		err = send_batch(ctx, nl, msgs + sent, n - sent, acks + sent, &sent);
	return err;
}

/* ---- dumps and single objects ---- */

struct dump {
	uint32_t seq;
	bool done, disturbed;
	int err;		/* each()'s, or the kernel's */
	bool kernels;
	char text[160];
	int (*each)(const struct nlmsghdr *nlh, void *arg);
	void *arg;
};

static void dump_end(const struct nlmsghdr *nlh, struct dump *dump)
{
	const int *err = mnl_nlmsg_get_payload(nlh);

	dump->done = true;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*err) || !*err || dump->err)
		return;
	dump->err = *err;
	dump->kernels = true;
	if (nlh->nlmsg_type == NLMSG_ERROR)
		read_extack(nlh, dump->text, sizeof(dump->text));
}

static void dump_message(const struct nlmsghdr *nlh, struct dump *dump)
{
	if (nlh->nlmsg_seq != dump->seq)
		return;
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		dump->disturbed = true;
	if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR)
		dump_end(nlh, dump);
	else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE && !dump->err)
		dump->err = dump->each(nlh, dump->arg);
}

/* Reads to the end also when each() has failed: the socket is of no use in the middle of a dump. */
static int receive_dump(struct ctx *ctx, struct netlink *nl, const char *what, struct dump *dump)
{
	const struct nlmsghdr *nlh;
	ssize_t len;
	int left;

	while (!dump->done) {
		len = receive(nl, 0);
		if (len == -EAGAIN)
			return fail(ctx, ETIMEDOUT, "%s: the kernel did not answer within %d "
				    "seconds", what, TIMEOUT_S);
		if (len < 0)
			return fail(ctx, (int)len, "%s: receiving from the kernel: %s", what,
				    strerror((int)-len));
		for (nlh = (void *)nl->buf, left = (int)len; mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left))
			dump_message(nlh, dump);
	}
	return 0;
}

/* What is left of a dump that went wrong: while it lasts the kernel refuses another (EBUSY). */
static void drain(struct netlink *nl)
{
	ssize_t len;

	do
		len = receive(nl, MSG_DONTWAIT);
	while (len >= 0 || len == -ENOBUFS);
}

static int request(struct ctx *ctx, struct netlink *nl, struct nl_msg *msg, int flags,
		   const char *what, struct dump *dump)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct iovec iov = { nlh, NLMSG_ALIGN(nlh->nlmsg_len) };
	int err;

	dump->seq = ++nl->seq;
	nlh->nlmsg_flags |= (uint16_t)(NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = dump->seq;
	nlh->nlmsg_pid = nl->portid;
	err = send_all(ctx, nl, &iov, 1);
	if (err)
		return err;
	err = receive_dump(ctx, nl, what, dump);
	if (err)
		drain(nl);
	return err;
}

int netlink_dump(struct ctx *ctx, struct netlink *nl, struct nl_msg *msg, const char *what,
		 int (*each)(const struct nlmsghdr *nlh, void *arg), void *arg)
{
	struct dump dump = { .each = each, .arg = arg };
	int err = request(ctx, nl, msg, NLM_F_DUMP, what, &dump);

	if (err)
		return err;
	if (dump.kernels)
		return fail(ctx, dump.err, "%s: %s", what,
			    *dump.text ? dump.text : strerror(-dump.err));
	if (dump.err)
		return dump.err;
	return dump.disturbed ? -EINTR : 0;
}

int netlink_get(struct ctx *ctx, struct netlink *nl, struct nl_msg *msg, const char *what,
		int (*each)(const struct nlmsghdr *nlh, void *arg), void *arg)
{
	struct dump dump = { .each = each, .arg = arg };
	int err = request(ctx, nl, msg, NLM_F_ACK, what, &dump);

	if (err || dump.kernels)
		return err;
	return dump.err;
}

/* ---- events ---- */

int netlink_events(struct ctx *ctx, struct netlink *nl,
		   int (*each)(const struct nlmsghdr *nlh, void *arg), void *arg)
{
	const struct nlmsghdr *nlh;
	int err = 0, left;
	bool lost = false;
	ssize_t len;

	while (!err) {
		len = receive(nl, MSG_DONTWAIT);
		if (len == -EAGAIN)
			return lost ? -ENOBUFS : 0;
		if (len == -ENOBUFS) {
			lost = true;
			continue;
		}
		if (len < 0)
			return fail(ctx, (int)len, "receiving from the kernel: %s",
				    strerror((int)-len));
		for (nlh = (void *)nl->buf, left = (int)len; !err && mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left))
			err = each(nlh, arg);
	}
	return err;
}
