// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/xdp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bpf/xdp_stamp.h"
#include "kernel/bpf.h"
#include "kernel/program.h"

enum { ARPHRD_ETHER = 1 };	/* include/uapi/linux/if_arp.h */

static const char source[] = "xdp_stamp";

/* The link works without, which is right where the file leaves it open. */
static int cannot(struct ctx *ctx, enum xdp_choice choice, int err, const char *link, const char *why)
{
	if (choice != XDP_AUTO)
		return fail(ctx, err, "%s: xdp: %s", link, why);
	warn(ctx, "%s: xdp: %s; nothing is stamped there, clsact classifies", link, why);
	return 0;
}

int xdp_choose(struct ctx *ctx, const struct link *policy, const struct tree_link *present,
	       enum xdp_choice *choice)
{
	const struct tree_xdp *there = present->xdp;
	char why[80];

	*choice = XDP_OFF;
	if (policy->xdp == XDP_OFF)
		return 0;
	if (present->arphrd != ARPHRD_ETHER)
		return cannot(ctx, policy->xdp, EOPNOTSUPP, policy->name,
			      "its packets have no Ethernet header");
	if (there && there->known && !there->ours) {
		snprintf(why, sizeof(why), "the program %s (id %u) there is not weir's", there->name,
			 there->prog_id);
		return cannot(ctx, policy->xdp, EEXIST, policy->name, why);
	}
	*choice = policy->xdp;
	return 0;
}

static const struct program *classifier_of(const struct tree_link *link)
{
	const struct obj *f;

	for (f = link->objs[OBJ_FILTER]; f; f = f->next)
		if (f->parent == HANDLE_INGRESS && f->program && tree_in_hook_place(f))
			return f->program;
	return NULL;
}

/* Of the classifier's maps those that addresses lead to, and what comes of them. */
static void share_maps(const struct program *classifier, struct program *program)
{
	static const char *const names[] = {
		"weir_from4", "weir_from6", "weir_to4", "weir_to6", "weir_markings",
	};
	unsigned int i, m;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (m = 0; m < classifier->n_maps; m++)
			if (!strcmp(classifier->maps[m].name, names[i]))
				program->maps[program->n_maps++] = (struct program_map){
					.name = names[i], .shared = true,
				};
	program->maps[program->n_maps++] = (struct program_map){ .name = "xdp_stamp_counts" };
}

int xdp_program(struct ctx *ctx, struct arena *a, const struct program *classifier, struct tree_xdp *xdp)
{
	struct xdp_stamp_config *config = arena_alloc(a, sizeof(*config));
	struct program *program = arena_alloc(a, sizeof(*program));

	if (!config || !program)
		return oom(ctx);
	if (classifier->constants_bytes != sizeof(config->rules))
		return fail(ctx, EINVAL, "the classifier's constants are not what they are taken for");
	config->mark = XDP_STAMP_MARK;
	config->source = program_source_hash(source);
	memcpy(&config->rules, classifier->constants, sizeof(config->rules));
	program->source = source;
	program->constants = config;
	program->constants_bytes = sizeof(*config);
	share_maps(classifier, program);
	xdp->program = program;
	xdp->generation = config->rules.generation;
	xdp->source = config->source;
	return 0;
}

int xdp_compile(struct ctx *ctx, enum xdp_choice choice, struct tree *tree, struct tree_link *link)
{
	static const enum tree_xdp_mode modes[] = {
		[XDP_AUTO] = TREE_XDP_AUTO, [XDP_NATIVE] = TREE_XDP_NATIVE,
		[XDP_GENERIC] = TREE_XDP_GENERIC,
	};
	const struct program *classifier = classifier_of(link);
	struct tree_xdp *xdp;
	int err;

	if (choice == XDP_OFF)
		return 0;
	if (!classifier)
		return cannot(ctx, choice, EOPNOTSUPP, link->name,
			      "what classifies its ingress is not the BPF classifier");
	xdp = arena_alloc(&tree->arena, sizeof(*xdp));
	if (!xdp)
		return oom(ctx);
	xdp->mode = modes[choice];
	xdp->ours = true;
	err = xdp_program(ctx, &tree->arena, classifier, xdp);
	if (!err)
		link->xdp = xdp;
	return err;
}
