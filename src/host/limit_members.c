// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/limit_members.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "host/cgroup.h"

/* ---- processes ---- */

/* The kernel's programs know processes by their numbers in the first pid namespace, whose own inode is
 * fixed (PROC_PID_INIT_INO, include/linux/proc_ns.h, 6.1). */
static bool sees_all_processes(void)
{
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino == 0xeffffffc;
}

static int run_join(const struct limit_pins *pins, struct limit_join *args)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(*args));
	int err = bpf_prog_test_run_opts(pins->prog[LIMIT_PROG_JOIN], &opts);

	return err ? err : (int)opts.retval;
}

static int leave(const struct limit_pins *pins, uint32_t pid)
{
	struct limit_join args = { .pid = pid, .leave = 1 };

	return run_join(pins, &args);
}

/* -ESRCH: it is no more. One that ended while it was added may have been told of before. */
static int join(const struct limit_pins *pins, uint32_t pid, uint64_t limit, uint32_t flags)
{
	struct limit_join args = { .pid = pid, .member = { .limit = limit, .flags = flags } };
	uint64_t ticks = 0;
	int err = limit_process(pid, &ticks, NULL);

	if (err)
		return err;
	args.member.ticks = ticks;
	err = run_join(pins, &args);
	if (err)
		return err;
	if (!limit_process(pid, &ticks, NULL) && ticks == args.member.ticks)
		return 0;
	leave(pins, pid);
	return -ESRCH;
}

static bool is_member(const struct limit_pins *pins, uint32_t pid, uint64_t limit)
{
	struct limit_member member;

	return !bpf_map_lookup_elem(pins->map[LIMIT_MAP_MEMBERS], &pid, &member) &&
	       member.limit == limit;
}

/* Those that were started before their parent was a member; later ones the kernel's program adds. How
 * many were added. */
static int join_children(const struct limit_pins *pins, uint64_t limit)
{
	unsigned int pid, parent;
	struct dirent *e;
	uint64_t ticks;
	int added = 0;
	DIR *proc = opendir("/proc");

	if (!proc)
		return -errno;
	while ((e = readdir(proc))) {
		pid = (unsigned int)strtoul(e->d_name, NULL, 10);
		if (!pid || limit_process(pid, &ticks, &parent) || is_member(pins, pid, limit) ||
		    !is_member(pins, parent, limit))
			continue;
		added += !join(pins, pid, limit, 0);
	}
	closedir(proc);
	return added;
}

/* Reading the iterator to its end is what runs the program. */
static int tag_sockets(const struct limit_pins *pins)
{
	int link = bpf_link_create(pins->prog[LIMIT_PROG_TAG], 0, BPF_TRACE_ITER, NULL), fd, err;
	char buf[64];
	ssize_t n;

	if (link < 0)
		return link;
	fd = bpf_iter_create(link);
	err = fd < 0 ? fd : 0;
	while (!err && (n = read(fd, buf, sizeof(buf))))
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			err = -errno;
	if (fd >= 0)
		close(fd);
	close(link);
	return err;
}

/* Each member that `ends` holds for leaves. How many did. */
static unsigned int leave_if(const struct limit_pins *pins, uint64_t limit,
		     bool (*ends)(uint32_t pid, const struct limit_member *member, uint64_t limit))
{
	int map = pins->map[LIMIT_MAP_MEMBERS], more;
	struct limit_member member;
	uint32_t pid, next;
	unsigned int left = 0;

	more = !bpf_map_get_next_key(map, NULL, &pid);
	while (more) {
		more = !bpf_map_get_next_key(map, &pid, &next);
		if (!bpf_map_lookup_elem(map, &pid, &member) && ends(pid, &member, limit))
			left += !leave(pins, pid);
		pid = next;
	}
	return left;
}

/* Those that were named have the flag, and what they start is none. */
static bool is_child(uint32_t pid, const struct limit_member *member, uint64_t limit)
{
	(void)pid;
	return member->limit == limit && !(member->flags & LIMIT_NO_CHILDREN);
}

static int join_all(const struct limit_pins *pins, const struct limit_wish *wish, uint64_t limit,
		    uint32_t *pid)
{
	uint32_t flags = wish->no_children ? LIMIT_NO_CHILDREN : 0;
	unsigned int i;
	int err;

	*pid = LIMIT_PROCESS_PID(limit);
	err = join(pins, *pid, limit, flags);
	for (i = 0; i < wish->n_also && !err; i++) {
		*pid = wish->also[i];
		err = join(pins, *pid, limit, flags);
	}
	if (err)
		return err;
	if (wish->no_children) {
		while (leave_if(pins, limit, is_child))
			;		/* one may have started another meanwhile */
		return 0;
	}
	do
		err = join_children(pins, limit);
	while (err > 0);
	return err;
}

int limit_members_add(struct ctx *ctx, const struct limit_pins *pins, const struct limit_wish *wish,
		      const struct limit_key *key)
{
	uint32_t pid;
	int err;

	if (!sees_all_processes())
		return fail(ctx, EOPNOTSUPP, "limits on processes are set from the host's own pid "
			    "namespace only");
	err = join_all(pins, wish, key->id, &pid);
	if (err)
		fail(ctx, err, err == -ESRCH ? "process %" PRIu32 " is no more" :
		     err == -E2BIG ? "process %" PRIu32 ": too many processes under limits" :
		     "process %" PRIu32 " cannot be put under the limit", pid);
	if (!err) {
		err = tag_sockets(pins);
		if (err)
			fail(ctx, err, "finding the open sockets of process %" PRIu32 ": %s", pid,
			     strerror(-err));
	}
	return err;
}

static bool is_of(uint32_t pid, const struct limit_member *member, uint64_t limit)
{
	(void)pid;
	return member->limit == limit;
}

void limit_members_remove(const struct limit_pins *pins, uint64_t limit)
{
	leave_if(pins, limit, is_of);
}

static bool is_no_more(uint32_t pid, const struct limit_member *member, uint64_t limit)
{
	uint64_t ticks;

	(void)limit;
	return limit_process(pid, &ticks, NULL) == -ESRCH || ticks != member->ticks;
}

void limit_members_prune(const struct limit_pins *pins)
{
	if (sees_all_processes())
		leave_if(pins, 0, is_no_more);
}

/* ---- networks ---- */

static bool prefix_of(const struct ifaddrs *ifa, struct limit_prefix *prefix)
{
	const struct sockaddr_in6 *a6 = (const void *)ifa->ifa_addr, *m6 = (const void *)ifa->ifa_netmask;
	const struct sockaddr_in *a4 = (const void *)ifa->ifa_addr, *m4 = (const void *)ifa->ifa_netmask;
	unsigned int i;

	memset(prefix, 0, sizeof(*prefix));
	if (!ifa->ifa_addr || !ifa->ifa_netmask)
		return false;
	if (ifa->ifa_addr->sa_family == AF_INET) {
		prefix->addr[10] = prefix->addr[11] = 0xff;
		memcpy(prefix->addr + 12, &a4->sin_addr, 4);
		prefix->bits = 96 + (uint32_t)__builtin_popcount(m4->sin_addr.s_addr);
		return true;
	}
	if (ifa->ifa_addr->sa_family != AF_INET6)
		return false;
	memcpy(prefix->addr, &a6->sin6_addr, 16);
	for (i = 0; i < 16; i++)
		prefix->bits += (uint32_t)__builtin_popcount(m6->sin6_addr.s6_addr[i]);
	return true;
}

uint32_t limit_own_networks(int map)
{
	struct limit_prefix prefix;
	struct ifaddrs *all, *ifa;
	uint32_t n = 0;
	uint8_t one = 1;

	if (getifaddrs(&all))
		return 0;
	for (ifa = all; ifa; ifa = ifa->ifa_next)
		if (prefix_of(ifa, &prefix))
			n += !bpf_map_update_elem(map, &prefix, &one, BPF_ANY);
	freeifaddrs(all);
	return n;
}

/* ---- what is looked for at all ---- */

int limit_next(struct ctx *ctx, const struct limit_pins *pins, const struct limit_key *last,
	       struct limit_key *key)
{
	if (!bpf_map_get_next_key(pins->map[LIMIT_MAP_LIMITS], last, key))
		return 1;
	return errno == ENOENT ? 0 : fail(ctx, errno, "reading the limits: %s", strerror(errno));
}

static void use_of(struct limit_use *use, const struct limit_key *key, const struct limit_entry *entry)
{
	use->levels |= key->kind == LIMIT_KIND_CGROUP ? entry->levels : 0;
	use->users |= key->kind == LIMIT_KIND_USER;
	use->processes |= key->kind == LIMIT_KIND_PROCESS;
}

static int set_use(struct ctx *ctx, const struct limit_pins *pins, const struct limit_use *use)
{
	uint32_t zero = 0;

	if (bpf_map_update_elem(pins->map[LIMIT_MAP_USE], &zero, use, BPF_ANY))
		return fail(ctx, errno, "weir_use: %s", strerror(errno));
	return 0;
}

static int get_use(struct ctx *ctx, const struct limit_pins *pins, struct limit_use *use)
{
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(pins->map[LIMIT_MAP_USE], &zero, use))
		return fail(ctx, errno, "weir_use: %s", strerror(errno));
	return 0;
}

int limit_use_more(struct ctx *ctx, const struct limit_pins *pins, const struct limit_key *key,
		   const struct limit_entry *entry)
{
	struct limit_use use, more;
	int err = get_use(ctx, pins, &use);

	if (err)
		return err;
	more = use;
	use_of(&more, key, entry);
	if (entry->flags & (LIMIT_ONLY_INTERNET | LIMIT_ONLY_LOCAL))
		more.prefixes |= limit_own_networks(pins->map[LIMIT_MAP_OWN]);
	return memcmp(&use, &more, sizeof(use)) ? set_use(ctx, pins, &more) : 0;
}

/* Looks no further than until everything is found to be in use. */
int limit_use_less(struct ctx *ctx, const struct limit_pins *pins)
{
	struct limit_key key, *last = NULL;
	struct limit_use use, less;
	struct limit_entry entry;
	int err = get_use(ctx, pins, &use), more = 1;

	if (err)
		return err;
	less = use;
	less.levels = less.users = less.processes = 0;
	while (memcmp(&use, &less, sizeof(use)) && (more = limit_next(ctx, pins, last, &key)) > 0) {
		if (!bpf_map_lookup_elem(pins->map[LIMIT_MAP_LIMITS], &key, &entry))
			use_of(&less, &key, &entry);
		last = &key;
	}
	if (more < 0)
		return more;
	return memcmp(&use, &less, sizeof(use)) ? set_use(ctx, pins, &less) : 0;
}

/* ---- names ---- */

/* A cgroup's file handle is its id (FILEID_KERNFS, include/linux/exportfs.h, 6.1). -ESTALE: it is gone. */
static int open_cgroup(const char *mount, uint64_t id)
{
	union {
		struct file_handle head;
		char room[sizeof(struct file_handle) + sizeof(id)];
	} handle = { .head = { .handle_bytes = sizeof(id), .handle_type = 0xfe } };
	int dir = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	if (dir < 0)
		return -errno;
	memcpy(handle.room + sizeof(handle.head), &id, sizeof(id));
	fd = open_by_handle_at(dir, &handle.head, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	close(dir);
	return fd;
}

/* The path of a cgroup below the mount, or NULL. *gone: it is known to be no more. */
static char *cgroup_path(struct arena *a, uint64_t id, bool *gone)
{
	struct cgroups *cgroups = malloc(sizeof(*cgroups));
	char path[CGROUP_DIR], link[32], *name = NULL;
	size_t prefix;
	struct ctx own;
	ssize_t n;
	int fd = -1;

	ctx_init(&own);
	*gone = false;
	if (cgroups && !cgroups_find(&own, cgroups) && *cgroups->v2) {
		fd = open_cgroup(cgroups->v2, id);
		*gone = fd == -ESTALE;
	}
	if (fd >= 0 && a) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, path, sizeof(path) - 1);
		path[n > 0 ? n : 0] = 0;
		prefix = strlen(cgroups->v2);
		name = arena_strdup(a, strncmp(path, cgroups->v2, prefix) ? path :
				       path[prefix] ? path + prefix + 1 : "/");
	}
	if (fd >= 0)
		close(fd);
	free(cgroups);
	ctx_fini(&own);
	return name;
}

bool limit_cgroup_gone(uint64_t id)
{
	bool gone;

	cgroup_path(NULL, id, &gone);
	return gone;
}

int limit_name(struct ctx *ctx, struct limit_list *list, struct limit_report *r)
{
	const struct passwd *user;
	bool gone;

	if (r->key.kind == LIMIT_KIND_CGROUP) {
		r->name = cgroup_path(&list->arena, r->key.id, &gone);
		if (!r->name)
			r->name = arena_printf(&list->arena, "cgroup %" PRIu64, (uint64_t)r->key.id);
	} else if (r->key.kind == LIMIT_KIND_USER) {
		user = list->numeric ? NULL : getpwuid((uid_t)r->key.id);
		r->name = user ? arena_strdup(&list->arena, user->pw_name) :
				 arena_printf(&list->arena, "%" PRIu64, (uint64_t)r->key.id);
	} else {
		r->name = arena_printf(&list->arena, "%" PRIu32, LIMIT_PROCESS_PID(r->key.id));
	}
	return r->name ? 0 : oom(ctx);
}
