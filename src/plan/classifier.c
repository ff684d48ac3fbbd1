// SPDX-License-Identifier: GPL-2.0-or-later
/* The list of all classifiers: a new one is one extern and one row here. */
#include "plan/classifier.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plan/alternatives.h"

enum { PROTO_TCP = 6, PROTO_UDP = 17, PROTO_SCTP = 132 };

extern const struct classifier classifier_bpf, classifier_kernel;

const struct classifier *const classifiers[] = {
	&classifier_bpf, &classifier_kernel,
	NULL
};

const struct classifier *classifier_find(const char *name)
{
	size_t i;

	for (i = 0; classifiers[i]; i++)
		if (!strcmp(classifiers[i]->name, name))
			return classifiers[i];
	return NULL;
}

int match_check(const struct match *m, char *why, size_t size)
{
	bool ports = m->set & (MATCH_SPORT | MATCH_DPORT);

	if (ports && m->set & MATCH_PROTO &&
	    (m->proto_icmp || (m->proto != PROTO_TCP && m->proto != PROTO_UDP && m->proto != PROTO_SCTP))) {
		snprintf(why, size, "'%s' needs tcp or udp", m->set & MATCH_SPORT ? "sport" : "dport");
		return -EOPNOTSUPP;
	}
	if (!alternatives_count(m, true)) {
		snprintf(why, size, "no packet can have all of this");
		return -EOPNOTSUPP;
	}
	return 0;
}

int match_check_header(const struct match *m, bool ethernet, char *why, size_t size)
{
	uint32_t terms = m ? m->set & (MATCH_VLAN | MATCH_MAC) : 0;

	if (ethernet || !terms)
		return 0;
	snprintf(why, size, "'%s' needs an interface with Ethernet headers",
		 terms & MATCH_VLAN ? "vlan" : "mac");
	return -EOPNOTSUPP;
}
