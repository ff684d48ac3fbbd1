// SPDX-License-Identifier: GPL-2.0-or-later
/* src/conf: files, standard input, and `include`. */
#include "test_conf.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory of its own for each test, which is the current one while it runs. */
static int setup(void **state)
{
	char template[] = "/tmp/weir-conf-XXXXXX";
	char *dir = mkdtemp(template);

	if (!dir || chdir(dir))
		return -1;
	*state = strdup(dir);
	return *state ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st; (void)type; (void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	int err = chdir("/");

	err |= nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return err;
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static struct outcome read_file(const char *path)
{
	return read_conf(path, NULL, 0);
}

/* The names of the links, each with a blank behind. */
static void check_links(const char *path, const char *want)
{
	struct outcome o = read_file(path);
	char names[1000] = "";
	struct link *link;

	if (o.err)
		print_error("%s\n", o.error);
	assert_int_equal(o.err, 0);
	for (link = o.policy->links; link; link = link->next) {
		strcat(names, link->name);
		strcat(names, " ");
	}
	assert_string_equal(names, want);
	outcome_free(&o);
}

static void check_error(const char *path, int err, const char *want)
{
	struct outcome o = read_file(path);

	assert_int_equal(o.err, err);
	assert_string_equal(o.error, want);
	assert_int_equal(o.ctx.located, err == -EINVAL);
	outcome_free(&o);
}

static void test_no_file(void **state)
{
	(void)state;
	check_error("none.conf", -ENOENT, "cannot open 'none.conf': No such file or directory");
	check_error(".", -EISDIR, "cannot read '.': Is a directory");
	put("big", "");
	assert_int_equal(truncate("big", (1 << 20) + 1), 0);
	check_error("big", -EFBIG, "cannot read 'big': larger than 1 MiB");
}

static void test_standard_input(void **state)
{
	struct outcome o;
	int saved = dup(STDIN_FILENO);

	(void)state;
	put("main", "link a { }; include \"more\"; foo\n");
	put("more", "link b { }");
	assert_non_null(freopen("main", "r", stdin));
	o = read_file("-");
	assert_int_equal(o.err, -EINVAL);
	assert_string_equal(o.error, "<stdin>:1:29: unknown word 'foo'\nlink a { }; include \"more\"; foo\n"
			    "                            ^");
	outcome_free(&o);
	assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
	close(saved);
}

static void test_globs(void **state)
{
	(void)state;
	assert_int_equal(mkdir("conf.d", 0755), 0);
	assert_int_equal(mkdir("sub", 0755), 0);
	put("conf.d/20.conf", "link b { }");
	put("conf.d/10.conf", "link a { }\ninclude \"../sub/x\"");
	put("conf.d/30.off", "link c { }");
	put("sub/x", "link x { }; include y\nlink z { }");
	put("sub/y", "link y { }");
	put("main", "link first { }; include \"conf.d/*.conf\"; link last { }\n");
	check_links("main", "first a x y z b last ");
	put("main", "include \"nothing/*.conf\"; include \"conf.d/*.none\"; include \"conf.d/[13]0.*\"");
	check_links("main", "a x y z c ");
}

/* Relative to the including file, wherever the program runs. */
static void test_relative(void **state)
{
	char path[300];

	assert_int_equal(mkdir("we[i]rd *", 0755), 0);
	put("we[i]rd */main", "include \"?.conf\"; include \"b.conf\"");
	put("we[i]rd */a.conf", "link a { }");
	put("we[i]rd */b.conf", "");
	check_links("we[i]rd */main", "a ");
	snprintf(path, sizeof(path), "%s/we[i]rd */main", (char *)*state);
	assert_int_equal(chdir("/"), 0);
	check_links(path, "a ");
}

static void test_absolute(void **state)
{
	char text[300];

	put("a.conf", "link a { }");
	assert_int_equal(mkdir("sub", 0755), 0);
	snprintf(text, sizeof(text), "include \"%s/a.conf\"", (char *)*state);
	put("sub/main", text);
	check_links("sub/main", "a ");
	snprintf(text, sizeof(text), "include \"%s/?.conf\"", (char *)*state);
	put("sub/main", text);
	check_links("sub/main", "a ");
}

static void test_missing(void **state)
{
	(void)state;
	put("main", "link a { }\ninclude \"none.conf\"\n");
	check_error("main", -EINVAL,
		    "main:2:9: cannot include 'none.conf': No such file or directory\n"
		    "include \"none.conf\"\n"
		    "        ^");
	assert_int_equal(mkdir("dir", 0755), 0);
	put("main", "include \"dir\"");
	check_error("main", -EINVAL, "main:1:9: cannot include 'dir': not a regular file\n"
		    "include \"dir\"\n        ^");
	assert_int_equal(mkfifo("fifo", 0600), 0);
	put("main", "include \"fifo\"");
	check_error("main", -EINVAL, "main:1:9: cannot include 'fifo': not a regular file\n"
		    "include \"fifo\"\n        ^");
}

static void test_cycles(void **state)
{
	(void)state;
	put("main", "include \"main\"");
	check_error("main", -EINVAL,
		    "main:1:9: cannot include 'main': it is being read already, it would include itself\n"
		    "include \"main\"\n        ^");
	put("main", "include \"b\"");
	put("b", "include \"c\"");
	assert_int_equal(symlink("main", "c"), 0);
	check_error("main", -EINVAL,
		    "b:1:9: cannot include 'c': it is being read already, it would include itself\n"
		    "include \"c\"\n        ^");
	put("main", "include \"*\"");
	put("b", "");
	assert_int_equal(unlink("c"), 0);
	check_error("main", -EINVAL,
		    "main:1:9: cannot include 'main': it is being read already, it would include itself\n"
		    "include \"*\"\n        ^");
}

static void test_depth(void **state)
{
	char name[] = "1", text[40];

	(void)state;
	for (; name[0] < '8'; name[0]++) {
		snprintf(text, sizeof(text), "link a%c { }; include \"%c\"", name[0], name[0] + 1);
		put(name, text);
	}
	put("8", "link a8 { }");
	check_links("1", "a1 a2 a3 a4 a5 a6 a7 a8 ");
	put("8", "include \"9\"");
	put("9", "");
	check_error("1", -EINVAL, "8:1:9: cannot include '9': more than 8 files include one another\n"
		    "include \"9\"\n        ^");
}

static void test_sizes(void **state)
{
	char name[20];
	int i;

	(void)state;
	put("big", "");
	assert_int_equal(truncate("big", (1 << 20) + 1), 0);
	put("main", "include \"big\"");
	check_error("main", -EINVAL, "main:1:9: cannot include 'big': larger than 1 MiB\n"
		    "include \"big\"\n        ^");
	for (i = 0; i < 17; i++) {
		FILE *f;
		int k;

		snprintf(name, sizeof(name), "file%02d", i);
		f = fopen(name, "w");
		assert_non_null(f);
		for (k = 0; k < 1 << 20; k++)
			fputc('\n', f);
		fclose(f);
	}
	put("main", "include \"file*\"");
	check_error("main", -EINVAL,
		    "main:1:9: cannot include 'file15': all files together are larger than 16 MiB\n"
		    "include \"file*\"\n        ^");
}

/* Each in its own file, in the order of reading; duplicates name the first one's file. */
static void test_errors_in_files(void **state)
{
	(void)state;
	put("a.conf", "link a { }\nlink b {");
	put("b.conf", "link a { }\n  }");
	put("main", "lnk x { }\ninclude \"?.conf\"\nlink a { }\nclass\n");
	check_error("main", -EINVAL,
		    "main:1:1: unknown word 'lnk'; did you mean 'link'?\nlnk x { }\n^\n"
		    "main:3:6: link 'a' is there twice; the first is on a.conf:1\nlink a { }\n     ^\n"
		    "main:4:1: 'class' does not belong here: it begins a statement in egress, ingress or a class\n"
		    "class\n^\n"
		    "a.conf:2:8: this '{' is never closed\nlink b {\n       ^\n"
		    "b.conf:1:6: link 'a' is there twice; the first is on a.conf:1\nlink a { }\n     ^\n"
		    "b.conf:2:3: this '}' closes nothing\n  }\n  ^");
}

static void test_forbidden_directory(void **state)
{
	struct outcome o;

	(void)state;
	assert_int_equal(mkdir("dir", 0), 0);
	assert_int_equal(chmod(".", 0755), 0);
	put("main", "include \"dir/*.conf\"");
	if (!getuid())	/* root may read every directory */
		assert_int_equal(seteuid(65534), 0);
	o = read_file("main");
	assert_int_equal(seteuid(getuid()), 0);
	assert_int_equal(o.err, -EINVAL);
	assert_string_equal(o.error, "main:1:9: cannot include 'dir/*.conf': a directory cannot be read\n"
			    "include \"dir/*.conf\"\n        ^");
	outcome_free(&o);
}

/* From memory, as the program keeps what it applied. */
static void test_from_memory(void **state)
{
	struct policy *policy = NULL;
	struct ctx ctx;

	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	put("d/x", "link x { egress rate 1mbit }");
	ctx_init(&ctx);
	assert_int_equal(conf_parse(&ctx, "d/main", "include x", 9, &policy), 0);
	assert_string_equal(policy->links->name, "x");
	assert_string_equal(policy->links->loc.file, "d/x");
	policy_free(policy);
	policy_free(NULL);
	ctx_fini(&ctx);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_file), TEST(test_standard_input), TEST(test_globs), TEST(test_relative),
		TEST(test_absolute), TEST(test_missing), TEST(test_cycles), TEST(test_depth),
		TEST(test_sizes), TEST(test_errors_in_files), TEST(test_forbidden_directory),
		TEST(test_from_memory),
	};

	return cmocka_run_group_tests_name("conf_include", tests, NULL, NULL);
}
