// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/hand_limits.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "host/cgroup.h"
#include "lib/near.h"
#include "lib/text.h"
#include "lib/units.h"

enum { SUBJECTS = 3 };

int usage_error(const char *command, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	fprintf(stderr, "weir: %s: ", command);
	text_put(stderr, text ? text : "out of memory");
	fputc('\n', stderr);
	free(text);
	return EXIT_USAGE;
}

/* ---- whom ---- */

static int read_subject(const char *command, const struct args *args, struct hand_target *target)
{
	const char *word = args->n_words ? args->words[0] : NULL, *near;
	unsigned int i;

	if (!word)
		return usage_error(command, "needs 'pid', 'cgroup' or 'user' and a name");
	for (i = 0; i < SUBJECTS; i++) {
		if (strcmp(word, limit_subjects[i]))
			continue;
		target->subject = (enum limit_subject)i;
		target->names = args->words + 1;
		target->n = args->n_words - 1;
		return 0;
	}
	near = near_word(word, limit_subjects, SUBJECTS);
	if (near)
		return usage_error(command, "unknown word '%s'; did you mean '%s'?", word, near);
	return usage_error(command, "unknown word '%s'; it is 'pid', 'cgroup' or 'user'", word);
}

static int read_pids(struct ctx *ctx, const char *command, struct hand_target *target)
{
	unsigned int i;
	uint64_t pid;

	target->pids = calloc(target->n, sizeof(*target->pids));
	if (!target->pids)
		return oom(ctx);
	for (i = 0; i < target->n; i++) {
		if (strspn(target->names[i], "0123456789") != strlen(target->names[i]) ||
		    units_parse_number(target->names[i], &pid) || !pid || pid >> LIMIT_PID_BITS)
			return usage_error(command, "'%s' is not the number of a process", target->names[i]);
		target->pids[i] = (unsigned int)pid;
	}
	return 0;
}

static bool leaves_the_tree(const char *path)
{
	size_t n;

	for (; *path; path += n) {
		path += strspn(path, "/");
		n = strcspn(path, "/");
		if ((n == 1 && path[0] == '.') || (n == 2 && path[0] == '.' && path[1] == '.'))
			return true;
	}
	return false;
}

/* The path in the hierarchy that is mounted at dir, of one that begins there; others as they are. */
static char *below(const char *dir, char *path)
{
	size_t len = strlen(dir);

	return len && !strncmp(path, dir, len) && path[len] == '/' ? path + len : path;
}

/* A path from the root of the hierarchy, or where that is mounted. */
static int read_cgroup(struct ctx *ctx, const char *command, struct hand_target *target)
{
	struct cgroups cgroups;
	int err;

	if (leaves_the_tree(target->names[0]))
		return usage_error(command, "'%s' is not the path of a cgroup", target->names[0]);
	err = cgroups_find(ctx, &cgroups);
	if (err)
		return err;
	target->names[0] = below(cgroups.v2, target->names[0]);
	if (below(cgroups.net_cls, target->names[0]) != target->names[0])
		target->subject = LIMIT_NET_CLS;
	target->names[0] = below(cgroups.net_cls, target->names[0]);
	return 0;
}

int hand_target_read(struct ctx *ctx, const char *command, const struct args *args,
		     struct hand_target *target)
{
	int status;

	memset(target, 0, sizeof(*target));
	status = read_subject(command, args, target);
	if (status)
		return status;
	if (!target->n || !target->names[0][0])
		return usage_error(command, "'%s' needs a name", limit_subjects[target->subject]);
	if (target->subject == LIMIT_PID)
		return read_pids(ctx, command, target);
	if (target->n > 1)
		return usage_error(command, "takes one %s, and '%s' is a second",
				   limit_subjects[target->subject], target->names[1]);
	return target->subject == LIMIT_CGROUP ? read_cgroup(ctx, command, target) : 0;
}

/* ---- how much ---- */

static struct limit_wish_side side_of(const struct limit_rate *rate, const struct limit_args *args)
{
	bool block = rate->block || args->block;

	return (struct limit_wish_side){
		.set = block || rate->rate_bit, .block = block, .rate_bit = rate->rate_bit,
		.burst_ns = rate->rate_bit ? args->burst_ns : 0,
	};
}

int hand_wish_read(const char *command, const struct args *args, struct limit_wish *wish)
{
	const struct limit_args *l = &args->limit;

	if (l->block && (l->upload.rate_bit || l->download.rate_bit))
		return usage_error(command, "--block lets nothing pass, so there is no rate beside it; for "
				   "one direction say '--upload block' or '--download block'");
	wish->side[LIMIT_EGRESS] = side_of(&l->upload, l);
	wish->side[LIMIT_INGRESS] = side_of(&l->download, l);
	wish->only = l->only;
	wish->no_children = l->no_children;
	if (!wish->side[LIMIT_EGRESS].set && !wish->side[LIMIT_INGRESS].set)
		return usage_error(command, "needs --download RATE, --upload RATE or --block");
	if (l->burst_ns && !l->upload.rate_bit && !l->download.rate_bit)
		return usage_error(command, "--burst belongs to a rate");
	return 0;
}

/* ---- doing it ---- */

/* What is not wished stays: its rate and its backend. */
static void keep_others(struct limit_op *op)
{
	int way;

	for (way = 0; way < LIMIT_WAYS; way++) {
		if (op->after.wish.side[way].set)
			continue;
		op->after.wish.side[way] = op->before.wish.side[way];
		op->after.backend[way] = op->before.backend[way];
	}
}

/* What stays has to do as well what is wished for both directions, by its backend or by another one. */
static int choose_others(struct ctx *ctx, const struct limit_wish *wish, struct limit_op *op)
{
	const struct backend_ask ask = {
		.subject = op->after.wish.subject, .wish = &op->after.wish, .n_limits = 1,
	};
	const struct backend *kept;
	char why[BACKEND_WHY];
	int err = 0, way;

	for (way = 0; way < LIMIT_WAYS && !err; way++) {
		kept = wish->side[way].set ? NULL : op->after.backend[way];
		if (kept && kept->suits && !kept->suits(ctx, &ask, true, 1u << way, why))
			err = backend_choose(ctx, NULL, &ask, 1u << way, &op->after.backend[way]);
	}
	return err;
}

/* For processes it is done even where it seems to be there: there may be others to be put under it. */
static int carry_out(struct ctx *ctx, const struct limit_wish *wish, const struct limit_op *op)
{
	unsigned int ways;
	int err = limit_carry_out(ctx, op), way;

	if (err || !wish->n_also || op->verb == LIMIT_ADD)
		return err;
	for (way = 0; way < LIMIT_WAYS && !err; way++) {
		ways = 1u << way;
		if (wish->side[way].set)
			err = op->after.backend[way]->set(ctx, &op->after.wish, 1, ways);
	}
	return err;
}

int hand_limit_set(struct ctx *ctx, const struct limit_wish *wish, const char *backend,
		   struct limit_ops *ops, struct limit_op *op)
{
	struct limit_choices choices = { .n_limits = 1 };
	const struct limit_report *there;
	int err, level;

	memset(ops, 0, sizeof(*ops));
	*op = (struct limit_op){ .after = { .wish = *wish } };
	err = limit_check(ctx, wish);
	if (!err)
		err = limit_resolve(ctx, wish->subject, wish->name, &op->key, &level);
	if (!err && op->key.kind == LIMIT_KIND_NET_CLS)
		op->after.wish.subject = LIMIT_NET_CLS;
	if (!err)
		err = limit_may(ctx);
	if (!err)
		err = limit_choose(ctx, &choices, backend, &op->after);
	if (!err)
		err = limits_read(ctx, &ops->present);
	if (err)
		return err;
	there = limit_list_find(&ops->present, op->key);
	op->before = limit_setting_there(there);
	op->verb = there ? LIMIT_CHANGE : LIMIT_ADD;
	keep_others(op);
	if (!backend)
		err = choose_others(ctx, wish, op);
	return err ? err : carry_out(ctx, wish, op);
}

int hand_limit_remove(struct ctx *ctx, struct limit_key key)
{
	const struct backend *const *b;
	int err, result = -ENOENT;

	for (b = backends; *b; b++) {
		err = (*b)->remove(ctx, &key, LIMIT_WAY_EGRESS | LIMIT_WAY_INGRESS);
		if (!err && result == -ENOENT)
			result = 0;
		else if (err && err != -ENOENT)
			result = err;
	}
	return result;
}
