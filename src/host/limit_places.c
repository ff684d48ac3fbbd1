// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/limit_places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "host/limit_pins.h"

void limit_places_free(struct limit_places *places)
{
	free(places->placed);
	memset(places, 0, sizeof(*places));
}

int limit_places_add(struct ctx *ctx, struct limit_places *places, const struct limit_placed *placed)
{
	size_t room = places->room ? 2 * places->room : 16;
	struct limit_placed *more;

	if (places->n == places->room) {
		more = realloc(places->placed, room * sizeof(*more));
		if (!more)
			return oom(ctx);
		places->placed = more;
		places->room = room;
	}
	places->placed[places->n++] = *placed;
	return 0;
}

static int order(const void *a, const void *b)
{
	const struct limit_place *x = a, *y = b;

	if (x->netns != y->netns)
		return x->netns < y->netns ? -1 : 1;
	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return x->classid < y->classid ? -1 : x->classid > y->classid;
}

void limit_places_sort(struct limit_places *places)
{
	_Static_assert(!offsetof(struct limit_placed, place), "order()");
	if (places->n)
		qsort(places->placed, places->n, sizeof(*places->placed), order);
}

const struct limit_placed *limit_places_find(const struct limit_places *places,
					     const struct limit_place *place)
{
	return places->n ? bsearch(place, places->placed, places->n, sizeof(*places->placed), order) : NULL;
}

/* 1: there are programs; 0: there are none. */
static int open_pins(struct ctx *ctx, struct limit_pins *pins)
{
	int err = limit_pins_open(ctx, false, pins);

	return err == -ENOENT && !ctx->error ? 0 : err ? err : 1;
}

static int read_all(struct ctx *ctx, int map, struct limit_places *places)
{
	struct limit_placed one;
	const void *last = NULL;
	struct limit_place key;
	int err = 0;

	while (!err && !bpf_map_get_next_key(map, last, &one.place)) {
		if (!bpf_map_lookup_elem(map, &one.place, &one.flags))
			err = limit_places_add(ctx, places, &one);
		key = one.place;
		last = &key;
	}
	limit_places_sort(places);
	return err;
}

/* Without the lock and the rest: this is asked often, and mostly for nothing. */
int limit_places_read(struct ctx *ctx, struct limit_places *places)
{
	int map = bpf_obj_get(LIMIT_PINS "/weir_places"), err;
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	memset(places, 0, sizeof(*places));
	if (map < 0)
		return errno == ENOENT ? 0 : fail(ctx, errno, LIMIT_PINS "/weir_places: %s", strerror(errno));
	err = bpf_obj_get_info_by_fd(map, &info, &len) || info.key_size != sizeof(struct limit_place) ||
	      info.value_size != sizeof(uint32_t) ?
		fail(ctx, EEXIST, LIMIT_PINS "/weir_places is not what weir pins there; remove it by hand") :
		read_all(ctx, map, places);
	close(map);
	return err;
}

/* Those of the first list that are not in the second, or have other flags there. */
static int difference(struct ctx *ctx, const struct limit_places *a, const struct limit_places *b,
		      bool flags, struct limit_places *out)
{
	const struct limit_placed *same;
	size_t i;
	int err = 0;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < a->n && !err; i++) {
		same = limit_places_find(b, &a->placed[i].place);
		if (!same || (flags && same->flags != a->placed[i].flags))
			err = limit_places_add(ctx, out, &a->placed[i]);
	}
	return err;
}

static int change(struct ctx *ctx, const struct limit_places *list, bool remove)
{
	struct limit_pins pins;
	size_t i;
	int err = list->n ? open_pins(ctx, &pins) : 0;

	if (err <= 0)
		return err;
	err = 0;
	for (i = 0; i < list->n && !err; i++) {
		const struct limit_placed *p = &list->placed[i];

		err = remove ? bpf_map_delete_elem(pins.map[LIMIT_MAP_PLACES], &p->place) :
			bpf_map_update_elem(pins.map[LIMIT_MAP_PLACES], &p->place, &p->flags, BPF_ANY);
		if (err && !(remove && errno == ENOENT))
			err = fail(ctx, errno, "weir_places: %s", strerror(errno));
		else
			err = 0;
	}
	limit_pins_close(&pins);
	return err;
}

static int change_difference(struct ctx *ctx, const struct limit_places *a, const struct limit_places *b,
			     bool remove)
{
	struct limit_places list;
	int err = difference(ctx, a, b, !remove, &list);

	if (!err)
		err = change(ctx, &list, remove);
	limit_places_free(&list);
	return err;
}

int limit_places_remove(struct ctx *ctx, const struct limit_places *there,
			const struct limit_places *wanted)
{
	return change_difference(ctx, there, wanted, true);
}

int limit_places_write(struct ctx *ctx, const struct limit_places *there,
		       const struct limit_places *wanted)
{
	return change_difference(ctx, wanted, there, false);
}
