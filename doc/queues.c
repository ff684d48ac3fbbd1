// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes weir-queue.5 from the option rows, so that the page cannot say anything else than they do.
 * `make doc/weir-queue.5` in a build tree; the result is committed, and the check compares it. */
#include <stdio.h>

#include "qdisc/kind.h"

static const char *const placeholders[] = {
	[OPT_NUM] = "NUMBER", [OPT_RATE] = "RATE", [OPT_SIZE] = "SIZE", [OPT_TIME] = "TIME",
	[OPT_CODEL_TIME] = "TIME", [OPT_TICK_TIME] = "TIME", [OPT_JIFFY_TIME] = "TIME",
	[OPT_PROB] = "SHARE", [OPT_FRACTION] = "FRACTION", [OPT_INT] = "NUMBER",
	[OPT_MASKED] = "VALUE[/MASK]", [OPT_HEX] = "NUMBER", [OPT_CLASSID] = "CLASSID",
	[OPT_DEV] = "DEV", [OPT_IP4] = "ADDRESS", [OPT_IP6] = "ADDRESS", [OPT_MAC] = "ADDRESS",
	[OPT_BYTES] = "NUMBER ...", [OPT_WORDS] = "NUMBER ...",
};

static void put_names(const char *const *names)
{
	size_t i;

	for (i = 0; names[i]; i++)
		printf("%s%s", i ? " | " : "", names[i]);
}

static void put_argument(const struct opt *row)
{
	if (row->type == OPT_ENUM) {
		printf(" ");
		put_names(row->names);
	} else if (row->type != OPT_FLAG) {
		printf(" Ar %s", placeholders[row->type]);
	}
}

static void put_default(const struct opt *row)
{
	union optval v = { .u = row->def };
	char text[96];

	if (!(row->flags & OPT_HAS_DEF) || row->type == OPT_FLAG)
		return;
	if (row->defv)
		v = *row->defv;
	if (row->flags & OPT_DEF_OFF)
		printf("; by default none");
	else if (row->flags & OPT_DEF_FRAMES)
		printf("; by default %llu frame%s of the link", (unsigned long long)row->def,
		       row->def == 1 ? "" : "s");
	else
		printf("; by default %s", opts_text(row, &v, text, sizeof(text)));
}

static void put_row(const struct opt *row)
{
	if (row->flags & OPT_NO_MAN)
		return;
	if (row->flags & OPT_BARE) {
		printf(".It Cm ");
		put_names(row->names);
	} else if (row->flags & OPT_POS) {
		printf(".It Op %s", row->word);
	} else {
		printf(".It Cm %s", row->word);
		put_argument(row);
		if (row->off)
			printf(" | %s", row->off);
	}
	printf("\n%s", row->help);
	put_default(row);
	if (row->type == OPT_FLAG && row->flags & OPT_HAS_DEF)
		printf("; by default %s", row->def ? row->word : row->off ? row->off : "off");
	printf("%s.\n", row->flags & OPT_INIT ? "; changing it makes the queue anew" : "");
}

static void put_word(const struct opt_word *word)
{
	printf(".It Cm %s\n", word->word);
	if (word->help)
		printf("%s.\n", word->help);
	else
		printf("The same as\n.Cm %s .\n", word->same);
}

static void put_kind(const struct kind *kind)
{
	const struct opt_word *word;
	unsigned int r;

	printf(".Ss %s\n%s.\n", kind->name, kind->help);
	if (!kind->n_opts)
		return;
	printf(".Bl -tag -width Ds\n");
	for (r = 0; r < kind->n_opts; r++)
		put_row(&kind->opts[r]);
	for (word = kind->words; word && word->word; word++)
		put_word(word);
	printf(".El\n");
}

int main(void)
{
	size_t i;

	printf(".\\\" SPDX-License-Identifier: GPL-2.0-or-later\n"
	       ".\\\" Generated from the option rows in qdisc/ by doc/queues.c: do not edit.\n"
	       ".Dd November 20, 2026\n.Dt WEIR-QUEUE 5\n.Os\n"
	       ".Sh NAME\n.Nm weir-queue\n.Nd queues of weir.conf(5) classes and their options\n"
	       ".Sh DESCRIPTION\nThe kinds that may be named after\n.Cm queue\nin\n.Xr weir.conf 5 ,\n"
	       "with their options.\nThe words are those of\n.Xr tc 8 .\n"
	       "An argument in brackets belongs to the option above it and may follow its value.\n");
	for (i = 0; kinds[i]; i++)
		if (kinds[i]->type == KIND_QDISC && kinds[i]->flags & KIND_LEAF)
			put_kind(kinds[i]);
	printf(".Sh SEE ALSO\n.Xr weir.conf 5 ,\n.Xr tc 8 ,\n.Xr weir 8\n");
	return ferror(stdout) != 0;
}
