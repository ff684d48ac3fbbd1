// SPDX-License-Identifier: GPL-2.0-or-later
/* Words to values, with errors that say what would have been right. */
#include "conf/parse.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/near.h"
#include "lib/units.h"

/* What units.c knows, for "did you mean". */
static const char *const rate_units[] = {
	"bit", "kbit", "mbit", "gbit", "tbit", "kibit", "mibit", "gibit", "tibit",
	"bps", "kbps", "mbps", "gbps", "tbps", "kibps", "mibps", "gibps", "tibps",
};
static const char *const size_units[] = {
	"b", "k", "kb", "m", "mb", "g", "gb", "kbit", "mbit", "gbit",
};

struct unit_kind {
	const char *a_value;	/* "a rate" */
	const char *example;
	const char *units;	/* for a unit that is like none of them */
	const char *const *names;
	size_t n_names;
};

#define NAMES(array) .names = (array), .n_names = sizeof(array) / sizeof((array)[0])
static const struct unit_kind a_rate = {
	"a rate", "20mbit", "bit, kbit, mbit, gbit or tbit", NAMES(rate_units)
};
static const struct unit_kind a_size = { "a size", "32kb", "b, kb, mb or gb", NAMES(size_units) };
static const struct unit_kind a_share = { "a share", "12.5%", "%", NULL, 0 };

static size_t digits_of(const char *s)
{
	return strspn(s, "0123456789.");
}

static void bad_unit(struct parser *p, const struct word *w, const struct unit_kind *kind)
{
	const char *unit = w->text + digits_of(w->text);
	const char *near = near_word(unit, kind->names, kind->n_names);
	struct pos pos = pos_in(w, (size_t)(unit - w->text));

	if (near)
		report_at(&p->report, &pos, near, "unknown word '%s'",
			  report_word(&p->report, unit));
	else
		report_at(&p->report, &pos, NULL, "unknown word '%s': the unit of %s is %s",
			  report_word(&p->report, unit), kind->a_value, kind->units);
}

/* What people write who know other programs; NULL when it is none of that. */
static const char *habit_of(const char *s)
{
	size_t digits = strspn(s, "0123456789");

	if (s[0] == '-' && isdigit((unsigned char)s[1]))
		return "is negative";
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		return "is hexadecimal";
	if (digits && s[digits] == ',')
		return "has a comma";
	if (digits > 24)
		return "has too many digits";
	return NULL;
}

/* Why units.c took the word for no value of this kind. */
static void bad_word(struct parser *p, const struct word *w, const struct unit_kind *kind, int err)
{
	const char *habit = habit_of(w->text), *s = report_word(&p->report, w->text);

	if (err == -ERANGE)
		report_at(&p->report, &w->pos, NULL, "'%s' is too large for %s", s, kind->a_value);
	else if (habit)
		report_at(&p->report, &w->pos, NULL, "'%s' %s; %s is written like %s", s, habit,
			  kind->a_value, kind->example);
	else if (err == -ENODATA)
		bad_unit(p, w, kind);
	else
		report_at(&p->report, &w->pos, NULL, "'%s' is not %s such as %s", s, kind->a_value,
			  kind->example);
}

bool parse_rate_value(struct parser *p, const struct word *w, uint64_t *rate_bit)
{
	uint64_t value;
	int err = units_parse_rate(w->text, &value);

	if (!err && value >= 8) {
		*rate_bit = value;
		return true;
	}
	if (err == -ENODATA && w->text[digits_of(w->text)] == '%')
		report_at(&p->report, &w->pos, NULL, "'%s' is a share, but there is no rate above it",
			  report_word(&p->report, w->text));
	else if (err == -ERANGE)
		report_at(&p->report, &w->pos, NULL, "'%s' is above the highest rate, 2^63 bits per second",
			  report_word(&p->report, w->text));
	else if (err)
		bad_word(p, w, &a_rate, err);
	else if (!value)
		report_at(&p->report, &w->pos, NULL,
			  "a rate of 0 would let nothing pass; the lowest is 8bit");
	else
		report_at(&p->report, &w->pos, NULL, "'%s' is below the lowest rate, 8bit",
			  report_word(&p->report, w->text));
	return false;
}

bool parse_share_value(struct parser *p, const struct word *w, uint64_t *share)
{
	uint64_t value;
	int err = units_parse_share(w->text, &value);

	if (err) {
		bad_word(p, w, &a_share, err);
		return false;
	}
	if (!value) {
		report_at(&p->report, &w->pos, NULL, "a share of '%s' would let nothing pass",
			  report_word(&p->report, w->text));
		return false;
	}
	*share = value;
	return true;
}

bool parse_size_value(struct parser *p, const struct word *w, const char *what, uint64_t max,
		      uint64_t *bytes)
{
	char text[UNITS_TEXT];
	uint64_t value = 0;
	int err = units_parse_size(w->text, &value);

	if (err && err != -ERANGE) {
		bad_word(p, w, &a_size, err);
		return false;
	}
	if (err || value > max || !value) {
		report_at(&p->report, &w->pos, NULL, "'%s' is out of range for %s: 1b to %s",
			  report_word(&p->report, w->text), what, units_format_size(max, text));
		return false;
	}
	*bytes = value;
	return true;
}

bool parse_number_value(struct parser *p, const struct word *w, const char *what, uint64_t min,
			uint64_t max, uint64_t *value)
{
	uint64_t v = 0;
	int err = units_parse_number(w->text, &v);

	if (!err && v >= min && v <= max) {
		*value = v;
		return true;
	}
	if (err == -EINVAL)
		report_at(&p->report, &w->pos, NULL, "'%s' is not a number; %s is %" PRIu64 " to %" PRIu64,
			  report_word(&p->report, w->text), what, min, max);
	else
		report_at(&p->report, &w->pos, NULL, "'%s' is out of range; %s is %" PRIu64 " to %" PRIu64,
			  report_word(&p->report, w->text), what, min, max);
	return false;
}

bool parse_mark_value(struct parser *p, const struct word *w, uint32_t *mark, uint32_t *mask)
{
	char *text = arena_strdup(&p->arena, w->text), *slash;
	uint64_t value, bits = UINT32_MAX;
	struct word part = *w;

	if (!text) {
		p->oom = true;
		return false;
	}
	slash = strchr(text, '/');
	if (slash)
		*slash = 0;
	part.text = text;
	if (!parse_number_value(p, &part, "a mark", 0, UINT32_MAX, &value))
		return false;
	if (slash) {
		part.pos = pos_in(w, (size_t)(slash + 1 - text));
		part.text = slash + 1;
		if (!parse_number_value(p, &part, "a mask", 1, UINT32_MAX, &bits))
			return false;
	}
	*mark = (uint32_t)value;
	*mask = (uint32_t)bits;
	if (!(value & ~bits))
		return true;
	report_at(&p->report, &w->pos, NULL, "'%s': the mark has bits that the mask has not", w->text);
	return false;
}

/* ---- names ---- */

static const char name_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

bool parse_name_value(struct parser *p, const struct word *w, const char *what)
{
	size_t len = strlen(w->text), good = strspn(w->text, name_chars);
	struct pos pos = pos_in(w, good);

	if (len && len <= 32 && good == len)
		return true;
	if (good < len)
		report_at(&p->report, &pos, NULL,
			  "the name of %s has letters, digits, '_', '.' and '-' only", what);
	else
		report_at(&p->report, &w->pos, NULL, "the name of %s has 1 to 32 characters", what);
	return false;
}

/* These are shown again later, by messages that do not know where they are from. */
static bool has_controls(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return true;
	return false;
}

bool parse_user_value(struct parser *p, const struct word *w)
{
	size_t len = strlen(w->text), good;
	uint64_t uid;

	/* the kernel's "nobody at all" is the last number */
	if (len && strspn(w->text, "0123456789") == len)
		return parse_number_value(p, w, "a user", 0, UINT32_MAX - 1, &uid);
	good = strcspn(w->text, ":/\\ \t\"'");
	if (len && len <= 32 && good == len && w->text[0] != '-' && !has_controls(w->text))
		return true;
	report_at(&p->report, &w->pos, NULL, "'%s' is not the name or number of a user",
		  report_word(&p->report, w->text));
	return false;
}

/* Whether a path's part is one that would leave the tree or say nothing. */
static bool odd_part(const char *s, size_t len)
{
	return !len || (len == 1 && s[0] == '.') || (len == 2 && s[0] == '.' && s[1] == '.');
}

/* Paths are relative to the root of the cgroup hierarchy, with or without a leading slash. */
const char *parse_cgroup_value(struct parser *p, const struct word *w)
{
	const char *s = w->text + strspn(w->text, "/"), *path;
	size_t len = strlen(s), i, part;

	while (len && s[len - 1] == '/')
		len--;
	for (i = 0; i <= len; i += part + 1) {
		part = strcspn(s + i, "/");
		if (i + part > len)
			part = len - i;
		if (!odd_part(s + i, part) && !has_controls(w->text))
			continue;
		report_at(&p->report, &w->pos, NULL,
			  "'%s' is not a cgroup's path, such as system.slice/backup.service",
			  report_word(&p->report, w->text));
		return NULL;
	}
	path = arena_strndup(&p->policy->arena, s, len);
	p->oom |= !path;
	return path;
}

/* ---- lists ---- */

bool parse_list(struct parser *p, const struct word *w,
		bool (*each)(struct parser *p, const struct word *part, void *arg), void *arg)
{
	char *text = arena_strdup(&p->arena, w->text);
	struct word part = *w;
	bool last;
	size_t len;

	if (!text) {
		p->oom = true;
		return false;
	}
	for (;; text += len + 1) {
		len = strcspn(text, ",");
		last = !text[len];
		text[len] = 0;
		part.text = text;
		if (!len) {
			report_at(&p->report, &part.pos, NULL,
				  "a value is missing; the parts of a list have commas and no blanks between them");
			return false;
		}
		if (!each(p, &part, arg))
			return false;
		if (last)
			return true;
		part.pos = pos_in(&part, len + 1);
	}
}
