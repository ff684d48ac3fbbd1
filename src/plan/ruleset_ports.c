// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ports: an array of rows by port. The ranges of all rules are swept from port 0 up; between two
 * ends the vector stays the same.
 */
#include "plan/ruleset_parts.h"

#include <stdlib.h>

/* From this port on the rule has the bit, or has it no more. */
struct end {
	uint32_t port;
	uint32_t general;
	bool starts;
};

struct port_field {
	const char *map;
	uint32_t use;
	bool source;
};

static int compare_ends(const void *a, const void *b)
{
	const struct end *x = a, *y = b;

	return x->port < y->port ? -1 : x->port > y->port;
}

static unsigned int ranges_of(const struct port_field *field, const struct match *m,
			      const struct range **ranges)
{
	*ranges = field->source ? m->sport : m->dport;
	return field->source ? m->n_sport : m->n_dport;
}

/* Two for each range, sorted; NULL: no memory. */
static struct end *make_ends(const struct ruleset *s, const struct port_field *field, size_t *n)
{
	const struct range *ranges;
	unsigned int i, k, count;
	size_t total = 0;
	struct end *ends;

	for (i = 0; i < s->n_general; i++)
		if (s->general[i].use & field->use)
			total += ranges_of(field, s->general[i].match, &ranges);
	ends = malloc((2 * total + 1) * sizeof(*ends));
	if (!ends)
		return NULL;
	for (i = 0, *n = 0; i < s->n_general; i++) {
		if (!(s->general[i].use & field->use))
			continue;
		count = ranges_of(field, s->general[i].match, &ranges);
		for (k = 0; k < count; k++) {
			ends[(*n)++] = (struct end){ ranges[k].lo, i, true };
			ends[(*n)++] = (struct end){ ranges[k].hi + 1u, i, false };
		}
	}
	qsort(ends, *n, sizeof(*ends), compare_ends);
	return ends;
}

/* A rule's ranges do not touch each other, so that the ends at one port may come in any order. */
static int sweep(struct ruleset *s, struct vector v, const struct end *ends, size_t n,
		 struct classify_ports *ports)
{
	uint32_t port = 0, until;
	uint16_t row;
	size_t i = 0;
	int err;

	while (port < CLASSIFY_PORTS) {
		for (; i < n && ends[i].port <= port; i++) {
			if (ends[i].starts)
				vector_set(&v, ends[i].general);
			else
				vector_clear(&v, ends[i].general);
		}
		err = ruleset_row16(s, &v, &row);
		if (err)
			return err;
		until = i < n && ends[i].port < CLASSIFY_PORTS ? ends[i].port : CLASSIFY_PORTS;
		while (port < until)
			ports->row[port++] = row;
	}
	return 0;
}

static int port_field(struct ruleset *s, const struct port_field *field, uint32_t *none)
{
	struct vector base = ruleset_without(s, field->use);
	struct classify_ports *ports;
	struct end *ends;
	size_t n;
	int err;

	if (!(s->config->use & field->use))
		return 0;
	err = ruleset_row(s, &base, none);
	if (err)
		return err;
	ports = arena_alloc(s->arena, sizeof(*ports));
	ends = make_ends(s, field, &n);
	err = ports && ends ? sweep(s, base, ends, n, ports) : oom(s->ctx);
	free(ends);
	if (!err)
		ruleset_map(s, field->map, 4, sizeof(*ports), 1, NULL, ports);
	return err;
}

int ruleset_ports(struct ruleset *s)
{
	static const struct port_field sport = { "weir_sports", CLASSIFY_SPORT, true };
	static const struct port_field dport = { "weir_dports", CLASSIFY_DPORT, false };
	int err = port_field(s, &sport, &s->config->sport_none);

	return err ? err : port_field(s, &dport, &s->config->dport_none);
}
