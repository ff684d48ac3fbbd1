// SPDX-License-Identifier: GPL-2.0-or-later
/* The list of all classifiers: a new one is one extern and one row here. */
#include "plan/classifier.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/alternatives.h"

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

static void print_rules(FILE *f, const struct rule *rules, unsigned int n)
{
	enum { NAMED_LINES = 3 };
	unsigned int i;

	for (i = 0; i < n && i < NAMED_LINES; i++) {
		fputs(i ? "; " : "", f);
		if (rules[i].match)
			conf_print_match(f, rules[i].match);
		else
			fputs("all", f);
	}
	if (n > NAMED_LINES)
		fprintf(f, " and %u more", n - NAMED_LINES);
}

const char *rules_text(struct arena *arena, const char *what, const struct rule *rules, unsigned int n)
{
	char *text = NULL;
	const char *copy;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	if (what)
		fprintf(f, "%s: ", what);
	print_rules(f, rules, n);
	copy = fclose(f) ? NULL : arena_strdup(arena, text);
	free(text);
	return copy;
}

/* tcp, udp, dccp, sctp and udplite: those whose headers begin with them. As bpf/parse.h has it. */
static bool has_ports(const struct match *m)
{
	static const uint8_t protos[] = { 6, 17, 33, 132, 136 };

	return !m->proto_icmp && memchr(protos, m->proto, sizeof(protos));
}

int match_check(const struct match *m, char *why, size_t size)
{
	bool ports = m->set & (MATCH_SPORT | MATCH_DPORT);

	if (ports && m->set & MATCH_PROTO && !has_ports(m)) {
		snprintf(why, size, "'%s' needs tcp, udp, sctp, dccp or udplite",
			 m->set & MATCH_SPORT ? "sport" : "dport");
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
