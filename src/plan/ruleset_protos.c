// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family, protocol and `ack` are one field of 1024 values, DSCP one of 64: tables among the constants.
 */
#include "plan/ruleset_parts.h"

enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ICMP6 = 58 };

struct kind_of_packet {
	bool ip6, ack;
	unsigned int proto;
};

/* Ports are those of TCP and UDP where the rule names no protocol. */
static bool proto_holds(const struct match *m, struct kind_of_packet p)
{
	unsigned int proto = m->proto_icmp ? (p.ip6 ? PROTO_ICMP6 : PROTO_ICMP) : m->proto;

	if (m->set & MATCH_FAMILY && m->ip6 != p.ip6)
		return false;
	if (m->set & MATCH_ACK && !(p.ack && p.proto == PROTO_TCP))
		return false;
	if (m->set & MATCH_PROTO)
		return proto == p.proto;
	return !(m->set & (MATCH_SPORT | MATCH_DPORT)) || p.proto == PROTO_TCP || p.proto == PROTO_UDP;
}

static int proto_row(struct ruleset *s, struct vector v, struct kind_of_packet p, uint16_t *row)
{
	unsigned int i;

	for (i = 0; i < s->n_general; i++)
		if (s->general[i].use & CLASSIFY_PROTO && proto_holds(s->general[i].match, p))
			vector_set(&v, i);
	return ruleset_row16(s, &v, row);
}

/* Most protocols are named by no rule, and alike. */
static void named_protos(const struct ruleset *s, bool named[256])
{
	unsigned int i;

	named[PROTO_ICMP] = named[PROTO_TCP] = named[PROTO_UDP] = named[PROTO_ICMP6] = true;
	for (i = 0; i < s->n_general; i++)
		if (s->general[i].match->set & MATCH_PROTO)
			named[s->general[i].match->proto] = true;
}

static int proto_table(struct ruleset *s)
{
	struct vector base = ruleset_without(s, CLASSIFY_PROTO);
	bool named[256] = { false };
	int err = ruleset_row(s, &base, &s->config->not_ip);
	struct kind_of_packet p;
	uint16_t *row, other;
	unsigned int half;

	named_protos(s, named);
	for (half = 0; half < 4 && !err; half++) {
		p = (struct kind_of_packet){ .ip6 = half & 2, .ack = half & 1, .proto = 256 };
		err = proto_row(s, base, p, &other);
		for (p.proto = 0; p.proto < 256 && !err; p.proto++) {
			row = &s->config->proto[classify_proto_index(p.ip6, p.ack, (uint8_t)p.proto)];
			*row = other;
			if (named[p.proto])
				err = proto_row(s, base, p, row);
		}
	}
	return err;
}

static int dscp_table(struct ruleset *s)
{
	struct vector base = ruleset_without(s, CLASSIFY_DSCP), v;
	int err = ruleset_row(s, &base, &s->config->dscp_none);
	unsigned int dscp, i;

	for (dscp = 0; dscp < 64 && !err; dscp++) {
		v = base;
		for (i = 0; i < s->n_general; i++)
			if (s->general[i].use & CLASSIFY_DSCP && s->general[i].match->dscp >> dscp & 1)
				vector_set(&v, i);
		err = ruleset_row16(s, &v, &s->config->dscp[dscp]);
	}
	return err;
}

int ruleset_protos(struct ruleset *s)
{
	int err = 0;

	if (s->config->use & CLASSIFY_PROTO)
		err = proto_table(s);
	if (!err && s->config->use & CLASSIFY_DSCP)
		err = dscp_table(s);
	return err;
}
