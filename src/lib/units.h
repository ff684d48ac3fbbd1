/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * units.h - rates, sizes, times and shares as text, with tc(8)'s suffixes and exact arithmetic.
 *
 * tc accepts "nan", hexadecimal and rates that wrap; weir reads decimal digits only and says so.
 * Each parse function takes a whole word and returns 0, -EINVAL (not a value of that kind),
 * -ERANGE (out of range) or, where noted, -ENODATA (no unit that is known). Outputs are written
 * on success only. Each format function writes the shortest text that parses back to the same
 * value, and returns its argument buffer.
 */
#ifndef WEIR_LIB_UNITS_H
#define WEIR_LIB_UNITS_H

#include <stdint.h>
#include <stddef.h>

enum { UNITS_TEXT = 40 };	/* room for any formatted value */
#define UNITS_RATE_MAX_BIT ((uint64_t)1 << 63)
#define UNITS_SHARE_ONE ((uint64_t)1000000)	/* 100 % */

/* Rate in bits per second: [k|m|g|t]bit in powers of 1000, [ki|mi|gi|ti]bit of 1024, and the same
 * with bps for bytes per second; without a unit bits per second, as tc has it. 0 is valid here. */
int units_parse_rate(const char *s, uint64_t *rate_bit);
char *units_format_rate(uint64_t rate_bit, char buf[UNITS_TEXT]);

/* Size in bytes: b, k, kb, m, mb, g, gb in powers of 1024; kbit, mbit, gbit; without a unit bytes. */
int units_parse_size(const char *s, uint64_t *bytes);
char *units_format_size(uint64_t bytes, char buf[UNITS_TEXT]);

/* Time in nanoseconds: s, sec, ms, msec, us, usec, ns, nsec; without a unit microseconds. */
int units_parse_time(const char *s, uint64_t *ns);
char *units_format_time(uint64_t ns, char buf[UNITS_TEXT]);

/* Share of a whole, "12.5%" (the sign is needed): UNITS_SHARE_ONE is 100 %. No upper limit. */
int units_parse_share(const char *s, uint64_t *share);
char *units_format_share(uint64_t share, char buf[UNITS_TEXT]);

/* A plain decimal number, no sign. units_parse_number also takes 0x hexadecimal. */
int units_parse_number(const char *s, uint64_t *value);

/* A rate for people, at most four digits: "19.8 Mbit/s". Not meant to be parsed. */
char *units_human_rate(uint64_t rate_bit, char buf[UNITS_TEXT]);
char *units_human_size(uint64_t bytes, char buf[UNITS_TEXT]);

#endif
