/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netns.h - the network namespace that weir works in, and the lock that keeps two of them apart.
 */
#ifndef WEIR_KERNEL_NETNS_H
#define WEIR_KERNEL_NETNS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/ctx.h"

#define NETNS_RUN_DIR "/run/weir"	/* locks, state files and sockets, by namespace inode */

/* Enters the namespace with this name (/run/netns/NAME) or path, for the rest of the process. */
int netns_enter(struct ctx *ctx, const char *name);

/* The inode number that identifies the namespace of the calling thread. */
int netns_inode(struct ctx *ctx, uint64_t *inode);

/* A number that no other namespace has until the next boot, unlike the inode, which is used again;
 * 0 before Linux 5.14. */
uint64_t netns_cookie(void);

/* Takes the namespace's lock, /run/weir/INODE.lock, made 0600 in a directory 0700. Waits for up to
 * wait_ms; -EBUSY then. *fd holds the lock until it is closed. */
int netns_lock(struct ctx *ctx, unsigned int wait_ms, int *fd);

/* The same for something that is changed with or without that lock: /run/weir/INODEwhat.lock. */
int netns_lock_for(struct ctx *ctx, const char *what, unsigned int wait_ms, int *fd);

/* The same for what all namespaces have together: /run/weir/what.lock. Taken after theirs. */
int netns_lock_host(struct ctx *ctx, const char *what, unsigned int wait_ms, int *fd);

/* Runs something in each namespace that has a process or a name in /run/netns and may be entered, its own
 * first, until it returns true: in a thread that it waits for. */
void netns_each(bool (*run)(void *arg), void *arg);

/* Runs something in the namespace with this cookie (netns_cookie()), in a thread that it waits for. False:
 * there is none that has a process or a name in /run/netns, or it may not be entered. */
bool netns_visit(uint64_t cookie, void (*run)(void *arg), void *arg);

#endif
