// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_PAUSE_MS = 20 };

static const char run_dir[] = NETNS_RUN_DIR;

int netns_enter(struct ctx *ctx, const char *name)
{
	char path[4096];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s%s", strchr(name, '/') ? "" : "/run/netns/", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return fail(ctx, ENOENT, "there is no network namespace '%s'", name);
	if (fd < 0)
		return fail(ctx, errno, "network namespace '%s': %s", name, strerror(errno));
	if (setns(fd, CLONE_NEWNET))
		err = errno;
	close(fd);
	if (err == EINVAL)
		return fail(ctx, err, "'%s' is not a network namespace", name);
	if (err == EPERM)
		return fail(ctx, err, "entering network namespace '%s' needs CAP_SYS_ADMIN", name);
	return err ? fail(ctx, err, "network namespace '%s': %s", name, strerror(err)) : 0;
}

int netns_inode(struct ctx *ctx, uint64_t *inode)
{
	static const char path[] = "/proc/thread-self/ns/net";
	struct stat st;

	if (stat(path, &st))
		return fail(ctx, errno, "%s: %s", path, strerror(errno));
	*inode = st.st_ino;
	return 0;
}

uint64_t netns_cookie(void)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len))
		cookie = 0;
	close(fd);
	return cookie;
}

/* The directory's descriptor, or -errno. Where others could write, a lock would be no lock. */
static int open_run_dir(struct ctx *ctx)
{
	struct stat st;
	int fd;

	if (mkdir(run_dir, 0700) && errno != EEXIST)
		return fail(ctx, errno, "cannot make %s: %s", run_dir, strerror(errno));
	fd = open(run_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail(ctx, errno, "%s: %s", run_dir, strerror(errno));
	if (fstat(fd, &st) || st.st_uid != geteuid() || st.st_mode & 022) {
		close(fd);
		return fail(ctx, EPERM, "%s must belong to the user that weir runs as, and nobody "
			    "else may write to it", run_dir);
	}
	return fd;
}

static int wait_for_lock(int fd, unsigned int wait_ms)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };
	struct timespec start, now;
	int64_t waited_ms;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		clock_gettime(CLOCK_MONOTONIC, &now);
		waited_ms = (now.tv_sec - start.tv_sec) * 1000 +
			    (now.tv_nsec - start.tv_nsec) / 1000000;
		if (waited_ms >= wait_ms)
			return -EBUSY;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* whose: what the lock is for. */
static int lock_file(struct ctx *ctx, const char *name, const char *whose, unsigned int wait_ms, int *fd)
{
	int dir = open_run_dir(ctx), lock, err;

	if (dir < 0)
		return dir;
	lock = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	err = errno;
	close(dir);
	if (lock < 0)
		return fail(ctx, err, "%s/%s: %s", run_dir, name, strerror(err));
	err = wait_for_lock(lock, wait_ms);
	if (!err) {
		*fd = lock;
		return 0;
	}
	close(lock);
	if (err == -EBUSY)
		return fail(ctx, err, "another weir is changing %s (%s/%s)", whose, run_dir, name);
	return fail(ctx, err, "%s/%s: %s", run_dir, name, strerror(-err));
}

int netns_lock_for(struct ctx *ctx, const char *what, unsigned int wait_ms, int *fd)
{
	char name[64];
	uint64_t inode;
	int err = netns_inode(ctx, &inode);

	if (err)
		return err;
	snprintf(name, sizeof(name), "%" PRIu64 "%s.lock", inode, what);
	return lock_file(ctx, name, "this network namespace", wait_ms, fd);
}

int netns_lock_host(struct ctx *ctx, const char *what, unsigned int wait_ms, int *fd)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.lock", what);
	return lock_file(ctx, name, what, wait_ms, fd);
}

int netns_lock(struct ctx *ctx, unsigned int wait_ms, int *fd)
{
	return netns_lock_for(ctx, "", wait_ms, fd);
}

/* ---- other namespaces ---- */

enum { NAMESPACES = 4096 };

struct walk {
	bool (*run)(void *arg);
	void *arg;
	ino_t *seen;		/* NAMESPACES */
	unsigned int n;
	bool done;
};

static bool is_new(struct walk *w, ino_t inode)
{
	unsigned int i;

	for (i = 0; i < w->n; i++)
		if (w->seen[i] == inode)
			return false;
	if (w->n == NAMESPACES)
		return false;
	w->seen[w->n++] = inode;
	return true;
}

static void walk_namespace(struct walk *w, const char *path)
{
	struct stat st;
	int fd;

	if (stat(path, &st) || !is_new(w, st.st_ino))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (!setns(fd, CLONE_NEWNET))
		w->done = w->run(w->arg);
	close(fd);
}

/* suffix: behind the name of what is in the folder. */
static void walk_folder(struct walk *w, const char *folder, bool numbers, const char *suffix)
{
	char path[sizeof(((struct dirent *)0)->d_name) + 32];
	DIR *dir = opendir(folder);
	struct dirent *e;

	while (dir && !w->done && (e = readdir(dir))) {
		if (e->d_name[0] == '.' || (numbers && (e->d_name[0] < '1' || e->d_name[0] > '9')))
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", folder, e->d_name, suffix);
		walk_namespace(w, path);
	}
	if (dir)
		closedir(dir);
}

static void *walk_all(void *arg)
{
	struct walk *w = arg;
	struct stat st;

	if (!stat("/proc/thread-self/ns/net", &st))
		is_new(w, st.st_ino);
	w->done = w->run(w->arg);
	walk_folder(w, "/run/netns", false, "");
	walk_folder(w, "/proc", true, "/ns/net");
	return NULL;
}

/* A thread of its own: the process itself is never seen in a namespace that is not its own, whose
 * processes somebody may be about to end. */
void netns_each(bool (*run)(void *arg), void *arg)
{
	struct walk w = { .run = run, .arg = arg, .seen = calloc(NAMESPACES, sizeof(*w.seen)) };
	pthread_t thread;

	if (w.seen && !pthread_create(&thread, NULL, walk_all, &w))
		pthread_join(thread, NULL);
	free(w.seen);
}

struct visit {
	uint64_t cookie;
	void (*run)(void *arg);
	void *arg;
	bool found;
};

static bool visit(void *arg)
{
	struct visit *v = arg;

	v->found = netns_cookie() == v->cookie;
	if (v->found)
		v->run(v->arg);
	return v->found;
}

bool netns_visit(uint64_t cookie, void (*run)(void *arg), void *arg)
{
	struct visit v = { .cookie = cookie, .run = run, .arg = arg };

	if (cookie)
		netns_each(visit, &v);
	return v.found;
}
