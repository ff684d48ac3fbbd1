/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netlink.h - the one rtnetlink transport: composed messages out, acknowledgements and dumps in.
 *
 * Messages are composed with libnl (struct nl_msg) and carried by libmnl: many in one send, each
 * acknowledged, the kernel's extack text matched to its message.
 */
#ifndef WEIR_KERNEL_NETLINK_H
#define WEIR_KERNEL_NETLINK_H

#include <stdint.h>

#include "lib/ctx.h"

struct netlink;
struct nl_msg;
struct nlmsghdr;

/* A socket in the calling thread's network namespace, with extack and capped acks on. */
int netlink_open(struct ctx *ctx, struct netlink **nl);
void netlink_close(struct netlink *nl);		/* takes NULL */

/* What became of one message of a batch. */
struct netlink_ack {
	int err;		/* 0 or -errno; -EINPROGRESS: the kernel did not say */
	char text[160];		/* the kernel's extack, or "" */
};

/* Sends n messages, in as few sends as fit, and reads every acknowledgement. The kernel carries out
 * messages that follow a failed one in the same send; after a send with a failure nothing more is
 * sent. Returns 0 when all were acknowledged without error, else the first error in message order
 * or, where the transport failed, its error, recorded in ctx. acks[] tells each: -EINPROGRESS also
 * for messages that were not sent. Waits for the kernel up to ten seconds (-ETIMEDOUT). */
int netlink_send(struct ctx *ctx, struct netlink *nl, struct nl_msg *const *msgs, unsigned int n,
		 struct netlink_ack *acks);

/* One dump request; each() is called for every message and stops the dump with an error when it
 * returns one. what names the dump in errors. -EINTR, not recorded in ctx, when the kernel flags
 * the dump as disturbed. */
int netlink_dump(struct ctx *ctx, struct netlink *nl, struct nl_msg *msg, const char *what,
		 int (*each)(const struct nlmsghdr *nlh, void *arg), void *arg);

/* The same for one object: each() is called with it, or not at all when the kernel has none. */
int netlink_get(struct ctx *ctx, struct netlink *nl, struct nl_msg *msg, const char *what,
		int (*each)(const struct nlmsghdr *nlh, void *arg), void *arg);

/* A socket of its own that hears of every change to links and to traffic control from now on. */
int netlink_listen(struct ctx *ctx, struct netlink **nl);

/* Calls each() for every event that has come so far, without waiting; an error from it ends this.
 * -ENOBUFS, not recorded in ctx, when the kernel had to drop some. */
int netlink_events(struct ctx *ctx, struct netlink *nl,
		   int (*each)(const struct nlmsghdr *nlh, void *arg), void *arg);

/* The descriptor, to poll a listening socket. */
int netlink_fd(const struct netlink *nl);

/* The index of an interface of the process's network namespace. -ENODEV: there is none of that name; other
 * errors say that this could not be found out, which if_nametoindex() does not tell apart. */
int netlink_ifindex(const char *name);

/* How many state-changing messages this socket sent: what `apply` reports. */
unsigned long netlink_mutations(const struct netlink *nl);

#endif
