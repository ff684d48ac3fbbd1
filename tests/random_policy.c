// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/random_policy.h"

#include <stdarg.h>
#include <string.h>

#include "conf/framing.h"
#include "tests/queue_cases.h"

enum {
	MAX_DEPTH = 3, MAX_CLASSES = 6, MAX_LIST = 3,
	MIN_KBIT = 24,		/* below that shares get too small for what bursts may be */
};

struct gen {
	FILE *f;
	struct choices *c;
	const struct random_kernel *kernel;
	bool ingress;		/* of the tree or rule at hand */
};

/* ---- small parts ---- */

static void say(struct gen *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct gen *g, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(g->f, fmt, ap);
	va_end(ap);
}

static bool chance(struct gen *g, uint32_t percent)
{
	return choose(g->c, 100) >= 100 - percent;
}

static uint32_t between(struct gen *g, uint32_t low, uint32_t high)
{
	return low + choose(g->c, high - low + 1);
}

#define PICK(g, array) ((array)[choose((g)->c, sizeof(array) / sizeof((array)[0]))])

static bool has(const struct gen *g, enum kind_type type, const char *name)
{
	const struct kind *kind = kind_find(type, name);

	return kind && probe_has(&g->kernel->probe, kind);
}

static void say_rate(struct gen *g, uint64_t kbit)
{
	if (chance(g, 20))
		say(g, "%llubit", (unsigned long long)kbit * 1000 + between(g, 1, 999));
	else
		say(g, "%llukbit", (unsigned long long)kbit);
}

/* ---- matches ---- */

enum family { BOTH, IP4, IP6 };

static void say_prefix(struct gen *g, enum family family)
{
	static const unsigned int lengths6[] = { 64, 48, 128, 63, 32, 0 };
	unsigned int bits;

	if (family == IP6 || (family == BOTH && chance(g, 40))) {
		bits = PICK(g, lengths6);
		if (bits == 128)
			say(g, "2001:db8::%x", between(g, 1, 0xffff));
		else if (!bits)
			say(g, "::/0");
		else
			say(g, "2001:db8:%x::/%u", bits == 32 ? 0 : between(g, 0, 0xffff), bits);
		return;
	}
	switch (choose(g->c, 4)) {
	case 0:
		say(g, "10.%u.0.0/16", between(g, 0, 99));
		return;
	case 1:
		say(g, "10.%u.%u.%u", between(g, 0, 9), between(g, 0, 255), between(g, 1, 254));
		return;
	case 2:
		say(g, "192.0.2.%u/30", 4 * between(g, 0, 63));
		return;
	default:
		say(g, "0.0.0.0/0");
	}
}

static void say_prefixes(struct gen *g, const char *word, enum family family)
{
	unsigned int n = between(g, 1, MAX_LIST);

	say(g, " %s ", word);
	while (n--) {
		say_prefix(g, family);
		say(g, "%s", n ? "," : "");
	}
}

/* A range may take many filters; with ranges on both sides it is their product. */
static void say_ports(struct gen *g, const char *word, bool ranges)
{
	unsigned int n = between(g, 1, ranges ? MAX_LIST : 2), port;

	say(g, " %s ", word);
	while (n--) {
		port = between(g, 1, 60000);
		say(g, "%u", port);
		if (ranges && chance(g, 30))
			say(g, "-%u", port + (chance(g, 80) ? between(g, 0, 30) : between(g, 1, 5000)));
		say(g, "%s", n ? "," : "");
	}
}

/* Returns whether such packets have ports. */
static bool say_protocol(struct gen *g, enum family family)
{
	static const char *const with_ports[] = { "udp", "tcp", "proto sctp" };

	switch (choose(g->c, 5)) {
	case 0:
		return true;	/* none said: TCP and UDP have them */
	case 1:
	case 2:
		say(g, " %s", PICK(g, with_ports));
		return true;
	case 3:
		say(g, family == IP6 ? " proto icmp6" : " icmp");
		return false;
	default:
		say(g, " proto %u", between(g, 34, 130));
		return false;
	}
}

static void say_dscp(struct gen *g)
{
	static const char *const names[] = { "ef", "be", "cs1", "cs5", "af41", "12", "le", "va", "63" };
	unsigned int n = between(g, 1, MAX_LIST);

	say(g, " dscp ");
	while (n--)
		say(g, "%s%s", PICK(g, names), n ? "," : "");
}

/* What only some of the kernel's filters see; each of these sends the match to another one. */
static void say_special(struct gen *g)
{
	uint32_t mask;

	switch (choose(g->c, 3)) {
	case 0:
		if (!probe_can(&g->kernel->probe, FEATURE_U32_MARK) ||
		    (g->ingress && !has(g, KIND_ACTION, "connmark")))
			return;
		mask = between(g, 1, 0xffff);
		say(g, " mark 0x%x/0x%x", between(g, 0, 0xffff) & mask, mask);
		return;
	case 1:
		if (has(g, KIND_FILTER, "flower"))
			say(g, " vlan %u", between(g, 1, 4094));
		return;
	default:
		say(g, " mac 02:00:00:00:00:%02x", between(g, 1, 255));
	}
}

static void say_match(struct gen *g)
{
	enum family family = BOTH;
	bool ports;

	say(g, "match");
	if (chance(g, 3)) {
		say(g, " all");
		return;
	}
	if (chance(g, 30)) {
		family = chance(g, 50) ? IP6 : IP4;
		say(g, family == IP6 ? " ip6" : " ip");
	}
	if (chance(g, 10)) {	/* says all of itself */
		say(g, " tcp ack");
		return;
	}
	ports = say_protocol(g, family);
	if (chance(g, 40))
		say_prefixes(g, "from", family);
	else if (chance(g, 40))
		say_prefixes(g, "to", family);
	if (chance(g, 20))
		say_dscp(g);
	if (chance(g, 15))
		say_special(g);
	if (ports && chance(g, 30))
		say_ports(g, "sport", false);
	if (ports)
		say_ports(g, "dport", true);	/* so that no match is without a term */
}

/* ---- queues ---- */

/* Besides what is too new, or asks for a device of its own: a netem that duplicates may not be in one
 * tree with another netem (check_netem_in_tree(), 6.12). */
static const char *const avoid_old[] = {
	"offload_horizon", "duplicate", "priomap", "bands", "weights", "seed", NULL
};
static const char *const avoid_new[] = { "offload_horizon", "duplicate", NULL };

static void say_queue(struct gen *g)
{
	const struct queue_kind *queue = &queue_kinds[choose(g->c, (uint32_t)n_queue_kinds)];
	const struct kind *kind = kind_find(KIND_QDISC, queue->kind);
	const char *const *avoid = g->kernel->version < 0x60700 ? avoid_old : avoid_new;
	char words[2048];
	uint64_t state;

	if (!kind || !probe_has(&g->kernel->probe, kind) || !(kind->flags & KIND_LEAF)) {
		say(g, " queue pfifo");
		return;
	}
	snprintf(words, sizeof(words), "%s", queue->base);
	if (chance(g, 60)) {
		state = between(g, 0, 1000000);
		queue_random_words(queue, kind, &state, avoid, words, sizeof(words));
	}
	say(g, " queue %s %s", queue->kind, words);
}

/* ---- classes ---- */

static void say_class_options(struct gen *g, uint64_t ceil_kbit)
{
	if (chance(g, 50)) {
		say(g, " ceil ");
		if (chance(g, 50))
			say_rate(g, ceil_kbit);
		else
			say(g, "100%%");
	}
	if (chance(g, 40))
		say(g, " prio %u", between(g, 0, 7));
	if (chance(g, 10))
		say(g, " burst %ukb", between(g, 3, 60));
	if (chance(g, 10))
		say(g, " cburst %ukb", between(g, 3, 60));
	if (chance(g, 10))
		say(g, " quantum %u", between(g, 1600, 60000));
}

static void say_classes(struct gen *g, uint64_t kbit, uint64_t ceil_kbit, unsigned int depth,
			bool unmatched);

static void say_class(struct gen *g, const char *name, uint64_t kbit, uint64_t ceil_kbit,
		      unsigned int depth)
{
	bool own;

	say(g, "%*sclass %s rate ", (int)depth * 2, "", name);
	say_rate(g, kbit);
	say_class_options(g, ceil_kbit);
	if (depth < MAX_DEPTH && kbit > 4 * MIN_KBIT && chance(g, 25)) {
		own = chance(g, 50);
		say(g, " {\n");
		if (own) {
			say(g, "%*s", (int)depth * 2 + 2, "");
			say_match(g);
			say(g, "\n");
		}
		say_classes(g, kbit, ceil_kbit, depth + 1, own);
		say(g, "%*s}\n", (int)depth * 2, "");
		return;
	}
	if (chance(g, 50))
		say_queue(g);
	say(g, " { ");
	do {
		say_match(g);
		say(g, "; ");
	} while (chance(g, 35));
	say(g, "}\n");
}

/* The rates sum up to at most nine tenths; what is left is that of a default class. */
static void say_classes(struct gen *g, uint64_t kbit, uint64_t ceil_kbit, unsigned int depth,
			bool unmatched)
{
	static const char *const names[] = {
		"a", "b", "c", "d", "voip", "web", "bulk", "lab", "guest", "x-1.y_2"
	};
	enum { NAMES = sizeof(names) / sizeof(names[0]) };
	unsigned int n, most = depth > 1 ? 3 : MAX_CLASSES, i;
	uint64_t share = kbit * 9 / 10 / most;
	bool used[NAMES] = { 0 };

	for (n = 0; n < most && share >= MIN_KBIT && (!n || chance(g, 55)); n++) {
		for (i = choose(g->c, NAMES); used[i]; i = (i + 1) % NAMES)
			;
		used[i] = true;
		say_class(g, names[i], share - choose(g->c, (uint32_t)(share / 2 > 1000000 ? 1000000 :
								  share / 2)), ceil_kbit, depth);
	}
	if (unmatched && n && chance(g, 30)) {
		say(g, "%*sdefault rate %llukbit", (int)depth * 2, "", (unsigned long long)kbit / 20 + 1);
		if (chance(g, 50))
			say(g, " ceil 100%%");
		if (chance(g, 30))
			say_queue(g);
		say(g, "\n");
	}
}

static void say_tree(struct gen *g, const char *direction)
{
	static const uint64_t rates_kbit[] = {
		1000, 200, 2000, 20000, 50000, 250000, 1000000, 2500000, 10000000, 40000000
	};
	uint64_t kbit = PICK(g, rates_kbit) - choose(g->c, 50);

	g->ingress = direction[0] == 'i';
	say(g, "  %s rate %llukbit", direction, (unsigned long long)kbit);
	if (chance(g, 15)) {
		say_queue(g);
		say(g, "\n");
		return;
	}
	say(g, " {\n");
	say_classes(g, kbit, kbit, 2, true);
	say(g, "  }\n");
}

/* ---- links ---- */

static void say_police(struct gen *g)
{
	static const char *const verdicts[] = { "drop", "pass", "reclassify" };
	unsigned int mbit = between(g, 1, 99);

	g->ingress = chance(g, 60);
	say(g, "  police %s rate %umbit", g->ingress ? "ingress" : "egress", mbit);
	if (chance(g, 60))
		say(g, " burst %ukb", between(g, 64, 512));
	if (chance(g, 20))
		say(g, " mtu %ukb", between(g, 2, 64));
	if (chance(g, 20))
		say(g, " conform %s", PICK(g, verdicts));
	if (chance(g, 20))
		say(g, " exceed %s", PICK(g, verdicts));
	if (chance(g, 80)) {
		say(g, " { ");
		say_match(g);
		say(g, " }");
	}
	say(g, "\n");
}

static void say_framing(struct gen *g)
{
	static const char *const layers[] = { "", " atm", " ptm" };
	unsigned int presets = 0;

	while (framing_presets[presets].name)
		presets++;
	if (chance(g, 30))
		say(g, "  framing %s\n", framing_presets[choose(g->c, presets)].name);
	else if (chance(g, 30))
		say(g, "  overhead %d mpu %u%s\n", (int)between(g, 0, 80) - 20, between(g, 0, 90),
		    PICK(g, layers));
}

static void say_classifier(struct gen *g)
{
	unsigned int n = 0, i;

	while (g->kernel->classifiers && g->kernel->classifiers[n])
		n++;
	i = n ? choose(g->c, n + 1) : 0;
	if (i)
		say(g, "  classifier %s\n", g->kernel->classifiers[i - 1]);
}

static void say_link(struct gen *g, const char *name)
{
	unsigned int i;

	say(g, "link %s {\n", name);
	say_framing(g);
	say_classifier(g);
	if (chance(g, 75))
		say_tree(g, "egress");
	if (chance(g, 55))
		say_tree(g, "ingress");
	if (has(g, KIND_ACTION, "police"))
		for (i = 0; i < 3 && chance(g, 35); i++)
			say_police(g);
	say(g, "}\n");
}

void random_policy(FILE *f, struct choices *c, const struct random_kernel *kernel)
{
	struct gen g = { .f = f, .c = c, .kernel = kernel };
	unsigned int i;

	for (i = 0; kernel->links[i]; i++)
		if (chance(&g, 70))
			say_link(&g, kernel->links[i]);
}
