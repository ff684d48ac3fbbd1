/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree.h - kernel state as weir sees it: links with their qdiscs, classes and filters.
 *
 * `wanted` (made from a policy by plan/compile) and `present` (dumped by kernel/dump) are both a
 * struct tree; the difference of two trees is a plan. Everything lives in the tree's arena. No
 * netlink header is needed to use it.
 */
#ifndef WEIR_KERNEL_TREE_H
#define WEIR_KERNEL_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "qdisc/kind.h"

enum {
	TREE_NAME = 16,			/* IFNAMSIZ */

	/* What weir owns, by marks in the kernel (doc/design.md, "What weir owns"). */
	WEIR_MAJOR = 0x77e0,		/* the root HTB of a link or of its IFB */
	WEIR_MINOR_ROOT = 1,		/* the class of the whole link */
	WEIR_MINOR_DEFAULT = 2,		/* where unmatched packets go */
	WEIR_MINOR_FIRST = 0x10,	/* other classes: a hash of the path into what follows */
	WEIR_MINOR_LAST = 0xefff,	/* behind it: limits' (bpf/classes.h), and what HTB has for itself */
	WEIR_PRIO_FIRST = 0x7700,	/* police rules in clsact: up to before WEIR_PRIO_LIMITS */
	WEIR_PRIO_LIMITS = 0x77df,	/* at ingress: what hands packets under a limit to the IFB */
	WEIR_PRIO = 0x77e0,		/* what hands a link's packets to its IFB or classifier; up to
					 * WEIR_PRIO_LAST where the one before is still there */
	WEIR_PRIO_LAST = 0x77ff,
	WEIR_GROUP = 0x77e0,		/* an IFB's link group: its mark until it has its alias */
};

#define HANDLE(major, minor) ((uint32_t)(major) << 16 | (uint32_t)(minor))
#define HANDLE_MAJOR(h) ((uint32_t)(h) >> 16)
#define HANDLE_MINOR(h) ((uint32_t)(h) & 0xffff)
#define HANDLE_ROOT 0xffffffffu		/* TC_H_ROOT */
#define HANDLE_CLSACT 0xfffffff1u	/* TC_H_CLSACT: parent of clsact and of ingress */
#define HANDLE_INGRESS 0xfffffff2u	/* clsact's ingress hook */
#define HANDLE_EGRESS 0xfffffff3u	/* clsact's egress hook */

enum obj_type { OBJ_QDISC, OBJ_CLASS, OBJ_FILTER, OBJ_TYPES };

struct program;
struct rule;

struct action {
	struct action *next;
	const struct kind *kind;
	struct opts *opts;
};

struct stats {
	bool have;
	uint64_t bytes, packets;
	uint32_t drops, overlimits, requeues, backlog_bytes, qlen;
};

/* A qdisc, class or filter. */
struct obj {
	struct obj *next;
	enum obj_type type;
	uint32_t handle;	/* qdisc major:0, classid, filter handle */
	uint32_t parent;	/* of a top class: its qdisc, major:0 (dumped as TC_H_ROOT) */
	uint16_t prio, protocol;	/* filters; protocol in host order */
	uint32_t chain;			/* filters */
	const struct kind *kind;	/* NULL: a kind that weir does not know */
	const char *kind_name;
	struct opts *opts;	/* NULL with kind */
	struct action *actions;	/* filters */
	const void *raw;	/* present only: the attributes TCA_* as dumped, to put back */
	uint32_t raw_len;
	bool opaque;		/* present only: has parts that opts and actions do not hold */
	struct stats stats;	/* present only */
	const void *xstats;	/* present only: for kind->stats */
	uint32_t xstats_len;
	const char *name;	/* class path as in the policy, where known */
	const struct program *program;	/* wanted only: what a bpf filter runs, to be loaded; or NULL */
	const struct rule *rules;	/* wanted only: those that it carries, n_rules of them */
	unsigned int n_rules;
	int prog_fd;		/* present only: what it runs, the tree's; 0: not at hand */
};

/* A program at XDP. */
enum tree_xdp_mode {
	TREE_XDP_AUTO,		/* wanted only: native where the driver can, else generic */
	TREE_XDP_NATIVE, TREE_XDP_GENERIC,
	TREE_XDP_OTHER,		/* present only: in the device, or several at once */
};

struct tree_xdp {
	enum tree_xdp_mode mode;
	uint32_t prog_id;	/* present only */
	bool known;		/* present only: the rest is known */
	bool ours;		/* weir's, by its name and its constants; always so of what is wanted */
	char name[16];		/* present only */
	uint32_t generation;	/* of the rules that it decides by (bpf/classify.h) */
	uint64_t source;	/* hash of its object code */
	int prog_fd;		/* present only: the tree's */
	const struct program *program;	/* wanted only: to be loaded */
	bool given_up;		/* wanted only: AUTO, and the kernel refused it in every mode */
};

struct tree_link {
	struct tree_link *next;
	char name[TREE_NAME];
	int ifindex;		/* 0: not there (yet) */
	uint32_t mtu_bytes;
	uint16_t arphrd;	/* ARPHRD_* */
	bool up;
	const char *kind;	/* "ifb", "veth" ..., or "" */
	const char *alias;	/* "" when none */
	bool ours;		/* an interface that weir made: an IFB with weir's alias, or one
				 * that was left without any when just made (WEIR_GROUP) */
	struct obj *objs[OBJ_TYPES];	/* each in dump order: parents before children */
	struct obj *last[OBJ_TYPES];	/* the ends of these lists: tree_obj_add() keeps them */
	struct tree_xdp *xdp;		/* NULL: none */
	const char *classifier;		/* wanted only: what classifies its packets; NULL: nothing
					 * does, or it is an IFB */
	const char *why_classifier;	/* why not one that was better; NULL: there is none */
};

/* A cgroup of net_cls (v1) and its net_cls.classid. Unlike everything else here it belongs to the host,
 * not to the network namespace. */
struct tree_cgroup {
	const char *dir;	/* its folder */
	const char *path;	/* the end of it, from below the root of the hierarchy; "" for the root */
	uint32_t classid;	/* 0: none */
	const char *link;	/* wanted only: the link whose matches need it; for each such link there
				 * is an entry */
};

/* A descriptor that a tree holds. */
struct tree_fd {
	struct tree_fd *next;
	int fd;
};

struct tree {
	struct arena arena;
	struct tree_link *links, *last;
	struct tree_fd *fds;
	struct tree_cgroup *cgroups;	/* by tree_path_order(); what is here is all that is looked at */
	unsigned int n_cgroups;
};

struct tree *tree_new(void);			/* NULL: no memory */
void tree_free(struct tree *tree);		/* takes NULL */

/* NULL when there is none. */
struct tree_link *tree_link_find(const struct tree *tree, const char *name);
struct tree_link *tree_link_by_index(const struct tree *tree, int ifindex);
struct obj *tree_qdisc_at(const struct tree_link *link, uint32_t parent);
struct obj *tree_class(const struct tree_link *link, uint32_t classid);

/* Appended at the end of their list; NULL when there is no memory. */
struct tree_link *tree_link_add(struct tree *tree, const char *name);
struct obj *tree_obj_add(struct tree *tree, struct tree_link *link, enum obj_type type);

/* The tree closes fd when it is freed. 0 or -ENOMEM; then fd is closed already. */
int tree_hold(struct tree *tree, int fd);

/* Puts the link's qdiscs and classes in an order in which they can be made: each after the qdisc or
 * class that it hangs on, siblings as they were. Filters keep their order. 0 or -ENOMEM. */
int tree_sort(struct tree_link *link);

/* A root qdisc that the kernel put there by itself: none, or one with handle 0. */
bool tree_root_is_default(const struct tree_link *link);

/* A root qdisc that is neither that nor weir's. */
bool tree_root_is_foreign(const struct tree_link *link);

/* Whether weir made this object, judged by its marks alone. */
bool tree_obj_is_weirs(const struct tree_link *link, const struct obj *obj);

/* Whether a filter is in the place of those that hand a hook's packets to the IFB or classify them
 * (WEIR_PRIO and up), whoever made it; and whether weir did, which can be told there: its program
 * has weir's name, or it redirects. */
bool tree_in_hook_place(const struct obj *filter);
bool tree_hook_is_weirs(const struct obj *filter);

/* The link that a policy names: of an IFB of weir's the one in its alias, else the link itself. */
const char *tree_policy_link(const struct tree_link *link);

/* As strcmp(), but what is in a cgroup comes right behind it: '/' is before all other characters. */
int tree_path_order(const char *a, const char *b);

/* Whether path is outer or a cgroup in it. */
bool tree_path_within(const char *path, const char *outer);

/* "ifb-LINK", or "ifb-" and a hash of LINK where that would pass 15 bytes. */
void tree_ifb_name(const char *link, char name[TREE_NAME]);

#endif
