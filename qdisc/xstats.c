// SPDX-License-Identifier: GPL-2.0-or-later
#include "qdisc/xstats.h"

#include <stdint.h>
#include <string.h>

static json_t *field_json(enum xstat_type type, const char *p)
{
	uint32_t u;
	int64_t s;

	if (type == XSTAT_U64 || type == XSTAT_S64) {
		memcpy(&s, p, sizeof(s));
		return json_integer(s);
	}
	memcpy(&u, p, sizeof(u));
	if (type == XSTAT_BOOL32)
		return json_boolean(u);
	return json_integer(type == XSTAT_S32 ? (json_int_t)(int32_t)u : (json_int_t)u);
}

json_t *xstats_json(const struct xstat *fields, const void *data, size_t len)
{
	json_t *obj = json_object();

	for (; obj && fields->name; fields++) {
		size_t size = fields->type == XSTAT_U64 || fields->type == XSTAT_S64 ? 8 : 4;

		if (fields->offset + size <= len)
			json_object_set_new(obj, fields->name,
					    field_json(fields->type, (const char *)data + fields->offset));
	}
	return obj;
}
