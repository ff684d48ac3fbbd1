// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

bool process_may(int cap)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	return !syscall(SYS_capget, &header, data) && data[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap);
}

bool process_is_short(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM || err == -EAGAIN || err == -EINTR;
}

int process_spare_fds(unsigned int n)
{
	int *fds = calloc(n, sizeof(*fds)), err = fds ? 0 : -ENOMEM;
	unsigned int i = 0;

	while (i < n && !err) {
		fds[i] = open("/", O_PATH | O_CLOEXEC);
		if (fds[i] < 0)
			err = -errno;
		else
			i++;
	}
	while (i)
		close(fds[--i]);
	free(fds);
	return process_is_short(err) ? err : 0;
}
