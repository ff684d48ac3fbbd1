// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/tc_filter.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "qdisc/filter.h"
#include "qdisc/htb.h"

enum {
	ETHERTYPE_IP = 0x0800, ETHERTYPE_IP6 = 0x86dd, ETHERTYPE_VLAN = 0x8100,
	FRAGMENT = 1,		/* TCA_FLOWER_KEY_FLAGS_IS_FRAGMENT */
	PORT_BITS = 0xffff,
};

/* ---- words ---- */

void tc_word(FILE *f, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "@%+=:,./_-";

	if (*word && strspn(word, plain) == strlen(word)) {
		fputs(word, f);
		return;
	}
	fputc('\'', f);
	for (; *word; word++)
		fputs(*word == '\'' ? "'\\''" : (char[]){ *word, 0 }, f);
	fputc('\'', f);
}

void tc_unknown(FILE *f, const char *type, const struct obj *obj, const struct tree_link *link)
{
	fprintf(f, "# %s %s of %s: tc's words for it are not known\n", type, obj->kind_name, link->name);
}

static void print_classid(FILE *f, const char *word, const struct opts *o, unsigned int row)
{
	uint64_t classid = opts_get(o, row, 0);

	if (classid)
		fprintf(f, " %s %x:%x", word, (unsigned int)(classid >> 16),
			(unsigned int)(classid & 0xffff));
}

static void begin(FILE *f, const struct tree_link *link, uint32_t parent, const char *protocol,
		  uint32_t prio)
{
	fputs("tc filter add dev ", f);
	tc_word(f, link->name);
	if (parent == HANDLE_INGRESS || parent == HANDLE_EGRESS)
		fputs(parent == HANDLE_INGRESS ? " ingress" : " egress", f);
	else
		fprintf(f, " parent %x:", HANDLE_MAJOR(parent));
	fprintf(f, " protocol %s prio %" PRIu32, protocol, prio);
}

/* ---- actions ---- */

static const char *verdict(const struct action *a, unsigned int row, enum police_verdict otherwise)
{
	return a->kind->opts[row].names[opts_get(a->opts, row, otherwise)];
}

/* tc would make an mtu of its rate table where none is said: 2,047 bytes, too little for GSO. */
static void print_police(FILE *f, const struct action *a)
{
	const struct opts *o = a->opts;

	fprintf(f, " rate %" PRIu64 "bit burst %" PRIu64 "b mtu %" PRIu64 "b",
		opts_get(o, POLICE_RATE, 0), opts_get(o, POLICE_BURST, 0),
		opts_get(o, POLICE_MTU, UINT32_MAX));
	if (opts_has(o, POLICE_PEAKRATE))
		fprintf(f, " peakrate %" PRIu64 "bit", opts_get(o, POLICE_PEAKRATE, 0));
	if (opts_get(o, POLICE_OVERHEAD, 0))
		fprintf(f, " overhead %" PRIu64, opts_get(o, POLICE_OVERHEAD, 0));
	if (opts_get(o, POLICE_MPU, 0))
		fprintf(f, " mpu %" PRIu64, opts_get(o, POLICE_MPU, 0));
	if (opts_get(o, POLICE_LINKLAYER, TC_LL_ETHERNET) == TC_LL_ATM)
		fputs(" linklayer atm", f);
	if (opts_has(o, POLICE_INDEX))
		fprintf(f, " index %" PRIu64, opts_get(o, POLICE_INDEX, 0));
	fprintf(f, " conform-exceed %s/%s", verdict(a, POLICE_EXCEED, POLICE_DROP),
		verdict(a, POLICE_CONFORM, POLICE_OK));
}

static void print_mirred(FILE *f, const struct action *a)
{
	fputs(" egress redirect dev ", f);
	tc_word(f, a->opts->v[MIRRED_DEV].name);
}

static void print_other(FILE *f, const struct action *a)
{
	opts_print_exact(f, a->kind, a->opts);
}

static const struct {
	const char *kind;
	void (*print)(FILE *f, const struct action *a);
} actions[] = {
	{ "police", print_police }, { "mirred", print_mirred }, { NULL, print_other },
};

static void end(FILE *f, const struct obj *filter)
{
	const struct action *a;
	size_t i;

	for (a = filter->actions; a; a = a->next) {
		fprintf(f, " action %s", a->kind->name);
		for (i = 0; actions[i].kind && strcmp(actions[i].kind, a->kind->name); i++)
			;
		actions[i].print(f, a);
	}
	fputc('\n', f);
}

/* ---- u32 and matchall ---- */

/* A selector there must be, and tc has no word for one without keys. */
static void print_u32(FILE *f, const struct obj *filter)
{
	const struct opts *o = filter->opts;
	uint64_t mark = opts_get(o, U32_MARK, 0);
	unsigned int n;

	if (opts_has(o, U32_MARK))
		fprintf(f, " match mark 0x%" PRIx64 " 0x%" PRIx64, mark & UINT32_MAX, mark >> 32);
	else if (!opts_has(o, U32_KEY))
		fputs(" match u32 0 0", f);
	for (n = U32_KEY; n < U32_ROWS && opts_has(o, n); n++)
		fprintf(f, " match u32 0x%08x 0x%08x at %d", ntohl((uint32_t)o->v[n].w[1]),
			ntohl((uint32_t)o->v[n].w[0]), o->v[n].w[2]);
	print_classid(f, "flowid", o, U32_CLASSID);
}

static void print_matchall(FILE *f, const struct obj *filter)
{
	print_classid(f, "classid", filter->opts, MATCHALL_CLASSID);
}

/* ---- flower ---- */

/*
 * tc takes terms about IP only together with the protocol of the filter, which must be the packet's
 * outermost. So one filter of weir's, which sees through a VLAN tag, becomes one for packets
 * without and one for packets with a tag; and a prio has only one protocol.
 */
enum form { FORM_ALL, FORM_IP, FORM_IP6, FORM_TAGGED, FORMS };

static const char *const form_protocols[] = {
	[FORM_ALL] = "all", [FORM_IP] = "ip", [FORM_IP6] = "ipv6", [FORM_TAGGED] = "802.1Q",
};

static bool has_form(const struct obj *filter, enum form form)
{
	if (strcmp(filter->kind_name, "flower") || !opts_has(filter->opts, FLOWER_ETH_TYPE))
		return form == FORM_ALL;
	switch (filter->opts->v[FLOWER_ETH_TYPE].u) {
	case ETHERTYPE_IP:
		return form == FORM_IP || form == FORM_TAGGED;
	case ETHERTYPE_IP6:
		return form == FORM_IP6 || form == FORM_TAGGED;
	default:
		return form == FORM_TAGGED;
	}
}

static void print_tag(FILE *f, const struct opts *o)
{
	uint64_t type = opts_get(o, FLOWER_ETH_TYPE, 0);

	if (type == ETHERTYPE_VLAN)
		type = opts_get(o, FLOWER_VLAN_ETH_TYPE, 0);
	if (opts_has(o, FLOWER_VLAN_ID))
		fprintf(f, " vlan_id %" PRIu64, opts_get(o, FLOWER_VLAN_ID, 0));
	if (type)
		fprintf(f, " vlan_ethtype %s", type == ETHERTYPE_IP6 ? "ipv6" : "ip");
}

static void print_mac(FILE *f, const struct kind *kind, const struct opts *o, unsigned int row)
{
	char text[32];

	if (opts_has(o, row))
		fprintf(f, " %s %s", kind->opts[row].word,
			opts_text(&kind->opts[row], &o->v[row], text, sizeof(text)));
}

static void print_proto(FILE *f, const struct opts *o)
{
	static const struct {
		uint64_t proto;
		const char *name;
	} names[] = { { 6, "tcp" }, { 17, "udp" }, { 132, "sctp" } };
	uint64_t proto = opts_get(o, FLOWER_IP_PROTO, 0);
	size_t i;

	if (!opts_has(o, FLOWER_IP_PROTO))
		return;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].proto == proto) {
			fprintf(f, " ip_proto %s", names[i].name);
			return;
		}
	fprintf(f, " ip_proto 0x%" PRIx64, proto);
}

static void print_tos(FILE *f, const struct opts *o)
{
	if (opts_has(o, FLOWER_IP_TOS))
		fprintf(f, " ip_tos 0x%" PRIx64 "/0x%" PRIx64, opts_get(o, FLOWER_IP_TOS, 0),
			opts_get(o, FLOWER_IP_TOS_MASK, 0xff));
}

/* row is that of the address, the next one that of its mask. */
static void print_prefix(FILE *f, const char *word, const struct opts *o, unsigned int row,
			 int family)
{
	unsigned int size = family == AF_INET6 ? 16 : 4, bits = 0, i;
	char text[INET6_ADDRSTRLEN];

	if (!opts_has(o, row))
		return;
	for (i = 0; i < size && opts_has(o, row + 1); i++)
		bits += (unsigned int)__builtin_popcount(o->v[row + 1].b[i]);
	fprintf(f, " %s %s/%u", word, inet_ntop(family, o->v[row].b, text, sizeof(text)),
		opts_has(o, row + 1) ? bits : size * 8);
}

/* tc takes no range that begins with 0: it becomes port 0 and the rest. */
static bool range_from_0(const struct opts *o, unsigned int min_row)
{
	return opts_has(o, min_row) && !o->v[min_row].u;
}

static void print_ports(FILE *f, const char *word, const struct opts *o, unsigned int row,
			unsigned int min_row, bool only_0)
{
	uint64_t port = opts_get(o, row, 0), mask = opts_get(o, row + 1, PORT_BITS);
	uint64_t min = opts_get(o, min_row, 0);

	if (opts_has(o, min_row) && only_0)
		fprintf(f, " %s 0/0xffff", word);
	else if (opts_has(o, min_row))
		fprintf(f, " %s %" PRIu64 "-%" PRIu64, word, min ? min : 1,
			opts_get(o, min_row + 1, 0));
	else if (opts_has(o, row) && mask == PORT_BITS && port)
		fprintf(f, " %s %" PRIu64, word, port);
	else if (opts_has(o, row))
		fprintf(f, " %s %" PRIu64 "/0x%" PRIx64, word, port, mask);
}

enum { SPORT_0 = 1, DPORT_0 = 2 };

static void print_flower(FILE *f, const struct obj *filter, enum form form, unsigned int zeros)
{
	const struct opts *o = filter->opts;

	fputs(" flower", f);
	if (form == FORM_TAGGED)
		print_tag(f, o);
	print_mac(f, filter->kind, o, FLOWER_SRC_MAC);
	print_mac(f, filter->kind, o, FLOWER_DST_MAC);
	print_proto(f, o);
	print_tos(f, o);
	print_prefix(f, "src_ip", o, FLOWER_SRC4, AF_INET);
	print_prefix(f, "dst_ip", o, FLOWER_DST4, AF_INET);
	print_prefix(f, "src_ip", o, FLOWER_SRC6, AF_INET6);
	print_prefix(f, "dst_ip", o, FLOWER_DST6, AF_INET6);
	print_ports(f, "src_port", o, FLOWER_SPORT, FLOWER_SPORT_MIN, zeros & SPORT_0);
	print_ports(f, "dst_port", o, FLOWER_DPORT, FLOWER_DPORT_MIN, zeros & DPORT_0);
	if (opts_get(o, FLOWER_FLAGS_MASK, 0) & FRAGMENT)
		fprintf(f, " ip_flags %sfrag", opts_get(o, FLOWER_FLAGS, 0) & FRAGMENT ? "" : "no");
	print_classid(f, "classid", o, FLOWER_CLASSID);
}

static void flower_filter(FILE *f, const struct tree_link *link, const struct obj *filter,
			  enum form form, uint32_t prio)
{
	unsigned int split = 0, zeros;

	if (range_from_0(filter->opts, FLOWER_SPORT_MIN))
		split |= SPORT_0;
	if (range_from_0(filter->opts, FLOWER_DPORT_MIN))
		split |= DPORT_0;
	for (zeros = 0; zeros <= split; zeros++) {
		if (zeros & ~split)
			continue;
		begin(f, link, filter->parent, form_protocols[form], prio);
		print_flower(f, filter, form, zeros);
		end(f, filter);
	}
}

/* ---- all of a parent ---- */

static void one_filter(FILE *f, const struct tree_link *link, const struct obj *filter,
		       enum form form, uint32_t prio)
{
	if (!filter->kind || !filter->opts) {
		tc_unknown(f, "filter", filter, link);
	} else if (!strcmp(filter->kind_name, "flower")) {
		flower_filter(f, link, filter, form, prio);
	} else {
		begin(f, link, filter->parent, form_protocols[form], prio);
		fprintf(f, "%s %s", !strcmp(filter->kind_name, "cgroup") ? " handle 1" : "", filter->kind_name);
		if (!strcmp(filter->kind_name, "u32"))
			print_u32(f, filter);
		else
			print_matchall(f, filter);
		end(f, filter);
	}
}

static bool is_of_group(const struct obj *filter, const struct obj *first)
{
	return filter->parent == first->parent && filter->prio == first->prio;
}

/* The filters of one prio, which stand together; returns the prio after the last that they took. */
static uint32_t group(FILE *f, const struct tree_link *link, const struct obj *first, uint32_t prio)
{
	const struct obj *filter;
	enum form form;
	bool taken;

	for (form = FORM_ALL; form < FORMS; form++) {
		taken = false;
		for (filter = first; filter && is_of_group(filter, first); filter = filter->next)
			if (has_form(filter, form)) {
				one_filter(f, link, filter, form, prio);
				taken = true;
			}
		prio += taken;
	}
	return prio;
}

/* Prios grow. They stay what they are unless a group before took more than one. */
void tc_filters(FILE *f, const struct tree_link *link, uint32_t parent)
{
	const struct obj *filter;
	uint32_t free_prio = 0;
	uint16_t done = 0;

	for (filter = link->objs[OBJ_FILTER]; filter; filter = filter->next) {
		if (filter->parent != parent || filter->prio == done)
			continue;
		done = filter->prio;
		free_prio = group(f, link, filter, done > free_prio ? done : free_prio);
	}
}
