// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "kernel/decode.h"
#include "kernel/dump_bpf.h"
#include "kernel/netns.h"

struct state {
	json_t *links;		/* name -> { policy, clsact, aside } */
	json_t *limits;		/* key -> text */
	uint64_t netns_inode, netns_cookie;
};

static void state_path(const struct state *state, const char *suffix, char *path, size_t size)
{
	snprintf(path, size, "%s/%" PRIu64 ".json%s", NETNS_RUN_DIR, state->netns_inode, suffix);
}

/* ---- file ---- */

static json_t *without_nonsense(json_t *entries, json_type type)
{
	const char *name;
	json_t *e;
	void *tmp;

	json_object_foreach_safe(entries, tmp, name, e)
		if (json_typeof(e) != type)
			json_object_del(entries, name);
	return entries;
}

/* The links or limits of a file that is about this namespace and not about one that had its inode
 * before. */
static json_t *entries_of(const struct state *state, json_t *file, const char *what, json_type type)
{
	json_int_t cookie = json_integer_value(json_object_get(file, "netns_cookie"));
	json_t *entries = json_object_get(file, what);

	if (!json_is_object(entries) || (uint64_t)cookie != state->netns_cookie)
		return json_object();
	return without_nonsense(json_incref(entries), type);
}

int state_load(struct ctx *ctx, uint64_t netns_inode, struct state **out)
{
	struct state *state = calloc(1, sizeof(*state));
	json_error_t error;
	json_t *file;
	char path[128];

	if (!state)
		return oom(ctx);
	state->netns_inode = netns_inode;
	state->netns_cookie = netns_cookie();
	state_path(state, "", path, sizeof(path));
	file = json_load_file(path, 0, &error);
	if (!file && !access(path, R_OK))
		warn(ctx, "%s: cannot be read and is ignored: %s", path, error.text);
	state->links = entries_of(state, file, "links", JSON_OBJECT);
	state->limits = entries_of(state, file, "limits", JSON_STRING);
	json_decref(file);
	if (!state->links || !state->limits) {
		state_free(state);
		return oom(ctx);
	}
	*out = state;
	return 0;
}

static int write_file(const char *path, const char *text)
{
	size_t len = strlen(text), done = 0;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), err = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while (done < len && !err) {
		n = write(fd, text + done, len - done);
		if (n < 0)
			err = -errno;
		else
			done += (size_t)n;
	}
	if (!err && fsync(fd))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	return err;
}

int state_save(struct ctx *ctx, const struct state *state)
{
	char path[128], tmp[128];
	json_t *file = json_pack("{s:I, s:O, s:O}", "netns_cookie", (json_int_t)state->netns_cookie,
				 "links", state->links, "limits", state->limits);
	char *text = file ? json_dumps(file, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
	int err;

	json_decref(file);
	if (!text)
		return oom(ctx);
	state_path(state, "", path, sizeof(path));
	state_path(state, ".new", tmp, sizeof(tmp));
	if (!json_object_size(state->links) && !json_object_size(state->limits)) {
		err = unlink(path) && errno != ENOENT ? -errno : 0;
	} else {
		err = write_file(tmp, text);
		if (!err && rename(tmp, path))
			err = -errno;
		if (err)
			unlink(tmp);
	}
	free(text);
	return err ? fail(ctx, err, "%s: %s", path, strerror(-err)) : 0;
}

struct state *state_dup(const struct state *state)
{
	struct state *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *state;
	copy->links = json_deep_copy(state->links);
	copy->limits = json_deep_copy(state->limits);
	if (!copy->links || !copy->limits) {
		state_free(copy);
		return NULL;
	}
	return copy;
}

void state_free(struct state *state)
{
	if (!state)
		return;
	json_decref(state->links);
	json_decref(state->limits);
	free(state);
}

/* ---- entries ---- */

static json_t *entry(const struct state *state, const char *link)
{
	return json_object_get(state->links, link);
}

static int set(struct ctx *ctx, struct state *state, const char *link, const char *key, json_t *v)
{
	json_t *e = entry(state, link);

	if (!e) {
		e = json_object();
		if (json_object_set_new(state->links, link, e)) {
			json_decref(v);
			return oom(ctx);
		}
	}
	return json_object_set_new(e, key, v) ? oom(ctx) : 0;
}

static void unset(struct state *state, const char *link, const char *key)
{
	json_object_del(entry(state, link), key);
}

const char *state_policy(const struct state *state, const char *link)
{
	return json_string_value(json_object_get(entry(state, link), "policy"));
}

int state_set_policy(struct ctx *ctx, struct state *state, const char *link, const char *text)
{
	if (text)
		return set(ctx, state, link, "policy", json_string(text));
	unset(state, link, "policy");
	return 0;
}

bool state_made_clsact(const struct state *state, const char *link)
{
	return json_is_true(json_object_get(entry(state, link), "clsact"));
}

int state_set_made_clsact(struct ctx *ctx, struct state *state, const char *link, bool made)
{
	if (made)
		return set(ctx, state, link, "clsact", json_true());
	unset(state, link, "clsact");
	return 0;
}

int state_each(const struct state *state, int (*each)(void *arg, const char *link), void *arg)
{
	const char *name;
	json_t *e;
	int err;

	json_object_foreach(state->links, name, e) {
		err = each(arg, name);
		if (err)
			return err;
	}
	return 0;
}

void state_tidy(struct state *state)
{
	const char *name;
	json_t *e;
	void *tmp;

	json_object_foreach_safe(state->links, tmp, name, e)
		if (!json_object_size(e))
			json_object_del(state->links, name);
}

/* ---- limits ---- */

const char *state_limit(const struct state *state, const char *key)
{
	return json_string_value(json_object_get(state->limits, key));
}

int state_set_limit(struct ctx *ctx, struct state *state, const char *key, const char *text)
{
	if (text)
		return json_object_set_new(state->limits, key, json_string(text)) ? oom(ctx) : 0;
	json_object_del(state->limits, key);
	return 0;
}

int state_each_limit(const struct state *state,
		     int (*each)(void *arg, const char *key, const char *text), void *arg)
{
	const char *key;
	json_t *text;
	void *tmp;
	int err;

	json_object_foreach_safe(state->limits, tmp, key, text) {
		err = each(arg, key, json_string_value(text));
		if (err)
			return err;
	}
	return 0;
}

/* ---- cgroups ---- */

static json_t *cgroups_of(const struct state *state, const char *link)
{
	return json_object_get(entry(state, link), "net_cls");
}

int state_set_cgroup(struct ctx *ctx, struct state *state, const char *link, const char *path,
		     uint32_t classid, uint32_t before)
{
	json_t *all = cgroups_of(state, link), *v;

	if (!json_is_object(all)) {
		all = json_object();
		if (set(ctx, state, link, "net_cls", all))
			return -ENOMEM;
	}
	v = json_pack("[I, I]", (json_int_t)classid, (json_int_t)before);
	return json_object_set_new(all, path, v) ? oom(ctx) : 0;
}

bool state_owns_cgroup(const struct state *state, const char *link, const struct tree_cgroup *cgroup,
		       uint32_t *before)
{
	json_t *all = cgroups_of(state, link), *v = json_object_get(all, cgroup->path);
	json_int_t classid = 0, was = 0;
	bool itself = v;
	char path[4096], *slash;

	snprintf(path, sizeof(path), "%s", cgroup->path);
	while (all && !v && (slash = strrchr(path, '/'))) {
		*slash = 0;
		v = json_object_get(all, path);
	}
	if (!v || json_unpack(v, "[I, I]", &classid, &was))
		return false;
	*before = (uint32_t)was;
	return (json_int_t)cgroup->classid == classid ||
	       (itself && HANDLE_MAJOR(cgroup->classid) == WEIR_MAJOR);
}

void state_keep_cgroups(struct state *state, const char *link,
			bool (*keep)(void *arg, const char *link, const char *path), void *arg)
{
	json_t *all = cgroups_of(state, link), *v;
	const char *path;
	void *tmp;

	json_object_foreach_safe(all, tmp, path, v)
		if (!keep || !keep(arg, link, path))
			json_object_del(all, path);
	if (all && !json_object_size(all))
		unset(state, link, "net_cls");
}

bool state_has_cgroups(const struct state *state)
{
	const char *name;
	json_t *e;

	json_object_foreach(state->links, name, e)
		if (json_object_size(json_object_get(e, "net_cls")))
			return true;
	return false;
}

/* ---- what was put aside ---- */

static json_t *hex_of(const void *data, size_t len)
{
	const uint8_t *b = data;
	char *text = malloc(2 * len + 1);
	json_t *v;
	size_t i;

	if (!text)
		return NULL;
	for (i = 0; i < len; i++)
		sprintf(text + 2 * i, "%02x", b[i]);
	text[2 * len] = 0;
	v = json_string(text);
	free(text);
	return v;
}

static void *from_hex(struct arena *a, const char *text, uint32_t *len)
{
	size_t n = strlen(text) / 2, i;
	uint8_t *data = arena_alloc(a, n);
	unsigned int byte;

	for (i = 0; data && i < n; i++) {
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return NULL;
		data[i] = (uint8_t)byte;
	}
	*len = (uint32_t)n;
	return data;
}

static bool belongs_to_root(const struct obj *obj)
{
	return obj->parent != HANDLE_CLSACT && obj->parent != HANDLE_INGRESS &&
	       obj->parent != HANDLE_EGRESS && !(obj->type == OBJ_QDISC && !obj->handle);
}

static json_t *pack_obj(const struct obj *obj)
{
	return json_pack("{s:i, s:I, s:I, s:i, s:i, s:I, s:s, s:o}",
			 "type", (int)obj->type, "handle", (json_int_t)obj->handle,
			 "parent", (json_int_t)obj->parent, "prio", (int)obj->prio,
			 "protocol", (int)obj->protocol, "chain", (json_int_t)obj->chain,
			 "kind", obj->kind_name, "raw", hex_of(obj->raw, obj->raw_len));
}

int state_put_aside(struct ctx *ctx, struct state *state, const char *name,
		    const struct tree_link *link)
{
	json_t *list;
	const struct obj *obj;
	int type;

	if (!link) {
		unset(state, name, "aside");
		return 0;
	}
	for (obj = link->objs[OBJ_FILTER]; obj; obj = obj->next)
		if (belongs_to_root(obj) && dump_bpf_id(obj))
			return fail(ctx, EOPNOTSUPP, "%s: filter %s of %x:, prio %u, runs a program that nobody could "
				    "put back later: take it away first", name, obj->kind_name,
				    HANDLE_MAJOR(obj->parent), obj->prio);
	list = json_array();
	for (type = 0; type < OBJ_TYPES; type++)
		for (obj = link->objs[type]; obj; obj = obj->next)
			if (belongs_to_root(obj) && json_array_append_new(list, pack_obj(obj))) {
				json_decref(list);
				return oom(ctx);
			}
	return set(ctx, state, name, "aside", list);
}

bool state_has_aside(const struct state *state, const char *link)
{
	return json_array_size(json_object_get(entry(state, link), "aside")) > 0;
}

static int unpack_obj(struct ctx *ctx, json_t *v, struct tree *tree, struct tree_link *link)
{
	json_int_t handle, parent, chain;
	const char *kind, *raw;
	int type, prio, protocol;
	struct obj *obj;

	if (json_unpack(v, "{s:i, s:I, s:I, s:i, s:i, s:I, s:s, s:s}", "type", &type, "handle", &handle,
			"parent", &parent, "prio", &prio, "protocol", &protocol, "chain", &chain,
			"kind", &kind, "raw", &raw) || type < 0 || type >= OBJ_TYPES)
		return -EINVAL;
	obj = tree_obj_add(tree, link, (enum obj_type)type);
	if (!obj)
		return oom(ctx);
	obj->handle = (uint32_t)handle;
	obj->parent = (uint32_t)parent;
	obj->chain = (uint32_t)chain;
	obj->prio = (uint16_t)prio;
	obj->protocol = (uint16_t)protocol;
	obj->kind_name = kind;
	obj->raw = from_hex(&tree->arena, raw, &obj->raw_len);
	return obj->raw ? decode_raw(ctx, tree, obj) : -EINVAL;
}

static int forget_objs(struct ctx *ctx, struct tree_link *link)
{
	warn(ctx, "%s: what was put aside cannot be read back and is not restored", link->name);
	memset(link->objs, 0, sizeof(link->objs));
	memset(link->last, 0, sizeof(link->last));
	return 0;
}

int state_restore(struct ctx *ctx, const struct state *state, struct tree *tree,
		  struct tree_link *link)
{
	json_t *v, *list = json_object_get(entry(state, link->name), "aside");
	size_t i;
	int err;

	json_array_foreach(list, i, v) {
		err = unpack_obj(ctx, v, tree, link);
		if (err == -EINVAL)	/* what weir made has to go all the same */
			return forget_objs(ctx, link);
		if (err)
			return err;
	}
	return 0;
}
