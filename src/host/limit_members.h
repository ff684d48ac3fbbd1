/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit_members.h - the processes under a limit, and what else of this host the maps of
 * bpf/limit.bpf.c are told. Inside of src/host.
 */
#ifndef WEIR_HOST_LIMIT_MEMBERS_H
#define WEIR_HOST_LIMIT_MEMBERS_H

#include "host/limit.h"
#include "host/limit_pins.h"

/* Puts the processes of the wish under the limit, those that they have started as well unless it says
 * no_children, which takes these out, and the sockets that they have open. The limit must be there. -ESRCH: one is gone; none of
 * them is added then. */
int limit_members_add(struct ctx *ctx, const struct limit_pins *pins, const struct limit_wish *wish,
		      const struct limit_key *key);

/* Takes all processes out of a limit, which ends with the last of them. */
void limit_members_remove(const struct limit_pins *pins, uint64_t limit);

/* The same for processes that are no more, should the kernel not have told. */
void limit_members_prune(const struct limit_pins *pins);

/* Fills in the networks that this host's interfaces are in. How many there are. */
uint32_t limit_own_networks(int map);

/* The limit after `last` (NULL: the first). 1; 0: there is none; -errno, recorded: not to be taken for
 * the end. */
int limit_next(struct ctx *ctx, const struct limit_pins *pins, const struct limit_key *last,
	       struct limit_key *key);

/* Has the programs look for what a limit that was set is on; no longer for what no limit is on. */
int limit_use_more(struct ctx *ctx, const struct limit_pins *pins, const struct limit_key *key,
		   const struct limit_entry *entry);
int limit_use_less(struct ctx *ctx, const struct limit_pins *pins);

/* Whether no cgroup has this id any more. */
bool limit_cgroup_gone(uint64_t id);

/* Fills in the name by the key. */
int limit_name(struct ctx *ctx, struct limit_list *list, struct limit_report *report);

#endif
