/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe.h - what this kernel offers, found out without touching the namespace that is shaped.
 *
 * A child process makes a network namespace of its own (a user namespace too where privileges ask
 * for it) and tries each kind on the loopback device there, which also loads its module as real use
 * would. A missing kind is told apart from a missing privilege.
 */
#ifndef WEIR_KERNEL_PROBE_H
#define WEIR_KERNEL_PROBE_H

#include "lib/ctx.h"
#include "qdisc/kind.h"

/* Things that a kind may or may not be able to do, each tried for real. */
enum feature { FEATURE_U32_MARK, FEATURE_FLOWER_PORT_RANGE, FEATURES };

enum { PROBE_REASON = 256 };

struct probe {
	bool done;		/* false: could not be found out (no privilege); nothing is known */
	uint64_t have;		/* bit i: kinds[i] (qdisc/table.c) */
	uint32_t features;	/* bit i: enum feature i */
	bool no_ifb;		/* there are no IFB interfaces; false where they were not tried */
	bool bpf_tried;		/* false: of the BPF classifier's program nothing is known */
	int bpf_shortage;	/* -errno: something was short when it was tried; kernel_probe() fails */
	char no_bpf[PROBE_REASON];	/* why the program of the BPF classifier does not load; "":
					 * it does, or nothing is known */
};

/* Tries every kind of kinds[]. 0 also when it could not be found out (probe->done is false). */
int kernel_probe(struct ctx *ctx, struct probe *probe);

/* The same, and an IFB interface, for those who need one: where its module is not loaded yet, that makes
 * two interfaces in the first network namespace. */
int kernel_probe_with_ifb(struct ctx *ctx, struct probe *probe);

/* Whether the kind is there; true when nothing is known: then applying tells. */
bool probe_has(const struct probe *probe, const struct kind *kind);
bool probe_can(const struct probe *probe, enum feature feature);

#endif
