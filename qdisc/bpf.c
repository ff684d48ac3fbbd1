// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bpf: a filter that is a program (net/sched/cls_bpf.c, 6.1 to 6.18). Only programs of weir's are
 * understood; all others are somebody else's, and stay whole.
 *
 * A change in place puts one program where another was in one list operation (cls_bpf_change(),
 * list_replace_rcu()): every packet runs one of the two.
 */
#include "qdisc/filter.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/pkt_cls.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "qdisc/kind.h"

#define MARK "weir_"

enum { NAME_BYTES = 64, HASH_DIGITS = 16 };

static const char *const sources[] = { "classify", "net_cls", NULL };

static const struct opt rows[] = {
	[BPF_PROGRAM] = { "program", NULL, OPT_ENUM, WIRE_NONE, 0, 0, .names = sources,
	  .help = "which of weir's programs" },
	[BPF_HASH] = { "hash", NULL, OPT_HEX, WIRE_NONE, 0, 0, .max = UINT64_MAX,
	  .help = "of its code and of all that it holds" },
	[BPF_DIRECT] = { "direct-action", NULL, OPT_FLAG, WIRE_NONE, 0, 0,
	  .help = "its result is the verdict" },
};

int bpf_set_name(struct opts *o, const char *name)
{
	const char *colon = strchr(name, ':');
	size_t mark = strlen(MARK), i;
	char *end;

	if (!colon || strncmp(name, MARK, mark) || strspn(colon + 1, "0123456789abcdef") != HASH_DIGITS)
		return -EINVAL;
	for (i = 0; sources[i]; i++)
		if (strlen(sources[i]) == (size_t)(colon - name) - mark &&
		    !strncmp(name + mark, sources[i], strlen(sources[i])))
			break;
	if (!sources[i])
		return -EINVAL;
	opts_put(o, BPF_HASH, strtoull(colon + 1, &end, 16));
	if (*end)
		return -EINVAL;
	opts_put(o, BPF_PROGRAM, i);
	return 0;
}

static int emit_bpf(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
		    const struct wire *wire)
{
	struct nlattr *nest = nla_nest_start(msg, attr);
	char name[NAME_BYTES];

	(void)kind, (void)wire;
	snprintf(name, sizeof(name), MARK "%s:%016" PRIx64, sources[opts_get(o, BPF_PROGRAM, 0)],
		 opts_get(o, BPF_HASH, 0));
	if (!nest || nla_put_string(msg, TCA_BPF_NAME, name) ||
	    nla_put_u32(msg, TCA_BPF_FLAGS,
			opts_get(o, BPF_DIRECT, 0) ? TCA_BPF_FLAG_ACT_DIRECT : 0))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int read_bpf(const struct nlattr *attr, const struct kind *kind, struct opts *o,
		    const struct wire *wire)
{
	static const uint16_t passed_over[] = {
		TCA_BPF_FD, TCA_BPF_NAME, TCA_BPF_FLAGS, TCA_BPF_FLAGS_GEN, TCA_BPF_TAG, TCA_BPF_ID, 0
	};
	const struct nlattr *name = nla_find(nla_data(attr), nla_len(attr), TCA_BPF_NAME);
	const struct nlattr *flags = nla_find(nla_data(attr), nla_len(attr), TCA_BPF_FLAGS);
	char text[NAME_BYTES] = "";

	(void)wire;
	if (!name || filter_known_attrs(attr, kind, passed_over) ||
	    filter_plain_flags(attr, TCA_BPF_FLAGS_GEN) || nla_len(name) > NAME_BYTES)
		return -EINVAL;
	nla_strlcpy(text, name, sizeof(text));
	if (bpf_set_name(o, text))
		return -EINVAL;
	opts_put(o, BPF_DIRECT, flags && nla_len(flags) >= 4 &&
				nla_get_u32(flags) & TCA_BPF_FLAG_ACT_DIRECT);
	return 0;
}

const struct kind filter_bpf = {
	.type = KIND_FILTER, .name = "bpf", .module = "cls_bpf",
	.help = "a program of weir's", ROWS(rows), .actions_attr = TCA_BPF_ACT,
	.emit = emit_bpf, .read = read_bpf,
};
