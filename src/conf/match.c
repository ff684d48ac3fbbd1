// SPDX-License-Identifier: GPL-2.0-or-later
#include "conf/match.h"

#include <netinet/in.h>
#include <string.h>

#include "conf/index.h"

static unsigned int list_families(const struct prefix *list, unsigned int n)
{
	unsigned int families = n ? 0 : FAMILY_4 | FAMILY_6, i;

	for (i = 0; i < n; i++)
		families |= list[i].ip6 ? FAMILY_6 : FAMILY_4;
	return families;
}

unsigned int match_families(const struct match *m)
{
	unsigned int said = !(m->set & MATCH_FAMILY) ? FAMILY_4 | FAMILY_6 :
			    m->ip6 ? FAMILY_6 : FAMILY_4;

	return said & list_families(m->from, m->n_from) & list_families(m->to, m->n_to);
}

/* ---- protocols ---- */

enum { ANY_PROTO = -1 };

/* The protocols that the match holds for in a family: how many of proto[], or ANY_PROTO. */
static int protos(const struct match *m, unsigned int family, uint8_t proto[2])
{
	if (m->set & MATCH_PROTO) {
		proto[0] = m->proto;
		if (m->proto_icmp)
			proto[0] = family == FAMILY_6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
		return 1;
	}
	proto[0] = IPPROTO_TCP;
	proto[1] = IPPROTO_UDP;
	if (m->set & MATCH_ACK)
		return 1;
	return m->set & (MATCH_SPORT | MATCH_DPORT) ? 2 : ANY_PROTO;
}

static bool protos_cover(const struct match *a, const struct match *b, unsigned int family)
{
	uint8_t pa[2], pb[2];
	int na = protos(a, family, pa), nb = protos(b, family, pb), i;

	if (na == ANY_PROTO)
		return true;
	if (nb == ANY_PROTO)
		return false;
	for (i = 0; i < nb; i++)
		if (pb[i] != pa[0] && (na < 2 || pb[i] != pa[1]))
			return false;
	return true;
}

/* ---- addresses and ports ---- */

static bool prefix_covers(const struct prefix *a, const struct prefix *b)
{
	unsigned int bytes = a->bits / 8, bits = a->bits % 8;

	if (a->ip6 != b->ip6 || a->bits > b->bits || memcmp(a->addr, b->addr, bytes))
		return false;
	return !bits || !((a->addr[bytes] ^ b->addr[bytes]) >> (8 - bits));
}

/* families: those of the match that b is from; prefixes of others never hold. */
static bool prefixes_cover(const struct prefix *a, unsigned int na, const struct prefix *b,
			   unsigned int nb, unsigned int families)
{
	unsigned int i, k;

	if (!na)
		return true;
	for (i = 0; i < nb; i++) {
		if (!((b[i].ip6 ? FAMILY_6 : FAMILY_4) & families))
			continue;
		for (k = 0; k < na && !prefix_covers(&a[k], &b[i]);)
			k++;
		if (k == na)
			return false;
	}
	return nb;
}

static bool ranges_cover(const struct range *a, unsigned int na, const struct range *b,
			 unsigned int nb)
{
	unsigned int i, k = 0;

	if (!na)
		return true;
	for (i = 0; i < nb; i++) {
		while (k < na && a[k].hi < b[i].hi)
			k++;
		if (k == na || a[k].lo > b[i].lo)
			return false;
	}
	return nb;
}

/* ---- the rest ---- */

/* A cgroup's packets are also those of the cgroups in it. */
static bool cgroup_covers(const char *a, const char *b)
{
	size_t len = strlen(a);

	return !strncmp(a, b, len) && (!b[len] || b[len] == '/');
}

static bool scalars_cover(const struct match *a, const struct match *b)
{
	if (a->set & MATCH_DSCP && (!(b->set & MATCH_DSCP) || b->dscp & ~a->dscp))
		return false;
	if (a->set & MATCH_MARK && (!(b->set & MATCH_MARK) || a->mark_mask & ~b->mark_mask ||
				    (b->mark & a->mark_mask) != a->mark))
		return false;
	if (a->set & MATCH_VLAN && (!(b->set & MATCH_VLAN) || a->vlan != b->vlan))
		return false;
	if (a->set & MATCH_MAC && (!(b->set & MATCH_MAC) || memcmp(a->mac, b->mac, 6)))
		return false;
	if (a->set & MATCH_CGROUP && (!(b->set & MATCH_CGROUP) || !cgroup_covers(a->cgroup, b->cgroup)))
		return false;
	if (a->set & MATCH_USER && (!(b->set & MATCH_USER) || strcmp(a->user, b->user)))
		return false;
	return !(a->set & MATCH_ACK) || b->set & MATCH_ACK;
}

/* A match that says nothing of the network header holds for other protocols than IP as well. */
static bool needs_ip(const struct match *m)
{
	return m->set & (MATCH_FAMILY | MATCH_PROTO | MATCH_FROM | MATCH_TO | MATCH_SPORT |
			 MATCH_DPORT | MATCH_DSCP | MATCH_ACK);
}

bool match_covers(const struct match *a, const struct match *b)
{
	unsigned int fa = match_families(a), fb = match_families(b);

	if ((needs_ip(a) && !needs_ip(b)) || fb & ~fa || !scalars_cover(a, b))
		return false;
	if ((fb & FAMILY_4 && !protos_cover(a, b, FAMILY_4)) ||
	    (fb & FAMILY_6 && !protos_cover(a, b, FAMILY_6)))
		return false;
	return prefixes_cover(a->from, a->n_from, b->from, b->n_from, fb) &&
	       prefixes_cover(a->to, a->n_to, b->to, b->n_to, fb) &&
	       ranges_cover(a->sport, a->n_sport, b->sport, b->n_sport) &&
	       ranges_cover(a->dport, a->n_dport, b->dport, b->n_dport);
}

uint64_t match_hash(const struct match *m)
{
	uint64_t h = index_hash(INDEX_HASH_SEED, &m->set, sizeof(m->set));
	const uint64_t scalars[] = {
		m->ip6, m->proto, m->proto_icmp, m->dscp, m->mark, m->mark_mask, m->vlan,
	};

	h = index_hash(h, scalars, sizeof(scalars));
	h = index_hash(h, m->mac, sizeof(m->mac));
	h = index_hash(h, m->from, m->n_from * sizeof(*m->from));
	h = index_hash(h, m->to, m->n_to * sizeof(*m->to));
	h = index_hash(h, m->sport, m->n_sport * sizeof(*m->sport));
	h = index_hash(h, m->dport, m->n_dport * sizeof(*m->dport));
	h = m->cgroup ? index_hash(h, m->cgroup, strlen(m->cgroup)) : h;
	return m->user ? index_hash(h, m->user, strlen(m->user)) : h;
}
