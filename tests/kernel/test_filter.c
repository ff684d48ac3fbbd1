// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Compiled matches in the real kernel: random matches and random packets at HTB's root and at
 * clsact's ingress, and the packets of real sockets.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>

#include "kernel/probe.h"
#include "plan/classifier.h"
#include "qdisc/filter.h"
#include "tests/kernel/kt.h"
#include "tests/packet.h"

enum { MATCHES = 150, PACKETS = 24, FIRST_PRIO = 7 };

#define CLASS_MATCH HANDLE(WEIR_MAJOR, 0x10)
#define CLASS_ELSE HANDLE(WEIR_MAJOR, 2)

static const uint32_t u32_terms = MATCH_FAMILY | MATCH_PROTO | MATCH_FROM | MATCH_TO | MATCH_SPORT |
	MATCH_DPORT | MATCH_DSCP | MATCH_MAC | MATCH_ACK;
static const uint32_t flower_terms = MATCH_FAMILY | MATCH_PROTO | MATCH_FROM | MATCH_TO |
	MATCH_SPORT | MATCH_DPORT | MATCH_DSCP | MATCH_MAC;

/* ---- the place ---- */

static void make_veth(void)
{
	kt_sh("ip link add v0 type veth peer name v1 && ip link set v0 addrgenmode none && "
	      "ip link set v1 addrgenmode none && ip link set v0 up && ip link set v1 up");
}

/* v0.1 to v0.3: what is sent there has its tag in metadata on v0. Returns whether they are there. */
static bool make_vlans(void)
{
	return !system("for n in 1 2 3; do ip link add link v0 name v0.$n type vlan id $n && "
		       "ip link set v0.$n addrgenmode none && ip link set v0.$n up || exit; done "
		       "2>/dev/null");
}

static void make_htb(void)
{
	struct tree *tree = tree_new();
	struct tree_link *link = kt_link(tree, "v0");
	struct obj *htb = kt_qdisc(tree, link, "htb", HANDLE(WEIR_MAJOR, 0), HANDLE_ROOT);
	struct ops ops = { 0 };

	kt_words(htb, "default 2");
	kt_class(tree, link, HANDLE(WEIR_MAJOR, 1), HANDLE(WEIR_MAJOR, 0), 10000000000, 10000000000);
	kt_class(tree, link, CLASS_MATCH, HANDLE(WEIR_MAJOR, 1), 1000000000, 10000000000);
	kt_class(tree, link, CLASS_ELSE, HANDLE(WEIR_MAJOR, 1), 1000000000, 10000000000);
	kt_add_all(&ops, link);
	MUST(!kt_apply(&ops));
	tree_free(tree);
}

static int packet_socket(const char *dev)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(dev) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	MUST(fd >= 0);
	MUST(!bind(fd, (struct sockaddr *)&to, sizeof(to)));
	return fd;
}

/* The probe that says that only this kind of filter is there. */
static struct probe probe_only(const char *kind)
{
	struct probe probe = { 0 };
	size_t i;

	kt_need(KIND_FILTER, kind);
	MUST(!kernel_probe(&kt_ctx, &probe));
	for (i = 0; kinds[i]; i++)
		if (kinds[i]->type == KIND_FILTER && strcmp(kinds[i]->name, kind))
			probe.have &= ~(UINT64_C(1) << i);
	probe.done = true;
	return probe;
}

/* ---- filters in and out ---- */

static void add_filters(const struct tree_link *link)
{
	struct ops ops = { 0 };
	const struct obj *f;

	for (f = link->objs[OBJ_FILTER]; f; f = f->next)
		kt_op(&ops, OP_ADD, PHASE_CLASSIFY, link, NULL, f);
	CHECK_INT(kt_apply(&ops), 0);
}

static void remove_filters(const struct tree_link *link)
{
	struct ops ops = { 0 };
	const struct obj *f;
	uint16_t prio = 0;

	for (f = link->objs[OBJ_FILTER]; f; f = f->next) {
		if (f->prio != prio)
			kt_op(&ops, OP_DEL, PHASE_UNHOOK, link, f, NULL);
		prio = f->prio;
	}
	CHECK_INT(kt_apply(&ops), 0);
}

static const struct obj *same_place(const struct tree_link *link, const struct obj *f)
{
	const struct obj *p;

	for (p = link->objs[OBJ_FILTER]; p; p = p->next)
		if (p->parent == f->parent && p->prio == f->prio && (p->handle & 0xfff) == f->handle)
			return p;
	return NULL;
}

/* What was added is what is there: nothing more, nothing less. */
static void check_read_back(const struct tree_link *wanted, const struct tree_link *present)
{
	const struct obj *f, *p;
	unsigned int n = 0, there = 0;

	for (f = wanted->objs[OBJ_FILTER]; f; f = f->next, n++) {
		p = same_place(present, f);
		CHECK(p && !p->opaque && p->kind == f->kind);
		CHECK(p && p->opts && opts_hold(f->kind, f->opts, p->opts));
		CHECK(p && p->opts && opts_hold(f->kind, p->opts, f->opts));
		if (!p || !p->opts)
			return;
	}
	for (p = present->objs[OBJ_FILTER]; p; p = p->next)
		there++;
	CHECK_INT(there, n);
}

/* ---- random matches and packets ---- */

struct place {
	const char *kind;
	uint32_t terms;
	struct sight (*sight)(const struct match *m, const struct packet *p);
	bool ingress;
	unsigned int taggings;
	struct probe probe;
	int fd[4];		/* where packets are sent; [n]: into VLAN n */
	struct action *redirect;
};

static uint64_t count_class(const struct tree_link *link, uint32_t classid)
{
	const struct obj *c = tree_class(link, classid);

	MUST(c && c->stats.have);
	return c->stats.packets;
}

static uint64_t count_prio(const struct tree_link *link, uint16_t prio)
{
	const struct obj *f;
	uint64_t n = 0;

	for (f = link->objs[OBJ_FILTER]; f; f = f->next)
		if (f->prio == prio)
			n += f->stats.packets;
	return n;
}

struct counts {
	uint64_t hits, others;
};

static struct counts count(const struct place *place, const struct tree_link *link)
{
	if (place->ingress)
		return (struct counts){ count_prio(link, FIRST_PRIO), count_prio(link, FIRST_PRIO + 1) };
	return (struct counts){ count_class(link, CLASS_MATCH), count_class(link, CLASS_ELSE) };
}

/* Sends the packet in the form in which it becomes what the model says at the hook. */
static void send_packet(const struct place *place, const struct packet *p)
{
	uint8_t frame[PACKET_ROOM + 4], tag[4] = { 0x81, 0, 0, (uint8_t)p->vlan };
	unsigned int size = p->end - p->start;
	int fd = place->fd[0];
	bool tagged = p->tagging == TAG_IN_METADATA || p->tagging == SECOND_TAG_IN_HEADER;

	memcpy(frame, p->buf + p->start, size);
	if (tagged && place->ingress) {		/* the receiver takes it out of the header */
		memmove(frame + 16, frame + 12, size - 12);
		memcpy(frame + 12, tag, 4);
		size += 4;
	} else if (tagged) {
		fd = place->fd[p->vlan];
	}
	MUST(!setsockopt(fd, SOL_SOCKET, SO_MARK, &p->mark, sizeof(p->mark)));
	MUST(send(fd, frame, size, 0) == (ssize_t)size);
}

/* The match, and behind it a rule that counts what is left. */
static struct tree *compile(const struct place *place, const struct match *m)
{
	struct rule rules[] = {
		{ .match = m, .classid = place->ingress ? 0 : CLASS_MATCH,
		  .actions = place->redirect, .what = "class x" },
		{ .classid = place->ingress ? 0 : CLASS_ELSE,
		  .actions = place->redirect, .what = "class else" },
	};
	struct hook hook = { .parent = place->ingress ? HANDLE_INGRESS : HANDLE(WEIR_MAJOR, 0),
			     .prio_first = FIRST_PRIO, .prio_last = FIRST_PRIO + 1, .ethernet = true };
	struct tree *tree = tree_new();
	struct tree_link *link = kt_link(tree, "v0");

	MUST(!classifier_find("kernel")->compile(&kt_ctx, &place->probe, &hook, rules, 2, tree, link));
	return tree;
}

static void describe(const struct match *m, const struct packet *p, const char *kind, bool wanted)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	conf_print_match(f, m);
	fclose(f);
	kt_fail(__FILE__, __LINE__, "%s: 'match%s' should %shold: ip6 %d proto %u tagging %u extended %d "
		"fragment %u ports %u %u dscp %u flags 0x%x bytes %u mark 0x%x", kind, text,
		wanted ? "" : "not ", p->ip6, p->proto, p->tagging, p->extended, p->fragment, p->sport,
		p->dport, p->dscp, p->tcp_flags, p->ip_bytes, p->mark);
	free(text);
}

static struct counts counts_now(const struct place *place)
{
	struct tree *present = kt_dump();
	struct counts c = count(place, tree_link_find(present, "v0"));

	tree_free(present);
	return c;
}

/* What is sent may still be on its way: waits until all n packets since `before` are counted. Returns
 * how many of them were hits. */
static uint64_t hits_since(const struct place *place, struct counts before, uint64_t n)
{
	unsigned int tries = 100;
	struct counts c;

	do {
		c = counts_now(place);
		if (c.hits + c.others >= before.hits + before.others + n)
			break;
		usleep(20000);
	} while (--tries);
	CHECK_INT(c.hits + c.others - before.hits - before.others, n);
	return c.hits - before.hits;
}

/* The packets again, one by one, to name those that went wrong. */
static void find_fault(const struct place *place, const struct match *m, const struct packet *packets)
{
	struct counts before;
	unsigned int i;

	for (i = 0; i < PACKETS; i++) {
		bool wanted = match_holds(m, &packets[i], place->sight(m, &packets[i]));

		before = counts_now(place);
		send_packet(place, &packets[i]);
		if (hits_since(place, before, 1) != wanted)
			describe(m, &packets[i], place->kind, wanted);
	}
}

static unsigned int check_match(const struct place *place, const struct match *m)
{
	struct tree *tree = compile(place, m), *present;
	struct tree_link *link = tree_link_find(tree, "v0");
	struct packet packets[PACKETS];
	struct counts before;
	uint64_t hits;
	unsigned int i, wanted = 0;

	add_filters(link);
	present = kt_dump();
	check_read_back(link, tree_link_find(present, "v0"));
	before = count(place, tree_link_find(present, "v0"));
	for (i = 0; i < PACKETS; i++) {
		packet_random(&packets[i], m, true, place->taggings);
		send_packet(place, &packets[i]);
		wanted += match_holds(m, &packets[i], place->sight(m, &packets[i]));
	}
	hits = hits_since(place, before, PACKETS);
	if (hits != wanted)
		find_fault(place, m, packets);
	CHECK_INT(hits, wanted);
	tree_free(present);
	remove_filters(link);
	tree_free(tree);
	return wanted;
}

static void check_place(struct place *place)
{
	unsigned int i, done = 0, hits = 0;
	char why[200];

	srand(7);
	for (i = 0; done < MATCHES && i < 4 * MATCHES; i++) {
		struct arena a = { 0 };
		struct match *m = match_random(&a, place->terms);

		if (!classifier_find("kernel")->can(&place->probe, m, why, sizeof(why))) {
			hits += check_match(place, m);
			done++;
		}
		arena_free(&a);
	}
	CHECK_INT(done, MATCHES);
	CHECK(hits > MATCHES * PACKETS / 20);
}

static void egress(struct place *place)
{
	char name[] = "v0.1";
	int n;

	place->probe = probe_only(place->kind);
	if (probe_can(&place->probe, FEATURE_U32_MARK) && !strcmp(place->kind, "u32"))
		place->terms |= MATCH_MARK;
	make_veth();
	if (make_vlans())
		place->taggings |= 1 << TAG_IN_METADATA;
	make_htb();
	place->fd[0] = packet_socket("v0");
	for (n = 1; n <= 3 && place->taggings >> TAG_IN_METADATA & 1; n++) {
		name[3] = (char)('0' + n);
		place->fd[n] = packet_socket(name);
	}
	check_place(place);
}

static void egress_u32(void)
{
	struct place place = { .kind = "u32", .terms = u32_terms, .sight = sight_of_u32,
			       .taggings = 1 << TAG_IN_HEADER };

	egress(&place);
}

static void egress_flower(void)
{
	struct place place = { .kind = "flower", .terms = flower_terms, .sight = sight_of_flower };

	egress(&place);
}

/* `vlan` needs packets with tags, for which the kernel has to have VLAN interfaces. */
static void egress_flower_vlan(void)
{
	struct place place = { .kind = "flower", .terms = flower_terms | MATCH_VLAN,
			       .sight = sight_of_flower };

	kt_need(KIND_FILTER, "flower");
	egress(&place);
	CHECK(place.taggings >> TAG_IN_METADATA & 1);
}

/* The kernel frees what a filter had some time after the filter is gone. */
static void check_actions_gone(const char *kind)
{
	unsigned int tries = 100;

	while (--tries && strstr(kt_sh("tc actions ls action %s", kind), "index"))
		usleep(50000);
	CHECK(tries);
}

static void ingress(struct place *place)
{
	struct tree *tree = tree_new();
	struct tree_link *link;
	struct ops ops = { 0 };

	place->probe = probe_only(place->kind);
	make_veth();
	kt_sh("ip link add sink type ifb && ip link set sink addrgenmode none && "
	      "ip link set sink up");
	link = kt_link(tree, "v0");
	kt_qdisc(tree, link, "clsact", HANDLE(0xffff, 0), HANDLE_CLSACT);
	kt_add_all(&ops, link);
	MUST(!kt_apply(&ops));
	place->redirect = kt_action(tree, &(struct obj){ 0 }, "mirred");
	strcpy(place->redirect->opts->v[MIRRED_DEV].name, "sink");
	place->redirect->opts->set = 1 << MIRRED_DEV;
	place->ingress = true;
	place->taggings = 1 << TAG_IN_METADATA | 1 << SECOND_TAG_IN_HEADER;
	place->fd[0] = packet_socket("v1");
	check_place(place);
	check_actions_gone("mirred");
	tree_free(tree);
}

static void ingress_u32(void)
{
	struct place place = { .kind = "u32", .terms = u32_terms, .sight = sight_of_u32 };

	kt_need(KIND_ACTION, "mirred");
	ingress(&place);
}

static void ingress_flower(void)
{
	struct place place = { .kind = "flower", .terms = flower_terms | MATCH_VLAN,
			       .sight = sight_of_flower };

	kt_need(KIND_ACTION, "mirred");
	ingress(&place);
}

/* ---- ends ---- */

/* Every packet, by each kind that can say that. */
static void every_packet(const char *kind)
{
	struct place place = { .kind = kind, .probe = probe_only(kind) };
	struct match all = { 0 };
	struct tree *tree;
	struct tree *present;

	make_veth();
	make_htb();
	place.fd[0] = packet_socket("v0");
	tree = compile(&place, &all);
	add_filters(tree_link_find(tree, "v0"));
	kt_send_frames("v0", 5);
	present = kt_dump();
	check_read_back(tree_link_find(tree, "v0"), tree_link_find(present, "v0"));
	CHECK_INT(count_class(tree_link_find(present, "v0"), CLASS_MATCH), 5);
	tree_free(present);
	tree_free(tree);
}

static void every_packet_u32(void) { every_packet("u32"); }
static void every_packet_flower(void) { every_packet("flower"); }
static void every_packet_matchall(void) { every_packet("matchall"); }

/* As many filters in one priority as a match may take: 1,000. */
static void full_match(void)
{
	struct place place = { .kind = "u32", .probe = probe_only("u32") };
	struct prefix *from = calloc(500, sizeof(*from)), to[2] = { 0 };
	struct match m = { .set = MATCH_FROM | MATCH_TO, .from = from, .n_from = 500, .to = to,
			   .n_to = 2 };
	struct tree *tree, *present;
	unsigned int i;

	for (i = 0; i < 500; i++)
		from[i] = (struct prefix){ .bits = 32, .addr = { 10, 0, (uint8_t)(i / 250), i % 250 } };
	to[0] = (struct prefix){ .bits = 8, .addr = { 10 } };
	to[1] = (struct prefix){ .bits = 8, .addr = { 11 } };
	make_veth();
	make_htb();
	tree = compile(&place, &m);
	add_filters(tree_link_find(tree, "v0"));
	present = kt_dump();
	check_read_back(tree_link_find(tree, "v0"), tree_link_find(present, "v0"));
	remove_filters(tree_link_find(tree, "v0"));
	tree_free(present);
	tree_free(tree);
	free(from);
}

static const struct kt_test tests[] = {
	{ "egress_u32", egress_u32 },
	{ "egress_flower", egress_flower },
	{ "egress_flower_vlan", egress_flower_vlan },
	{ "ingress_u32", ingress_u32 },
	{ "ingress_flower", ingress_flower },
	{ "every_packet_u32", every_packet_u32 },
	{ "every_packet_flower", every_packet_flower },
	{ "every_packet_matchall", every_packet_matchall },
	{ "full_match", full_match },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
