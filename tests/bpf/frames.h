/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frames.h - literal Ethernet frames for programs, and running a program on one.
 */
#ifndef WEIR_TESTS_BPF_FRAMES_H
#define WEIR_TESTS_BPF_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/bpf.h"
#include "plan/ruleset.h"
#include "qdisc/kind.h"

enum { FRAME_ROOM = 2600 };

/* What is not named is 0 or left out. From 02:00:00:00:00:02 to 02:00:00:00:00:01. */
struct frame {
	uint16_t tag[5][2];		/* ethertype and TCI of each VLAN tag, up to the first 0 */
	bool pppoe;
	uint16_t type;			/* ethertype (PPP's protocol behind pppoe); 0: that of src */
	const char *src, *dst;		/* addresses of IPv4 or of IPv6; NULL: no IP */
	uint8_t dscp, proto;
	uint8_t options;		/* words of IPv4 options */
	uint8_t extensions[10];		/* IPv6: next header values of what comes first, up to a 0;
					 * 44 a fragment header; 200: hop-by-hop, whose value is 0 */
	uint8_t extension_words;	/* 8 bytes each, behind the first, of every one but 44 */
	uint16_t fragment;		/* offset, in 8 bytes */
	uint16_t sport, dport;
	uint8_t flags;			/* of TCP */
	unsigned int payload;
};

/* Returns its length. */
unsigned int frame_build(const struct frame *f, uint8_t buf[FRAME_ROOM]);

struct run {
	uint32_t mark, gso_segs, wire_len;	/* in; wire_len 0: the frame's */
	unsigned int repeat;			/* in; 0: once */
	uint32_t priority, mark_after;		/* out */
	int verdict;
	uint32_t ns;				/* out: of each repetition */
};

/* Runs the program on a frame; returns 0 or -errno. */
int frame_run(int prog_fd, const void *frame, unsigned int n, struct run *run);

/* Rules out of match lines ("udp dport 53"), each with class 77e0:10 + its number; in a policy that the
 * caller frees after them. The test ends where a line is not valid. */
struct policy *lines_parse(const char *const *lines, unsigned int n, struct rule *rules);

#define LINE_CLASS(i) (0x77e00010u + (uint32_t)(i))
#define LINE_DEFAULT 0x77e00002u

/* A program for the rules, loaded; or the test ends. */
struct loaded *lines_load(const struct ruleset_hook *hook, const struct rule *rules, unsigned int n,
			  struct arena *arena, struct program **program);

struct counted {
	uint64_t packets, bytes;
};

/* Of a counter, over all CPUs. */
struct counted counter_of(const struct loaded *loaded, uint32_t i);

#endif
