/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit_idle.h - why a limit has nothing to do: found out in /proc.
 *
 * A limit acts on the packets of sockets. Where there are none, nothing is limited, and somebody who
 * expected something else wants to know. These are hints for people: processes come and go
 * while /proc is read.
 */
#ifndef WEIR_HOST_LIMIT_IDLE_H
#define WEIR_HOST_LIMIT_IDLE_H

#include <stdbool.h>

#include "conf/policy.h"

enum { LIMIT_IDLE_TEXT = 200 };

/* Whether a process has an IPv4 or IPv6 socket open, of whatever protocol. */
bool limit_has_socket(unsigned int pid);

/* What keeps a limit that has seen no packet from seeing one, as far as can be told. Returns why. */
char *limit_idle_reason(enum limit_subject subject, const char *name, char why[LIMIT_IDLE_TEXT]);

#endif
