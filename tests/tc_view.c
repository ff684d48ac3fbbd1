// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/tc_view.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <net/if.h>

extern char **environ;

enum { MAX_LINES = 4096, WEIR_PRIO_FIRST = 0x7700, WEIR_PRIO_LAST = 0x77ff };

/* ---- asking ---- */

/* Everything that a program prints, given `input`, which must fit into a pipe. tc complains of hooks
 * that are not there; that goes nowhere. */
static char *ask(const char *const *argv, const char *input)
{
	posix_spawn_file_actions_t actions;
	int in[2], out[2], failed;
	char *text = NULL, buf[65536];
	size_t len = 0;
	FILE *f;
	ssize_t n;
	pid_t pid;

	if (pipe(in) || pipe(out))
		return NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", 1, 0);
	posix_spawn_file_actions_addclose(&actions, in[1]);
	posix_spawn_file_actions_addclose(&actions, out[0]);
	failed = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(in[0]);
	close(out[1]);
	f = open_memstream(&text, &len);
	if (!failed && write(in[1], input, strlen(input)) < 0)
		failed = 1;
	close(in[1]);
	while (f && (n = read(out[0], buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, f);
	close(out[0]);
	if (!failed)
		waitpid(pid, NULL, 0);
	if (f)
		fclose(f);
	return text;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of all interfaces in order; freed with what it returns. */
static char **interfaces(size_t *n)
{
	struct if_nameindex *list = if_nameindex();
	char **names = calloc(MAX_LINES, sizeof(*names));

	for (*n = 0; list && list[*n].if_index && *n < MAX_LINES; ++*n)
		names[*n] = strdup(list[*n].if_name);
	if_freenameindex(list);
	qsort(names, *n, sizeof(*names), by_name);
	return names;
}

static char *tc_batch(void)
{
	static const char *const hooks[] = { "", "ingress", "egress" };
	char **names, *text = NULL;
	size_t n, len, i, h;
	FILE *f = open_memstream(&text, &len);

	names = interfaces(&n);
	fprintf(f, "qdisc show\n");
	for (i = 0; i < n; i++) {
		fprintf(f, "class show dev %s\n", names[i]);
		for (h = 0; h < 3; h++)
			fprintf(f, "filter show dev %s %s\n", names[i], hooks[h]);
		free(names[i]);
	}
	free(names);
	fclose(f);
	return text;
}

/* ---- an object a line ---- */

/* What the kernel numbers as it likes, and what changes by itself. */
static const char *const volatile_keys[] = {
	"refcnt", "direct_packets_stat", "fh", "order", "key_ht", "bkt", "index", "ref", "bind",
	"operstate", "flags", "linkmode", "probability", "prog",
};

/* Behind the value at p: a string, number or word, or an array or object of these. */
static const char *skip_value(const char *p)
{
	int depth = 0;

	for (; *p; p++) {
		if (*p == '"') {
			for (p++; *p && *p != '"'; p++)
				;
		} else if (*p == '[' || *p == '{') {
			depth++;
		} else if ((*p == ']' || *p == '}') && !depth--) {
			break;
		} else if (*p == ',' && !depth) {
			break;
		}
	}
	return p;
}

static bool is_volatile(const char *key, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(volatile_keys) / sizeof(volatile_keys[0]); i++)
		if (strlen(volatile_keys[i]) == len && !strncmp(volatile_keys[i], key, len))
			return true;
	return false;
}

static bool has_key(const char *p, const char *key)
{
	return !strncmp(p, key, strlen(key));
}

/* A filter of weir's: by the tree that it hangs on, or by its prio. */
static bool weirs_pref(const char *object, const char *value)
{
	long pref = strtol(value, NULL, 10);

	return has_key(object, "{\"parent\":\"77e0:") || (pref >= WEIR_PRIO_FIRST && pref <= WEIR_PRIO_LAST);
}

/* One object at *p, without what does not count; *p is then behind it. */
static void put_object(FILE *f, const char **p)
{
	const char *start = *p, *end = skip_value(start), *q = start, *value;
	bool filter = memmem(start, (size_t)(end - start), "\"pref\":", 7);
	size_t len;

	while (q < end) {
		value = *q == '"' ? strchr(q + 1, '"') : NULL;
		if (!value || value[1] != ':') {
			fputc(*q++, f);
			continue;
		}
		len = (size_t)(value - q) - 1;
		value += 2;
		if (is_volatile(q + 1, len) || (filter && has_key(q, "\"handle\":")) ||
		    (has_key(q, "\"pref\":") && weirs_pref(start, value))) {
			q = skip_value(value);
			continue;
		}
		fwrite(q, 1, (size_t)(value - q), f);
		q = value;
		if (*q == '"') {	/* a text may look like a key */
			value = strchr(q + 1, '"');
			fwrite(q, 1, (size_t)(value + 1 - q), f);
			q = value + 1;
		}
	}
	fputc('\n', f);
	*p = end;
}

/* tc has objects in arrays, one array an answer; iproute2 6.1 has classes as text. Some kinds show a
 * class for each flow that has packets. */
static void put_objects(FILE *f, const char *p)
{
	while (*p) {
		if (*p == '{') {
			put_object(f, &p);
		} else if (has_key(p, "class htb ")) {
			fwrite(p, 1, strcspn(p, "\n"), f);
			fputc('\n', f);
			p += strcspn(p, "\n");
		} else if (*p == 'c') {
			p += strcspn(p, "\n");
		} else {
			p++;
		}
	}
}

/* ---- order ---- */

static bool is_filter(const char *line)
{
	return strstr(line, "\"protocol\":");
}

static size_t lines_of(char *text, char **lines)
{
	char *save = NULL, *line;
	size_t n = 0;

	for (line = strtok_r(text, "\n", &save); line && n < MAX_LINES; line = strtok_r(NULL, "\n", &save))
		lines[n++] = line;
	return n;
}

/* Everything but filters has no order of its own. */
static char *in_order(char *text)
{
	char **lines = calloc(MAX_LINES, sizeof(*lines)), *all = NULL;
	size_t n = lines_of(text, lines), from = 0, to, i, len;
	FILE *f = open_memstream(&all, &len);

	while (from < n) {
		for (to = from; to < n && !is_filter(lines[to]); to++)
			;
		qsort(lines + from, to - from, sizeof(*lines), by_name);
		for (from = to; from < n && is_filter(lines[from]); from++)
			;
	}
	for (i = 0; i < n; i++)
		fprintf(f, "%s\n", lines[i]);
	fclose(f);
	free(lines);
	return all;
}

char *tc_view(bool links)
{
	static const char *const tc[] = { "tc", "-d", "-j", "-force", "-batch", "-", NULL };
	static const char *const ip[] = { "ip", "-d", "-j", "link", "show", NULL };
	char *batch = tc_batch(), *answer = ask(tc, batch), *text = NULL, *ordered;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	free(batch);
	if (answer)
		put_objects(f, answer);
	free(answer);
	answer = links ? ask(ip, "") : NULL;
	if (answer)
		put_objects(f, answer);
	free(answer);
	fclose(f);
	ordered = len ? in_order(text) : NULL;
	free(text);
	return ordered;
}

/* ---- difference ---- */

static void put_only_in(FILE *f, const char *a, const char *b, char mark)
{
	char **la = calloc(MAX_LINES, sizeof(*la)), **lb = calloc(MAX_LINES, sizeof(*lb));
	char *ca = strdup(a), *cb = strdup(b);
	size_t na = lines_of(ca, la), nb = lines_of(cb, lb), i, k;

	for (i = 0; i < na; i++) {
		for (k = 0; k < nb && (!lb[k] || strcmp(la[i], lb[k])); k++)
			;
		if (k < nb)
			lb[k] = NULL;
		else
			fprintf(f, "%c %s\n", mark, la[i]);
	}
	free(ca);
	free(cb);
	free(la);
	free(lb);
}

char *tc_view_diff(const char *a, const char *b)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	put_only_in(f, a, b, '-');
	put_only_in(f, b, a, '+');
	fclose(f);
	if (!len)
		strcpy((text = realloc(text, 32)), "only the order differs\n");
	return text;
}
