// SPDX-License-Identifier: GPL-2.0-or-later
/* The terms of a match that are lists of addresses or ports. */
#include "conf/parse.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "lib/units.h"

/* ---- addresses ---- */

struct prefix_list {
	struct match_draft *d;
	struct prefix **list;
	unsigned int *n;
};

/* Clears the bits below the prefix length; true if any was set. */
static bool clear_host_bits(struct prefix *x)
{
	unsigned int bytes = x->ip6 ? 16 : 4, i;
	bool cleared = false;
	uint8_t keep;

	for (i = 0; i < bytes; i++) {
		keep = x->bits >= 8 * (i + 1) ? 0xff : x->bits <= 8 * i ? 0 :
			(uint8_t)(0xff00 >> (x->bits - 8 * i));
		cleared |= x->addr[i] & ~keep;
		x->addr[i] &= keep;
	}
	return cleared;
}

static bool parse_prefix(struct parser *p, const struct word *w, struct prefix *x)
{
	char addr[INET6_ADDRSTRLEN + 1] = "", text[INET6_ADDRSTRLEN];
	const char *slash = strchr(w->text, '/');
	size_t len = slash ? (size_t)(slash - w->text) : strlen(w->text);
	uint64_t bits;

	if (len < sizeof(addr))
		memcpy(addr, w->text, len);
	x->ip6 = strchr(addr, ':');
	if (inet_pton(x->ip6 ? AF_INET6 : AF_INET, addr, x->addr) != 1) {
		report_at(&p->report, &w->pos, NULL, "'%s' is not an address or prefix, such as 10.1.0.0/16",
			  report_word(&p->report, w->text));
		return false;
	}
	bits = x->ip6 ? 128 : 32;
	if (slash && (units_parse_number(slash + 1, &bits) || slash[2] == 'x' ||
		      bits > (x->ip6 ? 128 : 32))) {
		struct pos pos = pos_in(w, len + 1);

		report_at(&p->report, &pos, NULL, "'%s' is not a prefix length; it is 0 to %u here",
			  report_word(&p->report, slash + 1), x->ip6 ? 128 : 32);
		return false;
	}
	x->bits = (uint8_t)bits;
	if (!clear_host_bits(x))
		return true;
	report_at(&p->report, &w->pos, NULL, "'%s' has bits behind its prefix length; the network is %s/%u",
		  report_word(&p->report, w->text),
		  inet_ntop(x->ip6 ? AF_INET6 : AF_INET, x->addr, text, sizeof(text)), x->bits);
	return false;
}

static bool add_prefix(struct parser *p, const struct word *part, void *arg)
{
	struct prefix_list *l = arg;
	struct prefix x = { 0 };

	if (!parse_prefix(p, part, &x))
		return false;
	(*l->list)[(*l->n)++] = x;
	return true;
}

static size_t count_parts(const char *s)
{
	size_t n = 1;

	for (; *s; s++)
		n += *s == ',';
	return n;
}

bool term_address(struct parser *p, struct match_draft *d, const struct word *keyword)
{
	const struct word *w = want_word(p, keyword, "an address or prefix");
	bool from = !strcmp(keyword->text, "from");
	struct prefix_list l = {
		.list = from ? &d->m->from : &d->m->to, .n = from ? &d->m->n_from : &d->m->n_to,
	};

	if (!w)
		return false;
	if (!from)
		d->to_at = w->pos;
	*l.list = conf_alloc(p, count_parts(w->text) * sizeof(struct prefix));
	return *l.list && parse_list(p, w, add_prefix, &l);
}

/* ---- ports ---- */

struct port_list {
	struct range *list;
	unsigned int n;
};

static bool parse_port(struct parser *p, const struct word *w, const char *text, uint16_t *port)
{
	uint64_t v;

	if (*text && !units_parse_number(text, &v) && v <= UINT16_MAX && text[1] != 'x' &&
	    text[1] != 'X') {
		*port = (uint16_t)v;
		return true;
	}
	report_at(&p->report, &w->pos, NULL,
		  "'%s' is not a port; ports are numbers, 0 to 65535, or ranges such as 5060-5061",
		  report_word(&p->report, w->text));
	return false;
}

static bool add_ports(struct parser *p, const struct word *part, void *arg)
{
	char *text = arena_strdup(&p->arena, part->text), *dash;
	struct port_list *l = arg;
	struct range r;

	if (!text) {
		p->oom = true;
		return false;
	}
	dash = strchr(text, '-');
	if (dash)
		*dash = 0;
	if (!parse_port(p, part, text, &r.lo) || !parse_port(p, part, dash ? dash + 1 : text, &r.hi))
		return false;
	if (r.lo > r.hi) {
		report_at(&p->report, &part->pos, NULL, "the range '%s' ends before it begins",
			  report_word(&p->report, part->text));
		return false;
	}
	l->list[l->n++] = r;
	return true;
}

static int by_low_port(const void *a, const void *b)
{
	return ((const struct range *)a)->lo - ((const struct range *)b)->lo;
}

/* Sorted, and what overlaps or touches made one. */
static void merge_ports(struct port_list *l)
{
	unsigned int i, n = 0;

	qsort(l->list, l->n, sizeof(l->list[0]), by_low_port);
	for (i = 1; i < l->n; i++) {
		struct range *last = &l->list[n], *next = &l->list[i];

		if (next->lo > last->hi + 1)
			l->list[++n] = *next;
		else if (next->hi > last->hi)
			last->hi = next->hi;
	}
	l->n = n + 1;
}

bool term_ports(struct parser *p, struct match_draft *d, const struct word *keyword)
{
	const struct word *w = want_word(p, keyword, "a port");
	struct port_list l = { 0 };

	if (!w)
		return false;
	d->ports_at = keyword->pos;
	l.list = conf_alloc(p, count_parts(w->text) * sizeof(struct range));
	if (!l.list || !parse_list(p, w, add_ports, &l))
		return false;
	merge_ports(&l);
	if (!strcmp(keyword->text, "sport")) {
		d->m->sport = l.list;
		d->m->n_sport = l.n;
	} else {
		d->m->dport = l.list;
		d->m->n_dport = l.n;
	}
	return true;
}
