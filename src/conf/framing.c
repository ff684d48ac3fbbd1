// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's length of a packet on an Ethernet interface holds the 14 bytes of Ethernet header
 * and no frame check sequence. tc-cake(8)'s figures are relative to the IP packet instead: each
 * row's overhead is cake's figure (iproute2 6.x, tc/q_cake.c) less 14. An interface without that
 * header (ppp0, a tunnel) needs 14 more: give it as `overhead`.
 *
 * Smallest frames: 64 bytes from destination address to frame check sequence (minFrameSize in
 * IEEE 802.3), wherever Ethernet frames are what the link carries; cake leaves them out for PTM.
 * ATM needs no mpu: cells are counted whole.
 */
#include "conf/framing.h"

#include <string.h>

#define ETH 14		/* what the kernel counts already */
#define MIN_FRAME 64

const struct framing_preset framing_presets[] = {
	/* Ethernet on its own wire */
	{ "ethernet", NULL, 38 - ETH, MIN_FRAME + 20, LINKLAYER_ETHERNET,
	  "preamble and start of frame 8, header 14, check sequence 4, gap 12 (IEEE 802.3; cake: ethernet 38, mpu 84)" },
	{ "ethernet-vlan", NULL, 42 - ETH, MIN_FRAME + 20, LINKLAYER_ETHERNET,
	  "ethernet, and 4 for a VLAN tag that a device behind this one adds (cake: ethernet ether-vlan)" },

	/* Cable: the head end's shaper counts the Ethernet frame and its check sequence */
	{ "docsis", NULL, 18 - ETH, MIN_FRAME, LINKLAYER_ETHERNET,
	  "header 14, check sequence 4 (DOCSIS MULPI, traffic rate parameters; cake: docsis 18, mpu 64)" },

	/* VDSL2 and everything else in PTM: 64 of 65 bytes are payload */
	{ "bridged-ptm", NULL, 22 - ETH, MIN_FRAME + 4, LINKLAYER_PTM,
	  "header 14, check sequence 4, PTM S, Ck and TC-CRC 4 (IEEE 802.3 61.3; cake: bridged-ptm 22)" },
	{ "pppoe-ptm", NULL, 30 - ETH, MIN_FRAME + 4, LINKLAYER_PTM,
	  "bridged-ptm, PPPoE 6, PPP 2 (RFC 2516; cake: pppoe-ptm 30)" },
	{ "pppoe-vdsl2", NULL, 34 - ETH, MIN_FRAME + 4, LINKLAYER_PTM,
	  "pppoe-ptm and the provider's VLAN tag 4 (IEEE 802.1Q; cake: pppoe-ptm ether-vlan)" },

	/* ADSL: AAL5 in ATM cells, 48 of 53 bytes are payload (RFC 2684, RFC 2364; cake's names) */
	{ "adsl-llc", "bridged-llcsnap", 32 - ETH, 0, LINKLAYER_ATM,
	  "header 14, LLC/SNAP and padding 10, AAL5 trailer 8 (cake: bridged-llcsnap 32)" },
	{ "adsl-vcmux", "bridged-vcmux", 24 - ETH, 0, LINKLAYER_ATM,
	  "header 14, padding 2, AAL5 trailer 8 (cake: bridged-vcmux 24)" },
	{ "adsl-pppoe-llc", "pppoe-llcsnap", 40 - ETH, 0, LINKLAYER_ATM,
	  "adsl-llc, PPPoE 6, PPP 2 (cake: pppoe-llcsnap 40)" },
	{ "adsl-pppoe-vcmux", "pppoe-vcmux", 32 - ETH, 0, LINKLAYER_ATM,
	  "adsl-vcmux, PPPoE 6, PPP 2 (cake: pppoe-vcmux 32)" },
	{ "adsl-pppoa-llc", "pppoa-llc", 14 - ETH, 0, LINKLAYER_ATM,
	  "LLC and NLPID 4, PPP 2, AAL5 trailer 8 (RFC 2364; cake: pppoa-llc 14)" },
	{ "adsl-pppoa-vcmux", "pppoa-vcmux", 10 - ETH, 0, LINKLAYER_ATM,
	  "PPP 2, AAL5 trailer 8 (RFC 2364; cake: pppoa-vcmux 10)" },
	{ "adsl-ipoa-llc", "ipoa-llcsnap", 16 - ETH, 0, LINKLAYER_ATM,
	  "LLC/SNAP 8, AAL5 trailer 8 (cake: ipoa-llcsnap 16)" },
	{ "adsl-ipoa-vcmux", "ipoa-vcmux", 8 - ETH, 0, LINKLAYER_ATM,
	  "AAL5 trailer 8 (cake: ipoa-vcmux 8)" },

	/* When nothing is known: one cell more than any of the above */
	{ "conservative", NULL, 48 - ETH, 0, LINKLAYER_ATM,
	  "a whole cell's payload and ATM cells (cake: conservative 48)" },
	{ .name = NULL }
};

const struct framing_preset *framing_find(const char *name)
{
	const struct framing_preset *p;

	for (p = framing_presets; p->name; p++)
		if (!strcmp(p->name, name) || (p->alias && !strcmp(p->alias, name)))
			return p;
	return NULL;
}
