// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/bpf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/capability.h>

#include "kernel/bpf_sources.h"
#include "kernel/process.h"

enum {
	LOG_BYTES = 16 << 20,	/* the kernel before 6.4 keeps the beginning of a log: take all of it */
	LOG_LINES = 3,		/* of the end of the log, for messages */
	SPARE_FDS = 8,		/* that a load needs beside those of its maps */
};

struct loaded {
	struct bpf_object *obj;
	struct bpf_program *prog;
	char *log;		/* LOG_BYTES, touched only when the verifier has something to say */
	int no_types;		/* descriptor of an empty BTF, or -1 */
};

/* libbpf speaks through a function of the whole process; what matters is said by weir. */
static int say_nothing(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level, (void)fmt, (void)ap;
	return 0;
}

/* ---- sources ---- */

uint64_t program_source_hash(const char *source)
{
	const struct bpf_source *s = bpf_source_find(source);
	uint64_t hash = UINT64_C(0xcbf29ce484222325);	/* FNV-1a */
	const unsigned char *p;
	size_t size;

	if (!s)
		return 0;
	for (p = s->elf(&size); size--; p++)
		hash = (hash ^ *p) * UINT64_C(0x100000001b3);
	return hash;
}

/*
 * A file with types of a kernel that has none, for libbpf to look them up in; -errno. What is left to
 * look up is in code that the constants take away: libbpf (1.1) makes it invalid, and the verifier does
 * not get there.
 */
static int open_no_types(void)
{
	struct btf *btf = btf__new_empty();
	uint32_t n = 0;
	const void *data = btf ? btf__raw_data(btf, &n) : NULL;
	int fd = data ? memfd_create("weir-no-types", MFD_CLOEXEC) : -1, err = 0;

	if (fd < 0 || write(fd, data, n) != (ssize_t)n)
		err = errno ? -errno : -EIO;
	btf__free(btf);
	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return err;
}

static int open_source(const char *source, bool no_types, struct loaded **out)
{
	const struct bpf_source *s = bpf_source_find(source);
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = source);
	struct loaded *l = s ? calloc(1, sizeof(*l)) : NULL;
	char path[40];
	const void *elf;
	size_t size;
	int err;

	if (!l)
		return s ? -ENOMEM : -ENOENT;
	libbpf_set_print(say_nothing);
	l->no_types = no_types ? open_no_types() : -1;
	if (l->no_types >= 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", l->no_types);
		opts.btf_custom_path = path;
	}
	elf = s->elf(&size);
	l->obj = bpf_object__open_mem(elf, size, &opts);
	l->prog = l->obj ? bpf_object__next_program(l->obj, NULL) : NULL;
	err = !l->obj ? -errno : !l->prog ? -EINVAL : 0;
	if (!err) {
		l->log = mmap(NULL, LOG_BYTES, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (l->log == MAP_FAILED) {
			l->log = NULL;
			err = -ENOMEM;
		}
	}
	if (!err)
		err = bpf_program__set_log_buf(l->prog, l->log, LOG_BYTES);
	if (err) {
		program_unload(l);
		return err;
	}
	*out = l;
	return 0;
}

void program_unload(struct loaded *l)
{
	if (!l)
		return;
	bpf_object__close(l->obj);
	if (l->log)
		munmap(l->log, LOG_BYTES);
	if (l->no_types >= 0)
		close(l->no_types);
	free(l);
}

int program_fd(const struct loaded *l)
{
	return bpf_program__fd(l->prog);
}

int program_map(const struct loaded *l, const char *name)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(l->obj, name);
	int fd = map ? bpf_map__fd(map) : -1;

	return fd < 0 ? -ENOENT : fd;
}

/* ---- globals ---- */

/* A section of globals, and where in it one lies. */
struct global {
	struct bpf_map *map;
	const void *data;	/* the section's initial values */
	size_t section_bytes, offset;
};

/* The source's types tell. -ENOENT: this section has none of that name and size. */
static int find_global(const struct loaded *l, const char *section, const char *name, size_t size,
		       struct global *g)
{
	const struct btf *btf = bpf_object__btf(l->obj);
	int id = btf ? btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC) : -1, i;
	const struct btf_var_secinfo *var;
	const struct btf_type *type;

	g->map = bpf_object__find_map_by_name(l->obj, section);
	g->data = g->map && id > 0 ? bpf_map__initial_value(g->map, &g->section_bytes) : NULL;
	if (!g->data)
		return -ENOENT;
	type = btf__type_by_id(btf, (uint32_t)id);
	var = btf_var_secinfos(type);
	for (i = btf_vlen(type); i-- > 0; var++) {
		type = btf__type_by_id(btf, var->type);
		if (strcmp(btf__name_by_offset(btf, type->name_off), name) || var->size != size ||
		    var->offset + size > g->section_bytes)
			continue;
		g->offset = var->offset;
		return 0;
	}
	return -ENOENT;
}

/* The section with another value in it; the caller frees it. NULL: no memory. */
static void *with_value(const struct global *g, const void *value, size_t size)
{
	char *copy = malloc(g->section_bytes);

	if (!copy)
		return NULL;
	memcpy(copy, g->data, g->section_bytes);
	memcpy(copy + g->offset, value, size);
	return copy;
}

static int set_constants(const struct loaded *l, const struct program *p)
{
	struct global g;
	void *section;
	int err;

	if (!p->constants_bytes)
		return 0;
	err = find_global(l, ".rodata", "config", p->constants_bytes, &g);
	if (err)
		return err;
	section = with_value(&g, p->constants, p->constants_bytes);
	if (!section)
		return -ENOMEM;
	err = bpf_map__set_initial_value(g.map, section, g.section_bytes);
	free(section);
	return err;
}

/* ---- maps ---- */

static const struct program_map *find_row(const struct program *p, const char *name)
{
	unsigned int i;

	for (i = 0; i < p->n_maps; i++)
		if (!strcmp(p->maps[i].name, name))
			return &p->maps[i];
	return NULL;
}

static int share_map(struct bpf_map *map, const struct program_map *row, int other_fd)
{
	int fd = program_open_map(other_fd, row->name), err;

	if (fd < 0)
		return fd;
	err = bpf_map__reuse_fd(map, fd);
	close(fd);
	return err;
}

static int size_map(struct bpf_map *map, const struct program_map *row, int other_fd)
{
	int err = 0;

	if (row->shared)
		return share_map(map, row, other_fd);
	if (row->key_bytes && row->key_bytes != bpf_map__key_size(map))
		err = bpf_map__set_key_size(map, row->key_bytes);
	if (!err && row->value_bytes && row->value_bytes != bpf_map__value_size(map))
		err = bpf_map__set_value_size(map, row->value_bytes);
	if (!err && row->max_entries)
		err = bpf_map__set_max_entries(map, row->max_entries);
	if (!err && row->hash)
		err = bpf_map__set_type(map, BPF_MAP_TYPE_HASH);
	if (!err && row->hash)
		err = bpf_map__set_map_flags(map, 0);
	return err;
}

static int size_maps(const struct loaded *l, const struct program *p, int other_fd)
{
	const struct program_map *row;
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map(map, l->obj) {
		if (bpf_map__is_internal(map))
			continue;
		row = find_row(p, bpf_map__name(map));
		err = row ? size_map(map, row, other_fd) : bpf_map__set_autocreate(map, false);
		if (err)
			return err;
	}
	return 0;
}

static uint32_t row_key_bytes(const struct bpf_map *map, const struct program_map *row)
{
	return row->key_bytes ? row->key_bytes : bpf_map__key_size(map);
}

static uint32_t row_value_bytes(const struct bpf_map *map, const struct program_map *row)
{
	return row->value_bytes ? row->value_bytes : bpf_map__value_size(map);
}

/* One by one, for kinds of maps that take no batch. */
static int fill_singly(int fd, const char *keys, uint32_t key_bytes, const char *values,
		       uint32_t value_bytes, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		if (bpf_map_update_elem(fd, keys + (size_t)i * key_bytes,
					values + (size_t)i * value_bytes, BPF_ANY))
			return -errno;
	return 0;
}

static int fill_map(const struct bpf_map *map, const struct program_map *row)
{
	uint32_t key_bytes = row_key_bytes(map, row), value_bytes = row_value_bytes(map, row);
	uint32_t done = 0, batch, i, *numbers = NULL;
	const char *keys = row->keys, *values = row->values;
	int fd = bpf_map__fd(map), err = 0;

	if (!keys) {
		numbers = malloc(row->n * sizeof(*numbers));
		if (!numbers)
			return -ENOMEM;
		for (i = 0; i < row->n; i++)
			numbers[i] = i;
		keys = (const char *)numbers;
	}
	while (done < row->n && !err) {
		batch = row->n - done;
		if (bpf_map_update_batch(fd, keys + (size_t)done * key_bytes,
					 values + (size_t)done * value_bytes, &batch, NULL))
			err = -errno;
		if (err == -EINTR && batch)
			err = 0;
		if (!err)
			done += batch;
	}
	/* the kernel's own word for "not supported", which is none of errno.h's */
	if (err == -524 || err == -EOPNOTSUPP || err == -EINVAL)
		err = fill_singly(fd, keys + (size_t)done * key_bytes, key_bytes,
				  values + (size_t)done * value_bytes, value_bytes, row->n - done);
	free(numbers);
	return err;
}

/* Nobody needs to write a map that only the program looks into; not all kinds can be closed. */
static int fill_maps(const struct loaded *l, const struct program *p, const char **failed)
{
	const struct program_map *row;
	struct bpf_map *map;
	int err;

	bpf_object__for_each_map(map, l->obj) {
		row = bpf_map__is_internal(map) ? NULL : find_row(p, bpf_map__name(map));
		if (!row || !row->n || !row->values)
			continue;
		err = fill_map(map, row);
		if (err) {
			*failed = row->name;
			return err;
		}
		bpf_map_freeze(bpf_map__fd(map));
	}
	return 0;
}

/* ---- reasons ---- */

static const char *kernel_release(struct utsname *name)
{
	return uname(name) ? "?" : name->release;
}

/* The last lines of the verifier's log that say something: its statistics come after them, and lines of
 * the source stand between them, behind a semicolon. Lines are joined by "; ". */
static void end_of_log(const char *log, char *text, size_t size)
{
	size_t lens[LOG_LINES], used = 0;
	const char *lines[LOG_LINES];
	const char *at = log, *end;
	unsigned int n = 0, i;

	for (; *at; at = *end ? end + 1 : end) {
		end = strchrnul(at, '\n');
		if (end == at || *at == ';' || !strncmp(at, "processed ", 10) ||
		    !strncmp(at, "verification time", 17))
			continue;
		lines[n % LOG_LINES] = at;
		lens[n++ % LOG_LINES] = (size_t)(end - at);
	}
	*text = 0;
	for (i = n > LOG_LINES ? n - LOG_LINES : 0; i < n && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%.*s", used ? "; " : "",
					 (int)lens[i % LOG_LINES], lines[i % LOG_LINES]);
}

/* What the verifier answers with (bpf_check(), kernel/bpf/verifier.c, 6.12); all else is about something
 * other than the program. */
static bool is_verdict(const struct loaded *l, int err)
{
	return (err == -EACCES || err == -EINVAL || err == -E2BIG || err == -ENOSPC) && l && l->log && *l->log;
}

/* Why a load failed, without what failed. */
static void load_reason(const struct loaded *l, int err, char *why, size_t size)
{
	struct utsname name;
	char end[400];

	if (err == -EPERM) {
		snprintf(why, size, "it needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON");
		return;
	}
	if (err == -EACCES && !process_may(CAP_PERFMON) && !process_may(CAP_SYS_ADMIN)) {
		snprintf(why, size, "it needs CAP_PERFMON");
		return;
	}
	if (is_verdict(l, err)) {
		end_of_log(l->log, end, sizeof(end));
		snprintf(why, size, "the verifier of Linux %s refused it: %s", kernel_release(&name), end);
		return;
	}
	snprintf(why, size, "Linux %s did not load it: %s", kernel_release(&name), strerror(-err));
}

/* ---- loading ---- */

static int prepare(const struct loaded *l, const struct program *p, int other_fd)
{
	int err = set_constants(l, p);

	return err ? err : size_maps(l, p, other_fd);
}

/* other_fd: the program that maps are shared with, or -1. */
static int load(const struct program *p, int other_fd, struct loaded **out, char *why, size_t size)
{
	const char *map = NULL;
	struct loaded *l = NULL;
	int err = open_source(p->source, p->no_kernel_types, &l), few;

	if (!err)
		err = prepare(l, p, other_fd);
	if (err) {
		if (err == -EPERM && other_fd >= 0)
			snprintf(why, size, "sharing the prefixes takes CAP_SYS_ADMIN");
		else if (process_is_short(err))
			snprintf(why, size, "%s", strerror(-err));
		else
			snprintf(why, size, "program %s: not what it is taken for: %s", p->source,
				 strerror(-err));
		goto out;
	}
	err = bpf_object__load(l->obj);
	if (err) {
		/* libbpf takes what it cannot try for want of a descriptor for something that the kernel
		 * cannot do, and fails with another error */
		few = process_spare_fds(p->n_maps + SPARE_FDS);
		err = few ? few : err;
		load_reason(l, err, why, size);
		goto out;
	}
	err = fill_maps(l, p, &map);
	if (err)
		snprintf(why, size, "filling map %s: %s", map, strerror(-err));
out:
	if (err)
		program_unload(l);
	else
		*out = l;
	return err;
}

int program_load_sharing(struct ctx *ctx, const struct program *p, const char *what, int other_fd,
			 struct loaded **loaded)
{
	char why[512];
	int err = load(p, other_fd, loaded, why, sizeof(why));

	return err ? fail(ctx, err, "%s: %s", what, why) : 0;
}

int program_load(struct ctx *ctx, const struct program *p, const char *what, struct loaded **loaded)
{
	return program_load_sharing(ctx, p, what, -1, loaded);
}

int program_try(const struct program *p, char *why, size_t size)
{
	struct loaded *l;
	int err = load(p, -1, &l, why, size);

	if (!err)
		program_unload(l);
	return err;
}
