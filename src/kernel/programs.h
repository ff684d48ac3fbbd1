/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * programs.h - the BPF programs that a list of operations needs. Inside of src/kernel.
 */
#ifndef WEIR_KERNEL_PROGRAMS_H
#define WEIR_KERNEL_PROGRAMS_H

#include "kernel/bpf.h"
#include "kernel/op.h"

/* Those that are loaded for one apply, in the order of the operations. */
struct programs {
	struct programs_slot {
		const struct program *program;
		struct loaded *loaded;
	} *slot;
	unsigned int n;
};

/* Loads every program that an operation attaches. Nothing is attached yet: after an error (recorded)
 * all is as it was. programs_unload() in any case. */
int programs_load(struct ctx *ctx, const struct ops *ops, struct programs *programs);
void programs_unload(struct programs *programs);

/*
 * The descriptor of what the filter of an operation is to run: of a wanted filter its program, of a
 * filter that was there before what it ran. programs may be NULL. 0: it runs none; -ESTALE: the program is
 * not at hand.
 */
int programs_fd(const struct programs *programs, const struct obj *filter);

/* The same of a program at XDP; 0: none is wanted. */
int programs_xdp_fd(const struct programs *programs, const struct tree_xdp *xdp);

#endif
