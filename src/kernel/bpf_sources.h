/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bpf_sources.h - the object code of bpf/NAME.bpf.c, out of the skeletons. Inside of src/kernel.
 */
#ifndef WEIR_KERNEL_BPF_SOURCES_H
#define WEIR_KERNEL_BPF_SOURCES_H

#include <stddef.h>

struct bpf_source {
	const char *name;		/* NULL ends the table */
	const void *(*elf)(size_t *size);
};

extern const struct bpf_source bpf_sources[];

/* NULL when there is none. */
const struct bpf_source *bpf_source_find(const char *name);

#endif
