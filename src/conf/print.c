// SPDX-License-Identifier: GPL-2.0-or-later
/* A policy as text that is read as the same policy. */
#include "conf/policy.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "conf/words.h"
#include "lib/units.h"

static void indent(FILE *f, unsigned int depth)
{
	while (depth--)
		fputc('\t', f);
}

/* In quotes where it would not be one word without. */
static void put_word(FILE *f, const char *s)
{
	if (*s && !strpbrk(s, " ;{}#\"\\")) {
		fputs(s, f);
		return;
	}
	fputc('"', f);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', f);
		fputc(*s, f);
	}
	fputc('"', f);
}

static void put_rate(FILE *f, const char *word, uint64_t rate_bit)
{
	char text[UNITS_TEXT];

	fprintf(f, " %s %s", word, units_format_rate(rate_bit, text));
}

static void put_size(FILE *f, const char *word, uint64_t bytes)
{
	char text[UNITS_TEXT];

	fprintf(f, " %s %s", word, units_format_size(bytes, text));
}

/* ---- match ---- */

static void put_proto(FILE *f, const struct match *m)
{
	bool icmp = m->proto_icmp;

	if (m->set & MATCH_FAMILY)
		icmp |= m->proto == (m->ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	if (icmp)
		fputs("icmp", f);
	else if (m->proto == IPPROTO_TCP || m->proto == IPPROTO_UDP)
		fputs(named_value(word_protos, m->proto)->name, f);
	else
		fprintf(f, "proto %u", m->proto);
}

static void put_family(FILE *f, const struct match *m)
{
	fputs(m->ip6 ? "ip6" : "ip", f);
}

static void put_prefixes(FILE *f, const char *word, const struct prefix *x, unsigned int n)
{
	char text[INET6_ADDRSTRLEN];
	unsigned int i;

	for (i = 0; i < n; i++)
		fprintf(f, "%s%s%s/%u", i ? "," : word, i ? "" : " ",
			inet_ntop(x[i].ip6 ? AF_INET6 : AF_INET, x[i].addr, text, sizeof(text)),
			x[i].bits);
}

static void put_from(FILE *f, const struct match *m)
{
	put_prefixes(f, "from", m->from, m->n_from);
}

static void put_to(FILE *f, const struct match *m)
{
	put_prefixes(f, "to", m->to, m->n_to);
}

static void put_ranges(FILE *f, const char *word, const struct range *r, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		fprintf(f, "%s%s%u", i ? "," : word, i ? "" : " ", r[i].lo);
		if (r[i].hi != r[i].lo)
			fprintf(f, "-%u", r[i].hi);
	}
}

static void put_sport(FILE *f, const struct match *m)
{
	put_ranges(f, "sport", m->sport, m->n_sport);
}

static void put_dport(FILE *f, const struct match *m)
{
	put_ranges(f, "dport", m->dport, m->n_dport);
}

static void put_dscp(FILE *f, const struct match *m)
{
	const char *before = "dscp ";
	const struct named *name;
	uint8_t i;

	for (i = 0; i < 64; i++) {
		if (!(m->dscp >> i & 1))
			continue;
		name = named_value(word_dscps, i);
		if (name)
			fprintf(f, "%s%s", before, name->name);
		else
			fprintf(f, "%s%u", before, i);
		before = ",";
	}
}

static void put_mark_value(FILE *f, uint32_t mark, uint32_t mask)
{
	fprintf(f, "mark 0x%" PRIx32, mark);
	if (mask != UINT32_MAX)
		fprintf(f, "/0x%" PRIx32, mask);
}

static void put_mark(FILE *f, const struct match *m)
{
	put_mark_value(f, m->mark, m->mark_mask);
}

static void put_vlan(FILE *f, const struct match *m)
{
	fprintf(f, "vlan %u", m->vlan);
}

static void put_mac(FILE *f, const struct match *m)
{
	fprintf(f, "mac %02x:%02x:%02x:%02x:%02x:%02x", m->mac[0], m->mac[1], m->mac[2],
		m->mac[3], m->mac[4], m->mac[5]);
}

static void put_cgroup(FILE *f, const struct match *m)
{
	fputs("cgroup ", f);
	put_word(f, m->cgroup);
}

static void put_user(FILE *f, const struct match *m)
{
	fputs("user ", f);
	put_word(f, m->user);
}

static void put_ack(FILE *f, const struct match *m)
{
	(void)m;
	fputs("ack", f);
}

static const struct {
	uint32_t bit;
	void (*put)(FILE *f, const struct match *m);
} terms[] = {
	{ MATCH_FAMILY, put_family }, { MATCH_PROTO, put_proto },
	{ MATCH_FROM, put_from }, { MATCH_TO, put_to },
	{ MATCH_SPORT, put_sport }, { MATCH_DPORT, put_dport },
	{ MATCH_DSCP, put_dscp }, { MATCH_MARK, put_mark },
	{ MATCH_VLAN, put_vlan }, { MATCH_MAC, put_mac },
	{ MATCH_CGROUP, put_cgroup }, { MATCH_USER, put_user }, { MATCH_ACK, put_ack },
};

void conf_print_match(FILE *f, const struct match *match)
{
	const char *blank = "";
	size_t i;

	if (!match->set)
		fputs("all", f);
	for (i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		if (!(match->set & terms[i].bit))
			continue;
		fputs(blank, f);
		terms[i].put(f, match);
		blank = " ";
	}
}

static void put_matches(FILE *f, const struct match *m, unsigned int depth)
{
	for (; m; m = m->next) {
		indent(f, depth);
		fputs("match ", f);
		conf_print_match(f, m);
		fputc('\n', f);
	}
}

/* ---- classes ---- */

/* The queue comes last: its options end with the statement. */
static void put_class_options(FILE *f, const struct class *c)
{
	put_rate(f, "rate", c->rate_bit);
	put_rate(f, "ceil", c->ceil_bit);
	if (c->parent && (c->set & CLASS_PRIO || !c->children))
		fprintf(f, " prio %" PRIu32, c->prio);
	if (c->set & CLASS_BURST)
		put_size(f, "burst", c->burst_bytes);
	if (c->set & CLASS_CBURST)
		put_size(f, "cburst", c->cburst_bytes);
	if (c->set & CLASS_QUANTUM)
		put_size(f, "quantum", c->quantum_bytes);
	if (c->mark_mask) {
		fputc(' ', f);
		put_mark_value(f, c->mark, c->mark_mask);
	}
	if (c->set & CLASS_QUEUE) {
		fprintf(f, " queue %s", c->queue->name);
		opts_print(f, c->queue, c->queue_opts, false);
	}
}

static void put_children(FILE *f, const struct class *parent, unsigned int depth);

static void put_class(FILE *f, const struct class *c, unsigned int depth)
{
	indent(f, depth);
	if (c->is_default)
		fputs("default", f);
	else
		fprintf(f, "class %s", c->name);
	put_class_options(f, c);
	if (!c->matches && !c->children) {
		fputc('\n', f);
		return;
	}
	fputs(" {\n", f);
	put_matches(f, c->matches, depth + 1);
	put_children(f, c, depth + 1);
	indent(f, depth);
	fputs("}\n", f);
}

static void put_children(FILE *f, const struct class *parent, unsigned int depth)
{
	const struct class *c;

	for (c = parent->children; c; c = c->next)
		put_class(f, c, depth);
}

static void put_tree(FILE *f, const char *word, const struct class *root)
{
	if (!root)
		return;
	fprintf(f, "\t%s", word);
	put_class_options(f, root);
	fputs(" {\n", f);
	put_children(f, root, 2);
	fputs("\t}\n", f);
}

/* ---- links and limits ---- */

static void put_framing(FILE *f, const struct framing *framing)
{
	const struct named *layer = named_value(word_linklayers, (uint8_t)framing->linklayer);

	if (!framing->set)
		return;
	if (framing->preset)
		fprintf(f, "\tframing %s\n", framing->preset);
	else
		fprintf(f, "\toverhead %" PRId32 " mpu %" PRIu32 "%s%s\n", framing->overhead_bytes,
			framing->mpu_bytes, layer ? " " : "", layer ? layer->name : "");
}

static void put_police(FILE *f, const struct police *p)
{
	fprintf(f, "\tpolice %s", p->ingress ? "ingress" : "egress");
	put_rate(f, "rate", p->rate_bit);
	if (p->burst_bytes)
		put_size(f, "burst", p->burst_bytes);
	if (p->mtu_bytes)
		put_size(f, "mtu", p->mtu_bytes);
	fprintf(f, " conform %s exceed %s", named_value(word_verdicts, (uint8_t)p->conform)->name,
		named_value(word_verdicts, (uint8_t)p->exceed)->name);
	if (p->matches) {
		fputs(" {\n", f);
		put_matches(f, p->matches, 2);
		fputs("\t}", f);
	}
	fputc('\n', f);
}

static void put_link(FILE *f, const struct link *link)
{
	const struct police *p;

	fputs("link ", f);
	put_word(f, link->name);
	fputs(" {\n", f);
	put_framing(f, &link->framing);
	if (link->classifier != CLASSIFIER_AUTO)
		fprintf(f, "\tclassifier %s\n",
			named_value(word_classifiers, (uint8_t)link->classifier)->name);
	if (link->xdp != XDP_OFF)
		fprintf(f, "\txdp %s\n", named_value(word_xdp, (uint8_t)link->xdp)->name);
	put_tree(f, "egress", link->egress);
	put_tree(f, "ingress", link->ingress);
	for (p = link->polices; p; p = p->next)
		put_police(f, p);
	fputs("}\n", f);
}

static void put_limit_way(FILE *f, const char *word, const struct limit_rate *way)
{
	char text[UNITS_TEXT];

	if (way->block)
		fprintf(f, "\t%s block\n", word);
	if (!way->rate_bit)
		return;
	fprintf(f, "\t%s", word);
	put_rate(f, "rate", way->rate_bit);
	if (way->burst_ns)
		fprintf(f, " burst %s", units_format_time(way->burst_ns, text));
	fputc('\n', f);
}

static void put_limit(FILE *f, const struct limit *limit)
{
	const struct named *only = named_value(word_only, (uint8_t)limit->only);

	fprintf(f, "limit %s ", limit_subjects[limit->subject]);
	put_word(f, limit->name);
	fputs(" {\n", f);
	put_limit_way(f, "egress", &limit->egress);
	put_limit_way(f, "ingress", &limit->ingress);
	if (only)
		fprintf(f, "\tonly %s\n", only->name);
	if (limit->backend)
		fprintf(f, "\tbackend %s\n", limit->backend);
	if (limit->no_children)
		fputs("\tno-children\n", f);
	fputs("}\n", f);
}

void conf_print(FILE *f, const struct policy *policy)
{
	const struct limit *limit;
	const struct link *link;

	for (link = policy->links; link; link = link->next)
		put_link(f, link);
	for (limit = policy->limits; limit; limit = limit->next)
		put_limit(f, limit);
}

char *conf_text(const struct policy *policy)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	conf_print(f, policy);
	if (!fclose(f))
		return text;
	free(text);
	return NULL;
}
