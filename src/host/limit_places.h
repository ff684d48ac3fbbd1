/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit_places.h - where limits have classes in the HTBs of links (struct limit_place, bpf/limit.h):
 * what the programs of the backend `ebpf` are told. Inside of src/host.
 */
#ifndef WEIR_HOST_LIMIT_PLACES_H
#define WEIR_HOST_LIMIT_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/limit.h"
#include "lib/ctx.h"

struct limit_placed {
	struct limit_place place;
	uint32_t flags;			/* enum limit_place_flags */
};

struct limit_places {
	struct limit_placed *placed;	/* free() */
	size_t n, room;
};

/* All there are, of all namespaces, sorted; none where there are no programs. */
int limit_places_read(struct ctx *ctx, struct limit_places *places);

/* Appends one; -ENOMEM. Sorted, which is what the functions below ask for, the list is only after
 * limit_places_sort(). */
int limit_places_add(struct ctx *ctx, struct limit_places *places, const struct limit_placed *placed);

void limit_places_sort(struct limit_places *places);

const struct limit_placed *limit_places_find(const struct limit_places *places,
					     const struct limit_place *place);

/* Takes away those of the first list that are not in the second; writes those of the second that are not
 * in the first, or have other flags. Where there are no programs there is nothing to do. */
int limit_places_remove(struct ctx *ctx, const struct limit_places *there,
			const struct limit_places *wanted);
int limit_places_write(struct ctx *ctx, const struct limit_places *there,
		       const struct limit_places *wanted);

void limit_places_free(struct limit_places *places);

#endif
