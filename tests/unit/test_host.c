// SPDX-License-Identifier: GPL-2.0-or-later
/* src/host: where cgroup hierarchies are, what is at a path in them, users; on folders that stand for
 * the hierarchies. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cgroup.h"
#include "host/resolve.h"
#include "tests/unit/test_conf.h"

/* ---- mountinfo ---- */

static bool not_covered(const char *dir, bool v2)
{
	(void)v2;
	return strcmp(dir, "/covered");
}

struct host {
	const char *what, *mountinfo, *v2, *net_cls;
};

static const struct host hosts[] = {
	{ "v2", "24 1 0:22 / / rw - ext4 /dev/vda1 rw\n"
		"26 24 0:24 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
	  "/sys/fs/cgroup", "" },
	{ "hybrid", "26 24 0:24 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n"
		    "27 26 0:25 / /sys/fs/cgroup/unified rw shared:5 - cgroup2 cgroup2 rw\n"
		    "28 26 0:26 / /sys/fs/cgroup/net_cls,net_prio rw - cgroup cgroup rw,net_cls,net_prio\n",
	  "/sys/fs/cgroup/unified", "/sys/fs/cgroup/net_cls,net_prio" },
	{ "v1", "28 26 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
		"29 26 0:26 / /cg/net rw shared:1 master:2 propagate_from:3 - cgroup none rw,net_cls\n", "", "/cg/net" },
	{ "neither", "24 1 0:22 / / rw - ext4 /dev/vda1 rw\n"
		     "28 26 0:26 / /sys/fs/cgroup/x rw - cgroup cgroup rw,net_cls_of_another_name,xnet_cls\n", "", "" },
	{ "blanks in names", "26 24 0:24 / /a\\040b\\134c rw - cgroup2 my\\040cgroup rw\n", "/a b\\c", "" },
	{ "a part first, then the whole", "26 24 0:24 /docker/x /part rw - cgroup2 cgroup2 rw\n"
					  "27 24 0:24 / /whole rw - cgroup2 cgroup2 rw\n"
					  "28 24 0:24 / /whole2 rw - cgroup2 cgroup2 rw\n", "/whole", "" },
	{ "a part only", "26 24 0:24 /docker/x /part rw - cgroup2 cgroup2 rw\n", "/part", "" },
	{ "covered by a later mount", "26 24 0:24 / /covered rw - cgroup2 cgroup2 rw\n"
				      "27 24 0:24 / /open rw - cgroup2 cgroup2 rw\n", "/open", "" },
	{ "odd lines", "\n26\n26 24 0:24 / /x rw\n26 24 0:24 / /x rw -\n26 24 0:24 / /x rw - cgroup2\n"
		       "26 24 0:24 / /x rw - cgroup2 c\n26 24 0:24 / /y rw - cgroup2 c rw", "/y", "" },
	{ "nothing", " ", "", "" },
};

static void test_mountinfo(void **state)
{
	struct cgroups c;
	size_t i;
	FILE *f;

	(void)state;
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		print_message("%s\n", hosts[i].what);
		f = fmemopen((void *)hosts[i].mountinfo, strlen(hosts[i].mountinfo), "r");
		assert_non_null(f);
		cgroups_read(f, not_covered, &c);
		fclose(f);
		assert_string_equal(c.v2, hosts[i].v2);
		assert_string_equal(c.net_cls, hosts[i].net_cls);
	}
}

/* ---- folders ---- */

struct place {
	char dir[64];
	struct cgroups cgroups;
};

static void sh(const char *fmt, const char *dir)
{
	char command[400];

	snprintf(command, sizeof(command), fmt, dir);
	assert_int_equal(system(command), 0);
}

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	strcpy(p->dir, "/tmp/weir-host-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	sh("cd %s && mkdir -p v2/a/b v2/both v1/both v1/old/in && touch v2/file && ln -s a v2/link", p->dir);
	snprintf(p->cgroups.v2, sizeof(p->cgroups.v2), "%s/v2", p->dir);
	snprintf(p->cgroups.net_cls, sizeof(p->cgroups.net_cls), "%s/v1", p->dir);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	sh("rm -r %s", p->dir);
	free(p);
	return 0;
}

static uint64_t inode(const struct place *p, const char *name)
{
	char path[200];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", p->dir, name);
	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static void test_ids(void **state)
{
	const struct cgroups none = { "", "" };
	struct place *p = *state;
	char long_path[5000];
	unsigned int level;
	uint64_t id;

	assert_int_equal(cgroup_id(&p->cgroups, "a", &id, &level), 0);
	assert_int_equal(level, 1);
	assert_int_equal(id, inode(p, "v2/a"));
	assert_int_equal(cgroup_id(&p->cgroups, "a/b", &id, &level), 0);
	assert_int_equal(level, 2);
	assert_int_equal(id, inode(p, "v2/a/b"));
	assert_int_equal(cgroup_id(&p->cgroups, "a/c", &id, &level), -ENOENT);
	assert_int_equal(cgroup_id(&p->cgroups, "file", &id, &level), -ENOENT);
	assert_int_equal(cgroup_id(&p->cgroups, "link", &id, &level), -ENOENT);
	assert_int_equal(cgroup_id(&none, "a", &id, &level), -ENOENT);
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = 0;
	assert_true(cgroup_id(&p->cgroups, long_path, &id, &level) < 0);
	assert_int_equal(cgroup_has_net_cls(&p->cgroups, "old/in"), 0);
	assert_int_equal(cgroup_has_net_cls(&p->cgroups, "a"), -ENOENT);
	assert_int_equal(cgroup_has_net_cls(&none, "old"), -ENOENT);
	/* what a container sees is not the root */
	sh("touch %s/v2/cgroup.events", p->dir);
	assert_int_equal(cgroup_id(&p->cgroups, "a", &id, &level), -EXDEV);
	sh("rm %s/v2/cgroup.events", p->dir);
}

/* ---- resolving ---- */

static int resolve(struct outcome *o, const struct resolve *how)
{
	int err;
	size_t size;

	free(o->warnings);
	o->ctx.messages = open_memstream(&o->warnings, &size);
	err = host_resolve(&o->ctx, how, o->policy);
	fclose(o->ctx.messages);
	return err;
}

static const struct match *first_match(const struct outcome *o)
{
	return child_of(o->policy->links->egress, "c")->matches;
}

static void test_what_is_there(void **state)
{
	struct place *p = *state;
	const struct resolve how = { .cgroups = &p->cgroups };
	struct outcome o = parse_good(
		"link l { egress rate 1mbit { class c { match cgroup /a/b user root\n"
		" match cgroup old/in user 4711; match user root; match cgroup both\n"
		" class d { match cgroup a } } } police egress rate 1mbit { match user 7 } }\n"
		"link k { classifier kernel; egress rate 1mbit { class c { match cgroup both } } }");
	const struct match *m = first_match(&o);

	assert_int_equal(resolve(&o, &how), 0);
	assert_string_equal(o.warnings, "");
	assert_int_equal(m->cgroup_id, inode(p, "v2/a/b"));
	assert_int_equal(m->cgroup_level, 2);
	assert_int_equal(m->uid, 0);
	m = m->next;
	assert_int_equal(m->cgroup_id, 0);
	assert_int_equal(m->uid, 4711);
	assert_int_equal(m->next->uid, 0);
	/* where there are both, v2; but not for what has v1 only */
	assert_int_equal(m->next->next->cgroup_id, inode(p, "v2/both"));
	assert_int_equal(child_of(o.policy->links->next->egress, "c")->matches->cgroup_id, 0);
	assert_int_equal(o.policy->links->polices->matches->uid, 7);
	m = child_of(child_of(o.policy->links->egress, "c"), "d")->matches;
	assert_int_equal(m->cgroup_level, 1);
	outcome_free(&o);
}

static void refused(struct place *p, const struct cgroups *cgroups, const char *text, const char *want)
{
	const struct resolve how = { .cgroups = cgroups };
	struct outcome o = parse_good(text);
	char error[400], *at;

	assert_true(resolve(&o, &how) < 0);
	assert_true(o.ctx.located);
	/* the folder has another name each time */
	snprintf(error, sizeof(error), "%s", o.ctx.error);
	while ((at = strstr(error, p->dir)))
		memmove(at, at + strlen(p->dir), strlen(at + strlen(p->dir)) + 1);
	assert_string_equal(error, want);
	outcome_free(&o);
}

static void test_what_is_not_there(void **state)
{
	struct place *p = *state;
	struct cgroups only_v2 = p->cgroups, only_v1 = p->cgroups, none = { "", "" };

	*only_v2.net_cls = *only_v1.v2 = 0;
	refused(p, &p->cgroups, "link l { egress rate 1mbit { class c {\n  match user no-such-user } } }",
		"t:2:3: no user 'no-such-user'");
	refused(p, &p->cgroups, "link l { ingress rate 1mbit { class c { match cgroup a/x } } }",
		"t:1:41: no cgroup 'a/x': there is neither /v2/a/x nor /v1/a/x");
	refused(p, &only_v2, "link l { police egress rate 1mbit { match cgroup a/x } }",
		"t:1:37: no cgroup 'a/x': there is no /v2/a/x, and net_cls of cgroup v1 is not mounted here");
	refused(p, &only_v1, "link l { police egress rate 1mbit { match cgroup a/x } }",
		"t:1:37: no cgroup 'a/x': there is no /v1/a/x, and cgroup v2 is not mounted here");
	refused(p, &none, "link l { police egress rate 1mbit { match cgroup a } }",
		"t:1:37: no cgroup 'a': neither cgroup v2 nor net_cls of cgroup v1 is mounted here");
	sh("touch %s/v2/cgroup.events", p->dir);
	refused(p, &p->cgroups, "link l { police egress rate 1mbit { match cgroup a } }",
		"t:1:37: cgroup 'a': /v2 shows a part of cgroup v2 only, as containers have it; "
		"run weir where the whole of it is to be seen");
	sh("rm %s/v2/cgroup.events", p->dir);
}

/* What was applied and has gone since hinders nobody, but it is told. */
static void test_what_has_gone(void **state)
{
	struct place *p = *state;
	const struct resolve how = { .cgroups = &p->cgroups, .gone = true };
	struct outcome o = parse_good("link l { egress rate 1mbit { class c { match cgroup x user nobody-at-all\n"
				      " match cgroup a } } }");

	assert_int_equal(resolve(&o, &how), 0);
	assert_string_equal(o.warnings, "weir: warning: l: class c: there is no user 'nobody-at-all' any more\n"
			    "weir: warning: l: class c: there is no cgroup 'x' any more\n");
	assert_true(first_match(&o)->cgroup_id == UINT64_MAX);
	assert_int_equal(first_match(&o)->uid, UINT32_MAX);
	assert_int_equal(first_match(&o)->next->cgroup_id, inode(p, "v2/a"));
	outcome_free(&o);
}

/* Links that a command is not about are not looked at. */
static void test_only_some_links(void **state)
{
	static const char *const only[] = { "k" };
	struct place *p = *state;
	const struct resolve how = { .cgroups = &p->cgroups, .only = only, .n_only = 1 };
	struct outcome o = parse_good("link l { egress rate 1mbit { class c { match cgroup x } } }\n"
				      "link k { egress rate 1mbit { class c { match cgroup a } } }");

	assert_int_equal(resolve(&o, &how), 0);
	assert_int_equal(child_of(o.policy->links->next->egress, "c")->matches->cgroup_id, inode(p, "v2/a"));
	outcome_free(&o);
}

/* On this host, whatever it has. */
static void test_this_host(void **state)
{
	struct cgroups c;
	struct ctx ctx;

	(void)state;
	ctx_init(&ctx);
	assert_int_equal(cgroups_find(&ctx, &c), 0);
	print_message("v2: '%s', net_cls: '%s'\n", c.v2, c.net_cls);
	assert_true(!*c.v2 || !access(c.v2, F_OK));
	assert_true(!*c.net_cls || !access(c.net_cls, F_OK));
	ctx_fini(&ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mountinfo), cmocka_unit_test(test_ids),
		cmocka_unit_test(test_what_is_there), cmocka_unit_test(test_what_is_not_there),
		cmocka_unit_test(test_what_has_gone), cmocka_unit_test(test_only_some_links),
		cmocka_unit_test(test_this_host),
	};

	return cmocka_run_group_tests_name("host", tests, set_up, tear_down);
}
