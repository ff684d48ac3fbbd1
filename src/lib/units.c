// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* value = number * mul / div, in the base unit */
struct unit {
	const char *name;
	uint64_t mul, div;
	int print;		/* candidate for printing, tried in table order */
};

#define K 1000ull
#define KI 1024ull
static const struct unit rate_units[] = {
	{ "tbit", K * K * K * K, 1, 1 }, { "gbit", K * K * K, 1, 1 }, { "mbit", K * K, 1, 1 },
	{ "kbit", K, 1, 1 }, { "bit", 1, 1, 1 }, { "", 1, 1, 0 },
	{ "tibit", KI * KI * KI * KI, 1, 0 }, { "gibit", KI * KI * KI, 1, 0 },
	{ "mibit", KI * KI, 1, 0 }, { "kibit", KI, 1, 0 },
	{ "tbps", 8 * K * K * K * K, 1, 0 }, { "gbps", 8 * K * K * K, 1, 0 },
	{ "mbps", 8 * K * K, 1, 0 }, { "kbps", 8 * K, 1, 0 }, { "bps", 8, 1, 0 },
	{ "tibps", 8 * KI * KI * KI * KI, 1, 0 }, { "gibps", 8 * KI * KI * KI, 1, 0 },
	{ "mibps", 8 * KI * KI, 1, 0 }, { "kibps", 8 * KI, 1, 0 },
	{ NULL, 0, 0, 0 }
};

static const struct unit size_units[] = {
	{ "gb", KI * KI * KI, 1, 1 }, { "mb", KI * KI, 1, 1 }, { "kb", KI, 1, 1 },
	{ "b", 1, 1, 1 }, { "", 1, 1, 0 },
	{ "g", KI * KI * KI, 1, 0 }, { "m", KI * KI, 1, 0 }, { "k", KI, 1, 0 },
	{ "gbit", KI * KI * KI, 8, 0 }, { "mbit", KI * KI, 8, 0 }, { "kbit", KI, 8, 0 },
	{ NULL, 0, 0, 0 }
};

static const struct unit time_units[] = {
	{ "s", K * K * K, 1, 1 }, { "ms", K * K, 1, 1 }, { "us", K, 1, 1 }, { "ns", 1, 1, 1 },
	{ "", K, 1, 0 }, { "sec", K * K * K, 1, 0 }, { "secs", K * K * K, 1, 0 },
	{ "msec", K * K, 1, 0 }, { "msecs", K * K, 1, 0 }, { "usec", K, 1, 0 },
	{ "usecs", K, 1, 0 }, { "nsec", 1, 1, 0 }, { "nsecs", 1, 1, 0 },
	{ NULL, 0, 0, 0 }
};

static const struct unit share_units[] = {
	{ "%", UNITS_SHARE_ONE / 100, 1, 1 }, { NULL, 0, 0, 0 }
};
#undef K
#undef KI

static const struct unit *unit_find(const struct unit *table, const char *name)
{
	for (; table->name; table++)
		if (!strcasecmp(table->name, name))
			return table;
	return NULL;
}

/* Digits with at most nine decimals: *mantissa / *scale. Returns the rest of the text or NULL. */
static const char *parse_decimal(const char *s, unsigned __int128 *mantissa, uint64_t *scale)
{
	unsigned int digits = 0, decimals = 0;
	int point = 0;

	*mantissa = 0;
	*scale = 1;
	for (; (*s >= '0' && *s <= '9') || (*s == '.' && !point); s++) {
		if (*s == '.') {
			point = 1;
			continue;
		}
		if (*mantissa >> 90)
			return NULL;
		*mantissa = *mantissa * 10 + (unsigned int)(*s - '0');
		digits++;
		if (point) {
			if (++decimals > 9)
				return NULL;
			*scale *= 10;
		}
	}
	return digits && !(point && !decimals) ? s : NULL;
}

static int parse_unit(const char *s, const struct unit *table, uint64_t max, uint64_t *out)
{
	unsigned __int128 mantissa, value;
	const struct unit *unit;
	uint64_t scale;

	s = parse_decimal(s, &mantissa, &scale);
	if (!s)
		return -EINVAL;
	unit = unit_find(table, s);
	if (!unit)
		return -ENODATA;
	if (mantissa > ((unsigned __int128)-1) / unit->mul)
		return -ERANGE;
	value = mantissa * unit->mul / ((unsigned __int128)scale * unit->div);
	if (value > max)
		return -ERANGE;
	*out = (uint64_t)value;
	return 0;
}

/* The largest unit in which at most three decimals say the value exactly. */
static char *format_unit(uint64_t value, const struct unit *table, char buf[UNITS_TEXT])
{
	const struct unit *u, *last = table;
	uint64_t whole;
	unsigned __int128 milli;
	unsigned int frac;

	for (u = table; u->name; u++) {
		if (!u->print)
			continue;
		last = u;
		milli = (unsigned __int128)(value % u->mul) * 1000;
		if (value >= u->mul && milli % u->mul == 0)
			break;
	}
	if (!u->name)
		u = last;
	whole = value / u->mul;
	frac = (unsigned int)((unsigned __int128)(value % u->mul) * 1000 / u->mul);
	if (!frac)
		snprintf(buf, UNITS_TEXT, "%" PRIu64 "%s", whole, u->name);
	else if (frac % 100 == 0)
		snprintf(buf, UNITS_TEXT, "%" PRIu64 ".%u%s", whole, frac / 100, u->name);
	else if (frac % 10 == 0)
		snprintf(buf, UNITS_TEXT, "%" PRIu64 ".%02u%s", whole, frac / 10, u->name);
	else
		snprintf(buf, UNITS_TEXT, "%" PRIu64 ".%03u%s", whole, frac, u->name);
	return buf;
}

int units_parse_rate(const char *s, uint64_t *rate_bit)
{
	return parse_unit(s, rate_units, UNITS_RATE_MAX_BIT, rate_bit);
}

char *units_format_rate(uint64_t rate_bit, char buf[UNITS_TEXT])
{
	return format_unit(rate_bit, rate_units, buf);
}

int units_parse_size(const char *s, uint64_t *bytes)
{
	return parse_unit(s, size_units, UINT64_MAX, bytes);
}

char *units_format_size(uint64_t bytes, char buf[UNITS_TEXT])
{
	return format_unit(bytes, size_units, buf);
}

int units_parse_time(const char *s, uint64_t *ns)
{
	return parse_unit(s, time_units, UINT64_MAX, ns);
}

char *units_format_time(uint64_t ns, char buf[UNITS_TEXT])
{
	return format_unit(ns, time_units, buf);
}

int units_parse_share(const char *s, uint64_t *share)
{
	return parse_unit(s, share_units, UINT64_MAX, share);
}

char *units_format_share(uint64_t share, char buf[UNITS_TEXT])
{
	uint64_t whole = share / 10000;
	unsigned int frac = (unsigned int)(share % 10000);
	int n;

	n = snprintf(buf, UNITS_TEXT, "%" PRIu64, whole);
	if (frac) {
		n += snprintf(buf + n, (size_t)(UNITS_TEXT - n), ".%04u", frac);
		while (buf[n - 1] == '0')
			buf[--n] = 0;
	}
	snprintf(buf + n, (size_t)(UNITS_TEXT - n), "%%");
	return buf;
}

int units_parse_number(const char *s, uint64_t *value)
{
	int hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	unsigned int base = hex ? 16 : 10, digit;
	uint64_t v = 0;

	if (hex)
		s += 2;
	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		if (*s >= '0' && *s <= '9')
			digit = (unsigned int)(*s - '0');
		else if (hex && strchr("abcdefABCDEF", *s))
			digit = (unsigned int)((*s | 0x20) - 'a') + 10;
		else
			return -EINVAL;
		if (v > (UINT64_MAX - digit) / base)
			return -ERANGE;
		v = v * base + digit;
	}
	*value = v;
	return 0;
}

static char *human(double value, double step, const char *const *names, char buf[UNITS_TEXT])
{
	unsigned int i = 0;

	while (value >= step * 0.99995 && names[i + 1]) {
		value /= step;
		i++;
	}
	snprintf(buf, UNITS_TEXT, i && value < 10 ? "%.2f %s" : i && value < 100 ? "%.1f %s" : "%.0f %s",
		 value, names[i]);
	return buf;
}

char *units_human_rate(uint64_t rate_bit, char buf[UNITS_TEXT])
{
	static const char *const names[] = { "bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s", NULL };

	return human((double)rate_bit, 1000, names, buf);
}

char *units_human_size(uint64_t bytes, char buf[UNITS_TEXT])
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", NULL };

	return human((double)bytes, 1024, names, buf);
}
