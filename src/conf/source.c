// SPDX-License-Identifier: GPL-2.0-or-later
#include "conf/source.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Reads at most size bytes. Returns how many came before the end, or -errno. */
static ssize_t read_full(int fd, char *buf, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while (n < size) {
		got = read(fd, buf + n, size - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

int source_read(struct arena *a, int fd, const char **text, size_t *len)
{
	char *buf = malloc(SOURCE_MAX_BYTES + 1), *kept = NULL;
	ssize_t n = -ENOMEM;

	if (!buf)
		goto out;
	n = read_full(fd, buf, SOURCE_MAX_BYTES + 1);
	if (n > SOURCE_MAX_BYTES)
		n = -EFBIG;
	if (n < 0)
		goto out;
	kept = arena_strndup(a, buf, (size_t)n);
	if (!kept) {
		n = -ENOMEM;
		goto out;
	}
	*text = kept;
	*len = (size_t)n;
	n = 0;
out:
	free(buf);
	return (int)n;
}
