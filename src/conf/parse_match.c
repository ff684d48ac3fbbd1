// SPDX-License-Identifier: GPL-2.0-or-later
/* `match` and its terms. */
#include "conf/parse.h"

#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "conf/match.h"
#include "conf/words.h"

/* ---- families and protocols ---- */

static bool term_family(struct parser *p, struct match_draft *d, const struct word *keyword)
{
	(void)p;
	d->m->ip6 = !strcmp(keyword->text, "ip6");
	d->family_at = keyword->pos;
	return true;
}

static void set_proto(struct match_draft *d, const struct named *name)
{
	d->m->proto = name->value;
	d->m->proto_icmp = name->value == IPPROTO_ICMP;
}

/* tcp, udp, icmp */
static bool term_proto_name(struct parser *p, struct match_draft *d, const struct word *keyword)
{
	(void)p;
	set_proto(d, named_find(word_protos, keyword->text));
	return true;
}

static bool term_proto(struct parser *p, struct match_draft *d, const struct word *keyword)
{
	const struct word *w = want_word(p, keyword, "a protocol's number or name");
	const struct named *name;
	uint64_t v;

	if (!w)
		return false;
	name = named_find(word_protos, w->text);
	if (name) {
		set_proto(d, name);
		return true;
	}
	if (!isdigit((unsigned char)w->text[0])) {
		report_at(&p->report, &w->pos, named_near(word_protos, w->text),
			  "unknown protocol '%s'", report_word(&p->report, w->text));
		return false;
	}
	if (!parse_number_value(p, w, "a protocol", 0, 255, &v))
		return false;
	d->m->proto = (uint8_t)v;
	return true;
}

/* ---- header fields and marks ---- */

static bool add_dscp(struct parser *p, const struct word *part, void *arg)
{
	const struct named *name = named_find(word_dscps, part->text);
	struct match_draft *d = arg;
	uint64_t v;

	if (name) {
		v = name->value;
	} else if (!isdigit((unsigned char)part->text[0])) {
		report_at(&p->report, &part->pos, named_near(word_dscps, part->text),
			  "unknown DSCP '%s'", report_word(&p->report, part->text));
		return false;
	} else if (!parse_number_value(p, part, "a DSCP", 0, 63, &v)) {
		return false;
	}
	d->m->dscp |= UINT64_C(1) << v;
	return true;
}

static bool term_dscp(struct parser *p, struct match_draft *d, const struct word *keyword)
{
	const struct word *w = want_word(p, keyword, "a DSCP such as ef");

	return w && parse_list(p, w, add_dscp, d);
}

static bool term_mark(struct parser *p, struct match_draft *d, const struct word *keyword)
{
	const struct word *w = want_word(p, keyword, "a mark such as 0x20/0xff");

	return w && parse_mark_value(p, w, &d->m->mark, &d->m->mark_mask);
}

static bool term_vlan(struct parser *p, struct match_draft *d, const struct word *keyword)
{
	const struct word *w = want_word(p, keyword, "a VLAN's number");
	uint64_t v;

	if (!w || !parse_number_value(p, w, "a VLAN", 1, 4094, &v))
		return false;
	d->m->vlan = (uint16_t)v;
	return true;
}

static bool parse_mac(const char *s, uint8_t mac[6])
{
	char pair[3] = "";
	int i;

	if (strlen(s) != 17)
		return false;
	for (i = 0; i < 6; i++, s += 3) {
		if (!isxdigit((unsigned char)s[0]) || !isxdigit((unsigned char)s[1]) ||
		    s[2] != (i < 5 ? ':' : 0))
			return false;
		memcpy(pair, s, 2);
		mac[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return true;
}

static bool term_mac(struct parser *p, struct match_draft *d, const struct word *keyword)
{
	const struct word *w = want_word(p, keyword, "a MAC address");

	if (!w || parse_mac(w->text, d->m->mac))
		return w;
	report_at(&p->report, &w->pos, NULL, "'%s' is not a MAC address, such as 02:00:5e:10:00:01",
		  report_word(&p->report, w->text));
	return false;
}

/* ---- sockets ---- */

static bool term_cgroup(struct parser *p, struct match_draft *d, const struct word *keyword)
{
	const struct word *w = want_word(p, keyword, "a cgroup's path");

	d->m->cgroup = w ? parse_cgroup_value(p, w) : NULL;
	return d->m->cgroup;
}

static bool term_user(struct parser *p, struct match_draft *d, const struct word *keyword)
{
	const struct word *w = want_word(p, keyword, "a user's name or number");

	if (!w || !parse_user_value(p, w))
		return false;
	d->m->user = conf_strdup(p, w->text);
	return d->m->user;
}

static bool term_ack(struct parser *p, struct match_draft *d, const struct word *keyword)
{
	(void)p;
	d->ack_at = keyword->pos;
	return true;
}

/* ---- the whole match ---- */

static const struct term {
	const char *word;
	uint32_t bit;
	bool (*parse)(struct parser *p, struct match_draft *d, const struct word *keyword);
} terms[] = {
	{ "ip", MATCH_FAMILY, term_family }, { "ip6", MATCH_FAMILY, term_family },
	{ "tcp", MATCH_PROTO, term_proto_name }, { "udp", MATCH_PROTO, term_proto_name },
	{ "icmp", MATCH_PROTO, term_proto_name }, { "proto", MATCH_PROTO, term_proto },
	{ "from", MATCH_FROM, term_address }, { "to", MATCH_TO, term_address },
	{ "sport", MATCH_SPORT, term_ports }, { "dport", MATCH_DPORT, term_ports },
	{ "dscp", MATCH_DSCP, term_dscp }, { "mark", MATCH_MARK, term_mark },
	{ "cgroup", MATCH_CGROUP, term_cgroup }, { "user", MATCH_USER, term_user },
	{ "vlan", MATCH_VLAN, term_vlan }, { "mac", MATCH_MAC, term_mac },
	{ "ack", MATCH_ACK, term_ack },
};
enum { N_TERMS = sizeof(terms) / sizeof(terms[0]) };

static const struct term *find_term(const struct word *w)
{
	size_t i;

	for (i = 0; i < N_TERMS; i++)
		if (word_is(w, terms[i].word))
			return &terms[i];
	return NULL;
}

static void unknown_term(struct parser *p, const struct word *w)
{
	const char *words[N_TERMS];
	size_t i;

	for (i = 0; i < N_TERMS; i++)
		words[i] = terms[i].word;
	if (word_is(w, "all"))
		report_at(&p->report, &w->pos, NULL, "'all' takes every packet: it stands alone");
	else
		unknown_word(p, w, words, N_TERMS);
}

/* A second value for what was said; families and protocols have several words for one term. */
static void report_twice(struct parser *p, const struct word *w, const struct term *t)
{
	static const char *const what[] = { "family", "protocol" };

	if (t->bit & (MATCH_FAMILY | MATCH_PROTO))
		report_at(&p->report, &w->pos, NULL, "'%s' is a second %s in one match; alternatives are lines of their own",
			  w->text, what[t->bit == MATCH_PROTO]);
	else
		report_at(&p->report, &w->pos, NULL, "'%s' is said twice in one match; alternatives are lines of their own",
			  w->text);
}

static bool parse_terms(struct parser *p, struct match_draft *d)
{
	const struct term *t;
	const struct word *w;

	while ((w = next_word(p))) {
		t = find_term(w);
		if (!t) {
			unknown_term(p, w);
			return false;
		}
		if (d->m->set & t->bit) {
			report_twice(p, w, t);
			return false;
		}
		d->m->set |= t->bit;
		if (!t->parse(p, d, w))
			return false;
	}
	return true;
}

/* ---- what contradicts itself ---- */

static bool has_family(const struct prefix *list, unsigned int n, bool ip6)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (list[i].ip6 == ip6)
			return true;
	return false;
}

static bool check_families(struct parser *p, const struct match_draft *d)
{
	const struct match *m = d->m;

	if (m->set & MATCH_FAMILY && (has_family(m->from, m->n_from, !m->ip6) ||
				      has_family(m->to, m->n_to, !m->ip6))) {
		report_at(&p->report, &d->family_at, NULL, "'%s' with an %s address never holds",
			  m->ip6 ? "ip6" : "ip", m->ip6 ? "IPv4" : "IPv6");
		return false;
	}
	if (!match_families(m)) {
		report_at(&p->report, &d->to_at, NULL,
			  "'from' and 'to' have addresses of different families: this never holds");
		return false;
	}
	return true;
}

static bool has_ports(uint8_t proto)
{
	const struct named *name = named_value(word_protos, proto);

	return name && name->ports;
}

static bool check_protos(struct parser *p, const struct match_draft *d)
{
	const struct match *m = d->m;

	if (!(m->set & MATCH_PROTO))
		return true;
	if (m->set & (MATCH_SPORT | MATCH_DPORT) && !has_ports(m->proto)) {
		report_at(&p->report, &d->ports_at, NULL,
			  "this protocol has no ports; tcp, udp, sctp, dccp and udplite have");
		return false;
	}
	if (m->set & MATCH_ACK && m->proto != IPPROTO_TCP) {
		report_at(&p->report, &d->ack_at, NULL, "only TCP has acknowledgements");
		return false;
	}
	return true;
}

/* icmp depends on the family: where that is known, so is the number. */
static void settle_icmp(struct match *m)
{
	if (!m->proto_icmp || !(m->set & MATCH_FAMILY))
		return;
	m->proto = m->ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	m->proto_icmp = false;
}

struct match *parse_match_terms(struct parser *p)
{
	const struct word *keyword = &p->stmt.words[0];
	struct match_draft d = { .m = conf_alloc(p, sizeof(*d.m)) };

	if (!d.m)
		return NULL;
	d.m->loc = loc_of(&keyword->pos);
	if (p->stmt.n == 1) {
		report_at(&p->report, &keyword->end, NULL,
			  "'match' needs a term such as 'tcp'; 'match all' takes every packet");
		return NULL;
	}
	if (word_is(&p->stmt.words[1], "all")) {
		if (p->stmt.n == 2)
			return d.m;
		report_at(&p->report, &p->stmt.words[2].pos, NULL,
			  "'all' takes every packet: it stands alone");
		return NULL;
	}
	if (!parse_terms(p, &d) || !check_families(p, &d) || !check_protos(p, &d))
		return NULL;
	settle_icmp(d.m);
	return d.m;
}
