// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/limit_idle.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cgroup.h"
#include "host/limit.h"

enum { PATH_BYTES = 2 * CGROUP_DIR, CGROUP_DEPTH = 32 };

/* Inodes of sockets. */
struct inodes {
	uint64_t *v;
	size_t n, room;
};

static bool add_inode(struct inodes *set, uint64_t inode)
{
	size_t room = set->room ? 2 * set->room : 256;
	uint64_t *more;

	if (set->n == set->room) {
		more = reallocarray(set->v, room, sizeof(*more));
		if (!more)
			return false;
		set->v = more;
		set->room = room;
	}
	set->v[set->n++] = inode;
	return true;
}

/* The inode is the tenth word of a line; the first line is a heading. */
static void read_table(struct inodes *set, unsigned int pid, const char *table)
{
	char path[64], line[512], inode[24];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/net/%s", pid, table);
	f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %23s", inode) == 1 &&
		    strtoull(inode, NULL, 10) && !add_inode(set, strtoull(inode, NULL, 10)))
			break;
	fclose(f);
}

static int order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The IP sockets of the network namespace that the process is in. */
static void read_inodes(struct inodes *set, unsigned int pid)
{
	static const char *const tables[] = {
		"tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6",
	};
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		read_table(set, pid, tables[i]);
	if (set->n)
		qsort(set->v, set->n, sizeof(*set->v), order);
}

static bool fd_is_socket(int dir, const char *fd, const struct inodes *set)
{
	char target[64];
	ssize_t len = readlinkat(dir, fd, target, sizeof(target) - 1);
	uint64_t inode;

	if (len <= 0)
		return false;
	target[len] = 0;
	return sscanf(target, "socket:[%" SCNu64 "]", &inode) == 1 && set->n &&
	       bsearch(&inode, set->v, set->n, sizeof(*set->v), order);
}

bool limit_has_socket(unsigned int pid)
{
	struct inodes set = { 0 };
	struct dirent *e;
	bool found = false;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	dir = opendir(path);
	if (!dir)
		return false;
	read_inodes(&set, pid);
	while (!found && (e = readdir(dir)))
		found = fd_is_socket(dirfd(dir), e->d_name, &set);
	closedir(dir);
	free(set.v);
	return found;
}

/* ---- cgroups ---- */

struct found {
	bool process, socket;
};

static void look_at_processes(const char *dir, struct found *found)
{
	char path[PATH_BYTES + 16], line[32];
	FILE *f;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	f = fopen(path, "re");
	if (!f)
		return;
	while (!found->socket && fgets(line, sizeof(line), f)) {
		found->process = true;
		found->socket = limit_has_socket((unsigned int)strtoul(line, NULL, 10));
	}
	fclose(f);
}

static void look_at_cgroup(const char *dir, struct found *found, unsigned int depth)
{
	char path[PATH_BYTES];
	struct dirent *e;
	DIR *d;

	look_at_processes(dir, found);
	d = depth < CGROUP_DEPTH ? opendir(dir) : NULL;
	while (d && !found->socket && (e = readdir(d)))
		if (e->d_type == DT_DIR && e->d_name[0] != '.' &&
		    snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) < (int)sizeof(path))
			look_at_cgroup(path, found, depth + 1);
	if (d)
		closedir(d);
}

static const char *folder_reason(const char *dir, const char *name, const char *otherwise)
{
	struct found found = { 0 };
	char path[PATH_BYTES];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return NULL;
	if (access(path, F_OK))
		return "there is no such cgroup any more";
	look_at_cgroup(path, &found, 0);
	if (!found.process)
		return "no process is in it";
	return found.socket ? otherwise : "no process in it has an IP socket";
}

static int find_cgroups(struct cgroups *cgroups)
{
	struct ctx quiet;
	int err;

	ctx_init(&quiet);
	err = cgroups_find(&quiet, cgroups);
	ctx_fini(&quiet);
	return err;
}

static const char *cgroup_reason(const char *name)
{
	struct cgroups cgroups;

	return find_cgroups(&cgroups) ? NULL :
	       folder_reason(cgroups.v2, name, "a socket belongs to the cgroup that it was made in: those that "
			     "were open when their process was moved here are not in it");
}

static const char *net_cls_reason(const char *name)
{
	struct cgroups cgroups;

	return find_cgroups(&cgroups) ? NULL : folder_reason(cgroups.net_cls, name, NULL);
}

/* ---- users and processes ---- */

static const char *user_reason(const char *name)
{
	struct limit_key key;
	bool found = false;
	struct dirent *e;
	struct ctx quiet;
	struct stat st;
	int err, level;
	DIR *dir;

	ctx_init(&quiet);
	err = limit_resolve(&quiet, LIMIT_USER, name, &key, &level);
	ctx_fini(&quiet);
	dir = err ? NULL : opendir("/proc");
	if (!dir)
		return NULL;
	while (!found && (e = readdir(dir)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
		    !fstatat(dirfd(dir), e->d_name, &st, 0) && st.st_uid == key.id)
			found = limit_has_socket((unsigned int)strtoul(e->d_name, NULL, 10));
	closedir(dir);
	return found ? NULL : "no process of the user has an IP socket";
}

static const char *process_reason(const char *name)
{
	return limit_has_socket((unsigned int)strtoul(name, NULL, 10)) ? NULL :
	       "the process has no IP socket";
}

char *limit_idle_reason(enum limit_subject subject, const char *name, char why[LIMIT_IDLE_TEXT])
{
	static const char *(*const reasons[])(const char *name) = {
		[LIMIT_CGROUP] = cgroup_reason, [LIMIT_USER] = user_reason, [LIMIT_PID] = process_reason,
		[LIMIT_NET_CLS] = net_cls_reason,
	};
	const char *reason = reasons[subject](name);

	snprintf(why, LIMIT_IDLE_TEXT, "%s", reason ? reason :
		 "nothing has passed since it was set; what is only forwarded has no socket here and is not limited");
	return why;
}
