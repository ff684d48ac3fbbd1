/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json.h - the one way in which JSON leaves the program.
 */
#ifndef WEIR_LIB_JSON_H
#define WEIR_LIB_JSON_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "lib/ctx.h"

/* Writes the value and a newline, and drops the reference to it; NULL stands for "no memory". */
int json_print(struct ctx *ctx, FILE *f, json_t *value);

/* A number of any size: above 2^63 - 1, which jansson's integers end at, a real one. */
json_t *json_u64(uint64_t value);

#endif
