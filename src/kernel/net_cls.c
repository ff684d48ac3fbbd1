// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/net_cls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_ROOM = 4096 };

static const char file_name[] = "net_cls.classid";

struct walk {
	struct ctx *ctx;
	struct tree *tree;
	unsigned int room;
	size_t root;		/* bytes of the root's folder */
	char dir[PATH_ROOM];	/* where the walk is */
};

/* ---- reading ---- */

/* The number in a file of the folder. 0 or -errno. */
static int read_classid(int dir, uint32_t *classid)
{
	int fd = openat(dir, file_name, O_RDONLY | O_CLOEXEC);
	char text[24];
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return n ? -EIO : -ENODATA;
	text[n] = 0;
	*classid = (uint32_t)strtoul(text, NULL, 10);
	return 0;
}

static int grow(struct walk *w)
{
	unsigned int room = w->room ? 2 * w->room : 64;
	struct tree_cgroup *more = arena_alloc(&w->tree->arena, room * sizeof(*more));

	if (!more)
		return oom(w->ctx);
	if (w->tree->n_cgroups)
		memcpy(more, w->tree->cgroups, w->tree->n_cgroups * sizeof(*more));
	w->tree->cgroups = more;
	w->room = room;
	return 0;
}

static int add_cgroup(struct walk *w, uint32_t classid)
{
	struct tree_cgroup *c;

	if (w->tree->n_cgroups == w->room && grow(w))
		return -ENOMEM;
	c = &w->tree->cgroups[w->tree->n_cgroups];
	c->dir = arena_strdup(&w->tree->arena, w->dir);
	if (!c->dir)
		return oom(w->ctx);
	c->path = c->dir + w->root + 1;
	c->classid = classid;
	w->tree->n_cgroups++;
	return 0;
}

static int walk_below(struct walk *w, DIR *d);

static int visit(struct walk *w, DIR *parent, const char *name)
{
	size_t len = strlen(w->dir);
	uint32_t classid = 0;
	DIR *d;
	int fd, err;

	if (snprintf(w->dir + len, sizeof(w->dir) - len, "/%s", name) >= (int)(sizeof(w->dir) - len)) {
		w->dir[len] = 0;
		return 0;	/* no path that could be named */
	}
	fd = openat(dirfd(parent), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (d && !read_classid(fd, &classid)) {
		err = add_cgroup(w, classid);
		if (!err)
			err = walk_below(w, d);
	} else {
		err = 0;	/* it has gone */
	}
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	w->dir[len] = 0;
	return err;
}

static int walk_below(struct walk *w, DIR *d)
{
	struct dirent *e;
	int err = 0;

	while (!err && (e = readdir(d)))
		if (e->d_type == DT_DIR && strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			err = visit(w, d, e->d_name);
	return err;
}

static int by_path(const void *a, const void *b)
{
	return tree_path_order(((const struct tree_cgroup *)a)->path,
			       ((const struct tree_cgroup *)b)->path);
}

int net_cls_read(struct ctx *ctx, const char *dir, struct tree *tree)
{
	struct walk *w = calloc(1, sizeof(*w));
	DIR *d = opendir(dir);
	int err = 0;

	if (!w || !d) {
		err = !w ? oom(ctx) : fail(ctx, errno, "%s: %s", dir, strerror(errno));
	} else {
		w->ctx = ctx;
		w->tree = tree;
		w->root = strlen(dir);
		snprintf(w->dir, sizeof(w->dir), "%s", dir);
		err = walk_below(w, d);
		if (tree->n_cgroups)
			qsort(tree->cgroups, tree->n_cgroups, sizeof(*tree->cgroups), by_path);
	}
	if (d)
		closedir(d);
	free(w);
	return err;
}

/* ---- writing ---- */

int net_cls_write(struct ctx *ctx, const struct tree_cgroup *cgroup, uint32_t classid)
{
	char name[PATH_ROOM + sizeof(file_name) + 1], text[16];
	int fd, n, err = 0;

	snprintf(name, sizeof(name), "%s/%s", cgroup->dir, file_name);
	fd = open(name, O_WRONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	n = snprintf(text, sizeof(text), "%" PRIu32 "\n", classid);
	if (fd < 0 || write(fd, text, (size_t)n) != n)
		err = errno == ENODEV ? 0 : -errno;	/* ENODEV: removed while it was open */
	if (fd >= 0)
		close(fd);
	return err ? fail(ctx, err, "%s: %s", name, strerror(-err)) : 0;
}
