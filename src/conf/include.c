// SPDX-License-Identifier: GPL-2.0-or-later
/* Where sources come from: files, memory, and the files that a pattern names. */
#include "conf/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int source_from_text(struct parser *p, const char *name, const char *text, size_t len,
		     struct source **source)
{
	struct source *s = arena_alloc(&p->arena, sizeof(*s));

	if (!s)
		return oom(p->ctx);
	s->path = arena_strdup(&p->arena, name);
	s->name = arena_strdup(&p->policy->arena, strcmp(name, "-") ? name : "<stdin>");
	s->text = arena_strndup(&p->arena, text, len);
	s->words = arena_strndup(&p->arena, text, len);
	if (!s->path || !s->name || !s->text || !s->words)
		return oom(p->ctx);
	s->len = len;
	s->order = p->n_sources++;
	s->depth = 1;
	p->total_bytes += len;
	*source = s;
	return 0;
}

/* Reads the open file; -errno without a word about it. */
static int source_from_fd(struct parser *p, const char *path, int fd, struct source **source)
{
	const char *text = NULL;
	struct stat st;
	size_t len = 0;
	int err = source_read(&p->arena, fd, &text, &len);

	if (!err)
		err = source_from_text(p, path, text, len, source);
	if (!err && !fstat(fd, &st)) {
		(*source)->on_disk = true;
		(*source)->dev = st.st_dev;
		(*source)->ino = st.st_ino;
	}
	return err;
}

static const char *reason(int err)
{
	return err == -EFBIG ? "larger than 1 MiB" : strerror(-err);
}

int source_from_file(struct parser *p, const char *path, struct source **source)
{
	bool standard_input = !strcmp(path, "-");
	int fd, err;

	fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(p->ctx, errno, "cannot open '%s': %s", path, strerror(errno));
	err = source_from_fd(p, path, fd, source);
	if (!standard_input)
		close(fd);
	if (err)
		fail(p->ctx, err, "cannot read '%s': %s", path, reason(err));
	return err;
}

/* ---- include ---- */

struct including {
	const struct source *by;
	struct pos pos;		/* of the pattern */
};

static bool includes_itself(const struct source *by, const struct stat *st)
{
	for (; by; by = by->includer)
		if (by->on_disk && by->dev == st->st_dev && by->ino == st->st_ino)
			return true;
	return false;
}

/* Why the open file cannot be included, or NULL. */
static const char *refusal(struct parser *p, const struct including *inc, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "not a regular file";
	if (includes_itself(inc->by, &st))
		return "it is being read already, it would include itself";
	if (inc->by->depth >= SOURCE_MAX_DEPTH)
		return "more than 8 files include one another";
	if (st.st_size > SOURCE_MAX_BYTES)
		return "larger than 1 MiB";
	if (p->total_bytes + (uint64_t)st.st_size > SOURCE_TOTAL_BYTES)
		return "all files together are larger than 16 MiB";
	return NULL;
}

static void include_fd(struct parser *p, const struct including *inc, const char *path, int fd)
{
	const char *why = refusal(p, inc, fd);
	struct source *s = NULL;
	int err = why ? 0 : source_from_fd(p, path, fd, &s);

	if (err == -ENOMEM) {
		p->oom = true;
		return;
	}
	if (err)
		why = reason(err);
	if (why) {
		report_at(&p->report, &inc->pos, NULL, "cannot include '%s': %s",
			  report_word(&p->report, path), why);
		return;
	}
	s->includer = inc->by;
	s->depth = inc->by->depth + 1;
	parse_source(p, s);
}

/* A FIFO must not hang the program: files are opened without waiting. */
static void include_file(struct parser *p, const struct including *inc, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		report_at(&p->report, &inc->pos, NULL, "cannot include '%s': %s",
			  report_word(&p->report, path), strerror(errno));
		return;
	}
	include_fd(p, inc, path, fd);
	close(fd);
}

/* A directory that is not there holds nothing; one that cannot be read might. */
static int glob_trouble(const char *path, int err)
{
	(void)path;
	return err != ENOENT && err != ENOTDIR;
}

static void include_glob(struct parser *p, const struct including *inc, const char *pattern)
{
	glob_t found = { 0 };
	size_t i;

	switch (glob(pattern, 0, glob_trouble, &found)) {
	case 0:
		for (i = 0; i < found.gl_pathc && !p->report.full && !p->oom; i++)
			include_file(p, inc, found.gl_pathv[i]);
		break;
	case GLOB_NOMATCH:
		break;
	case GLOB_NOSPACE:
		p->oom = true;
		break;
	default:
		report_at(&p->report, &inc->pos, NULL, "cannot include '%s': a directory cannot be read",
			  report_word(&p->report, pattern));
	}
	globfree(&found);
}

/* The pattern as seen from the current directory; the including file's own directory is taken as
 * it is, also when its name looks like a pattern. */
static const char *from_here(struct parser *p, const char *pattern, bool is_glob)
{
	const char *by = p->lex.source->path, *slash = strrchr(by, '/');
	char *out, *o;

	if (pattern[0] == '/' || !slash)
		return pattern;
	out = o = arena_alloc(&p->arena, 2 * (size_t)(slash - by + 1) + strlen(pattern) + 1);
	if (!out) {
		p->oom = true;
		return NULL;
	}
	for (; by <= slash; by++) {
		if (is_glob && strchr("*?[\\", *by))
			*o++ = '\\';
		*o++ = *by;
	}
	strcpy(o, pattern);
	return out;
}

void parse_include(struct parser *p, void *scope)
{
	const struct word *w = want_word(p, &p->stmt.words[0], "a file or a pattern in quotes");
	struct including inc = { .by = p->lex.source };
	const char *pattern;
	bool is_glob;

	(void)scope;
	if (!w || !end_of_words(p) || p->stmt.block)
		return;
	if (!*w->text) {
		report_at(&p->report, &w->pos, NULL, "an empty pattern names no file");
		return;
	}
	inc.pos = w->pos;
	is_glob = strpbrk(w->text, "*?[");
	pattern = from_here(p, w->text, is_glob);
	if (pattern && is_glob)
		include_glob(p, &inc, pattern);
	else if (pattern)
		include_file(p, &inc, pattern);
}
