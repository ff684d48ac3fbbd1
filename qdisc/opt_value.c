// SPDX-License-Identifier: GPL-2.0-or-later
#include "qdisc/opt_value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "lib/units.h"

#define NS_PER_S UINT64_C(1000000000)
#define US_PER_S UINT64_C(1000000)

static const char *const type_texts[] = {
	[OPT_NUM] = "a number", [OPT_RATE] = "a rate such as 20mbit", [OPT_SIZE] = "a size such as 32kb",
	[OPT_TIME] = "a time such as 5ms", [OPT_CODEL_TIME] = "a time such as 5ms",
	[OPT_TICK_TIME] = "a time such as 5ms", [OPT_JIFFY_TIME] = "a time such as 20ms",
	[OPT_PROB] = "a share such as 2.5%", [OPT_FRACTION] = "a fraction such as 0.02",
	[OPT_FLAG] = "", [OPT_ENUM] = "one of its words",
	[OPT_INT] = "a number, also negative", [OPT_HEX] = "a number such as 0x10",
	[OPT_MASKED] = "a value and mask such as 0x1/0xff", [OPT_CLASSID] = "a classid such as 1:10",
	[OPT_DEV] = "an interface name", [OPT_IP4] = "an IPv4 address", [OPT_IP6] = "an IPv6 address",
	[OPT_MAC] = "a MAC address", [OPT_BYTES] = "a list of numbers", [OPT_WORDS] = "a list of numbers",
};

const char *opt_type_text(const struct opt *row)
{
	return type_texts[row->type];
}

/* ---- canonical values ---- */

uint64_t opt_codel_canon(uint64_t ns)
{
	uint64_t kept = (ns / 1000 * 1000) >> 10;

	return (kept * 1024 + 999) / 1000 * 1000;
}

uint64_t opt_tick_canon(uint64_t ns)
{
	uint64_t us = ns / 1000;

	/* The kernel says floor(floor(us * 1000 / 64) * 64 / 1000): us itself where that is a
	 * multiple of 8, us - 1 otherwise. So 8n and 8n + 1 look the same. */
	return (us % 8 == 1 ? us - 1 : us) * 1000;
}

/* Ticks of the kernel's timer in a second: a coarse clock advances by one tick. */
static uint64_t jiffies_per_s(void)
{
	struct timespec res;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &res) || res.tv_sec || !res.tv_nsec)
		return 250;
	return (NS_PER_S + (uint64_t)res.tv_nsec / 2) / (uint64_t)res.tv_nsec;
}

uint64_t opt_jiffy_canon(uint64_t ns)
{
	uint64_t hz = jiffies_per_s(), jiffies;

	jiffies = (ns / 1000 * hz + US_PER_S - 1) / US_PER_S;
	return jiffies * US_PER_S / hz * 1000;
}

static uint64_t unit_of(const struct opt *row)
{
	return row->unit_ns ? row->unit_ns : 1000;
}

void opt_value_canon(const struct opt *row, union optval *v)
{
	switch (row->type) {
	case OPT_RATE:
		v->u &= ~UINT64_C(7);
		break;
	case OPT_TIME:
		v->u -= v->u % unit_of(row);
		break;
	case OPT_CODEL_TIME:
		v->u = opt_codel_canon(v->u);
		break;
	case OPT_TICK_TIME:
		v->u = opt_tick_canon(v->u);
		break;
	case OPT_JIFFY_TIME:
		v->u = opt_jiffy_canon(v->u);
		break;
	default:
		break;
	}
}

/* ---- ranges ---- */

static const uint64_t wire_max[] = {
	[WIRE_NONE] = UINT64_MAX, [WIRE_U8] = UINT8_MAX, [WIRE_U16] = UINT16_MAX,
	[WIRE_U32] = UINT32_MAX, [WIRE_U64] = UINT64_MAX, [WIRE_BE16] = UINT16_MAX,
	[WIRE_BE32] = UINT32_MAX, [WIRE_BLOB] = UINT64_MAX, [WIRE_FLAG] = 1,
};

uint64_t opt_value_max(const struct opt *row)
{
	uint64_t wire = wire_max[row->wire];

	if (row->max)
		return row->max;
	switch (row->type) {
	case OPT_RATE:
		return row->wire == WIRE_U32 ? wire * 8 : UNITS_RATE_MAX_BIT;
	case OPT_TIME:
	case OPT_CODEL_TIME:
	case OPT_TICK_TIME:
	case OPT_JIFFY_TIME:
		return wire > UINT64_MAX / unit_of(row) ? UINT64_MAX : wire * unit_of(row);
	case OPT_PROB:
		return UNITS_SHARE_ONE;
	case OPT_FRACTION:
		return OPT_FRACTION_ONE;
	case OPT_MASKED:
		return UINT32_MAX;
	case OPT_INT:
		return INT32_MAX;
	default:
		return wire;
	}
}

static bool in_range(const struct opt *row, const union optval *v)
{
	uint64_t max = opt_value_max(row);

	if (row->type == OPT_INT)
		return (int64_t)v->u >= (int64_t)row->min && (int64_t)v->u <= (int64_t)max;
	if (row->type == OPT_MASKED)
		return v->u >> 32 <= max && (uint32_t)v->u <= max;
	return v->u >= row->min && v->u <= max;
}

void opt_value_default(const struct opt *row, uint32_t frame_bytes, union optval *v)
{
	if (row->defv) {
		*v = *row->defv;
		return;
	}
	v->u = row->def;
	if (row->flags & OPT_DEF_FRAMES) {
		v->u *= frame_bytes;
		if (v->u < row->min)
			v->u = row->min;
		if (v->u > opt_value_max(row))
			v->u = opt_value_max(row);
	}
	opt_value_canon(row, v);
}

/* ---- text -> value ---- */

static int parse_enum(const struct opt *row, const char *s, union optval *v)
{
	unsigned int i;

	for (i = 0; row->names[i]; i++)
		if (!strcmp(row->names[i], s)) {
			v->u = i;
			return 0;
		}
	return -EINVAL;
}

static int parse_classid(const char *s, uint64_t *u)
{
	unsigned int major, minor;
	char end;

	if (sscanf(s, "%x:%x%c", &major, &minor, &end) != 2 || major > 0xffff || minor > 0xffff)
		return -EINVAL;
	*u = major << 16 | minor;
	return 0;
}

static int parse_mac(const char *s, union optval *v)
{
	unsigned int m[6], i;
	char end;

	if (sscanf(s, "%2x:%2x:%2x:%2x:%2x:%2x%c", m, m + 1, m + 2, m + 3, m + 4, m + 5, &end) != 6)
		return -EINVAL;
	for (i = 0; i < 6; i++)
		v->b[i] = (uint8_t)m[i];
	return 0;
}

static int parse_int(const char *s, uint64_t *u)
{
	int err = units_parse_number(*s == '-' ? s + 1 : s, u);

	if (err)
		return err;
	if (*u > INT64_MAX)
		return -ERANGE;
	if (*s == '-')
		*u = -*u;
	return 0;
}

static int parse_masked(const char *s, uint64_t *u)
{
	const char *slash = strchr(s, '/');
	uint64_t value, mask;
	char head[24];

	if (!slash || (size_t)(slash - s) >= sizeof(head))
		return -EINVAL;
	memcpy(head, s, (size_t)(slash - s));
	head[slash - s] = 0;
	if (units_parse_number(head, &value) || units_parse_number(slash + 1, &mask))
		return -EINVAL;
	if (value > UINT32_MAX || mask > UINT32_MAX)
		return -ERANGE;
	*u = mask << 32 | value;
	return 0;
}

/* "0.02", at most nine decimals. */
static int parse_fraction(const char *s, uint64_t *u)
{
	uint64_t value = 0, unit = OPT_FRACTION_ONE;
	bool point = false;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	for (; *s; s++) {
		if (*s == '.' && !point && s[1]) {
			point = true;
			continue;
		}
		if (*s < '0' || *s > '9')
			return -EINVAL;
		if (value > OPT_FRACTION_ONE)
			return -ERANGE;
		if (point)
			unit /= 10;
		if (!unit)
			return -EINVAL;
		value = point ? value + (uint64_t)(*s - '0') * unit
			      : value * 10 + (uint64_t)(*s - '0') * OPT_FRACTION_ONE;
	}
	*u = value;
	return 0;
}

static int parse_dev(const char *s, union optval *v)
{
	if (!*s || strlen(s) >= sizeof(v->name))
		return -EINVAL;
	strcpy(v->name, s);
	return 0;
}

static int parse_number(const struct opt *row, const char *s, uint64_t *u)
{
	switch (row->type) {
	case OPT_RATE:
		return units_parse_rate(s, u);
	case OPT_SIZE:
		return units_parse_size(s, u);
	case OPT_TIME:
	case OPT_CODEL_TIME:
	case OPT_TICK_TIME:
	case OPT_JIFFY_TIME:
		return units_parse_time(s, u);
	case OPT_PROB:
		return units_parse_share(s, u);
	case OPT_FRACTION:
		return parse_fraction(s, u);
	case OPT_INT:
		return parse_int(s, u);
	case OPT_MASKED:
		return parse_masked(s, u);
	case OPT_CLASSID:
		return parse_classid(s, u);
	default:
		return units_parse_number(s, u);
	}
}

int opt_value_parse(const struct opt *row, const char *s, union optval *v)
{
	union optval n = { .u = 0 };
	int err;

	switch (row->type) {
	case OPT_ENUM:
		return parse_enum(row, s, v);
	case OPT_MAC:
		return parse_mac(s, v);
	case OPT_DEV:
		return parse_dev(s, v);
	case OPT_IP4:
		return inet_pton(AF_INET, s, v->b) == 1 ? 0 : -EINVAL;
	case OPT_IP6:
		return inet_pton(AF_INET6, s, v->b) == 1 ? 0 : -EINVAL;
	default:
		break;
	}
	err = parse_number(row, s, &n.u);
	if (!err && !in_range(row, &n))
		err = -ERANGE;
	if (err)
		return err == -ERANGE ? err : -EINVAL;
	opt_value_canon(row, &n);
	v->u = n.u;
	return 0;
}

int opt_list_parse(const struct opt *row, int argc, const char *const *argv, union optval *v)
{
	int i, n = (int)row->max;
	uint64_t u;

	if (argc < n)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		if (units_parse_number(argv[i], &u) || u > (row->type == OPT_BYTES ? 255 : INT32_MAX))
			return -EINVAL;
		if (row->type == OPT_BYTES)
			v->b[i] = (uint8_t)u;
		else
			v->w[i] = (int32_t)u;
	}
	return n;
}

/* ---- value -> text ---- */

static void list_text(const struct opt *row, const union optval *v, char *buf, size_t size)
{
	size_t i, n = 0;

	buf[0] = 0;
	for (i = 0; i < row->max && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, i ? " %d" : "%d",
				      row->type == OPT_BYTES ? v->b[i] : v->w[i]);
}

static void fraction_text(uint64_t u, char *buf, size_t size)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%" PRIu64 ".%09" PRIu64, u / OPT_FRACTION_ONE,
			 u % OPT_FRACTION_ONE);

	while (text[n - 1] == '0')
		text[--n] = 0;
	if (text[n - 1] == '.')
		text[--n] = 0;
	snprintf(buf, size, "%s", text);
}

static const char *number_text(const struct opt *row, uint64_t u, char text[UNITS_TEXT])
{
	switch (row->type) {
	case OPT_RATE:
		return units_format_rate(u, text);
	case OPT_SIZE:
		if (!(row->flags & OPT_PLAIN))
			return units_format_size(u, text);
		break;
	case OPT_TIME:
	case OPT_CODEL_TIME:
	case OPT_TICK_TIME:
	case OPT_JIFFY_TIME:
		return u ? units_format_time(u, text) : "0us";	/* tc does not read 0ns everywhere */
	case OPT_PROB:
		return units_format_share(u, text);
	case OPT_FRACTION:
		fraction_text(u, text, UNITS_TEXT);
		return text;
	case OPT_FLAG:
		return u ? "on" : "off";
	case OPT_ENUM:
		return u < opt_count_names(row->names) ? row->names[u] : "?";
	default:
		break;
	}
	snprintf(text, UNITS_TEXT, "%" PRIu64, u);
	return text;
}

char *opts_text(const struct opt *row, const union optval *v, char *buf, size_t size)
{
	char text[UNITS_TEXT];

	switch (row->type) {
	case OPT_INT:
		snprintf(buf, size, "%" PRId64, (int64_t)v->u);
		break;
	case OPT_HEX:
		snprintf(buf, size, "0x%" PRIx64, v->u);
		break;
	case OPT_MASKED:
		snprintf(buf, size, "0x%" PRIx64 "/0x%" PRIx64, v->u & UINT32_MAX, v->u >> 32);
		break;
	case OPT_CLASSID:
		snprintf(buf, size, "%x:%x", (unsigned int)(v->u >> 16), (unsigned int)(v->u & 0xffff));
		break;
	case OPT_DEV:
		snprintf(buf, size, "%.15s", v->name);
		break;
	case OPT_IP4:
		inet_ntop(AF_INET, v->b, buf, (socklen_t)size);
		break;
	case OPT_IP6:
		inet_ntop(AF_INET6, v->b, buf, (socklen_t)size);
		break;
	case OPT_MAC:
		snprintf(buf, size, "%02x:%02x:%02x:%02x:%02x:%02x", v->b[0], v->b[1], v->b[2],
			 v->b[3], v->b[4], v->b[5]);
		break;
	case OPT_BYTES:
	case OPT_WORDS:
		list_text(row, v, buf, size);
		break;
	default:
		snprintf(buf, size, "%s", number_text(row, v->u, text));
	}
	return buf;
}

/* ---- comparing ---- */

bool opt_value_equal(const struct opt *row, const union optval *a, const union optval *b)
{
	switch (row->type) {
	case OPT_DEV:
		return !strncmp(a->name, b->name, sizeof(a->name));
	case OPT_IP4:
		return !memcmp(a->b, b->b, 4);
	case OPT_MAC:
		return !memcmp(a->b, b->b, 6);
	case OPT_IP6:
		return !memcmp(a->b, b->b, 16);
	case OPT_BYTES:
		return !memcmp(a->b, b->b, row->max);
	case OPT_WORDS:
		return !memcmp(a->w, b->w, row->max * sizeof(a->w[0]));
	default:
		return a->u == b->u;
	}
}
