/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter_rules.h - from one alternative of a match to the options of one kernel filter.
 *
 * Each function sets the rows (qdisc/filter.h) that say all of the alternative and of what the match
 * has besides (mark, vlan, the MAC address). The caller has made sure that the kind can carry every
 * term. A match of NULL with an alternative that restricts nothing is every packet.
 */
#ifndef WEIR_PLAN_FILTER_RULES_H
#define WEIR_PLAN_FILTER_RULES_H

#include "plan/alternatives.h"
#include "plan/classifier.h"

/*
 * u32 looks at fixed places, so it sees less than flower does, never more:
 * - the ethertype (or, without an Ethernet header, the IP version), which is right in front of the
 *   network header whether the packet has VLAN tags in its metadata, in its header or none; but not
 *   a second tag that is still in the header on ingress;
 * - MAC addresses of packets without a VLAN tag in the header;
 * - IPv4 ports and TCP flags only in first fragments and only without IP options;
 * - in IPv6 the protocol (and so ports and flags) only without extension headers.
 * `ack` is TCP with ACK and none of SYN, FIN, RST and PSH, in an IP packet shorter than 128 bytes.
 */
void u32_fill(struct opts *o, const struct hook *hook, const struct match *m,
	      const struct alt *alt);

/*
 * flower uses the kernel's dissection: one or two VLAN tags, IP options and IPv6 extension headers
 * are passed over. It sees no ports in fragments, not even in the first. `vlan` is the outermost
 * tag, 802.1Q; together with terms about IP it holds for packets that have no second tag.
 */
void flower_fill(struct opts *o, const struct hook *hook, const struct match *m,
		 const struct alt *alt);

#endif
