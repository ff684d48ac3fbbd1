// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/cgroup.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* ---- where ---- */

/* Blanks and backslashes are \OOO (mangle(), fs/proc_namespace.c, 6.12). */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && strspn(s + 1, "01234567") >= 3) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = 0;
}

/* Whether the list "rw,net_cls,net_prio" has the word. */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word), n;

	for (; *list; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		if (n == len && !memcmp(list, word, n))
			return true;
	}
	return false;
}

struct mount {
	char *root, *dir, *type, *options;
};

/* 36 35 98:0 /root /dir options [tag...] - type source superblock-options */
static bool split_line(char *line, struct mount *m)
{
	char *field[6], *save = NULL, *word;
	unsigned int i;

	line[strcspn(line, "\n")] = 0;
	for (i = 0; i < 6; i++) {
		field[i] = strtok_r(i ? NULL : line, " ", &save);
		if (!field[i])
			return false;
	}
	do
		word = strtok_r(NULL, " ", &save);
	while (word && strcmp(word, "-"));
	m->root = field[3];
	m->dir = field[4];
	m->type = word ? strtok_r(NULL, " ", &save) : NULL;
	m->options = m->type && strtok_r(NULL, " ", &save) ? strtok_r(NULL, " ", &save) : NULL;
	if (m->options)
		unescape(m->dir);
	return m->options;
}

void cgroups_read(FILE *mountinfo, bool (*is_there)(const char *dir, bool v2),
		  struct cgroups *cgroups)
{
	bool whole[2] = { false, false }, v2, root;
	char *line = NULL, *to;
	struct mount m;
	size_t room = 0;

	memset(cgroups, 0, sizeof(*cgroups));
	while (getline(&line, &room, mountinfo) > 0) {
		if (!split_line(line, &m) || strlen(m.dir) >= CGROUP_DIR)
			continue;
		v2 = !strcmp(m.type, "cgroup2");
		if (!v2 && (strcmp(m.type, "cgroup") || !has_word(m.options, "net_cls")))
			continue;
		root = !strcmp(m.root, "/");
		to = v2 ? cgroups->v2 : cgroups->net_cls;
		if (whole[v2] || (*to && !root) || (is_there && !is_there(m.dir, v2)))
			continue;
		whole[v2] = root;
		strcpy(to, m.dir);
	}
	free(line);
}

static bool is_mounted(const char *dir, bool v2)
{
	struct statfs fs;

	return !statfs(dir, &fs) &&
	       (uint32_t)fs.f_type == (v2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC);
}

int cgroups_find(struct ctx *ctx, struct cgroups *cgroups)
{
	static const char path[] = "/proc/self/mountinfo";
	FILE *f = fopen(path, "re");

	if (!f)
		return fail(ctx, errno, "%s: %s", path, strerror(errno));
	cgroups_read(f, is_mounted, cgroups);
	fclose(f);
	return 0;
}

/* ---- what ---- */

static int stat_below(const char *dir, const char *path, struct stat *st)
{
	char name[2 * CGROUP_DIR];

	if (!*dir)
		return -ENOENT;
	if (snprintf(name, sizeof(name), "%s/%s", dir, path) >= (int)sizeof(name))
		return -ENAMETOOLONG;
	if (lstat(name, st))
		return -errno;
	return S_ISDIR(st->st_mode) ? 0 : -ENOENT;
}

static unsigned int count_parts(const char *path)
{
	unsigned int n = 0;

	for (; *path; path += strcspn(path, "/")) {
		path += strspn(path, "/");
		n += !!*path;
	}
	return n;
}

/* Every cgroup but the root has the file (CFTYPE_NOT_ON_ROOT, kernel/cgroup/cgroup.c, 6.1, 6.12). */
static bool shows_root(const char *dir)
{
	char name[CGROUP_DIR + 16];

	snprintf(name, sizeof(name), "%s/cgroup.events", dir);
	return access(name, F_OK);
}

int cgroup_id(const struct cgroups *cgroups, const char *path, uint64_t *id, unsigned int *level)
{
	struct stat st;
	int err = stat_below(cgroups->v2, path, &st);

	if (err)
		return err;
	*id = st.st_ino;
	*level = count_parts(path);
	return shows_root(cgroups->v2) ? 0 : -EXDEV;
}

int cgroup_net_cls_id(const struct cgroups *cgroups, const char *path, uint64_t *id)
{
	struct stat st;
	int err = stat_below(cgroups->net_cls, path, &st);

	if (!err)
		*id = st.st_ino;
	return err;
}

int cgroup_has_net_cls(const struct cgroups *cgroups, const char *path)
{
	uint64_t id;

	return cgroup_net_cls_id(cgroups, path, &id);
}
