// SPDX-License-Identifier: GPL-2.0-or-later
/* What can be learnt of programs that the kernel runs already. */
#include "kernel/bpf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>


int program_open_id(uint32_t id)
{
	int fd = bpf_prog_get_fd_by_id(id);

	return fd < 0 ? -errno : fd;
}

/* How many maps the program uses, their ids in ids[max]; -errno. */
static int list_maps(int prog_fd, uint32_t *ids, uint32_t max)
{
	struct bpf_prog_info info = { .nr_map_ids = max, .map_ids = (uintptr_t)ids };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(prog_fd, &info, &len))
		return -errno;
	return (int)(info.nr_map_ids < max ? info.nr_map_ids : max);
}

/* Names in the kernel are cut to BPF_OBJ_NAME_LEN - 1 bytes; in front of those of globals stands the
 * object's name. */
static bool name_fits(const char *is, const char *name)
{
	size_t len = strlen(is), max = BPF_OBJ_NAME_LEN - 1;
	const char *dot = strchr(is, '.');

	if (*name == '.')
		return dot && !strncmp(dot, name, strlen(dot));
	return !strncmp(is, name, max) && (len == max || len == strlen(name));
}

int program_open_map(int prog_fd, const char *name)
{
	uint32_t ids[PROGRAM_MAPS + 8];
	int n = list_maps(prog_fd, ids, sizeof(ids) / sizeof(ids[0])), i, fd, err;

	for (i = 0; i < n; i++) {
		struct bpf_map_info info = { 0 };
		uint32_t len = sizeof(info);

		fd = bpf_map_get_fd_by_id(ids[i]);
		if (fd < 0)
			return -errno;
		err = bpf_obj_get_info_by_fd(fd, &info, &len) ? -errno : 0;
		if (!err && name_fits(info.name, name))
			return fd;
		close(fd);
		if (err)
			return err;
	}
	return n < 0 ? n : -ENOENT;
}

/* ---- counters ---- */

int program_map_size(int map_fd, uint32_t *entries)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(map_fd, &info, &len))
		return -errno;
	*entries = info.max_entries;
	return 0;
}

int program_sums(int map_fd, uint32_t n, uint32_t words, uint64_t *sums)
{
	int cpus = libbpf_num_possible_cpus(), cpu, err = 0;
	uint64_t *values;
	uint32_t i, w;

	if (cpus < 0)
		return cpus;
	values = calloc((size_t)cpus * words, sizeof(*values));
	if (!values)
		return -ENOMEM;
	for (i = 0; i < n && !err; i++) {
		if (bpf_map_lookup_elem(map_fd, &i, values)) {
			err = -errno;
			break;
		}
		for (w = 0; w < words; w++) {
			sums[(size_t)i * words + w] = 0;
			for (cpu = 0; cpu < cpus; cpu++)
				sums[(size_t)i * words + w] += values[(size_t)cpu * words + w];
		}
	}
	free(values);
	return err;
}
