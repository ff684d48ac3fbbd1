/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opt.h - option rows: the only source of what an option is called, means and looks like.
 *
 * A kind (qdisc/kind.h) has a const array of rows. Parsing tc's words, printing them, JSON,
 * defaults, netlink attributes and the man page all come from these rows. The values of one object
 * are a `struct opts`, indexed as the rows are.
 *
 * A stored value is canonical: it is what reading the kernel back gives for it, so that wanted and
 * present values compare with ==. Parsing and reading make values canonical; emitting one and
 * reading it back returns it unchanged.
 */
#ifndef WEIR_QDISC_OPT_H
#define WEIR_QDISC_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "lib/arena.h"

struct kind;
struct nl_msg;
struct nlattr;

/* The value is .u unless the type says otherwise. */
enum opt_type {
	OPT_NUM,		/* a number; also packets */
	OPT_RATE,		/* bits per second, a multiple of 8; bytes per second on the wire */
	OPT_SIZE,		/* bytes */
	OPT_TIME,		/* nanoseconds; unit_ns on the wire */
	OPT_CODEL_TIME,		/* as OPT_TIME, in us on the wire, kept by the kernel in 1024 ns */
	OPT_TICK_TIME,		/* the same, kept in ticks of 64 ns */
	OPT_JIFFY_TIME,		/* the same, kept in ticks of the kernel's timer (CONFIG_HZ) */
	OPT_PROB,		/* a share, UNITS_SHARE_ONE = 100 %; 2^32-1 on the wire */
	OPT_FRACTION,		/* a share written "0.02", OPT_FRACTION_ONE = 1; 2^32 on the wire */
	OPT_FLAG,		/* the word sets 1, the off word 0 */
	OPT_ENUM,		/* a word of names[]; its index */
	OPT_INT,		/* a number with a sign: .u is an int64_t, min and max too */
	OPT_HEX,		/* a number written in hexadecimal */
	OPT_MASKED,		/* "0x1/0xff", (mask << 32 | value); max is that of each part */
	OPT_CLASSID,		/* major:minor */
	OPT_DEV,		/* .name, an interface; an ifindex on the wire */
	OPT_IP4, OPT_IP6,	/* .b, network order */
	OPT_MAC,		/* .b, 6 bytes */
	OPT_BYTES,		/* .b, n small decimal numbers, n = max */
	OPT_WORDS,		/* .w, n signed numbers, n = max (up to 4) */
};

enum opt_wire { WIRE_NONE, WIRE_U8, WIRE_U16, WIRE_U32, WIRE_U64, WIRE_BE16, WIRE_BE32, WIRE_BLOB,
		WIRE_FLAG };

enum opt_flags {
	OPT_HAS_DEF   = 1 << 0,	/* .def is the kernel's default; plan fills it in, explicitly */
	OPT_DEF_FRAMES = 1 << 1, /* .def counts frames of the device (MTU + link header) */
	OPT_INIT      = 1 << 2,	/* set at creation only: another value means a new qdisc */
	OPT_POS       = 1 << 3,	/* has no word: an optional further argument of the row before */
	OPT_WRITE_ONLY = 1 << 4, /* the kernel never tells: not compared */
	OPT_REQUIRED  = 1 << 5,
	OPT_NO_MAN    = 1 << 6,	/* not part of the language: internal to weir */
	OPT_BARE      = 1 << 7,	/* OPT_ENUM whose names are words of their own: `cake besteffort` */
	OPT_DEF_OFF   = 1 << 8,	/* .def means that there is no such thing: not printed */
	OPT_PLAIN     = 1 << 9,	/* OPT_SIZE printed as a number: tc reads no unit there */
};

#define OPT_FRACTION_ONE UINT64_C(1000000000)

/* The CoDel time that the kernel keeps as CODEL_DISABLED_THRESHOLD, 2^31 - 1 units of 1024 ns
 * (include/net/codel.h, 6.12): sending it switches a threshold off again. */
#define OPT_CODEL_OFF_NS UINT64_C(2199023255000)

union optval {
	uint64_t u;
	uint8_t b[16];
	int32_t w[4];
	char name[16];
};

struct opt {
	const char *word;	/* tc's word, or two ("loss random"); for OPT_POS and OPT_BARE the
				 * name in help and JSON */
	const char *off;	/* the word that says 0 without an argument, or NULL */
	enum opt_type type;
	enum opt_wire wire;	/* the attribute's width, 0: the kind's own emit and read carry it */
	uint16_t attr;		/* netlink attribute inside the options, when wire is not 0 */
	uint16_t flags;		/* enum opt_flags */
	uint32_t unit_ns;	/* OPT_TIME: what one on the wire is worth; 0 = 1000 (us) */
	uint64_t min, max;	/* in the unit of the value; max 0 = what the wire can carry */
	uint64_t def;
	const char *const *names;	/* OPT_ENUM: NULL-terminated */
	const char *help;	/* one line, for help and man page */
	const union optval *defv;	/* the default in the place of .def: OPT_BYTES, OPT_WORDS */
};

/* A further word: another name of a row (same), or one that stands for values of rows. */
struct opt_word {
	const char *word;	/* NULL ends the list */
	const char *same;	/* the word of the row that takes the arguments, or NULL */
	struct opt_set {
		bool set, add;	/* add: to the value that such words gave before */
		uint8_t row;
		uint64_t value;
	} sets[3];
	const char *help;
};

enum { OPT_MAX = 64 };		/* rows of a kind at the most: presence is a 64-bit set */

struct opts {
	uint64_t set;		/* bit i: row i was said (by the user, or by the kernel) */
	uint64_t filled;	/* bit i: row i was filled with its default; not in set */
	union optval v[];	/* n_opts of the kind */
};

/* What the wire needs to know beyond the values. */
struct wire {
	bool change;		/* for a qdisc that exists: rows marked OPT_INIT are left out */
	int (*index_of)(void *arg, const char *dev);	/* 0: no such interface */
	const char *(*name_of)(void *arg, int ifindex);	/* NULL: none; else valid while arg is */
	void *arg;
};

struct opt_error {
	int word;		/* index of the offending word, or argc when one is missing */
	char text[200];		/* says what is wrong, without the word's place */
	const char *near;	/* a similar word, or NULL */
};

/* All rows unset; NULL when there is no memory. */
struct opts *opts_new(struct arena *a, const struct kind *kind);
struct opts *opts_dup(struct arena *a, const struct kind *kind, const struct opts *src);

static inline bool opts_has(const struct opts *o, unsigned int row)
{
	return (o->set | o->filled) >> row & 1;
}

static inline void opts_put(struct opts *o, unsigned int row, uint64_t value)
{
	o->v[row].u = value;
	o->set |= UINT64_C(1) << row;
	o->filled &= ~(UINT64_C(1) << row);
}

/* The value, or otherwise when the row is unset. */
static inline uint64_t opts_get(const struct opts *o, unsigned int row, uint64_t otherwise)
{
	return opts_has(o, row) ? o->v[row].u : otherwise;
}

/* Index of the row with this word, or -1. */
int opts_row(const struct kind *kind, const char *word);

/* Reads words as tc has them into canonical values; an option said twice is an error.
 * Returns 0, or -EINVAL / -ERANGE with *error filled in. */
int opts_parse(const struct kind *kind, int argc, const char *const *argv, struct opts *o,
	       struct opt_error *error);

/* Fills unset rows that have a default. frame_bytes is MTU plus link header, for OPT_DEF_FRAMES. */
void opts_fill(const struct kind *kind, struct opts *o, uint32_t frame_bytes);

/* tc's words for the rows that were set (filled ones only when all is true), a blank before each.
 * Trailing OPT_POS values that are defaults are left out. */
void opts_print(FILE *f, const struct kind *kind, const struct opts *o, bool all);

/* The same of the rows that were set, as tc(8) itself reads it back without a loss: rates in bit,
 * sizes in bytes without a unit (some of tc's options take none), times in us or ns, no fractions. */
void opts_print_exact(FILE *f, const struct kind *kind, const struct opts *o);

/* The text of one value as tc's word has it, e.g. "5ms"; for OPT_FLAG "on" or "off". */
char *opts_text(const struct opt *row, const union optval *v, char *buf, size_t size);

/* A new JSON object: word -> number, string or boolean. NULL when there is no memory. */
json_t *opts_json(const struct kind *kind, const struct opts *o);

/* Whether present holds what wanted asks for: rows set in wanted must be equal, filled rows must
 * be equal where the kernel reports them, others are not looked at; nor are rows that the kernel
 * moves by itself (kind->live). */
bool opts_hold(const struct kind *kind, const struct opts *wanted, const struct opts *present);

/* Whether going from present to wanted needs a new object (an OPT_INIT row differs). */
bool opts_need_new(const struct kind *kind, const struct opts *wanted, const struct opts *present);

/* The attributes of all rows that have a wire; 0 or -EMSGSIZE. */
int opts_put_rows(struct nl_msg *msg, const struct kind *kind, const struct opts *o,
		  const struct wire *wire);

/* Reads such attributes from a nest's payload; unknown ones, and words of an OPT_ENUM that weir does
 * not know, are passed over. 0 or -EINVAL. */
int opts_read_rows(const void *payload, int len, const struct kind *kind, struct opts *o,
		   const struct wire *wire);

/* Shares on the wire: OPT_PROB is of 2^32 - 1, OPT_FRACTION of 2^32. Every value comes back. */
uint32_t opt_prob_to_wire(uint64_t share);
uint64_t opt_prob_from_wire(uint32_t prob);
uint32_t opt_fraction_to_wire(uint64_t fraction);
uint64_t opt_fraction_from_wire(uint32_t n);

/* Canonical times: what reading the kernel back gives for a time that it keeps in units of 1024 ns
 * (CODEL_SHIFT 10, include/net/codel.h, 6.12), in ticks of 64 ns (PSCHED_SHIFT 6,
 * include/net/pkt_sched.h), or in ticks of its timer (usecs_to_jiffies() rounds up). The first two
 * are the smallest multiple of 1 us that the kernel keeps in the same way. */
uint64_t opt_codel_canon(uint64_t ns);
uint64_t opt_tick_canon(uint64_t ns);
uint64_t opt_jiffy_canon(uint64_t ns);

#endif
