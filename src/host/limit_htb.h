/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit_htb.h - limits that are classes of an HTB: of one of their own what the backends tc_htb and
 * ifb_tc have in common, of that of a link what bpf_htb shares with them. Inside of src/host.
 *
 * Which limit has which class is kept in the programs of the backend `ebpf` (limit_class.h), by the
 * major number of the HTB; of cgroups of v1 in their net_cls.classid (limit_net_cls.h). A class that no
 * limit names (its process has ended, weir was killed, the limit was removed in another network namespace) is
 * swept away by the next command that changes or lists limits.
 */
#ifndef WEIR_HOST_LIMIT_HTB_H
#define WEIR_HOST_LIMIT_HTB_H

#include "host/backend.h"
#include "kernel/apart.h"
#include "kernel/op.h"

/* Beyond the majors of weir's links: `apply` and `down` take them for somebody else's. */
enum { LIMIT_MAJOR_EGRESS = 0x78e0, LIMIT_MAJOR_INGRESS = 0x78e1, LIMIT_MAJOR_POLICE = 0x78e2 };

struct netlink;

struct limit_htb {
	struct ctx *ctx;
	const struct backend *backend;
	enum limit_way way;
	uint32_t major;
	struct netlink *nl;
	struct tree *present, *wanted;	/* wanted: only a place for what is made */
	struct ops ops;
	struct limit_list list;		/* limits with a class here */
	int lock;
};

/* Takes the lock and reads what is there. limit_htb_end() in any case. */
int limit_htb_begin(struct ctx *ctx, const struct backend *backend, enum limit_way way, uint32_t major,
		    struct limit_htb *h);
void limit_htb_end(struct limit_htb *h);

/* Reads it again, and forgets the operations. */
int limit_htb_read(struct limit_htb *h);

/* Carries the operations out. */
int limit_htb_apply(struct limit_htb *h);

/* The class that a limit has, or one that none has. 0: there are no more. */
uint32_t limit_htb_classid(const struct limit_htb *h, struct limit_key key);

/* An object for a new operation, without options set; NULL: no memory. */
struct obj *limit_htb_make(struct limit_htb *h, enum obj_type type, const char *kind, uint32_t parent,
			   uint32_t handle);
int limit_htb_op(struct limit_htb *h, const struct tree_link *link, enum op_verb verb,
		 const struct obj *old, const struct obj *obj);

/* A class of a limit: up to ceil_bit, of which rate_bit are its own and the rest is borrowed. */
struct limit_htb_class {
	uint32_t parent, classid;
	uint64_t rate_bit, ceil_bit;
	uint64_t prio, quantum_bytes;
	uint32_t queue;		/* handle of its queue; 0: any */
};

/* Operations that make the class with its queue, or change in place what differs. */
int limit_htb_put_class(struct limit_htb *h, const struct tree_link *link,
			const struct limit_htb_class *class);

/* Operations that make the class on an interface, with the HTB where it is not there; changed in place
 * where it is. -EEXIST: something else is at the root. */
int limit_htb_make_class(struct limit_htb *h, struct tree_link *link, uint32_t classid,
			 uint64_t rate_bit);

/* Operations that take away the classes that no limit has, and the HTBs that have none left, on all
 * interfaces. */
int limit_htb_sweep(struct limit_htb *h);

/* Whether the interface has the HTB. */
bool limit_htb_is_on(const struct limit_htb *h, const struct tree_link *link);

/* A wish with its class in it, checked: what is not for classes is refused. */
int limit_htb_wish(struct limit_htb *h, const struct limit_wish *wish, struct limit_wish *classed);

/* For backend.list: what left by the classes is what counts. */
int limit_htb_list(struct ctx *ctx, const struct backend *backend, enum limit_way way, uint32_t major,
		   struct limit_list *list);

/* For backend.remove: takes directions of a limit, or with key NULL of all, out of where they are kept;
 * the classes are left to be swept. -ENOENT: there is none. */
int limit_htb_forget(struct limit_htb *h, const struct limit_key *key);

/* For backend.available: whether there is HTB. */
bool limit_htb_try(struct ctx *ctx, char why[BACKEND_WHY]);

/* The same, and whether limits can be told apart: by the programs of `ebpf`, or where these cannot be
 * had, by net_cls. */
bool limit_htb_can_tell(struct ctx *ctx, unsigned int way, char why[BACKEND_WHY]);

#endif
