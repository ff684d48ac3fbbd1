// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/limit_pins.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/limit.skel.h"
#include "host/cgroup.h"
#include "host/limit_pace.h"
#include "host/limit_kernel.h"
#include "kernel/netns.h"

#define PARENT LIMIT_BPFFS "/weir"
#define PINS_NEW LIMIT_PINS "-new"
#define PINS_OLD LIMIT_PINS "-old"

enum { PATH_ROOM = 128, LOCK_WAIT_MS = 10000 };

static const struct map_row {
	const char *name;
	uint32_t type, key_bytes, value_bytes;
} map_rows[LIMIT_MAPS] = {
	[LIMIT_MAP_LIMITS] = { "weir_limits", BPF_MAP_TYPE_HASH, sizeof(struct limit_key),
			       sizeof(struct limit_entry) },
	[LIMIT_MAP_COUNTS] = { "weir_counts", BPF_MAP_TYPE_PERCPU_HASH, sizeof(struct limit_key),
			       sizeof(struct limit_counts) },
	[LIMIT_MAP_USE] = { "weir_use", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct limit_use) },
	[LIMIT_MAP_CALLS] = { "weir_calls", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8 },
	[LIMIT_MAP_MEMBERS] = { "weir_members", BPF_MAP_TYPE_HASH, 4, sizeof(struct limit_member) },
	[LIMIT_MAP_OWN] = { "weir_own", BPF_MAP_TYPE_LPM_TRIE, sizeof(struct limit_prefix), 1 },
	[LIMIT_MAP_PLACES] = { "weir_places", BPF_MAP_TYPE_HASH, sizeof(struct limit_place), 4 },
	[LIMIT_MAP_SOCKETS] = { "weir_sockets", BPF_MAP_TYPE_SK_STORAGE, 4, 8 },
};

/* Programs that are run by weir itself. */
static const struct prog_row {
	const char *name;
	uint32_t type;
} prog_rows[LIMIT_PROGS] = {
	[LIMIT_PROG_CHANGE] = { "weir_limit_change", BPF_PROG_TYPE_SYSCALL },
	[LIMIT_PROG_JOIN] = { "weir_limit_join", BPF_PROG_TYPE_SYSCALL },
	[LIMIT_PROG_TAG] = { "weir_limit_tag", BPF_PROG_TYPE_TRACING },
};

/* Programs that the kernel runs. */
static const struct link_row {
	const char *name;
	bool cgroup;
} link_rows[] = {
	{ "weir_limit_out", true }, { "weir_limit_in", true }, { "weir_limit_sock", true },
	{ "weir_limit_fork", false }, { "weir_limit_exit", false },
};
enum { LINKS = sizeof(link_rows) / sizeof(link_rows[0]) };

const char *limit_map_name(enum limit_map map)
{
	return map_rows[map].name;
}

static int say_nothing(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

/* ---- taking away ---- */

/* A link that is held elsewhere too would stay attached; tracing links cannot be detached so. */
static void detach(const char *path)
{
	int fd = bpf_obj_get(path);

	if (fd < 0)
		return;
	bpf_link_detach(fd);
	close(fd);
}

static int remove_folder(struct ctx *ctx, const char *folder)
{
	char path[PATH_ROOM + sizeof(((struct dirent *)0)->d_name)];
	DIR *dir = opendir(folder);
	struct dirent *e;
	unsigned int i;

	if (!dir)
		return errno == ENOENT ? 0 : fail(ctx, errno, "%s: %s", folder, strerror(errno));
	for (i = 0; i < LINKS; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, link_rows[i].name);
		if (link_rows[i].cgroup)
			detach(path);
	}
	snprintf(path, sizeof(path), "%s/%s", folder, LIMIT_PACE_LINK);
	detach(path);
	while ((e = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	closedir(dir);
	return rmdir(folder) ? fail(ctx, errno, "%s: %s", folder, strerror(errno)) : 0;
}

int limit_pins_remove(struct ctx *ctx, const struct limit_pins *pins)
{
	int err;

	(void)pins;		/* the lock is held */
	limit_pace_sockets();	/* none is left paced */
	if (rename(LIMIT_PINS, PINS_OLD))
		return fail(ctx, errno, "%s: %s", LIMIT_PINS, strerror(errno));
	err = remove_folder(ctx, PINS_OLD);
	rmdir(PARENT);		/* stays where it holds something else */
	return err;
}

/* ---- opening ---- */

/* "anon_inode:bpf-map", "anon_inode:bpf-prog": the information of one is read as that of the other
 * without an error, so what it is must be asked first. */
static bool is_a(int fd, const char *what)
{
	char path[32], text[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, text, sizeof(text) - 1);
	if (n < 0)
		return false;
	text[n] = 0;
	return strstr(text, what);
}

/* As far as it is the same in all versions. */
static bool is_map_like(int fd, const struct map_row *row, struct bpf_map_info *info)
{
	uint32_t len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return is_a(fd, "bpf-map") && !bpf_obj_get_info_by_fd(fd, info, &len) &&
	       !strcmp(info->name, row->name) && info->type == row->type;
}

static bool is_map(int fd, const struct map_row *row)
{
	struct bpf_map_info info;

	return is_map_like(fd, row, &info) && info.key_size == row->key_bytes &&
	       info.value_size == row->value_bytes;
}

/* The kernel cuts names to 15 bytes. */
static bool is_prog(int fd, const struct prog_row *row)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	return is_a(fd, "bpf-prog") && !bpf_obj_get_info_by_fd(fd, &info, &len) &&
	       info.type == row->type && !strncmp(info.name, row->name, BPF_OBJ_NAME_LEN - 1);
}

static int foreign(struct ctx *ctx, const char *name)
{
	return fail(ctx, EEXIST, "%s/%s is not what weir pins there; remove it by hand", LIMIT_PINS, name);
}

static int get(struct ctx *ctx, const char *name, int *fd)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s/%s", LIMIT_PINS, name);
	*fd = bpf_obj_get(path);
	if (*fd >= 0)
		return 0;
	if (errno == EPERM)
		return fail(ctx, errno, "%s: this takes CAP_BPF", path);
	return foreign(ctx, name);
}

/* Before anything else is looked at, which another version may have otherwise. */
static int check_version(struct ctx *ctx, int map)
{
	const struct map_row *row = &map_rows[LIMIT_MAP_USE];
	uint32_t zero = 0, use[64] = { 0 };
	struct bpf_map_info info;

	_Static_assert(offsetof(struct limit_use, version) == 0, "in all versions");
	if (!is_map_like(map, row, &info) || info.key_size != row->key_bytes ||
	    info.value_size > sizeof(use))
		return foreign(ctx, row->name);
	if (bpf_map_lookup_elem(map, &zero, use))
		return fail(ctx, errno, "%s: %s", LIMIT_PINS, strerror(errno));
	if (use[0] != LIMIT_VERSION)
		return fail(ctx, EPROTO, "the limits there are were set by another version of weir: take "
			    "them away with that one, or remove %s by hand", LIMIT_PINS);
	return 0;
}

static int open_all(struct ctx *ctx, struct limit_pins *pins)
{
	unsigned int i;
	int err, fd;

	err = get(ctx, map_rows[LIMIT_MAP_USE].name, &pins->map[LIMIT_MAP_USE]);
	if (!err)
		err = check_version(ctx, pins->map[LIMIT_MAP_USE]);
	for (i = 0; i < LIMIT_MAPS && !err; i++) {
		err = pins->map[i] < 0 ? get(ctx, map_rows[i].name, &pins->map[i]) : 0;
		if (!err && !is_map(pins->map[i], &map_rows[i]))
			err = foreign(ctx, map_rows[i].name);
	}
	for (i = 0; i < LIMIT_PROGS && !err; i++) {
		err = get(ctx, prog_rows[i].name, &pins->prog[i]);
		if (!err && !is_prog(pins->prog[i], &prog_rows[i]))
			err = foreign(ctx, prog_rows[i].name);
	}
	for (i = 0; i < LINKS && !err; i++) {
		err = get(ctx, link_rows[i].name, &fd);
		if (err)
			break;
		err = is_a(fd, "bpf_link") || is_a(fd, "bpf-link") ? 0 : foreign(ctx, link_rows[i].name);
		close(fd);
	}
	return err;
}

/* Its descriptor. Without a bpffs nothing can be pinned: -ENOENT, or where it is to be, a fault. */
static int open_bpffs(struct ctx *ctx, bool make)
{
	struct statfs fs;
	int fd = open(LIMIT_BPFFS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno != ENOENT)
		return fail(ctx, errno, "%s: %s", LIMIT_BPFFS, strerror(errno));
	if (fd >= 0 && !fstatfs(fd, &fs) && (uint32_t)fs.f_type == BPF_FS_MAGIC)
		return fd;
	if (fd >= 0)
		close(fd);
	return !make ? -ENOENT : fail(ctx, EOPNOTSUPP, "no bpffs is mounted at %s (mount -t bpf bpf %s)",
				      LIMIT_BPFFS, LIMIT_BPFFS);
}

/* A file of weir's own: the bpffs anybody could lock who may read it. Taken after that of limit_htb_begin(). */
static int take_lock(struct ctx *ctx, bool make)
{
	int fd = open_bpffs(ctx, make), err;

	if (fd < 0)
		return fd;
	close(fd);
	err = netns_lock_host(ctx, "pins", LOCK_WAIT_MS, &fd);
	return err ? err : fd;
}

static int check_folder(struct ctx *ctx, const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 077)
		return fail(ctx, EPERM, "%s must be a folder of the user that weir runs as, and closed to "
			    "all others (0700)", path);
	return 0;
}

/* ---- making ---- */

static int why_not(struct ctx *ctx, int err)
{
	const char *lacks;

	if (err == -EPERM || err == -EACCES)
		return fail(ctx, EPERM, "loading BPF programs takes CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN");
	lacks = limit_kernel_lacks();
	if (lacks)
		return fail(ctx, EOPNOTSUPP, "this kernel has no %s", lacks);
	return fail(ctx, EOPNOTSUPP, "this kernel does not take the programs that limit (%s); Linux 6.1 "
		    "does", strerror(-err));
}

static int load(struct ctx *ctx, struct limit_bpf **skel)
{
	int err;

	libbpf_set_print(say_nothing);
	*skel = limit_bpf__open();
	if (!*skel)
		return fail(ctx, errno, "the programs that limit: %s", strerror(errno));
	err = limit_bpf__load(*skel);
	if (!err)
		return 0;
	limit_bpf__destroy(*skel);
	*skel = NULL;
	return why_not(ctx, err);
}

static int open_root(struct ctx *ctx)
{
	struct cgroups *cgroups = malloc(sizeof(*cgroups));
	int fd, err = cgroups ? cgroups_find(ctx, cgroups) : oom(ctx);

	if (err) {
		free(cgroups);
		return err;
	}
	fd = *cgroups->v2 ? open(cgroups->v2, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	err = !*cgroups->v2 ? fail(ctx, EOPNOTSUPP, "no cgroup v2 hierarchy is mounted") :
	      fd < 0 ? fail(ctx, errno, "%s: %s", cgroups->v2, strerror(errno)) : 0;
	free(cgroups);
	return err ? err : fd;
}

/* Where the kernel does not take it, there is none. */
static void pace(const struct limit_bpf *skel, const char *folder, int root)
{
	int maps[LIMIT_MAPS], i;

	for (i = 0; i < LIMIT_MAPS; i++)
		maps[i] = bpf_map__fd(bpf_object__find_map_by_name(skel->obj, map_rows[i].name));
	limit_pace_make(maps, folder, root);
}

static int pin(struct ctx *ctx, int fd, const char *name)
{
	char path[PATH_ROOM];
	int err;

	snprintf(path, sizeof(path), "%s/%s", PINS_NEW, name);
	err = bpf_obj_pin(fd, path);
	return err ? fail(ctx, err, "%s: %s", path, strerror(-err)) : 0;
}

/* Attaches a program and pins the link. */
static int pin_link(struct ctx *ctx, const struct limit_bpf *skel, const struct link_row *row, int root)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(skel->obj, row->name);
	struct bpf_link *link;
	int err;

	link = row->cgroup ? bpf_program__attach_cgroup(prog, root) : bpf_program__attach(prog);
	if (!link)
		return fail(ctx, errno, "attaching %s: %s", row->name, strerror(errno));
	err = pin(ctx, bpf_link__fd(link), row->name);
	bpf_link__destroy(link);
	return err;
}

static int pin_all(struct ctx *ctx, const struct limit_bpf *skel, int root)
{
	struct bpf_program *prog;
	const char *name;
	unsigned int i;
	int err = 0;

	for (i = 0; i < LIMIT_MAPS && !err; i++) {
		name = map_rows[i].name;
		err = pin(ctx, bpf_object__find_map_fd_by_name(skel->obj, name), name);
	}
	for (i = 0; i < LIMIT_PROGS && !err; i++) {
		prog = bpf_object__find_program_by_name(skel->obj, prog_rows[i].name);
		err = pin(ctx, bpf_program__fd(prog), prog_rows[i].name);
	}
	for (i = 0; i < LINKS && !err; i++)
		err = pin_link(ctx, skel, &link_rows[i], root);
	return err;
}

static int make_folders(struct ctx *ctx)
{
	int err;

	if (mkdir(PARENT, 0700) && errno != EEXIST)
		return fail(ctx, errno, "cannot make %s: %s", PARENT, strerror(errno));
	err = check_folder(ctx, PARENT);
	if (err)
		return err;
	return mkdir(PINS_NEW, 0700) ? fail(ctx, errno, "cannot make %s: %s", PINS_NEW,
					    strerror(errno)) : 0;
}

static int make_pins(struct ctx *ctx)
{
	struct limit_use use = { .version = LIMIT_VERSION };
	struct limit_bpf *skel = NULL;
	uint32_t zero = 0;
	int root = open_root(ctx), err;

	if (root < 0)
		return root;
	err = load(ctx, &skel);
	if (!err && bpf_map_update_elem(bpf_map__fd(skel->maps.weir_use), &zero, &use, BPF_ANY))
		err = fail(ctx, errno, "weir_use: %s", strerror(errno));
	if (!err)
		err = make_folders(ctx);
	if (!err)
		err = pin_all(ctx, skel, root);
	if (!err)
		pace(skel, PINS_NEW, root);
	if (!err && rename(PINS_NEW, LIMIT_PINS))
		err = fail(ctx, errno, "%s: %s", LIMIT_PINS, strerror(errno));
	if (err) {
		remove_folder(ctx, PINS_NEW);
		rmdir(PARENT);
	}
	limit_bpf__destroy(skel);
	close(root);
	return err;
}

int limit_pins_try(char *why, size_t size)
{
	struct limit_bpf *skel = NULL;
	struct ctx own;
	int root, err, bpffs;

	ctx_init(&own);
	bpffs = open_bpffs(&own, true);
	err = bpffs < 0 ? bpffs : 0;
	if (!err && faccessat(bpffs, ".", W_OK, AT_EACCESS) && errno == EROFS)
		err = fail(&own, EOPNOTSUPP, "%s is mounted read-only", LIMIT_BPFFS);
	root = err ? -1 : open_root(&own);
	if (!err && root < 0)
		err = root;
	if (!err)
		err = load(&own, &skel);
	if (err)
		snprintf(why, size, "%s", own.error ? own.error : strerror(-err));
	limit_bpf__destroy(skel);
	if (root >= 0)
		close(root);
	if (bpffs >= 0)
		close(bpffs);
	ctx_fini(&own);
	return err;
}

/* ---- */

static void close_all(int *fds, unsigned int n)
{
	while (n--)
		if (fds[n] >= 0)
			close(fds[n]);
}

void limit_pins_close(struct limit_pins *pins)
{
	close_all(pins->map, LIMIT_MAPS);
	close_all(pins->prog, LIMIT_PROGS);
	close_all(&pins->lock, 1);
}

int limit_pins_open(struct ctx *ctx, bool make, struct limit_pins *out)
{
	struct limit_pins pins = { .fresh = false };
	int err;

	memset(pins.map, -1, sizeof(pins.map));
	memset(pins.prog, -1, sizeof(pins.prog));
	pins.lock = take_lock(ctx, make);
	if (pins.lock < 0)
		return pins.lock;
	err = remove_folder(ctx, PINS_NEW);	/* what a run that was killed left */
	if (!err)
		err = remove_folder(ctx, PINS_OLD);
	if (!err)
		err = check_folder(ctx, LIMIT_PINS);
	if (err == -ENOENT && make) {
		pins.fresh = true;
		err = make_pins(ctx);
	}
	if (!err)
		err = open_all(ctx, &pins);
	if (err == -ENOENT && !make)
		rmdir(PARENT);
	if (err)
		limit_pins_close(&pins);
	else
		*out = pins;
	return err;
}
