// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/native.h"

#include <stddef.h>
#include <string.h>

struct match_maps {
	const struct program *program;
	const struct classify_config *config;
};

static const void *lookup(const struct match_maps *maps, const char *name, const void *key);

#define MATCH_CONFIG(maps) ((maps)->config)
#define MATCH_LOOKUP(maps, map, key) lookup(maps, #map, key)
#define MATCH_STEP static

/* Vectors of fields that are not used are not set, nor looked at. */
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include "bpf/match.h"

struct packet {
	const uint8_t *data;
	uint32_t bytes;
	union parse_header copy;	/* headers lie unaligned in packets */
};

static const void *packet_at(struct packet *p, __u32 at, __u32 bytes)
{
	if (at > PARSE_REACH || at > p->bytes || p->bytes - at < bytes)
		return NULL;
	memcpy(&p->copy, p->data + at, bytes);
	return &p->copy;
}

const struct program_map *native_map(const struct program *program, const char *name)
{
	unsigned int i;

	for (i = 0; i < program->n_maps; i++)
		if (!strcmp(program->maps[i].name, name))
			return &program->maps[i];
	return NULL;
}

static bool covers(const struct classify_address *prefix, const struct classify_address *key)
{
	unsigned int i;

	for (i = 0; i < prefix->bits; i++)
		if ((prefix->addr[i / 8] ^ key->addr[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

static const void *longest(const struct program_map *map, const struct classify_address *key)
{
	const struct classify_address *entry;
	const void *found = NULL;
	unsigned int bits = 0;
	uint32_t i;

	for (i = 0; i < map->n; i++) {
		entry = (const void *)((const char *)map->keys + (size_t)i * map->key_bytes);
		if (covers(entry, key) && (!found || entry->bits > bits)) {
			found = (const char *)map->values + (size_t)i * map->value_bytes;
			bits = entry->bits;
		}
	}
	return found;
}

static const void *lookup(const struct match_maps *maps, const char *name, const void *key)
{
	const struct program_map *map = native_map(maps->program, name);
	uint32_t i;

	if (!map)	/* not made: the constants must keep the program from using it */
		__builtin_trap();
	if (!map->hash && (!strncmp(name, "weir_from", 9) || !strncmp(name, "weir_to", 7)))
		return longest(map, key);
	if (!map->keys) {
		memcpy(&i, key, sizeof(i));
		return i < map->n ? (const char *)map->values + (size_t)i * map->value_bytes : NULL;
	}
	for (i = 0; i < map->n; i++)
		if (!memcmp((const char *)map->keys + (size_t)i * map->key_bytes, key, map->key_bytes))
			return (const char *)map->values + (size_t)i * map->value_bytes;
	return NULL;
}

int native_classify(const struct program *program, const struct native_packet *packet,
		    struct classify_result *result)
{
	struct match_maps maps = { .program = program, .config = program->constants };
	struct packet bytes = { .data = packet->data, .bytes = packet->bytes };
	struct owner owner = { .known = packet->owned, .uid = packet->uid, .net_cls = packet->net_cls };
	struct fields f = { .mark = packet->mark };
	uint32_t i;

	if (packet->tagged && maps.config->use & CLASSIFY_VLAN) {
		f.tagged = true;
		f.vlan = packet->vlan;
	}
	*result = maps.config->otherwise;
	if (parse(&bytes, maps.config->use, &f) < 0)
		return -1;
	for (i = 0; i < maps.config->cgroup_levels; i++)
		owner.cgroup[i] = packet->cgroup[maps.config->cgroup_level[i]];
	match(&maps, maps.config->use, &f, &owner, result);
	return 0;
}
