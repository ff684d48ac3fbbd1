/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bpf.h - BPF programs into the kernel, and what can be learnt of those that are attached there.
 *
 * A program is made of a struct program: its source is opened from the skeleton in the build, gets its
 * constants and its maps, and is loaded with them full. Nothing is pinned: what is not attached when
 * the process ends is gone.
 */
#ifndef WEIR_KERNEL_BPF_H
#define WEIR_KERNEL_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/program.h"
#include "lib/ctx.h"

/* What program names begin with, and so the names of filters that run them. */
#define PROGRAM_MARK "weir_"

/* A program that is loaded, with its maps. */
struct loaded;

/* Loads it, with its maps filled. what names it in messages ("wan0: egress classifier").
 * -ENOENT: no such source; -EPERM: it takes a privilege; else what the kernel said. */
int program_load(struct ctx *ctx, const struct program *program, const char *what,
		 struct loaded **loaded);
/* The same for one that shares maps of another program, given by its descriptor; this takes
 * CAP_SYS_ADMIN. -ENOENT: the other one has no such map. */
int program_load_sharing(struct ctx *ctx, const struct program *program, const char *what, int other_fd,
			 struct loaded **loaded);
void program_unload(struct loaded *loaded);	/* takes NULL; attached, the program stays */

/* Descriptors, which live as long as loaded does. -ENOENT: the source has no such map, or the program
 * was loaded without it. */
int program_fd(const struct loaded *loaded);
int program_map(const struct loaded *loaded, const char *name);

/* Of the object code of a source; 0: there is no such source. */
uint64_t program_source_hash(const char *source);

/* Whether it loads; it is unloaded again. 0, or -errno with the reason in why; -EPERM: it takes a
 * privilege. */
int program_try(const struct program *program, char *why, size_t size);

/* ---- programs that are attached: this takes CAP_SYS_ADMIN ---- */

/* A descriptor for the program with this id; the caller closes it. -errno. */
int program_open_id(uint32_t id);

/* A descriptor for a map of the program, by its name; the caller closes it. -errno. */
int program_open_map(int prog_fd, const char *name);

/* How many entries a map has room for. 0 or -errno. */
int program_map_size(int map_fd, uint32_t *entries);

/* The first n values of a per-CPU array, each `words` 64-bit numbers, added up over all CPUs into
 * sums[n * words]. 0 or -errno. */
int program_sums(int map_fd, uint32_t n, uint32_t words, uint64_t *sums);

#endif
