// SPDX-License-Identifier: GPL-2.0-or-later
/* flower: fields of the packet that the kernel dissects (net/sched/cls_flower.c, 6.12). */
#include "qdisc/filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include <linux/pkt_cls.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "qdisc/kind.h"

enum { ETHERTYPE_VLAN = 0x8100 };

/* A row whose attribute is fixed. None of them is part of the language. */
#define ROW(row, word_, type_, wire_, attr_, help_) \
	[row] = { word_, NULL, type_, wire_, TCA_FLOWER_##attr_, OPT_NO_MAN, .help = help_ }

/* A port row: its attribute depends on the protocol. */
#define PORT(row, word_, help_) \
	[row] = { word_, NULL, OPT_NUM, WIRE_NONE, 0, OPT_NO_MAN, .max = UINT16_MAX, .help = help_ }

static const struct opt rows[] = {
	ROW(FLOWER_CLASSID, "classid", OPT_CLASSID, WIRE_U32, CLASSID, "class that packets go to"),
	ROW(FLOWER_ETH_TYPE, "eth_type", OPT_HEX, WIRE_BE16, KEY_ETH_TYPE,
	    "protocol in the Ethernet header, or 0x8100 for tagged packets"),
	ROW(FLOWER_VLAN_ID, "vlan_id", OPT_NUM, WIRE_U16, KEY_VLAN_ID, "number of the outermost VLAN"),
	ROW(FLOWER_VLAN_ETH_TYPE, "vlan_ethtype", OPT_HEX, WIRE_BE16, KEY_VLAN_ETH_TYPE,
	    "protocol in the VLAN header"),
	ROW(FLOWER_SRC_MAC, "src_mac", OPT_MAC, WIRE_BLOB, KEY_ETH_SRC, "source MAC address"),
	ROW(FLOWER_SRC_MAC_MASK, "src_mac_mask", OPT_MAC, WIRE_BLOB, KEY_ETH_SRC_MASK, "its mask"),
	ROW(FLOWER_DST_MAC, "dst_mac", OPT_MAC, WIRE_BLOB, KEY_ETH_DST, "destination MAC address"),
	ROW(FLOWER_DST_MAC_MASK, "dst_mac_mask", OPT_MAC, WIRE_BLOB, KEY_ETH_DST_MASK, "its mask"),
	ROW(FLOWER_IP_PROTO, "ip_proto", OPT_NUM, WIRE_U8, KEY_IP_PROTO, "protocol above IP"),
	ROW(FLOWER_IP_TOS, "ip_tos", OPT_HEX, WIRE_U8, KEY_IP_TOS, "DSCP and ECN"),
	ROW(FLOWER_IP_TOS_MASK, "ip_tos_mask", OPT_HEX, WIRE_U8, KEY_IP_TOS_MASK, "its mask"),
	ROW(FLOWER_SRC4, "src_ip4", OPT_IP4, WIRE_BLOB, KEY_IPV4_SRC, "IPv4 source"),
	ROW(FLOWER_SRC4_MASK, "src_ip4_mask", OPT_IP4, WIRE_BLOB, KEY_IPV4_SRC_MASK, "its mask"),
	ROW(FLOWER_DST4, "dst_ip4", OPT_IP4, WIRE_BLOB, KEY_IPV4_DST, "IPv4 destination"),
	ROW(FLOWER_DST4_MASK, "dst_ip4_mask", OPT_IP4, WIRE_BLOB, KEY_IPV4_DST_MASK, "its mask"),
	ROW(FLOWER_SRC6, "src_ip6", OPT_IP6, WIRE_BLOB, KEY_IPV6_SRC, "IPv6 source"),
	ROW(FLOWER_SRC6_MASK, "src_ip6_mask", OPT_IP6, WIRE_BLOB, KEY_IPV6_SRC_MASK, "its mask"),
	ROW(FLOWER_DST6, "dst_ip6", OPT_IP6, WIRE_BLOB, KEY_IPV6_DST, "IPv6 destination"),
	ROW(FLOWER_DST6_MASK, "dst_ip6_mask", OPT_IP6, WIRE_BLOB, KEY_IPV6_DST_MASK, "its mask"),
	ROW(FLOWER_SPORT_MIN, "src_port_min", OPT_NUM, WIRE_BE16, KEY_PORT_SRC_MIN,
	    "least source port"),
	ROW(FLOWER_SPORT_MAX, "src_port_max", OPT_NUM, WIRE_BE16, KEY_PORT_SRC_MAX,
	    "greatest source port"),
	ROW(FLOWER_DPORT_MIN, "dst_port_min", OPT_NUM, WIRE_BE16, KEY_PORT_DST_MIN,
	    "least destination port"),
	ROW(FLOWER_DPORT_MAX, "dst_port_max", OPT_NUM, WIRE_BE16, KEY_PORT_DST_MAX,
	    "greatest destination port"),
	PORT(FLOWER_SPORT, "src_port", "source port"),
	PORT(FLOWER_SPORT_MASK, "src_port_mask", "its mask"),
	PORT(FLOWER_DPORT, "dst_port", "destination port"),
	PORT(FLOWER_DPORT_MASK, "dst_port_mask", "its mask"),
	ROW(FLOWER_FLAGS, "ip_flags", OPT_HEX, WIRE_BE32, KEY_FLAGS, "whether it is a fragment"),
	ROW(FLOWER_FLAGS_MASK, "ip_flags_mask", OPT_HEX, WIRE_BE32, KEY_FLAGS_MASK, "its mask"),
};

/* Which attributes the four port rows are, in the order of the rows from FLOWER_SPORT. */
static const struct port_attrs {
	uint8_t proto;
	uint16_t attr[4];
} port_attrs[] = {
	{ IPPROTO_TCP, { TCA_FLOWER_KEY_TCP_SRC, TCA_FLOWER_KEY_TCP_SRC_MASK,
			 TCA_FLOWER_KEY_TCP_DST, TCA_FLOWER_KEY_TCP_DST_MASK } },
	{ IPPROTO_UDP, { TCA_FLOWER_KEY_UDP_SRC, TCA_FLOWER_KEY_UDP_SRC_MASK,
			 TCA_FLOWER_KEY_UDP_DST, TCA_FLOWER_KEY_UDP_DST_MASK } },
	{ IPPROTO_SCTP, { TCA_FLOWER_KEY_SCTP_SRC, TCA_FLOWER_KEY_SCTP_SRC_MASK,
			  TCA_FLOWER_KEY_SCTP_DST, TCA_FLOWER_KEY_SCTP_DST_MASK } },
};

/* NULL: the protocol that the filter asks for has no ports, or it asks for none. */
static const struct port_attrs *ports_of(const struct opts *o)
{
	uint64_t proto = opts_get(o, FLOWER_IP_PROTO, 0);
	unsigned int i;

	for (i = 0; i < sizeof(port_attrs) / sizeof(port_attrs[0]); i++)
		if (port_attrs[i].proto == proto)
			return &port_attrs[i];
	return NULL;
}

static int emit_flower(struct nl_msg *msg, int attr, const struct kind *kind, const struct opts *o,
		       const struct wire *wire)
{
	const struct port_attrs *ports = ports_of(o);
	struct nlattr *nest = nla_nest_start(msg, attr);
	unsigned int i;

	if (!nest || opts_put_rows(msg, kind, o, wire))
		return -EMSGSIZE;
	for (i = 0; ports && i < 4; i++)
		if (opts_has(o, FLOWER_SPORT + i) &&
		    nla_put_u16(msg, ports->attr[i], htons((uint16_t)o->v[FLOWER_SPORT + i].u)))
			return -EMSGSIZE;
	/* no key at all is a filter too: every packet */
	nla_nest_end_keep_empty(msg, nest);
	return 0;
}

static int read_ports(const struct nlattr *attr, struct opts *o)
{
	const struct port_attrs *ports = ports_of(o);
	const struct nlattr *nla;
	unsigned int i;

	for (i = 0; ports && i < 4; i++) {
		nla = nla_find(nla_data(attr), nla_len(attr), ports->attr[i]);
		if (!nla)
			continue;
		if (nla_len(nla) < 2)
			return -EINVAL;
		opts_put(o, FLOWER_SPORT + i, ntohs(nla_get_u16(nla)));
	}
	return 0;
}

/* Only the port attributes of the filter's own protocol are known. */
static int known_attrs(const struct nlattr *attr, const struct kind *kind, const struct opts *o)
{
	uint16_t passed_over[7] = { TCA_FLOWER_FLAGS, TCA_FLOWER_IN_HW_COUNT };
	const struct port_attrs *ports = ports_of(o);
	unsigned int i;

	for (i = 0; ports && i < 4; i++)
		passed_over[2 + i] = ports->attr[i];
	return filter_known_attrs(attr, kind, passed_over);
}

static int read_flower(const struct nlattr *attr, const struct kind *kind, struct opts *o,
		       const struct wire *wire)
{
	int err = opts_read_rows(nla_data(attr), nla_len(attr), kind, o, wire);

	/* The kernel takes the tag's ethertype there, but tells what is behind it (fl_dump_key()). */
	if (opts_has(o, FLOWER_VLAN_ID) || opts_has(o, FLOWER_VLAN_ETH_TYPE))
		opts_put(o, FLOWER_ETH_TYPE, ETHERTYPE_VLAN);
	if (!err)
		err = known_attrs(attr, kind, o);
	if (!err)
		err = filter_plain_flags(attr, TCA_FLOWER_FLAGS);
	return err ? err : read_ports(attr, o);
}

const struct kind filter_flower = {
	.type = KIND_FILTER, .name = "flower", .module = "cls_flower",
	.help = "fields of the packet's headers", ROWS(rows), .actions_attr = TCA_FLOWER_ACT,
	.emit = emit_flower, .read = read_flower,
};
