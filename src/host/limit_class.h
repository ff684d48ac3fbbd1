/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit_class.h - limits whose packets the programs of the backend `ebpf` leave to a class: for
 * backends that have the class. They are set by backend_ebpf.set with the class as priority; by the
 * major number of that they are known. backend_ebpf itself neither lists nor removes them.
 */
#ifndef WEIR_HOST_LIMIT_CLASS_H
#define WEIR_HOST_LIMIT_CLASS_H

#include "host/backend.h"

/* As backend.remove and backend.list; major 0: those of backend_ebpf, which have no class. Reports have
 * the classid as priority. */
int limit_class_remove(struct ctx *ctx, const struct limit_key *key, unsigned int ways, uint32_t major);
int limit_class_list(struct ctx *ctx, struct limit_list *list, const struct backend *backend,
		     uint32_t major);

/* Leaves a direction of this very limit to its bucket instead of its class. -ENOENT, without a recorded
 * fault: it is gone, or has no class. */
int limit_class_to_bucket(struct ctx *ctx, const struct limit_key *key, enum limit_way way);

#endif
