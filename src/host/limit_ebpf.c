// SPDX-License-Identifier: GPL-2.0-or-later
/* The backend `ebpf`: token buckets in programs of cgroup v2 (bpf/limit.bpf.c). */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "host/backend.h"
#include "host/limit_class.h"
#include "host/limit_members.h"
#include "host/limit_pace.h"
#include "host/limit_pins.h"
#include "lib/clock.h"

/* Shares of the burst from which on senders are told. A bucket that only drops makes TCP wait for its
 * timer, so they are told early; those that are paced, at egress, keep a small queue. Eighths. */
static const struct {
	unsigned int mark, notice;
} told[LIMIT_WAYS] = { [LIMIT_EGRESS] = { 4, 4 }, [LIMIT_INGRESS] = { 2, 2 } };

static bool ebpf_available(struct ctx *ctx, unsigned int ways, char why[BACKEND_WHY])
{
	(void)ctx;
	(void)ways;
	return !limit_pins_try(why, BACKEND_WHY);
}

/* ---- entries ---- */

static void fill_side(struct limit_side *side, const struct limit_wish_side *wish, unsigned int way)
{
	uint64_t burst_ns = wish->burst_ns ? wish->burst_ns : LIMIT_BURST_NS;

	side->mode = wish->block ? LIMIT_BLOCK : wish->priority ? LIMIT_CLASS : LIMIT_BUCKET;
	side->priority = wish->priority;
	side->rate_bit = wish->block ? 0 : wish->rate_bit;
	side->burst_ns = burst_ns;
	if (wish->block)
		return;
	side->rate.byte = bucket_byte(wish->rate_bit);
	side->rate.drop = bucket_time(burst_ns);
	side->rate.mark = side->rate.drop / 8 * told[way].mark;
	side->rate.notice = side->rate.drop / 8 * told[way].notice;
}

static uint32_t flags_of(const struct limit_wish *wish)
{
	static const uint32_t only[] = {
		[LIMIT_INTERNET] = LIMIT_ONLY_INTERNET, [LIMIT_LOCAL] = LIMIT_ONLY_LOCAL,
		[LIMIT_ALL] = 0,
	};

	return only[wish->only] | (wish->no_children ? LIMIT_NO_CHILDREN : 0);
}

/* The entry as it is to be; old: as it is, or NULL. */
static struct limit_entry make_entry(const struct limit_wish *wish, unsigned int ways, int level,
				     const struct limit_entry *old)
{
	struct limit_entry entry = { 0 };
	unsigned int way;

	if (old)
		entry = *old;
	entry.flags = flags_of(wish);
	if (wish->subject == LIMIT_CGROUP)
		entry.levels = level < 0 ? (1u << LIMIT_LEVELS) - 1 : 1u << level;
	for (way = 0; way < LIMIT_WAYS; way++) {
		if (!old)
			entry.side[way].tat = bucket_time(clock_ns());
		if (ways & 1u << way && wish->side[way].set)
			fill_side(&entry.side[way], &wish->side[way], way);
	}
	return entry;
}

static int run_change(const struct limit_pins *pins, const struct limit_key *key,
		      const struct limit_entry *entry)
{
	struct limit_change args = { .key = *key, .entry = *entry };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &args, .ctx_size_in = sizeof(args));
	int err = bpf_prog_test_run_opts(pins->prog[LIMIT_PROG_CHANGE], &opts);

	return err ? err : (int)opts.retval;
}

static int change(struct ctx *ctx, const struct limit_pins *pins, const struct limit_key *key,
		  const struct limit_entry *entry)
{
	int err = run_change(pins, key, entry);

	return err ? fail(ctx, err, "changing a limit: %s", strerror(-err)) : 0;
}

/* The kernel takes elements from a stock that it fills behind our back (kernel/bpf/memalloc.c, 6.1): who
 * adds many finds it empty for a moment. */
static int put(int map, const struct limit_key *key, const void *value, uint64_t flags)
{
	unsigned int tries = 5000;	/* some seconds: a busy machine refills late */
	int err;

	while ((err = bpf_map_update_elem(map, key, value, flags)) && errno == ENOMEM && tries--)
		usleep(1000);
	return err;
}

/* The counters first: packets that find the limit find them too. */
static int add_entry(struct ctx *ctx, const struct limit_pins *pins, const struct limit_key *key,
		     const struct limit_entry *entry)
{
	int cpus = libbpf_num_possible_cpus(), err = 0;
	struct limit_counts *zeros = cpus > 0 ? calloc((size_t)cpus, sizeof(*zeros)) : NULL;

	if (!zeros)
		return oom(ctx);
	if (put(pins->map[LIMIT_MAP_COUNTS], key, zeros, BPF_ANY) ||
	    put(pins->map[LIMIT_MAP_LIMITS], key, entry, BPF_NOEXIST)) {
		err = errno == E2BIG ? fail(ctx, E2BIG, "there are more than %d limits", LIMIT_ENTRIES) :
				       fail(ctx, errno, "setting a limit: %s", strerror(errno));
		bpf_map_delete_elem(pins->map[LIMIT_MAP_COUNTS], key);
	}
	free(zeros);
	return err;
}

static int drop_entry(const struct limit_pins *pins, const struct limit_key *key)
{
	int err = bpf_map_delete_elem(pins->map[LIMIT_MAP_LIMITS], key) ? -errno : 0;

	bpf_map_delete_elem(pins->map[LIMIT_MAP_COUNTS], key);
	return err;
}

/* Takes everything down when no limit is left. */
static int remove_if_empty(struct ctx *ctx, struct limit_pins *pins)
{
	struct limit_key key;
	int more = limit_next(ctx, pins, NULL, &key);

	return more ? (more < 0 ? more : 0) : limit_pins_remove(ctx, pins);
}

/* ---- set ---- */

static int set_one(struct ctx *ctx, const struct limit_pins *pins, const struct limit_wish *wish,
		   unsigned int ways)
{
	struct limit_entry entry, old;
	struct limit_key key;
	bool is_new;
	int err, level;

	err = limit_check(ctx, wish);
	if (!err)
		err = limit_resolve(ctx, wish->subject, wish->name, &key, &level);
	if (err)
		return err;
	is_new = bpf_map_lookup_elem(pins->map[LIMIT_MAP_LIMITS], &key, &old) != 0;
	entry = make_entry(wish, ways, level, is_new ? NULL : &old);
	err = is_new ? add_entry(ctx, pins, &key, &entry) : change(ctx, pins, &key, &entry);
	if (err)
		return err;
	err = limit_use_more(ctx, pins, &key, &entry);
	if (!err && wish->subject == LIMIT_PID)
		err = limit_members_add(ctx, pins, wish, &key);
	if (err && is_new && wish->subject == LIMIT_PID)
		limit_members_remove(pins, key.id);
	if (err && is_new)
		drop_entry(pins, &key);
	else if (err)
		change(ctx, pins, &key, &old);
	return err;
}

static int ebpf_set(struct ctx *ctx, const struct limit_wish *wishes, size_t n, unsigned int ways)
{
	struct limit_pins pins;
	size_t i;
	int err = limit_pins_open(ctx, true, &pins);

	if (err)
		return err;
	for (i = 0; i < n && !err; i++)
		err = set_one(ctx, &pins, &wishes[i], ways);
	limit_pace_sockets();
	if (err)
		remove_if_empty(ctx, &pins);
	limit_pins_close(&pins);
	return err;
}

/* ---- remove ---- */

/* Whether a direction is one of this backend's own (major 0), or of one that has classes there. */
static bool side_is(const struct limit_side *side, uint32_t major)
{
	return side->mode != LIMIT_OFF &&
	       (side->mode == LIMIT_CLASS ? side->priority >> 16 == major : !major);
}

static int remove_ways(struct ctx *ctx, const struct limit_pins *pins, const struct limit_key *key,
		       unsigned int ways, uint32_t major)
{
	struct limit_entry entry;
	unsigned int way, left = 0;
	bool any = false;

	if (bpf_map_lookup_elem(pins->map[LIMIT_MAP_LIMITS], key, &entry))
		return -ENOENT;
	for (way = 0; way < LIMIT_WAYS; way++) {
		if (ways & 1u << way && side_is(&entry.side[way], major)) {
			entry.side[way].mode = LIMIT_OFF;
			any = true;
		}
		left |= entry.side[way].mode;
	}
	if (!any)
		return -ENOENT;
	if (left)
		return change(ctx, pins, key, &entry);
	if (key->kind == LIMIT_KIND_PROCESS)
		limit_members_remove(pins, key->id);
	drop_entry(pins, key);		/* it went with the last of its processes otherwise */
	return 0;
}

static int remove_all(struct ctx *ctx, const struct limit_pins *pins, unsigned int ways,
		      uint32_t major)
{
	struct limit_key key, next;
	int more = limit_next(ctx, pins, NULL, &key), err = 0;

	while (more > 0 && !err) {
		more = limit_next(ctx, pins, &key, &next);
		err = remove_ways(ctx, pins, &key, ways, major);
		err = err == -ENOENT ? 0 : err;
		key = next;
	}
	return err ? err : more;
}

/* Whether a TCP sender was ever seen under it: only then is it worth the while to go through the sockets,
 * which takes longer than all the rest. */
static bool has_paced(const struct limit_pins *pins, const struct limit_key *key)
{
	static const struct pace never;
	struct limit_entry entry;

	return !bpf_map_lookup_elem(pins->map[LIMIT_MAP_LIMITS], key, &entry) &&
	       memcmp(&entry.pace, &never, sizeof(never));
}

int limit_class_remove(struct ctx *ctx, const struct limit_key *key, unsigned int ways, uint32_t major)
{
	struct limit_pins pins;
	int err = limit_pins_open(ctx, false, &pins);
	bool paced;

	if (err)
		return err;
	paced = !key || has_paced(&pins, key);
	err = key ? remove_ways(ctx, &pins, key, ways, major) : remove_all(ctx, &pins, ways, major);
	if (!err)
		err = limit_use_less(ctx, &pins);
	if (paced)
		limit_pace_sockets();
	if (!err)
		err = remove_if_empty(ctx, &pins);
	limit_pins_close(&pins);
	return err;
}

static int change_to_bucket(struct ctx *ctx, const struct limit_pins *pins, const struct limit_key *key,
			    enum limit_way way)
{
	struct limit_entry entry;
	int err;

	if (bpf_map_lookup_elem(pins->map[LIMIT_MAP_LIMITS], key, &entry) ||
	    entry.side[way].mode != LIMIT_CLASS)
		return -ENOENT;
	entry.side[way].mode = LIMIT_BUCKET;
	entry.side[way].priority = 0;
	err = run_change(pins, key, &entry);
	if (err && err != -ENOENT)	/* its last process may end meanwhile */
		fail(ctx, err, "changing a limit: %s", strerror(-err));
	return err;
}

int limit_class_to_bucket(struct ctx *ctx, const struct limit_key *key, enum limit_way way)
{
	struct limit_pins pins;
	int err = limit_pins_open(ctx, false, &pins);

	if (err)
		return err;
	err = change_to_bucket(ctx, &pins, key, way);
	if (!err)
		limit_pace_sockets();
	limit_pins_close(&pins);
	return err;
}

static int ebpf_remove(struct ctx *ctx, const struct limit_key *key, unsigned int ways)
{
	return limit_class_remove(ctx, key, ways, 0);
}

/* ---- list ---- */

static void report_side(struct limit_report_side *side, const struct backend *backend,
			const struct limit_side *from, const struct limit_count *count)
{
	side->wish = (struct limit_wish_side){
		.set = true, .block = from->mode == LIMIT_BLOCK, .rate_bit = from->rate_bit,
		.burst_ns = from->burst_ns, .priority = from->priority,
	};
	side->backend = backend;
	side->counted = true;
	side->count = *count;
}

static void add_up(struct limit_count *sum, const struct limit_count *one)
{
	sum->packets += one->packets;
	sum->bytes += one->bytes;
	sum->dropped += one->dropped;
	sum->dropped_bytes += one->dropped_bytes;
	sum->other += one->other;
	sum->marked += one->marked;
	sum->notices += one->notices;
	sum->classed += one->classed;
}

struct listing {
	const struct backend *backend;	/* whose limits */
	uint32_t major;			/* and its classes'; 0: none */
	struct limit_pins pins;
	struct limit_counts *percpu;
	int cpus;
};

static int list_one(struct ctx *ctx, const struct listing *l, const struct limit_key *key,
		    const struct limit_entry *entry, struct limit_list *list)
{
	static const enum limit_subject subjects[] = {
		[LIMIT_KIND_CGROUP] = LIMIT_CGROUP, [LIMIT_KIND_USER] = LIMIT_USER,
		[LIMIT_KIND_PROCESS] = LIMIT_PID,
	};
	struct limit_counts sum = { 0 };
	struct limit_report *r;
	int cpu, way;

	if (!side_is(&entry->side[LIMIT_EGRESS], l->major) && !side_is(&entry->side[LIMIT_INGRESS], l->major))
		return 0;
	r = (struct limit_report *)limit_list_find(list, *key);
	if (!r)
		r = limit_list_add(list);
	if (!r)
		return oom(ctx);
	if (!bpf_map_lookup_elem(l->pins.map[LIMIT_MAP_COUNTS], key, l->percpu))
		for (cpu = 0; cpu < l->cpus; cpu++)
			for (way = 0; way < LIMIT_WAYS; way++)
				add_up(&sum.side[way], &l->percpu[cpu].side[way]);
	r->key = *key;
	r->subject = subjects[key->kind % LIMIT_KINDS];
	r->only = entry->flags & LIMIT_ONLY_INTERNET ? LIMIT_INTERNET :
		  entry->flags & LIMIT_ONLY_LOCAL ? LIMIT_LOCAL : LIMIT_ALL;
	r->no_children = entry->flags & LIMIT_NO_CHILDREN;
	r->members = entry->members;
	for (way = 0; way < LIMIT_WAYS; way++)
		if (side_is(&entry->side[way], l->major))
			report_side(&r->side[way], l->backend, &entry->side[way], &sum.side[way]);
	return limit_name(ctx, list, r);
}

static int list_calls(const struct listing *l, struct limit_list *list)
{
	uint64_t *percpu = (uint64_t *)l->percpu;	/* larger */
	uint32_t way;
	int cpu;

	for (way = 0; way < LIMIT_WAYS; way++) {
		if (bpf_map_lookup_elem(l->pins.map[LIMIT_MAP_CALLS], &way, percpu))
			return -errno;
		for (cpu = 0; cpu < l->cpus; cpu++)
			list->calls[way] += percpu[cpu];
	}
	return 0;
}

/* A cgroup that is gone, and with it its limit. */
static bool is_gone(const struct limit_key *key)
{
	return key->kind == LIMIT_KIND_CGROUP && limit_cgroup_gone(key->id);
}

static int list_all(struct ctx *ctx, struct listing *l, struct limit_list *list)
{
	struct limit_key key, next;
	struct limit_entry entry;
	int more, err;

	limit_members_prune(&l->pins);
	err = l->major ? 0 : list_calls(l, list);
	if (err)
		return fail(ctx, err, "weir_calls: %s", strerror(-err));
	more = limit_next(ctx, &l->pins, NULL, &key);
	while (more > 0 && !err) {
		more = limit_next(ctx, &l->pins, &key, &next);
		if (is_gone(&key))
			drop_entry(&l->pins, &key);
		else if (!bpf_map_lookup_elem(l->pins.map[LIMIT_MAP_LIMITS], &key, &entry))
			err = list_one(ctx, l, &key, &entry, list);
		key = next;
	}
	return err ? err : more;
}

int limit_class_list(struct ctx *ctx, struct limit_list *list, const struct backend *backend,
		     uint32_t major)
{
	struct listing l = { .backend = backend, .major = major, .cpus = libbpf_num_possible_cpus() };
	int err = limit_pins_open(ctx, false, &l.pins);

	list->when_ns = clock_ns();
	if (err)
		return err == -ENOENT && !ctx->error ? 0 : err;
	l.percpu = l.cpus > 0 ? calloc((size_t)l.cpus, sizeof(*l.percpu)) : NULL;
	err = l.percpu ? list_all(ctx, &l, list) : oom(ctx);
	if (!err)
		err = remove_if_empty(ctx, &l.pins);
	free(l.percpu);
	limit_pins_close(&l.pins);
	return err;
}

static int ebpf_list(struct ctx *ctx, struct limit_list *list)
{
	return limit_class_list(ctx, list, &backend_ebpf, 0);
}

const struct backend backend_ebpf = {
	.name = "ebpf", .rank = 4, .ways = LIMIT_WAY_EGRESS | LIMIT_WAY_INGRESS,
	.users = true, .processes = true,
	.available = ebpf_available, .set = ebpf_set, .remove = ebpf_remove, .list = ebpf_list,
};
