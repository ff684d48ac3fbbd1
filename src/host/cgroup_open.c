// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/cgroup_open.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The id is the file handle (enum fid_type, include/linux/exportfs.h, 6.1; kernfs, fs/kernfs/mount.c). */
enum { FILEID_KERNFS = 0xfe };

int cgroup_open_id(const struct cgroups *cgroups, uint64_t id)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(id)];
	} h = { .handle = { .handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS } };
	int mount, fd;

	if (!*cgroups->v2)
		return -ENOENT;
	mount = open(cgroups->v2, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mount < 0)
		return -errno;
	memcpy(h.room + sizeof(struct file_handle), &id, sizeof(id));
	fd = open_by_handle_at(mount, &h.handle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	close(mount);
	return fd;
}

int cgroup_path(const struct cgroups *cgroups, uint64_t id, char path[CGROUP_DIR])
{
	static const char gone[] = " (deleted)";
	char link[64], at[2 * CGROUP_DIR];
	size_t top = strlen(cgroups->v2);
	int fd = cgroup_open_id(cgroups, id);
	ssize_t len;

	if (fd < 0)
		return fd;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, at, sizeof(at) - 1);
	close(fd);
	if (len < 0)
		return -errno;
	at[len] = 0;
	if ((size_t)len > strlen(gone) && !strcmp(at + len - strlen(gone), gone))
		return -ESTALE;
	if (strncmp(at, cgroups->v2, top) || (at[top] && at[top] != '/'))
		return -EXDEV;
	if ((size_t)len - top > CGROUP_DIR)
		return -ENAMETOOLONG;
	strcpy(path, at[top] ? at + top + 1 : "");
	return 0;
}
