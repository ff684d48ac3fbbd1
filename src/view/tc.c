// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/tc.h"

#include <inttypes.h>
#include <string.h>

#include "qdisc/htb.h"
#include "view/tc_filter.h"

/* ---- qdiscs ---- */

static void print_parent(FILE *f, uint32_t parent)
{
	if (parent == HANDLE_ROOT)
		fputs(" root", f);
	else if (HANDLE_MINOR(parent))
		fprintf(f, " parent %x:%x", HANDLE_MAJOR(parent), HANDLE_MINOR(parent));
	else
		fprintf(f, " parent %x:", HANDLE_MAJOR(parent));
}

static void print_qdisc(FILE *f, const struct tree_link *link, const struct obj *q)
{
	if (!q->kind || !q->opts) {
		tc_unknown(f, "qdisc", q, link);
		return;
	}
	fputs("tc qdisc add dev ", f);
	tc_word(f, link->name);
	if (q->parent != HANDLE_CLSACT) {
		print_parent(f, q->parent);
		fprintf(f, " handle %x:", HANDLE_MAJOR(q->handle));
	}
	fprintf(f, " %s", q->kind_name);
	opts_print_exact(f, q->kind, q->opts);
	fputc('\n', f);
}

/* ---- classes ---- */

/* What tc assumes by itself is left out. */
static void print_class_options(FILE *f, const struct opts *o)
{
	uint64_t rate_bit = opts_get(o, HTB_RATE, 0);

	fprintf(f, " rate %" PRIu64 "bit ceil %" PRIu64 "bit", rate_bit,
		opts_get(o, HTB_CEIL, rate_bit));
	fprintf(f, " burst %" PRIu64 "b cburst %" PRIu64 "b", opts_get(o, HTB_BURST, 0),
		opts_get(o, HTB_CBURST, 0));
	if (opts_has(o, HTB_PRIO))
		fprintf(f, " prio %" PRIu64, opts_get(o, HTB_PRIO, 0));
	fprintf(f, " quantum %" PRIu64, opts_get(o, HTB_QUANTUM, htb_quiet_quantum(rate_bit)));
	if (opts_get(o, HTB_OVERHEAD, 0))
		fprintf(f, " overhead %" PRIu64, opts_get(o, HTB_OVERHEAD, 0));
	if (opts_get(o, HTB_MPU, 0))
		fprintf(f, " mpu %" PRIu64, opts_get(o, HTB_MPU, 0));
	if (opts_get(o, HTB_LINKLAYER, TC_LL_ETHERNET) == TC_LL_ATM)
		fputs(" linklayer atm", f);
}

static void print_class(FILE *f, const struct tree_link *link, const struct obj *c)
{
	if (!c->kind || !c->opts) {
		tc_unknown(f, "class", c, link);
		return;
	}
	fputs("tc class add dev ", f);
	tc_word(f, link->name);
	print_parent(f, c->parent);
	fprintf(f, " classid %x:%x %s", HANDLE_MAJOR(c->handle), HANDLE_MINOR(c->handle),
		c->kind_name);
	print_class_options(f, c->opts);
	if (c->name && *c->name)
		fprintf(f, "  # %s", c->name);
	fputc('\n', f);
}

/* ---- links ---- */

static void print_ifb(FILE *f, const struct tree_link *link)
{
	fputs("ip link add ", f);
	tc_word(f, link->name);
	fprintf(f, " group %d type ifb\nip link set dev ", WEIR_GROUP);
	tc_word(f, link->name);
	fputs(" alias ", f);
	tc_word(f, link->alias);
	fputs(" up\n", f);
}

static bool is_below_root(const struct obj *qdisc)
{
	return qdisc->parent != HANDLE_ROOT && qdisc->parent != HANDLE_CLSACT;
}

/* The root, its classes, their queues, and what leads packets to them. */
static void print_tree(FILE *f, const struct tree_link *link)
{
	const struct obj *root = tree_qdisc_at(link, HANDLE_ROOT), *obj;

	if (!root)
		return;
	print_qdisc(f, link, root);
	for (obj = link->objs[OBJ_CLASS]; obj; obj = obj->next)
		print_class(f, link, obj);
	for (obj = link->objs[OBJ_QDISC]; obj; obj = obj->next)
		if (is_below_root(obj))
			print_qdisc(f, link, obj);
	tc_filters(f, link, root->handle);
}

static void print_hooks(FILE *f, const struct tree_link *link)
{
	const struct obj *clsact = tree_qdisc_at(link, HANDLE_CLSACT);

	if (!clsact)
		return;
	print_qdisc(f, link, clsact);
	tc_filters(f, link, HANDLE_EGRESS);
	tc_filters(f, link, HANDLE_INGRESS);
}

/* tc knows nothing of cgroups: their classids are files. */
static void print_cgroups(FILE *f, const struct tree *wanted)
{
	const struct tree_cgroup *c = wanted->cgroups;
	unsigned int i;

	for (i = 0; i < wanted->n_cgroups; i++, c++) {
		if (i && !strcmp(c[-1].path, c->path))
			continue;
		fprintf(f, "echo 0x%08" PRIx32 " >", c->classid);
		tc_word(f, c->dir);
		fputs("/net_cls.classid\n", f);
	}
}

/* Trees first, then what hands packets to them: as weir itself goes about it. */
void view_tc(FILE *f, const struct tree *wanted)
{
	const struct tree_link *link;

	for (link = wanted->links; link; link = link->next) {
		fprintf(f, "# %s\n", link->name);
		if (link->ours)
			print_ifb(f, link);
		print_tree(f, link);
	}
	print_cgroups(f, wanted);
	for (link = wanted->links; link; link = link->next)
		print_hooks(f, link);
}
