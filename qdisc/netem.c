// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * netem: delay, loss and other trouble, for tests (net/sched/sch_netem.c, 6.12).
 *
 * A change leaves alone what it does not mention, so everything is mentioned. Options are a struct
 * with attributes behind it.
 */
#include "qdisc/netem.h"

#include <errno.h>
#include <string.h>

#include "lib/units.h"
#include "qdisc/netem_dist.h"

static const char *const distributions[] = { "uniform", "normal", "pareto", "paretonormal", NULL };
static const char *const slot_distributions[] = {
	"uniform", "normal", "pareto", "paretonormal", "unknown", NULL
};

#define OFF (OPT_HAS_DEF | OPT_DEF_OFF)
#define MORE (OFF | OPT_POS)
#define PROB(name, flags_, text) { name, NULL, OPT_PROB, WIRE_NONE, 0, flags_, .help = text }
#define TIME(name, flags_, max_, text) \
	{ name, NULL, OPT_TIME, WIRE_NONE, 0, flags_, .unit_ns = 1, .max = max_, .help = text }
#define CORRELATION(name) PROB(name, MORE, "how much each value depends on the one before")

static const struct opt rows[] = {
	[NETEM_LIMIT] = { "limit", NULL, OPT_NUM, WIRE_NONE, 0, OPT_HAS_DEF, .min = 1,
	  .max = UINT32_MAX, .def = 1000, .help = "packets that may wait" },
	[NETEM_DELAY] = TIME("delay", OFF, INT64_MAX, "time that packets wait"),
	[NETEM_JITTER] = TIME("jitter", MORE, INT32_MAX, "how far the delay varies to either side"),
	[NETEM_DELAY_CORR] = CORRELATION("delay_correlation"),
	[NETEM_DISTRIBUTION] = { "distribution", NULL, OPT_ENUM, WIRE_NONE, 0,
	  OFF | OPT_WRITE_ONLY, .names = distributions,
	  .help = "how jitter is distributed; the kernel does not tell it" },
	[NETEM_LOSS] = PROB("loss random", OFF, "share of packets lost, each by itself"),
	[NETEM_LOSS_CORR] = CORRELATION("loss_correlation"),
	[NETEM_P13] = PROB("loss state", 0, "loss by four states: from good to burst of loss"),
	[NETEM_P31] = PROB("p31", OPT_POS, "and back; 100% less p13 where not said"),
	[NETEM_P32] = PROB("p32", OPT_POS, "from burst of loss to good within a burst"),
	[NETEM_P23] = PROB("p23", OPT_POS, "and back; 100% where not said"),
	[NETEM_P14] = PROB("p14", OPT_POS, "from good to a single loss"),
	[NETEM_P] = PROB("loss gemodel", 0,
	  "loss by two states: from good to bad (Gilbert-Elliott)"),
	[NETEM_R] = PROB("r", OPT_POS, "and back; 100% less p where not said"),
	[NETEM_1H] = PROB("1-h", OPT_POS, "loss in the bad state; 100% where not said"),
	[NETEM_1K] = PROB("1-k", OPT_POS, "loss in the good state"),
	[NETEM_ECN] = { "ecn", NULL, OPT_FLAG, WIRE_NONE, 0, OPT_HAS_DEF,
	  .help = "mark ECN packets instead of losing them" },
	[NETEM_CORRUPT] = PROB("corrupt", OFF, "share of packets with a bit turned over"),
	[NETEM_CORRUPT_CORR] = CORRELATION("corrupt_correlation"),
	[NETEM_DUPLICATE] = PROB("duplicate", OFF, "share of packets sent twice"),
	[NETEM_DUP_CORR] = CORRELATION("duplicate_correlation"),
	[NETEM_REORDER] = PROB("reorder", OFF,
	  "share of packets sent at once, past those that wait"),
	[NETEM_REORDER_CORR] = CORRELATION("reorder_correlation"),
	[NETEM_GAP] = { "gap", NULL, OPT_NUM, WIRE_NONE, 0, OFF, .max = UINT32_MAX,
	  .help = "reorder only every so-many-th packet" },
	[NETEM_RATE] = { "rate", NULL, OPT_RATE, WIRE_NONE, 0, OFF,
	  .help = "rate that packets are delayed to, in a row" },
	[NETEM_RATE_OVERHEAD] = { "packetoverhead", NULL, OPT_INT, WIRE_NONE, 0, MORE,
	  .min = (uint64_t)INT32_MIN, .max = INT32_MAX, .help = "bytes added to each packet" },
	[NETEM_RATE_CELL] = { "cellsize", NULL, OPT_NUM, WIRE_NONE, 0, MORE, .max = UINT32_MAX,
	  .help = "payload of the cells that packets are cut into" },
	[NETEM_RATE_CELL_OVERHEAD] = { "celloverhead", NULL, OPT_INT, WIRE_NONE, 0, MORE,
	  .min = (uint64_t)INT32_MIN, .max = INT32_MAX, .help = "bytes added to each cell" },
	[NETEM_SLOT] = TIME("slot", OFF, INT64_MAX,
	  "packets leave in bursts, so long apart at least"),
	[NETEM_SLOT_MAX] = TIME("max_delay", MORE, INT64_MAX,
	  "and at the most; the same where not said"),
	[NETEM_SLOT_DIST] = { "slot distribution", NULL, OPT_ENUM, WIRE_NONE, 0, OPT_WRITE_ONLY,
	  .names = slot_distributions,
	  .help = "bursts apart by a distribution, of delay and jitter" },
	[NETEM_SLOT_DELAY] = TIME("slot_delay", MORE, INT64_MAX, "mean of the distribution"),
	[NETEM_SLOT_JITTER] = TIME("slot_jitter", MORE, INT32_MAX, "its width"),
	[NETEM_SLOT_PACKETS] = { "packets", NULL, OPT_NUM, WIRE_NONE, 0, OFF, .max = INT32_MAX - 1,
	  .help = "packets that leave in one slot at the most" },
	[NETEM_SLOT_BYTES] = { "bytes", NULL, OPT_SIZE, WIRE_NONE, 0, OFF, .max = INT32_MAX - 1,
	  .help = "bytes that leave in one slot at the most" },
	[NETEM_SEED] = { "seed", NULL, OPT_NUM, WIRE_NONE, 0, 0,
	  .help = "seed of the random numbers, to have the same ones again (6.6 and later)" },
	[NETEM_MODEL] = { "loss_model", NULL, OPT_NUM, WIRE_NONE, 0, OPT_HAS_DEF | OPT_NO_MAN,
	  .max = MODEL_GEMODEL, .help = "which model of loss is on" },
};

static const struct opt_word words[] = {
	{ .word = "latency", .same = "delay", .help = "the same as delay" },
	{ .word = "loss", .same = "loss random", .help = "the same as loss random" },
	{ .word = "drop", .same = "loss random", .help = "the same as loss random" },
	{ .word = NULL },
};

#define BIT(row) (UINT64_C(1) << (row))

/* Rows that may be on only along with another one (any of a set), and what is wrong otherwise. */
static const struct {
	uint64_t rows, with;
	const char *text;
} needs[] = {
	{ BIT(NETEM_DELAY_CORR), BIT(NETEM_JITTER),
	  "'delay' takes a jitter before the correlation" },
	{ BIT(NETEM_DISTRIBUTION), BIT(NETEM_JITTER),
	  "'distribution' needs 'delay' with a jitter" },
	{ BIT(NETEM_REORDER), BIT(NETEM_DELAY),
	  "'reorder' needs 'delay': packets overtake those that wait" },
	{ BIT(NETEM_GAP), BIT(NETEM_REORDER), "'gap' goes with 'reorder' only" },
	{ BIT(NETEM_ECN), BIT(NETEM_LOSS) | BIT(NETEM_P13) | BIT(NETEM_P),
	  "'ecn' goes with 'loss' only" },
	{ BIT(NETEM_SLOT_DIST), BIT(NETEM_SLOT_JITTER),
	  "'slot distribution' takes a delay and a jitter" },
	{ BIT(NETEM_SLOT_PACKETS) | BIT(NETEM_SLOT_BYTES),
	  BIT(NETEM_SLOT) | BIT(NETEM_SLOT_MAX) | BIT(NETEM_SLOT_DIST),
	  "'packets' and 'bytes' go with a 'slot' above 0 only" },
};

static int complain(struct opt_error *error, const char *text)
{
	snprintf(error->text, sizeof(error->text), "%s", text);
	return -EINVAL;
}

/* Whether one of these rows was said, and not as what is off. */
static bool any_on(const struct opts *o, uint64_t which)
{
	unsigned int r;

	for (r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
		if (o->set & which & BIT(r) && (o->v[r].u || !(rows[r].flags & OPT_DEF_OFF)))
			return true;
	return false;
}

static int check(const struct opts *o, struct opt_error *error)
{
	unsigned int models = opts_has(o, NETEM_LOSS) + opts_has(o, NETEM_P13) + opts_has(o, NETEM_P);
	size_t i;

	for (i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (any_on(o, needs[i].rows) && !any_on(o, needs[i].with))
			return complain(error, needs[i].text);
	if (models > 1)
		return complain(error, "only one model of 'loss' at a time");
	if (opts_has(o, NETEM_SLOT) && opts_has(o, NETEM_SLOT_DIST))
		return complain(error, "'slot' and 'slot distribution' exclude each other");
	if (opts_get(o, NETEM_SLOT_DIST, 0) == DIST_UNKNOWN)
		return complain(error, "'slot distribution unknown' is for reading only");
	if (opts_has(o, NETEM_SLOT_DIST) && !opts_get(o, NETEM_SLOT_JITTER, 0))
		return complain(error, "'slot distribution' needs a jitter above 0");
	if (opts_has(o, NETEM_SLOT_MAX) && o->v[NETEM_SLOT_MAX].u < opts_get(o, NETEM_SLOT, 0))
		return complain(error, "'slot' has its most before its least");
	return 0;
}

static void fill(struct opts *o, unsigned int row, uint64_t value)
{
	if (o->set & BIT(row))
		return;
	o->v[row].u = value;
	o->filled |= BIT(row);
}

/* What is to be taken for further arguments that were not said. */
static void canon(struct opts *o)
{
	fill(o, NETEM_MODEL, opts_has(o, NETEM_P13) ? MODEL_STATE :
	     opts_has(o, NETEM_P) ? MODEL_GEMODEL : MODEL_RANDOM);
	if (opts_has(o, NETEM_P13)) {
		fill(o, NETEM_P31, UNITS_SHARE_ONE - o->v[NETEM_P13].u);
		fill(o, NETEM_P32, 0);
		fill(o, NETEM_P23, UNITS_SHARE_ONE);
		fill(o, NETEM_P14, 0);
	}
	if (opts_has(o, NETEM_P)) {
		fill(o, NETEM_R, UNITS_SHARE_ONE - o->v[NETEM_P].u);
		fill(o, NETEM_1H, UNITS_SHARE_ONE);
		fill(o, NETEM_1K, 0);
	}
	if (opts_has(o, NETEM_SLOT))
		fill(o, NETEM_SLOT_MAX, o->v[NETEM_SLOT].u);
	if (opts_get(o, NETEM_REORDER, 0) && !(o->set & BIT(NETEM_GAP) && o->v[NETEM_GAP].u)) {
		o->set &= ~BIT(NETEM_GAP);
		fill(o, NETEM_GAP, 1);
	}
}

const struct kind qdisc_netem = {
	.type = KIND_QDISC, .name = "netem", .module = "sch_netem", .flags = KIND_LEAF,
	.help = "delay, loss and other trouble, for tests", ROWS(rows), .words = words,
	.check = check, .canon = canon, .emit = netem_emit, .read = netem_read, .stats = netem_stats,
};
