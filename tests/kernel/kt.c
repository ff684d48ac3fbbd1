// SPDX-License-Identifier: GPL-2.0-or-later
#include "kt.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>

#include "kernel/probe.h"
#include "qdisc/htb.h"
#include "tests/feature.h"

enum { EXIT_FAILED = 1, EXIT_SKIPPED = 77 };

struct ctx kt_ctx;
struct netlink *kt_nl;

static bool failed;
static struct arena kept;	/* what commands printed */
static FILE *report;		/* what the parent prints after the test's line */
static struct probe *probe;	/* shared by all tests: the kernel is asked once */

/* ---- checks ---- */

void kt_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	failed = true;
	fprintf(report, "# %s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(report, fmt, ap);
	va_end(ap);
	fputc('\n', report);
}

_Noreturn void kt_stop(const char *file, int line, const char *what)
{
	kt_fail(file, line, "%s%s%s", what, kt_ctx.error ? ": " : "",
		kt_ctx.error ? kt_ctx.error : "");
	fflush(report);
	_exit(EXIT_FAILED);
}

_Noreturn void kt_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(report, fmt, ap);
	va_end(ap);
	fflush(report);
	_exit(failed ? EXIT_FAILED : EXIT_SKIPPED);
}

static void quote(const char *text)
{
	fputs("#   | ", report);
	for (; *text; text++) {
		fputc(*text, report);
		if (*text == '\n' && text[1])
			fputs("#   | ", report);
	}
	fputc('\n', report);
}

void kt_check_str(const char *file, int line, const char *value, const char *wanted)
{
	if (value && !strcmp(value, wanted))
		return;
	kt_fail(file, line, "got");
	quote(value ? value : "(none)");
	fputs("# instead of\n", report);
	quote(wanted);
}

void kt_check_has(const char *file, int line, const char *text, const char *part, bool has)
{
	if (text && !strstr(text, part) == !has)
		return;
	kt_fail(file, line, "'%s' is %s in", part, has ? "not" : "still");
	quote(text ? text : "(none)");
}

/* ---- what was seen to work ---- */

enum { MAX_NEEDED = 16 };
static const struct kind *needed[MAX_NEEDED];
static size_t n_needed;

static void tell(const struct kind *kind, bool works)
{
	static const char *const sections[] = {
		[KIND_QDISC] = "Queues", [KIND_CLASS] = "Classes and links", [KIND_FILTER] = "Filters",
		[KIND_ACTION] = "Actions",
	};

	feature(sections[kind->type], kind->name, works);
}

static void tell_needed(void)
{
	size_t i;

	for (i = 0; i < n_needed && !failed; i++)
		tell(needed[i], true);
}

/* ---- running ---- */

/* In a guest, what the kernel says stands behind the test that made it say so. */
static void tell_kernel(const char *name)
{
	FILE *f = getenv("GUEST") ? fopen("/dev/kmsg", "w") : NULL;

	if (f && fprintf(f, "<3>weir: %s %s\n", program_invocation_short_name, name))
		fclose(f);
}

static _Noreturn void run_test(const struct kt_test *test, int fd)
{
	report = fdopen(fd, "w");
	alarm(60);
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "/run", "tmpfs", 0, NULL))
		kt_skip("needs root for namespaces of its own");
	ctx_init(&kt_ctx);
	kt_ctx.messages = report;
	MUST(!netlink_open(&kt_ctx, &kt_nl));
	test->run();
	tell_needed();
	netlink_close(kt_nl);
	ctx_fini(&kt_ctx);
	kt_free_kept();
	arena_free(&kept);
	fclose(report);
	exit(failed ? EXIT_FAILED : 0);
}

static size_t read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	buf[len] = 0;
	return len;
}

static bool run_one(const struct kt_test *test, size_t number)
{
	static char text[64 * 1024];
	int fds[2], status;
	pid_t pid;

	fflush(stdout);
	tell_kernel(test->name);
	if (pipe(fds))
		abort();
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		run_test(test, fds[1]);
	}
	close(fds[1]);
	read_all(fds[0], text, sizeof(text));
	close(fds[0]);
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED) {
		printf("ok %zu - %s # SKIP %s\n", number, test->name, text);
		return true;
	}
	if (WIFEXITED(status) && !WEXITSTATUS(status)) {
		printf("ok %zu - %s\n", number, test->name);
		return true;
	}
	printf("not ok %zu - %s\n%s", number, test->name, text);
	if (WIFSIGNALED(status))
		printf("# ended by signal %d\n", WTERMSIG(status));
	return false;
}

static bool named(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc < 2;
}

int kt_main(int argc, char **argv, const struct kt_test *tests, size_t n)
{
	size_t i, planned = 0, number = 0;
	bool good = true;

	probe = mmap(NULL, sizeof(*probe), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (probe == MAP_FAILED)
		abort();
	for (i = 0; i < n; i++)
		planned += named(tests[i].name, argc, argv);
	printf("1..%zu\n", planned);
	for (i = 0; i < n; i++)
		if (named(tests[i].name, argc, argv))
			good &= run_one(&tests[i], ++number);
	return good && planned ? 0 : 1;
}

/* ---- tools ---- */

char *kt_sh(const char *fmt, ...)
{
	static char buf[256 * 1024];
	char *command, *all;
	va_list ap;
	FILE *f;
	size_t len;

	va_start(ap, fmt);
	if (vasprintf(&command, fmt, ap) < 0)
		abort();
	va_end(ap);
	if (asprintf(&all, "{ %s\n} 2>&1", command) < 0)
		abort();
	f = popen(all, "r");
	MUST(f);
	len = fread(buf, 1, sizeof(buf) - 1, f);
	buf[len] = 0;
	if (pclose(f)) {
		kt_fail(__FILE__, __LINE__, "%s", command);
		quote(buf);
		kt_stop(__FILE__, __LINE__, "the command failed");
	}
	free(all);
	free(command);
	return kt_kept_text(buf);
}

char *kt_kept_text(const char *text)
{
	char *copy = arena_strdup(&kept, text);

	MUST(copy);
	return copy;
}

const struct kind *kt_need(enum kind_type type, const char *name)
{
	const struct kind *kind = kind_find(type, name);

	if (!kind)
		kt_skip("weir has no %s", name);
	if (!probe->done)
		MUST(!kernel_probe(&kt_ctx, probe));
	if (!probe_has(probe, kind)) {
		tell(kind, false);
		kt_skip("this kernel has no %s", kind->module);
	}
	if (n_needed < MAX_NEEDED)
		needed[n_needed++] = kind;
	return kind;
}

unsigned int kt_version(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	uname(&name);
	sscanf(name.release, "%u.%u", &major, &minor);
	return major << 16 | minor << 8;
}

void kt_veth(void)
{
	kt_sh("printf 'link %%s\\n' 'add v0 type veth peer name v1' 'set v0 up' 'set v1 up' | ip -batch -");
}

void kt_links(void)
{
	kt_sh("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6 2>/dev/null; true");
	kt_veth();
	kt_sh("ip link set v1 mtu 1400 && ip link add w0 type veth peer name w1");
}

struct tree_link *kt_link(struct tree *tree, const char *name)
{
	struct tree_link *link = tree_link_add(tree, name);

	MUST(link);
	link->ifindex = (int)if_nametoindex(name);
	return link;
}

static struct obj *new_obj(struct tree *tree, struct tree_link *link, enum obj_type type,
			   enum kind_type kind_type, const char *kind)
{
	struct obj *obj = tree_obj_add(tree, link, type);

	MUST(obj);
	obj->kind = kind_find(kind_type, kind);
	MUST(obj->kind);
	obj->kind_name = obj->kind->name;
	obj->opts = opts_new(&tree->arena, obj->kind);
	MUST(obj->opts);
	return obj;
}

struct obj *kt_qdisc(struct tree *tree, struct tree_link *link, const char *kind, uint32_t handle,
		     uint32_t parent)
{
	struct obj *obj = new_obj(tree, link, OBJ_QDISC, KIND_QDISC, kind);

	obj->handle = handle;
	obj->parent = parent;
	return obj;
}

struct obj *kt_class(struct tree *tree, struct tree_link *link, uint32_t classid, uint32_t parent,
		     uint64_t rate_bit, uint64_t ceil_bit)
{
	struct obj *obj = new_obj(tree, link, OBJ_CLASS, KIND_CLASS, "htb");

	obj->handle = classid;
	obj->parent = parent;
	opts_put(obj->opts, HTB_RATE, rate_bit);
	opts_put(obj->opts, HTB_CEIL, ceil_bit);
	opts_put(obj->opts, HTB_BURST, 10000);
	opts_put(obj->opts, HTB_CBURST, 10000);
	opts_put(obj->opts, HTB_LINKLAYER, TC_LL_ETHERNET);
	obj->kind->canon(obj->opts);
	return obj;
}

struct tree_link *kt_small_tree(struct tree *tree, const char *dev)
{
	struct tree_link *link = kt_link(tree, dev);
	struct obj *root = kt_qdisc(tree, link, "htb", KT_ROOT, HANDLE_ROOT);

	opts_put(root->opts, HTB_DEFAULT, WEIR_MINOR_DEFAULT);
	kt_class(tree, link, KT_CLASS(1), KT_ROOT, 20 * KT_MBIT, 20 * KT_MBIT);
	kt_class(tree, link, KT_CLASS(2), KT_CLASS(1), 4 * KT_MBIT, 20 * KT_MBIT)->name = "default";
	kt_class(tree, link, KT_CLASS(0x1a), KT_CLASS(1), 16 * KT_MBIT, 16 * KT_MBIT)->name =
		"voip";
	return link;
}

struct obj *kt_filter(struct tree *tree, struct tree_link *link, const char *kind, uint32_t parent,
		      uint16_t prio, uint32_t handle)
{
	struct obj *obj = new_obj(tree, link, OBJ_FILTER, KIND_FILTER, kind);

	obj->parent = parent;
	obj->prio = prio;
	obj->handle = handle;
	obj->protocol = ETH_P_ALL;
	return obj;
}

struct action *kt_action(struct tree *tree, struct obj *filter, const char *kind)
{
	struct action *a = arena_alloc(&tree->arena, sizeof(*a)), **at;

	MUST(a);
	a->kind = kind_find(KIND_ACTION, kind);
	MUST(a->kind);
	a->opts = opts_new(&tree->arena, a->kind);
	for (at = &filter->actions; *at; at = &(*at)->next)
		;
	*at = a;
	return a;
}

void kt_words(struct obj *obj, const char *words)
{
	const char *argv[32];
	struct opt_error error;
	char *copy = strdup(words), *save = NULL, *word;
	int argc = 0;

	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	if (opts_parse(obj->kind, argc, argv, obj->opts, &error))
		kt_stop(__FILE__, __LINE__, error.text);
	free(copy);
}

void kt_op(struct ops *ops, enum op_verb verb, enum op_phase phase, const struct tree_link *link,
	   const struct obj *old, const struct obj *obj)
{
	struct op *op = arena_alloc(&ops->arena, sizeof(*op)), **at;

	MUST(op);
	*op = (struct op){ .verb = verb, .phase = phase, .link = link, .old = old, .obj = obj };
	for (at = &ops->first; *at; at = &(*at)->next)
		;
	*at = op;
	ops->count++;
}

void kt_add_all(struct ops *ops, const struct tree_link *link)
{
	const struct obj *q, *c, *f;

	for (q = link->objs[OBJ_QDISC]; q; q = q->next) {
		if (!q->handle)
			continue;	/* the kernel's own */
		kt_op(ops, OP_ADD, PHASE_BUILD, link, NULL, q);
		for (c = link->objs[OBJ_CLASS]; c; c = c->next)
			if (HANDLE_MAJOR(c->handle) == HANDLE_MAJOR(q->handle))
				kt_op(ops, OP_ADD, PHASE_BUILD, link, NULL, c);
	}
	for (f = link->objs[OBJ_FILTER]; f; f = f->next)
		kt_op(ops, OP_ADD, PHASE_CLASSIFY, link, NULL, f);
}

int kt_apply(struct ops *ops)
{
	int err;

	ctx_clear(&kt_ctx);
	err = kernel_apply(&kt_ctx, kt_nl, ops);
	CHECK(!err == !kt_ctx.error);
	arena_free(&ops->arena);
	memset(ops, 0, sizeof(*ops));
	return err;
}

struct tree *kt_dump(void)
{
	struct tree *tree;

	ctx_clear(&kt_ctx);
	MUST(!kernel_dump(&kt_ctx, kt_nl, NULL, NULL, &tree));
	return tree;
}

static const struct obj *find_same(const struct tree_link *link, const struct obj *w)
{
	const struct obj *p;

	for (p = link->objs[w->type]; p; p = p->next)
		if (p->parent == w->parent && p->prio == w->prio &&
		    (w->type == OBJ_FILTER || p->handle == w->handle))
			return p;
	return NULL;
}

void kt_check_holds(const struct tree_link *wanted, const struct tree_link *present)
{
	const struct obj *w, *p;
	int type;

	MUST(present);
	for (type = 0; type < OBJ_TYPES; type++)
		for (w = wanted->objs[type]; w; w = w->next) {
			p = find_same(present, w);
			if (!p)
				kt_fail(__FILE__, __LINE__, "no %s %x below %x", w->kind_name,
					w->handle, w->parent);
			else if (p->kind != w->kind || p->opaque ||
				 !opts_hold(w->kind, w->opts, p->opts))
				kt_fail(__FILE__, __LINE__, "%s %x does not hold what it should",
					w->kind_name, w->handle);
		}
}

void kt_send_frames(const char *dev, unsigned int n)
{
	unsigned char frame[1000] = {
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, ETH_P_IP >> 8, ETH_P_IP & 255,
		0x45, 0, 3, 0xda, 0, 0, 0, 0, 64, IPPROTO_UDP,
	};
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_halen = ETH_ALEN,
		.sll_ifindex = (int)if_nametoindex(dev),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	MUST(fd >= 0);
	while (n--)
		MUST(sendto(fd, frame, sizeof(frame), 0, (void *)&to, sizeof(to)) == sizeof(frame));
	close(fd);
}
