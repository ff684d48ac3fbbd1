// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/xdp.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include <jansson.h>

#include "bpf/classify.h"
#include "kernel/bpf.h"
#include "kernel/xdp.h"
#include "lib/json.h"

struct status {
	const struct tree_link *link;
	const struct tree_xdp *xdp;	/* NULL: nothing is there */
	bool counted;			/* stamps[] holds */
	uint64_t stamps[XDP_STAMP_COUNTS];
	bool classifier;		/* there is one at ingress, and the rest holds */
	bool believes;			/* it looks for stamps */
	uint32_t generation;
	uint64_t stamped, missing, stale;
};

static int classifier_fd(const struct tree_link *link)
{
	const struct obj *f;

	for (f = link->objs[OBJ_FILTER]; f; f = f->next)
		if (f->parent == HANDLE_INGRESS && f->prog_fd && tree_in_hook_place(f) && tree_hook_is_weirs(f))
			return f->prog_fd;
	return -1;
}

static void read_classifier(int fd, struct status *s)
{
	enum { WORDS = sizeof(struct classify_counter) / sizeof(uint64_t) };	/* packets, bytes */
	uint64_t counts[CLASSIFY_COUNT_RULE * WORDS] = { 0 };
	struct classify_config config;
	int map;

	if (fd < 0 || xdp_constants(fd, &config, sizeof(config)))
		return;
	map = program_open_map(fd, "weir_counters");
	if (map < 0)
		return;
	s->classifier = !program_sums(map, CLASSIFY_COUNT_RULE, WORDS, counts);
	close(map);
	s->believes = config.use & CLASSIFY_STAMPS;
	s->generation = config.generation;
	s->stamped = counts[CLASSIFY_COUNT_STAMPED * WORDS];
	s->missing = counts[CLASSIFY_COUNT_MISSING * WORDS];
	s->stale = counts[CLASSIFY_COUNT_STALE * WORDS];
}

static bool is_current(const struct status *s)
{
	return s->xdp && s->xdp->ours && s->classifier && s->believes &&
	       s->generation == s->xdp->generation;
}

/* Decided, and none of it could be left with the packets. */
static bool is_roomless(const struct status *s)
{
	return s->counted && s->stamps[XDP_STAMP_ABORTED] && !s->stamps[XDP_STAMP_STAMPED];
}

/* ---- text ---- */

static void print_program(FILE *f, const struct status *s)
{
	const char *name = s->link->name;
	const struct tree_xdp *xdp = s->xdp;

	if (!xdp)
		fprintf(f, "%s: no program at XDP\n", name);
	else if (!xdp->known)
		fprintf(f, "%s: %s, program id %u; whose it is takes CAP_SYS_ADMIN to tell\n", name,
			xdp_mode_name(xdp->mode), xdp->prog_id);
	else if (!xdp->ours)
		fprintf(f, "%s: %s, program %s (id %u), not weir's\n", name, xdp_mode_name(xdp->mode), xdp->name,
			xdp->prog_id);
	else
		fprintf(f, "%s: %s, program %s (id %u), rules %08x: %s\n", name, xdp_mode_name(xdp->mode),
			xdp->name, xdp->prog_id, xdp->generation,
			is_current(s) ? "the classifier's" : "not the classifier's");
}

static void print_counts(FILE *f, const struct status *s)
{
	if (s->counted)
		fprintf(f, "  XDP     stamped %" PRIu64 "  undecided %" PRIu64 "  not IP %" PRIu64
			"  aborted %" PRIu64 "\n", s->stamps[XDP_STAMP_STAMPED], s->stamps[XDP_STAMP_PASSED],
			s->stamps[XDP_STAMP_NOT_IP], s->stamps[XDP_STAMP_ABORTED]);
	if (s->classifier && s->believes)
		fprintf(f, "  clsact  stamped %" PRIu64 "  missing %" PRIu64 "  stale %" PRIu64 "\n", s->stamped,
			s->missing, s->stale);
	if (is_roomless(s))
		fprintf(f, "  the driver of %s gives packets no room for stamps (XDP metadata): clsact classifies; "
			"'xdp generic' works with every driver\n", s->link->name);
}

/* ---- JSON ---- */

static json_t *stamps_json(const struct status *s)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "stamped", (json_int_t)s->stamps[XDP_STAMP_STAMPED],
			 "undecided", (json_int_t)s->stamps[XDP_STAMP_PASSED],
			 "not_ip", (json_int_t)s->stamps[XDP_STAMP_NOT_IP],
			 "aborted", (json_int_t)s->stamps[XDP_STAMP_ABORTED]);
}

static json_t *program_json(const struct status *s)
{
	const struct tree_xdp *xdp = s->xdp;
	json_t *j = json_pack("{s:s, s:i, s:s, s:b}", "mode", xdp_mode_name(xdp->mode), "id",
			      (int)xdp->prog_id, "name", xdp->name, "ours", xdp->ours);

	if (j && xdp->ours)
		json_object_set_new(j, "current", json_boolean(is_current(s)));
	if (j && s->counted)
		json_object_set_new(j, "packets", stamps_json(s));
	return j;
}

static int print_json(struct ctx *ctx, FILE *f, const struct status *s)
{
	json_t *j = json_pack("{s:s, s:o}", "link", s->link->name, "program",
			      s->xdp ? program_json(s) : json_null());

	if (j && s->classifier && s->believes)
		json_object_set_new(j, "clsact",
				    json_pack("{s:I, s:I, s:I}", "stamped", (json_int_t)s->stamped,
					      "missing", (json_int_t)s->missing, "stale", (json_int_t)s->stale));
	return json_print(ctx, f, j);
}

int view_xdp(struct ctx *ctx, FILE *f, const struct tree_link *link, bool json)
{
	struct status s = { .link = link, .xdp = link->xdp };

	s.counted = s.xdp && s.xdp->ours && !xdp_counts(s.xdp->prog_fd, s.stamps);
	read_classifier(classifier_fd(link), &s);
	if (json)
		return print_json(ctx, f, &s);
	print_program(f, &s);
	print_counts(f, &s);
	return 0;
}
