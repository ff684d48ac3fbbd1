// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/limit_pace.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/pace.skel.h"
#include "kernel/netns.h"

enum { PATH_ROOM = 128 };

/* In this order: the first counts for the second. */
static const char *const iterators[] = { "weir_pace_count", "weir_pace_open" };
enum { ITERATORS = sizeof(iterators) / sizeof(iterators[0]) };

/* ---- making ---- */

static int share_maps(struct pace_bpf *skel, const int maps[LIMIT_MAPS])
{
	struct bpf_map *map;
	int i, err;

	for (i = 0; i < LIMIT_MAPS; i++) {
		map = bpf_object__find_map_by_name(skel->obj, limit_map_name(i));
		err = map ? bpf_map__reuse_fd(map, maps[i]) : 0;
		if (err)
			return err;
	}
	return 0;
}

static int pin(const struct pace_bpf *skel, const char *folder, int root)
{
	struct bpf_link *link = bpf_program__attach_cgroup(skel->progs.weir_pace, root);
	char path[PATH_ROOM];
	int i, err;

	if (!link)
		return -errno;
	snprintf(path, sizeof(path), "%s/%s", folder, LIMIT_PACE_LINK);
	err = bpf_link__pin(link, path);
	bpf_link__destroy(link);
	for (i = 0; i < ITERATORS && !err; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, iterators[i]);
		err = bpf_program__pin(bpf_object__find_program_by_name(skel->obj, iterators[i]), path);
	}
	return err;
}

static void unpin(const char *folder)
{
	char path[PATH_ROOM];
	int i;

	snprintf(path, sizeof(path), "%s/%s", folder, LIMIT_PACE_LINK);
	unlink(path);
	for (i = 0; i < ITERATORS; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, iterators[i]);
		unlink(path);
	}
}

int limit_pace_make(const int maps[LIMIT_MAPS], const char *folder, int root)
{
	struct pace_bpf *skel = pace_bpf__open();
	struct stat st = { 0 };
	int err;

	if (!skel)
		return -errno;
	fstat(root, &st);
	skel->rodata->root_id = st.st_ino;
	err = share_maps(skel, maps);
	if (!err)
		err = pace_bpf__load(skel);
	if (!err && folder)
		err = pin(skel, folder, root);
	if (err && folder)
		unpin(folder);
	pace_bpf__destroy(skel);
	return err;
}

/* ---- going through the sockets ---- */

/* The sockets of the network namespace that the thread is in. */
static void run_iterator(int link)
{
	int fd = bpf_iter_create(link);
	char buf[64];
	ssize_t n;

	if (fd < 0)
		return;
	do
		n = read(fd, buf, sizeof(buf));
	while (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)));
	close(fd);
}

static bool run_iterators(void *arg)
{
	const int *links = arg;
	int i;

	for (i = 0; i < ITERATORS; i++)
		run_iterator(links[i]);
	return false;
}

static int pinned(const char *name)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s/%s", LIMIT_PINS, name);
	return bpf_obj_get(path);
}

bool limit_pace_is_there(void)
{
	int fd = pinned(LIMIT_PACE_LINK);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

void limit_pace_sockets(void)
{
	int links[ITERATORS], i, prog, missing = 0;

	for (i = 0; i < ITERATORS; i++) {
		prog = pinned(iterators[i]);
		links[i] = prog < 0 ? -1 : bpf_link_create(prog, 0, BPF_TRACE_ITER, NULL);
		missing += links[i] < 0;
		if (prog >= 0)
			close(prog);
	}
	if (!missing)
		netns_each(run_iterators, links);
	for (i = 0; i < ITERATORS; i++)
		if (links[i] >= 0)
			close(links[i]);
}
