/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * address.h - which addresses are not of the Internet. Compiles for BPF and natively.
 */
#ifndef WEIR_BPF_ADDRESS_H
#define WEIR_BPF_ADDRESS_H

#include <stdbool.h>

#include <linux/types.h>

/* RFC 1918, 3927 (link-local), 1122 (this network, loopback), 5771 (multicast) and broadcast. */
static inline __attribute__((always_inline)) bool address_is_local4(const __u8 a[4])
{
	return a[0] == 10 || a[0] == 127 || a[0] == 0 || (a[0] == 172 && (a[1] & 0xf0) == 16) ||
	       (a[0] == 192 && a[1] == 168) || (a[0] == 169 && a[1] == 254) ||
	       (a[0] & 0xf0) == 224 || (a[0] & a[1] & a[2] & a[3]) == 0xff;
}

/* The same of IPv6: RFC 4291 (unspecified, loopback, link-local, multicast), RFC 4193 (ULA). IPv4 in
 * ::ffff:0:0/96. */
static inline __attribute__((always_inline)) bool address_is_local(const __u8 a[16])
{
	__u32 i, first = 0;

	if (a[0] == 0xff || (a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80))
		return true;
	for (i = 0; i < 10; i++)
		first |= a[i];
	if (first)
		return false;
	if (a[10] == 0xff && a[11] == 0xff)
		return address_is_local4(a + 12);
	return !(a[10] | a[11] | a[12] | a[13] | a[14]) && a[15] <= 1;
}

#endif
