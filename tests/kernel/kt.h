/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kt.h - what the kernel tests in C are written with: each test runs in a process and in a network
 * namespace of its own, against the real kernel; tc and ip are the independent readers.
 */
#ifndef WEIR_TESTS_KERNEL_KT_H
#define WEIR_TESTS_KERNEL_KT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/apply.h"
#include "kernel/dump.h"
#include "kernel/netlink.h"
#include "lib/ctx.h"

struct kt_test {
	const char *name;
	void (*run)(void);
};

/* Runs all, or those that argv names. Prints TAP; returns the program's exit status. */
int kt_main(int argc, char **argv, const struct kt_test *tests, size_t n);

/* What a test has at hand; made before it starts. */
extern struct ctx kt_ctx;
extern struct netlink *kt_nl;

/* Ends the test as skipped. */
_Noreturn void kt_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Skips unless weir knows the kind and this kernel has it. When the test passes, the kind has been
 * seen to work here (tests/feature.h). */
const struct kind *kt_need(enum kind_type type, const char *name);

/* The running kernel: 0x60c00 = 6.12. */
unsigned int kt_version(void);

/* Records a failure; the test goes on. kt_stop ends it. */
void kt_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
_Noreturn void kt_stop(const char *file, int line, const char *what);

#define CHECK(cond) \
	((cond) ? (void)0 : kt_fail(__FILE__, __LINE__, "%s", #cond))
#define CHECK_INT(value, wanted) do { \
	long long v_ = (long long)(value), w_ = (long long)(wanted); \
	if (v_ != w_) \
		kt_fail(__FILE__, __LINE__, "%s is %lld, not %lld (%s)", #value, v_, w_, \
			kt_ctx.error ? kt_ctx.error : "no fault recorded"); \
} while (0)
#define CHECK_STR(value, wanted) kt_check_str(__FILE__, __LINE__, (value), (wanted))
#define CHECK_HAS(text, part) kt_check_has(__FILE__, __LINE__, (text), (part), true)
#define CHECK_LACKS(text, part) kt_check_has(__FILE__, __LINE__, (text), (part), false)
#define MUST(cond) \
	((cond) ? (void)0 : kt_stop(__FILE__, __LINE__, #cond))

void kt_check_str(const char *file, int line, const char *value, const char *wanted);
void kt_check_has(const char *file, int line, const char *text, const char *part, bool has);

/* Runs a shell command, which must succeed, and returns what it printed (kept until the end). */
char *kt_sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

char *kt_kept_text(const char *text);	/* a copy, kept until the end */

/* The same of tc alone, given without its name and as without a shell: one process does all of a test. */
char *kt_tc(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Two interfaces, v0 and v1, that are up and joined. */
void kt_veth(void);

/* The same and a second pair, w0 and w1, that is down; without IPv6 and so without traffic. The MTU
 * of v1 is 1400. */
void kt_links(void);

/* A link of the tree with the interface's index, or without one when it does not exist yet. */
struct tree_link *kt_link(struct tree *tree, const char *name);

/* Objects as plan/compile makes them. Rates in bits per second. */
struct obj *kt_qdisc(struct tree *tree, struct tree_link *link, const char *kind, uint32_t handle,
		     uint32_t parent);
struct obj *kt_class(struct tree *tree, struct tree_link *link, uint32_t classid, uint32_t parent,
		     uint64_t rate_bit, uint64_t ceil_bit);
struct obj *kt_filter(struct tree *tree, struct tree_link *link, const char *kind, uint32_t parent,
		      uint16_t prio, uint32_t handle);
struct action *kt_action(struct tree *tree, struct obj *filter, const char *kind);
void kt_words(struct obj *obj, const char *words);	/* options as tc has them */

#define KT_ROOT HANDLE(WEIR_MAJOR, 0)
#define KT_CLASS(minor) HANDLE(WEIR_MAJOR, (minor))
#define KT_MBIT UINT64_C(1000000)

/* A wanted HTB: a root class and two leaves, the smaller one ("default", minor 2) the default, the
 * other one "voip", minor 1a. */
struct tree_link *kt_small_tree(struct tree *tree, const char *dev);

/* Appends an operation; old or obj may be NULL. */
void kt_op(struct ops *ops, enum op_verb verb, enum op_phase phase, const struct tree_link *link,
	   const struct obj *old, const struct obj *obj);
void kt_add_all(struct ops *ops, const struct tree_link *link);	/* OP_ADD */
int kt_apply(struct ops *ops);		/* and forgets them; the fault stays in kt_ctx */

struct policy;

struct tree *kt_dump(void);		/* must succeed */
struct tree *kt_keep(struct tree *tree);	/* the same tree, freed when the test ends */
struct policy *kt_keep_policy(struct policy *policy);	/* likewise */
void kt_keep_ops(struct ops *ops);	/* likewise; operations must not be added any more */
void kt_free_kept(void);		/* at the end of a test: kt_main() */

/* The objects of wanted are in present, and hold. */
void kt_check_holds(const struct tree_link *wanted, const struct tree_link *present);

/* Sends n Ethernet frames of 1000 bytes out of an interface. */
void kt_send_frames(const char *dev, unsigned int n);

#endif
