/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit_lab.h - where limits are tested: a cgroup v2 hierarchy, a bpffs and a network of the test's
 * own, and senders and receivers of UDP on its loopback device.
 */
#ifndef WEIR_TESTS_BPF_LIMIT_LAB_H
#define WEIR_TESTS_BPF_LIMIT_LAB_H

#include <stdint.h>

#include "tests/kernel/kt.h"

#define LAB_CGROUPS "/run/cgroup"	/* the root of cgroup v2 for this test */

/* As kt_main(), and removes the cgroups of all tests. */
int lab_main(int argc, char **argv, const struct kt_test *tests, size_t n);

/* To be called first in each test. Skips where there is no cgroup v2. */
void lab_begin(void);

bool lab_is_slow(void);		/* a guest */

void lab_cgroup(const char *path);	/* with those around it */

/* A descriptor of a program that is attached through the pinned link of that name. */
int lab_program(const char *link);

/* Runs the program so often on an IPv4 UDP packet from and to the address, which belongs to the test's
 * cgroup. Returns its last return value. */
uint32_t lab_packet(const char *link, const char *remote, unsigned int bytes, unsigned int times);

/* Notes the programs, maps and links that are pinned now .. */
void lab_remember(void);

/* .. and checks that none of them, and no pin, is left. */
void lab_nothing_left(void);

/* From now on a network namespace of a user namespace where no user has a number. */
void lab_enter_foreign(void);

/* UDP at some 80 Mbit/s. from, to: cgroups of the sockets; NULL: the test's. uid 0: root. */
struct lab_flow {
	const char *from, *to;
	unsigned int uid;
};

/* What arrives of n flows at once within so many seconds, in bytes of IP. */
void lab_flow(const struct lab_flow *flows, unsigned int n, double seconds, uint64_t *bytes[]);

/* A process that sends like that through a socket that it has had from the start. */
struct lab_sender;
struct lab_sender *lab_sender_start(void);
int lab_sender_pid(const struct lab_sender *sender);
uint64_t lab_sender_bytes(struct lab_sender *sender, double seconds);
void lab_sender_fork(struct lab_sender *sender);	/* from now on a child of it does it */
void lab_sender_stop(struct lab_sender *sender);	/* and waits for its end */

#endif
