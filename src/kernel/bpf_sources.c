// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of sources: a new one is one include and one row here. */
#include "kernel/bpf_sources.h"

#include <string.h>

#include "bpf/xdp_stamp.h"

#include "bpf/classify.skel.h"
#include "bpf/net_cls.skel.h"
#include "bpf/xdp_stamp.skel.h"

static const void *classify_elf(size_t *size)
{
	return classify_bpf__elf_bytes(size);
}

static const void *net_cls_elf(size_t *size)
{
	return net_cls_bpf__elf_bytes(size);
}

static const void *xdp_stamp_elf(size_t *size)
{
	return xdp_stamp_bpf__elf_bytes(size);
}

const struct bpf_source bpf_sources[] = {
	{ "classify", classify_elf },
	{ "net_cls", net_cls_elf },
	{ "xdp_stamp", xdp_stamp_elf },
	{ NULL, NULL }
};

const struct bpf_source *bpf_source_find(const char *name)
{
	const struct bpf_source *s;

	for (s = bpf_sources; s->name; s++)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}
