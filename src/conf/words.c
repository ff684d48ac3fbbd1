// SPDX-License-Identifier: GPL-2.0-or-later
#include "conf/words.h"

#include <netinet/in.h>
#include <strings.h>

#include "conf/policy.h"
#include "lib/near.h"

/* RFC 2474 (class selectors), 2597 (assured forwarding), 3246 (EF), 5865 (VA), 8622 (LE) */
#define AF(class, drop) { "af" #class #drop, 8 * (class) + 2 * (drop), false }
const struct named word_dscps[] = {
	{ "be", 0, false }, { "cs0", 0, false }, { "le", 1, false },
	{ "cs1", 8, false }, { "cs2", 16, false }, { "cs3", 24, false }, { "cs4", 32, false },
	{ "cs5", 40, false }, { "cs6", 48, false }, { "cs7", 56, false },
	AF(1, 1), AF(1, 2), AF(1, 3), AF(2, 1), AF(2, 2), AF(2, 3),
	AF(3, 1), AF(3, 2), AF(3, 3), AF(4, 1), AF(4, 2), AF(4, 3),
	{ "va", 44, false }, { "ef", 46, false },
	{ .name = NULL }
};

/* IANA's protocol numbers. */
const struct named word_protos[] = {
	{ "icmp", IPPROTO_ICMP, false }, { "igmp", IPPROTO_IGMP, false },
	{ "ipip", IPPROTO_IPIP, false }, { "tcp", IPPROTO_TCP, true },
	{ "udp", IPPROTO_UDP, true }, { "dccp", IPPROTO_DCCP, true },
	{ "gre", IPPROTO_GRE, false }, { "esp", IPPROTO_ESP, false },
	{ "ah", IPPROTO_AH, false }, { "icmp6", IPPROTO_ICMPV6, false },
	{ "ospf", 89, false }, { "sctp", IPPROTO_SCTP, true },
	{ "udplite", IPPROTO_UDPLITE, true },
	{ .name = NULL }
};

const struct named word_verdicts[] = {
	{ "drop", VERDICT_DROP, false }, { "pass", VERDICT_PASS, false },
	{ "reclassify", VERDICT_RECLASSIFY, false },
	{ .name = NULL }
};

const struct named word_linklayers[] = {
	{ "atm", LINKLAYER_ATM, false }, { "ptm", LINKLAYER_PTM, false },
	{ .name = NULL }
};

const struct named word_classifiers[] = {
	{ "auto", CLASSIFIER_AUTO, false }, { "bpf", CLASSIFIER_BPF, false },
	{ "kernel", CLASSIFIER_KERNEL, false },
	{ .name = NULL }
};

const struct named word_xdp[] = {
	{ "on", XDP_AUTO, false }, { "off", XDP_OFF, false }, { "native", XDP_NATIVE, false },
	{ "generic", XDP_GENERIC, false },
	{ .name = NULL }
};

const struct named word_only[] = {
	{ "internet", LIMIT_INTERNET, false }, { "local", LIMIT_LOCAL, false },
	{ .name = NULL }
};

const struct named *named_find(const struct named *table, const char *name)
{
	for (; table->name; table++)
		if (!strcasecmp(table->name, name))
			return table;
	return NULL;
}

const struct named *named_value(const struct named *table, uint8_t value)
{
	for (; table->name; table++)
		if (table->value == value)
			return table;
	return NULL;
}

const char *named_near(const struct named *table, const char *word)
{
	const char *words[64];
	size_t n = 0;

	for (; table->name && n < sizeof(words) / sizeof(words[0]); table++)
		words[n++] = table->name;
	return near_word(word, words, n);
}
